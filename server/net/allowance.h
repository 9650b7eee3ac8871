/* How much of something a peer may do: so many points at once, and so many a second after that.
 *
 * What is spent wears off with time, and is spent without asking: what somebody has already done
 * cannot be refused any more. Who goes over is to wait until it has worn off, for at most as long
 * as what they may have at once takes to come back. So whoever spends a point at a time, and only
 * while there is nothing to wait for, never spends more than burst + rate x time, whenever one
 * begins to count.
 *
 * Pure: the time is passed in. Zero-initialised storage has spent nothing.
 */
#ifndef TANDEM_NET_ALLOWANCE_H
#define TANDEM_NET_ALLOWANCE_H

#include <stdint.h>

struct allowance_terms {
    uint32_t per_minute; /* points, positive */
    uint32_t burst;      /* points, positive */
};

struct allowance {
    uint64_t
        spent; /* at at_ms, in 60,000ths of a point: what one point a minute wears off in a ms */
    uint64_t at_ms;
};

/* Times may be a little older than the last one, as threads read their clocks: nothing wears off.
 */
void allowance_spend(struct allowance *allowance, const struct allowance_terms *terms,
                     uint32_t points, uint64_t now_ms);
/* Some were not spent after all. */
void allowance_give_back(struct allowance *allowance, const struct allowance_terms *terms,
                         uint32_t points, uint64_t now_ms);
/* Until there is a point to spend; 0: there is one now. */
uint64_t allowance_wait_ms(const struct allowance *allowance, const struct allowance_terms *terms,
                           uint64_t now_ms);
/* What has not worn off yet, in points, rounded up. */
uint32_t allowance_spent(const struct allowance *allowance, const struct allowance_terms *terms,
                         uint64_t now_ms);

#endif

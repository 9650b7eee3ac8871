/* The slow lane: newcomers of addresses whose connections have come to nothing too often, taken up
 * so many a second, all of them together.
 *
 * Each address belongs to one of a fixed number of queues, chosen by a keyed hash, and the queues
 * take turns: an office with one broken device is one queue among others, however many connections
 * attackers elsewhere have waiting. First come, first served within a queue.
 *
 * Pure: the time is passed in, and who waits brings the memory for it.
 */
#ifndef TANDEM_NET_LANE_H
#define TANDEM_NET_LANE_H

#include <stdbool.h>

#include "server/net/allowance.h"

#define LANE_QUEUES 256u

/* A member of whoever waits. */
struct lane_place {
    struct lane_place *earlier, *later;
    uint32_t queue;
    bool taken;
};

/* Zero-initialised but for the terms, it is empty. */
struct lane {
    struct allowance_terms terms;
    struct allowance allowance;
    struct {
        struct lane_place *first, *last;
    } queues[LANE_QUEUES];
    uint32_t turn; /* whose queue is next */
    uint32_t count;
};

/* `hash`: of the address, under a secret. */
void lane_enter(struct lane *lane, struct lane_place *place, uint64_t hash);
/* Whoever waits in the place does so no more. Fine when nobody does. */
void lane_leave(struct lane *lane, struct lane_place *place);
/* Who is taken up now, out of the lane; NULL when nobody is. */
struct lane_place *lane_take(struct lane *lane, uint64_t now_ms);
/* Until lane_take() may give somebody; UINT64_MAX when nobody waits. */
uint64_t lane_wait_ms(const struct lane *lane, uint64_t now_ms);

#endif

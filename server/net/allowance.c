#include "server/net/allowance.h"

#define POINT 60000u

static uint64_t remaining(const struct allowance *allowance, const struct allowance_terms *terms,
                          uint64_t now_ms)
{
    uint64_t passed_ms = now_ms > allowance->at_ms ? now_ms - allowance->at_ms : 0;
    /* Divided first: hours and rates would not fit when multiplied. */
    if (passed_ms > allowance->spent / terms->per_minute)
        return 0;
    return allowance->spent - passed_ms * terms->per_minute;
}

void allowance_spend(struct allowance *allowance, const struct allowance_terms *terms,
                     uint32_t points, uint64_t now_ms)
{
    uint64_t most = 2 * (uint64_t)terms->burst * POINT;
    uint64_t spent = remaining(allowance, terms, now_ms) + (uint64_t)points * POINT;
    allowance->spent = spent < most ? spent : most;
    if (now_ms > allowance->at_ms)
        allowance->at_ms = now_ms;
}

void allowance_give_back(struct allowance *allowance, const struct allowance_terms *terms,
                         uint32_t points, uint64_t now_ms)
{
    const uint64_t spent = remaining(allowance, terms, now_ms), back = (uint64_t)points * POINT;
    allowance->spent = spent > back ? spent - back : 0;
    if (now_ms > allowance->at_ms)
        allowance->at_ms = now_ms;
}

uint64_t allowance_wait_ms(const struct allowance *allowance, const struct allowance_terms *terms,
                           uint64_t now_ms)
{
    uint64_t spent = remaining(allowance, terms, now_ms) + POINT;
    uint64_t most = (uint64_t)terms->burst * POINT;
    return spent <= most ? 0 : (spent - most + terms->per_minute - 1) / terms->per_minute;
}

uint32_t allowance_spent(const struct allowance *allowance, const struct allowance_terms *terms,
                         uint64_t now_ms)
{
    return (uint32_t)((remaining(allowance, terms, now_ms) + POINT - 1) / POINT);
}

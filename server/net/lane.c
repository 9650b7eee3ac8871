#include "server/net/lane.h"

#include <assert.h>
#include <stddef.h>

void lane_enter(struct lane *lane, struct lane_place *place, uint64_t hash)
{
    assert(!place->taken);
    uint32_t queue = (uint32_t)(hash % LANE_QUEUES);
    *place =
        (struct lane_place){.earlier = lane->queues[queue].last, .queue = queue, .taken = true};
    if (place->earlier)
        place->earlier->later = place;
    else
        lane->queues[queue].first = place;
    lane->queues[queue].last = place;
    lane->count++;
}

void lane_leave(struct lane *lane, struct lane_place *place)
{
    if (!place->taken)
        return;
    if (place->earlier)
        place->earlier->later = place->later;
    else
        lane->queues[place->queue].first = place->later;
    if (place->later)
        place->later->earlier = place->earlier;
    else
        lane->queues[place->queue].last = place->earlier;
    *place = (struct lane_place){.taken = false};
    lane->count--;
}

/* The first one of the queue whose turn it is. */
static struct lane_place *next_of(const struct lane *lane)
{
    for (uint32_t i = 0; i < LANE_QUEUES; i++) {
        struct lane_place *first = lane->queues[(lane->turn + i) % LANE_QUEUES].first;
        if (first)
            return first;
    }
    return NULL;
}

struct lane_place *lane_take(struct lane *lane, uint64_t now_ms)
{
    struct lane_place *place = lane_wait_ms(lane, now_ms) == 0 ? next_of(lane) : NULL;
    if (!place)
        return NULL;
    allowance_spend(&lane->allowance, &lane->terms, 1, now_ms);
    lane->turn = (place->queue + 1) % LANE_QUEUES;
    lane_leave(lane, place);
    return place;
}

uint64_t lane_wait_ms(const struct lane *lane, uint64_t now_ms)
{
    return lane->count > 0 ? allowance_wait_ms(&lane->allowance, &lane->terms, now_ms) : UINT64_MAX;
}

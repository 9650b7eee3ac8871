#include "shared_world.h"

#include <poll.h>
#include <signal.h>

struct peer peer;

int set_up_shared(void **state)
{
    memset(&peer, 0, sizeof peer);
    return set_up(state);
}

int tear_down_shared(void **state)
{
    peer_end(&peer, SIGKILL);
    return tear_down(state);
}

void turn(struct world *world)
{
    struct pollfd polled = {.fd = tandem_fd(world->client), .events = POLLIN};
    (void)poll(&polled, 1, 10);
    world->port.now++;
    (void)tandem_service(world->client);
}

const struct told *wait_for(struct world *world, tandem_event_kind kind)
{
    for (unsigned i = 0; i < TURNS_MOST; i++) {
        for (size_t at = 0; at < world->told_count; at++)
            if (world->told[at].kind == kind)
                return &world->told[at];
        turn(world);
    }
    fail_msg("it was not told");
    return NULL;
}

#include "server/net/presence_hub.h"

bool presence_hub_init(struct presence_hub *hub, presence_wake_fn *wake, void *context)
{
    pthread_mutex_init(&hub->mutex, NULL);
    hub->board = presence_new(wake, context);
    return hub->board;
}

void presence_hub_release(struct presence_hub *hub)
{
    if (!hub->board)
        return;
    presence_free(hub->board);
    pthread_mutex_destroy(&hub->mutex);
    hub->board = NULL;
}

struct presence *presence_hub_begin(struct presence_hub *hub)
{
    pthread_mutex_lock(&hub->mutex);
    return hub->board;
}

void presence_hub_end(struct presence_hub *hub)
{
    pthread_mutex_unlock(&hub->mutex);
}

void presence_hub_touched(struct presence_hub *hub, const struct notice *notice)
{
    presence_touched(presence_hub_begin(hub), notice);
    presence_hub_end(hub);
}

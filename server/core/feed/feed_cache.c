#include "server/core/feed/feed_cache.h"

#include "protocol/memory.h"
#include "server/core/session/session.h"

struct feed_cache *feed_cache_new(void)
{
    return memory_new(sizeof(struct feed_cache));
}

void feed_cache_clear(struct feed_cache *cache)
{
    for (unsigned i = 0; i < cache->count; i++) {
        frame_drop(cache->entries[i].frame);
    }
    cache->count = 0;
}

void feed_cache_free(struct feed_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    feed_cache_clear(cache);
    buffer_release(&cache->records);
    buffer_release(&cache->removed);
    buffer_release(&cache->purged);
    buffer_release(&cache->entered);
    buffer_release(&cache->message);
    memory_free(cache);
}

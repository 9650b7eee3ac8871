#include "server/core/feed/feed_cache.h"

#include "protocol/memory.h"
#include "server/core/session/session.h"

/* Places behind its own where an entry may stand. */
#define REACH 8u

struct feed_cache *feed_cache_new(void)
{
    return memory_new(sizeof(struct feed_cache));
}

void feed_cache_clear(struct feed_cache *cache)
{
    for (unsigned i = 0; i < cache->count; i++) {
        struct feed_entry *entry = &cache->entries[cache->used[i]];
        frame_drop(entry->frame);
        entry->frame = NULL;
        entry->used = false;
    }
    cache->count = 0;
    for (unsigned i = 0; i < FEED_CACHE_NOTES; i++) {
        frame_drop(cache->notes[i].frame);
        cache->notes[i].frame = NULL;
    }
}

/* Multiplying by the golden ratio's fraction (Knuth, The Art of Computer Programming 6.4) spreads
 * cursors, which are near each other, over all places. */
static unsigned place_of(const struct feed_key *key)
{
    uint64_t hash = (key->cursor ^ (key->scan << 1)) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ key->subscription ^ key->view_class) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(hash >> 32) % FEED_CACHE_ENTRIES;
}

static bool same_key(const struct feed_key *a, const struct feed_key *b)
{
    return a->view_class == b->view_class && a->subscription == b->subscription &&
           a->cursor == b->cursor && a->scan == b->scan && a->limit == b->limit &&
           a->complete == b->complete && a->unheld == b->unheld;
}

const struct feed_entry *feed_cache_find(const struct feed_cache *cache,
                                         const struct feed_key *key)
{
    unsigned place = place_of(key);
    for (unsigned i = 0; i < REACH; i++) {
        const struct feed_entry *entry = &cache->entries[(place + i) % FEED_CACHE_ENTRIES];
        if (entry->used && same_key(&entry->key, key)) {
            return entry;
        }
    }
    return NULL;
}

struct feed_entry *feed_cache_add(struct feed_cache *cache, const struct feed_key *key)
{
    unsigned place = place_of(key);
    for (unsigned i = 0; i < REACH; i++) {
        unsigned at = (place + i) % FEED_CACHE_ENTRIES;
        struct feed_entry *entry = &cache->entries[at];
        if (!entry->used || same_key(&entry->key, key)) {
            if (!entry->used) {
                cache->used[cache->count++] = (uint16_t)at;
            }
            frame_drop(entry->frame);
            *entry = (struct feed_entry){.key = *key, .used = true};
            return entry;
        }
    }
    return NULL;
}

struct frame *feed_cache_find_note(const struct feed_cache *cache, struct id note, uint64_t from,
                                   uint64_t *to)
{
    for (unsigned i = 0; i < FEED_CACHE_NOTES; i++) {
        const struct feed_note *kept = &cache->notes[i];
        if (kept->frame != NULL && kept->from == from && id_equal(kept->note, note)) {
            *to = kept->to;
            return kept->frame;
        }
    }
    return NULL;
}

void feed_cache_keep_note(struct feed_cache *cache, struct id note, uint64_t from, uint64_t to,
                          struct frame *frame)
{
    struct feed_note *kept = &cache->notes[cache->next_note];
    cache->next_note = (cache->next_note + 1) % FEED_CACHE_NOTES;
    frame_drop(kept->frame);
    *kept = (struct feed_note){note, from, to, frame_share(frame)};
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

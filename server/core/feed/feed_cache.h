/* Frames made during one turn of the loop, for others who are owed the very same bytes;
 * and the working memory that making frames needs, once a thread. */
#ifndef TANDEM_CORE_FEED_CACHE_H
#define TANDEM_CORE_FEED_CACHE_H

#include "server/core/feed/frame.h"
#include "server/core/record/record.h"

/* Slow clients stand at hundreds of different places when changes come faster than they are read.
 * A power of two. */
#define FEED_CACHE_ENTRIES 512u

/* What a frame depends on. Equal keys mean equal bytes. */
struct feed_key {
    uint64_t view_class;   /* access_view_class of the viewer */
    uint64_t subscription; /* fingerprint of what was asked for */
    uint64_t cursor;       /* what the client has */
    uint64_t scan;         /* what has been looked through for it */
    uint64_t limit;        /* how far this frame may go */
    uint64_t complete;     /* feed.complete */
    uint64_t unheld;       /* feed.unheld, where it says more than `complete` */
};

struct feed_entry {
    struct feed_key key;
    struct frame *frame; /* NULL: there is nothing to send */
    uint64_t to;
    bool used;
    bool more;
    bool complete; /* at `to` all there was had been looked through */
    bool news;     /* the frame tells more than progress */
};

/* Frames of live notes in one turn: few are busy at the same moment. */
#define FEED_CACHE_NOTES 16u

/* What follows a version of a note is the same for everybody. */
struct feed_note {
    struct id note;
    uint64_t from, to;
    struct frame *frame; /* NULL: not in use */
};

struct feed_cache {
    struct feed_entry entries[FEED_CACHE_ENTRIES]; /* found by the key's hash */
    uint16_t used[FEED_CACHE_ENTRIES];             /* places of those in use */
    unsigned count;
    struct feed_note notes[FEED_CACHE_NOTES];
    unsigned next_note; /* the place to be used next */
    struct record record;
    struct buffer records, removed, purged, entered, message;
};

/* The entry of this key, or NULL. */
const struct feed_entry *feed_cache_find(const struct feed_cache *cache,
                                         const struct feed_key *key);
/* An empty entry for this key, in place of the one it may have, to be filled in by the caller; its
 * frame is the cache's to drop. NULL when there is no room. */
struct feed_entry *feed_cache_add(struct feed_cache *cache, const struct feed_key *key);

/* The frame of what follows version `from` of the note, up to `*to`, the cache's own; NULL when there
 * is none. */
struct frame *feed_cache_find_note(const struct feed_cache *cache, struct id note, uint64_t from,
                                   uint64_t *to);
/* Keeps a reference of its own to the frame. */
void feed_cache_keep_note(struct feed_cache *cache, struct id note, uint64_t from, uint64_t to,
                          struct frame *frame);

#endif

/* Shared between feed.c (the frames), feed_collect.c (the records in them), feed_scopes.c (what
 * entered and what left) and feed_start.c (the request). */
#ifndef TANDEM_CORE_FEED_INTERNAL_H
#define TANDEM_CORE_FEED_INTERNAL_H

#include "server/core/feed/feed.h"

/* What one frame will say; the bytes gather in the buffers of the feed_cache. */
struct feed_batch {
    uint32_t records, removed, purged, entered;
    size_t records_begin, removed_begin;
    uint64_t to;
    bool more;
    bool shareable; /* the bytes are right for everybody of the same view class */
};

/* How much one call looks through before it reports progress, so that one client catching up on
 * things that are not for them does not hold up its thread's others. */
#define FEED_BUDGET 5000u

/* Gathers what is new behind feed->scan, up to `limit`. */
enum status feed_collect(struct feed *feed, const struct feed_context *context, uint64_t limit,
                         struct feed_batch *batch);
/* Gathers older records of the backfill at the front. */
enum status feed_collect_backfill(struct feed *feed, const struct feed_context *context,
                                  struct feed_batch *batch);

/* Lists the lanes anew and registers the interests of the session. */
enum status feed_list_lanes(struct feed *feed, const struct feed_context *context);
/* Appends to the cache's buffers which scopes left and entered since the client's cursor, and
 * notes the backfills that follow. */
enum status feed_collect_scopes(struct feed *feed, const struct feed_context *context,
                                struct feed_batch *batch);
bool feed_wants_scope(const struct feed *feed, struct scope scope);
/* False when out of memory. */
bool feed_add_backfill(struct feed *feed, struct backfill backfill);
void feed_drop_backfill(struct feed *feed, struct scope scope);

#endif

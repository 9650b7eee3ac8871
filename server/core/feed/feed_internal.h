/* Shared between feed.c (the frames), feed_collect.c (the records in them), feed_scopes.c (what
 * entered and what left), feed_start.c (the request), feed_prefer.c (what comes first) and
 * feed_check.c (checksums). */
#ifndef TANDEM_CORE_FEED_INTERNAL_H
#define TANDEM_CORE_FEED_INTERNAL_H

#include "server/core/feed/feed.h"

/* What one frame will say; the bytes gather in the buffers of the feed_cache. */
struct feed_batch {
    uint32_t records, removed, purged, entered;
    uint32_t examined; /* entries of the feed that were looked at for it */
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

/* Gathers records of a scope that stand between two seqs in these lanes of it. */
enum status feed_collect_ahead(struct feed *feed, const struct feed_context *context,
                               struct lanes *lanes, const struct backfill *ahead,
                               struct feed_batch *batch);
bool feed_wants_entity(const struct feed *feed, struct bytes entity);
/* Loads a record into the cache's. One the feed names but the store has forgotten since is no
 * error, it is not found: a tombstone pruned. */
enum status feed_load(const struct feed_context *context, struct id id, bool *found);
/* The lanes of a scope that meet the viewer, instead of what `lanes` holds. False when out of
 * memory. */
bool feed_open_lanes(struct lanes *lanes, const struct feed_context *context, struct scope scope);

/* How open a scope is, as access_opening(). To staff, accounts are open that nobody restricts, and
 * so is an id that is none; they are not to tell such a one from an account that is closed to them,
 * so here it is closed as well. */
enum status feed_opening(const struct feed_context *context, struct scope scope,
                         struct opening *out);

/* How far a frame may go. */
uint64_t feed_limit(const struct feed *feed, const struct feed_context *context);
/* Empties the cache's buffers for a new frame. */
void feed_begin_batch(struct feed_cache *cache, struct feed_batch *batch);
/* A frame of what the batch gathered; NULL when out of memory. */
struct frame *feed_backfill_frame(struct feed_cache *cache, const struct backfill *backfill,
                                  const struct feed_batch *batch, bool ahead);
/* The next frame of the backfill at the front, or none when it has been given up. */
enum status feed_next_backfill(struct feed *feed, const struct feed_context *context,
                               struct frame **out);

/* A frame of what is preferred; none when nothing of it is to come first, now or any more. */
enum status feed_next_preferred(struct feed *feed, const struct feed_context *context,
                                struct frame **out);
/* Puts the backfills of what is preferred in front of the others. */
void feed_order_backfills(struct feed *feed);
/* A new subscription: everything preferred is to come again. */
void feed_restart_preferred(struct feed *feed);
void feed_forget_preferred(struct feed *feed);

/* The checksums, once they are made; nothing else may be owed. */
enum status feed_next_sums(struct feed *feed, const struct feed_context *context,
                           struct frame **out);
void feed_forget_check(struct feed *feed);

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

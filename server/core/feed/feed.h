/* What a subscription owes its client next, made from the store at the moment it can be sent.
 *
 * Staff who watch everything are served from the feed of all changes; everybody else from the
 * lanes of the scopes open to them, so that what they may not see costs nothing and shows in
 * nothing. A frame covers the changes behind the client's cursor, up to the head or until it is
 * full, and never splits a mutation. Scopes that entered are filled from their own lanes, from
 * the beginning to where the client stood.
 *
 *     feed_start -> feed_next ... (frames, until there is nothing) <- feed_acknowledge
 *                        ^ feed_mark_lane, feed_mark  when something moved
 *
 * `scan` is how far has been looked through, `client_cursor` how far the client was told; they
 * differ when what was looked through held nothing for this client, who then hears nothing.
 *
 * What a client prefers is sent ahead while the rest is still on its way (feed_prefer.c). Checksums
 * of scopes are made once nothing else is owed, a stretch at a time (feed_check.c).
 */
#ifndef TANDEM_CORE_FEED_H
#define TANDEM_CORE_FEED_H

#include "protocol/message.h"
#include "server/core/access/access.h"
#include "server/core/feed/feed_cache.h"
#include "server/core/feed/interest.h"
#include "server/core/feed/lanes.h"

struct backfill {
    struct scope scope;
    uint64_t from, until;
};

struct feed_prefer; /* what the client wants first */
struct feed_check;  /* checksums that were asked for */

/* Zero-initialised storage is a subscription that is not active. */
struct feed {
    bool active;
    bool everything; /* all scopes, as staff: read the feed of all changes */
    bool told;       /* caught-up was sent since the last start or backfill */
    bool due;
    bool rebuild; /* lanes must be listed anew: access changed */
    bool backfill_open;
    bool all_scopes, all_entities;
    bool more;        /* the newest `changes` told that there is more behind them */
    bool unordered;   /* backfills may have to be put into the order that is preferred */
    bool check_waits; /* until something moves */
    struct feed_prefer *prefer; /* NULL: nothing */
    uint32_t prefer_run;        /* frames of what is preferred since `changes` went on */
    struct feed_check *check;   /* NULL: none */
    uint32_t backfill_count, backfill_capacity;
    uint64_t client_cursor, scan, seeded;
    uint64_t complete; /* all there was up to here was looked through at one moment, see feed.c */
    uint64_t owed;     /* the client is to hear of progress up to here, with or without news */
    uint64_t unheld;   /* what was gone by this seq is not held: the replica was empty then */
    /* Of what was asked for, and of the lanes it comes to, but the own scope's. */
    uint64_t fingerprint;
    uint64_t access_told; /* meta.access_seq that the client has been told of */
    uint64_t frames_sent, frames_acked;
    uint32_t own_first, own_count; /* lanes of the viewer's own scope */
    struct lanes lanes;
    uint64_t asked; /* fingerprint of what was asked for alone */
    struct scope *wanted;
    uint32_t wanted_count;
    struct buffer entities; /* encoded array of names */
    struct backfill *backfills;
    struct lanes backfill_lanes;
};

/* One look at the world, for the length of one call. */
struct feed_context {
    const struct state *state;
    const struct meta *meta;
    const struct principal *who;
    struct interest *interest;
    struct session *session;
    struct feed_cache *cache;
    uint64_t view_class; /* of `who` */
};

void feed_release(struct feed *feed);

/* Begins a subscription as asked, replacing the present one. `reset` becomes the reason why the
 * replica must start over, or NULL. INVALID_VALUE with the field in `fault` for a request that
 * makes no sense, LIMIT, NO_MEMORY; after an error there is no subscription. */
enum status feed_start(struct feed *feed, const struct feed_context *context,
                       const struct msg_subscribe *request, const char **reset,
                       struct fault *fault);
/* Ends the subscription, and a check with it; what is preferred stays. */
void feed_stop(struct feed *feed);

/* Replaces what is preferred by an encoded array of scopes, with or without a subscription. As
 * feed_start(); after an error nothing has changed. */
enum status feed_prefer(struct feed *feed, struct bytes scopes, struct fault *fault);
/* Asks for the checksums of an encoded array of scopes: feed_next() gives them in their turn.
 * UNEXPECTED without a subscription or while another is under way, else as feed_start(). */
enum status feed_check(struct feed *feed, uint64_t request, struct bytes scopes,
                       struct fault *fault);

/* The next frame, with a reference for the caller; NULL when nothing is owed now, the client has
 * not acknowledged enough, or (feed_due() tells) a check goes on with the next call. An error is one of the store, or NO_MEMORY. */
enum status feed_next(struct feed *feed, const struct feed_context *context, struct frame **out);
/* Whether deletions that the client was not told of yet are forgotten: it was connected all the
 * time and read nothing. Then the replica must start over. */
bool feed_outlived(const struct feed *feed, const struct meta *meta);
/* INVALID_VALUE when the client acknowledges what was never sent. */
enum status feed_acknowledge(struct feed *feed, uint64_t frames);

/* A mutation of the client's own was taken at `seq`, which this thread has been told of. */
void feed_owe(struct feed *feed, uint64_t seq);
/* Something moved: in all, in one lane, or in the rows that open scopes. */
void feed_mark(struct feed *feed);
void feed_mark_lane(struct feed *feed, uint32_t lane);
void feed_mark_access(struct feed *feed);
bool feed_due(const struct feed *feed);

#endif

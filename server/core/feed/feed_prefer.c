/* What a client wants before the rest: the accounts its user is looking at.
 *
 * While there is much to send, `changes` go from the client's cursor to the head in the order of
 * seqs, and what somebody waits for can be anywhere on the way. So the lanes of a preferred scope
 * are read on their own, from the cursor to where `changes` will end, by the same gate as a
 * backfill: what is there and may be seen. Nothing is remembered of it but how far it went, since
 * `changes` will tell all of it again, and everything that leaves in between.
 *
 * `changes` go on all the same, one frame after so many of these: what is preferred can be the
 * whole of a big account, or one after another, and news of everything else must not wait for its
 * end.
 *
 * Only with a cursor behind 0, as one at 0 hears of no purge; only when `changes` have begun and
 * there is more; and only once the client has been told of every scope that entered or left. For a
 * scope that is closed, not wanted or not there nothing is looked into, registered or sent. */
#include "server/core/feed/feed_internal.h"

#include "protocol/memory.h"
#include "protocol/wire.h"

/* Entries that one call looks at in vain before `changes` go on; the rest is for the next call. */
#define VAIN_BUDGET 250u
/* Frames of what is preferred for one of `changes`. It is counted over the subscription, so that
 * preferring anew gives no more. */
#define PREFER_RUN 4u

struct feed_prefer {
    struct scope scopes[LIMIT_PREFER];
    uint32_t count;
    uint32_t at;  /* those before have been sent ahead */
    bool started; /* the one at `at` is under way: */
    struct backfill ahead;
    struct lanes lanes;
};

static bool holds(const struct feed_prefer *prefer, struct scope scope)
{
    for (uint32_t i = 0; i < prefer->count; i++) {
        if (scope_equal(prefer->scopes[i], scope)) {
            return true;
        }
    }
    return false;
}

static enum status read_scopes(struct feed_prefer *prefer, struct bytes encoded,
                               struct fault *fault)
{
    struct bytes field = bytes_text("scopes");
    struct wire_reader reader = wire_read(encoded);
    uint32_t count;
    if (!wire_get_array(&reader, &count)) {
        return fault_set(fault, STATUS_WRONG_KIND, field, "must be an array of scopes");
    }
    if (count > LIMIT_PREFER) {
        return fault_set(fault, STATUS_LIMIT, field, "at most %u scopes can be preferred",
                         LIMIT_PREFER);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct bytes octets;
        struct scope scope;
        if (!wire_get_bin(&reader, &octets) || !scope_from_bytes(octets, &scope)) {
            return fault_set(fault, STATUS_INVALID_VALUE, field, "element %u is not a scope", i);
        }
        if (!holds(prefer, scope)) {
            prefer->scopes[prefer->count++] = scope;
        }
    }
    return STATUS_OK;
}

static void release(struct feed_prefer *prefer)
{
    if (prefer != NULL) {
        lanes_release(&prefer->lanes);
        memory_free(prefer);
    }
}

void feed_forget_preferred(struct feed *feed)
{
    release(feed->prefer);
    feed->prefer = NULL;
}

enum status feed_prefer(struct feed *feed, struct bytes scopes, struct fault *fault)
{
    struct feed_prefer *prefer = memory_new(sizeof *prefer);
    if (prefer == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = read_scopes(prefer, scopes, fault);
    if (status != STATUS_OK) {
        release(prefer);
        return status;
    }
    feed_forget_preferred(feed);
    if (prefer->count == 0) {
        release(prefer);
        return STATUS_OK;
    }
    feed->prefer = prefer;
    feed->unordered = true;
    return STATUS_OK;
}

void feed_restart_preferred(struct feed *feed)
{
    if (feed->prefer != NULL) {
        feed->prefer->at = 0;
        feed->prefer->started = false;
        feed->unordered = true;
    }
}

/* ---- Backfills ---- */

/* Moves the backfill at `from` before the one at `to`. */
static void move(struct feed *feed, uint32_t from, uint32_t to)
{
    struct backfill moved = feed->backfills[from];
    for (uint32_t i = from; i > to; i--) {
        feed->backfills[i] = feed->backfills[i - 1];
    }
    feed->backfills[to] = moved;
    feed->backfill_open = feed->backfill_open && to > 0;
}

void feed_order_backfills(struct feed *feed)
{
    const struct feed_prefer *prefer = feed->prefer;
    uint32_t ordered = 0;
    if (!feed->unordered) {
        return;
    }
    feed->unordered = false;
    for (uint32_t i = 0; prefer != NULL && i < prefer->count; i++) {
        for (uint32_t at = ordered; at < feed->backfill_count; at++) {
            if (scope_equal(feed->backfills[at].scope, prefer->scopes[i])) {
                if (at > ordered) {
                    move(feed, at, ordered);
                }
                ordered++;
                break;
            }
        }
    }
}

/* ---- Ahead ---- */

static void step(struct feed_prefer *prefer)
{
    prefer->at++;
    prefer->started = false;
}

/* Whether the scope at `at` may be sent now: wanted and open, as at each frame. */
static enum status look_at(struct feed *feed, const struct feed_context *context, bool *open)
{
    struct feed_prefer *prefer = feed->prefer;
    struct scope scope = prefer->scopes[prefer->at];
    struct opening opening;
    *open = false;
    if (!feed_wants_scope(feed, scope)) {
        return STATUS_OK;
    }
    enum status status = feed_opening(context, scope, &opening);
    *open = status == STATUS_OK && opening.open;
    if (!*open || prefer->started) {
        return status;
    }
    prefer->ahead = (struct backfill){scope, feed->client_cursor, feed_limit(feed, context)};
    prefer->started = true;
    return feed_open_lanes(&prefer->lanes, context, scope) ? STATUS_OK : STATUS_NO_MEMORY;
}

/* What is next of the scope at `at`; nothing when there is none, which ends it. Adds to `examined`
 * the entries that were looked at. */
static enum status next_ahead(struct feed *feed, const struct feed_context *context,
                              uint32_t *examined, struct frame **out)
{
    struct feed_prefer *prefer = feed->prefer;
    struct feed_batch batch;
    bool open;
    enum status status = look_at(feed, context, &open);
    if (status != STATUS_OK || !open) {
        step(prefer);
        return status;
    }
    feed_begin_batch(context->cache, &batch);
    status = feed_collect_ahead(feed, context, &prefer->lanes, &prefer->ahead, &batch);
    if (status != STATUS_OK) {
        return status;
    }
    *examined += batch.examined;
    if (batch.records > 0 || batch.more) {
        *out = feed_backfill_frame(context->cache, &prefer->ahead, &batch, true);
        if (*out == NULL) {
            return STATUS_NO_MEMORY;
        }
        feed->frames_sent++;
    }
    prefer->ahead.from = batch.to;
    if (!batch.more) {
        step(prefer);
    }
    return STATUS_OK;
}

enum status feed_next_preferred(struct feed *feed, const struct feed_context *context,
                                struct frame **out)
{
    struct feed_prefer *prefer = feed->prefer;
    enum status status = STATUS_OK;
    uint32_t examined = 0;
    if (!feed->more || feed->client_cursor == 0 || context->meta->access_seq > feed->access_told) {
        return STATUS_OK;
    }
    if (feed->prefer_run >= PREFER_RUN) {
        feed->prefer_run = 0;
        return STATUS_OK;
    }
    feed_order_backfills(feed);
    while (status == STATUS_OK && *out == NULL && feed->backfill_count > 0 &&
           holds(prefer, feed->backfills[0].scope)) {
        status = feed_next_backfill(feed, context, out);
    }
    while (status == STATUS_OK && *out == NULL && prefer->at < prefer->count &&
           examined < VAIN_BUDGET) {
        status = next_ahead(feed, context, &examined, out);
    }
    if (*out != NULL) {
        feed->prefer_run++;
    }
    return status;
}

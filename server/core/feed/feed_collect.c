/* Which records a frame holds. The happy path: step to the next entry, load the record, ask the
 * gate, append the viewer's view of it. A frame ends only between mutations, so that the client
 * applies each whole. */
#include "server/core/feed/feed_internal.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/record/view.h"

enum judgement { JUDGE_SKIP, JUDGE_SEND, JUDGE_REMOVE };

static struct id last_id(void)
{
    struct id last;
    memset(last.octet, 0xff, sizeof last.octet);
    return last;
}

/* Whether viewers of one view class can differ about what is in the scope: it is somebody's own, or
 * an account that is or was restricted. */
static bool is_personal(const struct principal *who, struct scope scope,
                        const struct opening *opening)
{
    bool always_open = opening->open && opening->since == 1;
    return scope.kind == SCOPE_USER ||
           (!who->partner && scope.kind == SCOPE_ACCOUNT && !always_open);
}

/* Whether a replica at `cursor` can hold the record although it may not be seen (any more): a
 * placement for this viewer, in a scope that is open to them, ended since. A scope that closed
 * itself has been purged whole. */
static enum status may_be_held(const struct feed *feed, const struct feed_context *context,
                               const struct record *record, uint64_t cursor, bool *held,
                               bool *shareable)
{
    *held = false;
    for (unsigned i = 0; i < record->placement_count && !*held; i++) {
        const struct placement *placement = &record->placements[i];
        if (placement->removed <= cursor || placement->removed <= feed->unheld ||
            !access_holds_tag(context->who, placement->tag) ||
            !feed_wants_scope(feed, placement->scope)) {
            continue;
        }
        struct opening opening;
        enum status status =
            access_opening(context->state, context->who, placement->scope, &opening);
        if (status != STATUS_OK) {
            return status;
        }
        if (is_personal(context->who, placement->scope, &opening)) {
            *shareable = false;
        }
        /* What ended before the scope opened was never sent: not even its id is for them. */
        *held = opening.open && placement->removed > opening.since;
    }
    return STATUS_OK;
}

/* `at` is where the entry stands that led to the record. When the viewer's newest change of it lies
 * behind that, another of their lanes has it there: sent now, it would be in a frame that does not
 * lead so far. */
static enum status judge(const struct feed *feed, const struct feed_context *context,
                         const struct record *record, uint64_t cursor, uint64_t at,
                         enum judgement *out, bool *shareable)
{
    struct opening opening;
    enum status status = access_opening(context->state, context->who, record->scope, &opening);
    if (status != STATUS_OK) {
        return status;
    }
    if (is_personal(context->who, record->scope, &opening)) {
        *shareable = false;
    }
    if (feed_wants_scope(feed, record->scope) &&
        access_judge(context->who, &opening, record, ACTION_READ).allowed) {
        uint64_t seq = view_seq(context->who, record);
        *out = seq > cursor && seq <= at ? JUDGE_SEND : JUDGE_SKIP;
        return STATUS_OK;
    }
    bool held;
    status = may_be_held(feed, context, record, cursor, &held, shareable);
    *out = status == STATUS_OK && held ? JUDGE_REMOVE : JUDGE_SKIP;
    return status;
}

bool feed_wants_entity(const struct feed *feed, struct bytes entity)
{
    if (feed->all_entities) {
        return true;
    }
    struct wire_reader reader = wire_read(buffer_bytes(&feed->entities));
    uint32_t count;
    struct bytes name;
    if (!wire_get_array(&reader, &count)) {
        return false;
    }
    while (count-- > 0 && wire_get_str(&reader, &name)) {
        if (bytes_equal(name, entity)) {
            return true;
        }
    }
    return false;
}

enum status feed_load(const struct feed_context *context, struct id id, bool *found)
{
    struct bytes encoded;
    enum status status = context->state->ops->record(context->state->self, id, &encoded);
    *found = status == STATUS_OK;
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    return status == STATUS_OK ? record_decode(encoded, &context->cache->record) : status;
}

/* A stretch of the feed to gather. */
struct stretch;

/* Looks at one record, found at `at`, and gathers what is owed of it. */
typedef enum status take_fn(const struct feed *feed, const struct feed_context *context,
                            const struct stretch *stretch, const struct record *record, uint64_t at,
                            struct feed_batch *batch);

struct stretch {
    struct lanes *lanes; /* NULL: the feed of everything */
    uint64_t from, limit;
    take_fn *take;
    struct scope scope; /* of what is present in it */
};

/* What changed behind what the client has: the record, or that it is gone. */
static enum status take_change(const struct feed *feed, const struct feed_context *context,
                               const struct stretch *stretch, const struct record *record,
                               uint64_t at, struct feed_batch *batch)
{
    (void)stretch;
    enum judgement judgement;
    enum status status =
        judge(feed, context, record, feed->complete, at, &judgement, &batch->shareable);
    if (status != STATUS_OK) {
        return status;
    }
    if (judgement == JUDGE_SEND) {
        view_encode(&context->cache->records, context->who, record);
        batch->records++;
    } else if (judgement == JUDGE_REMOVE) {
        wire_put_id(&context->cache->removed, record->id);
        batch->removed++;
    }
    return STATUS_OK;
}

/* What there is of the scope: the record, when it may be seen. The lanes of a scope also name what
 * has left it. */
static enum status take_present(const struct feed *feed, const struct feed_context *context,
                                const struct stretch *stretch, const struct record *record,
                                uint64_t at, struct feed_batch *batch)
{
    (void)feed;
    bool here = scope_equal(record->scope, stretch->scope) && view_seq(context->who, record) <= at;
    enum status status =
        here ? view_allowed(context->state, context->who, record) : STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        view_encode(&context->cache->records, context->who, record);
        batch->records++;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status first_entry(const struct stretch *stretch, const struct state *state,
                               uint64_t *seq, struct id *id)
{
    if (stretch->lanes == NULL) {
        return state->ops->feed_next(state->self, seq, id);
    }
    return lanes_first(stretch->lanes, state, stretch->from, seq, id);
}

static enum status take_entry(const struct feed *feed, const struct feed_context *context,
                              const struct stretch *stretch, uint64_t at, struct id id,
                              struct feed_batch *batch)
{
    bool found;
    enum status status = feed_load(context, id, &found);
    const struct record *record = &context->cache->record;
    if (status != STATUS_OK || !found || !feed_wants_entity(feed, record->entity)) {
        return status;
    }
    return stretch->take(feed, context, stretch, record, at, batch);
}

static size_t gathered(const struct feed_cache *cache)
{
    return cache->records.size + cache->removed.size;
}

/* Takes an entry that begins another mutation, unless what was gathered before would become too
 * large by it: a frame and its envelope are to leave in one TLS record. */
static enum status take_if_fits(const struct feed *feed, const struct feed_context *context,
                                const struct stretch *stretch, uint64_t at, struct id id,
                                struct feed_batch *batch, bool *fits)
{
    struct feed_cache *cache = context->cache;
    const struct feed_batch before = *batch;
    const size_t records = cache->records.size, removed = cache->removed.size;
    enum status status = take_entry(feed, context, stretch, at, id, batch);
    *fits = status != STATUS_OK || before.records + before.removed == 0 ||
            gathered(cache) <= LIMIT_FRAME_TARGET;
    if (!*fits) {
        *batch = before;
        cache->records.size = records;
        cache->removed.size = removed;
    }
    return status;
}

static enum status stop(struct feed_batch *batch, uint64_t to, bool more)
{
    batch->to = to;
    batch->more = more;
    return STATUS_OK;
}

static enum status gather(const struct feed *feed, const struct feed_context *context,
                          const struct stretch *stretch, struct feed_batch *batch)
{
    uint64_t seq = stretch->from, whole = stretch->from;
    struct id id = last_id(), taken = last_id();
    for (uint32_t examined = 0;; examined++) {
        batch->examined = examined;
        enum status status = first_entry(stretch, context->state, &seq, &id);
        bool end = status == STATUS_NOT_FOUND || (status == STATUS_OK && seq > stretch->limit);
        if (!end && status != STATUS_OK) {
            return status;
        }
        if (end) {
            return stop(batch, stretch->limit, false);
        }
        /* Frames cover whole mutations: one can end where another begins. */
        bool may_end = seq != whole && whole > stretch->from, fits = true;
        if (may_end &&
            (gathered(context->cache) >= LIMIT_FRAME_TARGET || examined >= FEED_BUDGET)) {
            return stop(batch, whole, true);
        }
        if (may_end) {
            status = take_if_fits(feed, context, stretch, seq, id, batch, &fits);
        } else if (seq != whole || !id_equal(id, taken)) {
            /* One record can stand in several lanes. */
            status = take_entry(feed, context, stretch, seq, id, batch);
        }
        taken = id;
        if (!fits) {
            return stop(batch, whole, true);
        }
        whole = seq;
        if (status == STATUS_OK && stretch->lanes != NULL) {
            status = lanes_step(stretch->lanes, context->state);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
}

enum status feed_collect(struct feed *feed, const struct feed_context *context, uint64_t limit,
                         struct feed_batch *batch)
{
    struct stretch stretch = {.lanes = feed->everything ? NULL : &feed->lanes,
                              .from = feed->scan,
                              .limit = limit,
                              .take = take_change};
    return gather(feed, context, &stretch, batch);
}

enum status feed_collect_ahead(struct feed *feed, const struct feed_context *context,
                               struct lanes *lanes, const struct backfill *ahead,
                               struct feed_batch *batch)
{
    struct stretch stretch = {lanes, ahead->from, ahead->until, take_present, ahead->scope};
    return gather(feed, context, &stretch, batch);
}

enum status feed_collect_backfill(struct feed *feed, const struct feed_context *context,
                                  struct feed_batch *batch)
{
    return feed_collect_ahead(feed, context, &feed->backfill_lanes, &feed->backfills[0], batch);
}

/* A record stands in the feed of all changes, and in a lane of the company's, at its newest change,
 * also when this viewer does not see that one. What they do see of it can be older than where a
 * frame ended, and still not have been sent: when that frame was made, the record stood behind its
 * end already. Only a frame that reached the head leaves nothing so behind. So what the client has
 * is told by feed.complete, the end of the newest such frame, and not by its cursor; a subscription
 * that is resumed does not know of any, and sends such a record once more. */
#include "server/core/feed/feed_internal.h"

#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"

void feed_release(struct feed *feed)
{
    feed_forget_preferred(feed);
    feed_forget_check(feed);
    lanes_release(&feed->lanes);
    lanes_release(&feed->backfill_lanes);
    buffer_release(&feed->entities);
    memory_free(feed->wanted);
    memory_free(feed->backfills);
    *feed = (struct feed){0};
}

void feed_stop(struct feed *feed)
{
    struct feed_prefer *prefer = feed->prefer;
    feed->prefer = NULL;
    feed_release(feed);
    feed->prefer = prefer;
    feed_restart_preferred(feed);
}

/* Appends `{gathered}` as an encoded array to the message under construction. */
static struct bytes close_array(struct buffer *gathered, size_t begin, uint32_t count)
{
    wire_end(gathered, begin, count);
    return buffer_bytes(gathered);
}

static void clear_buffers(struct feed_cache *cache)
{
    buffer_clear(&cache->records);
    buffer_clear(&cache->removed);
    buffer_clear(&cache->purged);
    buffer_clear(&cache->entered);
    buffer_clear(&cache->message);
}

static struct frame *frame_of(struct feed_cache *cache, const struct message *message)
{
    message_encode(&cache->message, message);
    bool failed = cache->message.failed || cache->records.failed || cache->removed.failed ||
                  cache->purged.failed || cache->entered.failed;
    return failed ? NULL : frame_new(buffer_bytes(&cache->message));
}

static struct frame *changes_frame(const struct feed *feed, struct feed_cache *cache,
                                   const struct feed_batch *batch, uint64_t head)
{
    struct message message = {.type = MESSAGE_CHANGES};
    struct msg_changes *changes = &message.as.changes;
    changes->from = feed->client_cursor;
    changes->to = batch->to;
    changes->purged = close_array(&cache->purged, 0, batch->purged);
    changes->entered = close_array(&cache->entered, 0, batch->entered);
    changes->records = close_array(&cache->records, 0, batch->records);
    changes->removed = close_array(&cache->removed, 0, batch->removed);
    changes->more = batch->more;
    changes->head = head;
    if (batch->purged > 0) {
        message_mark(&message, "purged");
    }
    if (batch->entered > 0) {
        message_mark(&message, "entered");
    }
    if (batch->records > 0) {
        message_mark(&message, "records");
    }
    if (batch->removed > 0) {
        message_mark(&message, "removed");
    }
    if (batch->more) {
        message_mark(&message, "more");
        message_mark(&message, "head");
    }
    return frame_of(cache, &message);
}

void feed_begin_batch(struct feed_cache *cache, struct feed_batch *batch)
{
    clear_buffers(cache);
    *batch = (struct feed_batch){.shareable = true};
    wire_begin_array(&cache->purged);
    wire_begin_array(&cache->entered);
    wire_begin_array(&cache->records);
    wire_begin_array(&cache->removed);
}

/* The client has been told of everything up to `to`. What a backfill still owes can move behind its
 * end, so that nothing is complete before it is done. */
static void advance(struct feed *feed, uint64_t to, bool more, bool complete,
                    const struct frame *frame)
{
    feed->scan = to;
    feed->complete = complete && feed->backfill_count == 0 ? to : feed->complete;
    if (frame != NULL) {
        feed->client_cursor = to;
        feed->frames_sent++;
    }
    feed->due = feed->more = more;
}

static void remember(struct feed_cache *cache, const struct feed_key *key,
                     const struct feed_batch *batch, bool complete, struct frame *frame)
{
    struct feed_entry *entry = feed_cache_add(cache, key);
    if (entry == NULL) {
        return;
    }
    entry->frame = frame != NULL ? frame_share(frame) : NULL;
    entry->to = batch->to;
    entry->more = batch->more;
    entry->complete = complete;
    entry->news = batch->records + batch->removed > 0;
}

/* A client not yet told that it is caught up hears of progress even without news, and so does one
 * whose own mutation was taken and shows it nothing: it waits to be past it. Others hear nothing
 * then. */
static bool awaits_progress(const struct feed *feed)
{
    return !feed->told || feed->client_cursor < feed->owed;
}

static bool recall(struct feed *feed, const struct feed_cache *cache, const struct feed_key *key,
                   struct frame **out)
{
    const struct feed_entry *entry = feed_cache_find(cache, key);
    if (entry == NULL || (entry->frame == NULL && awaits_progress(feed))) {
        return false;
    }
    bool owed = entry->news || entry->more || awaits_progress(feed);
    struct frame *frame = owed ? entry->frame : NULL;
    *out = frame != NULL ? frame_share(frame) : NULL;
    advance(feed, entry->to, entry->more, entry->complete, frame);
    return true;
}

/* How far a frame may go: to the head for who reads everything. Lanes are only known up to the
 * newest notice this thread has been told of, or to where all of them were looked into. */
uint64_t feed_limit(const struct feed *feed, const struct feed_context *context)
{
    uint64_t head = context->meta->seq;
    if (feed->everything) {
        return head;
    }
    uint64_t announced = interest_announced(context->interest);
    uint64_t known = announced > feed->seeded ? announced : feed->seeded;
    return known < head ? known : head;
}

/* Which scopes entered or left, when access changed anywhere. A scope that entered is read from
 * the client's own cursor on, also where this feed had already looked past. */
static enum status next_scopes(struct feed *feed, const struct feed_context *context,
                               struct feed_batch *batch, bool *any)
{
    *any = false;
    if (context->meta->access_seq <= feed->access_told) {
        return STATUS_OK;
    }
    enum status status = feed_collect_scopes(feed, context, batch);
    *any = batch->entered + batch->purged > 0;
    if (status == STATUS_OK && *any) {
        feed->scan = feed->client_cursor;
        feed->complete = 0; /* of a scope that entered nothing was looked through */
        feed->told = feed->told && feed->backfill_count == 0;
        status = feed_list_lanes(feed, context);
    }
    if (status == STATUS_OK) {
        feed->access_told = context->meta->access_seq;
    }
    return status;
}

/* `changes`, when there is something to tell: new or gone records or scopes; or progress that the
 * client awaits. */
static enum status next_changes(struct feed *feed, const struct feed_context *context,
                                struct frame **out)
{
    struct feed_cache *cache = context->cache;
    struct feed_batch batch;
    feed_begin_batch(cache, &batch);
    if (feed->client_cursor == 0) {
        feed->unheld = context->meta->seq;
    }
    bool scopes;
    enum status status = next_scopes(feed, context, &batch, &scopes);
    if (status != STATUS_OK) {
        return status;
    }
    struct feed_key key = {context->view_class,
                           feed->fingerprint,
                           feed->client_cursor,
                           feed->scan,
                           feed_limit(feed, context),
                           feed->complete,
                           feed->complete < feed->unheld ? feed->unheld : 0};
    /* Nobody else's frame holds what is in the viewer's own scope. */
    bool common =
        !scopes && !lanes_may_hold(&feed->lanes, feed->own_first, feed->own_count, key.limit);
    if (common && recall(feed, cache, &key, out)) {
        return STATUS_OK;
    }
    status = feed_collect(feed, context, key.limit, &batch);
    if (status != STATUS_OK) {
        return status;
    }
    bool news = scopes || batch.records + batch.removed > 0;
    bool progress = batch.more || (awaits_progress(feed) && batch.to > feed->client_cursor);
    if (news || progress) {
        *out = changes_frame(feed, cache, &batch, key.limit);
        if (*out == NULL) {
            return STATUS_NO_MEMORY;
        }
    }
    bool complete = !batch.more && batch.to == context->meta->seq;
    if (batch.shareable && common) {
        remember(cache, &key, &batch, complete, *out);
    }
    advance(feed, batch.to, batch.more, complete, *out);
    return STATUS_OK;
}

bool feed_open_lanes(struct lanes *lanes, const struct feed_context *context, struct scope scope)
{
    lanes_clear(lanes);
    for (unsigned i = 0; i < context->who->tag_count; i++) {
        if (!lanes_add(lanes, scope, context->who->tags[i])) {
            return false;
        }
    }
    return true;
}

static enum status open_backfill(struct feed *feed, const struct feed_context *context, bool *open)
{
    const struct backfill *backfill = &feed->backfills[0];
    struct opening opening;
    enum status status = feed_opening(context, backfill->scope, &opening);
    *open = status == STATUS_OK && opening.open;
    if (status != STATUS_OK || !*open || feed->backfill_open) {
        return status;
    }
    if (!feed_open_lanes(&feed->backfill_lanes, context, backfill->scope)) {
        return STATUS_NO_MEMORY;
    }
    feed->backfill_open = true;
    return STATUS_OK;
}

struct frame *feed_backfill_frame(struct feed_cache *cache, const struct backfill *backfill,
                                  const struct feed_batch *batch, bool ahead)
{
    struct message message = {.type = MESSAGE_BACKFILL};
    message.as.backfill = (struct msg_backfill){
        .scope = backfill->scope,
        .from = backfill->from,
        .to = batch->to,
        .until = backfill->until,
        .records = close_array(&cache->records, 0, batch->records),
        .done = !batch->more,
        .ahead = ahead,
    };
    if (ahead) {
        message_mark(&message, "ahead");
    }
    return frame_of(cache, &message);
}

enum status feed_next_backfill(struct feed *feed, const struct feed_context *context,
                               struct frame **out)
{
    feed_order_backfills(feed);
    struct backfill *backfill = &feed->backfills[0];
    bool open;
    enum status status = open_backfill(feed, context, &open);
    if (status != STATUS_OK) {
        return status;
    }
    if (!open) {
        feed_drop_backfill(feed, backfill->scope);
        return STATUS_OK;
    }
    struct feed_batch batch;
    feed_begin_batch(context->cache, &batch);
    status = feed_collect_backfill(feed, context, &batch);
    if (status != STATUS_OK) {
        return status;
    }
    *out = feed_backfill_frame(context->cache, backfill, &batch, false);
    if (*out == NULL) {
        return STATUS_NO_MEMORY;
    }
    feed->frames_sent++;
    backfill->from = batch.to;
    if (!batch.more) {
        feed_drop_backfill(feed, backfill->scope);
    }
    return STATUS_OK;
}

static enum status next_caught_up(struct feed *feed, const struct feed_context *context,
                                  struct frame **out)
{
    struct message message = {.type = MESSAGE_CAUGHT_UP};
    message.as.caught_up.seq = feed->client_cursor;
    buffer_clear(&context->cache->message);
    message_encode(&context->cache->message, &message);
    *out =
        context->cache->message.failed ? NULL : frame_new(buffer_bytes(&context->cache->message));
    feed->told = *out != NULL;
    return *out != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status feed_next(struct feed *feed, const struct feed_context *context, struct frame **out)
{
    *out = NULL;
    if (!feed_due(feed)) {
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    if (feed->rebuild) {
        status = feed_list_lanes(feed, context);
    }
    if (status == STATUS_OK && feed->prefer != NULL) {
        status = feed_next_preferred(feed, context, out);
    }
    if (status == STATUS_OK && *out == NULL &&
        (feed->due || context->meta->access_seq > feed->access_told)) {
        status = next_changes(feed, context, out);
    }
    while (status == STATUS_OK && *out == NULL && feed->backfill_count > 0) {
        status = feed_next_backfill(feed, context, out);
    }
    if (status == STATUS_OK && *out == NULL && !feed->told) {
        status = next_caught_up(feed, context, out);
    }
    if (status == STATUS_OK && *out == NULL && feed->check != NULL && !feed->check_waits) {
        status = feed_next_sums(feed, context, out);
    }
    return status;
}

bool feed_outlived(const struct feed *feed, const struct meta *meta)
{
    return feed->active && feed->client_cursor > 0 && feed->scan < meta->horizon &&
           feed->unheld < meta->horizon;
}

enum status feed_acknowledge(struct feed *feed, uint64_t frames)
{
    if (!feed->active) {
        return STATUS_OK;
    }
    if (frames > feed->frames_sent) {
        return STATUS_INVALID_VALUE;
    }
    if (frames > feed->frames_acked) {
        feed->frames_acked = frames;
    }
    return STATUS_OK;
}

/* Everything owed is looked into again, and a check that waits goes on. */
static void come_due(struct feed *feed)
{
    feed->due = true;
    feed->check_waits = false;
}

void feed_mark(struct feed *feed)
{
    come_due(feed);
}

void feed_owe(struct feed *feed, uint64_t seq)
{
    if (feed->active && feed->client_cursor < seq) {
        feed->owed = seq;
        come_due(feed);
    }
}

void feed_mark_lane(struct feed *feed, uint32_t lane)
{
    if (lane < feed->lanes.count) {
        lanes_mark(&feed->lanes, lane);
    }
    come_due(feed);
}

void feed_mark_access(struct feed *feed)
{
    feed->rebuild = true;
    come_due(feed);
}

bool feed_due(const struct feed *feed)
{
    bool checking = feed->check != NULL && !feed->check_waits;
    bool owed = feed->due || feed->backfill_count > 0 || !feed->told || checking;
    return feed->active && owed && feed->frames_sent - feed->frames_acked < LIMIT_WINDOW;
}

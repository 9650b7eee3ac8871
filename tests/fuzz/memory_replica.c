#include "tests/fuzz/memory_replica.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static void contents_release(struct contents *contents)
{
    for (size_t i = 0; i < contents->record_count; i++)
        free((void *)(uintptr_t)contents->records[i].encoded.data);
    buffer_release(&contents->subscription);
    for (size_t i = 0; i < 2; i++)
        buffer_release(&contents->marks[i]);
    memset(contents, 0, sizeof *contents);
}

static struct bytes copy_of(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    MUST(copy != NULL);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return bytes_of(copy, bytes.size);
}

static void contents_copy(struct contents *to, const struct contents *from)
{
    *to = *from;
    for (size_t i = 0; i < to->record_count; i++)
        to->records[i].encoded = copy_of(from->records[i].encoded);
    to->subscription = (struct buffer){0};
    buffer_append(&to->subscription, from->subscription.data, from->subscription.size);
    for (size_t i = 0; i < 2; i++) {
        to->marks[i] = (struct buffer){0};
        buffer_append(&to->marks[i], from->marks[i].data, from->marks[i].size);
    }
}

static bool fails(struct replica *replica)
{
    const bool now = replica->fail_in > 0 && --replica->fail_in == 0;
    replica->broken = replica->broken || now;
    return now;
}

#define MAY_FAIL(replica)                                                                          \
    do {                                                                                           \
        if (fails(replica))                                                                        \
            return STATUS_IO;                                                                      \
    } while (0)

static enum status begin(struct replica *replica)
{
    MUST(!replica->open);
    MAY_FAIL(replica);
    replica->open = true;
    contents_copy(&replica->saved, &replica->now);
    return STATUS_OK;
}

static void undo(struct replica *replica)
{
    MUST(replica->open);
    replica->open = false;
    contents_release(&replica->now);
    replica->now = replica->saved;
    memset(&replica->saved, 0, sizeof replica->saved);
}

static enum status commit(struct replica *replica)
{
    MUST(replica->open);
    if (fails(replica)) { /* as the real one: a commit that fails has ended the transaction */
        undo(replica);
        return STATUS_IO;
    }
    replica->open = false;
    contents_release(&replica->saved);
    return STATUS_OK;
}

struct entry *memory_replica_find(struct replica *replica, struct id id)
{
    for (size_t i = 0; i < replica->now.record_count; i++)
        if (id_equal(replica->now.records[i].id, id))
            return &replica->now.records[i];
    return NULL;
}

static void drop(struct replica *replica, struct entry *entry)
{
    free((void *)(uintptr_t)entry->encoded.data);
    *entry = replica->now.records[--replica->now.record_count];
}

static enum status drop_backfill(struct replica *replica, struct scope scope)
{
    MUST(replica->open);
    MAY_FAIL(replica);
    for (size_t i = replica->now.backfill_count; i-- > 0;)
        if (scope_equal(replica->now.backfills[i].scope, scope))
            replica->now.backfills[i] = replica->now.backfills[--replica->now.backfill_count];
    return STATUS_OK;
}

static enum status put_backfill(struct replica *replica, const struct replica_backfill *backfill)
{
    const enum status status = drop_backfill(replica, backfill->scope);
    MUST(backfill->from <= backfill->until);
    if (status != STATUS_OK)
        return status;
    if (replica->now.backfill_count == REPLICA_BACKFILLS)
        return STATUS_LIMIT;
    replica->now.backfills[replica->now.backfill_count++] = *backfill;
    return STATUS_OK;
}

static enum status purge(struct replica *replica, struct scope scope, size_t *count)
{
    for (size_t i = replica->now.record_count; i-- > 0;) {
        if (!scope_equal(replica->now.records[i].scope, scope))
            continue;
        drop(replica, &replica->now.records[i]);
        (*count)++;
    }
    return drop_backfill(replica, scope);
}

static enum status put(struct replica *replica, const struct record_view *view,
                       struct bytes encoded)
{
    struct record_view read;
    MUST(replica->open);
    MUST(record_view_read(encoded, &read) && id_equal(read.id, view->id));
    MAY_FAIL(replica);
    struct entry *entry = memory_replica_find(replica, view->id);
    if (entry != NULL)
        drop(replica, entry);
    if (replica->now.record_count == REPLICA_RECORDS)
        return STATUS_LIMIT;
    replica->now.records[replica->now.record_count++] =
        (struct entry){view->id, view->scope, view->seq, copy_of(encoded)};
    return STATUS_OK;
}

static enum status take_away(struct replica *replica, struct id id, struct buffer *held)
{
    MUST(replica->open);
    MAY_FAIL(replica);
    struct entry *entry = memory_replica_find(replica, id);
    if (entry == NULL)
        return STATUS_NOT_FOUND;
    if (held != NULL)
        buffer_append(held, entry->encoded.data, entry->encoded.size);
    drop(replica, entry);
    return STATUS_OK;
}

static enum status held_seq(struct replica *replica, struct id id, uint64_t *seq)
{
    const struct entry *entry = memory_replica_find(replica, id);
    MAY_FAIL(replica);
    if (entry == NULL)
        return STATUS_NOT_FOUND;
    *seq = entry->seq;
    return STATUS_OK;
}

static enum status set_cursor(struct replica *replica, uint64_t cursor)
{
    MUST(replica->open && cursor >= replica->now.cursor);
    MAY_FAIL(replica);
    replica->now.cursor = cursor;
    return STATUS_OK;
}

static enum status empty(struct replica *replica, struct id epoch, struct bytes subscription)
{
    MUST(replica->open);
    MAY_FAIL(replica);
    struct buffer marks[2];
    memcpy(marks, replica->now.marks, sizeof marks);
    memset(replica->now.marks, 0, sizeof replica->now.marks);
    contents_release(&replica->now);
    memcpy(replica->now.marks, marks, sizeof marks);
    replica->now.epoch = epoch;
    buffer_append(&replica->now.subscription, subscription.data, subscription.size);
    return STATUS_OK;
}

static uint64_t cursor_of(const struct replica *replica)
{
    return replica->now.cursor;
}

static struct id epoch_of(const struct replica *replica)
{
    return replica->now.epoch;
}

static enum status subscription(struct replica *replica, struct buffer *out)
{
    MAY_FAIL(replica);
    buffer_append(out, replica->now.subscription.data, replica->now.subscription.size);
    return STATUS_OK;
}

static bool is_between(const struct scope *after, struct scope scope, const struct scope *best)
{
    uint8_t low[SCOPE_SIZE], it[SCOPE_SIZE], high[SCOPE_SIZE];
    scope_put(scope, it);
    if (after != NULL)
        scope_put(*after, low);
    if (best != NULL)
        scope_put(*best, high);
    return (after == NULL || memcmp(it, low, SCOPE_SIZE) > 0) &&
           (best == NULL || memcmp(it, high, SCOPE_SIZE) < 0);
}

static enum status next_backfill(struct replica *replica, const struct scope *after,
                                 struct replica_backfill *out)
{
    const struct replica_backfill *best = NULL;
    MAY_FAIL(replica);
    for (size_t i = 0; i < replica->now.backfill_count; i++)
        if (is_between(after, replica->now.backfills[i].scope, best ? &best->scope : NULL))
            best = &replica->now.backfills[i];
    if (best == NULL)
        return STATUS_NOT_FOUND;
    *out = *best;
    return STATUS_OK;
}

static enum status find_backfill(struct replica *replica, struct scope scope,
                                 struct replica_backfill *out)
{
    MAY_FAIL(replica);
    for (size_t i = 0; i < replica->now.backfill_count; i++)
        if (scope_equal(replica->now.backfills[i].scope, scope)) {
            *out = replica->now.backfills[i];
            return STATUS_OK;
        }
    return STATUS_NOT_FOUND;
}

static enum status next_scope(struct replica *replica, const struct scope *after, struct scope *out)
{
    const struct scope *best = NULL;
    MAY_FAIL(replica);
    for (size_t i = 0; i < replica->now.record_count; i++)
        if (is_between(after, replica->now.records[i].scope, best))
            best = &replica->now.records[i].scope;
    if (best == NULL)
        return STATUS_NOT_FOUND;
    *out = *best;
    return STATUS_OK;
}

static enum status clear(struct replica *replica, struct scope scope)
{
    size_t count = 0;
    MUST(replica->open);
    return purge(replica, scope, &count);
}

static enum status set_subscription(struct replica *replica, struct bytes subscribed)
{
    MUST(replica->open);
    MAY_FAIL(replica);
    buffer_clear(&replica->now.subscription);
    buffer_append(&replica->now.subscription, subscribed.data, subscribed.size);
    return STATUS_OK;
}

static enum status set_mark(struct replica *replica, const char *name, struct bytes value)
{
    struct buffer *kept = &replica->now.marks[strcmp(name, "use") != 0];
    MUST(replica->open);
    MAY_FAIL(replica);
    buffer_clear(kept);
    buffer_append(kept, value.data, value.size);
    return STATUS_OK;
}

static enum status mark(struct replica *replica, const char *name, struct buffer *out)
{
    const struct buffer *kept = &replica->now.marks[strcmp(name, "use") != 0];
    MAY_FAIL(replica);
    if (kept->data == NULL)
        return STATUS_NOT_FOUND;
    buffer_append(out, kept->data, kept->size);
    return STATUS_OK;
}

static enum status each_in(struct replica *replica, struct scope scope, replica_walk_fn *each,
                           void *context)
{
    bool more = true;
    MUST(!replica->open);
    MAY_FAIL(replica);
    for (size_t i = 0; i < replica->now.record_count && more; i++)
        if (scope_equal(replica->now.records[i].scope, scope))
            more = each(context, replica->now.records[i].encoded);
    return STATUS_OK;
}

const struct sync_store memory_replica_store = {
    .begin = begin,
    .commit = commit,
    .abort = undo,
    .purge = purge,
    .put_backfill = put_backfill,
    .drop_backfill = drop_backfill,
    .put = put,
    .remove = take_away,
    .held_seq = held_seq,
    .set_cursor = set_cursor,
    .empty = empty,
    .cursor = cursor_of,
    .epoch = epoch_of,
    .subscription = subscription,
    .next_backfill = next_backfill,
    .find_backfill = find_backfill,
    .next_scope = next_scope,
    .clear = clear,
    .set_subscription = set_subscription,
    .set_mark = set_mark,
    .mark = mark,
    .each_in = each_in,
};

void memory_replica_release(struct replica *replica)
{
    contents_release(&replica->now);
}

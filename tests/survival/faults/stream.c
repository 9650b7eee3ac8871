#include "tests/survival/faults/stream.h"

#include <string.h>

#include "protocol/wire.h"
#include "tests/unit/client-lib/support.h"

#define EPOCHS 2u

static const struct id first_epoch = {{1}}, second_epoch = {{2}};

/* The parts of one frame of changes. */
struct part {
    uint64_t from, to;
    const struct made *records;
    size_t record_count;
    const unsigned *removed;
    size_t removed_count;
    unsigned purged, entered; /* numbers of accounts; 0: none */
};

static void add(struct stream *stream, const struct message *message)
{
    assert_true(stream->count < STREAM_MOST);
    message_encode(&stream->frames[stream->count++], message);
}

static void add_changes(struct stream *stream, const struct part *part)
{
    struct message message = {.type = MESSAGE_CHANGES};
    struct buffer records = {0}, removed = {0}, purged = {0}, entered = {0};
    message.as.changes.from = part->from;
    message.as.changes.to = part->to;
    if (part->record_count > 0) {
        message.as.changes.records = records_of(&records, part->records, part->record_count);
        message_mark(&message, "records");
    }
    if (part->removed_count > 0) {
        message.as.changes.removed = ids_of(&removed, part->removed, part->removed_count);
        message_mark(&message, "removed");
    }
    if (part->purged != 0) {
        message.as.changes.purged =
            scopes_of(&purged, &(struct scope){SCOPE_ACCOUNT, id_of(part->purged)}, 1);
        message_mark(&message, "purged");
    }
    if (part->entered != 0) {
        message.as.changes.entered =
            scopes_of(&entered, &(struct scope){SCOPE_ACCOUNT, id_of(part->entered)}, 1);
        message_mark(&message, "entered");
    }
    add(stream, &message);
    buffer_release(&records);
    buffer_release(&removed);
    buffer_release(&purged);
    buffer_release(&entered);
}

static void add_backfill(struct stream *stream, unsigned account, uint64_t from, uint64_t to,
                         uint64_t until, const struct made *records, size_t count)
{
    struct message message = {.type = MESSAGE_BACKFILL};
    struct buffer list = {0};
    message.as.backfill.scope = account_of(account);
    message.as.backfill.from = from;
    message.as.backfill.to = to;
    message.as.backfill.until = until;
    message.as.backfill.done = to == until;
    message.as.backfill.records = records_of(&list, records, count);
    add(stream, &message);
    buffer_release(&list);
}

void stream_make(struct stream *stream)
{
    const struct scope two = account_of(2), three = account_of(3);
    const struct made begin[] = {{.id = 11, .seq = 1, .name = "a"},
                                 {.id = 12, .seq = 2, .name = "b"},
                                 {.id = 13, .seq = 3, .name = "c", .scope = two},
                                 {.id = 14, .seq = 4, .name = "d", .scope = two}};
    const struct made change[] = {{.id = 11, .seq = 6, .name = "a again"},
                                  {.id = 13, .seq = 7, .name = "moved"}};
    const struct made newer[] = {{.id = 31, .seq = 10, .name = "new", .scope = three}};
    const struct made old[] = {{.id = 31, .seq = 2, .name = "old", .scope = three},
                               {.id = 32, .seq = 3, .name = "x", .scope = three}};
    const struct made older[] = {{.id = 33, .seq = 5, .name = "y", .scope = three}};
    const struct made late[] = {{.id = 34, .seq = 12, .name = "z", .scope = three}};
    const unsigned gone[] = {12, 99};
    memset(stream, 0, sizeof *stream);
    add_changes(stream, &(struct part){.to = 4, .records = begin, .record_count = 4});
    add_changes(stream, &(struct part){.from = 4,
                                       .to = 7,
                                       .records = change,
                                       .record_count = 2,
                                       .removed = gone,
                                       .removed_count = 2});
    add_changes(
        stream,
        &(struct part){.from = 7, .to = 10, .records = newer, .record_count = 1, .entered = 3});
    add_backfill(stream, 3, 0, 4, 7, old, 2);
    add_backfill(stream, 3, 4, 7, 7, older, 1);
    add_changes(stream, &(struct part){.from = 10, .to = 11, .purged = 2});
    add_changes(stream, &(struct part){.from = 11, .to = 12, .records = late, .record_count = 1});
    stream_rewind(stream);
}

void stream_release(struct stream *stream)
{
    for (size_t i = 0; i < STREAM_MOST; i++)
        buffer_release(&stream->frames[i]);
}

void stream_rewind(struct stream *stream)
{
    stream->epoch = first_epoch;
    stream->epochs = 1;
    stream_connect(stream);
}

void stream_connect(struct stream *stream)
{
    stream->subscribed = stream->reset_due = stream->caught_up_told = false;
}

/* Where the backfill of a scope stands, as the subscription tells; false when it tells of none. */
static bool resumed_from(const struct msg_subscribe *subscribe, struct scope scope, uint64_t *from)
{
    struct wire_reader reader = wire_read(subscribe->resume);
    uint32_t count = 0;
    struct bytes entry, name;
    struct scope its;
    if (subscribe->resume.size == 0 || !wire_get_array(&reader, &count))
        return false;
    while (count-- > 0 && wire_skip(&reader, &entry))
        if (wire_map_bin(entry, "scope", &name) && scope_from_bytes(name, &its) &&
            scope_equal(its, scope))
            return wire_map_uint(entry, "from", from);
    return false;
}

static void seek(struct stream *stream, const struct msg_subscribe *subscribe)
{
    struct message message;
    uint64_t from;
    size_t at = 0;
    for (; at < stream->count; at++) {
        message_decode(buffer_bytes(&stream->frames[at]), &message, NULL);
        if (message.type == MESSAGE_CHANGES && message.as.changes.from >= subscribe->cursor)
            break;
    }
    /* What is left of the backfills in front of it. */
    for (; at > 0; at--) {
        message_decode(buffer_bytes(&stream->frames[at - 1]), &message, NULL);
        if (message.type != MESSAGE_BACKFILL ||
            !resumed_from(subscribe, message.as.backfill.scope, &from) ||
            message.as.backfill.from < from)
            break;
    }
    stream->next = at;
}

void stream_take(struct stream *stream, const struct message *message)
{
    if (message->type != MESSAGE_SUBSCRIBE)
        return;
    const struct msg_subscribe *subscribe = &message->as.subscribe;
    stream->subscribed = true;
    stream->caught_up_told = false;
    stream->reset_due = subscribe->cursor != 0 && !id_equal(subscribe->epoch, stream->epoch);
    seek(stream, subscribe);
}

static struct bytes say(struct stream *stream, const struct message *message)
{
    struct buffer *last = &stream->frames[STREAM_MOST - 1];
    buffer_clear(last);
    message_encode(last, message);
    return buffer_bytes(last);
}

struct bytes stream_next(struct stream *stream)
{
    struct message message = {0};
    if (!stream->subscribed)
        return bytes_of(NULL, 0);
    if (stream->reset_due) {
        stream->subscribed = false; /* the client subscribes anew */
        message.type = MESSAGE_RESET;
        message.as.reset.reason = bytes_text("epoch");
        message.as.reset.epoch = stream->epoch;
        return say(stream, &message);
    }
    if (stream->next < stream->count)
        return buffer_bytes(&stream->frames[stream->next++]);
    if (!stream->caught_up_told) {
        stream->caught_up_told = true;
        message.type = MESSAGE_CAUGHT_UP;
        message.as.caught_up.seq = 12;
        return say(stream, &message);
    }
    if (stream->epochs < EPOCHS) {
        stream->epochs++;
        stream->epoch = second_epoch;
        stream->reset_due = true;
        return stream_next(stream);
    }
    return bytes_of(NULL, 0);
}

#include "sync_world.h"

static enum status take_message(void *context, const struct message *message)
{
    struct world *world = context;
    assert_true(world->sent_count < SENT_MAX);
    struct sent *sent = &world->sent[world->sent_count++];
    message_encode(&sent->frame, message);
    assert_false(sent->frame.failed);
    return message_decode(buffer_bytes(&sent->frame), &sent->message, NULL);
}

static void take_event(void *context, const struct sync_event *event)
{
    struct world *world = context;
    assert_true(world->told_count < TOLD_MAX);
    struct told *told = &world->told[world->told_count++];
    told->event = *event;
    told->event.record = (struct bytes){0};
    told->cursor = replica_cursor(world->replica);
    if (event->record.size > 0) {
        struct record_view view;
        assert_true(record_view_read(event->record, &view));
        told->event.id = view.id;
    }
}

void sync_world_open(struct world *world)
{
    const struct sync_port port = {world, take_message, take_event};
    assert_ok(replica_open(world->folder, 0, &world->port.port, &world->replica, NULL));
    world->store = *sync_store_replica();
    sync_init(&world->sync, &world->store, world->replica, &port);
}

void sync_world_close(struct world *world)
{
    sync_release(&world->sync);
    replica_close(world->replica);
}

int sync_world_set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    fake_port_init(&world.port);
    world.folder = folder_new();
    sync_world_open(&world);
    *state = &world;
    return 0;
}

int sync_world_tear_down(void **state)
{
    struct world *world = *state;
    sync_world_close(world);
    for (size_t i = 0; i < world->sent_count; i++)
        buffer_release(&world->sent[i].frame);
    for (size_t i = 0; i < 4; i++)
        buffer_release(&world->lists[i]);
    folder_remove(world->folder);
    return 0;
}

/* ---- The script's words ---- */

const struct id epoch = {{0xee, 1}};

/* The next message the client sent, which must be of this type. */
const struct message *expect_sent(struct world *world, enum message_type type)
{
    assert_true(world->sent_seen < world->sent_count);
    const struct message *message = &world->sent[world->sent_seen++].message;
    assert_string_equal(message_name(message->type), message_name(type));
    return message;
}

void expect_nothing_sent(const struct world *world)
{
    assert_int_equal(world->sent_seen, world->sent_count);
}

const struct message *connect_all(struct world *world)
{
    assert_ok(sync_want(&world->sync, NULL, 0));
    assert_ok(sync_start(&world->sync, epoch, 16));
    return expect_sent(world, MESSAGE_SUBSCRIBE);
}

struct message changes(uint64_t from, uint64_t to)
{
    struct message message = {.type = MESSAGE_CHANGES};
    message.as.changes.from = from;
    message.as.changes.to = to;
    return message;
}

enum status receive(struct world *world, const struct message *message)
{
    /* Through the codec, as from the network. The buffer outlives the call: events are told in it.
     */
    static struct buffer frame;
    struct message decoded;
    buffer_clear(&frame);
    message_encode(&frame, message);
    assert_false(frame.failed);
    assert_ok(message_decode(buffer_bytes(&frame), &decoded, NULL));
    return sync_message(&world->sync, &decoded);
}

void mark(struct message *message, const char *name, struct bytes *at, struct bytes list)
{
    *at = list;
    message_mark(message, name);
}

enum status receive_records(struct world *world, uint64_t from, uint64_t to,
                            const struct made *made, size_t count)
{
    struct message message = changes(from, to);
    mark(&message, "records", &message.as.changes.records,
         records_of(&world->lists[0], made, count));
    return receive(world, &message);
}

enum status receive_removed(struct world *world, uint64_t from, uint64_t to, unsigned id)
{
    struct message message = changes(from, to);
    mark(&message, "removed", &message.as.changes.removed, ids_of(&world->lists[0], &id, 1));
    return receive(world, &message);
}

enum status receive_entered(struct world *world, uint64_t from, uint64_t to, struct scope scope)
{
    struct message message = changes(from, to);
    mark(&message, "entered", &message.as.changes.entered, scopes_of(&world->lists[0], &scope, 1));
    return receive(world, &message);
}

enum status receive_purged(struct world *world, uint64_t from, uint64_t to, struct scope scope)
{
    struct message message = changes(from, to);
    mark(&message, "purged", &message.as.changes.purged, scopes_of(&world->lists[0], &scope, 1));
    return receive(world, &message);
}

enum status receive_backfill(struct world *world, struct said_backfill backfill,
                             const struct made *made, size_t count)
{
    struct message message = {.type = MESSAGE_BACKFILL};
    message.as.backfill = (struct msg_backfill){.scope = backfill.scope,
                                                .from = backfill.from,
                                                .to = backfill.to,
                                                .until = backfill.until,
                                                .done = backfill.done};
    message.as.backfill.records = records_of(&world->lists[0], made, count);
    return receive(world, &message);
}

enum status receive_caught_up(struct world *world, uint64_t seq)
{
    struct message message = {.type = MESSAGE_CAUGHT_UP};
    message.as.caught_up.seq = seq;
    return receive(world, &message);
}

const struct told *expect_told(const struct world *world, size_t index, tandem_event_kind kind)
{
    assert_true(index < world->told_count);
    assert_int_equal(world->told[index].event.kind, kind);
    return &world->told[index];
}

static bool count_one(void *context, struct bytes encoded)
{
    (void)encoded;
    (*(size_t *)context)++;
    return true;
}

void expect_held(const struct world *world, size_t expected)
{
    size_t count = 0;
    assert_ok(replica_each(world->replica, (struct bytes){0}, count_one, &count));
    assert_int_equal(count, expected);
}

static bool read_seq(void *context, struct bytes encoded)
{
    struct record_view view;
    assert_true(record_view_read(encoded, &view));
    *(uint64_t *)context = view.seq;
    return true;
}

/* 0 when it is not held. */
uint64_t held_seq(const struct world *world, unsigned id)
{
    uint64_t seq = 0;
    (void)replica_get(world->replica, id_of(id), read_seq, &seq);
    return seq;
}

size_t count_told(const struct world *world, tandem_event_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < world->told_count; i++)
        count += world->told[i].event.kind == kind;
    return count;
}

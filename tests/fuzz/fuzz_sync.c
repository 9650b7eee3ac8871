/* The client's half of the subscription against a server that says anything, over a replica in
 * memory that fails now and then.
 *
 * The script's events are data messages as they are, sensible ones, sensible ones bent; losing the
 * connection and coming back; wishing for other scopes. Whatever comes: transactions begin and end
 * in turn, none is open when a call returns, what is told of can be read, what is purged is gone,
 * and all that is sent decodes. A failed call ends the connection, as the client does. */
#include "fuzz.h"

#include <string.h>

#include "client-lib/record.h"
#include "client-lib/sync.h"
#include "protocol/wire.h"
#include "tests/fuzz/script.h"

#define RECORDS 64u
#define BACKFILLS 16u
#define EVENTS 200u

struct entry {
    struct id id;
    struct scope scope;
    uint64_t seq;
    struct bytes encoded; /* owned */
};

struct contents {
    struct entry records[RECORDS];
    size_t record_count;
    struct replica_backfill backfills[BACKFILLS];
    size_t backfill_count;
    uint64_t cursor;
    struct id epoch;
    struct buffer subscription;
};

struct replica {
    struct contents now, saved; /* saved: as the transaction began */
    bool open;
    unsigned fail_in;
    bool broken; /* gave an error since it was last looked at */
};

static void contents_release(struct contents *contents)
{
    for (size_t i = 0; i < contents->record_count; i++)
        free((void *)(uintptr_t)contents->records[i].encoded.data);
    buffer_release(&contents->subscription);
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

static struct entry *find(struct replica *replica, struct id id)
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
    if (replica->now.backfill_count == BACKFILLS)
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
    struct entry *entry = find(replica, view->id);
    if (entry != NULL)
        drop(replica, entry);
    if (replica->now.record_count == RECORDS)
        return STATUS_LIMIT;
    replica->now.records[replica->now.record_count++] =
        (struct entry){view->id, view->scope, view->seq, copy_of(encoded)};
    return STATUS_OK;
}

static enum status take_away(struct replica *replica, struct id id, struct buffer *held)
{
    MUST(replica->open);
    MAY_FAIL(replica);
    struct entry *entry = find(replica, id);
    if (entry == NULL)
        return STATUS_NOT_FOUND;
    if (held != NULL)
        buffer_append(held, entry->encoded.data, entry->encoded.size);
    drop(replica, entry);
    return STATUS_OK;
}

static enum status held_seq(struct replica *replica, struct id id, uint64_t *seq)
{
    const struct entry *entry = find(replica, id);
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
    contents_release(&replica->now);
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

static const struct sync_store memory_store = {
    begin,    commit,       undo,          purge,         put_backfill, drop_backfill,
    put,      take_away,    held_seq,      set_cursor,    empty,        cursor_of,
    epoch_of, subscription, next_backfill, find_backfill, next_scope};

/* ---- The client around it -------------------------------------------------------------------- */

struct client {
    struct sync sync;
    struct replica replica;
    uint64_t frames; /* told by the server since subscribe */
    bool send_fails;
};

static enum status take_sent(void *context, const struct message *message)
{
    struct client *client = context;
    struct buffer encoded = {0};
    struct message decoded;
    message_encode(&encoded, message);
    MUST(message_decode(buffer_bytes(&encoded), &decoded, NULL) == STATUS_OK);
    if (decoded.type == MESSAGE_ACK)
        MUST(decoded.as.ack.frames <= client->frames);
    if (decoded.type == MESSAGE_SUBSCRIBE) {
        MUST(decoded.as.subscribe.cursor == client->replica.now.cursor);
        client->frames = 0;
    }
    buffer_release(&encoded);
    return client->send_fails ? STATUS_UNREACHABLE : STATUS_OK;
}

static void take_event(void *context, const struct sync_event *event)
{
    struct client *client = context;
    struct record_view view;
    MUST(!client->replica.open);
    MUST(event->detail != NULL);
    if (event->kind == TANDEM_EVENT_CHANGED) {
        MUST(record_view_read(event->record, &view));
        MUST(find(&client->replica, view.id) != NULL);
    }
    if (event->kind == TANDEM_EVENT_REMOVED)
        MUST(record_view_read(event->record, &view) && id_equal(view.id, event->id));
}

static void after(struct client *client, enum status status)
{
    MUST(!client->replica.open);
    MUST(client->sync.note_count == 0 || status != STATUS_OK);
    if (status == STATUS_OK)
        return;
    MUST(status == STATUS_MALFORMED || status == STATUS_UNEXPECTED || status == STATUS_LIMIT ||
         status == STATUS_UNREACHABLE || (status == STATUS_IO && client->replica.broken));
    client->replica.broken = false;
    sync_stop(&client->sync);
}

static struct scope scope_of(uint8_t number)
{
    return number % 4u == 3 ? (struct scope){.kind = SCOPE_LIBRARY}
                            : (struct scope){SCOPE_ACCOUNT, {{1, number % 4u}}};
}

static void put_scope(struct buffer *out, struct scope scope)
{
    uint8_t octets[SCOPE_SIZE];
    scope_put(scope, octets);
    wire_put_bin(out, bytes_of(octets, sizeof octets));
}

static void put_record(struct buffer *out, uint8_t number, uint64_t seq)
{
    wire_put_map(out, 10);
    wire_put_text(out, "id");
    wire_put_id(out, (struct id){{7, number % 16u}});
    wire_put_text(out, "entity");
    wire_put_text(out, number & 16 ? "note" : "contact");
    wire_put_text(out, "scope");
    put_scope(out, scope_of(number >> 5));
    wire_put_text(out, "seq");
    wire_put_uint(out, seq);
    wire_put_text(out, "createdBy");
    wire_put_text(out, "kari");
    wire_put_text(out, "createdAt");
    wire_put_uint(out, 1000);
    wire_put_text(out, "modifiedBy");
    wire_put_text(out, "ola");
    wire_put_text(out, "modifiedAt");
    wire_put_uint(out, 1000 + seq);
    wire_put_text(out, "audience");
    wire_put_array(out, 0);
    wire_put_text(out, "fields");
    wire_put_map(out, 1);
    wire_put_text(out, "text");
    wire_put_text(out, "words");
}

static struct bytes make_list(struct script *script, uint64_t seq, int kind, struct buffer *out)
{
    const uint8_t count = script_take(script) % 5u;
    if (count == 0 && kind != 0)
        return bytes_of(NULL, 0);
    wire_put_array(out, count);
    for (uint8_t i = 0; i < count; i++) {
        const uint8_t number = script_take(script);
        if (kind == 0)
            put_record(out, number, seq);
        else if (kind == 1)
            wire_put_id(out, (struct id){{7, number % 16u}});
        else
            put_scope(out, scope_of(number));
    }
    return buffer_bytes(out);
}

static void make_changes(struct client *client, struct script *script, struct message *message,
                         struct buffer lists[4])
{
    static const char *const names[] = {"records", "removed", "purged", "entered"};
    struct msg_changes *changes = &message->as.changes;
    const uint8_t how = script_take(script);
    message->type = MESSAGE_CHANGES;
    changes->from = client->replica.now.cursor + (how & 1);
    changes->to = changes->from + (how >> 1 & 7u);
    changes->more = how & 0x80;
    message_mark(message, "more");
    struct bytes *parts[] = {&changes->records, &changes->removed, &changes->purged,
                             &changes->entered};
    for (int i = 0; i < 4; i++) {
        *parts[i] = make_list(script, changes->to, i, &lists[i]);
        if (parts[i]->size > 0)
            message_mark(message, names[i]);
    }
}

static void make_backfill(struct client *client, struct script *script, struct message *message,
                          struct buffer lists[4])
{
    struct msg_backfill *backfill = &message->as.backfill;
    const uint8_t how = script_take(script);
    const struct contents *now = &client->replica.now;
    message->type = MESSAGE_BACKFILL;
    backfill->scope = scope_of(how);
    backfill->until = 3;
    if (now->backfill_count > 0 && how & 4) {
        const struct replica_backfill *noted = &now->backfills[how / 8u % now->backfill_count];
        backfill->scope = noted->scope;
        backfill->from = noted->from;
        backfill->until = noted->until;
    }
    backfill->to = how & 0x40 ? backfill->until : backfill->from;
    backfill->done = how & 0x80;
    backfill->records = make_list(script, backfill->to, 0, &lists[0]);
}

static void make_message(struct client *client, struct script *script, struct buffer *out)
{
    struct message message = {0};
    struct buffer lists[4] = {0};
    switch (script_take(script) % 8u) {
    case 0:
    case 1:
    case 2:
    case 3:
        make_changes(client, script, &message, lists);
        break;
    case 4:
    case 5:
        make_backfill(client, script, &message, lists);
        break;
    case 6:
        message.type = MESSAGE_CAUGHT_UP;
        message.as.caught_up.seq = client->replica.now.cursor;
        break;
    default:
        message.type = MESSAGE_RESET;
        message.as.reset.reason = bytes_text("horizon");
        message.as.reset.epoch = (struct id){{0xe0, script_take(script) % 3u}};
        break;
    }
    message_encode(out, &message);
    for (size_t i = 0; i < 4; i++)
        buffer_release(&lists[i]);
}

static void hear(struct client *client, struct bytes frame)
{
    struct message message;
    enum status status = STATUS_OK;
    if (message_decode(frame, &message, NULL) != STATUS_OK)
        return;
    if (message.type == MESSAGE_PONG) {
        (void)sync_pong(&client->sync, message.as.pong.request, &status);
    } else {
        client->frames += message.type == MESSAGE_CHANGES || message.type == MESSAGE_BACKFILL;
        status = sync_message(&client->sync, &message);
    }
    after(client, status);
}

static void want(struct client *client, uint8_t what)
{
    struct scope scopes[4];
    size_t count = 0;
    for (uint8_t i = 0; i < 4; i++)
        if (what & 1u << i)
            scopes[count++] = scope_of(i);
    after(client, sync_want(&client->sync, scopes, count));
}

static void play(struct client *client, struct script *script)
{
    const uint8_t event = script_take(script);
    struct buffer frame = {0};
    enum status status = STATUS_OK;
    switch (event % 8u) {
    case 0:
        hear(client, script_take_bytes(script));
        break;
    case 1:
    case 2:
    case 3:
        make_message(client, script, &frame);
        for (unsigned i = 0; event % 8u == 3 && i <= event / 8u % 3u; i++)
            script_bend(script, &frame);
        hear(client, buffer_bytes(&frame));
        break;
    case 4:
        want(client, script_take(script));
        break;
    case 5:
        sync_stop(&client->sync);
        after(client,
              event & 8 ? STATUS_OK
                        : sync_start(&client->sync, (struct id){{0xe0, script_take(script) % 3u}}));
        break;
    case 6:
        (void)sync_pong(&client->sync, SYNC_FENCE_BIT | (client->sync.fence - (event & 8 ? 1 : 0)),
                        &status);
        after(client, status);
        break;
    default:
        client->replica.fail_in = script_take(script) % 16u;
        client->send_fails = event & 8;
        break;
    }
    buffer_release(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client *client = calloc(1, sizeof *client);
    MUST(client != NULL);
    const struct sync_port port = {client, take_sent, take_event};
    struct script script = script_of(data, size);
    sync_init(&client->sync, &memory_store, &client->replica, &port);
    want(client, 0);
    after(client, sync_start(&client->sync, (struct id){{0xe0, 0}}));
    for (unsigned i = 0; i < EVENTS && !script_ended(&script); i++)
        play(client, &script);
    sync_release(&client->sync);
    contents_release(&client->replica.now);
    free(client);
    return 0;
}

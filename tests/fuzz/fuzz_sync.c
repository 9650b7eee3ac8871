/* The client's half of the subscription against a server that says anything, over a replica in
 * memory that fails now and then.
 *
 * The script's events are data messages as they are, sensible ones, sensible ones bent; losing the
 * connection and coming back; wishing for other scopes and entities, for some of them first, and
 * for a check; time passing. Whatever comes: transactions begin and end in turn, none is open when
 * a call returns, what is told of can be read, and all that is sent decodes. A failed call ends the
 * connection, as the client does. What is kept elsewhere of a scope is taken away before it is
 * purged, which may fail too; and now and then the replica becomes another user's. */
#include "fuzz.h"

#include <string.h>

#include "client-lib/base/record.h"
#include "client-lib/sync/sync.h"
#include "protocol/sum.h"
#include "protocol/wire.h"
#include "tests/fuzz/memory_replica.h"
#include "tests/fuzz/script.h"

#define EVENTS 200u
/* Those that scope_of() makes. */
#define SCOPES 4u

struct client {
    struct sync sync;
    struct replica replica;
    uint64_t frames; /* told by the server since subscribe */
    uint64_t asked;  /* number of the newest check */
    uint64_t now_ms;
    unsigned checks, checked; /* asked for, and answered */
    bool send_fails;
    unsigned losing_fails; /* so many times */
    bool lost_failed;      /* since the call began */
    bool stripped[SCOPES]; /* nothing is kept elsewhere of what was purged of it */
};

static struct scope scope_of(uint8_t number)
{
    return number % SCOPES == 3 ? (struct scope){.kind = SCOPE_LIBRARY}
                                : (struct scope){SCOPE_ACCOUNT, {{1, number % SCOPES}}};
}

static bool *stripped(struct client *client, struct scope scope)
{
    for (uint8_t number = 0; number < SCOPES; number++)
        if (scope_equal(scope_of(number), scope))
            return &client->stripped[number];
    return NULL;
}

static enum status take_losing(void *context, const struct sync_event *event)
{
    struct client *client = context;
    MUST(event->kind == TANDEM_EVENT_PURGED || event->kind == TANDEM_EVENT_RESET);
    if (client->losing_fails > 0) {
        client->losing_fails--;
        client->lost_failed = true;
        return STATUS_NO_MEMORY;
    }
    if (event->kind == TANDEM_EVENT_PURGED && stripped(client, event->scope) != NULL)
        *stripped(client, event->scope) = true;
    return STATUS_OK;
}

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
    if (decoded.type == MESSAGE_CHECK) {
        MUST(message_count(decoded.as.check.scopes) > 0);
        client->asked = decoded.as.check.request;
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
        MUST(memory_replica_find(&client->replica, view.id) != NULL);
    }
    if (event->kind == TANDEM_EVENT_REMOVED)
        MUST(record_view_read(event->record, &view) && id_equal(view.id, event->id));
    if (event->kind == TANDEM_EVENT_PURGED && stripped(client, event->scope) != NULL)
        MUST(*stripped(client, event->scope));
    if (event->kind == TANDEM_EVENT_PROGRESS)
        MUST(event->total >= event->done);
}

static void take_checked(void *context, uint64_t request, enum status status)
{
    struct client *client = context;
    MUST(!client->replica.open);
    MUST(request <= client->checks);
    MUST(status == STATUS_OK || status == STATUS_UNKNOWN_MESSAGE || status == STATUS_BUSY);
    MUST(++client->checked <= client->checks);
}

static void after(struct client *client, enum status status)
{
    MUST(!client->replica.open);
    MUST(client->sync.note_count == 0 || status != STATUS_OK);
    if (status == STATUS_OK)
        return;
    MUST(status == STATUS_MALFORMED || status == STATUS_UNEXPECTED || status == STATUS_LIMIT ||
         status == STATUS_UNREACHABLE || (status == STATUS_IO && client->replica.broken) ||
         (status == STATUS_NO_MEMORY && client->lost_failed) ||
         (status == STATUS_USAGE && !client->sync.wanted));
    client->replica.broken = false;
    client->lost_failed = false;
    sync_stop(&client->sync);
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
    if (how & 0x40) {
        changes->head = changes->to + (how >> 3 & 7u);
        message_mark(message, "head");
    }
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
    if ((how & 0x24) == 0x20) {
        backfill->ahead = true;
        backfill->until += now->cursor;
        message_mark(message, "ahead");
    }
    backfill->records = make_list(script, backfill->to, 0, &lists[0]);
}

/* Right, or of one record too many. */
static void make_sums(struct client *client, struct script *script, struct message *message,
                      struct buffer *list)
{
    const uint8_t how = script_take(script);
    const struct contents *now = &client->replica.now;
    uint8_t octets[SUM_SIZE];
    message->type = MESSAGE_SUMS;
    message->as.sums.request = client->asked + (how & 1);
    wire_put_array(list, 4u - (how >> 1 & 1u));
    for (uint8_t number = how >> 1 & 1; number < 4; number++) {
        struct sum sum = {0};
        for (size_t i = 0; i < now->record_count; i++)
            if (scope_equal(now->records[i].scope, scope_of(number)))
                MUST(sum_add_encoded(&sum, now->records[i].encoded));
        sum_put(&sum, octets);
        wire_put_map(list, 3);
        wire_put_text(list, "scope");
        put_scope(list, scope_of(number));
        wire_put_text(list, "count");
        wire_put_uint(list, sum.count + (how >> (4 + number) & 1u));
        wire_put_text(list, "sum");
        wire_put_bin(list, bytes_of(octets, sizeof octets));
    }
    message->as.sums.sums = buffer_bytes(list);
}

static void make_message(struct client *client, struct script *script, struct buffer *out)
{
    struct message message = {0};
    struct buffer lists[4] = {0};
    switch (script_take(script) % 9u) {
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
    case 8:
        make_sums(client, script, &message, &lists[0]);
        break;
    case 6:
        message.type = MESSAGE_CAUGHT_UP;
        message.as.caught_up.seq = client->replica.now.cursor;
        break;
    default:
        message.type = MESSAGE_RESET;
        message.as.reset.reason = bytes_text(script_take(script) & 1 ? "access" : "horizon");
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
        client->frames += message.type == MESSAGE_CHANGES || message.type == MESSAGE_BACKFILL ||
                          message.type == MESSAGE_SUMS;
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
    static const char *const entities[] = {"note", "contact"};
    after(client, sync_want_only(&client->sync, scopes, count, entities,
                                 what >> 4 & 3u ? what >> 6 & 1u : 0));
}

static void ask(struct client *client, uint8_t what)
{
    const struct scope scope = scope_of(what);
    enum status status = STATUS_OK;
    if (what & 8) {
        status = sync_prefer(&client->sync, scope);
    } else if (what & 16) {
        (void)sync_refused(&client->sync, client->asked, STATUS_BUSY, &status);
    } else {
        client->checks++;
        status = sync_check(&client->sync, what & 32 ? NULL : &scope, take_checked, client,
                            client->checks);
    }
    after(client, status);
}

static void pass_time(struct client *client, uint8_t seconds)
{
    client->now_ms += seconds * 1000u;
    sync_clock(&client->sync, client->now_ms);
    after(client, sync_run(&client->sync));
}

static void start(struct client *client, uint8_t epoch, bool offers)
{
    struct buffer limits = {0};
    wire_put_map(&limits, 2);
    wire_put_text(&limits, "prefer");
    wire_put_uint(&limits, 2);
    wire_put_text(&limits, "check");
    wire_put_uint(&limits, 3);
    if (offers)
        sync_offered(&client->sync, buffer_bytes(&limits));
    buffer_release(&limits);
    after(client, sync_start(&client->sync, (struct id){{0xe0, epoch % 3u}}, 16));
}

/* Between two connections, as whoever finds another user signed in does. */
static void change_user(struct client *client, bool keeps_wish)
{
    const struct sync_store *store = &memory_replica_store;
    const struct id none = {{0}};
    struct buffer wish = {0};
    if (keeps_wish)
        MUST(sync_wish_keep(&client->sync, &wish) == STATUS_OK);
    enum status status = store->begin(&client->replica);
    if (status == STATUS_OK) {
        status = store->empty(&client->replica, none, buffer_bytes(&wish));
        if (status == STATUS_OK)
            status = store->commit(&client->replica);
        else
            store->abort(&client->replica);
    }
    buffer_release(&wish);
    client->replica.broken = false;
    if (status == STATUS_OK)
        sync_forget_wishes(&client->sync, keeps_wish);
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
        if (event & 8)
            ask(client, script_take(script));
        else if (event & 16)
            pass_time(client, script_take(script));
        else
            want(client, script_take(script));
        break;
    case 5:
        sync_stop(&client->sync);
        if ((event & 0xc0) == 0xc0)
            change_user(client, event & 32);
        if (!(event & 8))
            start(client, script_take(script), event & 16);
        break;
    case 6:
        (void)sync_pong(&client->sync, SYNC_FENCE_BIT | (client->sync.fence - (event & 8 ? 1 : 0)),
                        &status);
        after(client, status);
        break;
    default:
        client->replica.fail_in = script_take(script) % 16u;
        client->send_fails = event & 8;
        client->losing_fails = event >> 4 & 3u;
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
    sync_init(&client->sync, &memory_replica_store, &client->replica, &port);
    sync_on_losing(&client->sync, take_losing);
    want(client, 0);
    start(client, 0, true);
    for (unsigned i = 0; i < EVENTS && !script_ended(&script); i++)
        play(client, &script);
    sync_release(&client->sync);
    memory_replica_release(&client->replica);
    free(client);
    return 0;
}

#include "note_server.h"

#include <stdio.h>

void note_server_init(struct note_server *shop, const char *text)
{
    memset(shop, 0, sizeof *shop);
    buffer_append(&shop->text, text, strlen(text));
}

void note_server_release(struct note_server *shop)
{
    buffer_release(&shop->text);
    for (size_t i = 0; i < NOTE_VERSIONS_MOST; i++)
        buffer_release(&shop->log[i].changes);
}

const char *note_server_text(struct note_server *shop)
{
    buffer_append_byte(&shop->text, 0);
    shop->text.size--;
    return (const char *)shop->text.data;
}

/* ---- Saying ---- */

static void put_entry(const struct note_version *version, struct buffer *out)
{
    wire_put_array(out, 4);
    wire_put_id(out, version->client);
    wire_put_text(out, version->by);
    wire_put_uint(out, 1700000000000);
    wire_put_raw(out, buffer_bytes(&version->changes));
}

static void say_entries(struct note_server *shop)
{
    struct message message = {.type = MESSAGE_NOTE_CHANGES};
    struct buffer entries = {0};
    if (!shop->open || shop->cursor == shop->version || shop->mute || server.link == NULL)
        return;
    wire_put_array(&entries, (uint32_t)(shop->version - shop->cursor));
    message.as.note_changes.note = shop->note;
    message.as.note_changes.from = shop->cursor;
    while (shop->cursor < shop->version)
        put_entry(&shop->log[++shop->cursor], &entries);
    message.as.note_changes.entries = buffer_bytes(&entries);
    say(&message);
    buffer_release(&entries);
}

static void say_open(struct note_server *shop, const struct message *asked)
{
    const struct msg_note_open *open = &asked->as.note_open;
    struct message message = {.type = MESSAGE_NOTE};
    struct msg_note *note = &message.as.note;
    bool has = message_has(asked, "version");
    shop->opens++;
    shop->asked_version = has ? open->version : UINT64_MAX;
    if (shop->hidden) {
        say_error("not-found", open->request, 0);
        return;
    }
    shop->open = true;
    shop->note = open->note;
    note->request = open->request;
    note->note = open->note;
    note->newest = shop->version;
    note->oldest = shop->oldest;
    if (has && open->version >= shop->oldest && open->version <= shop->version) {
        note->version = open->version;
    } else {
        note->version = shop->version;
        note->text = buffer_bytes(&shop->text);
        message_mark(&message, "text");
    }
    note->read_only = shop->read_only;
    if (shop->read_only)
        message_mark(&message, "readOnly");
    shop->cursor = note->version;
    say(&message);
}

void note_say_ended(struct note_server *shop, const char *status)
{
    struct message message = {.type = MESSAGE_NOTE_ENDED};
    message.as.note_ended.note = shop->note;
    message.as.note_ended.status = bytes_text(status);
    shop->open = false;
    say(&message);
}

static void say_note_result(struct note_server *shop, const struct msg_note_push *push,
                            const char *status)
{
    struct message message = {.type = MESSAGE_NOTE_RESULT};
    struct msg_note_result *result = &message.as.note_result;
    if (shop->mute)
        return;
    result->request = push->request;
    result->note = push->note;
    result->status = bytes_text(status);
    result->version = shop->version;
    say(&message);
}

static void welcome(struct note_server *shop, const struct msg_hello *hello)
{
    struct message message = {.type = MESSAGE_WELCOME};
    struct buffer limits = {0};
    wire_put_map(&limits, shop->without ? 0 : 1);
    if (!shop->without) {
        wire_put_text(&limits, "notes");
        wire_put_uint(&limits, LIMIT_NOTES_OPEN);
    }
    shop->client = hello->client;
    shop->open = false;
    message.as.welcome.version = 1;
    message.as.welcome.user = id_of(500);
    message.as.welcome.name = bytes_text("kari");
    message.as.welcome.role = bytes_text("Member");
    message.as.welcome.epoch = id_of(900);
    message.as.welcome.limits = buffer_bytes(&limits);
    message_mark(&message, "limits");
    message.as.welcome.last_number = shop->mutations;
    say(&message);
    buffer_release(&limits);
}

/* ---- The note ---- */

static void append(struct note_server *shop, struct id client, const char *by,
                   const struct change_set *set)
{
    struct buffer next = {0};
    assert_true(shop->version + 1 < NOTE_VERSIONS_MOST);
    assert_ok(change_set_apply(set, buffer_bytes(&shop->text), &next, NULL));
    buffer_release(&shop->text);
    shop->text = next;
    struct note_version *version = &shop->log[++shop->version];
    version->client = client;
    snprintf(version->by, sizeof version->by, "%s", by);
    change_set_write(set, &version->changes);
}

void note_other_set(struct note_server *shop, const char *by, const struct change_set *set)
{
    append(shop, id_of(77), by, set);
    say_entries(shop);
}

void note_other(struct note_server *shop, const char *by, size_t from, size_t removed,
                const char *text)
{
    struct change_set units = {0}, set = {0};
    /* The length in units, by a set that puts the text into nothing. */
    change_set_replace(&units, 0, buffer_bytes(&shop->text), false);
    change_set_keep(&set, from);
    change_set_replace(&set, removed, bytes_text(text), false);
    change_set_keep(&set, units.after - from - removed);
    note_other_set(shop, by, &set);
    change_set_release(&units);
    change_set_release(&set);
}

static void push_one(struct note_server *shop, const struct msg_note_push *push)
{
    const char *refuse = shop->refuse;
    struct wire_reader reader = wire_read(push->changes);
    struct change_set set = {0};
    struct bytes encoded;
    uint32_t count = 0;
    shop->pushes++;
    if (refuse != NULL && !shop->refuse_always)
        shop->refuse = NULL;
    if (refuse != NULL || push->base != shop->version) {
        say_note_result(shop, push, refuse != NULL ? refuse : "behind");
        return;
    }
    assert_true(wire_get_array(&reader, &count));
    assert_int_equal(count, 1);
    assert_true(wire_skip(&reader, &encoded));
    assert_ok(change_set_read(encoded, &set, NULL));
    assert_false(change_set_is_empty(&set));
    append(shop, shop->client, "kari", &set);
    shop->taken++;
    change_set_release(&set);
    say_note_result(shop, push, "ok");
    say_entries(shop);
}

static void serve_one(struct note_server *shop, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_HELLO:
        welcome(shop, &message->as.hello);
        break;
    case MESSAGE_NOTE_OPEN:
        assert_false(shop->without);
        say_open(shop, message);
        say_entries(shop);
        break;
    case MESSAGE_NOTE_PUSH:
        push_one(shop, &message->as.note_push);
        break;
    case MESSAGE_NOTE_CLOSE:
        shop->open = false;
        break;
    case MESSAGE_PRESENT:
        shop->present = message->as.present;
        shop->presents += !message->as.present.gone;
        shop->gone += message->as.present.gone;
        break;
    case MESSAGE_PING:
        say(&(struct message){.type = MESSAGE_PONG});
        break;
    case MESSAGE_MUTATE:
        shop->taken_before = shop->taken;
        if (shop->mutations == 0)
            shop->taken_first = shop->taken;
        shop->mutations = message->as.mutate.number;
        say_result(message->as.mutate.number, "ok", 100 + shop->mutations);
        break;
    default:
        break;
    }
}

void note_forget_frames(void)
{
    if (server.sent_seen == server.sent_count) {
        for (size_t i = 0; i < server.sent_count; i++)
            buffer_release(&server.sent[i].frame);
        server.sent_count = server.sent_seen = 0;
    }
    if (server.inbox_used == server.inbox_count) {
        for (size_t i = 0; i < server.inbox_count; i++)
            buffer_release(&server.inbox[i]);
        server.inbox_count = server.inbox_used = 0;
    }
}

void note_serve(struct note_server *shop)
{
    while (server.sent_seen < server.sent_count && server.inbox_count < 60)
        serve_one(shop, &server.sent[server.sent_seen++].message);
}

void note_settle(struct world *world, struct note_server *shop)
{
    for (int turn = 0; turn < 400; turn++) {
        int due = tandem_timeout(world->client);
        if (due > 0 && due < 1000)
            world->port.now += (uint64_t)due;
        assert_ok(tandem_service(world->client));
        bool quiet = server.sent_seen == server.sent_count &&
                     server.inbox_used == server.inbox_count && server.link != NULL;
        note_forget_frames();
        note_serve(shop);
        due = tandem_timeout(world->client);
        if (quiet && server.inbox_used == server.inbox_count && (due < 0 || due >= 1000))
            return;
    }
    fail_msg("it does not come to rest");
}

/* ---- Connections ---- */

void note_crash(struct world *world, struct note_server *shop)
{
    client_abandon(world->client);
    world->client = NULL;
    server.sent_seen = server.sent_count;
    server.inbox_used = server.inbox_count;
    server.closing = false;
    shop->open = false;
    note_forget_frames();
}

void note_hang_up(struct world *world, struct note_server *shop)
{
    shop->open = false;
    server.sent_seen = server.sent_count;
    server.inbox_used = server.inbox_count;
    hang_up(1006);
    assert_ok(tandem_service(world->client));
    assert_false(tandem_connected(world->client));
}

void note_start(struct world *world)
{
    open_client(world, true);
    assert_ok(tandem_connect(world->client, &usual, NULL));
}

/* ---- The program ---- */

static void replace(struct buffer *text, size_t from, size_t removed, const char *with, size_t size)
{
    struct buffer next = {0};
    assert_true(from <= text->size && removed <= text->size - from);
    buffer_append(&next, text->data, from);
    buffer_append(&next, with, size);
    buffer_append(&next, text->data + from + removed, text->size - from - removed);
    buffer_release(text);
    *text = next;
}

static void take(void *context, tandem_note *note, const tandem_note_event *event)
{
    struct mirror *mirror = context;
    switch (event->kind) {
    case TANDEM_NOTE_OPENED:
        mirror->opened++;
        break;
    case TANDEM_NOTE_CHANGED:
        mirror->changed++;
        mirror->own = event->own;
        snprintf(mirror->by, sizeof mirror->by, "%s", event->by);
        replace(&mirror->text, event->from, event->removed, event->inserted, event->inserted_size);
        break;
    case TANDEM_NOTE_SAVED:
        mirror->saved++;
        assert_int_equal(tandem_note_waiting(note), 0);
        break;
    case TANDEM_NOTE_PEOPLE:
        mirror->people++;
        break;
    case TANDEM_NOTE_KEPT:
        mirror->kept++;
        mirror->own = event->own;
        break;
    case TANDEM_NOTE_REFUSED:
        mirror->refused++;
        mirror->code = event->code;
        break;
    case TANDEM_NOTE_ENDED:
        mirror->ended++;
        mirror->code = event->code;
        snprintf(mirror->detail, sizeof mirror->detail, "%s", event->detail);
        break;
    case TANDEM_NOTE_RIGHTS:
        mirror->rights++;
        break;
    }
}

void mirror_open(struct mirror *mirror, struct world *world, tandem_note **note)
{
    size_t size = 0;
    memset(mirror, 0, sizeof *mirror);
    assert_ok(tandem_note_open(world->client, id_text(NOTE_NUMBER), take, mirror, note));
    const char *text = tandem_note_text(*note, &size);
    buffer_append(&mirror->text, text, size);
}

void mirror_look(struct mirror *mirror, const tandem_note *note)
{
    size_t size = 0;
    const char *text = tandem_note_text(note, &size);
    buffer_clear(&mirror->text);
    buffer_append(&mirror->text, text, size);
}

void mirror_release(struct mirror *mirror)
{
    buffer_release(&mirror->text);
}

void mirror_type(struct mirror *mirror, tandem_note *note, size_t at, const char *text)
{
    assert_ok(tandem_note_insert(note, at, text, strlen(text)));
    replace(&mirror->text, at, 0, text, strlen(text));
}

void mirror_delete(struct mirror *mirror, tandem_note *note, size_t from, size_t size)
{
    assert_ok(tandem_note_delete(note, from, size));
    replace(&mirror->text, from, size, "", 0);
}

void assert_text(const struct mirror *mirror, const tandem_note *note, const char *text)
{
    size_t size = 0;
    const char *now = tandem_note_text(note, &size);
    assert_int_equal(strlen(now), size);
    assert_string_equal(now, text);
    assert_int_equal(mirror->text.size, size);
    assert_memory_equal(mirror->text.data, now, size);
}

#include "tests/unit/core/note_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/utf16.h"
#include "protocol/wire.h"
#include "server/core/note/note_log.h"
#include "server/core/note/note_row.h"
#include "server/core/note/note_runs.h"

#define LONGEST_TEXT 8192u

static void put_part(struct change_set *set, const char *part, size_t size)
{
    char text[1024];
    char *inserted = NULL;
    assert_true(size < sizeof text);
    memcpy(text, part, size);
    text[size] = '\0';
    for (char *at = text; *at != '\0'; at++)
        *at = (char)(*at == '_' ? ' ' : *at == '/' ? '\n' : *at);
    if (text[0] == '=') {
        change_set_keep(set, strtoul(text + 1, NULL, 10));
        return;
    }
    const unsigned long gone = text[0] == '-' ? strtoul(text + 1, &inserted, 10) : 0;
    if (text[0] == '+')
        inserted = text;
    change_set_replace(set, gone, bytes_text(*inserted == '+' ? inserted + 1 : ""), false);
}

void put_set(struct buffer *out, const char *text)
{
    struct change_set set = {0};
    while (*text != '\0') {
        const size_t size = strcspn(text, " ");
        if (size > 0)
            put_part(&set, text, size);
        text += size + (text[size] == ' ');
    }
    assert_int_equal(set.state, STATUS_OK);
    change_set_write(&set, out);
    change_set_release(&set);
}

static struct push_reply read_result(const struct world *world)
{
    struct message message;
    struct push_reply reply = {.change = -1};
    assert_int_equal(message_decode(buffer_bytes(&world->effects.answer), &message, NULL),
                     STATUS_OK);
    assert_int_equal(message.type, MESSAGE_NOTE_RESULT);
    const struct msg_note_result *result = &message.as.note_result;
    reply.status = bytes_is(result->status, "ok") ? STATUS_OK : status_from_name(result->status);
    reply.version = result->version;
    if (message_has(&message, "change"))
        reply.change = (int)result->change;
    bytes_to_text(result->detail, reply.detail, sizeof reply.detail);
    return reply;
}

struct push_reply push_body(struct world *world, struct id user, struct bytes body)
{
    const struct command command = {.kind = COMMAND_NOTE,
                                    .actor = user,
                                    .client = client_of(user),
                                    .at_ms = ++world->now,
                                    .body = body};
    give(world, &command);
    return read_result(world);
}

struct push_reply push_raw(struct world *world, struct id user, struct id note, uint64_t base,
                           struct bytes changes)
{
    struct message message = {.type = MESSAGE_NOTE_PUSH};
    struct buffer body = {0};
    message.as.note_push.request = 77;
    message.as.note_push.note = note;
    message.as.note_push.base = base;
    message.as.note_push.changes = changes;
    message_encode(&body, &message);
    const struct push_reply reply = push_body(world, user, buffer_bytes(&body));
    buffer_release(&body);
    return reply;
}

struct push_reply push(struct world *world, struct id user, struct id note, uint64_t base,
                       const char *sets)
{
    struct buffer list = {0};
    uint32_t count = 0;
    const size_t begin = wire_begin_array(&list);
    while (*sets != '\0') {
        char one[1024];
        const size_t size = strcspn(sets, "|");
        assert_true(size < sizeof one);
        memcpy(one, sets, size);
        one[size] = '\0';
        put_set(&list, one);
        count++;
        sets += size + (sets[size] == '|');
    }
    wire_end(&list, begin, count);
    const struct push_reply reply = push_raw(world, user, note, base, buffer_bytes(&list));
    buffer_release(&list);
    return reply;
}

struct note_head head_of(struct world *world, struct id note)
{
    struct bytes row;
    struct note_head head;
    assert_int_equal(world->state.ops->note_head(world->state.self, note, &row), STATUS_OK);
    assert_int_equal(note_head_decode(row, &head), STATUS_OK);
    return head;
}

const char *text_of(struct world *world, struct id note, uint64_t version)
{
    static char texts[4][LONGEST_TEXT];
    static unsigned next;
    struct buffer text = {0}, runs = {0};
    char *out = NULL;
    const enum status status =
        note_read_version(&world->state, stored(world, note), version, &text, &runs);
    if (status == STATUS_OK)
        out = bytes_to_text(buffer_bytes(&text), texts[next++ % 4], LONGEST_TEXT);
    else
        assert_int_equal(status, STATUS_NOT_FOUND);
    buffer_release(&text);
    buffer_release(&runs);
    return out;
}

const char *authors_of(struct world *world, struct id note, uint64_t version)
{
    struct buffer text = {0}, encoded = {0};
    struct note_runs runs = {0};
    char out[512] = "";
    assert_int_equal(
        note_read_version(&world->state, stored(world, note), version, &text, &encoded), STATUS_OK);
    assert_int_equal(note_runs_read(buffer_bytes(&encoded), &runs), STATUS_OK);
    for (size_t i = 0; i < runs.count; i++) {
        const size_t at = strlen(out);
        snprintf(out + at, sizeof out - at, "%s%u %.*s", i > 0 ? ", " : "", runs.runs[i].length,
                 (int)runs.runs[i].by.size, (const char *)runs.runs[i].by.data);
    }
    note_runs_release(&runs);
    buffer_release(&text);
    buffer_release(&encoded);
    return fmt("%s", out);
}

void pass(struct world *world, uint64_t ms)
{
    world->now += ms;
    run_due(world);
}

void prune(struct world *world, uint64_t before)
{
    struct buffer body = {0};
    wire_put_map(&body, 1);
    wire_put_text(&body, "before");
    wire_put_uint(&body, before);
    assert_int_equal(order(world, COMMAND_PRUNE, (struct id){{0}}, buffer_bytes(&body)), STATUS_OK);
    buffer_release(&body);
}

bool is_kept(struct world *world, struct id note)
{
    struct bytes row;
    return world->state.ops->note_head(world->state.self, note, &row) == STATUS_OK;
}

static void check_runs(struct bytes text, struct bytes encoded)
{
    struct note_runs runs = {0};
    assert_int_equal(wire_validate(encoded, NULL), STATUS_OK);
    assert_int_equal(note_runs_read(encoded, &runs), STATUS_OK);
    assert_int_equal(note_runs_length(&runs), utf16_length(text));
    for (size_t i = 1; i < runs.count; i++)
        assert_false(bytes_equal(runs.runs[i - 1].by, runs.runs[i].by));
    note_runs_release(&runs);
}

/* Every version from the oldest is read, forwards, backwards and by its number. */
static void check_log(struct world *world, struct id note, const struct note_head *head)
{
    struct note_log there, back, anywhere;
    struct note_entry entry;
    uint64_t low = head->oldest, high = head->version + 1;
    note_log_begin(&there, &world->state, note);
    note_log_begin(&back, &world->state, note);
    note_log_begin(&anywhere, &world->state, note);
    for (uint64_t number = head->version - low; low < head->version; number = number * 7 + 1) {
        assert_int_equal(note_log_next(&there, low, &entry), STATUS_OK);
        assert_int_equal(entry.version, ++low);
        assert_int_equal(note_log_before(&back, high, &entry), STATUS_OK);
        assert_int_equal(entry.version, --high);
        const uint64_t any = head->oldest + 1 + number % (head->version - head->oldest);
        assert_int_equal(note_log_at(&anywhere, any, &entry), STATUS_OK);
        assert_int_equal(entry.version, any);
    }
    assert_int_equal(note_log_next(&there, low, &entry), STATUS_NOT_FOUND);
    assert_int_equal(note_log_before(&back, high, &entry), STATUS_NOT_FOUND);
    assert_int_equal(note_log_at(&anywhere, head->oldest, &entry), STATUS_NOT_FOUND);
    assert_int_equal(note_log_at(&anywhere, head->version + 1, &entry), STATUS_NOT_FOUND);
    note_log_release(&there);
    note_log_release(&back);
    note_log_release(&anywhere);
}

void check_kept(struct world *world, struct id note)
{
    const struct note_head head = head_of(world, note);
    struct note_snapshot snapshot;
    struct bytes row;
    uint64_t version = head.snapshot, logged = 0;
    check_runs(head.text, head.runs);
    check_log(world, note, &head);
    while (world->state.ops->note_next(world->state.self, NOTE_LOG, note, version, &version,
                                       &row) == STATUS_OK)
        logged += row.size;
    assert_int_equal(head.logged, logged);
    const uint64_t bounds[] = {head.oldest, head.snapshot};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(
            world->state.ops->note_row(world->state.self, NOTE_SNAPSHOT, note, bounds[i], &row),
            STATUS_OK);
        assert_int_equal(note_snapshot_decode(row, &snapshot), STATUS_OK);
        check_runs(snapshot.text, snapshot.runs);
    }
    assert_int_equal(world->state.ops->note_before(world->state.self, NOTE_SNAPSHOT, note,
                                                   UINT64_MAX, &version, &row),
                     STATUS_OK);
    assert_int_equal(version, head.snapshot);
    if (head.oldest > 0)
        assert_int_equal(world->state.ops->note_before(world->state.self, NOTE_SNAPSHOT, note,
                                                       head.oldest, &version, &row),
                         STATUS_NOT_FOUND);
}

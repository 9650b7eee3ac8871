/* Pushing to live notes: who may, what is refused, and what versions come of it. */
#include <string.h>

#include "protocol/wire.h"
#include "server/core/note/note_log.h"
#include "tests/unit/core/note_world.h"

#define KARI nid(900)
#define NILS nid(901)
#define VIVI nid(902)
#define EVA nid(910) /* of Papir, at the level comment */
#define PAPIR nid(50)
#define ACCOUNT nid(1)
#define NOTE nid(10)

static int setup(void **state)
{
    const int result = world_setup(state);
    struct world *w = *state;
    add_staff(w, KARI, "kari", "Member", "sales");
    add_staff(w, NILS, "nils", "Member", "support");
    add_staff(w, VIVI, "vivi", "Viewer", "sales");
    add_partner(w, PAPIR, "Papir", "supplier");
    add_partner_user(w, EVA, "eva", PAPIR);
    assert_ok(create(w, KARI, "account", ACCOUNT, "name=Fjord"));
    assign(w, nid(4), PAPIR, ACCOUNT, "comment");
    assert_ok(create(w, KARI, "note", NOTE, fmt("account=%s|text=call them", tx(ACCOUNT))));
    return result;
}

#define NOTE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, world_teardown)

static void expect(struct push_reply reply, enum status status, uint64_t version, int change)
{
    if (reply.status != status)
        print_error("answered %s: %s\n", status_name(reply.status), reply.detail);
    assert_int_equal(reply.status, status);
    assert_int_equal(reply.version, version);
    assert_int_equal(reply.change, change);
}

static void each_change_set_is_a_version(void **state)
{
    struct world *w = *state;
    assert_false(is_kept(w, NOTE));
    const uint64_t seq = head(w);
    assert_pushed(push(w, KARI, NOTE, 0, "=9 +_soon"), 1);
    assert_pushed(push(w, NILS, NOTE, 1, "-4+ask =10|=13 +!"), 3);
    assert_string_equal(text_of(w, NOTE, 0), "call them");
    assert_string_equal(text_of(w, NOTE, 1), "call them soon");
    assert_string_equal(text_of(w, NOTE, 2), "ask them soon");
    assert_string_equal(text_of(w, NOTE, 3), "ask them soon!");
    assert_null(text_of(w, NOTE, 4));
    assert_string_equal(authors_of(w, NOTE, 0), "9 kari");
    assert_string_equal(authors_of(w, NOTE, 3), "3 nils, 10 kari, 1 nils");
    assert_int_equal(head(w), seq); /* nothing of it is in the feed */
    assert_string_equal(value_of(w, NOTE, "text"), "call them");
    check_kept(w, NOTE);
}

static void the_log_says_who_from_where_and_when(void **state)
{
    struct world *w = *state;
    struct note_log log;
    struct note_entry entry;
    struct buffer set = {0}, found = {0};
    assert_pushed(push(w, NILS, NOTE, 0, "=9 +x"), 1);
    note_log_begin(&log, &w->state, NOTE);
    assert_int_equal(note_log_next(&log, 0, &entry), STATUS_OK);
    assert_int_equal(entry.version, 1);
    assert_true(id_equal(entry.client, client_of(NILS)));
    assert_true(bytes_is(entry.by, "nils"));
    assert_int_equal(entry.at_ms, w->now);
    assert_int_equal(entry.seq, head(w));
    put_set(&set, "=9 +x");
    change_set_write(entry.set, &found);
    assert_true(bytes_equal(buffer_bytes(&found), buffer_bytes(&set)));
    assert_int_equal(note_log_before(&log, 2, &entry), STATUS_OK);
    assert_int_equal(entry.version, 1);
    assert_int_equal(note_log_before(&log, 1, &entry), STATUS_NOT_FOUND);
    note_log_release(&log);
    buffer_release(&set);
    buffer_release(&found);
}

static void those_who_have_it_open_are_told(void **state)
{
    struct world *w = *state;
    effects_clear(&w->effects);
    assert_pushed(push(w, NILS, NOTE, 0, "=9 +x"), 1);
    assert_int_equal(w->effects.note_count, 1);
    assert_true(id_equal(w->effects.notes[0], NOTE));
    effects_clear(&w->effects);
    expect(push(w, NILS, NOTE, 0, "=9 +y"), STATUS_BEHIND, 1, -1);
    assert_int_equal(w->effects.note_count, 0);
    assert_ok(share(w, KARI, NOTE, "suppliers", NULL));
    assert_int_equal(w->effects.note_count, 1);
}

static void an_older_base_is_behind(void **state)
{
    struct world *w = *state;
    assert_pushed(push(w, KARI, NOTE, 0, "=9 +a"), 1);
    expect(push(w, NILS, NOTE, 0, "=9 +b"), STATUS_BEHIND, 1, -1);
    expect(push(w, NILS, NOTE, 2, "=10 +b"), STATUS_BEHIND, 1, -1);
    expect(push(w, KARI, NOTE, UINT64_MAX, "=10 +b"), STATUS_BEHIND, 1, -1);
    assert_string_equal(text_of(w, NOTE, 1), "call thema");
}

/* Its answer was lost with a connection: the device does not know whether it was taken. */
static void a_push_sent_again_is_answered_as_before(void **state)
{
    struct world *w = *state;
    struct buffer before = {0}, after = {0};
    assert_pushed(push(w, KARI, NOTE, 0, "=9 +a|=10 +b"), 2);
    assert_pushed(push(w, NILS, NOTE, 2, "=11 +c"), 3);
    memory_state_dump(w->memory, true, &before);
    effects_clear(&w->effects);
    assert_pushed(push(w, KARI, NOTE, 0, "=9 +a|=10 +b"), 2);
    assert_pushed(push(w, KARI, NOTE, 1, "=10 +b"), 2);
    assert_int_equal(w->effects.note_count, 0);
    expect(push(w, KARI, NOTE, 0, "=9 +a|=10 +x"), STATUS_BEHIND, 3, -1);
    expect(push(w, KARI, NOTE, 0, "=9 +a|=10 +b|=11 +c"), STATUS_BEHIND, 3, -1);
    expect(push(w, NILS, NOTE, 0, "=9 +a|=10 +b"), STATUS_BEHIND, 3, -1);
    expect(push(w, NILS, NOTE, 1, "=10 +b|=11 +c|=12 +d"), STATUS_BEHIND, 3, -1);
    memory_state_dump(w->memory, true, &after);
    assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    buffer_release(&before);
    buffer_release(&after);
}

static void push_as(struct world *w, struct id user, struct id device, uint64_t base,
                    const char *set, const char *expected)
{
    struct message message = {.type = MESSAGE_NOTE_PUSH}, answer;
    struct buffer sets = {0}, body = {0};
    wire_put_array(&sets, 1);
    put_set(&sets, set);
    message.as.note_push.note = NOTE;
    message.as.note_push.base = base;
    message.as.note_push.changes = buffer_bytes(&sets);
    message_encode(&body, &message);
    const struct command command = {.kind = COMMAND_NOTE,
                                    .actor = user,
                                    .client = device,
                                    .at_ms = ++w->now,
                                    .body = buffer_bytes(&body)};
    give(w, &command);
    assert_int_equal(message_decode(buffer_bytes(&w->effects.answer), &answer, NULL), STATUS_OK);
    assert_true(bytes_is(answer.as.note_result.status, expected));
    buffer_release(&sets);
    buffer_release(&body);
}

/* Ids of devices are in the log that all may read: they say nothing of who pushes. A device is whose
 * it was first, whether they typed with it or made a mutation. */
static void another_users_device_is_refused(void **state)
{
    struct world *w = *state;
    struct buffer before = {0}, after = {0};
    const struct id typed = {{7, 7}};
    push_as(w, KARI, typed, 0, "=9 +a", "ok");
    memory_state_dump(w->memory, true, &before);
    push_as(w, NILS, typed, 0, "=9 +a", "denied"); /* the same, as if sent again */
    push_as(w, NILS, typed, 1, "=10 +b", "denied");
    push_as(w, NILS, client_of(KARI), 1, "=10 +b", "denied"); /* made the note with it */
    memory_state_dump(w->memory, true, &after);
    assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    push_as(w, KARI, typed, 1, "=10 +b", "ok");
    push_as(w, NILS, client_of(NILS), 2, "=11 +c", "ok");
    buffer_release(&before);
    buffer_release(&after);
}

/* With a device that is somebody's own, though it was named in a push that was refused. */
static void a_refused_push_makes_no_device_ones_own(void **state)
{
    struct world *w = *state;
    const struct id device = {{7, 8}};
    push_as(w, NILS, device, 3, "=9 +a", "behind");
    push_as(w, KARI, device, 0, "=9 +a", "ok");
}

/* And a device that only typed is forgotten as any other. */
static void a_device_that_typed_is_forgotten(void **state)
{
    struct world *w = *state;
    const struct id device = {{7, 9}};
    push_as(w, KARI, device, 0, "=9 +a", "ok");
    const struct command forget = {
        .kind = COMMAND_FORGET_CLIENT, .actor = KARI, .client = device, .at_ms = ++w->now};
    give(w, &forget);
    push_as(w, NILS, device, 1, "=10 +b", "ok");
}

/* What is wrong with one set of a push is wrong with the push. */
static void a_push_is_taken_whole_or_not_at_all(void **state)
{
    struct world *w = *state;
    struct buffer before = {0}, after = {0};
    memory_state_dump(w->memory, true, &before);
    expect(push(w, KARI, NOTE, 0, "=9 +a|=10 +b|=10 +c"), STATUS_INVALID_VALUE, 0, 2);
    expect(push(w, KARI, NOTE, 0, "=9 +a|=10|=10 +c"), STATUS_INVALID_VALUE, 0, 1);
    expect(push(w, KARI, NOTE, 0, "=8 +a"), STATUS_INVALID_VALUE, 0, 0);
    expect(push(w, KARI, NOTE, 0, "=9 +a\r"), STATUS_INVALID_VALUE, 0, 0);
    expect(push(w, KARI, NOTE, 0, ""), STATUS_INVALID_VALUE, 0, -1);
    /* [[9, [0, "\0"]]] */
    expect(push_raw(w, KARI, NOTE, 0, bytes_of("\x91\x92\x09\x92\x00\xa1\x00", 7)),
           STATUS_INVALID_VALUE, 0, 0);
    memory_state_dump(w->memory, true, &after);
    assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    buffer_release(&before);
    buffer_release(&after);
}

static void what_is_no_push_is_malformed(void **state)
{
    struct world *w = *state;
    struct buffer body = {0};
    expect(push_body(w, KARI, bytes_text("nonsense")), STATUS_MALFORMED, 0, -1);
    expect(push_body(w, KARI, bytes_of("", 0)), STATUS_MALFORMED, 0, -1);
    struct message message = {.type = MESSAGE_PING};
    message_encode(&body, &message);
    expect(push_body(w, KARI, buffer_bytes(&body)), STATUS_MALFORMED, 0, -1);
    expect(push_raw(w, KARI, NOTE, 0, bytes_text("\x01")), STATUS_MALFORMED, 0, -1);
    expect(push_raw(w, KARI, NOTE, 0, bytes_text("\x91\x01")), STATUS_MALFORMED, 0, 0);
    expect(push_raw(w, KARI, NOTE, 0, bytes_text("\x91\x92\x09\xa1x")), STATUS_MALFORMED, 0, 0);
    assert_false(is_kept(w, NOTE));
    buffer_release(&body);
}

/* A half of a pair of units, from either side. */
static void characters_are_not_cut(void **state)
{
    struct world *w = *state;
    assert_pushed(push(w, KARI, NOTE, 0, "-9+a\xf0\x9f\x98\x80z"), 1);
    expect(push(w, KARI, NOTE, 1, "=2 +x =2"), STATUS_INVALID_VALUE, 1, 0);
    expect(push(w, KARI, NOTE, 1, "=1 -1 =2"), STATUS_INVALID_VALUE, 1, 0);
    assert_pushed(push(w, KARI, NOTE, 1, "=1 -2 =1"), 2);
    assert_string_equal(text_of(w, NOTE, 2), "az");
}

static struct push_reply push_fill(struct world *w, uint64_t base, size_t keep, size_t size)
{
    struct change_set set = {0};
    struct buffer text = {0}, list = {0};
    memset(buffer_extend(&text, size), 'x', size);
    change_set_keep(&set, keep);
    change_set_replace(&set, 0, buffer_bytes(&text), false);
    wire_put_array(&list, 1);
    change_set_write(&set, &list);
    const struct push_reply reply = push_raw(w, KARI, NOTE, base, buffer_bytes(&list));
    change_set_release(&set);
    buffer_release(&text);
    buffer_release(&list);
    return reply;
}

/* Each set takes one more of the units away. */
static struct push_reply push_many(struct world *w, uint64_t base, size_t units, uint32_t sets)
{
    struct change_set set = {0};
    struct buffer list = {0};
    wire_put_array(&list, sets);
    for (uint32_t i = 0; i < sets; i++) {
        change_set_clear(&set);
        change_set_replace(&set, 1, bytes_text(""), false);
        change_set_keep(&set, units - 1 - i);
        change_set_write(&set, &list);
    }
    const struct push_reply reply = push_raw(w, KARI, NOTE, base, buffer_bytes(&list));
    change_set_release(&set);
    buffer_release(&list);
    return reply;
}

static void a_note_is_bounded(void **state)
{
    struct world *w = *state;
    struct buffer list = {0};
    expect(push_fill(w, 0, 9, LIMIT_NOTE_TEXT), STATUS_TOO_LARGE, 0, 0);
    assert_pushed(push_fill(w, 0, 9, LIMIT_NOTE_TEXT - 9), 1);
    expect(push_fill(w, 1, LIMIT_NOTE_TEXT, 1), STATUS_TOO_LARGE, 1, 0);
    wire_put_array(&list, LIMIT_NOTE_PUSH + 1);
    for (unsigned i = 0; i <= LIMIT_NOTE_PUSH; i++)
        put_set(&list, "-1");
    expect(push_raw(w, KARI, NOTE, 1, buffer_bytes(&list)), STATUS_LIMIT, 1, -1);
    assert_pushed(push_many(w, 1, LIMIT_NOTE_TEXT, LIMIT_NOTE_PUSH), 1 + LIMIT_NOTE_PUSH);
    pass(w, NOTE_PAUSE_MS);
    assert_int_equal(record_text(stored(w, NOTE), "text").size, LIMIT_NOTE_TEXT - LIMIT_NOTE_PUSH);
    buffer_release(&list);
}

/* The text must find room in its record when it settles. */
static void a_record_with_a_note_in_it_is_bounded(void **state)
{
    struct world *w = *state;
    struct buffer large = {0};
    memset(buffer_extend(&large, 60000), 'y', 60000);
    for (unsigned i = 0; i < 3; i++) {
        const char *name = fmt("long%u", i);
        assert_ok(create(w, w->ada, "customField", nid(60 + i),
                         fmt("key=note.%s|entity=note|name=%s|kind=longText", name, name)));
        struct changes changes = {.count = 1};
        struct buffer *out = &changes.list;
        wire_put_map(out, 3);
        wire_put_text(out, "op");
        wire_put_text(out, "update");
        wire_put_text(out, "id");
        wire_put_id(out, NOTE);
        wire_put_text(out, "fields");
        wire_put_map(out, 1);
        wire_put_text(out, name);
        wire_put_str(out, buffer_bytes(&large));
        assert_ok(send(w, KARI, &changes));
    }
    expect(push_fill(w, 0, 9, 100000), STATUS_TOO_LARGE, 0, 0);
    assert_pushed(push_fill(w, 0, 9, 60000), 1);
    pass(w, NOTE_PAUSE_MS);
    assert_int_equal(record_text(stored(w, NOTE), "text").size, 60009);
    buffer_release(&large);
}

static void only_what_is_seen_can_be_written_in(void **state)
{
    struct world *w = *state;
    expect(push(w, EVA, NOTE, 0, "=9 +x"), STATUS_NOT_FOUND, 0, -1);
    expect(push(w, EVA, NOTE, 5, "=9 +x"), STATUS_NOT_FOUND, 0, -1);
    expect(push(w, KARI, nid(4711), 0, "+x"), STATUS_NOT_FOUND, 0, -1);
    expect(push(w, KARI, ACCOUNT, 0, "+x"), STATUS_NOT_FOUND, 0, -1);
    expect(push(w, nid(4711), NOTE, 0, "=9 +x"), STATUS_DENIED, 0, -1);
    assert_ok(create(w, KARI, "note", nid(11), "text=a"));
    assert_pushed(push(w, KARI, nid(11), 0, "=1 +b"), 1);
    assert_ok(erase(w, KARI, nid(11)));
    expect(push(w, KARI, nid(11), 1, "=2 +c"), STATUS_NOT_FOUND, 0, -1);
}

static void viewers_only_read(void **state)
{
    struct world *w = *state;
    expect(push(w, VIVI, NOTE, 0, "=9 +x"), STATUS_DENIED, 0, -1);
    assert_pushed(push(w, KARI, NOTE, 0, "=9 +x"), 1);
    expect(push(w, VIVI, NOTE, 1, "=10 +x"), STATUS_DENIED, 1, -1);
}

/* A note that is shared with them, though they did not make it and may not edit it otherwise. */
static void partners_write_at_the_level_comment(void **state)
{
    struct world *w = *state;
    assert_ok(share(w, KARI, NOTE, "suppliers", NULL));
    assert_reply(update(w, EVA, "note", NOTE, "text=no"), STATUS_DENIED);
    assert_pushed(push(w, EVA, NOTE, 0, "=9 +_today"), 1);
    pass(w, NOTE_PAUSE_MS);
    assert_string_equal(value_of(w, NOTE, "text"), "call them today");
    assert_ok(update(w, KARI, "assignment", nid(4), "level=view"));
    expect(push(w, EVA, NOTE, 1, "=15 +x"), STATUS_DENIED, 1, -1);
    assert_ok(update(w, KARI, "assignment", nid(4), "level=edit"));
    assert_pushed(push(w, EVA, NOTE, 1, "=15 +!"), 2);
    assert_ok(erase(w, KARI, nid(4)));
    expect(push(w, EVA, NOTE, 2, "=16 +x"), STATUS_NOT_FOUND, 0, -1);
}

/* What was typed before a note was shared is not a partner's to read. */
static void partners_read_from_when_it_became_theirs(void **state)
{
    struct world *w = *state;
    struct principal eva, kari;
    uint64_t oldest;
    assert_pushed(push(w, KARI, NOTE, 0, "=9 +_liars"), 1);
    assert_pushed(push(w, KARI, NOTE, 1, "=9 -6"), 2);
    assert_ok(share(w, KARI, NOTE, "suppliers", NULL));
    assert_pushed(push(w, KARI, NOTE, 2, "=9 +_friends"), 3);
    assert_pushed(push(w, EVA, NOTE, 3, "=17 +!"), 4);
    assert_int_equal(principal_load(&w->state, EVA, &eva), STATUS_OK);
    assert_int_equal(principal_load(&w->state, KARI, &kari), STATUS_OK);
    const struct note_head newest = head_of(w, NOTE);
    assert_int_equal(note_oldest_for(&w->state, &eva, stored(w, NOTE), &newest, &oldest),
                     STATUS_OK);
    assert_int_equal(oldest, 2);
    assert_int_equal(note_oldest_for(&w->state, &kari, stored(w, NOTE), &newest, &oldest),
                     STATUS_OK);
    assert_int_equal(oldest, 0);
    assert_ok(update(w, KARI, "assignment", nid(4), "level=view"));
    assert_ok(erase(w, KARI, nid(4)));
    assign(w, nid(5), PAPIR, ACCOUNT, "comment");
    const struct note_head later = head_of(w, NOTE);
    assert_int_equal(note_oldest_for(&w->state, &eva, stored(w, NOTE), &later, &oldest), STATUS_OK);
    assert_int_equal(oldest, 4);
}

/* A record that other programs made with other line ends. */
static void line_ends_are_made_one_kind(void **state)
{
    struct world *w = *state;
    assert_ok(create(w, KARI, "note", nid(11), "text=a\r\nb\rc"));
    assert_pushed(push(w, KARI, nid(11), 0, "=5 +/d"), 1);
    assert_string_equal(text_of(w, nid(11), 0), "a\nb\nc");
    pass(w, NOTE_PAUSE_MS);
    assert_string_equal(value_of(w, nid(11), "text"), "a\nb\nc\nd");
}

static void a_note_without_a_text_begins_empty(void **state)
{
    struct world *w = *state;
    assert_ok(create(w, KARI, "note", nid(11), "pinned=true"));
    assert_pushed(push(w, NILS, nid(11), 0, "+hello"), 1);
    assert_string_equal(text_of(w, nid(11), 0), "");
    pass(w, NOTE_PAUSE_MS);
    assert_string_equal(value_of(w, nid(11), "text"), "hello");
    assert_pushed(push(w, NILS, nid(11), 1, "-5"), 2);
    pass(w, NOTE_PAUSE_MS);
    assert_string_equal(value_of(w, nid(11), "text"), "");
    check_kept(w, nid(11));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(each_change_set_is_a_version),
        NOTE_TEST(the_log_says_who_from_where_and_when),
        NOTE_TEST(those_who_have_it_open_are_told),
        NOTE_TEST(an_older_base_is_behind),
        NOTE_TEST(a_push_sent_again_is_answered_as_before),
        NOTE_TEST(another_users_device_is_refused),
        NOTE_TEST(a_refused_push_makes_no_device_ones_own),
        NOTE_TEST(a_device_that_typed_is_forgotten),
        NOTE_TEST(a_push_is_taken_whole_or_not_at_all),
        NOTE_TEST(what_is_no_push_is_malformed),
        NOTE_TEST(characters_are_not_cut),
        NOTE_TEST(a_note_is_bounded),
        NOTE_TEST(a_record_with_a_note_in_it_is_bounded),
        NOTE_TEST(only_what_is_seen_can_be_written_in),
        NOTE_TEST(viewers_only_read),
        NOTE_TEST(partners_write_at_the_level_comment),
        NOTE_TEST(partners_read_from_when_it_became_theirs),
        NOTE_TEST(line_ends_are_made_one_kind),
        NOTE_TEST(a_note_without_a_text_begins_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Live notes and the records they are: settling, and changes of the text as a whole. */
#include <string.h>

#include "protocol/schema_value.h"
#include "protocol/wire.h"
#include "server/core/note/note_log.h"
#include "tests/unit/core/note_world.h"

#define KARI nid(900)
#define NILS nid(901)
#define NOTE nid(10)

static int setup(void **state)
{
    const int result = world_setup(state);
    struct world *w = *state;
    add_staff(w, KARI, "kari", "Member", "sales");
    add_staff(w, NILS, "nils", "Member", "support");
    assert_ok(create(w, KARI, "note", NOTE, "text=one two"));
    return result;
}

#define NOTE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, world_teardown)

static struct bytes newest_history(struct world *w, uint64_t *seq)
{
    struct bytes entry;
    assert_int_equal(w->state.ops->history_next(w->state.self, NOTE, UINT64_MAX, seq, &entry),
                     STATUS_OK);
    return entry;
}

/* A part of as many lines as a field may have: the log is read as it was written. */
static void a_text_of_nothing_but_line_ends_is_a_version_too(void **state)
{
    struct world *w = *state;
    struct buffer fields = {0};
    buffer_append(&fields, "text=", 5);
    memset(buffer_extend(&fields, LONG_TEXT_MAX), '\n', LONG_TEXT_MAX);
    buffer_append_byte(&fields, '\0');
    assert_ok(update(w, KARI, "note", NOTE, (const char *)fields.data));
    assert_pushed(push(w, NILS, NOTE, 1, fmt("+x =%u", LONG_TEXT_MAX)), 2);
    assert_non_null(text_of(w, NOTE, 1));
    assert_string_equal(authors_of(w, NOTE, 1), fmt("%u kari", LONG_TEXT_MAX));
    buffer_release(&fields);
}

static void typing_settles_when_it_pauses(void **state)
{
    struct world *w = *state;
    const uint64_t seq = head(w);
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    const uint64_t typed = w->now;
    pass(w, NOTE_PAUSE_MS - 10);
    assert_int_equal(head(w), seq);
    pass(w, 20);
    assert_int_equal(head(w), seq + 1);
    assert_string_equal(value_of(w, NOTE, "text"), "one two three");
    assert_string_equal(value_of(w, NOTE, "version"), "1");
    const struct record *record = stored(w, NOTE);
    const struct record_field *text = record_field(record, "text");
    assert_true(bytes_is(record->stamps[text->stamp].by, "nils"));
    assert_int_equal(record->stamps[text->stamp].at_ms, typed);
    assert_int_equal(record->stamps[text->stamp].seq, seq + 1);
    assert_int_equal(head_of(w, NOTE).settled, 1);
    assert_int_equal(memory_state_due_count(w->memory), 0);
    assert_int_equal(w->effects.note_count > 0, true);
    check_kept(w, NOTE);
}

static void history_names_the_versions_of_what_settled(void **state)
{
    struct world *w = *state;
    struct bytes changes, change, from, to;
    uint64_t seq;
    uint32_t count;
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three|=13 +!"), 2);
    pass(w, NOTE_PAUSE_MS);
    const struct bytes entry = newest_history(w, &seq);
    assert_int_equal(seq, head(w));
    assert_true(wire_map_find(entry, "changes", &changes));
    struct wire_reader reader = wire_read(changes);
    assert_true(wire_get_array(&reader, &count));
    assert_int_equal(count, 1);
    assert_true(wire_skip(&reader, &change));
    struct bytes name, by;
    assert_true(wire_map_str(change, "field", &name) && bytes_is(name, "version"));
    assert_true(wire_map_str(entry, "by", &by) && bytes_is(by, "nils"));
    assert_true(wire_map_find(change, "from", &from) && wire_map_find(change, "to", &to));
    assert_true(bytes_is(from, "\xc0") && bytes_is(to, "\x02"));
}

/* One row in the due table, put once for a burst of typing. */
static void a_burst_moves_the_due_row_once(void **state)
{
    struct world *w = *state;
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +a"), 1);
    const uint64_t due = head_of(w, NOTE).due_ms;
    for (unsigned i = 1; i < 20; i++) {
        w->now += 100;
        assert_pushed(push(w, NILS, NOTE, i, fmt("=%u +a", 7 + i)), i + 1);
        assert_int_equal(head_of(w, NOTE).due_ms, due);
        assert_int_equal(memory_state_due_count(w->memory), 1);
    }
    const uint64_t seq = head(w);
    w->now = due;
    run_due(w);
    assert_int_equal(head(w), seq);
    assert_int_equal(memory_state_due_count(w->memory), 1);
    assert_int_equal(head_of(w, NOTE).due_ms, head_of(w, NOTE).changed_ms + NOTE_PAUSE_MS);
    pass(w, NOTE_PAUSE_MS);
    assert_int_equal(head(w), seq + 1);
    assert_string_equal(value_of(w, NOTE, "version"), "20");
}

static void typing_without_a_pause_settles_too(void **state)
{
    struct world *w = *state;
    uint64_t version = 0;
    const uint64_t seq = head(w), began = w->now;
    while (head(w) == seq) {
        assert_pushed(push(w, NILS, NOTE, version, fmt("=%u +a", 7 + (unsigned)version)),
                      version + 1);
        version++;
        pass(w, 500);
        assert_true(w->now < began + NOTE_LONGEST_MS + NOTE_PAUSE_MS);
    }
    assert_true(w->now >= began + NOTE_LONGEST_MS);
    assert_true(head_of(w, NOTE).settled == version);
}

static void what_was_typed_and_taken_back_settles_as_a_version(void **state)
{
    struct world *w = *state;
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +a|=7 -1"), 2);
    pass(w, NOTE_PAUSE_MS);
    assert_string_equal(value_of(w, NOTE, "text"), "one two");
    assert_string_equal(value_of(w, NOTE, "version"), "2");
    const struct record *record = stored(w, NOTE);
    assert_true(bytes_is(record->stamps[record_field(record, "text")->stamp].by, "kari"));
    const uint64_t seq = head(w);
    pass(w, NOTE_LONGEST_MS);
    assert_int_equal(head(w), seq);
}

static void nobody_sets_the_version(void **state)
{
    struct world *w = *state;
    assert_reply(update(w, KARI, "note", NOTE, "version=5"), STATUS_DENIED);
    assert_reply(create(w, KARI, "note", nid(11), "version=5"), STATUS_DENIED);
}

static void a_text_set_as_a_whole_is_the_next_version(void **state)
{
    struct world *w = *state;
    struct note_log log;
    struct note_entry entry;
    struct buffer set = {0}, found = {0};
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    pass(w, NOTE_PAUSE_MS);
    effects_clear(&w->effects);
    const struct reply reply = update(w, KARI, "note", NOTE, "text=one 2 three");
    assert_ok(reply);
    assert_int_equal(w->effects.note_count, 1);
    assert_string_equal(value_of(w, NOTE, "text"), "one 2 three");
    assert_string_equal(value_of(w, NOTE, "version"), "2");
    assert_string_equal(text_of(w, NOTE, 2), "one 2 three");
    assert_string_equal(text_of(w, NOTE, 1), "one two three");
    assert_string_equal(authors_of(w, NOTE, 2), "5 kari, 6 nils");
    note_log_begin(&log, &w->state, NOTE);
    assert_int_equal(note_log_next(&log, 1, &entry), STATUS_OK);
    assert_true(id_is_zero(entry.client) && bytes_is(entry.by, "kari"));
    assert_int_equal(entry.seq, reply.seq - 1);
    put_set(&set, "=4 -3+2 =6");
    change_set_write(entry.set, &found);
    assert_true(bytes_equal(buffer_bytes(&found), buffer_bytes(&set)));
    note_log_release(&log);
    buffer_release(&found);
    assert_int_equal(head_of(w, NOTE).settled, 2);
    const uint64_t seq = head(w);
    pass(w, NOTE_LONGEST_MS);
    assert_int_equal(head(w), seq);
    check_kept(w, NOTE);
    buffer_release(&set);
}

/* Who has it open pushes to version 0, which is of the text that it was. */
static void a_first_text_set_as_a_whole_is_a_version_too(void **state)
{
    struct world *w = *state;
    assert_ok(update(w, NILS, "note", NOTE, "text=one tva"));
    assert_string_equal(value_of(w, NOTE, "version"), "1");
    assert_string_equal(text_of(w, NOTE, 0), "one two");
    assert_string_equal(text_of(w, NOTE, 1), "one tva");
    assert_int_equal(push(w, KARI, NOTE, 0, "=7 +!").status, STATUS_BEHIND);
    assert_pushed(push(w, KARI, NOTE, 1, "=7 +!"), 2);
    check_kept(w, NOTE);
}

static void other_changes_of_a_plain_note_keep_nothing(void **state)
{
    struct world *w = *state;
    assert_ok(update(w, NILS, "note", NOTE, "pinned=true|text=one two"));
    assert_false(is_kept(w, NOTE));
    assert_string_equal(value_of(w, NOTE, "version"), "");
}

/* What was typed and has not settled counts as if it had. */
static void a_whole_text_replaces_what_was_typed_last(void **state)
{
    struct world *w = *state;
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    assert_ok(update(w, KARI, "note", NOTE, "text=one two four"));
    assert_string_equal(value_of(w, NOTE, "text"), "one two four");
    assert_string_equal(value_of(w, NOTE, "version"), "2");
    assert_string_equal(authors_of(w, NOTE, 2), "7 kari, 1 nils, 4 kari");
    assert_int_equal(memory_state_due_count(w->memory), 0);
    /* As it was before the typing: that is taken back, as a version. */
    assert_pushed(push(w, NILS, NOTE, 2, "=12 +!"), 3);
    assert_ok(update(w, KARI, "note", NOTE, "text=one two four"));
    assert_string_equal(value_of(w, NOTE, "version"), "4");
    assert_string_equal(text_of(w, NOTE, 4), "one two four");
    check_kept(w, NOTE);
}

/* Changes of other fields, and a text that is the newest already, let the typing settle in time. */
static void other_changes_leave_the_typing_to_settle(void **state)
{
    struct world *w = *state;
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    const uint64_t seq = head(w);
    assert_ok(update(w, KARI, "note", NOTE, "text=one two three"));
    assert_ok(update(w, KARI, "note", NOTE, "pinned=true|text=one two three"));
    assert_ok(update(w, KARI, "note", NOTE, "type=plan"));
    assert_int_equal(head(w), seq + 3);
    assert_string_equal(value_of(w, NOTE, "text"), "one two");
    assert_string_equal(value_of(w, NOTE, "pinned"), "true");
    assert_string_equal(value_of(w, NOTE, "version"), "");
    assert_int_equal(head_of(w, NOTE).version, 1);
    pass(w, NOTE_PAUSE_MS);
    assert_string_equal(value_of(w, NOTE, "text"), "one two three");
    const struct record *record = stored(w, NOTE);
    assert_true(bytes_is(record->stamps[record_field(record, "text")->stamp].by, "nils"));
}

/* Several changes of one note in one mutation come to one version, or to none. */
static void changes_of_one_mutation_are_one_version(void **state)
{
    struct world *w = *state;
    struct changes changes = {.count = 0};
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    add_update(&changes, "note", NOTE, "text=x", 0);
    add_update(&changes, "note", NOTE, "pinned=true", 0);
    add_update(&changes, "note", NOTE, "text=y", 0);
    add_share(&changes, NOTE, "partners", NULL);
    assert_ok(send(w, KARI, &changes));
    assert_int_equal(head_of(w, NOTE).version, 2);
    assert_string_equal(text_of(w, NOTE, 2), "y");
    assert_string_equal(value_of(w, NOTE, "text"), "y");
    assert_pushed(push(w, NILS, NOTE, 2, "=1 +z"), 3);
    add_update(&changes, "note", NOTE, "text=x", 0);
    add_update(&changes, "note", NOTE, "text=yz", 0);
    add_share(&changes, NOTE, NULL, "partners");
    assert_ok(send(w, KARI, &changes));
    assert_int_equal(head_of(w, NOTE).version, 3);
    assert_string_equal(value_of(w, NOTE, "version"), "2");
    pass(w, NOTE_PAUSE_MS);
    assert_string_equal(value_of(w, NOTE, "text"), "yz");
    check_kept(w, NOTE);
}

static void a_text_may_be_cleared(void **state)
{
    struct world *w = *state;
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    assert_ok(update(w, KARI, "note", NOTE, "text="));
    assert_string_equal(text_of(w, NOTE, 2), "");
    assert_pushed(push(w, NILS, NOTE, 2, "+new"), 3);
    pass(w, NOTE_PAUSE_MS);
    assert_string_equal(value_of(w, NOTE, "text"), "new");
}

static void line_ends_of_a_whole_text_are_made_one_kind(void **state)
{
    struct world *w = *state;
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    assert_ok(update(w, KARI, "note", NOTE, "text=a\r\nb"));
    assert_string_equal(value_of(w, NOTE, "text"), "a\nb");
    assert_string_equal(text_of(w, NOTE, 2), "a\nb");
    /* Which is what is there: no change. */
    assert_ok(update(w, KARI, "note", NOTE, "text=a\rb"));
    assert_int_equal(head_of(w, NOTE).version, 2);
}

static struct reply update_from(struct world *w, struct id user, uint64_t base, const char *fields)
{
    struct changes changes = {.count = 0};
    add_update(&changes, "note", NOTE, fields, base);
    return send(w, user, &changes);
}

/* The value that a conflict shows, as text. */
static const char *theirs_of(const struct reply *reply)
{
    struct bytes conflict, theirs;
    struct wire_reader reader = wire_read(bytes_of(reply->conflicts, reply->conflict_size));
    uint32_t count;
    assert_true(wire_get_array(&reader, &count) && count == 1 && wire_skip(&reader, &conflict));
    assert_true(wire_map_str(conflict, "theirs", &theirs));
    return fmt("%.*s", (int)theirs.size, (const char *)theirs.data);
}

static uint64_t seq_of(const struct reply *reply)
{
    struct bytes conflict;
    struct wire_reader reader = wire_read(bytes_of(reply->conflicts, reply->conflict_size));
    uint32_t count;
    uint64_t seq;
    assert_true(wire_get_array(&reader, &count) && count == 1 && wire_skip(&reader, &conflict));
    assert_true(wire_map_uint(conflict, "seq", &seq));
    return seq;
}

static void typing_of_others_conflicts_with_a_whole_text(void **state)
{
    struct world *w = *state;
    const uint64_t seen = head(w);
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    struct reply reply = update_from(w, KARI, seen, "text=mine");
    assert_reply(reply, STATUS_CONFLICT);
    assert_string_equal(theirs_of(&reply), "one two three");
    assert_int_equal(seq_of(&reply), head(w)); /* one that there is */
    /* Also with the seq that the answer tells, since more may have been typed. */
    assert_reply(update_from(w, KARI, head(w), "text=mine"), STATUS_CONFLICT);
    /* Not with another field. */
    assert_ok(update_from(w, KARI, seen, "pinned=true"));
    pass(w, NOTE_PAUSE_MS);
    reply = update_from(w, KARI, seen, "text=mine");
    assert_reply(reply, STATUS_CONFLICT);
    assert_string_equal(theirs_of(&reply), "one two three");
    assert_ok(update_from(w, KARI, head(w), "text=mine"));
    assert_string_equal(text_of(w, NOTE, 2), "mine");
}

static void ones_own_typing_and_overwriting_do_not_conflict(void **state)
{
    struct world *w = *state;
    const uint64_t seen = head(w);
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    assert_ok(update_from(w, NILS, seen, "text=own"));
    assert_pushed(push(w, KARI, NOTE, 2, "=3 +!"), 3);
    w->mode = "overwrite";
    assert_ok(update_from(w, NILS, seen, "text=mine"));
    w->mode = NULL;
    assert_string_equal(text_of(w, NOTE, 4), "mine");
}

/* Another device of hers has merged what nils typed, and this one has not seen it. */
static void what_others_typed_below_ones_own_conflicts_until_it_was_seen(void **state)
{
    struct world *w = *state;
    const uint64_t seen = head(w);
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    assert_pushed(push(w, KARI, NOTE, 1, "=13 +_four"), 2);
    assert_reply(update_from(w, KARI, seen, "text=mine"), STATUS_CONFLICT);
    pass(w, NOTE_PAUSE_MS);
    assert_reply(update_from(w, KARI, seen, "text=mine"), STATUS_CONFLICT);
    const uint64_t both = head(w);
    assert_ok(update_from(w, KARI, both, "text=first"));
    assert_ok(update_from(w, KARI, both, "text=second"));
    assert_pushed(push(w, KARI, NOTE, 4, "=6 +!"), 5);
    assert_ok(update_from(w, KARI, both, "text=third"));
    assert_string_equal(text_of(w, NOTE, 6), "third");
}

static void removing_conflicts_with_what_others_typed(void **state)
{
    struct world *w = *state;
    struct changes changes = {.count = 0};
    const uint64_t seen = head(w);
    assert_pushed(push(w, NILS, NOTE, 0, "=7 +_three"), 1);
    add_remove(&changes, NOTE, seen);
    const struct reply reply = send(w, KARI, &changes);
    assert_reply(reply, STATUS_CONFLICT);
    assert_string_equal(theirs_of(&reply), "one two three");
    add_remove(&changes, NOTE, seen);
    assert_ok(send(w, NILS, &changes));
    assert_false(is_there(w, NOTE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(a_text_of_nothing_but_line_ends_is_a_version_too),
        NOTE_TEST(typing_settles_when_it_pauses),
        NOTE_TEST(history_names_the_versions_of_what_settled),
        NOTE_TEST(a_burst_moves_the_due_row_once),
        NOTE_TEST(typing_without_a_pause_settles_too),
        NOTE_TEST(what_was_typed_and_taken_back_settles_as_a_version),
        NOTE_TEST(nobody_sets_the_version),
        NOTE_TEST(a_text_set_as_a_whole_is_the_next_version),
        NOTE_TEST(a_first_text_set_as_a_whole_is_a_version_too),
        NOTE_TEST(other_changes_of_a_plain_note_keep_nothing),
        NOTE_TEST(a_whole_text_replaces_what_was_typed_last),
        NOTE_TEST(other_changes_leave_the_typing_to_settle),
        NOTE_TEST(changes_of_one_mutation_are_one_version),
        NOTE_TEST(a_text_may_be_cleared),
        NOTE_TEST(line_ends_of_a_whole_text_are_made_one_kind),
        NOTE_TEST(typing_of_others_conflicts_with_a_whole_text),
        NOTE_TEST(ones_own_typing_and_overwriting_do_not_conflict),
        NOTE_TEST(what_others_typed_below_ones_own_conflicts_until_it_was_seen),
        NOTE_TEST(removing_conflicts_with_what_others_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is kept of live notes: snapshots, what is pruned, and what goes with a note that was
 * removed.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/unit/core/note_world.h"

#define KARI nid(900)
#define NOTE nid(10)

static int setup(void **state)
{
    const int result = world_setup(state);
    struct world *w = *state;
    add_staff(w, KARI, "kari", "Member", "sales");
    assert_ok(create(w, KARI, "note", NOTE, "text=x"));
    return result;
}

#define NOTE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, world_teardown)

/* One letter at a time, at the end; returns the newest version. */
static uint64_t type(struct world *w, uint64_t version, unsigned letters)
{
    for (unsigned i = 0; i < letters; i++, version++)
        assert_pushed(push(w, KARI, NOTE, version, fmt("=%u +a", 1 + (unsigned)version)),
                      version + 1);
    return version;
}

/* Replaces a text of PASSAGE letters as often, each time with a row of the log. */
#define PASSAGE 1000
static uint64_t rewrite(struct world *w, uint64_t version, unsigned times)
{
    char letters[PASSAGE + 1];
    memset(letters, 'k', PASSAGE);
    letters[PASSAGE] = '\0';
    for (unsigned i = 0; i < times; i++, version++) {
        letters[i % PASSAGE]++;
        assert_pushed(
            push(w, KARI, NOTE, version, fmt("-%u+%s", version == 0 ? 1u : PASSAGE, letters)),
            version + 1);
    }
    return version;
}

static unsigned snapshots(struct world *w)
{
    struct bytes row;
    uint64_t version = UINT64_MAX;
    unsigned count = 0;
    while (w->state.ops->note_before(w->state.self, NOTE_SNAPSHOT, NOTE, version, &version, &row) ==
           STATUS_OK)
        count++;
    return count;
}

static void a_snapshot_comes_with_as_many_bytes_as_a_text_has(void **state)
{
    struct world *w = *state;
    type(w, 0, 6000);
    const struct note_head head = head_of(w, NOTE);
    assert_true(head.logged <= head.text.size + 4096);
    assert_true(snapshots(w) >= 3 && snapshots(w) <= 6);
    check_kept(w, NOTE);
    assert_int_equal(strlen(text_of(w, NOTE, 700)), 701);
    assert_string_equal(authors_of(w, NOTE, 700), "701 kari");
    /* Log and snapshots together: twice the log, about; and the head. */
    assert_true(memory_state_note_bytes(w->memory) - head.text.size < 6000 * 10);
}

/* Of a long text so much may be typed before it is outgrown that reading a version would take long.
 */
static void a_snapshot_comes_with_many_versions(void **state)
{
    struct world *w = *state;
    const struct id note = nid(11);
    struct buffer fields = {0};
    buffer_append(&fields, "text=", 5);
    memset(buffer_extend(&fields, 50000), 'k', 50000);
    buffer_append_byte(&fields, '\0');
    assert_ok(create(w, KARI, "note", note, (const char *)fields.data));
    for (unsigned version = 0; version < 4300; version++)
        assert_pushed(push(w, KARI, note, version, fmt("=%u +a", 50000 + version)), version + 1);
    assert_int_equal(head_of(w, note).snapshot, 4097);
    check_kept(w, note);
    buffer_release(&fields);
}

/* Of a text in which people take turns letter by letter the authors are most of a snapshot. */
static void a_snapshot_comes_with_as_many_bytes_as_its_authors_have(void **state)
{
    struct world *w = *state;
    struct change_set turns = {0};
    struct buffer fields = {0}, sets = {0};
    buffer_append(&fields, "text=", 5);
    memset(buffer_extend(&fields, 4000), 'k', 4000);
    buffer_append_byte(&fields, '\0');
    assert_ok(update(w, KARI, "note", NOTE, (const char *)fields.data));
    for (unsigned i = 0; i < 2000; i++) {
        change_set_keep(&turns, 1);
        change_set_replace(&turns, 1, bytes_text("a"), false);
    }
    wire_put_array(&sets, 1);
    change_set_write(&turns, &sets);
    assert_pushed(push_raw(w, w->ada, NOTE, 1, buffer_bytes(&sets)), 2);
    const struct note_head head = head_of(w, NOTE);
    assert_true(head.logged > head.text.size + 4096 && head.runs.size > head.logged);
    assert_int_equal(snapshots(w), 1);
    check_kept(w, NOTE);
    change_set_release(&turns);
    buffer_release(&fields);
    buffer_release(&sets);
}

/* While a note is busy, with the next snapshot. */
static void what_is_older_than_deletions_are_remembered_goes(void **state)
{
    struct world *w = *state;
    uint64_t version = type(w, 0, 3000);
    w->now += 100 * DAY;
    const uint64_t between = w->now;
    version = type(w, version, 1000);
    pass(w, NOTE_PAUSE_MS);
    assert_int_equal(head_of(w, NOTE).oldest, 0);
    prune(w, between);
    assert_int_equal(head_of(w, NOTE).oldest, 0); /* until there is a new snapshot */
    version = type(w, version, 2000);
    const struct note_head head = head_of(w, NOTE);
    assert_true(head.oldest > 1000 && head.oldest <= 3000);
    assert_null(text_of(w, NOTE, head.oldest - 1));
    const uint64_t oldest = head.oldest;
    assert_int_equal(strlen(text_of(w, NOTE, oldest)), oldest + 1);
    assert_int_equal(strlen(text_of(w, NOTE, oldest + 150)), oldest + 151);
    check_kept(w, NOTE);
    prune(w, between - 1); /* time does not go back */
    type(w, version, 3000);
    assert_int_equal(head_of(w, NOTE).oldest, oldest);
}

/* When it settles all that is older goes, whether there was a snapshot or not, and nothing else. */
static void when_a_note_settles_what_is_older_goes(void **state)
{
    struct world *w = *state;
    uint64_t version = type(w, 0, 450);
    w->now += 100 * DAY;
    const uint64_t between = w->now;
    version = type(w, version, 99);
    pass(w, NOTE_PAUSE_MS);
    prune(w, between);
    version = type(w, version, 1);
    assert_pushed(push(w, w->ada, NOTE, version, "+b =551"), version + 1);
    char *before = strdup(authors_of(w, NOTE, 451));
    assert_int_equal(head_of(w, NOTE).oldest, 0);
    pass(w, NOTE_PAUSE_MS);
    assert_int_equal(head_of(w, NOTE).oldest, 450);
    assert_int_equal(head_of(w, NOTE).snapshot, 450);
    check_kept(w, NOTE);
    assert_null(text_of(w, NOTE, 449));
    assert_int_equal(strlen(text_of(w, NOTE, 450)), 451);
    assert_string_equal(authors_of(w, NOTE, 451), before);
    assert_string_equal(authors_of(w, NOTE, version + 1), "1 ada, 551 kari");
    const uint64_t rows = memory_state_note_rows(w->memory);
    type(w, version + 1, 1);
    pass(w, NOTE_PAUSE_MS); /* nothing more is older */
    assert_int_equal(head_of(w, NOTE).oldest, 450);
    assert_int_equal(memory_state_note_rows(w->memory), rows);
    free(before);
}

/* A letter a month never outgrows anything. */
static void what_is_typed_seldom_is_not_kept_for_ever(void **state)
{
    struct world *w = *state;
    for (unsigned month = 0; month < 30; month++) {
        type(w, month, 1);
        prune(w, w->now > 90 * DAY ? w->now - 90 * DAY : 0);
        pass(w, NOTE_PAUSE_MS);
        check_kept(w, NOTE);
        assert_true(head_of(w, NOTE).oldest + 3 >= month || month < 4);
        w->now += 30 * DAY;
    }
    assert_int_equal(head_of(w, NOTE).oldest, 27);
}

/* Nobody comes by any more but the server. */
static void a_note_left_alone_keeps_no_history(void **state)
{
    struct world *w = *state;
    const uint64_t version = type(w, 0, 700);
    pass(w, NOTE_PAUSE_MS);
    prune(w, w->now - DAY);
    assert_int_equal(head_of(w, NOTE).oldest, 0);
    w->now += 100 * DAY;
    const uint64_t seq = head(w);
    prune(w, w->now - 90 * DAY);
    assert_int_equal(head(w), seq);
    assert_int_equal(head_of(w, NOTE).oldest, version);
    assert_int_equal(memory_state_note_rows(w->memory), 3); /* head, snapshot, horizon */
    check_kept(w, NOTE);
    assert_int_equal(strlen(text_of(w, NOTE, version)), 701);
    assert_null(text_of(w, NOTE, version - 1));
    assert_string_equal(authors_of(w, NOTE, version), "701 kari");
    type(w, version, 1);
    check_kept(w, NOTE);
    pass(w, NOTE_PAUSE_MS);
    assert_string_equal(value_of(w, NOTE, "version"), "701");
}

/* Of one with a long history a bounded part goes with each command, which then ends; what comes
 * behind it in the feed waits. */
static void a_long_history_goes_in_pieces(void **state)
{
    struct world *w = *state;
    const uint64_t version = rewrite(w, 0, 3000);
    struct bytes unused;
    pass(w, NOTE_PAUSE_MS);
    assert_ok(create(w, KARI, "note", nid(11), "text=y"));
    assert_ok(erase(w, KARI, nid(11)));
    w->now += 100 * DAY;
    const uint64_t before = w->now - 90 * DAY;
    unsigned commands = 0;
    for (uint64_t oldest = 0; oldest < version; commands++) {
        assert_int_equal(w->state.ops->record(w->state.self, nid(11), &unused), STATUS_OK);
        prune(w, before);
        check_kept(w, NOTE);
        assert_true(head_of(w, NOTE).oldest > oldest && head_of(w, NOTE).oldest < oldest + 1300);
        oldest = head_of(w, NOTE).oldest;
    }
    assert_true(commands >= 3);
    prune(w, before);
    assert_int_equal(w->state.ops->record(w->state.self, nid(11), &unused), STATUS_NOT_FOUND);
}

/* A long history goes in pieces, each with a snapshot. */
static void pruning_takes_its_time(void **state)
{
    struct world *w = *state;
    uint64_t version = rewrite(w, 0, 1000), oldest = 0;
    w->now += 100 * DAY;
    const uint64_t between = w->now;
    version = rewrite(w, version, 1);
    pass(w, NOTE_PAUSE_MS);
    prune(w, between);
    unsigned steps = 0;
    while (head_of(w, NOTE).oldest < 980) {
        version = rewrite(w, version, 1);
        if (head_of(w, NOTE).oldest != oldest) {
            assert_true(head_of(w, NOTE).oldest - oldest < 300);
            oldest = head_of(w, NOTE).oldest;
            check_kept(w, NOTE);
            steps++;
        }
        assert_true(version < 1200);
    }
    assert_true(steps >= 4);
}

static void a_removed_note_is_kept_as_long_as_its_tombstone(void **state)
{
    struct world *w = *state;
    struct bytes unused;
    rewrite(w, 0, 300);
    assert_ok(erase(w, KARI, NOTE));
    const size_t rows = memory_state_note_rows(w->memory);
    pass(w, NOTE_LONGEST_MS);
    assert_int_equal(memory_state_due_count(w->memory), 0);
    prune(w, w->now - DAY);
    assert_int_equal(memory_state_note_rows(w->memory), rows + 1); /* how old things may be */
    const uint64_t seq = head(w);
    prune(w, w->now + 1);
    assert_int_equal(memory_state_due_count(w->memory), 1);
    unsigned slices = 0;
    for (; is_kept(w, NOTE); slices++) {
        assert_int_equal(w->state.ops->record(w->state.self, NOTE, &unused), STATUS_OK);
        assert_true(slices < 10);
        pass(w, 1);
    }
    assert_true(slices >= 2);
    assert_int_equal(memory_state_note_rows(w->memory), 1);
    assert_int_equal(memory_state_due_count(w->memory), 0);
    assert_int_equal(w->state.ops->record(w->state.self, NOTE, &unused), STATUS_NOT_FOUND);
    assert_int_equal(head(w), seq);
    /* Its id may be that of another now, which begins anew. */
    assert_ok(create(w, KARI, "note", NOTE, "text=x"));
    assert_pushed(push(w, KARI, NOTE, 0, "=1 +y"), 1);
    check_kept(w, NOTE);
}

static void replaying_the_log_comes_to_the_same(void **state)
{
    struct world *w = *state;
    struct buffer here = {0}, there = {0};
    uint64_t version = type(w, 0, 400);
    pass(w, NOTE_PAUSE_MS);
    prune(w, w->now);
    assert_ok(update(w, w->ada, "note", NOTE, "text=other"));
    assert_pushed(push(w, KARI, NOTE, version + 1, "=5 +s"), version + 2);
    struct memory_state *again = world_replay(w);
    memory_state_dump(w->memory, true, &here);
    memory_state_dump(again, true, &there);
    assert_true(bytes_equal(buffer_bytes(&here), buffer_bytes(&there)));
    memory_state_free(again);
    buffer_release(&here);
    buffer_release(&there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(a_snapshot_comes_with_as_many_bytes_as_a_text_has),
        NOTE_TEST(a_snapshot_comes_with_many_versions),
        NOTE_TEST(a_snapshot_comes_with_as_many_bytes_as_its_authors_have),
        NOTE_TEST(what_is_older_than_deletions_are_remembered_goes),
        NOTE_TEST(when_a_note_settles_what_is_older_goes),
        NOTE_TEST(what_is_typed_seldom_is_not_kept_for_ever),
        NOTE_TEST(a_note_left_alone_keeps_no_history),
        NOTE_TEST(a_long_history_goes_in_pieces),
        NOTE_TEST(pruning_takes_its_time),
        NOTE_TEST(a_removed_note_is_kept_as_long_as_its_tombstone),
        NOTE_TEST(replaying_the_log_comes_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

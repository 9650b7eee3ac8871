/* The parts of live notes: rows, runs, differences of texts. */
#include <string.h>

#include "protocol/wire.h"
#include "server/core/note/note_row.h"
#include "server/core/note/note_runs.h"
#include "server/core/note/note_text.h"
#include "tests/unit/core/note_world.h"

static struct bytes text(const char *from)
{
    return bytes_text(from);
}

/* Every row reads back, and none of its beginnings does. */
static void rows_are_read_back_and_cut_ones_refused(void **state)
{
    (void)state;
    const struct note_head head = {.version = 9,
                                   .oldest = 2,
                                   .settled = 7,
                                   .snapshot = 5,
                                   .logged = 300,
                                   .waiting_ms = 1000,
                                   .changed_ms = 2000,
                                   .due_ms = 3000,
                                   .by = text("ada"),
                                   .text = text("abc"),
                                   .runs = text("\x91\x93\x03\xa3xyz\x05")};
    const struct note_snapshot snapshot = {55, text("abc"), text("\x90")};
    struct note_head head_back;
    struct note_snapshot snapshot_back;
    struct buffer row = {0};

    note_head_encode(&row, &head);
    assert_int_equal(note_head_decode(buffer_bytes(&row), &head_back), STATUS_OK);
    assert_int_equal(head_back.version, 9);
    assert_int_equal(head_back.oldest, 2);
    assert_int_equal(head_back.settled, 7);
    assert_int_equal(head_back.snapshot, 5);
    assert_int_equal(head_back.logged, 300);
    assert_int_equal(head_back.waiting_ms, 1000);
    assert_int_equal(head_back.changed_ms, 2000);
    assert_int_equal(head_back.due_ms, 3000);
    assert_true(bytes_is(head_back.by, "ada") && bytes_is(head_back.text, "abc"));
    assert_true(bytes_equal(head_back.runs, head.runs));
    for (size_t size = 0; size < row.size - head.runs.size; size++)
        assert_int_equal(note_head_decode(bytes_of(row.data, size), &head_back), STATUS_CORRUPT);
    row.data[8]--; /* version 8 */
    assert_int_equal(note_head_decode(buffer_bytes(&row), &head_back), STATUS_OK);
    row.data[8] = 6; /* older than what has settled */
    assert_int_equal(note_head_decode(buffer_bytes(&row), &head_back), STATUS_CORRUPT);
    buffer_clear(&row);

    note_snapshot_encode(&row, &snapshot);
    assert_int_equal(note_snapshot_decode(buffer_bytes(&row), &snapshot_back), STATUS_OK);
    assert_int_equal(snapshot_back.at_ms, 55);
    assert_true(bytes_is(snapshot_back.text, "abc") && snapshot_back.runs.size == 1);
    for (size_t size = 0; size < row.size - 1; size++)
        assert_int_equal(note_snapshot_decode(bytes_of(row.data, size), &snapshot_back),
                         STATUS_CORRUPT);
    row.data[0] = 2; /* a later format */
    assert_int_equal(note_snapshot_decode(buffer_bytes(&row), &snapshot_back), STATUS_CORRUPT);
    buffer_release(&row);
}

static const char *shown(const struct note_runs *runs)
{
    const char *out = "";
    assert_false(runs->failed);
    for (size_t i = 0; i < runs->count; i++)
        out = fmt("%s%u%.*s@%u ", out, runs->runs[i].length, (int)runs->runs[i].by.size,
                  (const char *)runs->runs[i].by.data, (unsigned)runs->runs[i].at_ms);
    return out;
}

static struct change_set set_of(const char *parts)
{
    struct buffer encoded = {0};
    struct change_set set = {0};
    put_set(&encoded, parts);
    assert_int_equal(change_set_read(buffer_bytes(&encoded), &set, NULL), STATUS_OK);
    buffer_release(&encoded);
    return set;
}

static void expect_runs(const char *parts, const char *by, uint64_t at_ms, const char *expected)
{
    struct note_runs old = {0}, new = {0};
    struct change_set set = set_of(parts);
    note_runs_add(&old, 4, text("a"), 1);
    note_runs_add(&old, 2, text("b"), 2);
    note_runs_add(&old, 4, text("a"), 3);
    note_runs_apply(&old, &set, text(by), at_ms, &new);
    assert_string_equal(shown(&new), expected);
    assert_int_equal(note_runs_length(&new), set.after);
    note_runs_clear(&new);
    note_runs_change(&old, &set, text(by), at_ms, &new);
    assert_string_equal(shown(&old), expected);
    change_set_release(&set);
    note_runs_release(&old);
    note_runs_release(&new);
}

static void runs_follow_their_text(void **state)
{
    (void)state;
    expect_runs("=10", "c", 9, "4a@1 2b@2 4a@3 ");
    expect_runs("=2 +xx =8", "c", 9, "2a@1 2c@9 2a@1 2b@2 4a@3 ");
    expect_runs("=2 +xx =8", "a", 9, "6a@9 2b@2 4a@3 ");
    expect_runs("=4 -2 =4", "c", 9, "8a@3 ");
    expect_runs("=3 -4+x =3", "b", 9, "3a@1 1b@9 3a@3 ");
    expect_runs("=6 +x =4", "b", 9, "4a@1 3b@9 4a@3 ");
    expect_runs("-10", "b", 9, "");
    expect_runs("+\xf0\x9f\x98\x80 =10", "c", 9, "2c@9 4a@1 2b@2 4a@3 ");
}

static void runs_are_read_back_and_bent_ones_refused(void **state)
{
    (void)state;
    static const char *const bent[] = {
        "",                      /* nothing */
        "\x91",                  /* cut short */
        "\x91\x92\x01\xa1z",     /* two parts */
        "\x91\x93\x00\xa1z\x01", /* of no length */
        "\x90\x90",              /* more behind */
        "\x91\x93\x01\x02\x01",  /* no name */
        "\x91\x93\xce\xff\xff\xff\xff\xa1z\x01",
    };
    struct note_runs runs = {0}, back = {0};
    struct buffer encoded = {0};
    note_runs_add(&runs, 0, text("a"), 1);
    assert_int_equal(runs.count, 0);
    note_runs_add(&runs, 300, text("a"), 70000);
    note_runs_add(&runs, 1, text("b"), 1);
    note_runs_write(&runs, &encoded);
    assert_int_equal(note_runs_read(buffer_bytes(&encoded), &back), STATUS_OK);
    assert_string_equal(shown(&back), "300a@70000 1b@1 ");
    for (size_t i = 0; i < sizeof bent / sizeof *bent; i++)
        assert_int_equal(note_runs_read(bytes_of(bent[i], i == 3 ? 6 : strlen(bent[i])), &back),
                         STATUS_CORRUPT);
    note_runs_release(&runs);
    note_runs_release(&back);
    buffer_release(&encoded);
}

/* Whoever cuts a text into very many pieces comes to own nothing of it, nor the others what they put
 * in between. */
static void nobody_is_named_for_what_others_wrote(void **state)
{
    (void)state;
    static const struct {
        unsigned kept;
        const char *put;
    } cuts[] = {{2, "xyz"}, {3, "x"}, {1, "longer than the others"}};
    for (unsigned n = 0; n < sizeof cuts / sizeof *cuts; n++) {
        struct note_runs old = {0}, new = {0};
        struct change_set set = {0};
        uint64_t of_a = 0, of_b = 0;
        note_runs_add(&old, 50000, text("a"), 1);
        for (unsigned i = 0; i < 5000; i++) {
            change_set_keep(&set, cuts[n].kept);
            change_set_replace(&set, 0, text(cuts[n].put), false);
        }
        change_set_keep(&set, 50000 - 5000 * cuts[n].kept);
        note_runs_apply(&old, &set, text("b"), 2, &new);
        assert_int_equal(note_runs_length(&new), set.after);
        assert_true(new.count <= NOTE_RUNS_MAX);
        for (size_t i = 0; i < new.count; i++) {
            of_a += bytes_is(new.runs[i].by, "a") ? new.runs[i].length : 0;
            of_b += bytes_is(new.runs[i].by, "b") ? new.runs[i].length : 0;
        }
        assert_int_equal(of_a, 50000 - 5000 * cuts[n].kept);
        assert_int_equal(of_b, 0);
        change_set_release(&set);
        note_runs_release(&old);
        note_runs_release(&new);
    }
}

/* People who take turns letter by letter: their list stays bounded, and long runs stay theirs. */
static void turns_letter_by_letter_are_told_coarsely(void **state)
{
    (void)state;
    struct note_runs old = {0}, new = {0};
    struct change_set set = {0};
    note_runs_add(&old, 20000, text("a"), 1);
    for (unsigned i = 0; i < 5000; i++) {
        change_set_keep(&set, 1);
        change_set_replace(&set, 0, text("x"), false);
    }
    change_set_keep(&set, 10000);
    change_set_replace(&set, 5000, text("longer than the others"), false);
    note_runs_apply(&old, &set, text("b"), 2, &new);
    assert_int_equal(note_runs_length(&new), set.after);
    assert_true(new.count <= NOTE_RUNS_MAX &&new.count >= 2);
    assert_true(bytes_is(new.runs[new.count - 1].by, "b"));
    assert_int_equal(new.runs[new.count - 1].length, 22);
    change_set_release(&set);
    note_runs_release(&old);
    note_runs_release(&new);
}

static void expect_difference(const char *from, const char *to, const char *parts)
{
    struct change_set set = {0};
    struct buffer written = {0}, wanted = {0}, made = {0};
    struct fault fault;
    note_text_difference(text(from), text(to), &set);
    assert_int_equal(set.state, STATUS_OK);
    assert_int_equal(change_set_apply(&set, text(from), &made, &fault), STATUS_OK);
    assert_true(bytes_is(buffer_bytes(&made), to));
    change_set_write(&set, &written);
    put_set(&wanted, parts);
    if (!bytes_equal(buffer_bytes(&written), buffer_bytes(&wanted)))
        fail_msg("\"%s\" -> \"%s\" is not %s", from, to, parts);
    change_set_release(&set);
    buffer_release(&written);
    buffer_release(&wanted);
    buffer_release(&made);
}

static void a_difference_is_what_lies_between(void **state)
{
    (void)state;
    expect_difference("abc", "abc", "=3");
    expect_difference("", "abc", "+abc");
    expect_difference("abc", "", "-3");
    expect_difference("abc", "abXc", "=2 +X =1");
    expect_difference("abc", "ac", "=1 -1 =1");
    expect_difference("aaa", "aaaa", "=3 +a");
    expect_difference("aaaa", "aa", "=2 -2");
    expect_difference("one two", "one 2", "=4 -3+2");
    /* e-acute and e-grave begin with the same byte; these two faces differ in the last. */
    expect_difference("x\xc3\xa9y", "x\xc3\xa8y", "=1 -1+\xc3\xa8 =1");
    expect_difference("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x81", "-2+\xf0\x9f\x98\x81");
    /* These end with the same byte. */
    expect_difference("\xc3\xa9", "\xc2\xa9", "-1+\xc2\xa9");
    expect_difference("\xc3\xa9", "\xc3\xa9\xc3\xa9", "=1 +\xc3\xa9");
}

static void line_ends_become_one_kind(void **state)
{
    (void)state;
    struct buffer out = {0};
    assert_false(note_text_is_foreign(text("a\nb")));
    assert_false(note_text_is_foreign(text("")));
    assert_true(note_text_is_foreign(text("a\rb")));
    note_text_normalise(text("a\r\nb\rc\n\r\r\nd\r"), &out);
    assert_true(bytes_is(buffer_bytes(&out), "a\nb\nc\n\n\nd\n"));
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_back_and_cut_ones_refused),
        cmocka_unit_test(runs_follow_their_text),
        cmocka_unit_test(runs_are_read_back_and_bent_ones_refused),
        cmocka_unit_test(nobody_is_named_for_what_others_wrote),
        cmocka_unit_test(turns_letter_by_letter_are_told_coarsely),
        cmocka_unit_test(a_difference_is_what_lies_between),
        cmocka_unit_test(line_ends_become_one_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

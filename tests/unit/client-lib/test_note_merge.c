/* What was done to a text, found by its ends; merging after a time apart; taking back one's own. */
#include "note_hand.h"

#include <stdio.h>
#include <string.h>

#include "client-lib/note/note_diff.h"
#include "client-lib/note/note_text.h"
#include "protocol/utf16.h"
#include "tests/survival/faults/failing_memory.h"

#define ROUNDS 1500u
#define SMILE "\xf0\x9f\x98\x80"

/* ---- Differences ----------------------------------------------------------- */

static void assert_difference(const char *old, const char *new, const char *wanted)
{
    struct change_set set = {0};
    assert_int_equal(note_diff(bytes_text(old), bytes_text(new), &set), STATUS_OK);
    assert_changes(&set, wanted);
    change_set_release(&set);
}

static void differences_are_small(void **state)
{
    (void)state;
    assert_difference("", "", "[]");
    assert_difference("same", "same", "[]");
    assert_difference("", "new", "[[0,\"new\"]]");
    assert_difference("old", "", "[[3]]");
    assert_difference("one two three", "one 2 three", "[4,[3,\"2\"],6]");
    assert_difference("a\nb\nc\nd\n", "a\nB\nc\nd\ne\n", "[2,[1,\"B\"],5,[0,\"e\",\"\"]]");
    assert_difference("first line\nkept\nlast line\n", "kept\nlast line\nfirst line\n",
                      "[[11],15,[0,\"first line\",\"\"]]");
    assert_difference("a" SMILE "b",
                      "a\xf0\x9f\x98\x81"
                      "b",
                      "[1,[2,\"\xf0\x9f\x98\x81\"],1]");
    assert_difference("\xc3\xa9", "\xc4\xa9", "[[1,\"\xc4\xa9\"]]");
}

/* Letters that two words have in common by accident are no part of a difference. */
static void what_is_alike_by_accident_is_not_kept(void **state)
{
    (void)state;
    assert_difference("The quick brown fox.", "The lazy dog.", "[4,[15,\"lazy dog\"],1]");
}

/* ---- Random texts ---------------------------------------------------------- */

/* Some of the alphabet only, so that lines and characters are alike. */
static void random_lines(struct random *random, size_t most, struct buffer *out)
{
    static const char *const pieces[] = {
        "a",   "b",        "\n",    "\n",       "e\xcc\x81",
        SMILE, "\xc3\xa9", "word ", "a line\n", "\xf0\x9f\x91\xa9\xe2\x80\x8d"};
    for (size_t left = random_below(random, most); left > 0; left--) {
        const char *piece = pieces[random_below(random, sizeof pieces / sizeof *pieces)];
        buffer_append(out, piece, strlen(piece));
    }
}

static void random_edit(struct random *random, const struct buffer *from, struct buffer *out)
{
    size_t at = 0;
    while (at < from->size) {
        const size_t kept = random_below(random, from->size) + 1;
        for (size_t i = 0; i < kept && at < from->size; i++)
            do
                buffer_append_byte(out, from->data[at++]);
            while (at < from->size && (from->data[at] & 0xc0) == 0x80);
        for (size_t gone = random_below(random, 5); gone > 0 && at < from->size; gone--)
            do
                at++;
            while (at < from->size && (from->data[at] & 0xc0) == 0x80);
        random_lines(random, 4, out);
    }
}

static void assert_leads_to(const struct buffer *old, const struct buffer *new)
{
    struct change_set set = {0};
    struct buffer made = {0};
    assert_int_equal(note_diff(buffer_bytes(old), buffer_bytes(new), &set), STATUS_OK);
    if (set.count == 0)
        buffer_append(&made, old->data, old->size);
    else
        assert_int_equal(change_set_apply(&set, buffer_bytes(old), &made, NULL), STATUS_OK);
    assert_bytes(buffer_bytes(&made), buffer_bytes(new));
    change_set_release(&set);
    buffer_release(&made);
}

static void a_difference_leads_to_the_text(void **state)
{
    struct random random = random_begin("a_difference_leads_to_the_text");
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct buffer old = {0}, new = {0};
        random_lines(&random, 60, &old);
        if (i % 3 == 0)
            random_lines(&random, 60, &new);
        else
            random_edit(&random, &old, &new);
        assert_leads_to(&old, &new);
        buffer_release(&old);
        buffer_release(&new);
    }
}

/* Beyond the bounds of the search, too. */
static void texts_that_differ_in_everything_are_replaced(void **state)
{
    struct buffer old = {0}, new = {0};
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        char line[2][40];
        snprintf(line[0], sizeof line[0], "old line %u\n", i);
        snprintf(line[1], sizeof line[1], "%u is the new one\n", i * 7);
        buffer_append(&old, line[0], strlen(line[0]));
        buffer_append(&new, line[1], strlen(line[1]));
    }
    assert_leads_to(&old, &new);
    buffer_clear(&old);
    buffer_clear(&new);
    for (unsigned i = 0; i < 5000; i++) {
        buffer_append_byte(&old, (uint8_t)('a' + i % 23));
        buffer_append_byte(&new, (uint8_t)('a' + i * i % 19));
    }
    assert_leads_to(&old, &new);
    buffer_release(&old);
    buffer_release(&new);
}

static void places_are_counted_both_ways(void **state)
{
    struct random random = random_begin("places_are_counted_both_ways");
    (void)state;
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        struct buffer from = {0};
        struct note_text text = {0};
        random_lines(&random, 200, &from);
        assert_int_equal(note_text_set(&text, buffer_bytes(&from)), STATUS_OK);
        for (unsigned j = 0; j < 50; j++) {
            const uint32_t unit = (uint32_t)random_below(&random, text.units + 2);
            size_t wanted = 0, at = 0;
            const bool is_place = utf16_skip(buffer_bytes(&from), unit, &wanted);
            assert_int_equal(note_text_byte(&text, unit, &at), is_place);
            if (is_place)
                assert_int_equal(at, wanted);
            at = random_below(&random, from.size + 1);
            if (note_text_is_place(&text, at))
                assert_int_equal(note_text_unit(&text, at), utf16_length(bytes_of(from.data, at)));
        }
        note_text_release(&text);
        buffer_release(&from);
    }
}

static bool find_difference(void *context)
{
    struct change_set set = {0};
    (void)context;
    const enum status status = note_diff(bytes_text("one\ntwo words\nthree\nfour\n"),
                                         bytes_text("one\ntwo words!\n3\nfour\n5\n"), &set);
    assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
    change_set_release(&set);
    return status == STATUS_OK;
}

static void want_of_memory_is_told(void **state)
{
    (void)state;
    failing_memory_each(find_difference, NULL);
}

/* ---- After a time apart ---------------------------------------------------- */

static void what_both_typed_apart_is_merged(void **state)
{
    struct note_doc *doc = hand_begin(1, "one two three");
    (void)state;
    hand_type(doc, 3, 0, ",");
    hand_take(doc);
    hand_type(doc, 0, 0, "> ");
    hand_away(doc, "[4,[3,\"2\"],6]", false, true);
    assert_text(doc, "> one, two three"); /* the rest of it is on its way */
    assert_shown(doc, "");
    assert_int_equal(note_doc_version(doc), 2);
    assert_sent(doc, NULL);
    assert_false(note_doc_can_send(doc));
    hand_type(doc, 16, 0, "!");
    hand_away(doc, "[11,[0,\"?\"]]", false, false);
    assert_text(doc, "> one, 2 three?!");
    assert_shown(doc, "7,3,2|14,0,?");
    hand_take(doc);
    assert_sent(doc, "[[0,\"> \"],3,[0,\",\"],9,[0,\"!\"]]");
    note_doc_free(doc);
}

static void what_was_taken_while_away_is_confirmed(void **state)
{
    struct note_doc *doc = hand_begin(1, "text");
    (void)state;
    hand_type(doc, 4, 0, "!");
    hand_take(doc);
    hand_type(doc, 5, 0, "?");
    hand_away(doc, "[4,[0,\"!\"]]", true, true);
    assert_true(note_doc_catching_up(doc));
    hand_away(doc, "[[0,\"a \"],5]", false, false);
    assert_text(doc, "a text!?");
    hand_take(doc);
    assert_sent(doc, "[7,[0,\"?\"]]");
    note_doc_free(doc);
}

/* What comes to nothing leaves what was sent as it was. */
static void what_others_took_back_while_away_changes_nothing(void **state)
{
    struct note_doc *doc = hand_begin(1, "text");
    (void)state;
    hand_type(doc, 4, 0, "!");
    hand_take(doc);
    hand_away(doc, "[[0,\"a\"],4]", false, true);
    hand_away(doc, "[[1],4]", false, false);
    assert_text(doc, "text!");
    assert_int_equal(note_doc_version(doc), 3);
    assert_sent(doc, "[4,[0,\"!\"]]");
    hand_confirm(doc);
    note_doc_free(doc);
}

/* ---- Deleted here, rewritten there ----------------------------------------- */

#define BEGIN NOTE_DOC_KEPT_BEGIN
#define END NOTE_DOC_KEPT_END

static void what_others_deleted_and_we_rewrote_is_kept(void **state)
{
    struct note_doc *doc = hand_begin(1, "Before. The old man sat. After.");
    (void)state;
    hand_type(doc, 12, 3, "young");
    hand_away(doc, "[7,[17],7]", false, false); /* they deleted the sentence */
    assert_text(doc, "Before." BEGIN " The young man sat." END " After.");
    assert_shown(doc, "7,0," BEGIN "|34,0," END "|kept own 7," BEGIN " The young man sat." END);
    hand_take(doc);
    assert_sent(doc, "[7,[0,\"" BEGIN " The young man sat." END "\"],7]");
    note_doc_free(doc);
}

static void what_we_deleted_and_others_rewrote_is_kept(void **state)
{
    struct note_doc *doc = hand_begin(1, "Before. The old man sat. After.");
    (void)state;
    hand_type(doc, 7, 17, "");
    hand_away(doc, "[12,[3,\"yo\"],16]", false, true);
    hand_away(doc, "[14,[0,\"ung\"],16]", false, false); /* letter by letter */
    assert_text(doc, "Before." BEGIN " The young man sat." END " After.");
    assert_shown(doc, "7,0," BEGIN " The young man sat." END "|kept theirs 7," BEGIN
                      " The young man sat." END);
    hand_take(doc);
    assert_sent(doc, "[7,[0,\"" BEGIN "\"],19,[0,\"" END "\"],7]");
    note_doc_free(doc);
}

/* What we put in the place of what we deleted stays as well, and so does theirs. */
static void both_ways_in_one_text(void **state)
{
    struct note_doc *doc = hand_begin(1, "0123456789 abcdefghij");
    (void)state;
    hand_type(doc, 11, 10, "OURS"); /* the letters go */
    hand_type(doc, 5, 0, "five");
    hand_away(doc, "[[10,\"THEIRS\"],5,[0,\"!\"],6]", false, false); /* the digits go */
    assert_text(doc, "THEIRS" BEGIN "01234five56789" END " OURS" BEGIN "abcd!efghij" END);
    hand_take(doc);
    hand_confirm(doc);
    note_doc_free(doc);
}

static void assert_plain(const char *typed, size_t from, size_t removed, const char *theirs,
                         const char *wanted)
{
    struct note_doc *doc = hand_begin(1, "0123456789");
    hand_type(doc, from, removed, typed);
    hand_away(doc, theirs, false, false);
    assert_text(doc, wanted);
    note_doc_free(doc);
}

static void what_is_no_rewriting_is_merged_plainly(void **state)
{
    (void)state;
    assert_plain("x", 3, 0, "[3,[4],3]", "012x789");     /* at its beginning */
    assert_plain("x", 7, 0, "[3,[4],3]", "012x789");     /* at its end */
    assert_plain("x", 2, 2, "[3,[4],3]", "01x789");      /* across its beginning */
    assert_plain("x", 6, 2, "[3,[4],3]", "012x89");      /* across its end */
    assert_plain(" \n", 5, 0, "[3,[4],3]", "012 \n789"); /* white space */
    assert_plain("", 5, 1, "[3,[4],3]", "012789");       /* nothing put in */
    assert_plain("x", 2, 6, "[3,[4],3]", "01x89");       /* nothing of it stands */
    assert_plain("", 2, 6, "[2,[1],[4,\"x\"],[1],2]", "01x89");
}

/* While both are there they see what they do. */
static void while_both_are_there_nothing_is_brought_back(void **state)
{
    struct note_doc *doc = hand_begin(1, "0123456789");
    (void)state;
    hand_type(doc, 5, 0, "x");
    hand_entry(doc, "[3,[4],3]", false);
    assert_text(doc, "012x789");
    note_doc_free(doc);
}

/* ---- Behind the horizon ---------------------------------------------------- */

static void a_text_is_merged_by_its_difference(void **state)
{
    struct note_doc *doc = hand_begin(5, "one\ntwo\nthree\n");
    (void)state;
    hand_type(doc, 8, 5, "drei");
    hand_take(doc);
    hand_type(doc, 13, 0, "vier\n");
    hand_text(doc, 900, "ONE\ntwo\nthree\n");
    assert_text(doc, "ONE\ntwo\ndrei\nvier\n");
    assert_int_equal(note_doc_version(doc), 900);
    hand_take(doc);
    assert_sent(doc, "[8,[5,\"drei\"],1,[0,\"vier\",\"\"]]");
    note_doc_free(doc);
}

/* The push was taken, and its answer lost; then others went on. */
static void what_the_text_holds_is_not_sent_again(void **state)
{
    struct note_doc *doc = hand_begin(5, "one\ntwo\n");
    (void)state;
    hand_type(doc, 8, 0, "a third line of ours\n");
    hand_take(doc);
    hand_type(doc, 0, 0, "title\n");
    hand_text(doc, 900, "one\n2\na third line, of ours\n");
    assert_text(doc, "title\none\n2\na third line, of ours\n");
    assert_sent(doc, NULL);
    hand_take(doc);
    assert_sent(doc, "[[0,\"title\",\"\"],28]");
    note_doc_free(doc);
}

/* Nobody can tell whether the others deleted that or never had it. */
static void what_is_missing_of_it_is_sent_again(void **state)
{
    struct note_doc *doc = hand_begin(5, "one\ntwo\n");
    (void)state;
    hand_type(doc, 8, 0, "a third line of ours\n");
    hand_take(doc);
    hand_type(doc, 29, 0, "more\n");
    hand_text(doc, 900, "one\ntwo\na line of ours\n");
    assert_text(doc, "one\ntwo\na third line of ours\nmore\n");
    hand_take(doc);
    assert_sent(doc, "[10,[0,\"third \"],13,[0,\"more\",\"\"]]");
    note_doc_free(doc);
}

static void what_the_text_does_not_hold_is_sent(void **state)
{
    struct note_doc *doc = hand_begin(5, "one\ntwo\n");
    (void)state;
    hand_type(doc, 8, 0, "a third line of ours\n");
    hand_take(doc);
    hand_text(doc, 900, "one\ntwo\nof others\n");
    assert_text(doc, "one\ntwo\nof others\na third line of ours\n");
    note_doc_free(doc);
}

static void the_same_text_leaves_all_as_it_was(void **state)
{
    struct note_doc *doc = hand_begin(5, "one\n");
    (void)state;
    hand_type(doc, 4, 0, "two");
    hand_take(doc);
    hand_text(doc, 5, "one\n");
    assert_sent(doc, "[4,[0,\"two\"]]");
    hand_away(doc, "[[0,\"zero\",\"\"],4]", false, true);
    hand_text(doc, 3, "one\n"); /* the server was put back */
    assert_int_equal(note_doc_version(doc), 3);
    assert_false(note_doc_catching_up(doc));
    assert_sent(doc, "[4,[0,\"two\"]]");
    assert_text(doc, "one\ntwo");
    note_doc_free(doc);
}

static void a_first_text_is_shown(void **state)
{
    struct note_doc *doc = note_doc_new();
    (void)state;
    hand_text(doc, 12, "The text");
    assert_shown(doc, "0,0,The text");
    assert_text(doc, "The text");
    assert_int_equal(note_doc_version(doc), 12);
    assert_int_equal(note_doc_waiting(doc), 0);
    note_doc_free(doc);
}

/* ---- Taking back ----------------------------------------------------------- */

static void assert_nothing_to_undo(struct note_doc *doc, bool redo)
{
    struct buffer row = {0};
    assert_int_equal(redo ? note_doc_row_redo(doc, &row) : note_doc_row_undo(doc, &row),
                     STATUS_NOT_FOUND);
    buffer_release(&row);
}

static void a_run_of_typing_is_taken_back_at_once(void **state)
{
    struct note_doc *doc = hand_begin(1, "");
    (void)state;
    hand_type(doc, 0, 0, "a");
    hand_type(doc, 1, 0, "b");
    hand_type(doc, 2, 0, "c");
    hand_type(doc, 2, 1, ""); /* back */
    hand_type(doc, 1, 1, "");
    hand_type(doc, 0, 0, "X"); /* a jump */
    hand_type(doc, 1, 0, "Y");
    note_doc_pause(doc);
    hand_type(doc, 2, 0, "Z");
    assert_text(doc, "XYZa");
    hand_undo(doc);
    assert_shown(doc, "2,1,");
    assert_text(doc, "XYa");
    hand_undo(doc);
    assert_text(doc, "a");
    hand_undo(doc);
    assert_text(doc, "abc");
    hand_undo(doc);
    assert_text(doc, "");
    assert_nothing_to_undo(doc, false);
    for (unsigned i = 0; i < 4; i++)
        hand_redo(doc);
    assert_text(doc, "XYZa");
    assert_nothing_to_undo(doc, true);
    hand_undo(doc);
    hand_type(doc, 0, 0, "new");
    assert_nothing_to_undo(doc, true);
    note_doc_free(doc);
}

static void deleting_forwards_is_a_run(void **state)
{
    struct note_doc *doc = hand_begin(1, "abcd");
    (void)state;
    hand_type(doc, 1, 1, "");
    hand_type(doc, 1, 1, "");
    assert_text(doc, "ad");
    hand_undo(doc);
    assert_text(doc, "abcd");
    note_doc_free(doc);
}

/* Types each letter of `text` (one byte each) by itself. */
static void type_letters(struct note_doc *doc, const char *text)
{
    for (const char *letter = text; *letter != '\0'; letter++) {
        const char one[2] = {*letter, '\0'};
        hand_type(doc, note_doc_text(doc).size, 0, one);
    }
}

static void words_and_ends_of_lines_are_steps(void **state)
{
    struct note_doc *doc = hand_begin(1, "");
    static const char *const left[] = {"Call her\n\nbe", "Call her\n\n", "Call her\n",
                                       "Call her",       "Call ",        ""};
    (void)state;
    type_letters(doc, "Call her\n\nbe");
    note_doc_pause(doc);
    type_letters(doc, "fore");
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        hand_undo(doc);
        assert_text(doc, left[i]);
    }
    assert_nothing_to_undo(doc, false);
    for (size_t i = sizeof left / sizeof *left - 1; i > 0; i--) {
        hand_redo(doc);
        assert_text(doc, left[i - 1]);
    }
    hand_redo(doc);
    assert_text(doc, "Call her\n\nbefore");
    note_doc_free(doc);
}

static void words_that_are_deleted_are_steps(void **state)
{
    struct note_doc *doc = hand_begin(1, "Call her now");
    (void)state;
    for (size_t at = 12; at > 0; at--)
        hand_type(doc, at - 1, 1, "");
    hand_undo(doc);
    assert_text(doc, "Call");
    hand_undo(doc);
    assert_text(doc, "Call her");
    hand_undo(doc);
    assert_text(doc, "Call her now");
    assert_nothing_to_undo(doc, false);
    note_doc_free(doc);
}

static void what_comes_or_goes_at_once_is_a_step(void **state)
{
    struct note_doc *doc = hand_begin(1, "");
    (void)state;
    type_letters(doc, "ab");
    hand_type(doc, 2, 0, "a text that is longer than anybody types at once");
    type_letters(doc, "cd");
    hand_type(doc, 50, 2, "");
    hand_type(doc, 45, 5, ""); /* the word before */
    hand_type(doc, 42, 3, "");
    hand_undo(doc);
    hand_undo(doc);
    assert_text(doc, "aba text that is longer than anybody types at once");
    hand_undo(doc);
    hand_undo(doc);
    assert_text(doc, "aba text that is longer than anybody types at once");
    hand_undo(doc);
    assert_text(doc, "ab");
    hand_undo(doc);
    assert_text(doc, "");
    note_doc_free(doc);
}

static void a_jump_of_the_cursor_ends_a_step(void **state)
{
    struct note_doc *doc = hand_begin(1, "");
    (void)state;
    type_letters(doc, "ab");
    note_doc_cursor(doc, 2);
    type_letters(doc, "cd");
    note_doc_cursor(doc, 1);
    note_doc_cursor(doc, 4);
    type_letters(doc, "ef");
    hand_undo(doc);
    assert_text(doc, "abcd");
    hand_undo(doc);
    assert_text(doc, "");
    note_doc_free(doc);
}

/* As a slow line hands it over. */
static void several_letters_at_once_go_on_with_a_word(void **state)
{
    struct note_doc *doc = hand_begin(1, "");
    (void)state;
    hand_type(doc, 0, 0, "Ca");
    hand_type(doc, 2, 0, "ll ");
    hand_type(doc, 5, 0, "her");
    hand_type(doc, 8, 0, " right now");
    hand_undo(doc);
    assert_text(doc, "Call her");
    hand_undo(doc);
    assert_text(doc, "Call ");
    hand_undo(doc);
    assert_text(doc, "");
    note_doc_free(doc);
}

static void only_ones_own_is_taken_back(void **state)
{
    struct note_doc *doc = hand_begin(1, "0123456789");
    (void)state;
    hand_type(doc, 2, 3, "typed");
    hand_type(doc, 7, 0, "!"); /* the same run, with others' in between */
    hand_entry(doc, "[[0,\"A\"],4,[0,\"B\"],6]", false);
    hand_type_elsewhere(doc, 4, 0, "else");
    hand_type(doc, 0, 1, "");
    hand_entry(doc, "[12,[0,\"C\"]]", false);
    assert_text(doc, "01telseypedB!56789C");
    hand_undo(doc);
    assert_text(doc, "A01telseypedB!56789C");
    hand_undo(doc);
    assert_text(doc, "A01234elseB56789C");
    assert_nothing_to_undo(doc, false);
    hand_redo(doc);
    hand_redo(doc);
    assert_nothing_to_undo(doc, true);
    hand_undo(doc);
    hand_undo(doc);
    assert_text(doc, "A01234elseB56789C");
    note_doc_free(doc);
}

static void what_others_removed_is_no_step(void **state)
{
    struct note_doc *doc = hand_begin(1, "ab");
    (void)state;
    hand_type(doc, 0, 0, "first");
    hand_type(doc, 7, 0, "second");
    hand_take(doc);
    hand_confirm(doc);
    hand_entry(doc, "[7,[6]]", false);
    assert_text(doc, "firstab");
    hand_undo(doc);
    assert_text(doc, "ab");
    note_doc_free(doc);
}

static void only_so_many_steps_are_kept(void **state)
{
    struct note_doc *doc = hand_begin(1, "");
    (void)state;
    for (unsigned i = 0; i < NOTE_DOC_UNDO_MAX + 20; i++)
        hand_type(doc, 0, 0, "x");
    for (unsigned i = 0; i < NOTE_DOC_UNDO_MAX; i++)
        hand_undo(doc);
    assert_nothing_to_undo(doc, false);
    assert_text(doc, "xxxxxxxxxxxxxxxxxxxx");
    for (unsigned i = 0; i < NOTE_DOC_UNDO_MAX; i++)
        hand_redo(doc);
    assert_nothing_to_undo(doc, true);
    note_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_small),
        cmocka_unit_test(what_is_alike_by_accident_is_not_kept),
        cmocka_unit_test(a_difference_leads_to_the_text),
        cmocka_unit_test(texts_that_differ_in_everything_are_replaced),
        cmocka_unit_test(places_are_counted_both_ways),
        cmocka_unit_test(want_of_memory_is_told),
        cmocka_unit_test(what_both_typed_apart_is_merged),
        cmocka_unit_test(what_was_taken_while_away_is_confirmed),
        cmocka_unit_test(what_others_took_back_while_away_changes_nothing),
        cmocka_unit_test(what_others_deleted_and_we_rewrote_is_kept),
        cmocka_unit_test(what_we_deleted_and_others_rewrote_is_kept),
        cmocka_unit_test(both_ways_in_one_text),
        cmocka_unit_test(what_is_no_rewriting_is_merged_plainly),
        cmocka_unit_test(while_both_are_there_nothing_is_brought_back),
        cmocka_unit_test(a_text_is_merged_by_its_difference),
        cmocka_unit_test(what_the_text_holds_is_not_sent_again),
        cmocka_unit_test(what_is_missing_of_it_is_sent_again),
        cmocka_unit_test(what_the_text_does_not_hold_is_sent),
        cmocka_unit_test(the_same_text_leaves_all_as_it_was),
        cmocka_unit_test(a_first_text_is_shown),
        cmocka_unit_test(a_run_of_typing_is_taken_back_at_once),
        cmocka_unit_test(deleting_forwards_is_a_run),
        cmocka_unit_test(words_and_ends_of_lines_are_steps),
        cmocka_unit_test(words_that_are_deleted_are_steps),
        cmocka_unit_test(what_comes_or_goes_at_once_is_a_step),
        cmocka_unit_test(several_letters_at_once_go_on_with_a_word),
        cmocka_unit_test(a_jump_of_the_cursor_ends_a_step),
        cmocka_unit_test(only_ones_own_is_taken_back),
        cmocka_unit_test(what_others_removed_is_no_step),
        cmocka_unit_test(only_so_many_steps_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

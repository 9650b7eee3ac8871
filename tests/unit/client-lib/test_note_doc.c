/* A live note on one device: typing, sending, others' entries, what is kept of it, cursors. */
#include "note_hand.h"

#include <string.h>

#include "protocol/memory.h"
#include "protocol/message.h"
#include "tests/survival/faults/failing_memory.h"

#define SMILE "\xf0\x9f\x98\x80" /* two units, four bytes */

/* ---- Typing ---------------------------------------------------------------- */

static void typing_changes_the_text_and_waits(void **state)
{
    struct note_doc *doc = hand_begin(7, "one three");
    (void)state;
    assert_false(note_doc_can_send(doc));
    hand_type(doc, 4, 0, "two ");
    assert_text(doc, "one two three");
    assert_shown(doc, "");
    hand_type(doc, 0, 3, SMILE);
    assert_text(doc, SMILE " two three");
    assert_int_equal(note_doc_units(doc), 12);
    assert_int_equal(note_doc_version(doc), 7);
    assert_int_equal(note_doc_waiting(doc), 4 + 3 + 2);
    assert_true(note_doc_can_send(doc));
    hand_take(doc);
    assert_sent(doc, "[[3,\"" SMILE "\"],1,[0,\"two \"],5]");
    note_doc_free(doc);
}

static void line_ends_become_one_kind(void **state)
{
    struct note_doc *doc = hand_begin(1, "");
    (void)state;
    hand_type(doc, 0, 0, "a\r\nb\rc\n\r\n\rd\r");
    assert_text(doc, "a\nb\nc\n\n\nd\n");
    note_doc_free(doc);
}

static void what_is_no_place_or_no_text_is_refused(void **state)
{
    static const struct {
        size_t from, removed;
        const char *text;
    } wrong[] = {{7, 0, "x"},        {6, 1, ""},        {2, 0, "x"},
                 {1, 2, ""},         {0, 3, ""},        {0, 0, "\xff"},
                 {0, 0, "\xf0\x9f"}, {SIZE_MAX, 1, ""}, {1, SIZE_MAX, ""}};
    struct note_doc *doc = hand_begin(1, "a" SMILE "b");
    struct buffer row = {0};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(note_doc_row_edit(doc, wrong[i].from, wrong[i].removed,
                                           bytes_text(wrong[i].text), &row),
                         STATUS_INVALID_VALUE);
    assert_int_equal(row.size, 0);
    assert_text(doc, "a" SMILE "b");
    note_doc_free(doc);
    buffer_release(&row);
}

static void what_changes_nothing_is_no_row(void **state)
{
    struct note_doc *doc = hand_begin(1, "same");
    struct buffer row = {0};
    (void)state;
    assert_int_equal(note_doc_row_edit(doc, 1, 3, bytes_text("ame"), &row), STATUS_OK);
    assert_int_equal(note_doc_row_edit(doc, 4, 0, bytes_text(""), &row), STATUS_OK);
    assert_int_equal(row.size, 0);
    note_doc_free(doc);
    buffer_release(&row);
}

/* What a whole text is replaced by touches only what differs, and no character in part. */
static void a_replacement_is_cut_to_what_differs(void **state)
{
    struct note_doc *doc = hand_begin(1, "a\xc3\xa9z\xc3\xa9");
    (void)state;
    hand_type(doc, 0, 6, "a\xc3\xa8z\xc4\xa9");
    hand_take(doc);
    assert_sent(doc, "[1,[3,\"\xc3\xa8z\xc4\xa9\"]]");
    hand_confirm(doc);
    hand_type(doc, 0, 6, "a\xc3\xa8zz\xc4\xa9");
    hand_take(doc);
    assert_sent(doc, "[3,[0,\"z\"],1]");
    note_doc_free(doc);
}

static void a_note_has_its_bound(void **state)
{
    struct note_doc *doc = note_doc_new();
    struct buffer text = {0}, row = {0};
    (void)state;
    memset(buffer_extend(&text, LIMIT_NOTE_TEXT), 'x', LIMIT_NOTE_TEXT);
    assert_int_equal(note_doc_begin(doc, 1, buffer_bytes(&text)), STATUS_OK);
    assert_int_equal(note_doc_row_edit(doc, 5, 0, bytes_text("y"), &row), STATUS_TOO_LARGE);
    assert_int_equal(note_doc_row_edit(doc, 5, 1, bytes_text("yy"), &row), STATUS_TOO_LARGE);
    hand_type(doc, 5, 1, "y");
    hand_type(doc, 5, 1, "");
    assert_int_equal(note_doc_row_undo(doc, &row), STATUS_OK);
    note_doc_free(doc);
    buffer_release(&text);
    buffer_release(&row);
}

/* Beyond the bound because of others, it can still be made smaller. */
static void a_note_beyond_its_bound_can_shrink(void **state)
{
    struct note_doc *doc = note_doc_new();
    struct buffer text = {0}, row = {0};
    (void)state;
    memset(buffer_extend(&text, LIMIT_NOTE_TEXT + 10), 'x', LIMIT_NOTE_TEXT + 10);
    assert_int_equal(note_doc_begin(doc, 1, buffer_bytes(&text)), STATUS_OK);
    assert_int_equal(note_doc_row_edit(doc, 0, 0, bytes_text("y"), &row), STATUS_TOO_LARGE);
    hand_type(doc, 0, 2, "y");
    assert_int_equal(note_doc_units(doc), LIMIT_NOTE_TEXT + 9);
    note_doc_free(doc);
    buffer_release(&text);
    buffer_release(&row);
}

/* ---- Sending --------------------------------------------------------------- */

static void own_entries_confirm_what_was_sent(void **state)
{
    struct note_doc *doc = hand_begin(3, "text");
    (void)state;
    hand_type(doc, 4, 0, "!");
    hand_take(doc);
    hand_type(doc, 5, 0, "?");
    assert_int_equal(note_doc_waiting(doc), 2);
    hand_confirm(doc);
    assert_shown(doc, "");
    assert_text(doc, "text!?");
    assert_int_equal(note_doc_version(doc), 4);
    assert_sent(doc, NULL);
    assert_int_equal(note_doc_waiting(doc), 1);
    hand_take(doc);
    assert_sent(doc, "[5,[0,\"?\"]]");
    hand_confirm(doc);
    assert_int_equal(note_doc_waiting(doc), 0);
    assert_false(note_doc_can_send(doc));
    note_doc_free(doc);
}

/* From before the folder was restored, say. */
static void an_own_entry_that_was_not_sent_is_one_of_others(void **state)
{
    struct note_doc *doc = hand_begin(3, "text");
    (void)state;
    hand_type(doc, 4, 0, "!");
    hand_take(doc);
    hand_entry(doc, "[[0,\"a\"],4]", true);
    assert_text(doc, "atext!");
    assert_shown(doc, "0,0,a");
    assert_sent(doc, "[5,[0,\"!\"]]");
    note_doc_free(doc);
}

static void the_same_change_by_others_is_not_ours(void **state)
{
    struct note_doc *doc = hand_begin(3, "text");
    (void)state;
    hand_type(doc, 4, 0, "!");
    hand_take(doc);
    hand_entry(doc, "[4,[0,\"!\"]]", false);
    assert_text(doc, "text!!");
    assert_sent(doc, "[5,[0,\"!\"]]");
    note_doc_free(doc);
}

static void others_come_first_at_one_place(void **state)
{
    struct note_doc *doc = hand_begin(1, "ab");
    (void)state;
    hand_type(doc, 1, 0, "1");
    hand_take(doc);
    hand_type(doc, 2, 0, "2");
    hand_entry(doc, "[1,[0,\"X\"],1]", false);
    assert_text(doc, "aX12b");
    assert_sent(doc, "[2,[0,\"1\"],1]");
    note_doc_free(doc);
}

static void others_are_shown_one_after_the_other(void **state)
{
    struct note_doc *doc = hand_begin(1, "abcdef");
    (void)state;
    hand_type(doc, 0, 0, SMILE);
    hand_entry(doc, "[1,[1,\"XYZ\"],1,[1],1,[0,\"!\"],1]", false);
    assert_text(doc, SMILE "aXYZce!f");
    assert_shown(doc, "5,1,XYZ|9,1,|10,0,!");
    assert_int_equal(note_doc_shown_place(doc, 0, true), 0);
    assert_int_equal(note_doc_shown_place(doc, 4 + 1, false), 5); /* before b, which went */
    assert_int_equal(note_doc_shown_place(doc, 4 + 2, false), 8); /* before c */
    assert_int_equal(note_doc_shown_place(doc, 4 + 5, false), 10);
    assert_int_equal(note_doc_shown_place(doc, 4 + 5, true), 11);
    assert_int_equal(note_doc_shown_place(doc, 4 + 6, false), 12);
    note_doc_free(doc);
}

static void what_was_refused_waits_for_the_next_edit(void **state)
{
    struct note_doc *doc = hand_begin(1, "ab");
    (void)state;
    hand_type(doc, 1, 0, "1");
    hand_take(doc);
    hand_type(doc, 2, 0, "2");
    hand_refuse(doc);
    assert_text(doc, "a12b");
    assert_sent(doc, NULL);
    assert_false(note_doc_can_send(doc));
    assert_int_equal(note_doc_waiting(doc), 2);
    hand_type(doc, 1, 1, "");
    hand_take(doc);
    assert_sent(doc, "[1,[0,\"2\"],1]");
    note_doc_free(doc);
}

static void what_others_deleted_as_well_need_not_be_sent(void **state)
{
    struct note_doc *doc = hand_begin(1, "abc");
    (void)state;
    hand_type(doc, 1, 1, "");
    hand_take(doc);
    hand_entry(doc, "[1,[1],1]", false);
    assert_text(doc, "ac");
    assert_shown(doc, "");
    assert_sent(doc, NULL);
    assert_false(note_doc_can_send(doc));
    assert_int_equal(note_doc_waiting(doc), 0);
    note_doc_free(doc);
}

/* ---- Kept ------------------------------------------------------------------ */

static void assert_same_saved(const struct note_doc *doc, const struct note_doc *other)
{
    struct buffer left = {0}, right = {0};
    note_doc_save(doc, &left);
    note_doc_save(other, &right);
    assert_bytes(buffer_bytes(&left), buffer_bytes(&right));
    buffer_release(&left);
    buffer_release(&right);
}

static void assert_loads(const struct note_doc *doc)
{
    struct buffer saved = {0};
    struct note_doc *other = hand_begin(77, "something else");
    hand_type(other, 0, 0, "typed");
    note_doc_save(doc, &saved);
    assert_int_equal(note_doc_load(other, buffer_bytes(&saved)), STATUS_OK);
    assert_bytes(note_doc_text(other), note_doc_text(doc));
    assert_int_equal(note_doc_version(other), note_doc_version(doc));
    assert_int_equal(note_doc_waiting(other), note_doc_waiting(doc));
    assert_int_equal(note_doc_can_send(other), note_doc_can_send(doc));
    assert_int_equal(note_doc_catching_up(other), note_doc_catching_up(doc));
    assert_same_saved(other, doc);
    buffer_release(&saved);
    note_doc_free(other);
}

static void what_is_saved_is_loaded(void **state)
{
    struct note_doc *doc = hand_begin(9, "A text of\nlines " SMILE);
    (void)state;
    assert_loads(doc);
    hand_type(doc, 2, 4, "word");
    assert_loads(doc);
    hand_take(doc);
    assert_loads(doc);
    hand_type(doc, 0, 0, SMILE "\n");
    assert_loads(doc);
    hand_away(doc, "[[0,\"1\"],18]", false, true);
    assert_true(note_doc_catching_up(doc));
    assert_loads(doc);
    hand_away(doc, "[[0,\"2\"],19]", false, false);
    assert_loads(doc);
    hand_take(doc);
    hand_refuse(doc);
    assert_loads(doc);
    note_doc_free(doc);
}

static void nothing_damaged_is_loaded(void **state)
{
    struct note_doc *doc = hand_begin(9, "text"), *other = hand_begin(1, "stays");
    struct buffer saved = {0};
    (void)state;
    hand_type(doc, 1, 1, "x");
    hand_take(doc);
    hand_type(doc, 0, 0, "y");
    note_doc_save(doc, &saved);
    for (size_t i = 0; i < saved.size; i++) {
        assert_int_equal(note_doc_load(other, bytes_of(saved.data, i)), STATUS_CORRUPT);
        saved.data[i] ^= 0x81;
        (void)note_doc_load(other, buffer_bytes(&saved)); /* some are another note */
        saved.data[i] ^= 0x81;
    }
    note_doc_free(doc);
    note_doc_free(other);
    buffer_release(&saved);
}

static void assert_not_loaded(const char *saved)
{
    struct note_doc *doc = hand_begin(1, "stays");
    struct buffer encoded = {0};
    hand_encode(saved, &encoded);
    assert_int_equal(note_doc_load(doc, buffer_bytes(&encoded)), STATUS_CORRUPT);
    assert_text(doc, "stays");
    note_doc_free(doc);
    buffer_release(&encoded);
}

static void what_does_not_fit_together_is_not_loaded(void **state)
{
    (void)state;
    assert_not_loaded("[2,5,5,\"text\",null,null,null,null,false,false]");
    assert_not_loaded("[1,5,4,\"text\",null,null,null,null,false,false]");
    assert_not_loaded("[1,5,6,\"text\",null,null,null,null,false,false]");
    assert_not_loaded("[1,5,5,\"text\",[4,[0,\"x\"]],null,null,null,true,false]");
    assert_not_loaded("[1,5,6,\"text\",[5,[0,\"x\"]],null,null,null,true,false]");
    assert_not_loaded("[1,5,5,\"text\",null,[3,[0,\"x\"]],null,null,false,false]");
    assert_not_loaded("[1,5,5,\"text\",null,[4,[0,\"x\"]],null,[4,[0,\"x\"]],false,false]");
    assert_not_loaded("[1,5,5,\"" SMILE "\",null,[1,[0,\"x\"],1],null,null,false,false]");
    assert_not_loaded("[1,5,5,\"text\",null,null,null,null,false,false,1]");
}

/* Processes that share a folder apply each other's rows, and a later one all of them. */
static void the_same_rows_make_the_same_document(void **state)
{
    struct note_doc *doc = hand_begin(5, "abc"), *other = hand_begin(5, "abc");
    struct buffer row = {0};
    (void)state;
    assert_int_equal(note_doc_row_edit(doc, 1, 1, bytes_text("XY"), &row), STATUS_OK);
    hand_apply(doc, &row, NOTE_DOC_TYPED);
    hand_apply(other, &row, NOTE_DOC_ELSEWHERE);
    assert_shown(other, "1,1,XY");
    assert_same_saved(doc, other);
    buffer_clear(&row);
    note_doc_row_take(other, &row);
    hand_apply(doc, &row, NOTE_DOC_ELSEWHERE);
    hand_apply(other, &row, NOTE_DOC_TYPED);
    assert_same_saved(doc, other);
    note_doc_free(doc);
    note_doc_free(other);
    buffer_release(&row);
}

static void assert_row_corrupt(struct note_doc *doc, const char *row)
{
    struct buffer encoded = {0}, before = {0}, after = {0};
    note_doc_save(doc, &before);
    hand_encode(row, &encoded);
    assert_int_equal(note_doc_apply(doc, buffer_bytes(&encoded), NOTE_DOC_TYPED), STATUS_CORRUPT);
    note_doc_save(doc, &after);
    assert_bytes(buffer_bytes(&after), buffer_bytes(&before));
    buffer_release(&encoded);
    buffer_release(&before);
    buffer_release(&after);
}

static void rows_that_do_not_follow_are_corrupt(void **state)
{
    struct note_doc *doc = hand_begin(5, "ab" SMILE);
    (void)state;
    assert_row_corrupt(doc, "[]");
    assert_row_corrupt(doc, "1");
    assert_row_corrupt(doc, "[9]");
    assert_row_corrupt(doc, "[-1]");
    assert_row_corrupt(doc, "[0]");
    assert_row_corrupt(doc, "[0,[3,[0,\"x\"]]]");
    assert_row_corrupt(doc, "[0,[3,[0,\"x\"],1]]");
    assert_row_corrupt(doc, "[0,[3,[1]]]");
    assert_row_corrupt(doc, "[1,5,false,false,false,[4,[0,\"x\"]]]");
    assert_row_corrupt(doc, "[1,7,false,false,false,[4,[0,\"x\"]]]");
    assert_row_corrupt(doc, "[1,6,false,false,true,[4,[0,\"x\"]]]");
    assert_row_corrupt(doc, "[1,6,false,true,true,[5,[0,\"x\"]]]");
    assert_row_corrupt(doc, "[1,6,false,true,false,[3,[0,\"x\"],1]]");
    assert_row_corrupt(doc, "[1,6,false,false,false,[1]]");
    assert_row_corrupt(doc, "[1,6,0,false,false,[4,[0,\"x\"]]]");
    assert_row_corrupt(doc, "[2,6,true,[4,[0,\"x\"]],[]]");
    assert_row_corrupt(doc, "[2,6,false,[3,[0,\"x\"]],[]]");
    assert_row_corrupt(doc, "[3]");
    assert_row_corrupt(doc, "[4]");
    hand_away(doc, "[[0,\"1\"],4]", false, true);
    assert_row_corrupt(doc, "[1,7,false,false,false,[5,[0,\"x\"]]]");
    assert_row_corrupt(doc, "[1,7,false,true,true,[4,[0,\"x\"]]]");
    note_doc_free(doc);
}

static void assert_entry_refused(struct note_doc *doc, const char *changes, enum status wanted)
{
    struct buffer encoded = {0}, row = {0};
    hand_encode(changes, &encoded);
    assert_int_equal(note_doc_row_entry(doc, buffer_bytes(&encoded), false, false, false, &row),
                     wanted);
    assert_int_equal(row.size, 0);
    buffer_release(&encoded);
    buffer_release(&row);
}

static void entries_that_do_not_fit_are_refused(void **state)
{
    struct note_doc *doc = hand_begin(5, "ab" SMILE);
    (void)state;
    assert_entry_refused(doc, "\"x\"", STATUS_WRONG_KIND);
    assert_entry_refused(doc, "[3]", STATUS_INVALID_VALUE);
    assert_entry_refused(doc, "[3,[1]]", STATUS_INVALID_VALUE);
    hand_away(doc, "[4,[0,\"" SMILE "\"]]", false, true);
    assert_entry_refused(doc, "[4]", STATUS_INVALID_VALUE);
    assert_entry_refused(doc, "[5,[1]]", STATUS_INVALID_VALUE);
    note_doc_free(doc);
}

static void own_words_are_what_is_not_sent(void **state)
{
    struct note_doc *doc = hand_begin(5, "They wrote this.");
    struct buffer words = {0};
    (void)state;
    hand_type(doc, 0, 4, "I have");
    hand_take(doc);
    hand_type(doc, 18, 0, "\nAnd that.\n");
    note_doc_own_words(doc, &words);
    assert_bytes(buffer_bytes(&words), bytes_text("I have\n\nAnd that.\n"));
    note_doc_free(doc);
    buffer_release(&words);
}

/* ---- Cursors --------------------------------------------------------------- */

static void assert_here(struct note_doc *doc, uint64_t version, uint64_t unit, size_t wanted)
{
    size_t at = SIZE_MAX;
    assert_true(note_doc_place_here(doc, version, unit, &at));
    assert_int_equal(at, wanted);
}

static void cursors_of_others_move_with_the_text(void **state)
{
    struct note_doc *doc = hand_begin(1, "abc");
    size_t at;
    (void)state;
    hand_entry(doc, "[[0,\"" SMILE "\"],3]", false);
    hand_type(doc, 5, 0, "typed");
    assert_here(doc, 1, 0, 4);
    assert_here(doc, 1, 1, 5);
    assert_here(doc, 1, 2, 11);
    assert_here(doc, 2, 0, 0);
    assert_here(doc, 2, 5, 12);
    assert_false(note_doc_place_here(doc, 1, 4, &at));
    assert_false(note_doc_place_here(doc, 2, 1, &at));
    assert_false(note_doc_place_here(doc, 2, 6, &at));
    assert_false(note_doc_place_here(doc, 3, 0, &at));
    assert_false(note_doc_place_here(doc, 0, 0, &at));
    assert_false(note_doc_place_here(doc, 2, UINT64_MAX, &at));
    for (unsigned i = 0; i < 64; i++)
        hand_entry(doc, i % 2 == 0 ? "[[0,\"x\"],5]" : "[[1],5]", false);
    assert_false(note_doc_place_here(doc, 1, 0, &at));
    assert_here(doc, 2, 2, 4);
    note_doc_free(doc);
}

static void assert_there(struct note_doc *doc, size_t at, uint32_t wanted)
{
    uint64_t version = 0;
    assert_int_equal(note_doc_place_there(doc, at, &version), wanted);
    assert_int_equal(version, 1);
}

static void ones_own_cursor_is_told_in_what_others_have(void **state)
{
    struct note_doc *doc = hand_begin(1, SMILE "abc");
    (void)state;
    hand_type(doc, 5, 1, "typed");
    hand_take(doc);
    hand_type(doc, 6, 0, "!!"); /* SMILE a t!!yped c */
    assert_there(doc, 0, 0);
    assert_there(doc, 4, 2);
    assert_there(doc, 5, 3);
    assert_there(doc, 6, 3);
    assert_there(doc, 8, 3);
    assert_there(doc, 12, 4); /* behind what was typed */
    assert_there(doc, 13, 5);
    note_doc_free(doc);
}

static void places_of_the_text_before_are_found_in_the_text_shown(void **state)
{
    struct note_doc *doc = hand_begin(1, "0123456789");
    (void)state;
    hand_entry(doc, "[2,[0,\"ab\"],2,[3,\"x\"],3]", false); /* 01ab23x789 */
    assert_int_equal(note_doc_shown_place(doc, 1, true), 1);
    assert_int_equal(note_doc_shown_place(doc, 2, false), 2);
    assert_int_equal(note_doc_shown_place(doc, 2, true), 4);
    assert_int_equal(note_doc_shown_place(doc, 4, false), 6);
    assert_int_equal(note_doc_shown_place(doc, 5, false), 6); /* within what went */
    assert_int_equal(note_doc_shown_place(doc, 5, true), 7);
    assert_int_equal(note_doc_shown_place(doc, 7, false), 7);
    assert_int_equal(note_doc_shown_place(doc, 10, true), 10);
    note_doc_free(doc);
}

/* ---- Want of memory -------------------------------------------------------- */

struct step {
    struct note_doc *doc;
    struct buffer row;
    enum note_doc_origin origin;
    void (*make)(struct note_doc *doc, struct buffer *row);
};

/* Makes and applies one row; false, and nothing has changed, without memory. */
static bool do_step(void *context)
{
    struct step *step = context;
    struct buffer before = {0}, after = {0};
    failing_memory_pause(true);
    note_doc_save(step->doc, &before);
    failing_memory_pause(false);
    buffer_release(&step->row);
    step->make(step->doc, &step->row);
    const bool done =
        !step->row.failed && step->row.size > 0 &&
        note_doc_apply(step->doc, buffer_bytes(&step->row), step->origin) == STATUS_OK;
    failing_memory_pause(true);
    note_doc_save(step->doc, &after);
    assert_int_equal(done, !bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    buffer_release(&before);
    buffer_release(&after);
    failing_memory_pause(false);
    return done;
}

static void make_edit(struct note_doc *doc, struct buffer *row)
{
    const enum status status = note_doc_row_edit(doc, 3, 9, bytes_text("r\r\nlong enough to"), row);
    assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
}

static void make_undo(struct note_doc *doc, struct buffer *row)
{
    const enum status status = note_doc_row_undo(doc, row);
    assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
}

static void make_redo(struct note_doc *doc, struct buffer *row)
{
    const enum status status = note_doc_row_redo(doc, row);
    assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
}

static void make_take(struct note_doc *doc, struct buffer *row)
{
    note_doc_row_take(doc, row);
}

static void make_refused(struct note_doc *doc, struct buffer *row)
{
    note_doc_row_refused(doc, row);
}

static void make_entry(struct note_doc *doc, const char *changes, bool away, bool more,
                       struct buffer *row)
{
    struct buffer encoded = {0};
    failing_memory_pause(true);
    hand_encode(changes, &encoded);
    failing_memory_pause(false);
    const enum status status =
        note_doc_row_entry(doc, buffer_bytes(&encoded), false, away, more, row);
    assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
    buffer_release(&encoded);
}

#define FAR "12345678901234567890123456789012345678901234567890"

static void make_live(struct note_doc *doc, struct buffer *row)
{
    make_entry(doc, "[1,[2,\"X\"],1,[1,\"Y\"],1,[0,\"" FAR "\"],14]", false, false, row);
}

static void make_gathered(struct note_doc *doc, struct buffer *row)
{
    make_entry(doc, "[1,[0,\"" FAR "\"],68]", true, true, row);
}

/* Deletes where was typed. */
static void make_merged(struct note_doc *doc, struct buffer *row)
{
    make_entry(doc, "[[119,\"new\"]]", true, false, row);
}

static void make_text(struct note_doc *doc, struct buffer *row)
{
    const enum status status = note_doc_row_text(
        doc, 99, bytes_text("Quite another text,\nof lines,\nbecause of time"), row);
    assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
}

static void sweep(struct note_doc *doc, enum note_doc_origin origin,
                  void (*make)(struct note_doc *doc, struct buffer *row))
{
    struct step step = {.doc = doc, .origin = origin, .make = make};
    failing_memory_each(do_step, &step);
    buffer_release(&step.row);
}

static void want_of_memory_changes_nothing(void **state)
{
    struct note_doc *doc = hand_begin(1, "0123456789abcdefghij");
    (void)state;
    sweep(doc, NOTE_DOC_TYPED, make_edit);
    assert_text(doc, "012r\nlong enough tocdefghij");
    sweep(doc, NOTE_DOC_TYPED, make_live);
    sweep(doc, NOTE_DOC_UNDO, make_undo);
    sweep(doc, NOTE_DOC_REDO, make_redo);
    sweep(doc, NOTE_DOC_TYPED, make_take);
    hand_type(doc, 0, 0, "more");
    sweep(doc, NOTE_DOC_TYPED, make_refused);
    hand_type(doc, 0, 0, "more");
    hand_take(doc);
    sweep(doc, NOTE_DOC_TYPED, make_gathered);
    sweep(doc, NOTE_DOC_TYPED, make_merged);
    hand_take(doc);
    hand_type(doc, 0, 0, "again ");
    sweep(doc, NOTE_DOC_TYPED, make_text);
    assert_int_equal(note_doc_version(doc), 99);
    assert_loads(doc);
    note_doc_free(doc);
}

struct loading {
    struct note_doc *doc;
    struct buffer saved;
};

static bool load(void *context)
{
    struct loading *loading = context;
    if (note_doc_load(loading->doc, buffer_bytes(&loading->saved)) != STATUS_OK) {
        assert_text(loading->doc, "old");
        return false;
    }
    return true;
}

static bool make_and_save(void *context)
{
    struct buffer *out = context;
    struct note_doc *doc = note_doc_new();
    bool done = doc != NULL && note_doc_begin(doc, 4, bytes_text("a text")) == STATUS_OK;
    buffer_release(out);
    if (done)
        note_doc_save(doc, out);
    note_doc_free(doc);
    return done && !out->failed;
}

static void want_of_memory_is_told_when_loading(void **state)
{
    struct loading loading = {.doc = hand_begin(1, "old")};
    (void)state;
    failing_memory_each(make_and_save, &loading.saved);
    failing_memory_each(load, &loading);
    assert_text(loading.doc, "a text");
    note_doc_free(loading.doc);
    buffer_release(&loading.saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typing_changes_the_text_and_waits),
        cmocka_unit_test(line_ends_become_one_kind),
        cmocka_unit_test(what_is_no_place_or_no_text_is_refused),
        cmocka_unit_test(what_changes_nothing_is_no_row),
        cmocka_unit_test(a_replacement_is_cut_to_what_differs),
        cmocka_unit_test(a_note_has_its_bound),
        cmocka_unit_test(a_note_beyond_its_bound_can_shrink),
        cmocka_unit_test(own_entries_confirm_what_was_sent),
        cmocka_unit_test(an_own_entry_that_was_not_sent_is_one_of_others),
        cmocka_unit_test(the_same_change_by_others_is_not_ours),
        cmocka_unit_test(others_come_first_at_one_place),
        cmocka_unit_test(others_are_shown_one_after_the_other),
        cmocka_unit_test(what_was_refused_waits_for_the_next_edit),
        cmocka_unit_test(what_others_deleted_as_well_need_not_be_sent),
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(nothing_damaged_is_loaded),
        cmocka_unit_test(what_does_not_fit_together_is_not_loaded),
        cmocka_unit_test(the_same_rows_make_the_same_document),
        cmocka_unit_test(rows_that_do_not_follow_are_corrupt),
        cmocka_unit_test(entries_that_do_not_fit_are_refused),
        cmocka_unit_test(own_words_are_what_is_not_sent),
        cmocka_unit_test(cursors_of_others_move_with_the_text),
        cmocka_unit_test(ones_own_cursor_is_told_in_what_others_have),
        cmocka_unit_test(places_of_the_text_before_are_found_in_the_text_shown),
        cmocka_unit_test(want_of_memory_changes_nothing),
        cmocka_unit_test(want_of_memory_is_told_when_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A live note on one device where there is very much: of what others did, and of what is typed. */
#include "note_hand.h"

#include <string.h>

#include "protocol/message.h"

/* A document at version 1 of so many dots. */
static struct note_doc *begin_dots(size_t size)
{
    struct note_doc *doc = note_doc_new();
    struct buffer text = {0};
    assert_non_null(doc);
    memset(buffer_extend(&text, size), '.', size);
    assert_int_equal(note_doc_begin(doc, 1, buffer_bytes(&text)), STATUS_OK);
    buffer_release(&text);
    return doc;
}

/* An x behind every `step` of `units`. */
static void put_scattered(uint32_t units, uint32_t step, struct change_set *out)
{
    change_set_clear(out);
    for (uint32_t at = 0; at + step <= units; at += step) {
        change_set_keep(out, step);
        change_set_replace(out, 0, bytes_text("x"), false);
    }
    change_set_keep(out, units % step);
}

/* What comes of an entry of the others. */
static enum status other(struct note_doc *doc, const struct change_set *set, bool away)
{
    struct buffer encoded = {0}, row = {0};
    change_set_write(set, &encoded);
    enum status status = note_doc_row_entry(doc, buffer_bytes(&encoded), false, away, away, &row);
    if (status == STATUS_OK)
        status = note_doc_apply(doc, buffer_bytes(&row), NOTE_DOC_TYPED);
    buffer_release(&encoded);
    buffer_release(&row);
    return status;
}

static enum status scatter(struct note_doc *doc, uint32_t *units, uint32_t step, bool away)
{
    struct change_set set = {0};
    put_scattered(*units, step, &set);
    const enum status status = other(doc, &set, away);
    if (status == STATUS_OK)
        *units = set.after;
    change_set_release(&set);
    return status;
}

static struct buffer saved(const struct note_doc *doc)
{
    struct buffer out = {0};
    note_doc_save(doc, &out);
    assert_false(out.failed);
    return out;
}

/* ---- Of others ------------------------------------------------------------- */

/* Of their entries so many are kept as cursors are told at, and no more bytes than a few. */
static void large_entries_are_not_kept_for_cursors(void **state)
{
    enum { LARGE = 100000, ENTRIES = 40 };
    struct note_doc *doc = hand_begin(1, "abc");
    struct change_set set = {0};
    struct buffer text = {0};
    size_t at = 0;
    (void)state;
    memset(buffer_extend(&text, LARGE), 'x', LARGE);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        change_set_clear(&set);
        change_set_replace(&set, i == 0 ? 3 : LARGE, buffer_bytes(&text), false);
        assert_int_equal(other(doc, &set, false), STATUS_OK);
    }
    hand_type(doc, 0, 0, "typed");
    assert_true(note_doc_place_here(doc, 1 + ENTRIES, 7, &at));
    assert_int_equal(at, 12);
    assert_true(note_doc_place_here(doc, ENTRIES - 2, 7, &at));
    assert_false(note_doc_place_here(doc, ENTRIES - 20, 7, &at));
    assert_false(note_doc_place_here(doc, 1, 0, &at));
    hand_entry(doc, "[[0,\"new\"],100000]", false); /* others go on, and so do their cursors */
    assert_true(note_doc_place_here(doc, 1 + ENTRIES, 7, &at));
    assert_int_equal(at, 15);
    change_set_release(&set);
    buffer_release(&text);
    note_doc_free(doc);
}

/* What others did while we were away is gathered only as long as it is not more than texts are. */
static void where_too_much_came_the_text_says_it_shorter(void **state)
{
    static const uint32_t steps[] = {4, 7, 9, 8, 10}; /* ever new places */
    struct note_doc *doc = begin_dots(100000);
    struct buffer row = {0}, before = {0};
    uint32_t units = 100000;
    enum status status = STATUS_OK;
    (void)state;
    hand_type(doc, 0, 0, "sent ");
    hand_take(doc);
    hand_type(doc, 100005, 0, " waiting");
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == STATUS_OK; i++) {
        buffer_release(&before);
        before = saved(doc);
        status = scatter(doc, &units, steps[i], true);
    }
    assert_int_equal(status, STATUS_TOO_LARGE);
    assert_true(units > 100000);
    struct buffer after = saved(doc);
    assert_bytes(buffer_bytes(&after), buffer_bytes(&before));
    assert_int_equal(note_doc_row_text(doc, 99, bytes_text("Another text."), &row), STATUS_OK);
    hand_apply(doc, &row, NOTE_DOC_TYPED);
    assert_text(doc, "sent Another text. waiting");
    assert_int_equal(note_doc_version(doc), 99);
    hand_take(doc);
    assert_sent(doc, "[[0,\"sent \"],13,[0,\" waiting\"]]");
    buffer_release(&row);
    buffer_release(&before);
    buffer_release(&after);
    note_doc_free(doc);
}

/* ---- Of one's own ---------------------------------------------------------- */

/* Confirms what is on its way until everything is, and returns how many pushes that took. */
static unsigned push_all(struct note_doc *doc)
{
    unsigned pushes = 0;
    while (note_doc_can_send(doc)) {
        hand_take(doc);
        assert_true(note_doc_sent(doc)->count <= CHANGE_PARTS_MAX);
        hand_confirm(doc);
        assert_true(++pushes < 100);
    }
    assert_int_equal(note_doc_waiting(doc), 0);
    return pushes;
}

/* The text that the server has when nothing waits. */
static void assert_base_is_text(struct note_doc *doc)
{
    struct buffer with = saved(doc);
    const struct bytes text = note_doc_text(doc);
    assert_non_null(memmem(with.data, with.size, text.data, text.size));
    buffer_release(&with);
}

/* However often others divide what is on its way, it is kept, and goes by itself. */
static void what_others_divide_is_kept_and_sent(void **state)
{
    const uint32_t size = 2 * CHANGE_PARTS_MAX;
    struct note_doc *doc = begin_dots(size), *again = note_doc_new();
    struct buffer kept = {0}, text = {0};
    uint32_t units = size;
    (void)state;
    hand_type(doc, 0, size, "mine");
    hand_take(doc);
    hand_type(doc, 4, 0, " and this");
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(scatter(doc, &units, i < 2 ? 5 : 6, false), STATUS_OK);
    assert_true(note_doc_is_divided(doc));
    kept = saved(doc);
    assert_int_equal(note_doc_load(again, buffer_bytes(&kept)), STATUS_OK);
    assert_bytes(note_doc_text(again), note_doc_text(doc));
    assert_true(note_doc_is_divided(again));
    buffer_append(&text, note_doc_text(doc).data, note_doc_text(doc).size);
    hand_refuse(doc);
    assert_true(push_all(doc) > 1);
    assert_bytes(note_doc_text(doc), buffer_bytes(&text));
    assert_base_is_text(doc);
    note_doc_free(doc);
    note_doc_free(again);
    buffer_release(&kept);
    buffer_release(&text);
}

/* More than one push has. */
#define PLACES 17000u

/* Typing in ever so many places goes in several pushes, and stays typing in those places: what
 * others put between them in the meantime stays theirs. */
static void very_many_places_are_sent_one_push_after_the_other(void **state)
{
    const size_t size = 2 * PLACES + 2;
    struct note_doc *doc = begin_dots(size);
    (void)state;
    for (size_t at = 0; at < 2 * PLACES; at += 2)
        hand_type(doc, at, 1, "x");
    hand_take(doc);
    assert_true(note_doc_sent(doc)->count <= CHANGE_PARTS_MAX);
    assert_true(note_doc_sent(doc)->count > 1000);
    assert_int_equal(note_doc_waiting(doc), 2 * PLACES); /* also what goes with the next */
    hand_confirm(doc);
    assert_true(note_doc_can_send(doc));
    hand_entry(doc, "[34001,[0,\"theirs\"],1]", false);
    assert_true(push_all(doc) >= 1);
    assert_base_is_text(doc);
    struct bytes text = note_doc_text(doc);
    assert_int_equal(text.size, size + 6);
    for (size_t at = 0; at < 2 * PLACES; at++)
        assert_int_equal(text.data[at], at % 2 == 0 ? 'x' : '.');
    assert_bytes(bytes_slice(text, size - 2, 8), bytes_text(".theirs."));
    note_doc_free(doc);
}

/* Where the first of several pushes would be too large, since what makes room comes later, all of
 * it goes as one. */
static void what_makes_room_goes_with_what_needs_it(void **state)
{
    const size_t size = LIMIT_NOTE_TEXT;
    struct note_doc *doc = begin_dots(size);
    (void)state;
    for (size_t at = size; at > size - 40000; at -= 40)
        hand_type(doc, at - 30, 20, "");
    for (size_t at = 0; at < 2 * PLACES; at += 2)
        hand_type(doc, at, 0, "x");
    assert_true(note_doc_text(doc).size <= LIMIT_NOTE_TEXT);
    hand_take(doc);
    assert_true(note_doc_sent(doc)->count <= 3);
    hand_confirm(doc);
    assert_int_equal(note_doc_waiting(doc), 0);
    assert_base_is_text(doc);
    note_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_entries_are_not_kept_for_cursors),
        cmocka_unit_test(where_too_much_came_the_text_says_it_shorter),
        cmocka_unit_test(what_others_divide_is_kept_and_sent),
        cmocka_unit_test(very_many_places_are_sent_one_push_after_the_other),
        cmocka_unit_test(what_makes_room_goes_with_what_needs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

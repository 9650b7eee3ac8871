/* The live editor without a terminal: what keys do, what others do to it, what is to be seen. */
#include "prelude.h"

#include <stdio.h>
#include <string.h>

#include "editor_fixture.h"

#define AE "\xC3\xA6"            /* one column, two bytes */
#define HAN "\xE6\xBC\xA2"       /* two columns */
#define ACUTE "\xCC\x81"         /* combining */
#define THUMB "\xF0\x9F\x91\x8D" /* emoji, two columns */
#define TONE "\xF0\x9F\x8F\xBD"  /* skin tone */

static struct fixture f;

static void begin(const char *text, size_t rows, size_t columns)
{
    fixture_begin(&f, text, rows, columns);
}

static void times(enum editor_action action, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fixture_act(&f, action);
    }
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static void lines_are_broken_between_words(void **state)
{
    (void)state;
    begin("Call before nine, never on Fridays\nand ask for Kari", 12, 17);
    fixture_shows(&f, 0, "Call before");
    fixture_shows(&f, 1, "nine, never on");
    fixture_shows(&f, 2, "Fridays");
    fixture_shows(&f, 3, "and ask for Kari");
    fixture_shows(&f, 4, "");
    fixture_end(&f);
}

static void white_space_hangs_at_the_end_of_a_full_row(void **state)
{
    (void)state;
    begin("0123456789     abc", 8, 11);
    fixture_shows(&f, 0, "0123456789");
    fixture_shows(&f, 1, "abc");
    times(EDITOR_RIGHT, 12);
    fixture_cursor_at(&f, 0, 10);
    fixture_end(&f);
}

static void what_fits_no_row_is_broken_anywhere(void **state)
{
    (void)state;
    begin("ab 0123456789012345", 8, 11);
    fixture_shows(&f, 0, "ab");
    fixture_shows(&f, 1, "0123456789");
    fixture_shows(&f, 2, "012345");
    fixture_end(&f);
}

static void wide_characters_take_two_columns_and_break_anywhere(void **state)
{
    (void)state;
    begin(HAN HAN HAN HAN HAN HAN "x", 8, 11);
    fixture_shows(&f, 0, HAN HAN HAN HAN HAN);
    fixture_shows(&f, 1, HAN "x");
    times(EDITOR_RIGHT, 2);
    fixture_cursor_at(&f, 0, 4);
    fixture_end(&f);
    begin("ab" HAN HAN HAN HAN "c" HAN, 8, 12); /* none is cut in half */
    fixture_shows(&f, 0, "ab" HAN HAN HAN HAN "c");
    fixture_shows(&f, 1, HAN);
    fixture_end(&f);
}

static void marks_belong_to_their_character(void **state)
{
    (void)state;
    begin("e" ACUTE "a", 8, 20);
    fixture_shows(&f, 0, "e" ACUTE "a");
    fixture_act(&f, EDITOR_RIGHT);
    assert_int_equal(f.editor.cursor, 3);
    fixture_cursor_at(&f, 0, 1);
    fixture_act(&f, EDITOR_BACKSPACE);
    assert_string_equal(f.text, "a");
    fixture_end(&f);
    begin(ACUTE "a", 8, 20); /* with nothing to stand on */
    fixture_shows(&f, 0, "\xE2\x97\x8C" ACUTE "a");
    fixture_end(&f);
    begin("a" ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE "b", 8, 20);
    fixture_shows(&f, 0, "a" ACUTE ACUTE ACUTE ACUTE "b");
    fixture_end(&f);
}

static void emoji_are_where_their_columns_are(void **state)
{
    (void)state;
    begin(THUMB TONE "\xE2\x80\x8D" THUMB "\xEF\xB8\x8F"
                     "x",
          8, 20);
    fixture_shows(&f, 0, THUMB TONE THUMB "x");
    fixture_act(&f, EDITOR_LINE_END);
    fixture_cursor_at(&f, 0, 7);
    fixture_end(&f);
}

static void tabs_reach_to_the_next_stop(void **state)
{
    (void)state;
    begin("ab\tc\n\t\td", 8, 40);
    fixture_shows(&f, 0, "ab      c");
    fixture_shows(&f, 1, "                d");
    times(EDITOR_RIGHT, 3);
    fixture_cursor_at(&f, 0, 8);
    fixture_end(&f);
}

static void what_a_terminal_would_obey_is_shown_by_a_code(void **state)
{
    (void)state;
    begin("a\033[31mb\a\x7F\x01"
          "c\xC2\x9B"
          "d\xE2\x80\xAE"
          "e",
          8, 50);
    fixture_shows(&f, 0, "a^[[31mb^G^?^Ac<9B>d<202E>e");
    assert_true(fixture_has_style(&f, 0, EDITOR_CODED));
    times(EDITOR_RIGHT, 2);
    fixture_cursor_at(&f, 0, 3);
    for (size_t i = 0; i < f.frame.rows * f.frame.columns; i++) {
        for (const char *byte = f.frame.cells[i].text; *byte != '\0'; byte++) {
            assert_true((unsigned char)*byte >= 0x20 && *byte != 0x7F);
        }
    }
    fixture_end(&f);
}

/* ---- Moving ---------------------------------------------------------------------------------- */

static void up_and_down_keep_the_column(void **state)
{
    (void)state;
    begin("0123456789\nab\n" HAN HAN HAN HAN HAN "\n0123456789", 10, 40);
    times(EDITOR_RIGHT, 7);
    fixture_act(&f, EDITOR_DOWN);
    fixture_cursor_at(&f, 1, 2);
    fixture_act(&f, EDITOR_DOWN);
    fixture_cursor_at(&f, 2, 6); /* 7 is inside a wide one */
    fixture_act(&f, EDITOR_DOWN);
    fixture_cursor_at(&f, 3, 7);
    times(EDITOR_UP, 3);
    fixture_cursor_at(&f, 0, 7);
    times(EDITOR_UP, 3);
    fixture_cursor_at(&f, 0, 7);
    fixture_end(&f);
}

static void up_and_down_go_by_rows_of_the_screen(void **state)
{
    (void)state;
    begin("aaaa bbbb cccc dddd", 10, 11);
    times(EDITOR_RIGHT, 2);
    fixture_act(&f, EDITOR_DOWN);
    assert_int_equal(f.editor.cursor, 12);
    fixture_cursor_at(&f, 1, 2);
    fixture_act(&f, EDITOR_ROW_END);
    assert_int_equal(f.editor.cursor, 19);
    fixture_act(&f, EDITOR_UP);
    fixture_act(&f, EDITOR_ROW_END);
    fixture_cursor_at(&f, 0, 9); /* in front of the space where it is broken */
    fixture_act(&f, EDITOR_ROW_START);
    assert_int_equal(f.editor.cursor, 0);
    fixture_act(&f, EDITOR_LINE_END);
    assert_int_equal(f.editor.cursor, 19);
    fixture_act(&f, EDITOR_LINE_START);
    assert_int_equal(f.editor.cursor, 0);
    fixture_end(&f);
}

static void words_are_letters_and_digits_of_any_language(void **state)
{
    (void)state;
    begin("Bj" AE "rk, (24 %)\n  na" AE, 10, 40);
    static const size_t stops[] = {6, 8, 9, 12, 13, 17, 21};
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        fixture_act(&f, EDITOR_WORD_RIGHT);
        if (i < 5) {
            assert_true(f.editor.cursor > 0);
        }
    }
    assert_int_equal(f.editor.cursor, f.size);
    fixture_act(&f, EDITOR_WORD_LEFT);
    assert_string_equal(f.text + f.editor.cursor, "na" AE);
    fixture_act(&f, EDITOR_WORD_LEFT);
    assert_string_equal(f.text + f.editor.cursor, "%)\n  na" AE);
    fixture_act(&f, EDITOR_WORD_LEFT);
    assert_string_equal(f.text + f.editor.cursor, "24 %)\n  na" AE);
    fixture_act(&f, EDITOR_TEXT_START);
    fixture_act(&f, EDITOR_WORD_RIGHT);
    assert_string_equal(f.text + f.editor.cursor, ", (24 %)\n  na" AE);
    fixture_end(&f);
}

static void pages_overlap_by_a_row(void **state)
{
    (void)state;
    char text[400] = "";
    for (int i = 0; i < 60; i++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%d\n", i);
    }
    begin(text, 12, 30); /* ten rows of text */
    fixture_act(&f, EDITOR_DOWN);
    fixture_act(&f, EDITOR_PAGE_DOWN);
    fixture_shows(&f, 0, "9");
    fixture_cursor_at(&f, 1, 0);
    fixture_act(&f, EDITOR_PAGE_DOWN);
    fixture_shows(&f, 0, "18");
    fixture_act(&f, EDITOR_PAGE_UP);
    fixture_shows(&f, 0, "9");
    fixture_cursor_at(&f, 1, 0);
    times(EDITOR_PAGE_UP, 3);
    fixture_shows(&f, 0, "0");
    times(EDITOR_PAGE_DOWN, 9);
    assert_int_equal(f.editor.cursor, f.size);
    fixture_end(&f);
}

static void the_screen_scrolls_a_row_at_a_time_and_jumps_far(void **state)
{
    (void)state;
    begin("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14", 6, 30); /* four rows */
    times(EDITOR_DOWN, 3);
    fixture_shows(&f, 0, "0");
    fixture_act(&f, EDITOR_DOWN);
    fixture_shows(&f, 0, "1");
    fixture_cursor_at(&f, 3, 0);
    times(EDITOR_UP, 4);
    fixture_shows(&f, 0, "0");
    fixture_act(&f, EDITOR_TEXT_END);
    fixture_shows(&f, 2, "14");
    fixture_cursor_at(&f, 2, 2);
    fixture_end(&f);
}

/* ---- Changing -------------------------------------------------------------------------------- */

static void typing_goes_in_front_of_the_cursor(void **state)
{
    (void)state;
    begin("ac", 8, 30);
    fixture_act(&f, EDITOR_RIGHT);
    fixture_type(&f, "b" AE);
    assert_string_equal(f.text, "ab" AE "c");
    fixture_cursor_at(&f, 0, 3);
    fixture_act(&f, EDITOR_ENTER);
    fixture_type(&f, "d");
    assert_string_equal(f.text, "ab" AE "\ndc");
    fixture_cursor_at(&f, 1, 1);
    fixture_end(&f);
}

static void each_way_to_delete(void **state)
{
    (void)state;
    begin("one two three\nfour", 8, 30);
    times(EDITOR_WORD_RIGHT, 2);
    fixture_act(&f, EDITOR_DELETE_WORD_LEFT);
    assert_string_equal(f.text, "one three\nfour");
    fixture_act(&f, EDITOR_DELETE_WORD_RIGHT);
    assert_string_equal(f.text, "one four");
    fixture_act(&f, EDITOR_DELETE);
    assert_string_equal(f.text, "one our");
    fixture_act(&f, EDITOR_DELETE_TO_START);
    assert_string_equal(f.text, "our");
    fixture_act(&f, EDITOR_BACKSPACE);
    assert_string_equal(f.text, "our");
    fixture_act(&f, EDITOR_DELETE_TO_END);
    assert_string_equal(f.text, "");
    times(EDITOR_DELETE, 2);
    times(EDITOR_DELETE_TO_END, 2);
    assert_string_equal(f.text, "");
    fixture_end(&f);
    begin("a\nb\nc", 8, 30);
    times(EDITOR_DELETE_TO_END, 2);
    assert_string_equal(f.text, "b\nc");
    fixture_end(&f);
}

static void what_is_refused_changes_nothing_and_is_said(void **state)
{
    (void)state;
    begin("full", 8, 60);
    f.most = 4;
    fixture_type(&f, "er");
    assert_string_equal(f.text, "full");
    fixture_cursor_at(&f, 0, 0);
    assert_non_null(strstr(fixture_row(&f, 7), "as long as a note can be"));
    fixture_act(&f, EDITOR_RIGHT); /* the next key ends the message */
    assert_non_null(strstr(fixture_row(&f, 7), "^Q Quit"));
    f.refuse = TANDEM_CODE_DENIED;
    fixture_act(&f, EDITOR_DELETE);
    assert_string_equal(f.text, "full");
    assert_non_null(strstr(fixture_row(&f, 7), "but not change it"));
    f.refuse = TANDEM_CODE_NOT_FOUND;
    fixture_act(&f, EDITOR_DELETE);
    assert_non_null(strstr(fixture_row(&f, 7), "cannot be edited any more"));
    fixture_end(&f);
}

static void what_may_only_be_read_is_not_tried_to_change(void **state)
{
    (void)state;
    begin("text", 8, 60);
    f.editor.line = EDITOR_READ_ONLY;
    assert_non_null(strstr(fixture_row(&f, 6), "read only"));
    fixture_type(&f, "x");
    assert_string_equal(f.text, "text");
    assert_false(f.editor.typed);
    assert_non_null(strstr(fixture_row(&f, 7), "You may read this note, but not change it."));
    fixture_act(&f, EDITOR_RIGHT);
    fixture_cursor_at(&f, 0, 1);
    fixture_act(&f, EDITOR_SAVE);
    assert_non_null(strstr(fixture_row(&f, 7), "but not change it"));
    fixture_other(&f, 0, 0, "new ");
    fixture_shows(&f, 0, "new text");
    f.editor.line = EDITOR_ONLINE;
    fixture_type(&f, "x");
    assert_string_equal(f.text, "new txext");
    fixture_end(&f);
}

static void undo_goes_to_where_it_was(void **state)
{
    (void)state;
    begin("one two", 8, 60);
    fixture_act(&f, EDITOR_UNDO);
    assert_non_null(strstr(fixture_row(&f, 7), "Nothing of yours to undo"));
    fixture_act(&f, EDITOR_DELETE_WORD_RIGHT);
    fixture_act(&f, EDITOR_TEXT_END);
    fixture_act(&f, EDITOR_UNDO);
    assert_string_equal(f.text, "one two");
    fixture_cursor_at(&f, 0, 4);
    fixture_act(&f, EDITOR_REDO);
    assert_non_null(strstr(fixture_row(&f, 7), "Nothing of yours to redo"));
    fixture_end(&f);
}

/* ---- Others ---------------------------------------------------------------------------------- */

static void the_cursor_stays_in_its_text(void **state)
{
    (void)state;
    begin("one two three", 8, 60);
    times(EDITOR_WORD_RIGHT, 1);
    fixture_other(&f, 0, 0, "zero ");
    fixture_cursor_at(&f, 0, 9);
    fixture_other(&f, 13, 5, "3");
    fixture_cursor_at(&f, 0, 9);
    fixture_other(&f, 9, 0, "TWO "); /* right where it is: it stays in front */
    fixture_cursor_at(&f, 0, 9);
    fixture_other(&f, 4, 8, "");
    fixture_cursor_at(&f, 0, 4);
    fixture_other(&f, 0, f.size, "");
    fixture_cursor_at(&f, 0, 0);
    fixture_end(&f);
}

static void a_mark_put_behind_it_takes_it_to_the_beginning_of_the_character(void **state)
{
    (void)state;
    begin("ea", 8, 60);
    fixture_act(&f, EDITOR_RIGHT);
    fixture_other(&f, 1, 0, ACUTE);
    fixture_cursor_at(&f, 0, 0);
    assert_int_equal(f.editor.cursor, 0);
    fixture_end(&f);
}

static void its_row_stays_on_the_screen_where_it_was(void **state)
{
    (void)state;
    begin("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14", 8, 30); /* six rows */
    times(EDITOR_DOWN, 9);
    times(EDITOR_UP, 2);
    fixture_cursor_at(&f, 3, 0);
    fixture_shows(&f, 3, "7");
    fixture_other(&f, 0, 0, "new\nnew\nnew\n"); /* above what is seen */
    fixture_shows(&f, 3, "7");
    fixture_shows(&f, 5, "9");
    fixture_cursor_at(&f, 3, 0);
    fixture_other(&f, 22, 0, "seen\n"); /* above the cursor, on the screen */
    fixture_shows(&f, 2, "6");
    fixture_shows(&f, 3, "7");
    fixture_other(&f, f.size, 0, "\nend"); /* below */
    fixture_shows(&f, 3, "7");
    fixture_other(&f, 0, f.size - 4, ""); /* there is nothing above any more */
    fixture_cursor_at(&f, 0, 0);
    fixture_end(&f);
}

static void what_has_room_is_all_in_sight(void **state)
{
    (void)state;
    begin("first\nsecond", 8, 30); /* six rows */
    fixture_act(&f, EDITOR_RIGHT);
    fixture_other(&f, 0, 0, "new\nnewer\nnewest\n"); /* above the first row shown */
    fixture_shows(&f, 0, "new");
    fixture_shows(&f, 4, "second");
    fixture_cursor_at(&f, 3, 1);
    fixture_other(&f, f.size, 0, "\nthird\nfourth\nfifth");
    fixture_act(&f, EDITOR_TEXT_END); /* eight rows now */
    fixture_shows(&f, 0, "second");
    fixture_act(&f, EDITOR_DELETE_TO_START);
    fixture_act(&f, EDITOR_BACKSPACE);
    fixture_act(&f, EDITOR_DELETE_TO_START);
    fixture_act(&f, EDITOR_BACKSPACE);
    fixture_shows(&f, 0, "new");
    fixture_cursor_at(&f, 5, 5);
    fixture_end(&f);
}

static struct editor_person person(const char *name, uint64_t session, size_t at)
{
    struct editor_person out = {.session = session, .has_cursor = true, .at = at, .anchor = at};
    (void)snprintf(out.name, sizeof out.name, "%s", name);
    return out;
}

static void cursors_of_others_are_shown_with_their_names(void **state)
{
    (void)state;
    begin("one two\nthree", 8, 70);
    struct editor_person people[2] = {person("nils", 1, 4), person("eva\033[2J", 2, 13)};
    people[1].typing = true;
    editor_people(&f.editor, people, 2);
    fixture_shows(&f, 0, "one two  nils");
    fixture_shows(&f, 1, "three  eva^[[2J");
    assert_int_equal(editor_frame_cell(&f.frame, 0, 4)->style, EDITOR_CURSOR);
    assert_int_equal(editor_frame_cell(&f.frame, 0, 5)->style, EDITOR_PLAIN);
    assert_int_equal(editor_frame_cell(&f.frame, 1, 5)->style, EDITOR_CURSOR);
    assert_true(editor_frame_cell(&f.frame, 0, 4)->colour !=
                editor_frame_cell(&f.frame, 1, 5)->colour);
    assert_non_null(strstr(fixture_row(&f, 6), "nils, eva^[[2J types"));
    fixture_other(&f, 0, 0, "now "); /* a cursor moves with its text until its owner says more */
    fixture_shows(&f, 0, "now one two  nils");
    assert_int_equal(editor_frame_cell(&f.frame, 0, 8)->style, EDITOR_CURSOR);
    fixture_end(&f);
}

static void a_person_keeps_the_colour(void **state)
{
    (void)state;
    begin("text", 8, 70);
    struct editor_person people[3] = {person("nils", 1, 0), person("eva", 2, 1),
                                      person("vera", 3, 2)};
    editor_people(&f.editor, people, 3);
    unsigned eva = f.editor.people[1].colour;
    unsigned vera = f.editor.people[2].colour;
    assert_true(eva != vera && eva != f.editor.people[0].colour);
    editor_people(&f.editor, &people[1], 2);
    assert_int_equal(f.editor.people[0].colour, eva);
    assert_int_equal(f.editor.people[1].colour, vera);
    fixture_end(&f);
}

static void more_people_than_there_is_room_for(void **state)
{
    (void)state;
    struct editor_person people[EDITOR_PEOPLE + 6];
    for (size_t i = 0; i < EDITOR_PEOPLE + 6; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "person%zu", i);
        people[i] = person(name, i + 1, i % 5);
    }
    begin("text", 8, 70);
    editor_people(&f.editor, people, EDITOR_PEOPLE + 6);
    assert_non_null(strstr(fixture_row(&f, 6), "70 here"));
    editor_people(&f.editor, people, 0);
    assert_null(strstr(fixture_row(&f, 6), "here"));
    fixture_end(&f);
}

static void what_others_select_is_marked(void **state)
{
    (void)state;
    begin("one two three", 8, 70);
    struct editor_person one = person("nils", 1, 4);
    one.anchor = 7;
    editor_people(&f.editor, &one, 1);
    (void)fixture_row(&f, 0);
    assert_int_equal(editor_frame_cell(&f.frame, 0, 4)->style, EDITOR_CURSOR);
    assert_int_equal(editor_frame_cell(&f.frame, 0, 5)->style, EDITOR_SELECTED);
    assert_int_equal(editor_frame_cell(&f.frame, 0, 6)->style, EDITOR_SELECTED);
    assert_int_equal(editor_frame_cell(&f.frame, 0, 7)->style, EDITOR_PLAIN);
    fixture_end(&f);
}

/* ---- Finding --------------------------------------------------------------------------------- */

static void finding_goes_there_as_it_is_typed(void **state)
{
    (void)state;
    begin("alpha beta\nBeta gamma\nbeta", 10, 60);
    fixture_act(&f, EDITOR_FIND);
    fixture_type(&f, "b");
    fixture_type(&f, "ETA");
    assert_int_equal(f.editor.cursor, 6);
    assert_non_null(strstr(fixture_row(&f, 9), "Find: bETA"));
    assert_int_equal(f.frame.cursor_row, 9);
    assert_int_equal(f.frame.cursor_column, 10);
    (void)fixture_row(&f, 0);
    assert_int_equal(editor_frame_cell(&f.frame, 0, 6)->style, EDITOR_MATCH_HERE);
    assert_int_equal(editor_frame_cell(&f.frame, 0, 9)->style, EDITOR_MATCH_HERE);
    assert_int_equal(editor_frame_cell(&f.frame, 1, 3)->style, EDITOR_MATCH);
    assert_int_equal(editor_frame_cell(&f.frame, 1, 4)->style, EDITOR_PLAIN);
    fixture_act(&f, EDITOR_ENTER);
    fixture_act(&f, EDITOR_FIND_NEXT);
    assert_int_equal(f.editor.cursor, 11);
    fixture_act(&f, EDITOR_FIND_NEXT);
    assert_int_equal(f.editor.cursor, 22);
    fixture_act(&f, EDITOR_FIND_NEXT);
    assert_int_equal(f.editor.cursor, 6);
    assert_non_null(strstr(fixture_row(&f, 9), "On from the beginning"));
    fixture_act(&f, EDITOR_FIND_PREVIOUS);
    assert_int_equal(f.editor.cursor, 22);
    assert_true(fixture_has_style(&f, 1, EDITOR_MATCH));
    fixture_act(&f, EDITOR_CANCEL);
    assert_false(fixture_has_style(&f, 1, EDITOR_MATCH));
    fixture_end(&f);
}

static void giving_up_goes_back(void **state)
{
    (void)state;
    begin("0\n1\n2\n3\n4\n5\n6\n7\n8\nneedle", 6, 60);
    times(EDITOR_DOWN, 1);
    fixture_act(&f, EDITOR_FIND);
    fixture_type(&f, "needle");
    assert_int_equal(f.editor.cursor, 18);
    fixture_type(&f, "s");
    assert_non_null(strstr(fixture_row(&f, 5), "It is not there."));
    assert_int_equal(f.editor.cursor, 2);
    fixture_act(&f, EDITOR_BACKSPACE);
    assert_int_equal(f.editor.cursor, 18);
    fixture_act(&f, EDITOR_CANCEL);
    assert_int_equal(f.editor.cursor, 2);
    fixture_shows(&f, 0, "0");
    fixture_end(&f);
}

static void what_was_found_last_is_offered_again(void **state)
{
    (void)state;
    begin("ab ab cd", 8, 60);
    fixture_act(&f, EDITOR_FIND);
    fixture_type(&f, "ab");
    fixture_act(&f, EDITOR_ENTER);
    fixture_act(&f, EDITOR_FIND);
    fixture_act(&f, EDITOR_ENTER);
    assert_int_equal(f.editor.cursor, 3);
    fixture_act(&f, EDITOR_FIND);
    fixture_type(&f, "c"); /* replaces it */
    assert_int_equal(f.editor.cursor, 6);
    fixture_end(&f);
}

static void only_whole_characters_are_found(void **state)
{
    (void)state;
    begin("e" ACUTE " " AE " e", 8, 60);
    fixture_act(&f, EDITOR_FIND);
    fixture_type(&f, "e");
    assert_int_equal(f.editor.cursor, f.size - 1);
    fixture_act(&f, EDITOR_CANCEL);
    fixture_act(&f, EDITOR_FIND);
    fixture_type(&f, "\xC3\x86"); /* the capital */
    assert_int_equal(f.editor.cursor, 4);
    fixture_end(&f);
}

static void the_screen_is_drawn_from_above_also_inside_a_match(void **state)
{
    (void)state;
    begin("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 5, 11); /* three rows of ten */
    fixture_act(&f, EDITOR_FIND);
    fixture_type(&f, "aaaaaaaa");
    fixture_act(&f, EDITOR_ENTER);
    fixture_act(&f, EDITOR_TEXT_END);
    assert_true(f.editor.top > 0);
    assert_true(fixture_has_style(&f, 0, EDITOR_MATCH));
    fixture_end(&f);
}

/* ---- Around the text ------------------------------------------------------------------------- */

static void the_status_says_what_is_known(void **state)
{
    (void)state;
    begin("\n  Prefers to be called\nbefore nine", 10, 60);
    assert_non_null(strstr(fixture_row(&f, 8), " Prefers to be called"));
    assert_non_null(strstr(fixture_row(&f, 8), "saved"));
    f.editor.waiting = 12;
    assert_non_null(strstr(fixture_row(&f, 8), "sending"));
    f.editor.line = EDITOR_OFFLINE;
    assert_non_null(strstr(fixture_row(&f, 8), "offline, 12 waiting"));
    f.editor.waiting = 0;
    assert_null(strstr(fixture_row(&f, 8), "waiting"));
    f.editor.line = EDITOR_ENDED;
    assert_non_null(strstr(fixture_row(&f, 8), "not editable"));
    fixture_end(&f);
    begin("", 10, 60);
    assert_non_null(strstr(fixture_row(&f, 8), "Empty note"));
    fixture_end(&f);
}

static void every_size_of_screen_is_drawn(void **state)
{
    (void)state;
    struct editor_person people[2] = {person("a rather long name indeed", 1, 5),
                                      person("eva", 2, 9)};
    people[1].typing = true;
    for (size_t rows = 1; rows < 9; rows++) {
        for (size_t columns = 1; columns < 100; columns += columns < 24 ? 1 : 9) {
            begin("Some words and\ta \033 " HAN HAN "\n" THUMB " more of them\n", rows, columns);
            editor_people(&f.editor, people, 2);
            f.editor.line = EDITOR_OFFLINE;
            f.editor.waiting = 123456789;
            for (int action = EDITOR_LEFT; action <= EDITOR_QUIT; action++) {
                fixture_act(&f, (enum editor_action)action);
                fixture_type(&f, "x" HAN);
                (void)fixture_row(&f, rows - 1);
                assert_true(f.frame.cursor_row < rows && f.frame.cursor_column < columns);
            }
            fixture_end(&f);
        }
    }
}

static void ten_columns_are_enough(void **state)
{
    (void)state;
    begin("Prefers to be called", 4, 10);
    f.editor.line = EDITOR_OFFLINE;
    f.editor.waiting = 9;
    fixture_shows(&f, 0, "Prefers");
    fixture_shows(&f, 1, "to be");
    fixture_shows(&f, 2, "offline 9");
    fixture_shows(&f, 3, "^Q Quit");
    fixture_end(&f);
}

static void resizing_keeps_the_cursor_in_sight(void **state)
{
    (void)state;
    begin("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14", 20, 80);
    times(EDITOR_DOWN, 12);
    editor_frame_release(&f.frame);
    editor_frame_init(&f.frame, 5, 12);
    editor_resize(&f.editor, 5, 12);
    (void)fixture_row(&f, 0);
    fixture_shows(&f, f.frame.cursor_row, "12");
    fixture_end(&f);
}

static void help_is_a_page_that_any_key_closes(void **state)
{
    (void)state;
    begin("text", 20, 60);
    fixture_act(&f, EDITOR_HELP);
    assert_non_null(strstr(fixture_row(&f, 0), "Ctrl-Q"));
    fixture_act(&f, EDITOR_DELETE);
    fixture_shows(&f, 0, "text");
    fixture_act(&f, EDITOR_SAVE);
    assert_non_null(strstr(fixture_row(&f, 19), "Saved as you type"));
    assert_false(f.editor.quit);
    fixture_act(&f, EDITOR_QUIT);
    assert_true(f.editor.quit);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_broken_between_words),
        cmocka_unit_test(white_space_hangs_at_the_end_of_a_full_row),
        cmocka_unit_test(what_fits_no_row_is_broken_anywhere),
        cmocka_unit_test(wide_characters_take_two_columns_and_break_anywhere),
        cmocka_unit_test(marks_belong_to_their_character),
        cmocka_unit_test(emoji_are_where_their_columns_are),
        cmocka_unit_test(tabs_reach_to_the_next_stop),
        cmocka_unit_test(what_a_terminal_would_obey_is_shown_by_a_code),
        cmocka_unit_test(up_and_down_keep_the_column),
        cmocka_unit_test(up_and_down_go_by_rows_of_the_screen),
        cmocka_unit_test(words_are_letters_and_digits_of_any_language),
        cmocka_unit_test(pages_overlap_by_a_row),
        cmocka_unit_test(the_screen_scrolls_a_row_at_a_time_and_jumps_far),
        cmocka_unit_test(typing_goes_in_front_of_the_cursor),
        cmocka_unit_test(each_way_to_delete),
        cmocka_unit_test(what_is_refused_changes_nothing_and_is_said),
        cmocka_unit_test(what_may_only_be_read_is_not_tried_to_change),
        cmocka_unit_test(undo_goes_to_where_it_was),
        cmocka_unit_test(the_cursor_stays_in_its_text),
        cmocka_unit_test(a_mark_put_behind_it_takes_it_to_the_beginning_of_the_character),
        cmocka_unit_test(its_row_stays_on_the_screen_where_it_was),
        cmocka_unit_test(what_has_room_is_all_in_sight),
        cmocka_unit_test(cursors_of_others_are_shown_with_their_names),
        cmocka_unit_test(a_person_keeps_the_colour),
        cmocka_unit_test(more_people_than_there_is_room_for),
        cmocka_unit_test(what_others_select_is_marked),
        cmocka_unit_test(finding_goes_there_as_it_is_typed),
        cmocka_unit_test(giving_up_goes_back),
        cmocka_unit_test(what_was_found_last_is_offered_again),
        cmocka_unit_test(only_whole_characters_are_found),
        cmocka_unit_test(the_screen_is_drawn_from_above_also_inside_a_match),
        cmocka_unit_test(the_status_says_what_is_known),
        cmocka_unit_test(every_size_of_screen_is_drawn),
        cmocka_unit_test(ten_columns_are_enough),
        cmocka_unit_test(resizing_keeps_the_cursor_in_sight),
        cmocka_unit_test(help_is_a_page_that_any_key_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* An editor on a text in memory, and what it shows as lines of text. */
#ifndef TANDEM_TESTS_CLI_EDITOR_FIXTURE_H
#define TANDEM_TESTS_CLI_EDITOR_FIXTURE_H

#include "prelude.h"

#include "cli/editor/editor.h"

#define FIXTURE_TEXT 65536u

struct fixture {
    char text[FIXTURE_TEXT];
    size_t size;
    size_t most; /* what does not fit is refused with TOO_LARGE */
    tandem_code refuse;
    char before[FIXTURE_TEXT]; /* the text before one's last edit, for one undo */
    size_t before_size;
    size_t edit_from, edit_removed, edit_inserted; /* that edit */
    bool can_undo;
    struct editor editor;
    struct editor_frame frame;
    char shown[16384]; /* one row of the frame */
};

/* A screen of so many rows and columns; the cursor is at the beginning. */
void fixture_begin(struct fixture *fixture, const char *text, size_t rows, size_t columns);
void fixture_end(struct fixture *fixture);
void fixture_act(struct fixture *fixture, enum editor_action action);
void fixture_type(struct fixture *fixture, const char *text);
/* Somebody else replaces [from, from + removed). */
void fixture_other(struct fixture *fixture, size_t from, size_t removed, const char *text);
/* Draws; a row of the screen without the blanks at its end. */
const char *fixture_row(struct fixture *fixture, size_t row);
void fixture_shows(struct fixture *fixture, size_t row, const char *text);
/* Whether a cell of the row has the style. */
bool fixture_has_style(struct fixture *fixture, size_t row, enum editor_style style);
/* Draws; where the cursor is shown. */
void fixture_cursor_at(struct fixture *fixture, size_t row, size_t column);

#endif

/* What the terminal is to show: rows of cells, and where its cursor goes.
 *
 * A cell holds what is written in one go: a character with its marks, or one sign of a code. A
 * wide one takes its column and the next, whose cell is empty with a width of 0.
 */
#ifndef TANDEM_CLI_EDITOR_FRAME_H
#define TANDEM_CLI_EDITOR_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/editor/editor_char.h"

#define EDITOR_COLOURS 6u /* of people */
#define EDITOR_ROWS 1000u
#define EDITOR_COLUMNS 1000u

enum editor_style {
    EDITOR_PLAIN,
    EDITOR_CODED,      /* a code in place of a character */
    EDITOR_MATCH,      /* of the search */
    EDITOR_MATCH_HERE, /* the one the cursor is at */
    EDITOR_SELECTED,   /* by a person */
    EDITOR_CURSOR,     /* a person's */
    EDITOR_LABEL,      /* a person's name */
    EDITOR_STATUS,
    EDITOR_STATUS_PERSON,
    EDITOR_STATUS_ALERT,
    EDITOR_BAR /* help, questions, messages */
};

struct editor_cell {
    char text[EDITOR_SHOWN]; /* "" for the second column of a wide one */
    unsigned char width;
    unsigned char style;
    unsigned char colour; /* of the person, for the styles that have one */
};

struct editor_frame {
    size_t rows, columns;
    struct editor_cell *cells; /* rows * columns */
    size_t cursor_row, cursor_column;
};

struct editor_place {
    size_t row, column;
    size_t end; /* columns from here on are not written */
};

/* NULL cells when out of memory. Sizes are cut to the limits above. */
void editor_frame_init(struct editor_frame *frame, size_t rows, size_t columns);
void editor_frame_release(struct editor_frame *frame);
/* Blank and plain. */
void editor_frame_clear(struct editor_frame *frame);
struct editor_cell *editor_frame_cell(const struct editor_frame *frame, size_t row, size_t column);
/* Writes one character at the place and moves it on; a tab becomes blanks. Where it does not fit
 * nothing is written, and the place is at its end. */
void editor_frame_put(struct editor_frame *frame, struct editor_place *place, const char *at,
                      const struct editor_char *character, enum editor_style style,
                      unsigned colour);
/* The first line of a text, cut where the place ends, with an ellipsis. It may come from a
 * stranger. */
void editor_frame_text(struct editor_frame *frame, struct editor_place *place, const char *text,
                       size_t size, enum editor_style style, unsigned colour);
/* Columns that takes. */
size_t editor_text_columns(const char *text, size_t size);

#endif

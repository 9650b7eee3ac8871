/* Rows: how lines of text are broken to fit a number of columns.
 *
 * A row ends at a newline, at the end of the text, or where the line is broken: behind white space,
 * beside a wide character, and inside a word only when it fits no row. White space that has no room
 * hangs past the end, so that no row begins with the space that ended the one before.
 *
 * Rows of a line depend on nothing in front of the line, and nothing is kept: rows are found by
 * walking from the beginning of the line.
 */
#ifndef TANDEM_CLI_EDITOR_WRAP_H
#define TANDEM_CLI_EDITOR_WRAP_H

#include <stdbool.h>
#include <stddef.h>

struct editor_view {
    const char *text;
    size_t size;
    size_t columns; /* to fill; at least 1 */
};

struct editor_row {
    size_t from, to; /* what it shows */
    size_t next;     /* where the next begins: `to`, or behind the newline */
    bool broken;     /* the line goes on in the next */
    bool last;       /* of the text */
};

/* The row that begins at `from`, where one does. */
struct editor_row editor_row_read(const struct editor_view *view, size_t from);
/* The row that a cursor at `at` is in: of two that meet there the second. */
struct editor_row editor_row_of(const struct editor_view *view, size_t at);
/* The row `count` rows above the one that begins at `from`, or the first of the text. */
struct editor_row editor_row_above(const struct editor_view *view, size_t from, size_t count);
/* The column a cursor at `at` within the row is shown in, at most `columns`. */
size_t editor_row_column(const struct editor_view *view, const struct editor_row *row, size_t at);
/* The place in the row that is nearest to the column from the left. */
size_t editor_row_at(const struct editor_view *view, const struct editor_row *row, size_t column);
/* The last place in the row that a cursor can have. */
size_t editor_row_end(const struct editor_view *view, const struct editor_row *row);

size_t editor_line_start(const struct editor_view *view, size_t at);
size_t editor_line_end(const struct editor_view *view, size_t at);

#endif

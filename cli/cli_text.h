/* Text for people: growing strings, columns on a screen, tables.
 *
 * What is printed may come from a stranger. Control characters could move the cursor or rename
 * the window, so text_put() and tables show them as a middle dot.
 */
#ifndef TANDEM_CLI_TEXT_H
#define TANDEM_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/bytes.h"

bool text_is_utf8(const char *text, size_t size);
/* Reads one code point; returns its bytes, or 0 when the UTF-8 is broken (size > 0). */
size_t text_decode(const char *text, size_t size, uint32_t *out);
/* Columns the text takes on a terminal. Broken bytes count as one each. */
size_t text_width(const char *text);
/* Writes at most `columns` columns of the first line of `text` (0: all of it, all lines), with an
 * ellipsis when cut; returns the columns written. */
size_t text_put(FILE *out, const char *text, size_t columns);
/* Writes all lines of `text`, each on a line of its own behind `margin`. */
void text_put_lines(FILE *out, const char *text, const char *margin);
/* Appends the first line of `text` between quotes, at most `columns` columns of it. Where that is
 * not all it ends in an ellipsis, and how much was left out follows: "one..." (2 more lines).
 * Whether it was all. */
bool text_add_short(struct buffer *out, const char *text, size_t columns, const char *quote);

void text_add(struct buffer *buffer, const char *text);
void text_addf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The buffer as a string (it keeps owning it); NULL when out of memory. */
const char *text_of(struct buffer *buffer);
/* A copy to free with memory_free(); NULL when out of memory. */
char *text_copy(const char *text);
/* Equal but for the case of ASCII letters: for sign-in names, ids and words of commands. */
bool text_same(const char *a, const char *b);
/* Equal but for the case of letters: for values of records. */
bool text_alike(const char *a, const char *b);
/* Letters to change, add or leave out to make one word of the other (Levenshtein), regardless of
 * the case of ASCII letters. Of `b` the first `b_length` bytes; SIZE_MAX when either is too long to
 * be a mistyped word. */
size_t text_distance(const char *a, const char *b, size_t b_length);

/* Lists are separated by commas; "\," is a comma within a part. */
bool text_has_separator(const char *list);
/* The part at *at, without blanks around it, and *at moved behind its comma. To free with
 * memory_free(); NULL when out of memory. */
char *text_next_part(const char **at);

/* "2026-03-01 09:30" in local time. */
const char *text_local_time(int64_t ms, char out[32]);
/* "09:31:02" in local time. */
const char *text_local_clock(int64_t ms, char out[16]);

/* "12,300". */
const char *text_number(uint64_t number, char out[32]);
/* "80 KiB", "77.6 GiB". */
const char *text_bytes(uint64_t bytes, char out[32]);
/* "12 s", "5 min", "3 h 12 min", "40 d 3 h". */
const char *text_span(uint64_t ms, char out[32]);

/* ---- Tables -------------------------------------------------------------------------------- */

struct table {
    size_t columns;
    size_t rows;
    size_t capacity;
    char **cells; /* rows x columns, owned */
    bool failed;  /* out of memory */
};

void table_init(struct table *table, size_t columns);
void table_release(struct table *table);
/* Appends a row; `cells` may hold NULL for nothing. */
void table_row(struct table *table, const char *const *cells);
/* Prints with the first row as headings. Columns in which every row is empty are left out; those
 * that do not fit into `width` columns are left out from the right, and the last shown is cut. 0:
 * no limit. */
void table_print(const struct table *table, FILE *out, size_t width);
/* Columns of the terminal, 0 when `out` is none. */
size_t text_terminal_width(FILE *out);

#endif

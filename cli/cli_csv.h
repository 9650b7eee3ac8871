/* Reading CSV files strictly, with line numbers, and writing their cells.
 *
 * The file is read one physical line at a time: each is checked to be in the encoding it is said
 * to be in, and fed to libcsv in strict mode. A row knows the line on which it begins, also when
 * its cells hold line breaks. Broken quoting or encoding ends the reading, because everything
 * behind it would be guesswork; what rows mean is not this module's business.
 */
#ifndef TANDEM_CLI_CSV_H
#define TANDEM_CLI_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CSV_MOST_CELLS 1000u      /* more columns than any export has */
#define CSV_ROW_BYTES 1048576u    /* a row that would not fit into a message anyway */

struct csv_form {
    char delimiter;
    bool latin1; /* else UTF-8, with or without a byte order mark */
};

struct csv_row {
    unsigned long line; /* on which it begins, the first being 1 */
    const char *const *cells; /* NUL-terminated UTF-8, valid until the callback returns */
    size_t count;
};

struct csv_problem {
    unsigned long line;
    char text[200];
};

/* Returns false to end the reading. */
typedef bool csv_row_fn(void *context, const struct csv_row *row);

/* Reads from the file's current position to its end. False when the file is broken, with the line
 * and what is wrong; also when out of memory. A callback that ends the reading is no problem. Rows
 * before the broken place have been handed over. */
bool csv_read_rows(FILE *file, const struct csv_form *form, csv_row_fn *each, void *context,
                   struct csv_problem *problem);

/* ---- Writing ------------------------------------------------------------------------------- */

/* Writes a cell, quoted where it would otherwise be read back as something else (readers trim
 * blanks around what is not quoted). In front of what a spreadsheet would run as a formula an
 * apostrophe is put: cells that begin with = @ a tab or a carriage return, or with + or - and then
 * hold more than digits, blanks and ( ) - . / do. */
void csv_put_cell(FILE *out, const char *text);
/* The cell without that apostrophe: points into it. */
const char *csv_unguard(const char *cell);

#endif

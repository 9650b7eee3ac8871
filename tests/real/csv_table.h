/* A CSV file as a table of texts, read by libcsv: rows by number, columns by name. */
#ifndef TANDEM_TESTS_REAL_CSV_TABLE_H
#define TANDEM_TESTS_REAL_CSV_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/real/text_list.h"

struct csv_table {
    size_t columns, rows; /* rows without the header */
    struct text_list cells;
};

/* False after saying why. */
bool csv_table_read(struct csv_table *table, const char *path);
void csv_table_release(struct csv_table *table);
/* Ends the test when there is no such column or row. */
const char *csv_table_cell(const struct csv_table *table, size_t row, const char *column);
/* The row whose column has the value. Ends the test when there is none. */
size_t csv_table_find(const struct csv_table *table, const char *column, const char *value);

#endif

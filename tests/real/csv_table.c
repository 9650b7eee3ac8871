#include "tests/real/csv_table.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/scratch.h"

struct reading {
    struct csv_table *table;
    size_t in_row, rows;
    bool uneven;
};

static void on_cell(void *data, size_t size, void *context)
{
    struct reading *reading = context;
    text_list_addf(&reading->table->cells, "%.*s", (int)size, (const char *)data);
    reading->in_row++;
}

static void on_row(int end, void *context)
{
    struct reading *reading = context;
    (void)end;
    if (reading->rows++ == 0) {
        reading->table->columns = reading->in_row;
    }
    reading->uneven = reading->uneven || reading->in_row != reading->table->columns;
    reading->in_row = 0;
}

bool csv_table_read(struct csv_table *table, const char *path)
{
    struct csv_parser parser;
    size_t size = 0;
    *table = (struct csv_table){.rows = 0};
    struct reading reading = {.table = table};
    char *text = scratch_read(path, &size);
    const char *begin = text;
    if (text == NULL) {
        return false;
    }
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        begin += 3;
        size -= 3;
    }
    bool good = csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0;
    good = good && csv_parse(&parser, begin, size, on_cell, on_row, &reading) == size &&
           csv_fini(&parser, on_cell, on_row, &reading) == 0 && !reading.uneven && reading.rows > 0;
    csv_free(&parser);
    free(text);
    table->rows = good ? reading.rows - 1 : 0;
    if (!good) {
        (void)fprintf(stderr, "%s: no table\n", path);
    }
    return good;
}

void csv_table_release(struct csv_table *table)
{
    text_list_release(&table->cells);
    *table = (struct csv_table){.rows = 0};
}

const char *csv_table_cell(const struct csv_table *table, size_t row, const char *column)
{
    for (size_t i = 0; i < table->columns && row < table->rows; i++) {
        if (strcmp(table->cells.items[i], column) == 0) {
            return table->cells.items[(row + 1) * table->columns + i];
        }
    }
    (void)fprintf(stderr, "no column %s in row %zu\n", column, row);
    abort();
}

size_t csv_table_find(const struct csv_table *table, const char *column, const char *value)
{
    for (size_t row = 0; row < table->rows; row++) {
        if (strcmp(csv_table_cell(table, row, column), value) == 0) {
            return row;
        }
    }
    (void)fprintf(stderr, "no row with %s %s\n", column, value);
    abort();
}

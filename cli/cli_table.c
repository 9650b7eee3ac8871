/* Aligned tables (declared in cli_text.h). */
#include <stdlib.h>
#include <string.h>

#include "cli/cli_text.h"
#include "protocol/memory.h"

#define GAP 2u
/* A column is not cut below this; it is left out instead. */
#define NARROWEST 8u
/* A single long value does not push everything else off the screen. */
#define WIDEST 48u

void table_init(struct table *table, size_t columns)
{
    *table = (struct table){.columns = columns};
}

void table_release(struct table *table)
{
    for (size_t i = 0; i < table->rows * table->columns; i++) {
        memory_free(table->cells[i]);
    }
    memory_free(table->cells);
    *table = (struct table){0};
}

void table_row(struct table *table, const char *const *cells)
{
    if (table->failed) {
        return;
    }
    if (table->rows == table->capacity) {
        size_t capacity = table->capacity == 0 ? 32 : table->capacity * 2;
        char **grown = memory_resize(table->cells, capacity * table->columns * sizeof *grown);
        if (grown == NULL) {
            table->failed = true;
            return;
        }
        table->cells = grown;
        table->capacity = capacity;
    }
    char **row = &table->cells[table->rows * table->columns];
    for (size_t i = 0; i < table->columns; i++) {
        row[i] = text_copy(cells[i] == NULL ? "" : cells[i]);
        table->failed = table->failed || row[i] == NULL;
    }
    table->rows++;
}

static const char *cell(const struct table *table, size_t row, size_t column)
{
    return table->cells[row * table->columns + column];
}

/* Width of the first line, which is all that a cell shows. */
static size_t cell_width(const char *text)
{
    const char *end = strchr(text, '\n');
    if (end == NULL) {
        return text_width(text);
    }
    size_t width = 0;
    char *line = memory_copy(text, (size_t)(end - text));
    if (line != NULL) {
        width = text_width(line) + 1;
        memory_free(line);
    }
    return width;
}

/* 0 for a column without values. */
static size_t column_width(const struct table *table, size_t column)
{
    size_t widest = 0;
    for (size_t row = 1; row < table->rows; row++) {
        size_t width = cell_width(cell(table, row, column));
        widest = width > widest ? width : widest;
    }
    if (widest == 0) {
        return 0;
    }
    size_t heading = text_width(cell(table, 0, column));
    widest = heading > widest ? heading : widest;
    return widest;
}

/* Decides the columns' widths for a screen; 0 leaves one out. */
static void fit(const struct table *table, size_t screen, size_t *widths)
{
    size_t used = 0;
    for (size_t i = 0; i < table->columns; i++) {
        widths[i] = column_width(table, i);
        if (screen == 0 || widths[i] == 0) {
            continue;
        }
        size_t gap = used == 0 ? 0 : GAP;
        widths[i] = widths[i] > WIDEST ? WIDEST : widths[i];
        if (used + gap + widths[i] > screen) {
            size_t left = screen > used + gap ? screen - used - gap : 0;
            widths[i] = left >= NARROWEST ? left : 0;
        }
        used += widths[i] == 0 ? 0 : gap + widths[i];
    }
}

void table_print(const struct table *table, FILE *out, size_t width)
{
    size_t *widths = memory_new(table->columns * sizeof *widths);
    if (widths == NULL || table->failed) {
        memory_free(widths);
        return;
    }
    fit(table, width, widths);
    for (size_t row = 0; row < table->rows; row++) {
        size_t owed = 0;
        for (size_t i = 0; i < table->columns; i++) {
            if (widths[i] == 0) {
                continue;
            }
            size_t put = 0;
            if (cell(table, row, i)[0] != '\0') {
                (void)fprintf(out, "%*s", (int)owed, "");
                owed = 0;
                put = text_put(out, cell(table, row, i), widths[i]);
            }
            owed += (widths[i] > put ? widths[i] - put : 0) + GAP;
        }
        (void)fputc('\n', out);
    }
    memory_free(widths);
}

/* A CSV file, read and written: the first byte says how it is divided and encoded. What was read is
 * written as our own export would, and must come back cell by cell. */
#include "fuzz.h"

#include <string.h>

#include "cli/cli_csv.h"
#include "protocol/bytes.h"
#include "protocol/wire.h"

/* Rows as text: the cells one after another, each with its NUL, and then how many there were. Rows
 * that we write begin with an id, as all that we export do, so that none is blank. */
struct rows {
    struct buffer cells;
    unsigned long line;
    FILE *out;    /* NULL: only remember */
    bool unguard; /* it is what we wrote */
};

static bool take(void *context, const struct csv_row *row)
{
    struct rows *rows = context;
    char count[32];
    MUST(row->count > rows->unguard && row->count <= CSV_MOST_CELLS);
    MUST(row->line >= rows->line);
    rows->line = row->line;
    if (rows->out != NULL)
        fputs("id", rows->out);
    for (size_t i = rows->unguard; i < row->count; i++) {
        const char *cell = rows->unguard ? csv_unguard(row->cells[i]) : row->cells[i];
        MUST(wire_utf8_valid(bytes_text(cell)));
        buffer_append(&rows->cells, cell, strlen(cell) + 1);
        if (rows->out != NULL) {
            fputc(',', rows->out);
            csv_put_cell(rows->out, cell);
        }
    }
    buffer_append(&rows->cells, count,
                  (size_t)snprintf(count, sizeof count, "%zu", row->count - rows->unguard));
    if (rows->out != NULL)
        fputc('\n', rows->out);
    return true;
}

static bool read_rows(const void *data, size_t size, const struct csv_form *form, struct rows *rows)
{
    struct csv_problem problem = {0};
    FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
    MUST(file != NULL);
    const bool read = csv_read_rows(file, form, take, rows, &problem);
    fclose(file);
    MUST(read || (problem.text[0] != '\0' && strlen(problem.text) < sizeof problem.text));
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = ",;\t|";
    if (size < 2)
        return 0;
    const struct csv_form form = {delimiters[data[0] % 4], data[0] & 4};
    const struct csv_form ours = {',', false};
    struct rows first = {0}, second = {.unguard = true};
    char *written = NULL;
    size_t written_size = 0;
    first.out = open_memstream(&written, &written_size);
    MUST(first.out != NULL);
    const bool read = read_rows(data + 1, size - 1, &form, &first);
    fclose(first.out);
    if (read && written_size > 0) {
        MUST(read_rows(written, written_size, &ours, &second));
        MUST(bytes_equal(buffer_bytes(&first.cells), buffer_bytes(&second.cells)));
    }
    free(written);
    buffer_release(&first.cells);
    buffer_release(&second.cells);
    return 0;
}

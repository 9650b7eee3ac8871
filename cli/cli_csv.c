#include "cli/cli_csv.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_text.h"
#include "protocol/memory.h"

struct reader {
    const struct csv_form *form;
    csv_row_fn *each;
    void *context;
    struct csv_problem *problem;
    struct buffer text;             /* cells of the row, each with its NUL */
    size_t starts[CSV_MOST_CELLS];
    size_t count;
    unsigned long line;             /* being read */
    unsigned long row_line;         /* on which the row began */
    bool in_row;
    bool failed, ended;
};

static bool fail(struct reader *reader, unsigned long line, const char *text)
{
    if (!reader->failed) {
        reader->failed = true;
        reader->problem->line = line;
        (void)snprintf(reader->problem->text, sizeof reader->problem->text, "%s", text);
    }
    return false;
}

static void on_cell(void *text, size_t size, void *context)
{
    struct reader *reader = context;
    if (reader->failed || reader->ended) {
        return;
    }
    if (reader->count == CSV_MOST_CELLS || reader->text.size + size > CSV_ROW_BYTES) {
        (void)fail(reader, reader->row_line,
                   reader->count == CSV_MOST_CELLS ? "the row has more than 1,000 cells"
                                                   : "the row is longer than 1 MiB");
        return;
    }
    reader->starts[reader->count++] = reader->text.size;
    buffer_append(&reader->text, text, size);
    buffer_append_byte(&reader->text, 0);
}

static void on_row(int end, void *context)
{
    struct reader *reader = context;
    const char *cells[CSV_MOST_CELLS];
    (void)end;
    if (reader->text.failed) {
        (void)fail(reader, reader->row_line, "out of memory");
    }
    if (!reader->failed && !reader->ended && reader->count > 0) {
        for (size_t i = 0; i < reader->count; i++) {
            cells[i] = (const char *)reader->text.data + reader->starts[i];
        }
        struct csv_row row = {reader->row_line, cells, reader->count};
        reader->ended = !reader->each(reader->context, &row);
    }
    buffer_clear(&reader->text);
    reader->count = 0;
    reader->in_row = false;
}

/* Every byte of ISO 8859-1 is the code point of the same number. */
static void to_utf8(const char *line, size_t size, struct buffer *out)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)line[i];
        if (byte < 0x80) {
            buffer_append_byte(out, byte);
        } else {
            buffer_append_byte(out, (uint8_t)(0xC0 | byte >> 6));
            buffer_append_byte(out, (uint8_t)(0x80 | (byte & 0x3F)));
        }
    }
}

static bool check_line(struct reader *reader, const char *line, size_t size)
{
    if (reader->line == 1 && size >= 2 &&
        (memcmp(line, "\xFF\xFE", 2) == 0 || memcmp(line, "\xFE\xFF", 2) == 0)) {
        return fail(reader, 1, "the file is UTF-16; save it as UTF-8");
    }
    if (memchr(line, '\0', size) != NULL) {
        return fail(reader, reader->line, "there is a zero byte; this is no CSV file");
    }
    if (!reader->form->latin1 && !text_is_utf8(line, size)) {
        return fail(reader, reader->line,
                    "the text is not UTF-8; if the file is older, try --encoding latin1");
    }
    return true;
}

static bool is_blank(const struct reader *reader, const char *line, size_t size)
{
    const char *blanks = reader->form->delimiter == '\t' ? " \r\n" : " \t\r\n";
    size_t at = 0;
    while (at < size && strchr(blanks, line[at]) != NULL) {
        at++;
    }
    return at == size;
}

static bool feed(struct reader *reader, struct csv_parser *parser, const char *line, size_t size)
{
    if (!reader->in_row && is_blank(reader, line, size)) {
        return true;
    }
    if (!reader->in_row) {
        reader->row_line = reader->line;
        reader->in_row = true;
    }
    if (csv_parse(parser, line, size, on_cell, on_row, reader) != size) {
        return fail(reader, reader->row_line,
                    csv_error(parser) == CSV_EPARSE
                        ? "the quoting is broken in the row that begins here: a quote inside a cell "
                          "is written twice, and only in cells that are quoted"
                        : "out of memory");
    }
    return !reader->failed;
}

static bool take_line(struct reader *reader, struct csv_parser *parser, const char *line,
                      size_t size)
{
    struct buffer converted = {0};
    reader->line++;
    if (!check_line(reader, line, size)) {
        return false;
    }
    if (reader->line == 1 && size >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
        line += 3;
        size -= 3;
    }
    if (!reader->form->latin1) {
        return feed(reader, parser, line, size);
    }
    to_utf8(line, size, &converted);
    bool good = converted.failed ? fail(reader, reader->line, "out of memory")
                                 : feed(reader, parser, (const char *)converted.data,
                                        converted.size);
    buffer_release(&converted);
    return good;
}

static void read_lines(struct reader *reader, struct csv_parser *parser, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0;
    bool good = true;
    while (good && !reader->ended) {
        ssize_t size = getline(&line, &capacity, file);
        if (size < 0) {
            break;
        }
        good = take_line(reader, parser, line, (size_t)size);
    }
    free(line);
    if (good && ferror(file)) {
        good = fail(reader, reader->line + 1, "the file cannot be read");
    }
    if (good && !reader->ended && csv_fini(parser, on_cell, on_row, reader) != 0) {
        (void)fail(reader, reader->row_line,
                   "a quote is opened in the row that begins here and never closed");
    }
}

bool csv_read_rows(FILE *file, const struct csv_form *form, csv_row_fn *each, void *context,
                   struct csv_problem *problem)
{
    struct csv_parser parser;
    struct reader *reader = memory_new(sizeof *reader);
    *problem = (struct csv_problem){.line = 0};
    if (reader == NULL ||
        csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        (void)snprintf(problem->text, sizeof problem->text, "out of memory");
        memory_free(reader);
        return false;
    }
    csv_set_realloc_func(&parser, memory_resize);
    csv_set_free_func(&parser, memory_free);
    csv_set_delim(&parser, (unsigned char)form->delimiter);
    reader->form = form;
    reader->each = each;
    reader->context = context;
    reader->problem = problem;
    read_lines(reader, &parser, file);
    bool good = !reader->failed;
    csv_free(&parser);
    buffer_release(&reader->text);
    memory_free(reader);
    return good;
}

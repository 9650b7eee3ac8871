/* Progress and report of an import (cli_import.h). */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_import.h"
#include "cli/cli_text.h"
#include "protocol/bytes.h"
#include "protocol/memory.h"

#define PROGRESS_ROWS 1000u
#define PROGRESS_ROWS_TERMINAL 100u

static bool grow(struct import *import)
{
    struct import_refusal *refusals =
        memory_grow(import->refusals, import->refused, &import->refusal_capacity, sizeof *refusals);
    if (refusals == NULL) {
        return false;
    }
    import->refusals = refusals;
    return true;
}

static void keep(struct import *import, unsigned long line, const char *column, const char *reason)
{
    char *kept_column = text_copy(column);
    char *kept_reason = text_copy(reason);
    if (kept_column == NULL || kept_reason == NULL || !grow(import)) {
        memory_free(kept_column);
        memory_free(kept_reason);
        if (import->fatal == TANDEM_DONE) {
            import->fatal = cli_no_memory(import->cli);
        }
        return;
    }
    import->refusals[import->refused++] =
        (struct import_refusal){.line = line, .column = kept_column, .reason = kept_reason};
}

void import_release_refusals(struct import *import)
{
    for (size_t i = 0; i < import->refused; i++) {
        memory_free(import->refusals[i].column);
        memory_free(import->refusals[i].reason);
    }
    memory_free(import->refusals);
    import->refusals = NULL;
    import->refusal_capacity = 0;
    import->refused = 0;
}

void import_refuse(struct import *import, unsigned long line, const char *column,
                   const char *format, ...)
{
    char reason[512];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    keep(import, line, column, reason);
}

const char *import_column(const struct import *import, const char *field)
{
    for (size_t i = 0; i < import->map.count && field[0] != '\0'; i++) {
        if (strcmp(import->map.entries[i].field, field) == 0 &&
            import->map.entries[i].source != MAP_CONSTANT) {
            return import->map.entries[i].column;
        }
    }
    return field;
}

void import_refuse_fault(struct import *import, unsigned long line, const tandem_fault *fault)
{
    const char *text = tandem_error_text(fault->code);
    const char *detail = cli_fault_detail(fault);
    import_refuse(import, line, import_column(import, fault->field), "%s%s%s", text,
                  detail[0] == '\0' ? "" : ": ", detail);
}

void import_progress(struct import *import)
{
    FILE *err = import->cli->err;
    if (import->progress && import->rows % PROGRESS_ROWS == 0) {
        (void)fprintf(err, "%lu of %lu rows\n", import->rows, import->row_total);
    } else if (!import->progress && !import->cli->json &&
               import->rows % PROGRESS_ROWS_TERMINAL == 0 && isatty(fileno(err))) {
        (void)fprintf(err, "\r%lu of %lu rows", import->rows, import->row_total);
        (void)fflush(err);
        import->shows_line = true;
    }
}

/* Whether what came in waits in the outbox. */
static bool is_pending(const struct import *import)
{
    return import->cli->local && !import->dry_run && import->created + import->updated > 0;
}

/* ---- What a dry run cannot find ---- */

/* The next field, from *at on, of which the server lets no two records have the same value; NULL
 * when there is no more. It may be taken by a record that this user does not see. */
static const char *next_unique(const struct import *import, size_t *at)
{
    tandem_field_info info;
    while (*at < import->target_count) {
        const char *name = import->targets[(*at)++].facts.name;
        if (tandem_field_find(import->entity, name, &info) && info.unique) {
            return name;
        }
    }
    return NULL;
}

static json_t *unchecked_object(const struct import *import)
{
    json_t *unique = json_array();
    size_t at = 0;
    for (const char *name; (name = next_unique(import, &at)) != NULL;) {
        (void)json_array_append_new(unique, json_string(name));
    }
    return json_pack("{s:b, s:o}", "access", 1, "unique", unique);
}

static void report_unchecked(const struct import *import)
{
    struct buffer text = {0};
    size_t at = 0;
    for (const char *name; (name = next_unique(import, &at)) != NULL;) {
        text_addf(&text, "%s%s", text.size == 0 ? ", and whether each " : " and ", name);
    }
    text_add(&text, text.size == 0 ? "" : " is still free");
    const char *unique = text_of(&text);
    (void)fprintf(
        import->cli->out,
        "  Only the server knows, and a dry run does not ask it: whether you may change each "
        "record%s.\n",
        unique == NULL ? "" : unique);
    buffer_release(&text);
}

/* ---- What the file has beside ---- */

static const char *const report_columns[] = {"line", "column", "reason"};
#define REPORT_COLUMNS (sizeof report_columns / sizeof report_columns[0])

/* The file may be the report of an import before: its own columns are not kept twice. */
static size_t count_report_columns(const struct import *import)
{
    for (size_t i = 0; i < REPORT_COLUMNS; i++) {
        if (i >= import->header_count || strcmp(import->header[i], report_columns[i]) != 0) {
            return 0;
        }
    }
    return REPORT_COLUMNS;
}

/* The next column, from *at on, that nothing is made of; NULL when there is no more. */
static const char *next_left_out(const struct import *import, size_t *at)
{
    const char *const *header = (const char *const *)import->header;
    while (*at < import->header_count) {
        size_t column = (*at)++;
        bool is_key = strcmp(import->key_field, "id") == 0 && import->key_column == (int)column;
        if (!is_key && column >= count_report_columns(import) &&
            !map_uses(&import->map, header, import->header_count, column)) {
            return header[column];
        }
    }
    return NULL;
}

static json_t *left_out_array(const struct import *import)
{
    json_t *columns = json_array();
    size_t at = 0;
    for (const char *name; (name = next_left_out(import, &at)) != NULL;) {
        (void)json_array_append_new(columns, json_string(name));
    }
    return columns;
}

static void report_left_out(const struct import *import)
{
    FILE *out = import->cli->out;
    size_t shown = 0;
    size_t at = 0;
    for (const char *name; (name = next_left_out(import, &at)) != NULL; shown++) {
        if (shown < IMPORT_SHOWN) {
            (void)fputs(shown == 0 ? "  Columns left out: " : ", ", out);
            (void)text_put(out, name, 0);
        }
    }
    if (shown > IMPORT_SHOWN) {
        (void)fprintf(out, " and %zu more", shown - IMPORT_SHOWN);
    }
    (void)fputs(shown == 0 ? "" : ". To take one: --map FIELD=COLUMN\n", out);
}

static void report_object(const struct import *import)
{
    json_t *refusals = json_array();
    for (size_t i = 0; i < import->refused && i < IMPORT_SHOWN; i++) {
        json_t *refusal =
            json_pack("{s:I, s:s, s:s}", "line", (json_int_t)import->refusals[i].line, "column",
                      import->refusals[i].column, "reason", import->refusals[i].reason);
        if (refusal != NULL) {
            (void)json_array_append_new(refusals, refusal);
        }
    }
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:o}", "rows", (json_int_t)import->rows, "created",
        (json_int_t)import->created, "updated", (json_int_t)import->updated, "unchanged",
        (json_int_t)import->unchanged, "refused", (json_int_t)import->refused, "dryRun",
        import->dry_run, "complete", import->fatal == TANDEM_DONE, "refusals", refusals);
    if (is_pending(import)) {
        (void)json_object_set_new(object, "state", json_string("pending"));
    }
    import_put_replaced(import, object);
    (void)json_object_set_new(object, "leftOut", left_out_array(import));
    if (import->dry_run) {
        (void)json_object_set_new(object, "unchecked", unchecked_object(import));
    }
    (void)json_dumpf(object, import->cli->out, JSON_COMPACT);
    (void)fputc('\n', import->cli->out);
    json_decref(object);
}

static void report_refusals(const struct import *import)
{
    FILE *out = import->cli->out;
    for (size_t i = 0; i < import->refused && i < IMPORT_SHOWN; i++) {
        (void)fprintf(out, "  line %lu", import->refusals[i].line);
        if (import->refusals[i].column[0] != '\0') {
            (void)fputs(", ", out);
            (void)text_put(out, import->refusals[i].column, 0);
        }
        (void)fputs(": ", out);
        (void)text_put(out, import->refusals[i].reason, 0);
        (void)fputc('\n', out);
    }
    if (import->refused > IMPORT_SHOWN) {
        (void)fprintf(out, "  and %lu more%s\n", import->refused - IMPORT_SHOWN,
                      import->report == NULL ? "; all of them with --report FILE" : "");
    }
}

static int compare(const void *a, const void *b)
{
    const struct import_refusal *first = a;
    const struct import_refusal *second = b;
    return (first->line > second->line) - (first->line < second->line);
}

/* ---- The report file ------------------------------------------------------------------------- */

/* What a row has beyond its header's columns, in one cell: a report is a table that any program can
 * read, and loses nothing. */
static void write_surplus(const struct import *import, const char *const *cells, size_t from,
                          size_t count)
{
    struct buffer joined = {0};
    for (size_t i = from; i < count; i++) {
        buffer_append(&joined, cells[i], strlen(cells[i]));
        buffer_append_byte(&joined, (uint8_t)(i + 1 < count ? ',' : '\0'));
    }
    csv_put_cell(import->report, joined.failed ? "" : (const char *)joined.data);
    buffer_release(&joined);
}

/* Exactly as many cells as the header has, whatever the row has. */
static void write_cells(const struct import *import, const char *const *cells, size_t count)
{
    for (size_t i = import->report_skip; i < import->header_count; i++) {
        (void)fputc(',', import->report);
        if (i + 1 == import->header_count && count > import->header_count) {
            write_surplus(import, cells, i, count);
        } else {
            csv_put_cell(import->report, i < count ? csv_unguard(cells[i]) : "");
        }
    }
    (void)fputs("\r\n", import->report);
}

static bool write_row(void *context, const struct csv_row *row)
{
    struct import *import = context;
    while (import->reported < import->refused &&
           import->refusals[import->reported].line <= row->line) {
        const struct import_refusal *refusal = &import->refusals[import->reported++];
        (void)fprintf(import->report, "%lu,", refusal->line);
        csv_put_cell(import->report, refusal->column);
        (void)fputc(',', import->report);
        csv_put_cell(import->report, refusal->reason);
        write_cells(import, row->cells, row->count);
    }
    return import->reported < import->refused;
}

void import_write_report(struct import *import, FILE *file)
{
    struct csv_problem problem;
    import->report_skip = count_report_columns(import);
    (void)fputs("line,column,reason", import->report);
    write_cells(import, (const char *const *)import->header, import->header_count);
    rewind(file);
    /* A file that changed meanwhile is told of by the reading before. */
    (void)csv_read_rows(file, &import->form, write_row, import, &problem);
}

void import_report(struct import *import)
{
    if (import->refused > 0) {
        qsort(import->refusals, import->refused, sizeof import->refusals[0], compare);
    }
    if (import->shows_line) {
        (void)fputs("\r\033[K", import->cli->err);
    }
    if (import->cli->json) {
        report_object(import);
        return;
    }
    (void)fprintf(import->cli->out, "%s: %lu created, %lu updated, %lu unchanged, %lu refused%s\n",
                  import->entity, import->created, import->updated, import->unchanged,
                  import->refused,
                  import->dry_run      ? " (dry run: nothing was changed)"
                  : is_pending(import) ? " (pending: tandem outbox)"
                                       : "");
    report_refusals(import);
    report_left_out(import);
    import_report_replaced(import);
    if (import->dry_run) {
        report_unchecked(import);
    }
}

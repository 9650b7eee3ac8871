/* Progress and report of an import (cli_import.h). */
#include <jansson.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_import.h"
#include "cli/cli_text.h"

#define PROGRESS_ROWS 1000u
#define PROGRESS_ROWS_TERMINAL 100u

static void write_cell(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            (void)fputc('"', out);
        }
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static void keep(struct import *import, unsigned long line, const char *column, const char *reason)
{
    if (import->refused < IMPORT_SHOWN) {
        import->shown[import->refused].line = line;
        (void)bytes_to_text(bytes_text(column), import->shown[import->refused].column, MAP_COLUMN);
        (void)bytes_to_text(bytes_text(reason), import->shown[import->refused].reason, 256);
    }
    import->refused++;
    if (import->report != NULL) {
        (void)fprintf(import->report, "%lu,", line);
        write_cell(import->report, column);
        (void)fputc(',', import->report);
        write_cell(import->report, reason);
        (void)fputs("\r\n", import->report);
    }
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
    bool more = fault->detail[0] != '\0' && strcmp(fault->detail, text) != 0;
    import_refuse(import, line, import_column(import, fault->field), "%s%s%s", text,
                  more ? ": " : "", more ? fault->detail : "");
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

static void report_object(const struct import *import)
{
    json_t *refusals = json_array();
    for (size_t i = 0; i < import->refused && i < IMPORT_SHOWN; i++) {
        json_t *refusal = json_pack("{s:I, s:s, s:s}", "line",
                                    (json_int_t)import->shown[i].line, "column",
                                    import->shown[i].column, "reason", import->shown[i].reason);
        if (refusal != NULL) {
            (void)json_array_append_new(refusals, refusal);
        }
    }
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:o}", "rows", (json_int_t)import->rows, "created",
        (json_int_t)import->created, "updated", (json_int_t)import->updated, "unchanged",
        (json_int_t)import->unchanged, "refused", (json_int_t)import->refused, "dryRun",
        import->dry_run, "complete", import->fatal == TANDEM_DONE, "refusals", refusals);
    (void)json_dumpf(object, import->cli->out, JSON_COMPACT);
    (void)fputc('\n', import->cli->out);
    json_decref(object);
}

static void report_refusals(const struct import *import)
{
    FILE *out = import->cli->out;
    for (size_t i = 0; i < import->refused && i < IMPORT_SHOWN; i++) {
        (void)fprintf(out, "  line %lu", import->shown[i].line);
        if (import->shown[i].column[0] != '\0') {
            (void)fputs(", ", out);
            (void)text_put(out, import->shown[i].column, 0);
        }
        (void)fputs(": ", out);
        (void)text_put(out, import->shown[i].reason, 0);
        (void)fputc('\n', out);
    }
    if (import->refused > IMPORT_SHOWN) {
        (void)fprintf(out, "  and %lu more%s\n", import->refused - IMPORT_SHOWN,
                      import->report == NULL ? "; all of them with --report FILE" : "");
    }
}

void import_report(struct import *import)
{
    if (import->shows_line) {
        (void)fputs("\r\033[K", import->cli->err);
    }
    if (import->cli->json) {
        report_object(import);
        return;
    }
    (void)fprintf(import->cli->out, "%s: %lu created, %lu updated, %lu unchanged, %lu refused%s\n",
                  import->entity, import->created, import->updated, import->unchanged,
                  import->refused, import->dry_run ? " (dry run: nothing was changed)" : "");
    report_refusals(import);
}

/* import: options, the two readings of the file, the end (cli_import.h). */
#include "cli/cli_import.h"

#include <errno.h>
#include <string.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

/* ---- Options --------------------------------------------------------------------------------- */

static bool read_form(const struct arguments *arguments, struct import *import, char problem[256])
{
    static const char *const dates[] = {"iso", "us", "eu"};
    const char *delimiter = arguments_value(arguments, "delimiter");
    const char *encoding = arguments_value(arguments, "encoding");
    const char *date_format = arguments_value(arguments, "date-format");
    import->form.delimiter = ',';
    import->values.currency = arguments_value(arguments, "currency");
    if (delimiter != NULL && strcmp(delimiter, "tab") == 0) {
        import->form.delimiter = '\t';
    } else if (delimiter != NULL) {
        import->form.delimiter = delimiter[0];
        if (strlen(delimiter) != 1 || strchr("\"\r\n", delimiter[0]) != NULL) {
            (void)snprintf(problem, 256, "--delimiter is one character, or tab");
            return false;
        }
    }
    import->form.latin1 = encoding != NULL && text_same(encoding, "latin1");
    if (encoding != NULL && !import->form.latin1 && !text_same(encoding, "utf-8")) {
        (void)snprintf(problem, 256, "--encoding is utf-8 or latin1");
        return false;
    }
    for (size_t i = 0; date_format != NULL && i < 3; i++) {
        if (strcmp(date_format, dates[i]) == 0) {
            import->values.dates = (enum value_dates)i;
            return true;
        }
    }
    (void)snprintf(problem, 256, "--date-format is iso, us or eu");
    return date_format == NULL;
}

/* "externalId" or "externalId=CustomerID", which maps it too. */
static bool read_key(const char *key, struct import *import, char problem[256])
{
    const char *equals = key == NULL ? NULL : strchr(key, '=');
    size_t length = key == NULL ? 0 : strcspn(key, "=");
    if (key == NULL) {
        return true;
    }
    if (length == 0 || length >= sizeof import->key_field) {
        (void)snprintf(problem, 256, "--key is FIELD or FIELD=COLUMN");
        return false;
    }
    memcpy(import->key_field, key, length);
    for (size_t i = 0; i < import->map.count; i++) {
        if (strcmp(import->map.entries[i].field, import->key_field) == 0) {
            return true;
        }
    }
    return strcmp(import->key_field, "id") == 0 || equals == NULL ||
           map_add(&import->map, key, problem);
}

static bool read_map(const struct arguments *arguments, struct import *import, char problem[256])
{
    const char *one = NULL;
    for (size_t i = 0; (one = arguments_nth(arguments, "map", i)) != NULL; i++) {
        if (!map_add(&import->map, one, problem)) {
            return false;
        }
    }
    for (size_t i = 0; (one = arguments_nth(arguments, "set", i)) != NULL; i++) {
        if (!map_add_constant(&import->map, one, problem)) {
            return false;
        }
    }
    for (size_t i = 0; (one = arguments_nth(arguments, "lookup", i)) != NULL; i++) {
        if (!map_add_lookup(&import->map, NULL, one, problem)) {
            return false;
        }
    }
    one = arguments_value(arguments, "account-by");
    if (one != NULL && !map_add_lookup(&import->map, "account", one, problem)) {
        return false;
    }
    return read_key(arguments_value(arguments, "key"), import, problem);
}

static enum tandem_failure read_options(struct cli *cli, const struct arguments *arguments,
                                        struct import *import)
{
    char problem[256] = "";
    import->file_name = arguments->positional[0];
    import->entity = arguments_value(arguments, "as");
    import->dry_run = arguments_has(arguments, "dry-run");
    import->clear_empty = arguments_has(arguments, "clear-empty");
    import->progress = arguments_has(arguments, "progress");
    if (import->entity == NULL) {
        return cli_usage(cli, "say what the rows are: --as account, contact, lead, ...");
    }
    if (!read_form(arguments, import, problem) || !read_map(arguments, import, problem)) {
        return cli_usage(cli, "%s", problem);
    }
    return TANDEM_DONE;
}

/* ---- The file -------------------------------------------------------------------------------- */

/* Standard input is kept in a temporary file, because it is read twice. */
static FILE *open_file(struct cli *cli, const char *name)
{
    FILE *file = strcmp(name, "-") == 0 ? tmpfile() : fopen(name, "re");
    if (file == NULL) {
        (void)cli_refuse(cli, TANDEM_REFUSED, "%s cannot be read: %s", name, strerror(errno));
        return NULL;
    }
    if (strcmp(name, "-") != 0) {
        return file;
    }
    char block[65536];
    for (size_t size; (size = fread(block, 1, sizeof block, stdin)) > 0;) {
        if (fwrite(block, 1, size, file) != size) {
            (void)cli_refuse(cli, TANDEM_REFUSED, "no room for what is piped in");
            (void)fclose(file);
            return NULL;
        }
    }
    return file;
}

static bool check_row(void *context, const struct csv_row *row)
{
    struct import *import = context;
    if (import->header != NULL) {
        import->row_total++;
        return true;
    }
    import->header = memory_new(row->count * sizeof *import->header);
    for (size_t i = 0; import->header != NULL && i < row->count; i++) {
        import->header[i] = text_copy(row->cells[i]);
        if (import->header[i] == NULL) {
            return false;
        }
        import->header_count++;
    }
    return import->header != NULL;
}

static enum tandem_failure find_key_column(struct cli *cli, const struct arguments *arguments,
                                           struct import *import)
{
    const char *equals = strchr(arguments_value(arguments, "key"), '=');
    const char *column = equals == NULL ? "id" : equals + 1;
    import->key_column =
        map_column((const char *const *)import->header, import->header_count, column);
    return import->key_column >= 0
               ? TANDEM_DONE
               : cli_refuse(cli, TANDEM_REFUSED, "there is no one column %s in %s", column,
                            import->file_name);
}

/* The first reading. */
static enum tandem_failure check_file(struct cli *cli, const struct arguments *arguments,
                                      struct import *import, FILE *file)
{
    struct csv_problem problem;
    char text[512];
    rewind(file);
    if (!csv_read_rows(file, &import->form, check_row, import, &problem)) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s, line %lu: %s. Nothing was imported.",
                          import->file_name, problem.line, problem.text);
    }
    if (import->header_count == 0) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s is empty: its first row has to name the columns",
                          import->file_name);
    }
    if (!map_resolve(&import->map, (const char *const *)import->header, import->header_count,
                     text)) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s: %s", import->file_name, text);
    }
    return strcmp(import->key_field, "id") == 0 ? find_key_column(cli, arguments, import)
                                                : TANDEM_DONE;
}

/* ---- The run --------------------------------------------------------------------------------- */

static bool has_columns(const struct import *import)
{
    for (size_t i = 0; i < import->map.count; i++) {
        if (import->map.entries[i].source == MAP_COLUMN_VALUE) {
            return true;
        }
    }
    return false;
}

static enum tandem_failure take_tag(struct cli *cli, const char *name, void *context)
{
    struct import *import = context;
    if (import->tag_count == IMPORT_TAGS) {
        return cli_usage(cli, "at most %u audience tags", IMPORT_TAGS);
    }
    return lookup_tag(cli, name, import->tags[import->tag_count++]);
}

/* Needs the connection: what the server calls things, and has. */
static enum tandem_failure prepare(struct cli *cli, const struct arguments *arguments,
                                   struct import *import)
{
    char text[512];
    enum tandem_failure failure = cli_connect(cli, CLI_READS);
    if (failure == TANDEM_DONE && arguments_value(arguments, "map") == NULL &&
        !has_columns(import)) {
        failure = import_map_by_name(import);
    }
    if (failure == TANDEM_DONE &&
        !map_resolve(&import->map, (const char *const *)import->header, import->header_count,
                     text)) {
        failure = cli_refuse(cli, TANDEM_REFUSED, "%s: %s", import->file_name, text);
    }
    const char *audience = arguments_value(arguments, "audience");
    if (failure == TANDEM_DONE && audience != NULL) {
        failure = lookup_each_name(cli, "party", audience, take_tag, import);
    }
    return failure == TANDEM_DONE ? import_plan(import) : failure;
}

static enum tandem_failure open_report(struct cli *cli, const char *name, struct import *import)
{
    import->report = name == NULL ? NULL : fopen(name, "we");
    if (name != NULL && import->report == NULL) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s cannot be written: %s", name, strerror(errno));
    }
    return TANDEM_DONE;
}

/* The second reading. */
static enum tandem_failure send_rows(struct cli *cli, struct import *import, FILE *file)
{
    struct csv_problem problem;
    rewind(file);
    bool whole = csv_read_rows(file, &import->form, import_take_row, import, &problem);
    import_finish_sending(import);
    import_report(import);
    if (import->report != NULL) {
        import_write_report(import, file);
    }
    if (!whole && import->fatal == TANDEM_DONE) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s changed while it was read (line %lu)",
                          import->file_name, problem.line);
    }
    if (import->fatal != TANDEM_DONE) {
        cli_note(cli, "Run the same command again%s.",
                 import->key_field[0] == '\0'
                     ? " with --key, so that rows that are in already are not doubled"
                     : ": rows that are in already are left as they are");
        return import->fatal;
    }
    return import->refused == 0 ? TANDEM_DONE : TANDEM_REFUSED;
}

static void release(struct import *import)
{
    import_release_batches(import);
    import_release_refusals(import);
    import_release_replaced(import);
    for (size_t i = 0; i < import->header_count; i++) {
        memory_free(import->header[i]);
    }
    memory_free(import->header);
    for (size_t i = 0; i < import->target_count; i++) {
        buffer_release(&import->targets[i].text);
        buffer_release(&import->targets[i].normal);
    }
    for (size_t i = 0; i < MAP_MOST; i++) {
        index_release(&import->lookups[i]);
    }
    index_release(&import->known);
    memory_free(import);
}

static enum tandem_failure run(struct cli *cli, const struct arguments *arguments,
                               struct import *import)
{
    enum tandem_failure failure = read_options(cli, arguments, import);
    FILE *file = failure == TANDEM_DONE ? open_file(cli, import->file_name) : NULL;
    if (file == NULL) {
        return failure == TANDEM_DONE ? TANDEM_REFUSED : failure;
    }
    failure = check_file(cli, arguments, import, file);
    if (failure == TANDEM_DONE) {
        failure = prepare(cli, arguments, import);
    }
    if (failure == TANDEM_DONE) {
        failure = open_report(cli, arguments_value(arguments, "report"), import);
    }
    if (failure == TANDEM_DONE) {
        failure = send_rows(cli, import, file);
    }
    if (import->report != NULL && fclose(import->report) != 0 && failure == TANDEM_DONE) {
        failure = cli_refuse(cli, TANDEM_REFUSED, "the report of refused rows is not complete");
    }
    (void)fclose(file);
    return failure;
}

enum tandem_failure command_import(struct cli *cli, const struct arguments *arguments)
{
    struct import *import = memory_new(sizeof *import);
    if (import == NULL) {
        return cli_no_memory(cli);
    }
    import->cli = cli;
    enum tandem_failure failure = run(cli, arguments, import);
    release(import);
    return failure;
}

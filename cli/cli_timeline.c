/* timeline: what happened with an account; history: what happened to a record. */
#include <jansson.h>
#include <string.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_mark.h"
#include "cli/cli_text.h"
#include "protocol/schema.h"

enum { COLUMN_WHEN, COLUMN_STATE, COLUMN_WHAT, COLUMN_BY, COLUMN_TEXT, COLUMN_ID, COLUMNS };

struct timeline {
    struct cli *cli;
    struct table table;
    size_t records;
};

/* When it happened, as the record itself says, else when it was written. */
static const char *when(const tandem_record *record, char out[32])
{
    static const char *const fields[] = {"dateStart", "date"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *text = tandem_record_text(record, fields[i]);
        int64_t ms = 0;
        if (text != NULL && strlen(text) == 10) {
            return text;
        }
        if (text != NULL && schema_time_from_text(bytes_text(text), &ms)) {
            return text_local_time(ms, out);
        }
    }
    return text_local_time(tandem_record_created_at(record), out);
}

static void describe(const tandem_record *record, char out[128])
{
    const char *channel = tandem_record_text(record, "channel");
    const char *direction = tandem_record_text(record, "direction");
    const char *status = tandem_record_text(record, "status");
    if (channel != NULL) {
        (void)snprintf(out, 128, "%s%s%s", channel, direction == NULL ? "" : ", ",
                       direction == NULL ? "" : direction);
    } else {
        (void)snprintf(out, 128, "%s%s%s", tandem_record_entity(record), status == NULL ? "" : ", ",
                       status == NULL ? "" : status);
    }
}

static bool take(void *context, const tandem_record *record)
{
    struct timeline *timeline = context;
    char time_text[32];
    char what[128];
    timeline->records++;
    if (timeline->cli->json) {
        timeline->table.failed = !cli_print_record(timeline->cli, record) || timeline->table.failed;
        return !timeline->table.failed;
    }
    describe(record, what);
    const char *cells[COLUMNS] = {when(record, time_text), mark_of(timeline->cli, record), what, tandem_record_created_by(record),
                                  tandem_record_title(record), tandem_record_id(record)};
    table_row(&timeline->table, cells);
    return !timeline->table.failed;
}

static enum tandem_failure read_limit(struct cli *cli, const struct arguments *arguments,
                                      unsigned long *limit)
{
    const char *text = arguments_value(arguments, "limit");
    *limit = 0;
    if (text != NULL && !arguments_number(text, 1, 1000000000, limit)) {
        return cli_usage(cli, "--limit is a number, at least 1");
    }
    return TANDEM_DONE;
}

enum tandem_failure command_timeline(struct cli *cli, const struct arguments *arguments)
{
    static const char *const headings[COLUMNS] = {"when", "state", "what", "by", "text", "id"};
    struct timeline timeline = {.cli = cli};
    struct sighting account;
    unsigned long limit = 0;
    enum tandem_failure failure = read_limit(cli, arguments, &limit);
    if (failure == TANDEM_DONE) {
        failure = cli_connect(cli, CLI_READS);
    }
    if (failure == TANDEM_DONE) {
        failure = lookup_account(cli, arguments->positional[0], &account);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    table_init(&timeline.table, COLUMNS);
    table_row(&timeline.table, headings);
    if (cli_timeline(cli, account.id, (unsigned)limit, take, &timeline) != TANDEM_OK) {
        failure = cli_fault(cli, NULL, &cli->fault);
    } else if (timeline.table.failed) {
        failure = cli_no_memory(cli);
    } else if (!cli->json && timeline.records == 0) {
        cli_note(cli, "Nothing yet. Add something: tandem log %s --channel call \"...\"", account.id);
    } else if (!cli->json) {
        table_print(&timeline.table, cli->out, text_terminal_width(cli->out));
    }
    table_release(&timeline.table);
    return failure;
}

/* ---- history --------------------------------------------------------------------------------- */

static const char *verb(const char *op)
{
    static const char *const verbs[][2] = {
        {"create", "added"}, {"update", "changed"}, {"remove", "removed"}, {"share", "shared"}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(op, verbs[i][0]) == 0) {
            return verbs[i][1];
        }
    }
    return op;
}

static void print_value(FILE *out, const char *value)
{
    if (value[0] == '\0') {
        (void)fputs("nothing", out);
        return;
    }
    (void)fputc('"', out);
    (void)text_put(out, value, 120);
    (void)fputc('"', out);
}

static void print_tags(FILE *out, const char *label, const json_t *tags)
{
    size_t index = 0;
    json_t *tag = NULL;
    json_array_foreach(tags, index, tag) {
        (void)fputs(index == 0 ? label : ", ", out);
        (void)text_put(out, json_is_string(tag) ? json_string_value(tag) : "", 0);
    }
    if (json_array_size(tags) > 0) {
        (void)fputc('\n', out);
    }
}

/* Whom it was shared with; at the creation that is only what the entity starts with. */
static void print_audience(FILE *out, const tandem_history_entry *entry)
{
    json_t *object = strcmp(entry->op, "share") == 0 ? json_loads(entry->json, 0, NULL) : NULL;
    const json_t *audience = json_object_get(object, "audience");
    print_tags(out, "    with ", json_object_get(audience, "added"));
    print_tags(out, "    no longer with ", json_object_get(audience, "removed"));
    json_decref(object);
}

static bool print_entry(void *context, const tandem_history_entry *entry)
{
    struct cli *cli = context;
    char when_text[32];
    if (cli->json) {
        (void)fprintf(cli->out, "%s\n", entry->json);
        return true;
    }
    (void)fprintf(cli->out, "%s  ", text_local_time(entry->at_ms, when_text));
    (void)text_put(cli->out, entry->by, 0);
    (void)fputc(' ', cli->out);
    (void)text_put(cli->out, verb(entry->op), 0);
    (void)fprintf(cli->out, " (seq %llu)\n", (unsigned long long)entry->seq);
    print_audience(cli->out, entry);
    for (size_t i = 0; i < entry->change_count; i++) {
        (void)fputs("    ", cli->out);
        (void)text_put(cli->out, entry->fields[i], 0);
        (void)fputs(": ", cli->out);
        print_value(cli->out, entry->from[i]);
        (void)fputs(" -> ", cli->out);
        print_value(cli->out, entry->to[i]);
        (void)fputc('\n', cli->out);
    }
    return true;
}

enum tandem_failure command_history(struct cli *cli, const struct arguments *arguments)
{
    const char *id = arguments->positional[0];
    struct sighting named;
    unsigned long limit = 0;
    enum tandem_failure failure = read_limit(cli, arguments, &limit);
    if (failure == TANDEM_DONE) {
        failure = cli_connect(cli, CLI_SERVER);
    }
    if (failure == TANDEM_DONE && !lookup_is_id(id)) {
        failure = lookup_account(cli, id, &named);
        id = named.id;
    }
    if (failure == TANDEM_DONE &&
        cli_history(cli, id, (unsigned)limit, print_entry, cli) != TANDEM_OK) {
        failure = cli_fault(cli, id, &cli->fault);
    }
    return failure;
}

/* timeline: what happened with an account. */
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

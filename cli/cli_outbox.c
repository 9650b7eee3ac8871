/* outbox: what waits here for the server, and what it did not take. */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_note.h"
#include "cli/cli_outbox.h"
#include "cli/cli_settle.h"
#include "cli/cli_text.h"
#include "protocol/schema.h"
#include "protocol/status.h"

enum { COLUMN_ENTRY, COLUMN_SINCE, COLUMN_WHY, COLUMN_WHAT, COLUMNS };

static const char *since(const json_t *entry, char out[32])
{
    int64_t ms = 0;
    const char *text = json_string_value(json_object_get(entry, "since"));
    (void)schema_time_from_text(bytes_text(text == NULL ? "" : text), &ms);
    return text_local_time(ms, out);
}

static void add_row(struct table *table, const json_t *entry, bool paused)
{
    char number[32];
    char when[32];
    struct buffer why = {0};
    struct buffer what = {0};
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)entry_number(entry));
    entry_add_why(entry, paused, &why);
    entry_add_line(entry, &what);
    const char *cells[COLUMNS] = {number, since(entry, when), text_of(&why), text_of(&what)};
    table_row(table, cells);
    buffer_release(&why);
    buffer_release(&what);
}

void outbox_print(struct cli *cli, const json_t *entries, FILE *out)
{
    static const char *const headings[COLUMNS] = {"entry", "since", "why", "what"};
    struct table table;
    size_t index = 0;
    json_t *entry = NULL;
    bool paused = tandem_paused(cli->client);
    table_init(&table, COLUMNS);
    table_row(&table, headings);
    json_array_foreach(entries, index, entry)
    {
        if (cli->json) {
            entry_print_json(entry, out);
        } else {
            add_row(&table, entry, paused);
        }
    }
    if (!cli->json && index > 0) {
        table_print(&table, out, text_terminal_width(out));
    }
    table_release(&table);
}

enum tandem_failure outbox_open(struct cli *cli, bool *empty)
{
    copy_load(&cli->profile, &cli->copy);
    *empty = !cli->copy.kept;
    return *empty ? TANDEM_DONE : cli_open_copy(cli);
}

/* Ends a command that found nothing to do in the outbox. */
static enum tandem_failure nothing_waits(struct cli *cli, bool other)
{
    if (!other) {
        cli_note(cli, "Nothing waits.");
    }
    return TANDEM_DONE;
}

/* What was typed in notes waits beside the outbox. */
static bool tell_notes(struct cli *cli)
{
    char path[PROFILE_PATH];
    bool opens = cli->client == NULL && note_has_folder(cli);
    if (opens && cli_open(cli, profile_replica(&cli->profile, path)) != TANDEM_DONE) {
        return false;
    }
    json_t *notes = cli->client == NULL ? NULL : note_work_list(cli);
    bool some = note_work_print(cli, notes, cli->out);
    json_decref(notes);
    return some;
}

enum tandem_failure command_outbox(struct cli *cli, const struct arguments *arguments)
{
    bool empty = false;
    (void)arguments;
    enum tandem_failure failure = outbox_open(cli, &empty);
    json_t *entries =
        failure == TANDEM_DONE && !empty ? entry_read_all(cli, ENTRY_UNSETTLED) : NULL;
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (empty || (entries != NULL && json_array_size(entries) == 0)) {
        json_decref(entries);
        return nothing_waits(cli, tell_notes(cli));
    }
    if (entries == NULL) {
        return TANDEM_REFUSED;
    }
    outbox_print(cli, entries, cli->out);
    json_decref(entries);
    (void)tell_notes(cli);
    if (tandem_outbox_count(cli->client, ENTRY_BIT(TANDEM_ENTRY_CONFLICT)) > 0) {
        cli_note(cli, "Conflicts, with both values: tandem conflicts");
    }
    return TANDEM_DONE;
}

enum tandem_failure outbox_find(struct cli *cli, const char *text, unsigned states, json_t **out)
{
    bool empty = false;
    *out = NULL;
    enum tandem_failure failure = outbox_open(cli, &empty);
    if (failure == TANDEM_DONE && empty) {
        return cli_refuse(cli, TANDEM_REFUSED, "nothing waits in the outbox of this profile");
    }
    return failure == TANDEM_DONE ? entry_find(cli, text, states, out) : failure;
}

enum tandem_failure command_outbox_show(struct cli *cli, const struct arguments *arguments)
{
    json_t *entry = NULL;
    enum tandem_failure failure =
        outbox_find(cli, arguments->positional[0], ENTRY_UNSETTLED | ENTRY_NEWEST, &entry);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (cli->json) {
        entry_print_json(entry, cli->out);
    } else {
        char when[32];
        struct buffer why = {0};
        entry_add_why(entry, tandem_paused(cli->client), &why);
        const char *text = text_of(&why);
        (void)fprintf(cli->out, "entry %llu, since %s: ", (unsigned long long)entry_number(entry),
                      since(entry, when));
        (void)text_put(cli->out, text == NULL ? "" : text, 0);
        (void)fputc('\n', cli->out);
        entry_print_changes(entry, cli->out);
        entry_print_next_step(entry, cli->out);
        buffer_release(&why);
    }
    json_decref(entry);
    return TANDEM_DONE;
}

/* ---- drop ------------------------------------------------------------------------------------ */

/* They are kept, since they hold what somebody typed. */
static void tell_behind(struct cli *cli, const json_t *behind)
{
    size_t index = 0;
    json_t *entry = NULL;
    size_t count = json_array_size(behind);
    if (count == 0) {
        return;
    }
    cli_note(cli,
             "%zu change%s in the outbox need%s what this would have added, and will be refused. Let "
             "%s go too: tandem outbox drop",
             count, count == 1 ? "" : "s", count == 1 ? "s" : "", count == 1 ? "it" : "them");
    json_array_foreach(behind, index, entry)
    {
        struct buffer text = {0};
        entry_add_line(entry, &text);
        cli_note(cli, "  entry %llu  %s", (unsigned long long)entry_number(entry),
                 text_of(&text) == NULL ? "" : text_of(&text));
        buffer_release(&text);
    }
}

static void put_behind(json_t *object, const json_t *behind)
{
    json_t *numbers = json_array();
    size_t index = 0;
    json_t *entry = NULL;
    json_array_foreach(behind, index, entry)
    {
        (void)json_array_append_new(numbers, json_integer((json_int_t)entry_number(entry)));
    }
    if (index > 0) {
        (void)json_object_set(object, "needed", numbers);
    }
    json_decref(numbers);
}

static void tell_dropped(struct cli *cli, json_t *entry, const json_t *behind)
{
    if (cli->json) {
        (void)json_object_set_new(entry, "dropped", json_true());
        put_behind(entry, behind);
        entry_print_json(entry, cli->out);
        return;
    }
    struct buffer text = {0};
    text_addf(&text, "Dropped entry %llu: ", (unsigned long long)entry_number(entry));
    entry_add_line(entry, &text);
    const char *line = text_of(&text);
    (void)text_put(cli->out, line == NULL ? "" : line, 0);
    (void)fputc('\n', cli->out);
    buffer_release(&text);
    entry_print_long_values(entry, cli->out); /* they are nowhere else from now on */
    tell_behind(cli, behind);
}

static enum tandem_failure drop(struct cli *cli, json_t *entry)
{
    enum tandem_failure failure = TANDEM_DONE;
    json_t *behind = outbox_behind(cli, entry);
    tandem_code code = tandem_outbox_drop(cli->client, entry_number(entry));
    if (code == TANDEM_OK) {
        tell_dropped(cli, entry, behind);
    } else if (code == STATUS_BUSY) {
        failure =
            cli_refuse(cli, TANDEM_REFUSED,
                       "entry %llu is under way, and the server may have it. See what becomes "
                       "of it: tandem online",
                       (unsigned long long)entry_number(entry));
    } else {
        tandem_last_fault(cli->client, &cli->fault);
        cli->fault.code = code;
        failure = cli_fault(cli, "nothing was dropped", &cli->fault);
    }
    json_decref(behind);
    return failure;
}

/* None, unless all are found. The first that cannot be dropped ends it. */
enum tandem_failure command_outbox_drop(struct cli *cli, const struct arguments *arguments)
{
    json_t *entries = json_array();
    enum tandem_failure failure = TANDEM_DONE;
    size_t index = 0;
    json_t *entry = NULL;
    for (size_t i = 0; i < arguments->count && failure == TANDEM_DONE; i++) {
        failure = cli->client == NULL
                      ? outbox_find(cli, arguments->positional[i], ENTRY_UNSETTLED, &entry)
                      : entry_find(cli, arguments->positional[i], ENTRY_UNSETTLED, &entry);
        if (failure == TANDEM_DONE && json_array_append_new(entries, entry) != 0) {
            failure = cli_no_memory(cli);
        }
    }
    json_array_foreach(entries, index, entry)
    {
        failure = failure == TANDEM_DONE ? drop(cli, entry) : failure;
    }
    json_decref(entries);
    return failure;
}

/* ---- retry ----------------------------------------------------------------------------------- */

static enum tandem_failure retry_one(struct cli *cli, const json_t *entry, size_t *retried)
{
    tandem_code code = entry_is(entry, TANDEM_ENTRY_REFUSED)
                           ? tandem_outbox_retry(cli->client, entry_number(entry))
                           : TANDEM_OK;
    if (code != TANDEM_OK) {
        tandem_last_fault(cli->client, &cli->fault);
        cli->fault.code = code;
        return cli_fault(cli, "not queued again", &cli->fault);
    }
    *retried += entry_is(entry, TANDEM_ENTRY_REFUSED);
    return TANDEM_DONE;
}

static enum tandem_failure retry_refused(struct cli *cli, size_t *retried)
{
    enum tandem_failure failure = TANDEM_DONE;
    size_t index = 0;
    json_t *entry = NULL;
    json_t *refused = entry_read_all(cli, ENTRY_BIT(TANDEM_ENTRY_REFUSED));
    if (refused == NULL) {
        return TANDEM_REFUSED;
    }
    json_array_foreach(refused, index, entry)
    {
        failure = failure == TANDEM_DONE ? retry_one(cli, entry, retried) : failure;
    }
    json_decref(refused);
    return failure;
}

/* The sum, for programs: also where nothing is sent, and nothing else is printed. */
static void print_retried(struct cli *cli, size_t retried)
{
    size_t waiting = cli->client == NULL ? 0 : tandem_outbox_count(cli->client, ENTRY_OPEN);
    struct settled left = {.waiting = waiting};
    if (!cli->json) {
        return;
    }
    if (cli->client != NULL) {
        settling_count_aside(cli, &left);
    }
    (void)fprintf(cli->out,
                  "{\"retried\":%zu,\"conflicts\":%zu,\"refused\":%zu,\"waiting\":%zu}\n", retried,
                  left.conflicts, left.refused, left.waiting);
}

/* What was in conflict before is as much left to decide as what is now. */
static enum tandem_failure tell_left(struct cli *cli)
{
    settling_tell_left(cli);
    return tandem_outbox_count(cli->client, ENTRY_ASIDE) > 0 ? TANDEM_REFUSED : TANDEM_DONE;
}

static enum tandem_failure retry(struct cli *cli, const struct arguments *arguments, bool *empty,
                                 size_t *retried)
{
    json_t *entry = NULL;
    enum tandem_failure failure = TANDEM_DONE;
    if (arguments->count == 1) {
        failure = outbox_find(cli, arguments->positional[0],
                              ENTRY_OPEN | ENTRY_BIT(TANDEM_ENTRY_REFUSED), &entry);
        failure = failure == TANDEM_DONE ? retry_one(cli, entry, retried) : failure;
        json_decref(entry);
    } else {
        failure = outbox_open(cli, empty);
        failure = failure == TANDEM_DONE && !*empty ? retry_refused(cli, retried) : failure;
    }
    return failure;
}

enum tandem_failure command_outbox_retry(struct cli *cli, const struct arguments *arguments)
{
    bool empty = false;
    size_t retried = 0;
    if (!cli->profile.signed_in) {
        return cli_refuse_signed_out(cli);
    }
    enum tandem_failure failure = retry(cli, arguments, &empty, &retried);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (empty || tandem_outbox_count(cli->client, ENTRY_UNSETTLED) == 0) {
        print_retried(cli, 0);
        return nothing_waits(cli, false);
    }
    failure = tandem_outbox_count(cli->client, ENTRY_OPEN) > 0 ? settling_now(cli) : TANDEM_DONE;
    print_retried(cli, retried);
    return failure == TANDEM_DONE && arguments->count == 0 ? tell_left(cli) : failure;
}

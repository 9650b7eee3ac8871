#include "cli/cli_mark.h"

#include <string.h>

#include "cli/cli_entry.h"

/* Of several entries about one record the graver state is told, as the copy tells it. */
static int gravity(const char *mark)
{
    static const char *const marks[] = {"pending", "refused", "conflict"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (mark != NULL && strcmp(mark, marks[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static const char *mark_for(const json_t *entry)
{
    return entry_is(entry, TANDEM_ENTRY_CONFLICT)  ? "conflict"
           : entry_is(entry, TANDEM_ENTRY_REFUSED) ? "refused"
                                                   : "pending";
}

static void mark_records(json_t *marks, const json_t *entry)
{
    const char *mark = mark_for(entry);
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        const char *id = json_string_value(json_object_get(change, "id"));
        const char *before = json_string_value(json_object_get(marks, id));
        if (gravity(mark) > gravity(before)) {
            (void)json_object_set_new(marks, id, json_string(mark));
        }
    }
}

static bool note(void *context, const tandem_entry *entry)
{
    struct cli *cli = context;
    json_t *object = entry_object(entry);
    if (object == NULL) {
        return false;
    }
    mark_records(cli->marks, object);
    return json_array_append_new(cli->unsettled, object) == 0;
}

void mark_note(struct cli *cli)
{
    mark_release(cli);
    if (tandem_outbox_count(cli->client, ENTRY_UNSETTLED) == 0) {
        return;
    }
    cli->unsettled = json_array();
    cli->marks = json_object();
    if (cli->unsettled == NULL || cli->marks == NULL ||
        tandem_outbox_each(cli->client, ENTRY_UNSETTLED, note, cli) != TANDEM_OK) {
        mark_release(cli);
        return;
    }
    entry_add_names(cli, cli->unsettled);
}

void mark_release(struct cli *cli)
{
    json_decref(cli->unsettled);
    json_decref(cli->marks);
    cli->unsettled = NULL;
    cli->marks = NULL;
}

bool mark_known(const struct cli *cli)
{
    return cli->local || cli->marks != NULL;
}

const char *mark_of(const struct cli *cli, const tandem_record *record)
{
    if (cli->local || cli->marks == NULL) {
        return entry_record_mark(record);
    }
    const char *mark = json_string_value(json_object_get(cli->marks, tandem_record_id(record)));
    return mark == NULL ? "" : mark;
}

json_t *mark_entries(struct cli *cli)
{
    return cli->local ? entry_read_all(cli, ENTRY_UNSETTLED) : json_incref(cli->unsettled);
}

uint64_t mark_conflict(struct cli *cli, const char *id)
{
    uint64_t number = 0;
    size_t index = 0;
    json_t *entry = NULL;
    json_t *entries = mark_entries(cli);
    json_array_foreach(entries, index, entry)
    {
        if (entry_is(entry, TANDEM_ENTRY_CONFLICT) && entry_changes(entry, id)) {
            number = entry_number(entry);
        }
    }
    json_decref(entries);
    return number;
}

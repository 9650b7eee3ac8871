#include "cli/cli_overwrite.h"

#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_names.h"
#include "cli/cli_text.h"
#include "protocol/schema.h"

/* Enough of a history for what happened between two looks at a record. */
#define HISTORY_MOST 200u
/* Of a value that is told of in a line. */
#define VALUE_COLUMNS 120u

struct search {
    const char *me;
    uint64_t seen;
    uint64_t seq;         /* of the change that won; 0 when not known */
    const json_t *fields; /* that it changed, as the keys of an object; NULL when `seq` tells */
    json_t *mine;         /* fields of which its value was met, on the way back in time */
    json_t *settled;      /* fields of which the one before was met, or that are another's by now */
    json_t *overwrote;
};

static json_t *replaced(const char *field, const char *value, const char *by, int64_t at_ms)
{
    char at[25];
    return json_pack("{s:s, s:s, s:s, s:s}", "field", field, "value", value, "by", by, "at",
                     tandem_time_text(at_ms, at));
}

static void take_change(struct search *search, const tandem_history_entry *entry, size_t index)
{
    const char *field = entry->fields[index];
    bool own = search->seq != 0 ? entry->seq == search->seq : strcmp(entry->by, search->me) == 0;
    bool others = strcmp(entry->by, search->me) != 0;
    if ((search->fields != NULL && json_object_get(search->fields, field) == NULL) ||
        json_object_get(search->settled, field) != NULL) {
        return;
    }
    if (json_object_get(search->mine, field) == NULL) {
        (void)json_object_set_new(own ? search->mine : search->settled, field, json_true());
    } else if (others) {
        (void)json_array_append_new(search->overwrote,
                                    replaced(field, entry->to[index], entry->by, entry->at_ms));
        (void)json_object_set_new(search->settled, field, json_true());
    }
}

/* Newest first. */
static bool take_entry(void *context, const tandem_history_entry *entry)
{
    struct search *search = context;
    if (entry->seq <= search->seen) {
        return false;
    }
    if (search->seq != 0 && entry->seq > search->seq) {
        return true; /* who changed it since has the last word, and is not this one's to tell */
    }
    for (size_t i = 0; i < entry->change_count; i++) {
        take_change(search, entry, i);
    }
    return true;
}

/* Asking in vain is no failure of what was done. */
static json_t *ask(struct cli *cli, const char *id, struct search *search)
{
    tandem_fault fault = cli->fault;
    search->me = cli->profile.session.user;
    search->mine = json_object();
    search->settled = json_object();
    search->overwrote = json_array();
    if (cli->client == NULL || !tandem_connected(cli->client) ||
        cli_history(cli, id, HISTORY_MOST, take_entry, search) != TANDEM_OK) {
        json_decref(search->overwrote);
        search->overwrote = NULL;
    }
    cli->fault = fault;
    json_decref(search->mine);
    json_decref(search->settled);
    return search->overwrote;
}

json_t *overwrite_find(struct cli *cli, const char *id, uint64_t seen, uint64_t seq)
{
    struct search search = {.seen = seen, .seq = seq};
    return ask(cli, id, &search);
}

/* ---- Entries of the outbox ------------------------------------------------------------------- */

/* The fields of its first record, which is the only one of an edit. */
static json_t *fields_of(const json_t *entry, const char *id)
{
    json_t *fields = json_object();
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (strcmp(cli_member(change, "id"), id) == 0 && cli_member(change, "field")[0] != '\0') {
            (void)json_object_set_new(fields, cli_member(change, "field"), json_true());
        }
    }
    return fields;
}

static void put(json_t *object, json_t *overwrote)
{
    if (json_array_size(overwrote) > 0) {
        (void)json_object_set(object, "overwrote", overwrote);
    }
    json_decref(overwrote);
}

void overwrite_note(struct cli *cli, json_t *entry)
{
    const char *id = cli_member(json_array_get(json_object_get(entry, "changes"), 0), "id");
    struct search search = {.seen = (uint64_t)json_integer_value(json_object_get(entry, "base"))};
    if (!entry_is(entry, TANDEM_ENTRY_ACCEPTED) ||
        !json_is_true(json_object_get(entry, "overwrite"))) {
        return;
    }
    json_t *fields = fields_of(entry, id);
    search.fields = fields;
    put(entry, ask(cli, id, &search));
    json_decref(fields);
}

void overwrite_note_theirs(json_t *object, const json_t *entry)
{
    json_t *overwrote = json_array();
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (json_is_true(json_object_get(change, "conflict")) &&
            cli_member(change, "field")[0] != '\0') {
            json_t *value = json_pack("{s:s, s:s, s:s, s:s}", "field", cli_member(change, "field"),
                                      "value", cli_member(change, "theirs"), "by",
                                      cli_member(change, "by"), "at", cli_member(change, "at"));
            json_t *names = json_object_get(change, "names");
            if (value != NULL && names != NULL) {
                (void)json_object_set(value, "names", names);
            }
            (void)json_array_append_new(overwrote, value);
        }
    }
    put(object, overwrote);
}

/* ---- Telling --------------------------------------------------------------------------------- */

void overwrite_print(const json_t *object, const char *verb, FILE *out)
{
    size_t index = 0;
    json_t *value = NULL;
    json_array_foreach(json_object_get(object, "overwrote"), index, value)
    {
        char when[32];
        int64_t at_ms = 0;
        struct buffer text = {0};
        struct buffer quoted = {0};
        (void)schema_time_from_text(bytes_text(cli_member(value, "at")), &at_ms);
        names_put(json_object_get(value, "names"), cli_member(value, "value"), &text);
        const char *shown = text_of(&text) == NULL ? "" : text_of(&text);
        (void)fprintf(out, "  %s ", verb);
        (void)text_put(out, cli_member(value, "field"), 0);
        (void)text_add_short(&quoted, shown, VALUE_COLUMNS, "\"");
        (void)fputs(shown[0] == '\0' ? ", which was empty" : " ", out);
        (void)text_put(out, shown[0] == '\0' || text_of(&quoted) == NULL ? "" : text_of(&quoted),
                       0);
        (void)fputs("  (", out);
        (void)text_put(out, cli_member(value, "by"), 0);
        (void)fprintf(out, ", %s)\n", text_local_time(at_ms, when));
        buffer_release(&text);
        buffer_release(&quoted);
    }
}

/* history: what happened to a record.
 *
 * The entries are kept until all have come: the names of what they refer to are asked for then,
 * which cannot be done while an answer is taken apart. */
#include <jansson.h>
#include <string.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_names.h"
#include "cli/cli_text.h"

/* Each entry as the server tells it, with the texts of its changes beside. */
struct history {
    json_t *entries; /* {"entry": as it came, "fields": [...], "from": [...], "to": [...]} */
    char entity[72]; /* of the record; "" when it cannot be seen any more */
    bool failed;
};

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

static const char *text_at(const json_t *kept, const char *list, size_t index)
{
    const char *text = json_string_value(json_array_get(json_object_get(kept, list), index));
    return text == NULL ? "" : text;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

static json_t *texts(const char *const *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *text = json_string(list[i]);
        (void)json_array_append_new(array, text == NULL ? json_string("") : text);
    }
    return array;
}

static bool take_entry(void *context, const tandem_history_entry *entry)
{
    struct history *history = context;
    json_t *whole = json_loads(entry->json, JSON_ALLOW_NUL, NULL);
    json_t *kept = json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:s, s:s}", "entry", whole, "fields",
                             texts(entry->fields, entry->change_count), "from",
                             texts(entry->from, entry->change_count), "to",
                             texts(entry->to, entry->change_count), "at", (json_int_t)entry->at_ms,
                             "seq", (json_int_t)entry->seq, "by", entry->by, "op", entry->op);
    history->failed = kept == NULL || json_array_append_new(history->entries, kept) != 0;
    return !history->failed;
}

static bool take_entity(void *context, const tandem_record *record)
{
    struct history *history = context;
    (void)bytes_to_text(bytes_text(tandem_record_entity(record)), history->entity,
                        sizeof history->entity);
    return false;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static void take_tags(struct names *names, const json_t *tags, json_t *table)
{
    size_t index = 0;
    json_t *tag = NULL;
    json_array_foreach(tags, index, tag)
    {
        names_take(names, json_is_string(tag) ? json_string_value(tag) : "", table);
    }
}

/* Of the references and tags of one entry. */
static json_t *find_names(struct names *names, const char *entity, const json_t *kept)
{
    json_t *table = json_object();
    const json_t *audience = json_object_get(json_object_get(kept, "entry"), "audience");
    for (size_t i = 0; i < json_array_size(json_object_get(kept, "fields")); i++) {
        if (names_refers(names, entity, text_at(kept, "fields", i))) {
            names_take(names, text_at(kept, "from", i), table);
            names_take(names, text_at(kept, "to", i), table);
        }
    }
    take_tags(names, json_object_get(audience, "added"), table);
    take_tags(names, json_object_get(audience, "removed"), table);
    return table;
}

/* ---- Printing -------------------------------------------------------------------------------- */

static void print_tags(FILE *out, const char *label, const json_t *tags, const json_t *table)
{
    size_t index = 0;
    json_t *tag = NULL;
    struct buffer text = {0};
    json_array_foreach(tags, index, tag)
    {
        text_add(&text, index == 0 ? label : ", ");
        names_put(table, json_is_string(tag) ? json_string_value(tag) : "", &text);
    }
    if (text.size > 0) {
        (void)text_put(out, text_of(&text) == NULL ? "" : text_of(&text), 0);
        (void)fputc('\n', out);
    }
    buffer_release(&text);
}

/* Whom it was shared with; at the creation that is only what the entity starts with. */
static void print_audience(FILE *out, const json_t *kept, const json_t *table)
{
    const json_t *audience = json_object_get(json_object_get(kept, "entry"), "audience");
    if (strcmp(cli_member(kept, "op"), "share") == 0) {
        print_tags(out, "    with ", json_object_get(audience, "added"), table);
        print_tags(out, "    no longer with ", json_object_get(audience, "removed"), table);
    }
}

static void print_named(FILE *out, const char *value, const json_t *table)
{
    struct buffer text = {0};
    names_put(table, value, &text);
    print_value(out, text_of(&text) == NULL ? value : text_of(&text));
    buffer_release(&text);
}

static void print_change(FILE *out, struct names *names, const char *entity, const json_t *kept,
                         size_t index, const json_t *table)
{
    const char *field = text_at(kept, "fields", index);
    const json_t *used = names_refers(names, entity, field) ? table : NULL;
    (void)fputs("    ", out);
    (void)text_put(out, field, 0);
    (void)fputs(": ", out);
    print_named(out, text_at(kept, "from", index), used);
    (void)fputs(" -> ", out);
    print_named(out, text_at(kept, "to", index), used);
    (void)fputc('\n', out);
}

static void print_entry(struct cli *cli, struct names *names, const char *entity,
                        const json_t *kept)
{
    char when[32];
    json_t *table = find_names(names, entity, kept);
    json_t *whole = json_object_get(kept, "entry");
    if (cli->json) { /* times are as everywhere else */
        char at[25];
        (void)json_object_set_new(
            whole, "at",
            json_string(tandem_time_text(json_integer_value(json_object_get(kept, "at")), at)));
        if (json_object_size(table) > 0) {
            (void)json_object_set(whole, "names", table);
        }
        (void)json_dumpf(whole, cli->out, JSON_COMPACT);
        (void)fputc('\n', cli->out);
        json_decref(table);
        return;
    }
    (void)fprintf(cli->out, "%s  ",
                  text_local_time(json_integer_value(json_object_get(kept, "at")), when));
    (void)text_put(cli->out, cli_member(kept, "by"), 0);
    (void)fputc(' ', cli->out);
    (void)text_put(cli->out, names_verb(cli_member(kept, "op"), whole), 0);
    (void)fprintf(cli->out, " (seq %llu)\n",
                  (unsigned long long)json_integer_value(json_object_get(kept, "seq")));
    print_audience(cli->out, kept, table);
    for (size_t i = 0; i < json_array_size(json_object_get(kept, "fields")); i++) {
        print_change(cli->out, names, entity, kept, i, table);
    }
    json_decref(table);
}

static void print_all(struct cli *cli, const struct history *history)
{
    struct names names;
    size_t index = 0;
    json_t *kept = NULL;
    names_begin(&names, cli, true);
    json_array_foreach(history->entries, index, kept)
    {
        print_entry(cli, &names, history->entity, kept);
    }
    names_release(&names);
}

/* ---- The command ----------------------------------------------------------------------------- */

static enum tandem_failure tell_history(struct cli *cli, const char *id, unsigned limit)
{
    struct history history = {.entries = json_array()};
    enum tandem_failure failure = TANDEM_DONE;
    if (cli_history(cli, id, limit, take_entry, &history) != TANDEM_OK) {
        failure = cli_fault(cli, id, &cli->fault);
    } else if (history.entries == NULL || history.failed) {
        failure = cli_no_memory(cli);
    } else {
        (void)cli_fetch(cli, id, take_entity, &history); /* without it there are just fewer names */
        print_all(cli, &history);
        if (json_array_size(history.entries) == 0) { /* a partner's begins when it is shared */
            cli_note(cli, "Nothing has changed since it became yours to see.");
        }
    }
    json_decref(history.entries);
    return failure;
}

enum tandem_failure command_history(struct cli *cli, const struct arguments *arguments)
{
    const char *id = arguments->positional[0];
    const char *text = arguments_value(arguments, "limit");
    struct sighting named;
    unsigned long limit = 0;
    if (text != NULL && !arguments_number(text, 1, 1000000000, &limit)) {
        return cli_usage(cli, "--limit is a number, at least 1");
    }
    enum tandem_failure failure = cli_connect(cli, CLI_SERVER);
    if (failure == TANDEM_DONE && !lookup_is_id(id)) {
        failure = lookup_account(cli, id, &named);
        id = named.id;
    }
    return failure == TANDEM_DONE ? tell_history(cli, id, (unsigned)limit) : failure;
}

/* show: everything about one record. */
#include "cli/cli_show.h"

#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_mark.h"
#include "cli/cli_names.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/status.h"

struct field_line {
    char name[72];
    char *text;
};

/* A record on its way to the screen: copied, because references are asked for afterwards. */
struct portrait {
    struct cli *cli;
    struct sighting record;
    struct field_line *lines;
    size_t count;
    char *json;
    const char *mark; /* "pending" and the like, or "" */
    struct buffer audience;
    char changed[160];
    char version[24]; /* of a note */
    struct show_note note;
    bool found, failed;
};

static void take_fields(struct portrait *portrait, const tandem_record *record)
{
    size_t count = tandem_record_field_count(record);
    portrait->lines = memory_new(count * sizeof *portrait->lines);
    portrait->failed = portrait->lines == NULL;
    for (size_t i = 0; i < count && !portrait->failed; i++) {
        struct field_line *line = &portrait->lines[portrait->count];
        const char *name = tandem_record_field_name(record, i);
        const char *text = tandem_record_text(record, name);
        (void)bytes_to_text(bytes_text(name), line->name, sizeof line->name);
        line->text = text_copy(text == NULL ? "" : text);
        portrait->failed = line->text == NULL;
        portrait->count++;
    }
}

static bool take(void *context, const tandem_record *record)
{
    struct portrait *portrait = context;
    char created[32];
    char modified[32];
    portrait->found = true;
    portrait->mark = mark_of(portrait->cli, record);
    lookup_take(&portrait->record, record);
    const char *version = tandem_record_text(record, "version");
    (void)snprintf(portrait->version, sizeof portrait->version, "%s",
                   version == NULL ? "" : version);
    if (portrait->cli->json) {
        portrait->json = tandem_record_json(record);
        portrait->failed = portrait->json == NULL;
        return false;
    }
    take_fields(portrait, record);
    for (size_t i = 0; i < tandem_record_audience_count(record); i++) {
        text_addf(&portrait->audience, "%s%s", i == 0 ? "" : ", ",
                  tandem_record_audience(record, i));
    }
    (void)snprintf(portrait->changed, sizeof portrait->changed,
                   "added %s by %.40s, changed %s by %.40s (seq %llu)",
                   text_local_time(tandem_record_created_at(record), created),
                   tandem_record_created_by(record),
                   text_local_time(tandem_record_modified_at(record), modified),
                   tandem_record_modified_by(record),
                   (unsigned long long)tandem_record_seq(record));
    return false;
}

void show_line(FILE *out, const char *name, const char *text)
{
    (void)fputs("  ", out);
    size_t used = text_put(out, name, 0);
    (void)fprintf(out, "%*s  ", used < 18 ? (int)(18 - used) : 0, "");
    for (const char *at = text;;) {
        const char *end = strchr(at, '\n');
        char *line = end == NULL ? NULL : memory_copy(at, (size_t)(end - at));
        (void)text_put(out, line == NULL ? at : line, 0);
        memory_free(line);
        if (end == NULL) {
            break;
        }
        (void)fprintf(out, "\n  %-18s  ", "");
        at = end + 1;
    }
    (void)fputc('\n', out);
}

/* "Fjord Bruk AS (0192...)" where the record referred to can be seen, else just the id. */
static void print_reference(struct names *names, const struct field_line *line)
{
    struct buffer text = {0};
    json_t *table = json_object();
    names_take(names, line->text, table);
    names_put(table, line->text, &text);
    if (json_object_size(table) > 0) {
        text_addf(&text, " (%s)", line->text);
    }
    show_line(names->cli->out, line->name, text_of(&text) == NULL ? line->text : text_of(&text));
    json_decref(table);
    buffer_release(&text);
}

static void put_scope(const json_t *table, const char *scope, struct buffer *out)
{
    names_put_scope(table, scope, out);
    if (json_object_size(table) > 0) {
        text_addf(out, " (%s)", scope);
    }
}

/* The names of what a list of tags or a scope has ids of. */
static void print_named(struct names *names, const char *label, const char *list,
                        void put(const json_t *, const char *, struct buffer *))
{
    struct buffer text = {0};
    json_t *table = json_object();
    names_take(names, list, table);
    put(table, list, &text);
    show_line(names->cli->out, label, text_of(&text) == NULL ? list : text_of(&text));
    json_decref(table);
    buffer_release(&text);
}

/* What of one's own is behind the mark. */
static void print_waiting(struct cli *cli, const char *id)
{
    json_t *entries = mark_entries(cli);
    size_t index = 0;
    json_t *entry = NULL;
    json_array_foreach(entries, index, entry)
    {
        if (entry_changes(entry, id)) {
            struct buffer text = {0};
            text_addf(&text, "entry %llu, ", (unsigned long long)entry_number(entry));
            entry_add_why(entry, tandem_paused(cli->client), &text);
            text_add(&text, ": ");
            entry_add_values(entry, &text);
            const char *line = text_of(&text);
            show_line(cli->out, "outbox", line == NULL ? "" : line);
            buffer_release(&text);
        }
    }
    json_decref(entries);
}

static void print_json(struct cli *cli, const struct portrait *portrait)
{
    bool more = portrait->note.text != NULL || portrait->note.waiting > 0;
    char *json = more ? show_note_json(&portrait->note, portrait->json) : NULL;
    cli_print_record_json(cli, json == NULL ? portrait->json : json, portrait->mark);
    memory_free(json);
}

static void print_field(struct names *names, const struct portrait *portrait,
                        const struct field_line *line)
{
    const struct show_note *note = &portrait->note;
    char version[24];
    (void)snprintf(version, sizeof version, "%llu", (unsigned long long)note->version);
    if (names_refers(names, portrait->record.entity, line->name)) {
        print_reference(names, line);
    } else if (note->text != NULL && strcmp(line->name, "text") == 0) {
        show_line(names->cli->out, line->name, note->text);
    } else if (note->text != NULL && strcmp(line->name, "version") == 0) {
        show_line(names->cli->out, line->name, version);
    } else {
        show_line(names->cli->out, line->name, line->text);
    }
}

static void print(struct cli *cli, struct portrait *portrait)
{
    if (cli->json) {
        print_json(cli, portrait);
        return;
    }
    (void)text_put(cli->out, portrait->record.entity, 0);
    (void)fprintf(cli->out, "  %s%s%s\n", portrait->record.id,
                  portrait->mark[0] == '\0' ? "" : "  ", portrait->mark);
    struct names names;
    names_begin(&names, cli, true);
    for (size_t i = 0; i < portrait->count; i++) {
        print_field(&names, portrait, &portrait->lines[i]);
    }
    const char *audience = text_of(&portrait->audience);
    print_named(&names, "scope", portrait->record.scope, put_scope);
    print_named(&names, "audience", audience == NULL ? "" : audience, names_put);
    names_release(&names);
    show_line(cli->out, "", portrait->changed);
    show_note_print(cli, portrait->record.id, &portrait->note);
    if (portrait->mark[0] != '\0') {
        print_waiting(cli, portrait->record.id);
    }
}

static void release(struct portrait *portrait)
{
    for (size_t i = 0; i < portrait->count; i++) {
        memory_free(portrait->lines[i].text);
    }
    memory_free(portrait->lines);
    tandem_free(portrait->json);
    show_note_release(&portrait->note);
    buffer_release(&portrait->audience);
}

static bool note_one(void *context, const tandem_record *record)
{
    bool *found = context;
    (void)record;
    *found = true;
    return false;
}

/* Whether the copy has a record of this id, or an account of this name. */
static bool is_held(struct cli *cli, const char *text)
{
    bool found = false;
    tandem_condition condition = {.field = "name", .op = "=", .text = text};
    tandem_query query = {.entity = "account", .where = &condition, .where_count = 1, .limit = 1};
    if (lookup_is_id(text)) {
        (void)tandem_get(cli->client, text, note_one, &found);
    } else {
        (void)cli_query(cli, &query, note_one, &found);
    }
    return found;
}

enum tandem_failure command_show(struct cli *cli, const struct arguments *arguments)
{
    const char *id = arguments->positional[0];
    struct portrait portrait = {.cli = cli};
    struct sighting named;
    enum tandem_failure failure = cli_connect(cli, CLI_READS);
    if (failure == TANDEM_DONE && cli->local && !is_held(cli, id) && show_removed(cli, id)) {
        return TANDEM_DONE;
    }
    if (failure == TANDEM_DONE && !lookup_is_id(id)) {
        failure = lookup_account(cli, id, &named);
        id = named.id;
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_code code = cli_fetch(cli, id, take, &portrait);
    if (code == TANDEM_OK && !portrait.found) {
        code = STATUS_NOT_FOUND;
        cli->fault = (tandem_fault){.code = code, .change = -1};
    }
    if (code != TANDEM_OK) {
        failure = cli_fault(cli, id, &cli->fault);
    } else if (portrait.failed) {
        failure = cli_no_memory(cli);
    } else {
        if (strcmp(portrait.record.entity, "note") == 0) {
            show_note_find(cli, portrait.record.id, portrait.version, &portrait.note);
        }
        print(cli, &portrait);
    }
    release(&portrait);
    return failure;
}

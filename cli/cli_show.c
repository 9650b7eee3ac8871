/* show: everything about one record. */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_mark.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/status.h"

struct field_line {
    char name[72];
    char *text;
    bool reference;
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
    bool found, failed;
};

static bool is_reference(const char *entity, const char *name)
{
    tandem_field_info info;
    return tandem_field_find(entity, name, &info) && strcmp(info.kind, "reference") == 0;
}

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
        line->reference = is_reference(portrait->record.entity, name);
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

static bool take_title(void *context, const tandem_record *record)
{
    lookup_take(context, record);
    return false;
}

static void print_line(FILE *out, const char *name, const char *text)
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
static void name_reference(struct cli *cli, struct field_line *line)
{
    struct sighting target = {.id = ""};
    struct buffer text = {0};
    if (cli->client == NULL || cli_fetch(cli, line->text, take_title, &target) != TANDEM_OK ||
        target.id[0] == '\0') {
        return;
    }
    text_addf(&text, "%s (%s)", target.title, line->text);
    const char *named = text_of(&text);
    char *owned = named == NULL ? NULL : text_copy(named);
    if (owned != NULL) {
        memory_free(line->text);
        line->text = owned;
    }
    buffer_release(&text);
}

/* "dept:sales", "partner:Nordic Paper" for tags with the id of a party that can be seen. */
static void name_audience(struct cli *cli, const char *tags, struct buffer *out)
{
    for (const char *at = tags; *at != '\0';) {
        struct sighting party = {.id = ""};
        char *tag = text_next_part(&at);
        char *id = tag == NULL ? NULL : strchr(tag, ':');
        bool named = id != NULL && lookup_is_id(id + 1) &&
                     cli_fetch(cli, id + 1, take_title, &party) == TANDEM_OK && party.id[0] != '\0';
        text_add(out, out->size == 0 ? "" : ", ");
        if (named) {
            text_addf(out, "%.*s:%s", (int)(id - tag), tag, party.title);
        } else {
            text_add(out, tag == NULL ? "" : tag);
        }
        memory_free(tag);
    }
}

/* What of one's own is behind the mark. */
static void print_waiting(struct cli *cli, const char *id)
{
    json_t *entries = mark_entries(cli);
    size_t index = 0;
    json_t *entry = NULL;
    json_array_foreach(entries, index, entry) {
        if (entry_changes(entry, id)) {
            struct buffer text = {0};
            text_addf(&text, "entry %llu, ", (unsigned long long)entry_number(entry));
            entry_add_why(entry, tandem_paused(cli->client), &text);
            text_add(&text, ": ");
            entry_add_values(entry, &text);
            const char *line = text_of(&text);
            print_line(cli->out, "outbox", line == NULL ? "" : line);
            buffer_release(&text);
        }
    }
    json_decref(entries);
}

static void print(struct cli *cli, struct portrait *portrait)
{
    if (cli->json) {
        cli_print_record_json(cli, portrait->json, portrait->mark);
        return;
    }
    (void)text_put(cli->out, portrait->record.entity, 0);
    (void)fprintf(cli->out, "  %s%s%s\n", portrait->record.id, portrait->mark[0] == '\0' ? "" : "  ",
                  portrait->mark);
    for (size_t i = 0; i < portrait->count; i++) {
        if (portrait->lines[i].reference) {
            name_reference(cli, &portrait->lines[i]);
        }
        print_line(cli->out, portrait->lines[i].name, portrait->lines[i].text);
    }
    struct buffer names = {0};
    const char *audience = text_of(&portrait->audience);
    name_audience(cli, audience == NULL ? "" : audience, &names);
    audience = text_of(&names);
    print_line(cli->out, "scope", portrait->record.scope);
    print_line(cli->out, "audience", audience == NULL ? "" : audience);
    buffer_release(&names);
    print_line(cli->out, "", portrait->changed);
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
    buffer_release(&portrait->audience);
}

enum tandem_failure command_show(struct cli *cli, const struct arguments *arguments)
{
    const char *id = arguments->positional[0];
    struct portrait portrait = {.cli = cli};
    struct sighting named;
    enum tandem_failure failure = cli_connect(cli, CLI_READS);
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
        print(cli, &portrait);
    }
    release(&portrait);
    return failure;
}

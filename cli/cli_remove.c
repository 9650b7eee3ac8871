/* remove: a record, and with --all what lives in it.
 *
 * The server lets nothing go that others still live in. When that is its answer for an account or
 * a party, it is asked what there is: assignments of an account are access and go with it, contents
 * stay unless
 * --all is given, and people are never removed by the way. While the copy answers there is no such
 * answer to wait for, so the copy is asked at once. */
#include <string.h>

#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/status.h"

#define WHAT "nothing was removed"
#define BATCH 500u /* changes a mutation may have */
#define KINDS 8u   /* told of in a refusal, and people, and accounts */

struct content {
    char id[TANDEM_ID_TEXT];
};

struct removal {
    struct cli *cli;
    struct sighting record;
    struct content *contents; /* in the order in which they go */
    size_t count, capacity;
    size_t access;       /* of them: assignments */
    uint64_t seen;       /* the newest seq of all that goes */
    struct buffer holds; /* "2 contacts, 1 case" */
    size_t kinds;
    struct buffer custom; /* names of the company's own entities, a line each */
    struct buffer people; /* who belongs to the party */
    size_t people_count;
    bool failed;
};

/* ---- What there is --------------------------------------------------------------------------- */

static bool take_content(void *context, const tandem_record *record)
{
    struct removal *removal = context;
    struct content *contents =
        memory_grow(removal->contents, removal->count, &removal->capacity, sizeof *contents);
    removal->failed = contents == NULL;
    if (removal->failed) {
        return false;
    }
    removal->contents = contents;
    (void)bytes_to_text(bytes_text(tandem_record_id(record)),
                        removal->contents[removal->count++].id, TANDEM_ID_TEXT);
    if (tandem_record_seq(record) > removal->seen) {
        removal->seen = tandem_record_seq(record);
    }
    return true;
}

/* Adds the entity's records whose reference `field` is the record. */
static enum tandem_failure collect(struct removal *removal, const char *entity, const char *field)
{
    tandem_condition condition = {
        .field = field, .op = "=", .text = removal->record.id, .kind = "reference"};
    tandem_query query = {.entity = entity, .where = &condition, .where_count = 1};
    if (cli_query(removal->cli, &query, take_content, removal) != TANDEM_OK) {
        return cli_fault(removal->cli, WHAT, &removal->cli->fault);
    }
    return removal->failed ? cli_no_memory(removal->cli) : TANDEM_DONE;
}

static void add_kind(struct removal *removal, const char *entity, size_t count)
{
    size_t length = strlen(entity);
    bool ies = count != 1 && length > 1 && entity[length - 1] == 'y';
    if (count == 0 || removal->kinds++ > KINDS) {
        return;
    }
    if (removal->kinds > KINDS) {
        text_add(&removal->holds, " and more");
        return;
    }
    text_addf(&removal->holds, "%s%zu %.*s%s", removal->holds.size == 0 ? "" : ", ", count,
              (int)(length - ies), entity,
              count == 1 ? ""
              : ies      ? "ies"
                         : "s");
}

static enum tandem_failure collect_contents(struct removal *removal, const char *entity)
{
    size_t before = removal->count;
    enum tandem_failure failure = collect(removal, entity, "account");
    add_kind(removal, entity, removal->count - before);
    return failure;
}

static bool take_entity(void *context, const tandem_record *record)
{
    struct removal *removal = context;
    const char *home = tandem_record_text(record, "home");
    const char *name = tandem_record_text(record, "name");
    if (name != NULL && home != NULL && strcmp(home, "account") == 0) {
        text_addf(&removal->custom, "%s\n", name);
    }
    return true;
}

static enum tandem_failure collect_custom(struct removal *removal)
{
    tandem_query query = {.entity = "customEntity"};
    if (cli_query(removal->cli, &query, take_entity, removal) != TANDEM_OK) {
        return cli_fault(removal->cli, WHAT, &removal->cli->fault);
    }
    const char *at = text_of(&removal->custom);
    enum tandem_failure failure = at == NULL ? cli_no_memory(removal->cli) : TANDEM_DONE;
    while (failure == TANDEM_DONE && *at != '\0') {
        char name[FIELDS_NAME];
        size_t length = strcspn(at, "\n");
        (void)bytes_to_text(bytes_of(at, length), name, sizeof name);
        failure = collect_contents(removal, name);
        at += length + 1;
    }
    return failure;
}

static enum tandem_failure collect_access(struct removal *removal, const char *field)
{
    size_t before = removal->count;
    enum tandem_failure failure = collect(removal, "assignment", field);
    removal->access = removal->count - before;
    return failure;
}

static enum tandem_failure survey_account(struct removal *removal)
{
    enum tandem_failure failure = TANDEM_DONE;
    tandem_field_info info;
    for (size_t i = 0; i < tandem_entity_count() && failure == TANDEM_DONE; i++) {
        const char *entity = tandem_entity_name(i);
        if (strcmp(entity, "assignment") != 0 && tandem_field_find(entity, "account", &info)) {
            failure = collect_contents(removal, entity);
        }
    }
    if (failure == TANDEM_DONE) {
        failure = collect_custom(removal);
    }
    return failure == TANDEM_DONE ? collect_access(removal, "account") : failure;
}

static bool take_member(void *context, const tandem_record *record)
{
    struct removal *removal = context;
    const char *departments = tandem_record_text(record, "departments");
    const char *partner = tandem_record_text(record, "partner");
    if ((departments == NULL || strstr(departments, removal->record.id) == NULL) &&
        (partner == NULL || strcmp(partner, removal->record.id) != 0)) {
        return true;
    }
    if (removal->people_count < KINDS) {
        text_addf(&removal->people, "%s%s", removal->people_count == 0 ? "" : ", ",
                  tandem_record_title(record));
    } else if (removal->people_count == KINDS) {
        text_add(&removal->people, " and more");
    }
    removal->people_count++;
    return true;
}

static enum tandem_failure survey_party(struct removal *removal)
{
    tandem_query query = {.entity = "user", .sort = "name"};
    if (cli_query(removal->cli, &query, take_member, removal) != TANDEM_OK) {
        return cli_fault(removal->cli, WHAT, &removal->cli->fault);
    }
    return collect_access(removal, "party");
}

/* ---- Refusals -------------------------------------------------------------------------------- */

/* A sentence with the code of the server's own refusal, for programs. */
static enum tandem_failure refuse(struct cli *cli, struct buffer *sentence)
{
    tandem_fault fault = {.code = STATUS_REFERENCED, .change = -1};
    const char *text = text_of(sentence);
    enum tandem_failure failure =
        text == NULL ? cli_no_memory(cli) : cli_fault_in_words(cli, text, &fault);
    buffer_release(sentence);
    return failure;
}

static enum tandem_failure refuse_account(struct removal *removal)
{
    struct buffer text = {0};
    const char *holds = text_of(&removal->holds);
    text_addf(&text, "%s still holds %s. Remove it with all of that: tandem remove %s --all",
              removal->record.title, holds == NULL ? "" : holds, removal->record.id);
    return refuse(removal->cli, &text);
}

static enum tandem_failure refuse_party(struct removal *removal, bool all)
{
    struct buffer text = {0};
    const char *people = text_of(&removal->people);
    const char *title = removal->record.title;
    if (removal->people_count > 0) {
        text_addf(&text, "people still belong to %s: %s. Move them first: tandem user move NAME",
                  title, people == NULL ? "" : people);
    } else if (removal->access > 0 && !all) {
        text_addf(
            &text,
            "%s is still assigned to %zu account%s (tandem list assignment --where party=%s). "
            "Remove it with its access: tandem remove %s --all",
            title, removal->access, removal->access == 1 ? "" : "s", removal->record.id,
            removal->record.id);
    }
    return text.size == 0 ? TANDEM_DONE : refuse(removal->cli, &text);
}

/* ---- Removing -------------------------------------------------------------------------------- */

/* Removes contents from `from` on, as many as fit, and the record itself when they all did. */
static enum tandem_failure remove_batch(struct removal *removal, size_t *from, uint64_t *seq)
{
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(removal->cli);
    }
    size_t left = removal->count - *from;
    size_t size = left < BATCH ? left : BATCH;
    cli_saw(removal->cli, mutation, removal->seen);
    for (size_t i = 0; i < size; i++) { /* cli_send() tells of any failure in building */
        (void)tandem_remove(mutation, removal->contents[*from + i].id);
    }
    if (left < BATCH) {
        (void)tandem_remove(mutation, removal->record.id);
    }
    enum tandem_failure failure =
        cli_send(removal->cli, mutation, *from == 0 ? WHAT : "the removal is not complete", seq);
    tandem_mutation_free(mutation);
    *from += size;
    return failure;
}

static enum tandem_failure remove_all(struct removal *removal)
{
    struct cli *cli = removal->cli;
    uint64_t seq = 0;
    size_t done = 0;
    bool more = true;
    if (removal->count >= BATCH) {
        cli_note(cli, "%zu records are too many for one change: contents go first, %u at a time.",
                 removal->count + 1, BATCH);
    }
    while (more) {
        more = removal->count - done >= BATCH;
        enum tandem_failure failure = remove_batch(removal, &done, &seq);
        if (failure != TANDEM_DONE) {
            return failure;
        }
        if (more) {
            cli_note(cli, "%zu of %zu removed", done, removal->count + 1);
        }
    }
    const char *holds = text_of(&removal->holds);
    bool with = holds != NULL && holds[0] != '\0';
    cli_done(cli, removal->record.id, seq, "Removed %s %s%s%s", removal->record.entity,
             removal->record.title, with ? " with " : "", with ? holds : "");
    return TANDEM_DONE;
}

static bool holds_others(const struct sighting *record)
{
    return strcmp(record->entity, "account") == 0 || strcmp(record->entity, "party") == 0;
}

/* The record alone, silent when others are in the way. The server judges first whether this user
 * may remove it at all. */
static enum tandem_failure remove_alone(struct removal *removal)
{
    struct cli *cli = removal->cli;
    const struct sighting *record = &removal->record;
    uint64_t seq = 0;
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    cli_saw(cli, mutation, record->seq);
    (void)tandem_remove(mutation, record->id); /* cli_send() tells of any failure in building */
    enum tandem_failure failure =
        cli_send_unless(cli, mutation, WHAT,
                        holds_others(record) ? (tandem_code)STATUS_REFERENCED : TANDEM_OK, &seq);
    if (failure == TANDEM_DONE) {
        cli_done(cli, record->id, seq, "Removed %s %s", record->entity, record->title);
    }
    tandem_mutation_free(mutation);
    return failure;
}

static enum tandem_failure remove_with_contents(struct removal *removal, bool all)
{
    bool account = strcmp(removal->record.entity, "account") == 0;
    removal->seen = removal->record.seq;
    enum tandem_failure failure = account ? survey_account(removal) : survey_party(removal);
    if (failure == TANDEM_DONE && !account) {
        failure = refuse_party(removal, all);
    } else if (failure == TANDEM_DONE && !all && removal->holds.size > 0) {
        failure = refuse_account(removal);
    }
    return failure == TANDEM_DONE ? remove_all(removal) : failure;
}

enum tandem_failure command_remove(struct cli *cli, const struct arguments *arguments)
{
    struct removal removal = {.cli = cli};
    enum tandem_failure failure = cli_connect(cli, CLI_CHANGES);
    if (failure == TANDEM_DONE) {
        failure = lookup_account(cli, arguments->positional[0], &removal.record);
    }
    if (failure == TANDEM_DONE) {
        bool surveyed = cli->local && holds_others(&removal.record);
        cli->fault = (tandem_fault){.code = surveyed ? STATUS_REFERENCED : STATUS_OK, .change = -1};
        failure = surveyed ? TANDEM_REFUSED : remove_alone(&removal);
        if (failure != TANDEM_DONE && cli->fault.code == STATUS_REFERENCED &&
            holds_others(&removal.record)) {
            failure = remove_with_contents(&removal, arguments_has(arguments, "all"));
        }
    }
    memory_free(removal.contents);
    buffer_release(&removal.holds);
    buffer_release(&removal.custom);
    buffer_release(&removal.people);
    return failure;
}

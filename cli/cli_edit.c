/* edit: an existing record. */
#include <string.h>

#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_mark.h"
#include "cli/cli_mention.h"
#include "cli/cli_overwrite.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

#define NOT_CHANGED "nothing was changed"

/* A record of a custom entity that is called by another field than its name has a name all the
 * same, the same as that field's value unless somebody gave it one. */
struct title {
    char field[FIELDS_NAME];
    const char *value; /* given for the field */
    bool same;         /* it is the name until now */
};

static bool compare_name(void *context, const tandem_record *record)
{
    struct title *title = context;
    const char *name = tandem_record_text(record, "name");
    const char *called = tandem_record_text(record, title->field);
    title->same = name != NULL && called != NULL && strcmp(name, called) == 0;
    return false;
}

static enum tandem_failure keep_name(struct cli *cli, tandem_mutation *mutation,
                                     const struct arguments *arguments,
                                     const struct sighting *record)
{
    struct title title = {.value = NULL};
    tandem_field_info info;
    if (tandem_field_at(record->entity, 0, &info)) {
        return TANDEM_DONE;
    }
    enum tandem_failure failure = fields_title(cli, record->entity, title.field);
    for (size_t i = 1; i < arguments->count && failure == TANDEM_DONE; i++) {
        char name[FIELDS_NAME];
        const char *value = NULL;
        if (!fields_split(arguments->positional[i], name, &value) || strcmp(name, "name") == 0) {
            return TANDEM_DONE; /* it is given */
        }
        title.value = strcmp(name, title.field) == 0 ? value : title.value;
    }
    if (failure != TANDEM_DONE || title.value == NULL || title.value[0] == '\0') {
        return failure;
    }
    if (cli_fetch(cli, record->id, compare_name, &title) != TANDEM_OK) {
        return cli_fault(cli, NOT_CHANGED, &cli->fault);
    }
    return title.same ? fields_set(cli, mutation, record->entity, "name", title.value, NOT_CHANGED)
                      : TANDEM_DONE;
}

/* The text that a note is given; NULL when it is none, or keeps its text. */
static const char *new_text(const struct arguments *arguments, const struct sighting *record)
{
    const char *text = NULL;
    for (size_t i = 1; i < arguments->count && strcmp(record->entity, "note") == 0; i++) {
        char name[FIELDS_NAME];
        const char *value = NULL;
        if (fields_split(arguments->positional[i], name, &value) && strcmp(name, "text") == 0) {
            text = value;
        }
    }
    return text;
}

static bool take_text(void *context, const tandem_record *record)
{
    char **text = context;
    const char *now = tandem_record_text(record, "text");
    *text = now == NULL ? NULL : text_copy(now);
    return false;
}

/* Says which seq the author saw, so that what others changed meanwhile is not lost. */
static enum tandem_failure send_edit(struct cli *cli, const struct arguments *arguments,
                                     const struct sighting *record, tandem_mutation *mutation)
{
    uint64_t seq = 0;
    const char *text = new_text(arguments, record);
    char *before = NULL;
    enum tandem_failure failure = TANDEM_DONE;
    if (text != NULL && cli_fetch(cli, record->id, take_text, &before) != TANDEM_OK) {
        return cli_fault(cli, NOT_CHANGED, &cli->fault);
    }
    if (arguments_has(arguments, "base")) {
        tandem_set_base(mutation, record->seq);
    } else {
        cli_saw(cli, mutation, record->seq);
    }
    tandem_set_overwrite(mutation, arguments_has(arguments, "overwrite"));
    if (tandem_update(mutation, record->entity, record->id) != TANDEM_OK) {
        tandem_mutation_fault(mutation, &cli->fault);
        failure = cli_fault(cli, NOT_CHANGED, &cli->fault);
    }
    for (size_t i = 1; i < arguments->count && failure == TANDEM_DONE; i++) {
        failure =
            fields_assign(cli, mutation, record->entity, arguments->positional[i], NOT_CHANGED);
    }
    if (failure == TANDEM_DONE) {
        failure = keep_name(cli, mutation, arguments, record);
    }
    if (failure == TANDEM_DONE) {
        failure = cli_send(cli, mutation, NOT_CHANGED, &seq);
    }
    if (failure == TANDEM_DONE && cli->entry == 0 && arguments_has(arguments, "overwrite")) {
        json_t *overwrote = overwrite_find(cli, record->id, record->seq, seq);
        cli->overwrote =
            json_array_size(overwrote) == 0 ? NULL : json_pack("{s:O}", "overwrote", overwrote);
        json_decref(overwrote);
    }
    if (failure == TANDEM_DONE) {
        cli->conflict = mark_conflict(cli, record->id);
        cli_done(cli, record->id, seq, "Changed %s %s", record->entity, record->title);
    }
    if (failure == TANDEM_DONE && text != NULL) {
        mention_tell(cli, record->id, before, text, false);
    }
    memory_free(before);
    return failure;
}

enum tandem_failure command_edit(struct cli *cli, const struct arguments *arguments)
{
    struct sighting record;
    char name[FIELDS_NAME];
    const char *value = NULL;
    unsigned long base = 0;
    const char *base_text = arguments_value(arguments, "base");
    for (size_t i = 1; i < arguments->count; i++) {
        if (!fields_split(arguments->positional[i], name, &value)) {
            return cli_usage(cli, "\"%s\" is not FIELD=VALUE", arguments->positional[i]);
        }
    }
    if (base_text != NULL && !arguments_number(base_text, 1, (unsigned long)INT64_MAX, &base)) {
        return cli_usage(cli, "--base is the seq of the record as you saw it");
    }
    enum tandem_failure failure = cli_connect(cli, CLI_CHANGES);
    if (failure == TANDEM_DONE) {
        failure = lookup_account(cli, arguments->positional[0], &record);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    /* What the copy has not received may have been seen elsewhere. */
    if (base > record.seq && !cli->local) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          NOT_CHANGED ": --base %lu is newer than the record, whose seq is %llu. See: "
                                      "tandem show %s",
                          base, (unsigned long long)record.seq, record.id);
    }
    record.seq = base_text == NULL ? record.seq : base;
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    failure = send_edit(cli, arguments, &record, mutation);
    tandem_mutation_free(mutation);
    return failure;
}

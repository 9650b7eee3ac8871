/* edit: an existing record. */
#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_mark.h"

#define NOT_CHANGED "nothing was changed"

/* Says which seq the author saw, so that what others changed meanwhile is not lost. */
static enum tandem_failure send_edit(struct cli *cli, const struct arguments *arguments,
                                     const struct sighting *record, tandem_mutation *mutation)
{
    uint64_t seq = 0;
    enum tandem_failure failure = TANDEM_DONE;
    if (arguments_has(arguments, "base")) {
        tandem_set_base(mutation, record->seq);
    } else {
        cli_saw(cli, mutation, record->seq);
    }
    tandem_set_overwrite(mutation, arguments_has(arguments, "overwrite"));
    if (tandem_update(mutation, record->entity, record->id) != TANDEM_OK) {
        tandem_mutation_fault(mutation, &cli->fault);
        return cli_fault(cli, NOT_CHANGED, &cli->fault);
    }
    for (size_t i = 1; i < arguments->count && failure == TANDEM_DONE; i++) {
        failure =
            fields_assign(cli, mutation, record->entity, arguments->positional[i], NOT_CHANGED);
    }
    if (failure == TANDEM_DONE) {
        failure = cli_send(cli, mutation, NOT_CHANGED, &seq);
    }
    if (failure == TANDEM_DONE) {
        cli->conflict = mark_conflict(cli, record->id);
        cli_done(cli, record->id, seq, "Changed %s %s", record->entity, record->title);
    }
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
    record.seq = base_text == NULL ? record.seq : base;
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    failure = send_edit(cli, arguments, &record, mutation);
    tandem_mutation_free(mutation);
    return failure;
}

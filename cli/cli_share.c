/* share and unshare: who may see a record. */
#include <string.h>

#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "cli/cli_text.h"

struct sharing {
    const struct sighting *record;
    bool remove;
    char kind[32];         /* of the party at hand */
    char name[LOOKUP_NAME];
    struct buffer through; /* tags that let it see the record still */
    bool assigned;
};

static bool take_party(void *context, const tandem_record *record)
{
    struct sharing *sharing = context;
    const char *kind = tandem_record_text(record, "kind");
    (void)snprintf(sharing->kind, sizeof sharing->kind, "%s", kind == NULL ? "" : kind);
    (void)bytes_to_text(bytes_text(tandem_record_title(record)), sharing->name,
                        sizeof sharing->name);
    return false;
}

static bool take_audience(void *context, const tandem_record *record)
{
    struct sharing *sharing = context;
    bool department = strcmp(sharing->kind, "department") == 0;
    for (size_t i = 0; i < tandem_record_audience_count(record); i++) {
        const char *tag = tandem_record_audience(record, i);
        size_t length = strlen(sharing->kind);
        bool of_kind = !department && length > 0 && strncmp(tag, sharing->kind, length) == 0 &&
                       strcmp(tag + length, "s") == 0; /* supplier, suppliers */
        if (of_kind || strcmp(tag, department ? "internal" : "partners") == 0) {
            text_addf(&sharing->through, "%s%s", sharing->through.size == 0 ? "" : " and ", tag);
        }
    }
    return false;
}

static bool take_assignment(void *context, const tandem_record *record)
{
    struct sharing *sharing = context;
    const char *status = tandem_record_text(record, "status");
    sharing->assigned = sharing->assigned || status == NULL || strcmp(status, "Active") == 0;
    return true;
}

static void tell_unassigned(struct cli *cli, struct sharing *sharing, const char *party)
{
    const struct sighting *record = sharing->record;
    const char *home = strcmp(record->entity, "account") == 0 ? record->id : record->account;
    tandem_condition conditions[] = {{.field = "account", .op = "=", .text = home},
                                     {.field = "party", .op = "=", .text = party}};
    tandem_query query = {.entity = "assignment", .where = conditions, .where_count = 2};
    sharing->assigned = false;
    if (home[0] != '\0' && cli_query(cli, &query, take_assignment, sharing) == TANDEM_OK &&
        !sharing->assigned) {
        cli_note(cli, "%s will see it once assigned: tandem assign \"%s\" %s --level view",
                 sharing->name, sharing->name, home);
    }
}

/* What the change means for a party that was named: remarks, so that failing to ask is no harm. */
static enum tandem_failure remark(struct cli *cli, const char *name, void *context)
{
    struct sharing *sharing = context;
    char tag[LOOKUP_TAG];
    enum tandem_failure failure = lookup_tag(cli, name, tag);
    const char *party = failure == TANDEM_DONE ? strchr(tag, ':') : NULL;
    sharing->kind[0] = '\0';
    buffer_clear(&sharing->through);
    if (party == NULL || cli_fetch(cli, party + 1, take_party, sharing) != TANDEM_OK ||
        sharing->kind[0] == '\0') {
        return failure;
    }
    if (!sharing->remove && strcmp(sharing->kind, "department") != 0) {
        tell_unassigned(cli, sharing, party + 1);
    } else if (sharing->remove &&
               cli_fetch(cli, sharing->record->id, take_audience, sharing) == TANDEM_OK &&
               sharing->through.size > 0) {
        const char *through = text_of(&sharing->through);
        cli_note(cli, "%s may still see it, as one of: %s", sharing->name,
                 through == NULL ? "" : through);
    }
    return TANDEM_DONE;
}

static void remark_each(struct cli *cli, const struct arguments *arguments, const char *option,
                        struct sharing *sharing)
{
    size_t count = cli->json ? 0 : arguments_repeats(arguments, option);
    for (size_t i = 0; i < count; i++) {
        (void)lookup_each_name(cli, "party", arguments_nth(arguments, option, i), remark, sharing);
    }
    buffer_release(&sharing->through);
}

static enum tandem_failure change_audience(struct cli *cli, const struct arguments *arguments,
                                           const char *option, bool remove)
{
    struct sighting record;
    const char *what = remove ? "nothing was unshared" : "nothing was shared";
    uint64_t seq = 0;
    size_t count = arguments_repeats(arguments, option);
    if (count == 0) {
        return cli_usage(cli, "say %s whom: --%s suppliers, distributors, partners, internal, or the "
                              "name of a department or partner",
                         remove ? "from" : "with", option);
    }
    enum tandem_failure failure = cli_connect(cli, CLI_CHANGES);
    if (failure == TANDEM_DONE) {
        failure = lookup_account(cli, arguments->positional[0], &record);
    }
    tandem_mutation *mutation = failure == TANDEM_DONE ? tandem_mutation_new() : NULL;
    if (mutation == NULL) {
        return failure == TANDEM_DONE ? cli_no_memory(cli) : failure;
    }
    (void)tandem_share(mutation, record.id); /* an error is told when sending */
    for (size_t i = 0; i < count && failure == TANDEM_DONE; i++) {
        failure = fields_audience(cli, mutation, arguments_nth(arguments, option, i), remove);
    }
    if (failure == TANDEM_DONE) {
        failure = cli_send(cli, mutation, what, &seq);
    }
    if (failure == TANDEM_DONE) {
        cli_done(cli, record.id, seq, remove ? "No longer shared." : "Shared.");
        struct sharing sharing = {.record = &record, .remove = remove};
        remark_each(cli, arguments, option, &sharing);
    }
    tandem_mutation_free(mutation);
    return failure;
}

enum tandem_failure command_share(struct cli *cli, const struct arguments *arguments)
{
    return change_audience(cli, arguments, "with", false);
}

enum tandem_failure command_unshare(struct cli *cli, const struct arguments *arguments)
{
    return change_audience(cli, arguments, "from", true);
}

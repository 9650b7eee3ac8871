/* share and unshare: who may see a record. */
#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"

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
    enum tandem_failure failure = cli_connect(cli, NULL);
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

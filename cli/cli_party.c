/* party add, party list; entity add, field add: what an administrator sets up. */
#include <string.h>

#include "cli/cli_fields.h"
#include "cli/cli_list.h"
#include "cli/cli_list_of_commands.h"

/* Creates a record of `entity` from pairs of field and value (NULL values are left out). */
static enum tandem_failure create(struct cli *cli, const char *entity, const char *pairs[][2],
                                  const char *name)
{
    static const char what[] = "nothing was added";
    char id[TANDEM_ID_TEXT] = "";
    uint64_t seq = 0;
    enum tandem_failure failure = cli_connect(cli, CLI_CHANGES);
    tandem_mutation *mutation = failure == TANDEM_DONE ? tandem_mutation_new() : NULL;
    if (mutation == NULL) {
        return failure == TANDEM_DONE ? cli_no_memory(cli) : failure;
    }
    (void)tandem_create(mutation, entity, id); /* an error is told when sending */
    failure = fields_set_pairs(cli, mutation, entity, pairs, what);
    if (failure == TANDEM_DONE) {
        failure = cli_send(cli, mutation, what, &seq);
    }
    if (failure == TANDEM_DONE) {
        cli_done(cli, id, seq, "Added %s %s  %s", entity, name, id);
    }
    tandem_mutation_free(mutation);
    return failure;
}

enum tandem_failure command_party_add(struct cli *cli, const struct arguments *arguments)
{
    const char *kind = arguments_value(arguments, "kind");
    if (kind == NULL) {
        return cli_usage(cli, "say what they are: --kind department, supplier, distributor, reseller, "
                              "agency or other");
    }
    const char *pairs[][2] = {
        {"name", arguments->positional[0]},
        {"kind", kind},
        {"emailDomain", arguments_value(arguments, "email-domain")},
        {"externalId", arguments_value(arguments, "external-id")},
        {NULL, NULL},
    };
    return create(cli, "party", pairs, arguments->positional[0]);
}

enum tandem_failure command_party_list(struct cli *cli, const struct arguments *arguments)
{
    tandem_query query = {.entity = "party", .sort = "name"};
    (void)arguments;
    enum tandem_failure failure = cli_connect(cli, CLI_READS);
    return failure == TANDEM_DONE ? list_print(cli, &query, "name,kind,emailDomain,externalId")
                                  : failure;
}

enum tandem_failure command_entity_add(struct cli *cli, const struct arguments *arguments)
{
    const char *home = arguments_value(arguments, "home");
    const char *pairs[][2] = {
        {"name", arguments->positional[0]},
        {"label", arguments_value(arguments, "label")},
        {"home", home == NULL ? "library" : home},
        {"audience", arguments_value(arguments, "audience")},
        {"titleField", arguments_value(arguments, "title")},
        {NULL, NULL},
    };
    return create(cli, "customEntity", pairs, arguments->positional[0]);
}

enum tandem_failure command_field_add(struct cli *cli, const struct arguments *arguments)
{
    const char *kind = arguments_value(arguments, "kind");
    char key[2 * FIELDS_NAME];
    if (kind == NULL) {
        return cli_usage(cli, "say what it holds: --kind text, longText, integer, date, enum, ...");
    }
    int size = snprintf(key, sizeof key, "%s.%s", arguments->positional[0],
                        arguments->positional[1]);
    if (size < 0 || (size_t)size >= sizeof key) {
        return cli_usage(cli, "the name is too long");
    }
    const char *pairs[][2] = {
        {"key", key},
        {"entity", arguments->positional[0]},
        {"name", arguments->positional[1]},
        {"kind", kind},
        {"label", arguments_value(arguments, "label")},
        {"class", arguments_value(arguments, "class")},
        {"values", arguments_value(arguments, "values")},
        {"target", arguments_value(arguments, "target")},
        {"departments", arguments_value(arguments, "departments")},
        {"required", arguments_has(arguments, "required") ? "true" : NULL},
        {NULL, NULL},
    };
    return create(cli, "customField", pairs, key);
}

/* add: a new record. */
#include <string.h>

#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_local.h"
#include "cli/cli_lookup.h"
#include "cli/cli_mention.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

#define WHAT "nothing was added"

static enum tandem_failure set_fields(struct cli *cli, tandem_mutation *mutation,
                                      const struct arguments *arguments)
{
    const char *entity = arguments->positional[0];
    const char *account = arguments_value(arguments, "account");
    const char *audience = arguments_value(arguments, "audience");
    const char *scope = arguments_value(arguments, "scope");
    enum tandem_failure failure = TANDEM_DONE;
    for (size_t i = 1; i < arguments->count && failure == TANDEM_DONE; i++) {
        failure = fields_assign(cli, mutation, entity, arguments->positional[i], WHAT);
    }
    if (failure == TANDEM_DONE && account != NULL) {
        failure = fields_set(cli, mutation, entity, "account", account, WHAT);
    }
    if (failure == TANDEM_DONE && audience != NULL) {
        failure = fields_audience(cli, mutation, audience, false);
    }
    if (failure == TANDEM_DONE && scope != NULL &&
        tandem_set_scope(mutation, scope) != TANDEM_OK) {
        failure = cli_usage(cli, "%s is no scope: write party:ID, user:ID or library", scope);
    }
    return failure;
}

/* Fields are checked for their form before anything is connected. */
static enum tandem_failure check_form(struct cli *cli, const struct arguments *arguments)
{
    char name[FIELDS_NAME];
    const char *value = NULL;
    for (size_t i = 1; i < arguments->count; i++) {
        if (!fields_split(arguments->positional[i], name, &value)) {
            return cli_usage(cli, "\"%s\" is not FIELD=VALUE", arguments->positional[i]);
        }
    }
    return TANDEM_DONE;
}

/* The value given for a field; NULL when none is. */
static const char *given(const struct arguments *arguments, const char *field)
{
    char name[FIELDS_NAME];
    const char *value = NULL;
    for (size_t i = 1; i < arguments->count; i++) {
        if (fields_split(arguments->positional[i], name, &value) && strcmp(name, field) == 0) {
            return value;
        }
    }
    return NULL;
}

static const char *title_of(const struct arguments *arguments, const char *title_field)
{
    const char *const titles[] = {title_field, "name", "subject", "lastName", "number", "text"};
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        const char *value = given(arguments, titles[i]);
        if (value != NULL) {
            return value;
        }
    }
    return "";
}

/* Every custom entity has a name, which the server requires. Of one that is called by another field
 * it is that field's value, unless it is given. */
static enum tandem_failure complete_name(struct cli *cli, tandem_mutation *mutation,
                                         const struct arguments *arguments, const char *title_field)
{
    const char *entity = arguments->positional[0];
    tandem_field_info info;
    if (tandem_field_at(entity, 0, &info) || given(arguments, "name") != NULL ||
        strcmp(title_field, "name") == 0) {
        return TANDEM_DONE;
    }
    const char *title = given(arguments, title_field);
    return title == NULL ? cli_refuse(cli, TANDEM_REFUSED, WHAT ": a %s is called by its %s: write "
                                                                "%s=...",
                                      entity, title_field, title_field)
                         : fields_set(cli, mutation, entity, "name", title, WHAT);
}

/* Whoever is told that this is for departments only is told as well how it then comes to them. */
static enum tandem_failure send_new(struct cli *cli, const tandem_mutation *mutation,
                                    const char *entity, uint64_t *seq)
{
    bool outsider =
        strcmp(entity, "account") == 0 && strcmp(local_role(cli), "Partner") == 0;
    tandem_code silent = outsider ? (tandem_code)STATUS_DENIED : TANDEM_OK;
    enum tandem_failure failure = cli_send_unless(cli, mutation, WHAT, silent, seq);
    if (failure != TANDEM_DONE && outsider && cli->fault.code == STATUS_DENIED) {
        const tandem_fault fault = cli->fault;
        failure = cli_fault_in_words(cli,
                                     WHAT ": accounts are added by the departments of the company, "
                                          "which give partners access to them",
                                     &fault);
    }
    return failure;
}

/* What the record is called; a person by both names. */
static void tell_added(struct cli *cli, const struct arguments *arguments, const char *title_field,
                       const char *id, uint64_t seq)
{
    const char *entity = arguments->positional[0];
    const char *title = title_of(arguments, title_field);
    const char *first =
        strcmp(title_field, "lastName") == 0 ? given(arguments, "firstName") : NULL;
    first = first == NULL ? "" : first;
    cli_done(cli, id, seq, "Added %s%s%s%s%s  %s", entity, first[0] == '\0' ? "" : " ", first,
             title[0] == '\0' ? "" : " ", title, id);
    if (strcmp(entity, "note") == 0 && given(arguments, "text") != NULL) {
        mention_tell(cli, id, NULL, given(arguments, "text"), false);
    }
}

enum tandem_failure command_add(struct cli *cli, const struct arguments *arguments)
{
    const char *entity = arguments->positional[0];
    char id[TANDEM_ID_TEXT] = "";
    char title_field[FIELDS_NAME];
    uint64_t seq = 0;
    enum tandem_failure failure = check_form(cli, arguments);
    if (failure == TANDEM_DONE) {
        failure = cli_connect(cli, CLI_CHANGES);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    tandem_code code = tandem_create(mutation, entity, id);
    if (code != TANDEM_OK) {
        tandem_mutation_fault(mutation, &cli->fault);
        cli->fault.code = code;
        failure = cli_fault(cli, WHAT, &cli->fault);
    }
    if (failure == TANDEM_DONE) {
        failure = set_fields(cli, mutation, arguments);
    }
    if (failure == TANDEM_DONE) {
        failure = fields_title(cli, entity, title_field);
    }
    if (failure == TANDEM_DONE) {
        failure = complete_name(cli, mutation, arguments, title_field);
    }
    if (failure == TANDEM_DONE) {
        failure = send_new(cli, mutation, entity, &seq);
    }
    if (failure == TANDEM_DONE) {
        tell_added(cli, arguments, title_field, id, seq);
    }
    tandem_mutation_free(mutation);
    return failure;
}

/* conflicts: what somebody else changed at the same time; resolve: and which value it is to be. */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_outbox.h"
#include "cli/cli_settle.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

#define NOT_RESOLVED "nothing was settled"

static void print_entry(struct cli *cli, const json_t *entry)
{
    struct buffer text = {0};
    text_addf(&text, "entry %llu  ", (unsigned long long)entry_number(entry));
    entry_add_what(entry, &text);
    const char *line = text_of(&text);
    (void)text_put(cli->out, line == NULL ? "" : line, 0);
    (void)fputc('\n', cli->out);
    buffer_release(&text);
    entry_print_conflicts(entry, cli->out);
    entry_print_next_step(entry, cli->out);
}

enum tandem_failure command_conflicts(struct cli *cli, const struct arguments *arguments)
{
    bool empty = false;
    size_t index = 0;
    json_t *entry = NULL;
    (void)arguments;
    enum tandem_failure failure = outbox_open(cli, &empty);
    json_t *entries = NULL;
    if (failure == TANDEM_DONE && !empty) {
        entries = entry_read_all(cli, ENTRY_BIT(TANDEM_ENTRY_CONFLICT));
        failure = entries == NULL ? TANDEM_REFUSED : TANDEM_DONE;
    }
    json_array_foreach(entries, index, entry) {
        if (cli->json) {
            entry_print_json(entry, cli->out);
        } else {
            print_entry(cli, entry);
        }
    }
    if (failure == TANDEM_DONE && index == 0) {
        cli_note(cli, "There is none.");
    }
    json_decref(entries);
    if (!empty && failure == TANDEM_DONE &&
        tandem_outbox_count(cli->client, ENTRY_BIT(TANDEM_ENTRY_REFUSED)) > 0) {
        cli_note(cli, "What was refused for other reasons: tandem outbox");
    }
    return failure;
}

/* ---- resolve --------------------------------------------------------------------------------- */

enum choice { CHOICE_MINE, CHOICE_THEIRS, CHOICE_SET };
static const char *const choice_names[] = {"mine", "theirs", "set"};

/* The first conflict's change of the entry; NULL when they are of several records. */
static const json_t *conflicting_record(const json_t *entry)
{
    const json_t *found = NULL;
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change) {
        if (!json_is_true(json_object_get(change, "conflict"))) {
            continue;
        }
        if (found != NULL && strcmp(json_string_value(json_object_get(found, "id")),
                                    json_string_value(json_object_get(change, "id"))) != 0) {
            return NULL;
        }
        found = found == NULL ? change : found;
    }
    return found;
}

static enum tandem_failure fill(struct cli *cli, const struct arguments *arguments,
                                const json_t *record, tandem_mutation *mutation)
{
    const char *entity = json_string_value(json_object_get(record, "entity"));
    enum tandem_failure failure = TANDEM_DONE;
    const char *assignment = NULL;
    (void)tandem_update(mutation, entity, json_string_value(json_object_get(record, "id")));
    for (size_t i = 0; failure == TANDEM_DONE &&
                       (assignment = arguments_nth(arguments, "set", i)) != NULL;
         i++) {
        failure = fields_assign(cli, mutation, entity, assignment, NOT_RESOLVED);
    }
    return failure;
}

static enum tandem_failure resolve_with(struct cli *cli, const struct arguments *arguments,
                                        const json_t *entry, tandem_code *code)
{
    const json_t *record = conflicting_record(entry);
    if (record == NULL) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "entry %llu is in conflict about several records; settle it with --mine or "
                          "--theirs",
                          (unsigned long long)entry_number(entry));
    }
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    enum tandem_failure failure = fill(cli, arguments, record, mutation);
    if (failure == TANDEM_DONE) {
        *code = tandem_resolve_with(cli->client, entry_number(entry), mutation);
    }
    tandem_mutation_free(mutation);
    return failure;
}

static void tell_resolved(struct cli *cli, const json_t *entry, enum choice choice,
                          const char *made)
{
    static const char *const sentences[] = {"your values", "their values", "the values given"};
    unsigned long long number = entry_number(entry);
    uint64_t newest = entry_newest(cli);
    uint64_t pending = newest > number ? newest : 0; /* what it left to be sent */
    if (cli->json) {
        json_t *object = json_pack("{s:I, s:s}", "entry", (json_int_t)number, "resolved",
                                   choice_names[choice]);
        if (object != NULL && made[0] != '\0') {
            (void)json_object_set_new(object, "id", json_string(made));
        }
        if (object != NULL && pending != 0) {
            (void)json_object_set_new(object, "pending", json_integer((json_int_t)pending));
        }
        entry_print_json(object, cli->out);
        json_decref(object);
        return;
    }
    (void)fprintf(cli->out, "Settled entry %llu with %s", number, sentences[choice]);
    if (made[0] != '\0') {
        (void)fprintf(cli->out, ", as a new record %s", made);
    }
    if (pending != 0) {
        (void)fprintf(cli->out, "  (pending, entry %llu)", (unsigned long long)pending);
    }
    (void)fputc('\n', cli->out);
}

static enum tandem_failure resolve(struct cli *cli, const struct arguments *arguments,
                                   const json_t *entry, enum choice choice)
{
    char made[TANDEM_ID_TEXT] = "";
    tandem_code code = TANDEM_OK;
    enum tandem_failure failure = TANDEM_DONE;
    if (choice == CHOICE_MINE) {
        code = tandem_resolve_mine(cli->client, entry_number(entry), made);
    } else if (choice == CHOICE_THEIRS) {
        code = tandem_resolve_theirs(cli->client, entry_number(entry));
    } else {
        failure = resolve_with(cli, arguments, entry, &code);
    }
    if (failure == TANDEM_DONE && code != TANDEM_OK) {
        tandem_last_fault(cli->client, &cli->fault);
        cli->fault.code = code;
        failure = cli_fault(cli, NOT_RESOLVED, &cli->fault);
    }
    if (failure == TANDEM_DONE) {
        tell_resolved(cli, entry, choice, made);
    }
    return failure;
}

static enum tandem_failure read_choice(struct cli *cli, const struct arguments *arguments,
                                       enum choice *out)
{
    char name[FIELDS_NAME];
    const char *value = NULL;
    const char *assignment = NULL;
    size_t given = 0;
    for (size_t i = 0; i < sizeof choice_names / sizeof choice_names[0]; i++) {
        if (arguments_has(arguments, choice_names[i])) {
            *out = (enum choice)i;
            given++;
        }
    }
    if (given != 1) {
        return cli_usage(cli, "say which value it is to be: --mine, --theirs or --set FIELD=VALUE");
    }
    for (size_t i = 0; (assignment = arguments_nth(arguments, "set", i)) != NULL; i++) {
        if (!fields_split(assignment, name, &value)) {
            return cli_usage(cli, "\"%s\" is not FIELD=VALUE", assignment);
        }
    }
    return TANDEM_DONE;
}

enum tandem_failure command_resolve(struct cli *cli, const struct arguments *arguments)
{
    enum choice choice = CHOICE_MINE;
    json_t *entry = NULL;
    enum tandem_failure failure = read_choice(cli, arguments, &choice);
    if (failure == TANDEM_DONE && !cli->profile.signed_in) {
        failure = cli_refuse_signed_out(cli);
    }
    if (failure == TANDEM_DONE) {
        failure = outbox_find(cli, arguments->positional[0], ENTRY_BIT(TANDEM_ENTRY_CONFLICT),
                              &entry);
    }
    if (failure == TANDEM_DONE) {
        failure = resolve(cli, arguments, entry, choice);
    }
    json_decref(entry);
    if (failure == TANDEM_DONE && tandem_outbox_count(cli->client, ENTRY_OPEN) > 0) {
        failure = settling_now(cli);
    }
    return failure;
}

/* conflicts: what somebody else changed at the same time; resolve: and which value it is to be. */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_outbox.h"
#include "cli/cli_overwrite.h"
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
    json_array_foreach(entries, index, entry)
    {
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

enum choice { CHOICE_MINE, CHOICE_THEIRS, CHOICE_SET, CHOICE_NONE };
static const char *const choice_names[] = {"mine", "theirs", "set"};

/* Other values make sense where fields of one record were edited, and it is still there. */
static enum tandem_failure check_editable(struct cli *cli, const json_t *entry)
{
    const json_t *changes = json_object_get(entry, "changes");
    const char *id = cli_member(json_array_get(changes, 0), "id");
    unsigned long long number = entry_number(entry);
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(changes, index, change)
    {
        if (strcmp(cli_member(change, "id"), id) != 0) {
            return cli_refuse(cli, TANDEM_REFUSED,
                              "entry %llu changes several records; settle it with --mine or "
                              "--theirs",
                              number);
        }
        if (strcmp(cli_member(change, "op"), "update") != 0) {
            return cli_refuse(cli, TANDEM_REFUSED,
                              "entry %llu is not about values; settle it with --mine or --theirs",
                              number);
        }
        if (cli_member(change, "field")[0] == '\0') {
            return cli_refuse(cli, TANDEM_REFUSED,
                              "the record was deleted: --mine makes a new one of what you wrote, "
                              "--theirs lets it be");
        }
    }
    return TANDEM_DONE;
}

/* The field of "field=value", by its proper name where the entity knows another. */
static bool split(const json_t *entry, const char *assignment, char name[FIELDS_NAME])
{
    const char *value = NULL;
    tandem_field_info info;
    const char *entity = cli_member(json_array_get(json_object_get(entry, "changes"), 0), "entity");
    if (!fields_split(assignment, name, &value)) {
        return false;
    }
    if (tandem_field_find(entity, name, &info)) {
        (void)snprintf(name, FIELDS_NAME, "%s", info.name);
    }
    return true;
}

static bool is_in_conflict(const json_t *entry, const char *field)
{
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (json_is_true(json_object_get(change, "conflict")) &&
            strcmp(cli_member(change, "field"), field) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_given(const struct arguments *arguments, const json_t *entry, const char *field)
{
    char name[FIELDS_NAME];
    const char *assignment = NULL;
    for (size_t i = 0; (assignment = arguments_nth(arguments, "set", i)) != NULL; i++) {
        if (split(entry, assignment, name) && strcmp(name, field) == 0) {
            return true;
        }
    }
    return false;
}

/* Each field in conflict is decided, and no other one is changed in passing. */
static enum tandem_failure check_given(struct cli *cli, const struct arguments *arguments,
                                       const json_t *entry)
{
    char name[FIELDS_NAME];
    const char *assignment = NULL;
    size_t index = 0;
    json_t *change = NULL;
    for (size_t i = 0; (assignment = arguments_nth(arguments, "set", i)) != NULL; i++) {
        if (split(entry, assignment, name) && !is_in_conflict(entry, name)) {
            return cli_refuse(cli, TANDEM_REFUSED,
                              "%s is not in conflict in entry %llu. See: tandem outbox show %llu",
                              name, (unsigned long long)entry_number(entry),
                              (unsigned long long)entry_number(entry));
        }
    }
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        const char *field = cli_member(change, "field");
        if (json_is_true(json_object_get(change, "conflict")) && !is_given(arguments, entry, field)) {
            return cli_refuse(cli, TANDEM_REFUSED,
                              "%s is still undecided: --set %s=..., or --mine, or --theirs", field,
                              field);
        }
    }
    return TANDEM_DONE;
}

/* The author's value as it was read before: no names in it stand for ids any more. */
static enum tandem_failure set_mine(struct cli *cli, tandem_mutation *mutation,
                                    const json_t *change)
{
    struct field_facts facts;
    enum tandem_failure failure =
        fields_facts(cli, cli_member(change, "entity"), cli_member(change, "field"), &facts);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    const char *mine = cli_member(change, "mine"); /* "" clears, as it did */
    tandem_code code = facts.custom ? tandem_set_kind(mutation, facts.name, facts.kind, mine)
                                    : tandem_set_text(mutation, facts.name, mine);
    if (code != TANDEM_OK) {
        tandem_mutation_fault(mutation, &cli->fault);
        cli->fault.code = code;
        failure = cli_fault(cli, NOT_RESOLVED, &cli->fault);
    }
    return failure;
}

/* The values given, and what of the entry was not in conflict. */
static enum tandem_failure fill(struct cli *cli, const struct arguments *arguments,
                                const json_t *entry, tandem_mutation *mutation)
{
    const json_t *changes = json_object_get(entry, "changes");
    const json_t *first = json_array_get(changes, 0);
    enum tandem_failure failure = TANDEM_DONE;
    const char *assignment = NULL;
    size_t index = 0;
    json_t *change = NULL;
    (void)tandem_update(mutation, cli_member(first, "entity"), cli_member(first, "id"));
    json_array_foreach(changes, index, change)
    {
        if (failure == TANDEM_DONE && !json_is_true(json_object_get(change, "conflict"))) {
            failure = set_mine(cli, mutation, change);
        }
    }
    for (size_t i = 0;
         failure == TANDEM_DONE && (assignment = arguments_nth(arguments, "set", i)) != NULL; i++) {
        failure =
            fields_assign(cli, mutation, cli_member(first, "entity"), assignment, NOT_RESOLVED);
    }
    return failure;
}

static enum tandem_failure resolve_with(struct cli *cli, const struct arguments *arguments,
                                        const json_t *entry, tandem_code *code)
{
    enum tandem_failure failure = check_editable(cli, entry);
    failure = failure == TANDEM_DONE ? check_given(cli, arguments, entry) : failure;
    tandem_mutation *mutation = failure == TANDEM_DONE ? tandem_mutation_new() : NULL;
    if (mutation == NULL) {
        return failure == TANDEM_DONE ? cli_no_memory(cli) : failure;
    }
    failure = fill(cli, arguments, entry, mutation);
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
    uint64_t pending = tandem_last_entry(cli->client); /* what it left to be sent */
    if (cli->json) {
        json_t *object =
            json_pack("{s:I, s:s}", "entry", (json_int_t)number, "resolved", choice_names[choice]);
        if (object != NULL && made[0] != '\0') {
            (void)json_object_set_new(object, "id", json_string(made));
        }
        if (object != NULL && pending != 0) {
            (void)json_object_set_new(object, "pending", json_integer((json_int_t)pending));
        }
        if (object != NULL && choice != CHOICE_THEIRS) {
            overwrite_note_theirs(object, entry);
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
    if (choice != CHOICE_THEIRS) {
        json_t *object = json_object();
        overwrite_note_theirs(object, entry);
        overwrite_print(object, "replaces", cli->out);
        json_decref(object);
    }
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
    if (given > 1) {
        return cli_usage(cli, "choose one of --mine, --theirs and --set");
    }
    if (given == 0) {
        *out = CHOICE_NONE;
    }
    for (size_t i = 0; (assignment = arguments_nth(arguments, "set", i)) != NULL; i++) {
        if (!fields_split(assignment, name, &value)) {
            return cli_usage(cli, "\"%s\" is not FIELD=VALUE", assignment);
        }
    }
    return TANDEM_DONE;
}

/* Nothing was chosen: what there is to choose from, all of it. */
static enum tandem_failure ask_choice(struct cli *cli, const struct arguments *arguments)
{
    json_t *entry = NULL;
    if (cli->profile.signed_in && !cli->json) {
        enum tandem_failure failure = outbox_find(
            cli, arguments->positional[0], ENTRY_BIT(TANDEM_ENTRY_CONFLICT) | ENTRY_NEWEST, &entry);
        if (failure != TANDEM_DONE) {
            return failure;
        }
        print_entry(cli, entry);
        json_decref(entry);
    }
    return cli_usage(cli, "say which value it is to be: --mine, --theirs or --set FIELD=VALUE");
}

enum tandem_failure command_resolve(struct cli *cli, const struct arguments *arguments)
{
    enum choice choice = CHOICE_MINE;
    json_t *entry = NULL;
    enum tandem_failure failure = read_choice(cli, arguments, &choice);
    if (failure == TANDEM_DONE && choice == CHOICE_NONE) {
        return ask_choice(cli, arguments);
    }
    if (failure == TANDEM_DONE && !cli->profile.signed_in) {
        failure = cli_refuse_signed_out(cli);
    }
    if (failure == TANDEM_DONE) {
        failure = outbox_find(cli, arguments->positional[0],
                              ENTRY_BIT(TANDEM_ENTRY_CONFLICT) | ENTRY_NEWEST, &entry);
    }
    /* What is chosen is chosen against what there is now. */
    if (failure == TANDEM_DONE && !tandem_paused(cli->client)) {
        failure = settling_run(cli, NULL, true);
        if (failure != TANDEM_DONE) {
            const tandem_fault fault = cli->fault;
            failure = cli_fault(cli, NOT_RESOLVED, &fault);
        }
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

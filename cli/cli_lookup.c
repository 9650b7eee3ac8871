#include "cli/cli_lookup.h"

#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_text.h"
#include "protocol/id.h"
#include "protocol/memory.h"
#include "protocol/status.h"

bool lookup_is_id(const char *text)
{
    struct id id;
    return id_from_text(bytes_text(text), &id);
}

static void copy(char *out, size_t size, const char *text)
{
    (void)bytes_to_text(bytes_text(text == NULL ? "" : text), out, size);
}

void lookup_take(struct sighting *out, const tandem_record *record)
{
    copy(out->id, sizeof out->id, tandem_record_id(record));
    copy(out->entity, sizeof out->entity, tandem_record_entity(record));
    copy(out->scope, sizeof out->scope, tandem_record_scope(record));
    copy(out->account, sizeof out->account, tandem_record_text(record, "account"));
    out->kind[0] = '\0';
    if (strcmp(out->entity, "party") == 0) {
        copy(out->kind, sizeof out->kind, tandem_record_text(record, "kind"));
    } else if (strcmp(out->entity, "user") == 0) {
        copy(out->kind, sizeof out->kind, tandem_record_text(record, "role"));
    }
    copy(out->title, sizeof out->title, tandem_record_title(record));
    out->seq = tandem_record_seq(record);
}

struct search {
    struct sighting *out;
    const char *name; /* NULL: whatever comes */
    enum party_choice choice;
    size_t found;
    bool exact; /* it has the name letter for letter */
    struct buffer others; /* names of what was there, for the person */
};

static bool take_first(void *context, const tandem_record *record)
{
    struct search *search = context;
    if (search->found++ == 0) {
        lookup_take(search->out, record);
    }
    return true;
}

/* What is not in the copy because one's own removal of it waits is told apart from what never was. */
static bool refuse_removed(struct cli *cli, const char *text)
{
    const json_t *change = NULL;
    json_t *entry = cli->local ? entry_removal(cli, text, &change) : NULL;
    if (entry == NULL) {
        return false;
    }
    const char *title = json_string_value(json_object_get(change, "title"));
    unsigned long long number = entry_number(entry);
    (void)cli_refuse(cli, TANDEM_REFUSED,
                     "the removal of %s %s waits in the outbox, as entry %llu. Keep the record: "
                     "tandem outbox drop %llu",
                     json_string_value(json_object_get(change, "entity")),
                     title == NULL ? text : title, number, number);
    json_decref(entry);
    return true;
}

enum tandem_failure lookup_record(struct cli *cli, const char *id, struct sighting *out)
{
    struct search search = {.out = out};
    if (!lookup_is_id(id)) {
        return cli_usage(cli, "%s is not an id: an id has 36 characters, as tandem list shows", id);
    }
    tandem_code code = cli_fetch(cli, id, take_first, &search);
    if (code == TANDEM_OK && search.found == 0) {
        cli->fault = (tandem_fault){.code = STATUS_NOT_FOUND, .change = -1};
        code = STATUS_NOT_FOUND;
    }
    if (code == STATUS_NOT_FOUND && refuse_removed(cli, id)) {
        return TANDEM_REFUSED;
    }
    return code == TANDEM_OK ? TANDEM_DONE : cli_fault(cli, id, &cli->fault);
}

/* Conditions do not tell Å from å, sign-in names do: those are two people. */
static bool match_user(void *context, const tandem_record *record)
{
    struct search *search = context;
    const char *name = tandem_record_text(record, "name");
    return name == NULL || !text_same(name, search->name) || take_first(search, record);
}

/* The user of this name, or accounts of it, two at most. Says nothing. */
static tandem_code find_named(struct cli *cli, const char *entity, const char *name,
                              struct search *search)
{
    bool user = strcmp(entity, "user") == 0;
    tandem_condition condition = {.field = "name", .op = "=", .text = name};
    tandem_query query = {
        .entity = entity, .where = &condition, .where_count = 1, .limit = user ? 0 : 2};
    search->name = name;
    return cli_query(cli, &query, user ? match_user : take_first, search);
}

enum tandem_failure lookup_account(struct cli *cli, const char *text, struct sighting *out)
{
    if (lookup_is_id(text)) {
        return lookup_record(cli, text, out);
    }
    struct search search = {.out = out};
    if (find_named(cli, "account", text, &search) != TANDEM_OK) {
        return cli_fault(cli, NULL, &cli->fault);
    }
    if (search.found == 0 && refuse_removed(cli, text)) {
        return TANDEM_REFUSED;
    }
    if (search.found == 0) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "there is no account named \"%s\". See: tandem list account --where "
                          "\"name~%s\"",
                          text, text);
    }
    if (search.found > 1) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "several accounts are named \"%s\"; name one by its id. See: tandem list "
                          "account --where \"name=%s\"",
                          text, text);
    }
    return TANDEM_DONE;
}

static bool chosen(enum party_choice choice, const char *kind)
{
    bool department = strcmp(kind, "department") == 0;
    return choice == PARTY_ANY || (choice == PARTY_DEPARTMENT) == department;
}

static bool match_party(void *context, const tandem_record *record)
{
    struct search *search = context;
    const char *kind = tandem_record_text(record, "kind");
    const char *name = tandem_record_title(record);
    if (kind == NULL || !chosen(search->choice, kind)) {
        return true;
    }
    const char *quote = text_has_separator(name) ? "\"" : "";
    text_addf(&search->others, "%s%s%s%s", search->others.size == 0 ? "" : ", ", quote, name, quote);
    bool exact = strcmp(name, search->name) == 0;
    if (!search->exact && text_alike(name, search->name) && (search->found++ == 0 || exact)) {
        lookup_take(search->out, record);
        search->exact = exact;
    }
    return true;
}

static tandem_code find_party(struct cli *cli, struct search *search)
{
    tandem_query query = {.entity = "party", .sort = "name"};
    return cli_query(cli, &query, match_party, search);
}

static const char *party_word(enum party_choice choice)
{
    return choice == PARTY_DEPARTMENT ? "department"
           : choice == PARTY_PARTNER  ? "partner"
                                      : "department or partner";
}

enum tandem_failure lookup_party(struct cli *cli, const char *text, enum party_choice choice,
                                 struct sighting *out)
{
    if (lookup_is_id(text)) {
        return lookup_record(cli, text, out);
    }
    struct search search = {.out = out, .name = text, .choice = choice};
    enum tandem_failure failure = TANDEM_DONE;
    if (find_party(cli, &search) != TANDEM_OK) {
        failure = cli_fault(cli, NULL, &cli->fault);
    } else if (search.found == 0) {
        const char *others = text_of(&search.others);
        bool some = others != NULL && others[0] != '\0';
        failure = cli_refuse(cli, TANDEM_REFUSED, "there is no %s named \"%s\". %s%s",
                             party_word(choice), text,
                             some ? "There are: " : "Add one: tandem party add NAME --kind KIND",
                             some ? others : "");
    } else if (search.found > 1 && !search.exact) {
        failure = cli_refuse(cli, TANDEM_REFUSED,
                             "several parties are named \"%s\" but for capitals; name one as it is "
                             "written, or by its id. See: tandem party list",
                             text);
    }
    buffer_release(&search.others);
    return failure;
}

enum tandem_failure lookup_user(struct cli *cli, const char *text, struct sighting *out)
{
    if (lookup_is_id(text)) {
        return lookup_record(cli, text, out);
    }
    struct search search = {.out = out};
    if (find_named(cli, "user", text, &search) != TANDEM_OK) {
        return cli_fault(cli, NULL, &cli->fault);
    }
    if (search.found == 0) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "there is no user named \"%s\". See: tandem user list", text);
    }
    return TANDEM_DONE;
}

/* The name in "dept:NAME", "partner:NAME" or just NAME, and what it can name. */
static const char *tag_name(const char *text, enum party_choice *choice)
{
    *choice = PARTY_ANY;
    if (strncmp(text, "dept:", 5) == 0) {
        *choice = PARTY_DEPARTMENT;
        return text + 5;
    }
    if (strncmp(text, "partner:", 8) == 0) {
        *choice = PARTY_PARTNER;
        return text + 8;
    }
    return text;
}

enum tandem_failure lookup_tag(struct cli *cli, const char *text, char out[LOOKUP_TAG])
{
    struct tag tag;
    if (tag_from_text(bytes_text(text), &tag)) {
        (void)tag_to_text(tag, out);
        return TANDEM_DONE;
    }
    enum party_choice choice;
    struct sighting party;
    text = tag_name(text, &choice);
    enum tandem_failure failure = lookup_party(cli, text, choice, &party);
    if (failure == TANDEM_DONE) {
        (void)snprintf(out, LOOKUP_TAG, "%s:%s",
                       strcmp(party.kind, "department") == 0 ? "dept" : "partner", party.id);
    }
    return failure;
}

/* ---- Lists of names -------------------------------------------------------------------------- */

/* Whether the whole text, commas and all, names one. */
static enum tandem_failure names_one(struct cli *cli, const char *entity, const char *text,
                                     bool *is)
{
    struct sighting found;
    struct search search = {.out = &found};
    tandem_code code = TANDEM_OK;
    *is = false;
    if (text_has_separator(text) && strcmp(entity, "party") == 0) {
        search.name = tag_name(text, &search.choice);
        code = find_party(cli, &search);
        buffer_release(&search.others);
    } else if (text_has_separator(text) &&
               (strcmp(entity, "account") == 0 || strcmp(entity, "user") == 0)) {
        code = find_named(cli, entity, text, &search);
    }
    *is = search.found > 0;
    return code == TANDEM_OK ? TANDEM_DONE : cli_fault(cli, NULL, &cli->fault);
}

enum tandem_failure lookup_each_name(struct cli *cli, const char *entity, const char *list,
                                     lookup_name_fn *each, void *context)
{
    bool whole = false;
    enum tandem_failure failure = names_one(cli, entity, list, &whole);
    if (whole) {
        return each(cli, list, context);
    }
    for (const char *at = list; *at != '\0' && failure == TANDEM_DONE;) {
        char *name = text_next_part(&at);
        if (name == NULL) {
            return cli_no_memory(cli);
        }
        failure = each(cli, name, context);
        memory_free(name);
    }
    return failure;
}

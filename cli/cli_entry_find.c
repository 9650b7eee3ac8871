/* Entries of the outbox: which one a person means (cli_entry.h). */
#include "cli/cli_entry.h"

#include <string.h>

#include "cli/cli_lookup.h"
#include "cli/cli_text.h"

/* Records of one name that a refusal lists. */
#define CANDIDATES_MOST 8u

/* ---- Superseded ------------------------------------------------------------------------------ */

static bool is_in_conflict(const json_t *change)
{
    return json_is_true(json_object_get(change, "conflict"));
}

/* Whether the entry gives another value to the same field. */
static bool gives_too(const json_t *entry, const json_t *change)
{
    size_t index = 0;
    json_t *other = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, other)
    {
        if (strcmp(cli_member(other, "id"), cli_member(change, "id")) == 0 &&
            strcmp(cli_member(other, "op"), "update") == 0 &&
            strcmp(cli_member(other, "field"), cli_member(change, "field")) == 0 &&
            (is_in_conflict(other) || !is_in_conflict(change))) {
            return true;
        }
    }
    return false;
}

/* Whether `newer` says all that is still to be said by the entry; of one in conflict, that is what
 * is in conflict: both are settled by settling the newer one. */
static bool says_all(const json_t *newer, const json_t *entry)
{
    bool conflict = entry_is(entry, TANDEM_ENTRY_CONFLICT);
    size_t said = 0;
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (conflict && !is_in_conflict(change)) {
            continue;
        }
        if (strcmp(cli_member(change, "op"), "update") != 0 ||
            cli_member(change, "field")[0] == '\0' || !gives_too(newer, change)) {
            return false;
        }
        said++;
    }
    return said > 0;
}

/* Of entries oldest first; what became of a newer one may be another matter. */
static bool is_superseded(const json_t *entries, size_t index)
{
    const json_t *entry = json_array_get(entries, index);
    for (size_t i = index + 1; i < json_array_size(entries); i++) {
        const json_t *newer = json_array_get(entries, i);
        if (strcmp(cli_member(newer, "state"), cli_member(entry, "state")) == 0 &&
            says_all(newer, entry)) {
            return true;
        }
    }
    return false;
}

/* ---- By id and by number --------------------------------------------------------------------- */

static enum tandem_failure refuse_several(struct cli *cli, const char *text,
                                          const struct buffer *numbers)
{
    return cli_refuse(cli, TANDEM_REFUSED,
                      "several entries of the outbox change %s: %.*s. Name one by its number", text,
                      (int)numbers->size, (const char *)numbers->data);
}

/* Of the record there is an entry, but none of the kind that was asked for. */
static enum tandem_failure refuse_state(struct cli *cli, const char *text, const char *id,
                                        unsigned states)
{
    size_t index = 0;
    json_t *entry = NULL;
    json_t *entries = entry_read_all(cli, ENTRY_UNSETTLED & ~states);
    enum tandem_failure failure = TANDEM_DONE;
    if (entries == NULL) {
        return TANDEM_REFUSED;
    }
    json_array_foreach(entries, index, entry)
    {
        if (failure == TANDEM_DONE && entry_changes(entry, id)) {
            const char *state = json_string_value(json_object_get(entry, "state"));
            failure = cli_refuse(
                cli, TANDEM_REFUSED, "entry %llu on %s %s%s. See: tandem outbox show %llu",
                (unsigned long long)entry_number(entry), text,
                strcmp(state, "waiting") == 0    ? "waits"
                : strcmp(state, "sent") == 0     ? "is under way"
                : strcmp(state, "conflict") == 0 ? "is in conflict"
                                                 : "was refused",
                states == ENTRY_BIT(TANDEM_ENTRY_CONFLICT) ? ", it is not in conflict" : "",
                (unsigned long long)entry_number(entry));
        }
    }
    json_decref(entries);
    return failure != TANDEM_DONE
               ? failure
               : cli_refuse(cli, TANDEM_REFUSED,
                            "no entry of the outbox changes %s. See: tandem outbox", text);
}

/* The one entry that changes the record. */
static enum tandem_failure find_by_record(struct cli *cli, const char *text, const char *id,
                                          unsigned states, json_t **out)
{
    struct buffer numbers = {0};
    bool newest = (states & ENTRY_NEWEST) != 0;
    states &= ~ENTRY_NEWEST;
    json_t *entries = entry_read_all(cli, states);
    size_t index = 0;
    size_t found = 0;
    json_t *entry = NULL;
    if (entries == NULL) {
        return TANDEM_REFUSED;
    }
    json_array_foreach(entries, index, entry)
    {
        if (entry_changes(entry, id) && !(newest && is_superseded(entries, index))) {
            text_addf(&numbers, "%s%llu", found == 0 ? "" : ", ",
                      (unsigned long long)entry_number(entry));
            *out = found++ == 0 ? json_incref(entry) : *out;
        }
    }
    enum tandem_failure failure = TANDEM_DONE;
    if (found == 0) {
        failure = refuse_state(cli, text, id, states);
    } else if (found > 1) {
        json_decref(*out);
        *out = NULL;
        failure = refuse_several(cli, text, &numbers);
    }
    buffer_release(&numbers);
    json_decref(entries);
    return failure;
}

static enum tandem_failure find_by_number(struct cli *cli, unsigned long number, unsigned states,
                                          json_t **out)
{
    *out = entry_read(cli, number);
    if (*out == NULL || entry_is(*out, TANDEM_ENTRY_ACCEPTED)) {
        json_decref(*out);
        *out = NULL;
        return cli_refuse(cli, TANDEM_REFUSED,
                          "there is no entry %lu in the outbox. See: tandem outbox", number);
    }
    for (unsigned state = 0; state < TANDEM_ENTRY_STATES; state++) {
        if ((states & ENTRY_BIT(state)) != 0 && entry_is(*out, (tandem_entry_state)state)) {
            return TANDEM_DONE;
        }
    }
    const char *state = json_string_value(json_object_get(*out, "state"));
    enum tandem_failure failure =
        cli_refuse(cli, TANDEM_REFUSED, "entry %lu is %s%s. See: tandem outbox show %lu", number,
                   strcmp(state, "conflict") == 0 ? "in " : "",
                   strcmp(state, "sent") == 0 ? "under way" : state, number);
    json_decref(*out);
    *out = NULL;
    return failure;
}

/* ---- By name --------------------------------------------------------------------------------- */

/* Records of the name: {"ID": "account ID (entry 12, 13)"}, in the order in which they were found. */
struct candidates {
    const char *name;
    json_t *found;
    uint64_t entry; /* the first that changes one of them */
    bool several;   /* there are others, or records that none changes */
};

static void add_candidate(struct candidates *candidates, const char *entity, const char *id,
                          uint64_t entry)
{
    struct buffer text = {0};
    const char *before = json_string_value(json_object_get(candidates->found, id));
    if (before != NULL && entry == 0) {
        return;
    }
    candidates->several =
        candidates->several || entry == 0 || (candidates->entry != 0 && candidates->entry != entry);
    candidates->entry = candidates->entry == 0 ? entry : candidates->entry;
    if (before != NULL) {
        text_addf(&text, "%.*s, %llu)", (int)strlen(before) - 1, before, (unsigned long long)entry);
    } else if (entry != 0) {
        text_addf(&text, "%s %s (entry %llu)", entity, id, (unsigned long long)entry);
    } else {
        text_addf(&text, "%s %s", entity, id);
    }
    (void)json_object_set_new(candidates->found, id,
                              json_string(text_of(&text) == NULL ? "" : text_of(&text)));
    buffer_release(&text);
}

/* Those that entries change. */
static void find_changed(struct candidates *candidates, const json_t *entries, bool newest)
{
    size_t e = 0;
    json_t *entry = NULL;
    json_array_foreach(entries, e, entry)
    {
        const char *last = "";
        size_t c = 0;
        json_t *change = NULL;
        if (newest && is_superseded(entries, e)) {
            continue;
        }
        json_array_foreach(json_object_get(entry, "changes"), c, change)
        {
            if (text_alike(cli_member(change, "title"), candidates->name) &&
                strcmp(last, cli_member(change, "id")) != 0) {
                last = cli_member(change, "id");
                add_candidate(candidates, cli_member(change, "entity"), last, entry_number(entry));
            }
        }
    }
}

static bool take_account(void *context, const tandem_record *record)
{
    add_candidate(context, "account", tandem_record_id(record), 0);
    return true;
}

/* The name stands for an account wherever one is asked for, so for those that no entry changes too. */
static tandem_code find_accounts(struct cli *cli, struct candidates *candidates)
{
    const tandem_condition condition = {.field = "name", .op = "=", .text = candidates->name};
    const tandem_find find = {
        .entity = "account", .where = &condition, .where_count = 1, .limit = CANDIDATES_MOST};
    return tandem_find_each(cli->client, &find, take_account, candidates);
}

static enum tandem_failure refuse_candidates(struct cli *cli, const struct candidates *candidates)
{
    struct buffer list = {0};
    size_t listed = 0;
    const char *id = NULL;
    json_t *text = NULL;
    json_object_foreach(candidates->found, id, text)
    {
        if (listed++ < CANDIDATES_MOST) {
            text_addf(&list, "%s%s", listed == 1 ? "" : ", ", json_string_value(text));
        }
    }
    enum tandem_failure failure =
        cli_refuse(cli, TANDEM_REFUSED,
                   "several records are named \"%s\": %s%s. Say which by its id, or by the number of "
                   "the entry: tandem outbox",
                   candidates->name, text_of(&list) == NULL ? "" : text_of(&list),
                   listed > CANDIDATES_MOST ? " and more" : "");
    buffer_release(&list);
    return failure;
}

/* A record that was removed is found by what it was called; so is any other that an entry changes. */
static enum tandem_failure find_by_name(struct cli *cli, const char *name, unsigned states,
                                        json_t **out)
{
    struct candidates candidates = {.name = name, .found = json_object()};
    struct sighting account;
    char id[TANDEM_ID_TEXT] = "";
    json_t *entries = entry_read_all(cli, ENTRY_UNSETTLED);
    enum tandem_failure failure = entries == NULL ? TANDEM_REFUSED : TANDEM_DONE;
    if (failure == TANDEM_DONE) {
        find_changed(&candidates, entries, (states & ENTRY_NEWEST) != 0);
        (void)find_accounts(cli, &candidates); /* a copy that is empty has none */
    }
    bool one = json_object_size(candidates.found) > 1 && !candidates.several; /* changes them all */
    if (failure == TANDEM_DONE && json_object_size(candidates.found) > 1 && !one) {
        failure = refuse_candidates(cli, &candidates);
    } else if (failure == TANDEM_DONE && json_object_size(candidates.found) == 0) {
        failure = lookup_account(cli, name, &account); /* tells what there is instead */
        (void)snprintf(id, sizeof id, "%s", failure == TANDEM_DONE ? account.id : "");
    } else if (failure == TANDEM_DONE && !one) {
        (void)snprintf(id, sizeof id, "%s",
                       json_object_iter_key(json_object_iter(candidates.found)));
    }
    json_decref(entries);
    json_decref(candidates.found);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    return one ? find_by_number(cli, (unsigned long)candidates.entry, states, out)
               : find_by_record(cli, name, id, states, out);
}

enum tandem_failure entry_find(struct cli *cli, const char *text, unsigned states, json_t **out)
{
    unsigned long number = 0;
    *out = NULL;
    if (arguments_number(text, 1, (unsigned long)INT64_MAX, &number)) {
        return find_by_number(cli, number, states, out);
    }
    return lookup_is_id(text) ? find_by_record(cli, text, text, states, out)
                              : find_by_name(cli, text, states, out);
}

/* ---- A removal that waits -------------------------------------------------------------------- */

static const json_t *find_removed(const json_t *entry, const char *text)
{
    const char *key = lookup_is_id(text) ? "id" : "title";
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        if (strcmp(cli_member(change, "op"), "remove") == 0 &&
            text_alike(cli_member(change, key), text)) {
            return change;
        }
    }
    return NULL;
}

json_t *entry_removal(struct cli *cli, const char *text, const json_t **change)
{
    json_t *found = NULL;
    size_t index = 0;
    json_t *entry = NULL;
    json_t *entries =
        tandem_outbox_count(cli->client, ENTRY_OPEN) == 0 ? NULL : entry_read_all(cli, ENTRY_OPEN);
    json_array_foreach(entries, index, entry)
    {
        *change = find_removed(entry, text);
        if (*change != NULL) {
            found = json_incref(entry);
            break;
        }
    }
    json_decref(entries);
    return found;
}

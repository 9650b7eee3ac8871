/* Entries of the outbox: reading and finding them (cli_entry.h). */
#include "cli/cli_entry.h"

#include <string.h>

#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

const char *entry_record_mark(const tandem_record *record)
{
    switch (tandem_record_state(record)) {
    case TANDEM_STATE_PENDING:
        return "pending";
    case TANDEM_STATE_CONFLICT:
        return "conflict";
    case TANDEM_STATE_REFUSED:
        return "refused";
    default:
        return "";
    }
}

const char *entry_state_name(tandem_entry_state state)
{
    static const char *const names[TANDEM_ENTRY_STATES] = {"waiting", "sent", "accepted",
                                                           "conflict", "refused"};
    return (unsigned)state < TANDEM_ENTRY_STATES ? names[state] : "waiting";
}

/* ---- From the library's to ours -------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *time_text(int64_t ms)
{
    char text[25];
    return json_string(tandem_time_text(ms, text));
}

static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *change_object(const tandem_entry_change *change)
{
    json_t *object = json_object();
    bool good = object != NULL && put(object, "op", json_string(change->op)) &&
                put(object, "entity", json_string(change->entity)) &&
                put(object, "id", json_string(change->id)) &&
                put(object, "field", json_string(change->field)) &&
                put(object, "base", text_or_null(change->base)) &&
                put(object, "mine", text_or_null(change->mine));
    if (good && change->conflict) {
        good = put(object, "conflict", json_true()) &&
               put(object, "theirs", text_or_null(change->theirs)) &&
               put(object, "by", json_string(change->by)) &&
               put(object, "at", time_text(change->at_ms)) &&
               put(object, "seq", json_integer((json_int_t)change->seq));
    }
    if (!good) {
        json_decref(object);
    }
    return good ? object : NULL;
}

static bool put_reason(json_t *object, const tandem_fault *fault)
{
    struct buffer text = {0};
    if (fault->code == TANDEM_OK || fault->code == STATUS_KEPT) {
        return true;
    }
    cli_fault_words(fault, &text);
    const char *reason = text_of(&text);
    bool good = reason != NULL &&
                put(object, "code", json_string(tandem_error_name(fault->code))) &&
                put(object, "reason", json_string(reason));
    buffer_release(&text);
    return good;
}

json_t *entry_object(const tandem_entry *entry)
{
    json_t *object = json_object();
    json_t *changes = json_array();
    bool good = object != NULL && changes != NULL &&
                put(object, "entry", json_integer((json_int_t)entry->entry)) &&
                put(object, "state", json_string(entry_state_name(entry->state))) &&
                put(object, "since", time_text(entry->since_ms)) &&
                put_reason(object, entry->fault);
    if (good && entry->behind != 0) {
        good = put(object, "behind", json_integer((json_int_t)entry->behind));
    }
    if (good && entry->access_ended) {
        good = put(object, "accessEnded", json_true());
    }
    for (size_t i = 0; good && i < entry->change_count; i++) {
        good = json_array_append_new(changes, change_object(&entry->changes[i])) == 0;
    }
    good = good && json_object_set(object, "changes", changes) == 0;
    json_decref(changes);
    if (!good) {
        json_decref(object);
    }
    return good ? object : NULL;
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct gathering {
    json_t *entries;
    bool failed;
};

static bool gather(void *context, const tandem_entry *entry)
{
    struct gathering *gathering = context;
    gathering->failed = json_array_append_new(gathering->entries, entry_object(entry)) != 0;
    return !gathering->failed;
}

static bool take_title(void *context, const tandem_record *record)
{
    json_t **title = context;
    *title = json_string(tandem_record_title(record));
    return false;
}

/* A record that is not in the copy (any more) goes without a title. */
static void add_titles(struct cli *cli, json_t *entry)
{
    size_t index = 0;
    json_t *change = NULL;
    const char *last = "";
    json_t *title = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        const char *id = json_string_value(json_object_get(change, "id"));
        if (strcmp(id, last) != 0) {
            json_decref(title);
            title = NULL;
            (void)tandem_get(cli->client, id, take_title, &title);
            last = id;
        }
        if (title != NULL) {
            (void)json_object_set(change, "title", title);
        }
    }
    json_decref(title);
}

json_t *entry_read_all(struct cli *cli, unsigned states)
{
    struct gathering gathering = {.entries = json_array()};
    tandem_code code = gathering.entries == NULL
                           ? (tandem_code)STATUS_NO_MEMORY
                           : tandem_outbox_each(cli->client, states, gather, &gathering);
    if (code != TANDEM_OK || gathering.failed) {
        json_decref(gathering.entries);
        tandem_last_fault(cli->client, &cli->fault);
        cli->fault.code = gathering.failed ? (tandem_code)STATUS_NO_MEMORY : code;
        (void)cli_fault(cli, "what waits here cannot be read", &cli->fault);
        return NULL;
    }
    size_t index = 0;
    json_t *entry = NULL;
    json_array_foreach(gathering.entries, index, entry)
    {
        add_titles(cli, entry);
    }
    return gathering.entries;
}

json_t *entry_read(struct cli *cli, uint64_t number)
{
    struct gathering gathering = {.entries = json_array()};
    json_t *entry = NULL;
    if (gathering.entries != NULL &&
        tandem_outbox_get(cli->client, number, gather, &gathering) == TANDEM_OK) {
        entry = json_incref(json_array_get(gathering.entries, 0));
    }
    json_decref(gathering.entries);
    if (entry != NULL) {
        add_titles(cli, entry);
    }
    return entry;
}

/* ---- Finding --------------------------------------------------------------------------------- */

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
    json_t *entries = entry_read_all(cli, states);
    size_t index = 0;
    size_t found = 0;
    json_t *entry = NULL;
    if (entries == NULL) {
        return TANDEM_REFUSED;
    }
    json_array_foreach(entries, index, entry)
    {
        if (entry_changes(entry, id)) {
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

enum tandem_failure entry_find(struct cli *cli, const char *text, unsigned states, json_t **out)
{
    unsigned long number = 0;
    struct sighting account;
    *out = NULL;
    if (arguments_number(text, 1, (unsigned long)INT64_MAX, &number)) {
        return find_by_number(cli, number, states, out);
    }
    if (lookup_is_id(text)) {
        return find_by_record(cli, text, text, states, out);
    }
    enum tandem_failure failure = lookup_account(cli, text, &account);
    return failure == TANDEM_DONE ? find_by_record(cli, text, account.id, states, out) : failure;
}

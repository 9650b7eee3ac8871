/* Entries of the outbox: reading them (cli_entry.h). */
#include "cli/cli_entry.h"

#include <string.h>

#include "cli/cli_names.h"
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

/* Between reading an entry and looking up names; never printed. */
#define CALLED_BY "calledBy"

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
    if (good && change->title != NULL) {
        good = put(object, "title", json_string(change->title));
    }
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

/* ---- What only the whole entry says ---- */

/* The first line about a record that is created or shared says with whom. */
static void put_tags(json_t *changes, const json_t *whole)
{
    static const char *const keys[][2] = {
        {"audience", "with"}, {"add", "with"}, {"remove", "without"}};
    size_t index = 0;
    json_t *line = NULL;
    json_array_foreach(changes, index, line)
    {
        if (strcmp(cli_member(line, "id"), cli_member(whole, "id")) != 0 ||
            strcmp(cli_member(line, "op"), cli_member(whole, "op")) != 0) {
            continue;
        }
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            json_t *tags = json_object_get(whole, keys[i][0]);
            if (json_is_array(tags)) {
                (void)json_object_set(line, keys[i][1], tags);
            }
        }
        return;
    }
}

/* What has no name of its own, as an assignment, is called by the record that it was seen to point
 * to; its id is replaced by the name when names are looked up. */
static void put_called_by(json_t *changes, const json_t *seen)
{
    size_t index = 0;
    json_t *line = NULL;
    json_array_foreach(changes, index, line)
    {
        const char *field = names_title_field(cli_member(line, "entity"));
        json_t *by = field == NULL ? NULL : json_object_get(json_object_get(seen, "fields"), field);
        if (strcmp(cli_member(line, "id"), cli_member(seen, "id")) == 0 &&
            json_object_get(line, "title") == NULL && json_is_string(by)) {
            (void)json_object_set(line, CALLED_BY, by);
        }
    }
}

static bool says_more(const tandem_entry *entry)
{
    for (size_t i = 0; i < entry->change_count; i++) {
        const char *op = entry->changes[i].op;
        if (strcmp(op, "share") == 0 || strcmp(op, "create") == 0 ||
            entry->changes[i].title == NULL) {
            return true;
        }
    }
    return strstr(entry->json, "\"overwrite\":true") != NULL;
}

static void put_more(json_t *object, json_t *changes, const tandem_entry *entry)
{
    json_t *whole = says_more(entry) ? json_loads(entry->json, JSON_ALLOW_NUL, NULL) : NULL;
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(whole, "changes"), index, change)
    {
        put_tags(changes, change);
    }
    json_array_foreach(json_object_get(whole, "seen"), index, change)
    {
        if (!json_is_true(json_object_get(change, "lost"))) {
            put_called_by(changes, change);
        }
    }
    if (json_is_true(json_object_get(whole, "overwrite"))) {
        (void)put(object, "overwrite", json_true());
        (void)json_object_set(object, "base", json_object_get(whole, "base"));
    }
    json_decref(whole);
}

/* What an account or a party holds is removed before it; it is meant all the same. Moves the lines
 * about the last record to the front. */
static bool put_main_first(json_t *changes)
{
    size_t count = json_array_size(changes);
    const json_t *last = json_array_get(changes, count - 1);
    const char *entity = cli_member(last, "entity");
    size_t first = count - 1;
    if (count < 2 || strcmp(cli_member(last, "op"), "remove") != 0 ||
        (strcmp(entity, "account") != 0 && strcmp(entity, "party") != 0)) {
        return true;
    }
    while (first > 0 && strcmp(cli_member(json_array_get(changes, first - 1), "id"),
                               cli_member(last, "id")) == 0) {
        first--;
    }
    for (size_t to = 0; first < count && to < first; first++, to++) {
        json_t *line = json_incref(json_array_get(changes, first));
        if (json_array_remove(changes, first) != 0 ||
            json_array_insert_new(changes, to, line) != 0) {
            return false;
        }
    }
    return true;
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
    if (good) {
        put_more(object, changes, entry);
        good = put_main_first(changes) && json_object_set(object, "changes", changes) == 0;
    }
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

/* ---- Names ---- */

typedef void change_fn(struct names *names, json_t *change);

static void each_change(struct names *names, const json_t *entries, change_fn *each)
{
    size_t e = 0;
    json_t *entry = NULL;
    json_array_foreach(entries, e, entry)
    {
        size_t c = 0;
        json_t *change = NULL;
        json_array_foreach(json_object_get(entry, "changes"), c, change)
        {
            each(names, change);
        }
    }
}

/* As it is called now, or else as it was when it was changed. */
static void add_title(struct names *names, json_t *change)
{
    bool empty = tandem_cursor(names->cli->client) == 0; /* then that it is missing says nothing */
    const char *id = cli_member(change, "id");
    const char *by = names_of(names, cli_member(change, CALLED_BY));
    const char *now = names_of(names, id);
    bool here = now[0] != '\0';
    const char *title = here ? now : by[0] != '\0' ? by : cli_member(change, "title");
    if (title[0] != '\0') {
        (void)json_object_set_new(change, "title", json_string(title));
    }
    if (!here) {
        if (!empty) {
            (void)json_object_set_new(change, "gone", json_true());
        }
        names_note(names, id, cli_member(change, "title"));
    }
    (void)json_object_del(change, CALLED_BY);
}

static void add_values(struct names *names, json_t *change)
{
    static const char *const values[] = {"base", "mine", "theirs"};
    static const char *const tags[] = {"with", "without"};
    json_t *table = json_object();
    if (names_refers(names, cli_member(change, "entity"), cli_member(change, "field"))) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            names_take(names, cli_member(change, values[i]), table);
        }
    }
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        size_t index = 0;
        json_t *tag = NULL;
        json_array_foreach(json_object_get(change, tags[i]), index, tag)
        {
            names_take(names, json_is_string(tag) ? json_string_value(tag) : "", table);
        }
    }
    if (json_object_size(table) > 0) {
        (void)json_object_set(change, "names", table);
    }
    json_decref(table);
}

void entry_add_names(struct cli *cli, json_t *entries)
{
    struct names names;
    names_begin(&names, cli, false);
    each_change(&names, entries, add_title);
    each_change(&names, entries, add_values);
    names_release(&names);
    size_t index = 0;
    json_t *entry = NULL;
    json_array_foreach(entries, index, entry)
    {
        entry_add_in_the_way(cli, entry);
    }
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
    entry_add_names(cli, gathering.entries);
    return gathering.entries;
}

json_t *entry_read(struct cli *cli, uint64_t number)
{
    struct gathering gathering = {.entries = json_array()};
    json_t *entry = NULL;
    if (gathering.entries != NULL &&
        tandem_outbox_get(cli->client, number, gather, &gathering) == TANDEM_OK) {
        entry_add_names(cli, gathering.entries);
        entry = json_incref(json_array_get(gathering.entries, 0));
    }
    json_decref(gathering.entries);
    return entry;
}

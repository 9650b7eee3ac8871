/* What the things are called that a watch tells of (cli_watch.h). Names are looked up in the
 * replica. They are also kept beside it, up to a number: when access to an account ends, its records
 * are gone before that is told, and so is a record that another process of the profile found removed;
 * and the person is to know what it was. That is told once, and the name is forgotten with it. */
#include <string.h>

#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "cli/cli_watch.h"

#define ACCOUNTS_MOST 10000u
#define CALLED_MOST 10000u
/* Longer values are cut in what a line says about a change. */
#define VALUE_COLUMNS 60u

void watch_add_value(struct buffer *out, const char *value)
{
    char cut[VALUE_COLUMNS * 4 + 4];
    if (value[0] == '\0') {
        text_add(out, "nothing");
        return;
    }
    FILE *memory = fmemopen(cut, sizeof cut, "w");
    if (memory == NULL) {
        return;
    }
    (void)text_put(memory, value, VALUE_COLUMNS);
    (void)fclose(memory);
    cut[sizeof cut - 1] = '\0';
    text_addf(out, "\"%s\"", cut);
}

/* ---- Records --------------------------------------------------------------------------------- */

static const char *name_of(struct watch *watch, const char *id)
{
    const char *name = names_of(&watch->names, id);
    const char *kept = json_string_value(json_object_get(watch->accounts, id));
    return name[0] != '\0' ? name : kept == NULL ? "" : kept;
}

/* The name of the record that a field of this one points to. */
static const char *referred(struct watch *watch, const tandem_record *record, const char *field)
{
    const char *id = field == NULL ? NULL : tandem_record_text(record, field);
    return id == NULL ? "" : name_of(watch, id);
}

void watch_name_record(struct watch *watch, const tandem_record *record, struct buffer *out)
{
    const char *entity = tandem_record_entity(record);
    const char *title = tandem_record_title(record);
    const char *field = names_title_field(entity);
    bool named = strcmp(title, tandem_record_id(record)) != 0;
    const char *other = named ? "" : referred(watch, record, field);
    text_addf(out, "%s ", entity);
    watch_add_value(out, other[0] == '\0' ? title : other);
    const char *account = named || field == NULL || strcmp(field, "account") == 0
                              ? ""
                              : referred(watch, record, "account");
    if (account[0] != '\0') {
        text_add(out, " to ");
        watch_add_value(out, account);
    }
}

static void put_called(struct watch *watch, const tandem_record *record, json_t *table)
{
    struct buffer text = {0};
    watch_name_record(watch, record, &text);
    (void)json_object_set_new(table, tandem_record_id(record),
                              json_string(text_of(&text) == NULL ? "" : text_of(&text)));
    buffer_release(&text);
}

static void take_assignment(struct watch *watch, const tandem_record *record)
{
    if (json_object_size(watch->assignments) < ACCOUNTS_MOST) {
        put_called(watch, record, watch->assignments);
    }
}

/* The newest are kept. */
static bool take_called(void *context, const tandem_record *record)
{
    struct watch *watch = context;
    const char *id = tandem_record_id(record);
    const char *oldest = json_object_iter_key(json_object_iter(watch->called));
    if (strcmp(tandem_record_entity(record), "assignment") == 0 || !watch->own) {
        return true; /* no other process shares what is not the profile's own */
    }
    if (json_object_size(watch->called) >= CALLED_MOST && oldest != NULL &&
        json_object_get(watch->called, id) == NULL) {
        (void)json_object_del(watch->called, oldest);
    }
    put_called(watch, record, watch->called);
    return true;
}

static bool take_assignment_held(void *context, const tandem_record *record)
{
    take_assignment(context, record);
    return true;
}

static bool take_account(void *context, const tandem_record *record)
{
    json_t *accounts = context;
    (void)json_object_set_new(accounts, tandem_record_id(record),
                              json_string(tandem_record_title(record)));
    return json_object_size(accounts) < ACCOUNTS_MOST;
}

void watch_names_begin(struct watch *watch)
{
    names_begin(&watch->names, watch->cli, false);
    watch->accounts = json_object();
    watch->assignments = json_object();
    watch->called = json_object();
    (void)tandem_each(watch->cli->client, "account", take_account, watch->accounts);
    (void)tandem_each(watch->cli->client, "assignment", take_assignment_held, watch);
    (void)tandem_each(watch->cli->client, NULL, take_called, watch);
}

void watch_names_release(struct watch *watch)
{
    names_release(&watch->names);
    json_decref(watch->accounts);
    json_decref(watch->seen);
    json_decref(watch->assignments);
    json_decref(watch->called);
    watch->called = NULL;
    watch->accounts = NULL;
    watch->assignments = NULL;
    watch->seen = NULL;
}

bool watch_knows_accounts(const struct watch *watch)
{
    return json_object_size(watch->accounts) < ACCOUNTS_MOST;
}

static const char *id_of(const char *scope)
{
    const char *colon = strchr(scope, ':');
    return colon == NULL ? scope : colon + 1;
}

static void note_record(struct watch *watch, const tandem_record *record)
{
    const char *id = tandem_record_id(record);
    bool known = json_object_get(watch->accounts, id) != NULL;
    (void)take_called(watch, record);
    if (strcmp(tandem_record_entity(record), "account") == 0 &&
        (known || json_object_size(watch->accounts) < ACCOUNTS_MOST)) {
        (void)json_object_set_new(watch->accounts, id, json_string(tandem_record_title(record)));
    } else if (strcmp(tandem_record_entity(record), "assignment") == 0) {
        take_assignment(watch, record);
    } else if (strcmp(tandem_record_entity(record), "customField") == 0) {
        names_release(&watch->names); /* there may be a reference more */
        names_begin(&watch->names, watch->cli, false);
    }
}

void watch_note_name(struct watch *watch, const tandem_event *event)
{
    switch (event->kind) {
    case TANDEM_EVENT_CHANGED:
        note_record(watch, event->record);
        break;
    case TANDEM_EVENT_REMOVED:
        (void)json_object_del(watch->accounts, event->id);
        (void)json_object_del(watch->assignments, event->id);
        (void)json_object_del(watch->called, event->id);
        break;
    case TANDEM_EVENT_PURGED:
        (void)json_object_del(watch->accounts, id_of(event->scope));
        (void)json_object_clear(watch->assignments); /* which may have its name */
        (void)tandem_each(watch->cli->client, "assignment", take_assignment_held, watch);
        (void)json_object_clear(watch->called); /* of what is still to be seen, it comes back */
        (void)tandem_each(watch->cli->client, NULL, take_called, watch);
        break;
    case TANDEM_EVENT_RESET:
        (void)json_object_clear(watch->accounts);
        (void)json_object_clear(watch->assignments);
        (void)json_object_clear(watch->called);
        break;
    default:
        break;
    }
    (void)json_object_clear(watch->names.known); /* they may be called otherwise by now, or be gone */
}

static json_t *table_of(struct watch *watch, const char *id)
{
    const char *name = lookup_is_id(id) ? name_of(watch, id) : "";
    return name[0] == '\0' ? NULL : json_pack("{s:s}", id, name);
}

bool watch_name_scope(struct watch *watch, const char *scope, struct buffer *out)
{
    json_object_clear(watch->names.known); /* it may have come meanwhile */
    json_t *table = table_of(watch, id_of(scope));
    bool named = table != NULL;
    names_put_scope(table, scope, out);
    json_decref(table);
    return named;
}

void watch_name_id(struct watch *watch, const char *id, struct buffer *out)
{
    const char *name = name_of(watch, id);
    const char *called = json_string_value(json_object_get(watch->called, id));
    const char *kept =
        called != NULL ? called : json_string_value(json_object_get(watch->assignments, id));
    text_add(out, kept != NULL ? kept : name[0] != '\0' ? name : id);
}

void watch_name_value(struct watch *watch, const char *entity, const char *field, const char *value,
                      struct buffer *out)
{
    json_t *table = NULL;
    if (names_refers(&watch->names, entity, field)) {
        table = json_object();
        names_take(&watch->names, value, table);
    }
    names_put(table, value, out);
    json_decref(table);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void take_references(struct watch *watch, const tandem_record *record, json_t *table)
{
    const char *entity = tandem_record_entity(record);
    for (size_t i = 0; i < tandem_record_field_count(record); i++) {
        const char *field = tandem_record_field_name(record, i);
        if (field != NULL && names_refers(&watch->names, entity, field)) {
            const char *value = tandem_record_text(record, field);
            names_take(&watch->names, value == NULL ? "" : value, table);
        }
    }
}

void watch_print_names(struct watch *watch, const tandem_event *event)
{
    json_t *table = json_object();
    if (event->record != NULL) {
        take_references(watch, event->record, table);
    } else if (event->kind == TANDEM_EVENT_REMOVED) { /* found gone by another process */
        struct buffer text = {0};
        const char *account = json_string_value(json_object_get(watch->accounts, event->id));
        watch_name_id(watch, event->id, &text);
        const char *name = account == NULL ? text_of(&text) : account;
        if (name != NULL && strcmp(name, event->id) != 0) {
            (void)json_object_set_new(table, event->id, json_string(name));
        }
        buffer_release(&text);
    }
    if (event->scope != NULL && event->scope[0] != '\0') {
        json_t *scope = table_of(watch, id_of(event->scope));
        (void)json_object_update(table, scope);
        json_decref(scope);
    }
    if (json_object_size(table) > 0) {
        (void)fputs(",\"names\":", watch->cli->out);
        (void)json_dumpf(table, watch->cli->out, JSON_COMPACT);
    }
    json_decref(table);
}

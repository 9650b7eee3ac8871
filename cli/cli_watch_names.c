/* What the things are called that a watch tells of (cli_watch.h). Names are looked up in the
 * replica. Of accounts they are also kept beside it, up to a number: when access to one ends, its
 * records are gone before that is told, and the person is to know which account it was. That is
 * told once, and the name is forgotten with it. */
#include <string.h>

#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "cli/cli_watch.h"

#define ACCOUNTS_MOST 10000u

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
    (void)tandem_each(watch->cli->client, "account", take_account, watch->accounts);
}

void watch_names_release(struct watch *watch)
{
    names_release(&watch->names);
    json_decref(watch->accounts);
    watch->accounts = NULL;
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
    if (strcmp(tandem_record_entity(record), "account") == 0 &&
        (known || json_object_size(watch->accounts) < ACCOUNTS_MOST)) {
        (void)json_object_set_new(watch->accounts, id, json_string(tandem_record_title(record)));
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
        break;
    case TANDEM_EVENT_PURGED:
        (void)json_object_del(watch->accounts, id_of(event->scope));
        break;
    case TANDEM_EVENT_RESET:
        (void)json_object_clear(watch->accounts);
        break;
    default:
        break;
    }
    json_object_clear(watch->names.known); /* they may be called otherwise by now, or be gone */
}

static const char *name_of(struct watch *watch, const char *id)
{
    const char *name = names_of(&watch->names, id);
    const char *kept = json_string_value(json_object_get(watch->accounts, id));
    return name[0] != '\0' ? name : kept == NULL ? "" : kept;
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
    text_add(out, name[0] == '\0' ? id : name);
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

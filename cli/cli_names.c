#include "cli/cli_names.h"

#include <string.h>

#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/schema.h"

void names_begin(struct names *names, struct cli *cli, bool asks)
{
    *names = (struct names){.cli = cli, .asks = asks, .known = json_object()};
}

void names_release(struct names *names)
{
    json_decref(names->known);
    json_decref(names->own);
    *names = (struct names){.cli = NULL};
}

void names_note(struct names *names, const char *id, const char *name)
{
    const char *before = json_string_value(json_object_get(names->known, id));
    if (before == NULL || before[0] == '\0') {
        (void)json_object_set_new(names->known, id, json_string(name));
    }
}

/* ---- Looking up ------------------------------------------------------------------------------ */

struct found {
    json_t *title;
    char by[TANDEM_ID_TEXT]; /* the record it is called by */
};

const char *names_title_field(const char *entity)
{
    const struct entity_def *known = schema_entity(bytes_text(entity));
    tandem_field_info info;
    bool refers = known != NULL && tandem_field_find(entity, known->title_field, &info) &&
                  strcmp(info.kind, "reference") == 0;
    return refers ? known->title_field : NULL;
}

/* A record without anything to call it by is called by its id, which is no name, or by another: an
 * assignment by its party. */
static bool take_title(void *context, const tandem_record *record)
{
    struct found *found = context;
    const char *text = tandem_record_title(record);
    const char *field = names_title_field(tandem_record_entity(record));
    const char *by = field == NULL ? NULL : tandem_record_text(record, field);
    if (strcmp(text, tandem_record_id(record)) != 0) {
        found->title = json_string(text);
    } else if (by != NULL) {
        (void)bytes_to_text(bytes_text(by), found->by, sizeof found->by);
    }
    return false;
}

/* Looking in vain is no failure of the command. */
static void look_up(const struct names *names, const char *id, struct found *found)
{
    struct cli *cli = names->cli;
    tandem_fault fault = cli->fault;
    *found = (struct found){.title = NULL};
    if (cli->client == NULL) {
        return;
    }
    if (names->asks && !cli->local) {
        (void)cli_fetch(cli, id, take_title, found);
    } else {
        (void)tandem_get(cli->client, id, take_title, found);
    }
    cli->fault = fault;
}

static json_t *find_title(const struct names *names, const char *id)
{
    struct found found;
    look_up(names, id, &found);
    if (found.title == NULL && found.by[0] != '\0') {
        struct found other;
        look_up(names, found.by, &other);
        return other.title;
    }
    return found.title;
}

const char *names_of(struct names *names, const char *id)
{
    const char *name = json_string_value(json_object_get(names->known, id));
    if (name == NULL && lookup_is_id(id)) {
        json_t *found = find_title(names, id);
        (void)json_object_set_new(names->known, id, found == NULL ? json_string("") : found);
        name = json_string_value(json_object_get(names->known, id));
    }
    return name == NULL ? "" : name;
}

/* ---- Fields ---------------------------------------------------------------------------------- */

static bool is_reference(const char *kind)
{
    return strcmp(kind, "reference") == 0 || strcmp(kind, "references") == 0;
}

static bool take_own(void *context, const tandem_record *record)
{
    json_t *own = context;
    struct buffer key = {0};
    const char *entity = tandem_record_text(record, "entity");
    const char *name = tandem_record_text(record, "name");
    const char *kind = tandem_record_text(record, "kind");
    if (entity != NULL && name != NULL && kind != NULL && is_reference(kind)) {
        text_addf(&key, "%s.%s", entity, name);
        const char *text = text_of(&key);
        (void)json_object_set_new(own, text == NULL ? "" : text, json_true());
    }
    buffer_release(&key);
    return true;
}

/* The company's own references, asked for once. */
static void find_own(struct names *names)
{
    struct cli *cli = names->cli;
    tandem_query query = {.entity = "customField"};
    tandem_fault fault = cli->fault;
    names->own = json_object();
    if (names->own == NULL || cli->client == NULL) {
        return;
    }
    if (names->asks || cli->local) {
        (void)cli_query(cli, &query, take_own, names->own);
    } else {
        (void)tandem_each(cli->client, "customField", take_own, names->own);
    }
    cli->fault = fault;
}

bool names_refers(struct names *names, const char *entity, const char *field)
{
    tandem_field_info info;
    struct buffer key = {0};
    if (field[0] == '\0') {
        return false;
    }
    if (tandem_field_find(entity, field, &info)) {
        return is_reference(info.kind);
    }
    if (strcmp(field, "account") == 0) { /* what a record of any entity may live in */
        return true;
    }
    if (names->own == NULL) {
        find_own(names);
    }
    text_addf(&key, "%s.%s", entity, field);
    const char *text = text_of(&key);
    bool refers = text != NULL && json_object_get(names->own, text) != NULL;
    buffer_release(&key);
    return refers;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* The id in "ID" or "partner:ID"; NULL when there is none. */
static const char *id_in(const char *part)
{
    const char *colon = strchr(part, ':');
    const char *id = colon == NULL ? part : colon + 1;
    return lookup_is_id(id) ? id : NULL;
}

void names_take(struct names *names, const char *list, json_t *into)
{
    for (const char *at = list; *at != '\0';) {
        char *part = text_next_part(&at);
        if (part == NULL) {
            return;
        }
        const char *id = id_in(part);
        const char *name = id == NULL ? "" : names_of(names, id);
        if (name[0] != '\0') {
            (void)json_object_set_new(into, id, json_string(name));
        }
        memory_free(part);
    }
}

static void put_part(const json_t *table, const char *part, struct buffer *out)
{
    const char *id = id_in(part);
    const char *name = id == NULL ? NULL : json_string_value(json_object_get(table, id));
    if (name == NULL) {
        text_add(out, part);
    } else {
        text_addf(out, "%.*s%s", (int)(id - part), part, name);
    }
}

void names_put(const json_t *table, const char *list, struct buffer *out)
{
    const char *between = "";
    if (json_object_size(table) == 0) {
        text_add(out, list);
        return;
    }
    for (const char *at = list; *at != '\0';) {
        char *part = text_next_part(&at);
        if (part == NULL) {
            out->failed = true;
            return;
        }
        text_add(out, between);
        put_part(table, part, out);
        between = ", ";
        memory_free(part);
    }
}

const char *names_verb(const char *op, const json_t *entry)
{
    static const char *const verbs[][2] = {
        {"create", "added"}, {"update", "changed"}, {"remove", "removed"}, {"share", "shared"}};
    const json_t *audience = json_object_get(entry, "audience");
    if (strcmp(op, "share") == 0 && json_array_size(json_object_get(audience, "added")) == 0 &&
        json_array_size(json_object_get(audience, "removed")) > 0) {
        return "unshared";
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(op, verbs[i][0]) == 0) {
            return verbs[i][1];
        }
    }
    return op;
}

void names_put_scope(const json_t *table, const char *scope, struct buffer *out)
{
    const char *colon = strchr(scope, ':');
    const char *name = colon == NULL ? NULL : json_string_value(json_object_get(table, colon + 1));
    if (strcmp(scope, "library") == 0) {
        text_add(out, "the library");
    } else if (colon == NULL) {
        text_add(out, scope);
    } else {
        text_addf(out, "%.*s %s", (int)(colon - scope), scope, name == NULL ? colon + 1 : name);
    }
}

#include "cli/cli_fields.h"

#include <string.h>
#include <strings.h>

#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"
#include "protocol/schema.h"
#include "protocol/status.h"

bool fields_split(const char *text, char name[FIELDS_NAME], const char **value)
{
    const char *equals = strchr(text, '=');
    size_t length = equals == NULL ? 0 : (size_t)(equals - text);
    if (length == 0 || length >= FIELDS_NAME) {
        return false;
    }
    memcpy(name, text, length);
    name[length] = '\0';
    *value = equals + 1;
    return true;
}

static void copy(char *out, size_t size, const char *text)
{
    (void)bytes_to_text(bytes_text(text == NULL ? "" : text), out, size);
}

static bool note_one(void *context, const tandem_record *record)
{
    bool *found = context;
    (void)record;
    *found = true;
    return false;
}

static bool take_title(void *context, const tandem_record *record)
{
    const char *title = tandem_record_text(record, "titleField");
    if (title != NULL && title[0] != '\0') {
        copy(context, FIELDS_NAME, title);
    }
    return false;
}

enum tandem_failure fields_title(struct cli *cli, const char *entity, char out[FIELDS_NAME])
{
    const struct entity_def *built_in = schema_entity(bytes_text(entity));
    tandem_condition condition = {.field = "name", .op = "=", .text = entity};
    tandem_query query = {
        .entity = "customEntity", .where = &condition, .where_count = 1, .limit = 1};
    copy(out, FIELDS_NAME, built_in == NULL ? "name" : built_in->title_field);
    return built_in != NULL || cli_query(cli, &query, take_title, out) == TANDEM_OK
               ? TANDEM_DONE
               : cli_fault(cli, NULL, &cli->fault);
}

struct custom_walk {
    const char *entity;
    custom_field_fn *each;
    void *context;
};

static bool take_custom(void *context, const tandem_record *record)
{
    const struct custom_walk *walk = context;
    const char *entity = tandem_record_text(record, "entity");
    struct field_facts facts = {.custom = true};
    copy(facts.name, sizeof facts.name, tandem_record_text(record, "name"));
    copy(facts.kind, sizeof facts.kind, tandem_record_text(record, "kind"));
    copy(facts.target, sizeof facts.target, tandem_record_text(record, "target"));
    if (entity != NULL && strcmp(entity, walk->entity) == 0) {
        walk->each(walk->context, &facts);
    }
    return true;
}

enum tandem_failure fields_each_custom(struct cli *cli, const char *entity, custom_field_fn *each,
                                       void *context)
{
    struct custom_walk walk = {entity, each, context};
    tandem_query query = {.entity = "customField"};
    return cli_query(cli, &query, take_custom, &walk) == TANDEM_OK
               ? TANDEM_DONE
               : cli_fault(cli, NULL, &cli->fault);
}

struct custom_search {
    const char *name;
    struct field_facts *out;
};

static void match_custom(void *context, const struct field_facts *facts)
{
    const struct custom_search *search = context;
    if (strcmp(facts->name, search->name) == 0) {
        *search->out = *facts;
    }
}

static void take_info(struct field_facts *out, const tandem_field_info *info)
{
    copy(out->name, sizeof out->name, info->name);
    copy(out->kind, sizeof out->kind, info->kind);
    copy(out->target, sizeof out->target, info->target);
    out->values = info->values;
}

/* What every custom entity has: a name, an account when it lives in one, and what every record
 * has. The library knows no custom entity, so it must be told the kinds. */
static bool find_in_any(const char *entity, const char *name, struct field_facts *out)
{
    tandem_field_info info;
    if (tandem_field_at(entity, 0, &info)) {
        return false; /* a built-in one */
    }
    bool own = strcmp(name, "name") == 0 || strcmp(name, "account") == 0;
    const char *model = strcmp(name, "name") == 0 ? "account" : "contact";
    if (!tandem_field_find(model, name, &info) || (!own && !info.common)) {
        return false;
    }
    take_info(out, &info);
    out->custom = true;
    return true;
}

/* Whether `name` may have been mistyped for the field, or stand for the whole of it. */
static bool is_near(const char *name, const char *field)
{
    size_t least = strlen(name) < 4 ? 2 : 3;
    return text_distance(name, field, strlen(field)) < least ||
           (strlen(name) > 2 && strncasecmp(field, name, strlen(name)) == 0);
}

#define NEAR_MOST 4u

struct near_walk {
    const char *name;
    struct buffer text;
    size_t count;
};

static void add_near(void *context, const struct field_facts *facts)
{
    struct near_walk *walk = context;
    if (walk->count < NEAR_MOST && is_near(walk->name, facts->name)) {
        text_addf(&walk->text, "%s%s", walk->count == 0 ? " Did you mean " : " or ", facts->name);
        walk->count++;
    }
}

static enum tandem_failure unknown_entity(struct cli *cli, const char *entity)
{
    struct near_walk walk = {.name = entity};
    for (size_t i = 0; i < schema_entity_count(); i++) {
        struct field_facts facts = {.custom = false};
        copy(facts.name, sizeof facts.name, schema_entity_at(i)->name);
        add_near(&walk, &facts);
    }
    const tandem_fault fault = {.code = TANDEM_CODE_UNKNOWN_ENTITY, .field = "entity", .change = -1};
    struct buffer sentence = {0};
    text_addf(&sentence, "there is no entity %s.", entity);
    if (walk.count > 0) {
        text_addf(&sentence, "%s?", text_of(&walk.text));
    }
    text_add(&sentence, " See what there is: tandem schema, and tandem list customEntity");
    const char *text = text_of(&sentence);
    enum tandem_failure failure = cli_fault_in_words(
        cli, text == NULL ? tandem_error_text(fault.code) : text, &fault);
    buffer_release(&sentence);
    buffer_release(&walk.text);
    return failure;
}

enum tandem_failure fields_check_entity(struct cli *cli, const char *entity)
{
    tandem_field_info info;
    bool found = false;
    tandem_condition condition = {.field = "name", .op = "=", .text = entity};
    tandem_query query = {
        .entity = "customEntity", .where = &condition, .where_count = 1, .limit = 1};
    if (tandem_field_at(entity, 0, &info)) {
        return TANDEM_DONE;
    }
    if (cli_query(cli, &query, note_one, &found) != TANDEM_OK) {
        return cli_fault(cli, NULL, &cli->fault);
    }
    return found ? TANDEM_DONE : unknown_entity(cli, entity);
}

static enum tandem_failure unknown_field(struct cli *cli, const char *entity, const char *name)
{
    struct near_walk walk = {.name = name};
    struct field_facts facts;
    tandem_field_info info;
    for (size_t i = 0; tandem_field_at(entity, i, &info); i++) {
        take_info(&facts, &info);
        add_near(&walk, &facts);
    }
    enum tandem_failure asked = fields_each_custom(cli, entity, add_near, &walk);
    const char *near = text_of(&walk.text);
    if (asked == TANDEM_DONE) {
        asked = cli_refuse(cli, TANDEM_REFUSED, "%s has no field %s.%s%s See its fields: tandem schema %s",
                           entity, name, near == NULL ? "" : near, walk.count == 0 ? "" : "?",
                           entity);
    }
    buffer_release(&walk.text);
    return asked;
}

/* The field's facts, with an empty name when there is none. */
static enum tandem_failure find_facts(struct cli *cli, const char *entity, const char *name,
                                      struct field_facts *out)
{
    tandem_field_info info;
    struct custom_search search = {name, out};
    *out = (struct field_facts){.custom = false};
    if (tandem_field_find(entity, name, &info)) {
        take_info(out, &info);
        return TANDEM_DONE;
    }
    if (find_in_any(entity, name, out)) {
        return TANDEM_DONE;
    }
    return fields_each_custom(cli, entity, match_custom, &search);
}

enum tandem_failure fields_facts(struct cli *cli, const char *entity, const char *name,
                                 struct field_facts *out)
{
    enum tandem_failure failure = find_facts(cli, entity, name, out);
    return failure == TANDEM_DONE && out->name[0] == '\0'
               ? unknown_field(cli, entity, name)
               : failure;
}

enum tandem_failure fields_each_column(struct cli *cli, const char *entity, const char *columns,
                                       custom_field_fn *each, void *context)
{
    enum tandem_failure failure = fields_check_entity(cli, entity);
    for (const char *at = columns; *at != '\0' && failure == TANDEM_DONE;) {
        struct field_facts facts = {.custom = false};
        char *name = text_next_part(&at);
        if (name == NULL) {
            return cli_no_memory(cli);
        }
        if (name[0] != '\0' && strcmp(name, "id") != 0) {
            failure = find_facts(cli, entity, name, &facts);
            if (failure == TANDEM_DONE && facts.name[0] == '\0') {
                failure = unknown_field(cli, entity, name);
            } else if (failure == TANDEM_DONE) {
                each(context, &facts);
            }
        }
        memory_free(name);
    }
    return failure;
}

static enum tandem_failure find_target(struct cli *cli, const char *target, const char *text,
                                       struct sighting *out)
{
    if (strcmp(target, "account") == 0) {
        return lookup_account(cli, text, out);
    }
    if (strcmp(target, "party") == 0) {
        return lookup_party(cli, text, PARTY_ANY, out);
    }
    if (strcmp(target, "user") == 0) {
        return lookup_user(cli, text, out);
    }
    copy(out->id, sizeof out->id, "");
    return TANDEM_DONE;
}

static enum tandem_failure resolve_one(struct cli *cli, const char *target, const char *text,
                                       struct buffer *out)
{
    struct sighting found;
    if (text[0] == '\0' || lookup_is_id(text)) {
        text_add(out, text);
        return TANDEM_DONE;
    }
    enum tandem_failure failure = find_target(cli, target, text, &found);
    if (failure == TANDEM_DONE) {
        text_add(out, found.id[0] == '\0' ? text : found.id);
    }
    return failure;
}

struct resolving {
    const char *target;
    struct buffer *out;
};

static enum tandem_failure resolve_next(struct cli *cli, const char *name, void *context)
{
    const struct resolving *resolving = context;
    text_add(resolving->out, resolving->out->size == 0 ? "" : ",");
    return resolve_one(cli, resolving->target, name, resolving->out);
}

enum tandem_failure fields_resolve(struct cli *cli, const struct field_facts *facts,
                                   const char *text, struct buffer *out)
{
    buffer_clear(out);
    if (strcmp(facts->kind, "reference") == 0) {
        return resolve_one(cli, facts->target, text, out);
    }
    if (strcmp(facts->kind, "references") != 0) {
        text_add(out, text);
        return TANDEM_DONE;
    }
    struct resolving resolving = {facts->target, out};
    return lookup_each_name(cli, facts->target, text, resolve_next, &resolving);
}

static void tell_values(struct cli *cli, const struct field_facts *facts)
{
    if (facts->values == NULL || cli->json) {
        return;
    }
    (void)fprintf(cli->err, "  %s is one of:", facts->name);
    for (size_t i = 0; facts->values[i] != NULL; i++) {
        (void)fprintf(cli->err, "%s %s", i == 0 ? "" : ",", facts->values[i]);
    }
    (void)fputc('\n', cli->err);
}

enum tandem_failure fields_set(struct cli *cli, tandem_mutation *mutation, const char *entity,
                               const char *name, const char *value, const char *what)
{
    struct field_facts facts;
    struct buffer resolved = {0};
    enum tandem_failure failure = fields_facts(cli, entity, name, &facts);
    if (failure == TANDEM_DONE) {
        failure = fields_resolve(cli, &facts, value, &resolved);
    }
    if (failure == TANDEM_DONE) {
        const char *text = text_of(&resolved);
        tandem_code code = text == NULL   ? (tandem_code)STATUS_NO_MEMORY
                           : facts.custom ? tandem_set_kind(mutation, facts.name, facts.kind, text)
                                          : tandem_set_text(mutation, facts.name, text);
        if (code != TANDEM_OK) {
            tandem_mutation_fault(mutation, &cli->fault);
            cli->fault.code = code;
            failure = cli_fault(cli, what, &cli->fault);
            tell_values(cli, &facts);
        }
    }
    buffer_release(&resolved);
    return failure;
}

enum tandem_failure fields_set_pairs(struct cli *cli, tandem_mutation *mutation,
                                     const char *entity, const char *pairs[][2],
                                     const char *what)
{
    enum tandem_failure failure = TANDEM_DONE;
    for (size_t i = 0; pairs[i][0] != NULL && failure == TANDEM_DONE; i++) {
        if (pairs[i][1] != NULL) {
            failure = fields_set(cli, mutation, entity, pairs[i][0], pairs[i][1], what);
        }
    }
    return failure;
}

enum tandem_failure fields_assign(struct cli *cli, tandem_mutation *mutation, const char *entity,
                                  const char *assignment, const char *what)
{
    char name[FIELDS_NAME];
    const char *value = NULL;
    if (!fields_split(assignment, name, &value)) {
        return cli_usage(cli, "\"%s\" is not FIELD=VALUE", assignment);
    }
    return fields_set(cli, mutation, entity, name, value, what);
}

struct tagging {
    tandem_mutation *mutation;
    bool remove;
};

static enum tandem_failure put_tag(struct cli *cli, const char *name, void *context)
{
    const struct tagging *tagging = context;
    char tag[LOOKUP_TAG];
    enum tandem_failure failure = lookup_tag(cli, name, tag);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_code code = tagging->remove ? tandem_remove_audience(tagging->mutation, tag)
                                       : tandem_add_audience(tagging->mutation, tag);
    if (code != TANDEM_OK) {
        tandem_mutation_fault(tagging->mutation, &cli->fault);
        return cli_fault(cli, tag, &cli->fault);
    }
    return TANDEM_DONE;
}

enum tandem_failure fields_audience(struct cli *cli, tandem_mutation *mutation, const char *tags,
                                    bool remove)
{
    struct tagging tagging = {mutation, remove};
    return lookup_each_name(cli, "party", tags, put_tag, &tagging);
}

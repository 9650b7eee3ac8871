/* What the columns of an import mean, and what the server has already (cli_import.h). */
#include <ctype.h>
#include <string.h>

#include "cli/cli_import.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

static enum tandem_failure add_name(struct import *import, const char *field, const char *column)
{
    char problem[256];
    struct buffer text = {0};
    text_addf(&text, "%s=", field);
    for (const char *at = column; *at != '\0'; at++) {
        if (*at == ',') {
            text_add(&text, "\\");
        }
        buffer_append_byte(&text, (uint8_t)*at);
    }
    const char *specification = text_of(&text);
    bool good = specification != NULL && map_add(&import->map, specification, problem);
    buffer_release(&text);
    return good ? TANDEM_DONE : cli_refuse(import->cli, TANDEM_REFUSED, "%s", problem);
}

/* An option may say already what the field is: from this very column, as --account-by does of a
 * column with names, or otherwise, so that the column would be left out without a word. */
static enum tandem_failure add_named(struct import *import, const char *field, const char *column)
{
    for (size_t i = 0; i < import->map.count; i++) {
        const struct map_entry *entry = &import->map.entries[i];
        if (strcmp(entry->field, field) != 0 || entry->part[0] != '\0') {
            continue;
        }
        if (entry->source == MAP_LOOKUP && text_same(entry->column, column)) {
            return TANDEM_DONE;
        }
        return cli_refuse(import->cli, TANDEM_REFUSED,
                          "the column %s is named like the field %s, which %s: name the columns to "
                          "be used with --map",
                          column, field,
                          entry->source == MAP_CONSTANT ? "--set gives a value"
                          : entry->source == MAP_LOOKUP ? "is looked up by another column"
                                                        : "another column is named like too");
    }
    return add_name(import, field, column);
}

static void take_custom_name(void *context, const struct field_facts *facts)
{
    struct import *import = context;
    if (map_column((const char *const *)import->header, import->header_count, facts->name) >= 0) {
        import->fatal = add_named(import, facts->name, facts->name);
    }
}

/* What custom entities have besides; for a built-in one these are fields of its own or none. */
static bool is_common_name(const struct import *import, const char *column)
{
    tandem_field_info info;
    return !tandem_field_at(import->entity, 0, &info) &&
           (strcmp(column, "name") == 0 || strcmp(column, "account") == 0);
}

/* "Phone Number" and "phone_number" as phoneNumber: other systems write their headings so. */
static bool is_alike(const char *column, const char *field)
{
    static const char skipped[] = " _-";
    for (;; column++, field++) {
        column += strspn(column, skipped);
        field += strspn(field, skipped);
        if (tolower((unsigned char)*column) != tolower((unsigned char)*field)) {
            return false;
        }
        if (*column == '\0') {
            return true;
        }
    }
}

static bool find_alike(const char *entity, const char *column, tandem_field_info *out)
{
    for (size_t i = 0; tandem_field_at(entity, i, out); i++) {
        if (is_alike(column, out->name)) {
            return true;
        }
    }
    return false;
}

enum tandem_failure import_map_by_name(struct import *import)
{
    enum tandem_failure failure = TANDEM_DONE;
    for (size_t i = 0; i < import->header_count && failure == TANDEM_DONE; i++) {
        tandem_field_info info;
        const char *column = import->header[i];
        if (find_alike(import->entity, column, &info) && !info.system) {
            failure = add_named(import, info.name, column);
        } else if (is_common_name(import, column)) {
            failure = add_named(import, column, column);
        }
    }
    if (failure == TANDEM_DONE) {
        failure = fields_each_custom(import->cli, import->entity, take_custom_name, import);
    }
    if (failure != TANDEM_DONE || import->fatal != TANDEM_DONE) {
        return failure == TANDEM_DONE ? import->fatal : failure;
    }
    if (import->map.count == 0) {
        return cli_refuse(import->cli, TANDEM_REFUSED,
                          "no column is named like a field of %s; say which is which with --map. "
                          "See: tandem schema %s",
                          import->entity, import->entity);
    }
    return TANDEM_DONE;
}

/* ---- Fields ---------------------------------------------------------------------------------- */

static size_t find_target(const struct import *import, const char *field)
{
    size_t i = 0;
    while (i < import->target_count && strcmp(import->targets[i].facts.name, field) != 0) {
        i++;
    }
    return i;
}

static enum tandem_failure plan_entry(struct import *import, size_t index)
{
    struct map_entry *entry = &import->map.entries[index];
    struct field_facts facts;
    enum tandem_failure failure = fields_facts(import->cli, import->entity, entry->field, &facts);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    (void)snprintf(entry->field, sizeof entry->field, "%s", facts.name);
    if (entry->part[0] != '\0' && strcmp(facts.kind, "address") != 0) {
        return cli_refuse(import->cli, TANDEM_REFUSED, "%s is no address, so it has no %s",
                          facts.name, entry->part);
    }
    if (entry->source == MAP_LOOKUP && strcmp(facts.kind, "reference") != 0) {
        return cli_refuse(import->cli, TANDEM_REFUSED, "%s is no reference to look up", facts.name);
    }
    size_t target = find_target(import, facts.name);
    if (target < import->target_count && entry->part[0] == '\0') {
        return cli_refuse(import->cli, TANDEM_REFUSED, "%s is mapped twice", facts.name);
    }
    if (target == import->target_count) {
        import->targets[import->target_count++].facts = facts;
    }
    import->target_of[index] = target;
    return TANDEM_DONE;
}

/* A constant may name an account or a party: that is asked once, not for every row. */
static enum tandem_failure resolve_constant(struct import *import, size_t index)
{
    struct map_entry *entry = &import->map.entries[index];
    struct buffer text = {0};
    enum tandem_failure failure = fields_resolve(
        import->cli, &import->targets[import->target_of[index]].facts, entry->column, &text);
    if (failure == TANDEM_DONE) {
        const char *resolved = text_of(&text);
        (void)snprintf(entry->column, sizeof entry->column, "%s", resolved == NULL ? "" : resolved);
    }
    buffer_release(&text);
    return failure;
}

/* ---- What is there ---------------------------------------------------------------------------- */

struct gathering {
    struct import *import;
    struct index *index;
    const char *field;
    bool with_values;
    bool failed;
};

static bool take_values(const struct import *import, struct index_entry *entry,
                        const tandem_record *record)
{
    bool good = index_make_values(entry, import->target_count);
    for (size_t i = 0; i < import->target_count && good; i++) {
        const char *text = tandem_record_text(record, import->targets[i].facts.name);
        entry->values[i] = text_copy(text == NULL ? "" : text);
        good = entry->values[i] != NULL;
    }
    return good;
}

static bool gather(void *context, const tandem_record *record)
{
    struct gathering *gathering = context;
    bool by_id = strcmp(gathering->field, "id") == 0;
    const char *key =
        by_id ? tandem_record_id(record) : tandem_record_text(record, gathering->field);
    bool fresh = false;
    if (key == NULL || key[0] == '\0') {
        return true;
    }
    struct index_entry *entry = index_add(gathering->index, key, &fresh);
    if (entry == NULL) {
        gathering->failed = true;
        return false;
    }
    if (!fresh) {
        entry->ambiguous = true;
        return true;
    }
    (void)snprintf(entry->id, sizeof entry->id, "%s", tandem_record_id(record));
    if (gathering->with_values) {
        (void)bytes_to_text(bytes_text(tandem_record_modified_by(record)), entry->by,
                            sizeof entry->by);
        entry->at_ms = tandem_record_modified_at(record);
        gathering->failed = !take_values(gathering->import, entry, record);
    }
    return !gathering->failed;
}

static enum tandem_failure gather_all(struct import *import, const char *entity,
                                      const char *field, struct index *index, bool with_values)
{
    struct gathering gathering = {import, index, field, with_values, false};
    tandem_query query = {.entity = entity};
    if (cli_query(import->cli, &query, gather, &gathering) != TANDEM_OK) {
        return cli_fault(import->cli, "nothing was imported", &import->cli->fault);
    }
    return gathering.failed ? cli_no_memory(import->cli) : TANDEM_DONE;
}

static enum tandem_failure gather_lookup(struct import *import, size_t index)
{
    struct map_entry *entry = &import->map.entries[index];
    const struct field_facts *facts = &import->targets[import->target_of[index]].facts;
    struct field_facts by;
    if (facts->target[0] == '\0') {
        return cli_refuse(import->cli, TANDEM_REFUSED,
                          "%s may refer to anything, so it cannot be looked up", facts->name);
    }
    enum tandem_failure failure = fields_facts(import->cli, facts->target, entry->by, &by);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    return gather_all(import, facts->target, by.name, &import->lookups[index], false);
}

static enum tandem_failure plan_key(struct import *import)
{
    if (import->key_field[0] == '\0') {
        return TANDEM_DONE;
    }
    if (strcmp(import->key_field, "id") != 0) {
        tandem_field_info info;
        if (tandem_field_find(import->entity, import->key_field, &info)) {
            (void)snprintf(import->key_field, sizeof import->key_field, "%s", info.name);
        }
        import->key_target = find_target(import, import->key_field);
        if (import->key_target == import->target_count) {
            return cli_refuse(import->cli, TANDEM_REFUSED,
                              "the key %s is not mapped; write --key %s=COLUMN", import->key_field,
                              import->key_field);
        }
    }
    return gather_all(import, import->entity, import->key_field, &import->known, true);
}

/* A custom entity that is called by another field than its name takes its name from there too. */
static enum tandem_failure complete_name(struct import *import)
{
    struct map *map = &import->map;
    char title[FIELDS_NAME];
    tandem_field_info info;
    size_t count = map->count;
    bool named = tandem_field_at(import->entity, 0, &info);
    for (size_t i = 0; i < count; i++) {
        named = named || strcmp(map->entries[i].field, "name") == 0;
    }
    enum tandem_failure failure =
        named ? TANDEM_DONE : fields_title(import->cli, import->entity, title);
    for (size_t i = 0; i < count && failure == TANDEM_DONE && !named; i++) {
        if (strcmp(map->entries[i].field, title) == 0 && map->entries[i].source != MAP_LOOKUP &&
            map->count < MAP_MOST) {
            map->entries[map->count] = map->entries[i];
            (void)snprintf(map->entries[map->count].field, MAP_NAME, "name");
            map->count++;
        }
    }
    return failure;
}

enum tandem_failure import_plan(struct import *import)
{
    enum tandem_failure failure = fields_check_entity(import->cli, import->entity);
    failure = failure == TANDEM_DONE ? complete_name(import) : failure;
    for (size_t i = 0; i < import->map.count && failure == TANDEM_DONE; i++) {
        failure = plan_entry(import, i);
        if (failure == TANDEM_DONE && import->map.entries[i].source == MAP_CONSTANT) {
            failure = resolve_constant(import, i);
        }
    }
    for (size_t i = 0; i < import->map.count && failure == TANDEM_DONE; i++) {
        if (import->map.entries[i].source == MAP_LOOKUP) {
            failure = gather_lookup(import, i);
        }
    }
    return failure == TANDEM_DONE ? plan_key(import) : failure;
}

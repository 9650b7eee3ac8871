#include "tests/oracle/model_schema.h"

#include <stdio.h>
#include <string.h>

/* Cuts the next cell out of a row of a table: the text between two bars, without the spaces. */
static char *next_cell(char **rest)
{
    char *begin = *rest, *end = begin != NULL ? strchr(begin, '|') : NULL;
    if (end == NULL) {
        return NULL;
    }
    *rest = end + 1;
    while (*begin == ' ') {
        begin++;
    }
    while (end > begin && end[-1] == ' ') {
        end--;
    }
    *end = '\0';
    return begin;
}

static bool copy(char *out, size_t size, const char *text)
{
    int length = snprintf(out, size, "%s", text);
    return length >= 0 && (size_t)length < size;
}

static bool read_field(struct model_entity_def *entity, char *row)
{
    char *rest = row + 1;
    char *name = next_cell(&rest), *kind = next_cell(&rest), *class = next_cell(&rest);
    char *flags = next_cell(&rest), *values = next_cell(&rest);
    if (values == NULL || entity->field_count == SCHEMA_PAGE_FIELDS) {
        return false;
    }
    if (strcmp(name, "field") == 0 || name[0] == '-') {
        return true;
    }
    struct model_field_def *field = &entity->fields[entity->field_count++];
    field->required = strstr(flags, "required") != NULL;
    field->fixed = strstr(flags, "set once") != NULL;
    return copy(field->name, sizeof field->name, name) &&
           copy(field->kind, sizeof field->kind, kind) &&
           copy(field->class, sizeof field->class, class) &&
           copy(field->values, sizeof field->values, values);
}

static bool read_home(struct model_entity_def *entity, const char *line)
{
    static const struct {
        const char *words;
        enum model_home home;
    } homes[] = {
        {"Its scope is its own.", MODEL_HOME_SELF},
        {"Lives in the library.", MODEL_HOME_LIBRARY},
        {"Lives in the scope of its account, else in the one named at creation", MODEL_HOME_ANY},
        {"Lives in the scope of its account.", MODEL_HOME_ACCOUNT},
        {"Lives in the scope of the user whom it is for", MODEL_HOME_USER},
    };
    for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
        if (strncmp(line, homes[i].words, strlen(homes[i].words)) == 0) {
            entity->home = homes[i].home;
            entity->partners = strstr(line, "and `partners`") != NULL;
            return true;
        }
    }
    return false;
}

static bool read_line(struct model_schema *schema, struct model_entity_def **entity, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "## Every record") == 0) {
        *entity = &schema->every;
        return true;
    }
    if (strncmp(line, "## ", 3) == 0) {
        if (schema->count == SCHEMA_PAGE_ENTITIES) {
            return false;
        }
        *entity = &schema->entities[schema->count++];
        return copy((*entity)->name, sizeof(*entity)->name, line + 3);
    }
    if (*entity == NULL || line[0] == '\0') {
        return true;
    }
    return line[0] == '|' ? read_field(*entity, line) : read_home(*entity, line);
}

bool model_schema_read(struct model_schema *schema, const char *path)
{
    char line[2048];
    struct model_entity_def *entity = NULL;
    FILE *page = fopen(path, "r");
    *schema = (struct model_schema){.count = 0};
    bool fine = page != NULL;
    while (fine && fgets(line, sizeof line, page) != NULL) {
        fine = read_line(schema, &entity, line);
    }
    if (page != NULL) {
        fclose(page);
    }
    return fine && schema->count > 0 && schema->every.field_count > 0;
}

const struct model_entity_def *model_schema_entity(const struct model_schema *schema,
                                                   const char *name)
{
    for (unsigned i = 0; i < schema->count; i++) {
        if (strcmp(schema->entities[i].name, name) == 0) {
            return &schema->entities[i];
        }
    }
    return NULL;
}

static const struct model_field_def *find_field(const struct model_entity_def *entity,
                                                const char *name)
{
    for (unsigned i = 0; entity != NULL && i < entity->field_count; i++) {
        if (strcmp(entity->fields[i].name, name) == 0) {
            return &entity->fields[i];
        }
    }
    return NULL;
}

const struct model_field_def *model_schema_field(const struct model_schema *schema,
                                                 const char *entity, const char *field)
{
    const struct model_field_def *own = find_field(model_schema_entity(schema, entity), field);
    return own != NULL ? own : find_field(&schema->every, field);
}

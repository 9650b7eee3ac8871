#include "cli/cli_map.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli_text.h"

static const char *const parts[] = {"street", "city", "region", "postalCode", "country"};

static void copy_trimmed(char *out, size_t size, const char *from, size_t length)
{
    while (length > 0 && from[0] == ' ') {
        from++;
        length--;
    }
    while (length > 0 && from[length - 1] == ' ') {
        length--;
    }
    (void)bytes_to_text(bytes_of(from, length), out, size);
}

/* A new entry for the field, or NULL with a sentence. */
static struct map_entry *add_field(struct map *map, const char *field, size_t length,
                                   const char *whole, char problem[256])
{
    if (length == 0 || length >= MAP_NAME) {
        (void)snprintf(problem, 256, "\"%.100s\" is not FIELD=COLUMN", whole);
        return NULL;
    }
    if (map->count == MAP_MOST) {
        (void)snprintf(problem, 256, "at most %u fields can be mapped", MAP_MOST);
        return NULL;
    }
    struct map_entry *entry = &map->entries[map->count++];
    *entry = (struct map_entry){.index = -1};
    copy_trimmed(entry->field, sizeof entry->field, field, length);
    return entry;
}

static bool is_part(const char *word)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(word, parts[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool split_part(struct map_entry *entry, char problem[256])
{
    char *dot = strchr(entry->field, '.');
    if (dot == NULL) {
        return true;
    }
    if (!is_part(dot + 1)) {
        (void)snprintf(problem, 256,
                       "%s is no part of an address: they are street, city, region, postalCode, "
                       "country",
                       entry->field);
        return false;
    }
    (void)snprintf(entry->part, sizeof entry->part, "%.15s", dot + 1);
    *dot = '\0';
    return true;
}

static bool repeats(const struct map *map, const struct map_entry *entry, char problem[256])
{
    for (const struct map_entry *other = map->entries; other < entry; other++) {
        if (strcmp(other->field, entry->field) == 0 && strcmp(other->part, entry->part) == 0) {
            (void)snprintf(problem, 256, "%s is mapped twice", entry->field);
            return true;
        }
    }
    return false;
}

static bool add_one(struct map *map, const char *text, char problem[256])
{
    const char *equals = strchr(text, '=');
    struct map_entry *entry =
        add_field(map, text, equals == NULL ? 0 : (size_t)(equals - text), text, problem);
    if (entry == NULL || !split_part(entry, problem)) {
        return false;
    }
    copy_trimmed(entry->column, sizeof entry->column, equals + 1, strlen(equals + 1));
    if (entry->column[0] == '\0') {
        (void)snprintf(problem, 256, "%s has no column", entry->field);
        return false;
    }
    return !repeats(map, entry, problem);
}

bool map_add(struct map *map, const char *specification, char problem[256])
{
    char one[MAP_NAME + MAP_COLUMN];
    for (const char *at = specification; *at != '\0';) {
        size_t size = 0;
        for (; *at != '\0' && *at != ','; at++) {
            at += at[0] == '\\' && at[1] == ',';
            if (size + 1 < sizeof one) {
                one[size++] = *at;
            }
        }
        one[size] = '\0';
        at += *at == ',';
        if (!add_one(map, one, problem)) {
            return false;
        }
    }
    return true;
}

bool map_add_constant(struct map *map, const char *assignment, char problem[256])
{
    const char *equals = strchr(assignment, '=');
    size_t length = equals == NULL ? 0 : (size_t)(equals - assignment);
    struct map_entry *entry = add_field(map, assignment, length, assignment, problem);
    if (entry == NULL) {
        return false;
    }
    entry->source = MAP_CONSTANT;
    if (strlen(equals + 1) >= sizeof entry->column) {
        (void)snprintf(problem, 256, "the value of %s is too long", entry->field);
        return false;
    }
    (void)snprintf(entry->column, sizeof entry->column, "%s", equals + 1);
    return !repeats(map, entry, problem);
}

bool map_add_lookup(struct map *map, const char *reference, const char *specification,
                    char problem[256])
{
    const char *equals = strchr(specification, '=');
    const char *dot = reference == NULL ? strchr(specification, '.') : NULL;
    const char *by = dot != NULL ? dot + 1 : specification;
    if (equals == NULL || equals[1] == '\0' || equals == by ||
        (reference == NULL && (dot == NULL || dot > equals || equals == dot + 1))) {
        (void)snprintf(problem, 256, "\"%.100s\" is not %sFIELD=COLUMN", specification,
                       reference == NULL ? "REFERENCE." : "");
        return false;
    }
    const char *field = reference == NULL ? specification : reference;
    size_t length = reference == NULL ? (size_t)(dot - specification) : strlen(reference);
    struct map_entry *entry = add_field(map, field, length, specification, problem);
    if (entry == NULL) {
        return false;
    }
    entry->source = MAP_LOOKUP;
    copy_trimmed(entry->by, sizeof entry->by, by, (size_t)(equals - by));
    copy_trimmed(entry->column, sizeof entry->column, equals + 1, strlen(equals + 1));
    return !repeats(map, entry, problem);
}

int map_column(const char *const *header, size_t count, const char *name)
{
    int found = -1;
    for (size_t i = 0; i < count; i++) {
        if (text_same(header[i], name)) {
            if (found >= 0) {
                return -2;
            }
            found = (int)i;
        }
    }
    return found;
}

static void list_columns(const char *const *header, size_t count, char *out, size_t size)
{
    size_t used = strlen(out);
    for (size_t i = 0; i < count && used + 1 < size; i++) {
        int more = snprintf(out + used, size - used, "%s%s", i == 0 ? " " : ", ", header[i]);
        used += more > 0 ? (size_t)more : 0;
    }
}

static bool find_column(const char *const *header, size_t count, const char *name, int *index,
                        char problem[512])
{
    *index = map_column(header, count, name);
    if (*index == -2) {
        (void)snprintf(problem, 512, "two columns are named %s; rename one", name);
    } else if (*index == -1) {
        (void)snprintf(problem, 512, "there is no column %s. %s", name,
                       count == 1 && strpbrk(header[0], ";\t|") != NULL
                           ? "The file has another delimiter: try --delimiter ';' or tab. There is:"
                           : "There are:");
        list_columns(header, count, problem, 512);
    }
    return *index >= 0;
}

/* Walks the braces of a template: gives the next column's name, or false at the end. */
static bool next_brace(const char **at, char name[MAP_COLUMN], const char **before, size_t *length)
{
    const char *open = strchr(*at, '{');
    const char *close = open == NULL ? NULL : strchr(open, '}');
    *before = *at;
    if (close == NULL) {
        *length = strlen(*at);
        *at += *length;
        return false;
    }
    *length = (size_t)(open - *at);
    copy_trimmed(name, MAP_COLUMN, open + 1, (size_t)(close - open - 1));
    *at = close + 1;
    return true;
}

static bool is_template(const struct map_entry *entry)
{
    const char *open = strchr(entry->column, '{');
    return open != NULL && strchr(open, '}') != NULL;
}

static bool entry_uses(const struct map_entry *entry, const char *const *header, size_t count,
                       size_t column)
{
    char name[MAP_COLUMN];
    const char *before = NULL;
    size_t length = 0;
    if (entry->source == MAP_CONSTANT || entry->index >= 0) {
        return entry->source != MAP_CONSTANT && (size_t)entry->index == column;
    }
    for (const char *at = entry->column; next_brace(&at, name, &before, &length);) {
        if (map_column(header, count, name) == (int)column) {
            return true;
        }
    }
    return false;
}

bool map_uses(const struct map *map, const char *const *header, size_t count, size_t column)
{
    for (size_t i = 0; i < map->count; i++) {
        if (entry_uses(&map->entries[i], header, count, column)) {
            return true;
        }
    }
    return false;
}

bool map_resolve(struct map *map, const char *const *header, size_t count, char problem[512])
{
    for (size_t i = 0; i < map->count; i++) {
        struct map_entry *entry = &map->entries[i];
        if (entry->source == MAP_CONSTANT) {
            continue;
        }
        if (!is_template(entry)) {
            if (!find_column(header, count, entry->column, &entry->index, problem)) {
                return false;
            }
            continue;
        }
        char name[MAP_COLUMN];
        const char *before = NULL;
        size_t length = 0;
        int index = 0;
        for (const char *at = entry->column; next_brace(&at, name, &before, &length);) {
            if (!find_column(header, count, name, &index, problem)) {
                return false;
            }
        }
    }
    return true;
}

void map_text(const struct map_entry *entry, const char *const *header, const char *const *cells,
              size_t count, struct buffer *out)
{
    if (entry->source == MAP_CONSTANT) {
        text_add(out, entry->column);
        return;
    }
    if (entry->index >= 0) {
        text_add(out, (size_t)entry->index < count ? cells[entry->index] : "");
        return;
    }
    size_t begin = out->size;
    bool any = false;
    char name[MAP_COLUMN];
    const char *before = NULL;
    size_t length = 0;
    const char *at = entry->column;
    while (next_brace(&at, name, &before, &length)) {
        int index = map_column(header, count, name);
        const char *cell = index >= 0 ? cells[index] : "";
        any = any || cell[0] != '\0';
        buffer_append(out, before, length);
        text_add(out, cell);
    }
    buffer_append(out, before, length);
    out->size = any ? out->size : begin;
}

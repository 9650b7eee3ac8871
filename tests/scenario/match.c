#include <stdlib.h>
#include <string.h>

#include "protocol/memory.h"
#include "tests/scenario/scenario.h"

static json_t *member(const json_t *value, const char *name)
{
    if (json_is_array(value))
        return json_array_get(value, strtoul(name, NULL, 10));
    return json_object_get(value, name);
}

static json_t *follow(const json_t *value, const char *path)
{
    const json_t *at = value;
    char name[64];
    while (at && *path) {
        size_t length = strcspn(path, ".");
        at = member(at, bytes_to_text(bytes_of(path, length), name, sizeof name));
        path += length + (path[length] == '.');
    }
    return (json_t *)(uintptr_t)at;
}

json_t *match_find(const json_t *value, const char *path)
{
    json_t *found = follow(value, path);
    const json_t *record = json_object_get(value, "record");
    if (!found && strcmp(path, "by") == 0)
        return match_find(value, "modifiedBy");
    if (!found && record)
        found = follow(record, path);
    if (!found)
        found = follow(json_object_get(record ? record : value, "fields"), path);
    return found;
}

char *match_text(const json_t *value)
{
    if (json_is_string(value))
        return memory_copy(json_string_value(value), json_string_length(value));
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    char *text = dumped ? memory_copy(dumped, strlen(dumped)) : NULL;
    free(dumped);
    return text;
}

static bool meets(const json_t *found, char sign, const char *wanted)
{
    if (strcmp(wanted, "absent") == 0)
        return !found;
    if (!found)
        return false;
    if (wanted[0] == '#' && sign == '=')
        return json_array_size(found) == strtoul(wanted + 1, NULL, 10) && json_is_array(found);
    char *text = match_text(found);
    bool same = text && (sign == '~' ? strstr(text, wanted) != NULL : strcmp(text, wanted) == 0);
    memory_free(text);
    return same;
}

bool match_word(const json_t *value, const char *word)
{
    char path[128];
    size_t length = strcspn(word, "=~");
    if (word[length] == '\0' || length >= sizeof path)
        return false;
    bytes_to_text(bytes_of(word, length), path, sizeof path);
    return meets(match_find(value, path), word[length], word + length + 1);
}

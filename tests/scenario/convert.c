#include "tests/scenario/convert.h"

#include <stdio.h>
#include <string.h>

#include "protocol/id.h"
#include "protocol/wire.h"

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool convert_hex(const char *text, struct buffer *out)
{
    for (; text[0]; text += 2) {
        int high = digit(text[0]), low = text[1] ? digit(text[1]) : -1;
        if (high < 0 || low < 0)
            return false;
        buffer_append_byte(out, (uint8_t)(high * 16 + low));
    }
    return true;
}

static const char *behind(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static bool put_string(const json_t *value, struct buffer *out)
{
    const char *text = json_string_value(value), *rest;
    uint8_t octets[SCOPE_SIZE];
    struct id id;
    struct scope scope;
    struct tag tag;
    if ((rest = behind(text, "id:")) != NULL) {
        if (!id_from_text(bytes_text(rest), &id))
            return false;
        wire_put_id(out, id);
    } else if ((rest = behind(text, "scope:")) != NULL) {
        if (!scope_from_text(bytes_text(rest), &scope))
            return false;
        scope_put(scope, octets);
        wire_put_bin(out, bytes_of(octets, sizeof octets));
    } else if ((rest = behind(text, "tag:")) != NULL) {
        if (!tag_from_text(bytes_text(rest), &tag))
            return false;
        tag_put(tag, octets);
        wire_put_bin(out, bytes_of(octets, sizeof octets));
    } else if ((rest = behind(text, "bin:")) != NULL) {
        struct buffer binary = {.data = NULL};
        bool fine = convert_hex(rest, &binary);
        wire_put_bin(out, buffer_bytes(&binary));
        buffer_release(&binary);
        return fine;
    } else {
        wire_put_str(out, bytes_of(text, json_string_length(value)));
    }
    return true;
}

static bool put_members(const json_t *value, struct buffer *out)
{
    const char *key;
    json_t *member;
    wire_put_map(out, (uint32_t)json_object_size(value));
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        wire_put_text(out, key);
        if (!convert_to_wire(member, out))
            return false;
    }
    return true;
}

bool convert_to_wire(const json_t *value, struct buffer *out)
{
    size_t at;
    json_t *element;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return put_members(value, out);
    case JSON_ARRAY:
        wire_put_array(out, (uint32_t)json_array_size(value));
        json_array_foreach(value, at, element) {
            if (!convert_to_wire(element, out))
                return false;
        }
        return true;
    case JSON_STRING:
        return put_string(value, out);
    case JSON_INTEGER:
        wire_put_int(out, json_integer_value(value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        wire_put_bool(out, json_is_true(value));
        return true;
    case JSON_NULL:
        wire_put_nil(out);
        return true;
    default:
        return false;
    }
}

static json_t *from_binary(struct bytes binary, bool audience)
{
    char text[1100] = "bin:";
    struct id id;
    struct scope scope;
    struct tag tag;
    if (id_from_bytes(binary, &id))
        return json_string(id_to_text(id, text));
    if (audience && tag_from_bytes(binary, &tag))
        return json_string(tag_to_text(tag, text));
    if (!audience && scope_from_bytes(binary, &scope))
        return json_string(scope_to_text(scope, text));
    for (size_t i = 0; i < binary.size && 2 * i + 7 < sizeof text; i++)
        snprintf(text + 4 + 2 * i, 3, "%02x", binary.data[i]);
    return json_string(text);
}

static json_t *from_reader(struct wire_reader *reader, bool audience);

static json_t *from_map(struct wire_reader *reader)
{
    uint32_t count = 0;
    struct bytes key;
    json_t *map = json_object();
    bool fine = wire_get_map(reader, &count);
    while (fine && count-- > 0) {
        char name[300] = "";
        fine = wire_get_str(reader, &key);
        if (fine)
            bytes_to_text(key, name, sizeof name);
        fine = fine && json_object_set_new(map, name,
                                           from_reader(reader, strcmp(name, "audience") == 0)) == 0;
    }
    if (!fine) {
        json_decref(map);
        return NULL;
    }
    return map;
}

static json_t *from_array(struct wire_reader *reader, bool audience)
{
    uint32_t count = 0;
    json_t *array = json_array();
    bool fine = wire_get_array(reader, &count);
    while (fine && count-- > 0)
        fine = json_array_append_new(array, from_reader(reader, audience)) == 0;
    if (!fine) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *from_reader(struct wire_reader *reader, bool audience)
{
    struct bytes bytes;
    int64_t number;
    bool truth;
    switch (wire_peek(reader)) {
    case WIRE_MAP:
        return from_map(reader);
    case WIRE_ARRAY:
        return from_array(reader, audience);
    case WIRE_NIL:
        return wire_get_nil(reader) ? json_null() : NULL;
    case WIRE_BOOL:
        return wire_get_bool(reader, &truth) ? json_boolean(truth) : NULL;
    case WIRE_INT:
        return wire_get_int(reader, &number) ? json_integer(number) : NULL;
    case WIRE_STR:
        return wire_get_str(reader, &bytes)
                   ? json_stringn((const char *)bytes.data, bytes.size)
                   : NULL;
    case WIRE_BIN:
        return wire_get_bin(reader, &bytes) ? from_binary(bytes, audience) : NULL;
    default:
        return NULL;
    }
}

json_t *convert_from_wire(struct bytes bytes)
{
    if (wire_validate(bytes, NULL) != STATUS_OK)
        return NULL;
    struct wire_reader reader = wire_read(bytes);
    return from_reader(&reader, false);
}

#include "client-lib/base/json.h"

#include <inttypes.h>
#include <stdio.h>

#include "protocol/memory.h"
#include "protocol/wire.h"

static void put(struct buffer *out, const char *text)
{
    struct bytes bytes = bytes_text(text);
    buffer_append(out, bytes.data, bytes.size);
}

void json_text(struct buffer *out, struct bytes text)
{
    size_t plain = 0; /* bytes before the next one that needs escaping are copied at once */
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        char escape[8];
        if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f)
            continue;
        buffer_append(out, text.data + plain, i - plain);
        plain = i + 1;
        if (byte == '"' || byte == '\\')
            snprintf(escape, sizeof escape, "\\%c", byte);
        else if (byte == '\n')
            snprintf(escape, sizeof escape, "\\n");
        else if (byte == '\t')
            snprintf(escape, sizeof escape, "\\t");
        else
            snprintf(escape, sizeof escape, "\\u%04x", byte);
        put(out, escape);
    }
    if (plain < text.size)
        buffer_append(out, text.data + plain, text.size - plain);
    buffer_append_byte(out, '"');
}

static void put_hex(struct buffer *out, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < bytes.size; i++) {
        buffer_append_byte(out, (uint8_t)digits[bytes.data[i] >> 4]);
        buffer_append_byte(out, (uint8_t)digits[bytes.data[i] & 15]);
    }
    buffer_append_byte(out, '"');
}

static void put_quoted(struct buffer *out, const char *text)
{
    buffer_append_byte(out, '"');
    put(out, text);
    buffer_append_byte(out, '"');
}

static void put_binary(struct buffer *out, struct bytes bytes, bool is_scope)
{
    struct id id;
    struct scope scope;
    struct tag tag;
    char id_text[ID_TEXT_SIZE];
    char text[SCOPE_TEXT_SIZE];
    char tag_text[TAG_TEXT_SIZE];
    if (id_from_bytes(bytes, &id))
        put_quoted(out, id_to_text(id, id_text));
    else if (is_scope && scope_from_bytes(bytes, &scope))
        put_quoted(out, scope_to_text(scope, text));
    else if (!is_scope && tag_from_bytes(bytes, &tag))
        put_quoted(out, tag_to_text(tag, tag_text));
    else
        put_hex(out, bytes);
}

static void put_next(struct buffer *out, struct wire_reader *reader, bool is_scope, int depth);

static void put_array(struct buffer *out, struct wire_reader *reader, bool is_scope, int depth)
{
    uint32_t count = 0;
    (void)wire_get_array(reader, &count);
    buffer_append_byte(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        put_next(out, reader, is_scope, depth + 1);
    }
    buffer_append_byte(out, ']');
}

static void put_map(struct buffer *out, struct wire_reader *reader, int depth)
{
    uint32_t count = 0;
    (void)wire_get_map(reader, &count);
    buffer_append_byte(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        struct bytes key = {0};
        (void)wire_get_str(reader, &key);
        if (i > 0)
            buffer_append_byte(out, ',');
        json_text(out, key);
        buffer_append_byte(out, ':');
        put_next(out, reader, bytes_is(key, "scope"), depth + 1);
    }
    buffer_append_byte(out, '}');
}

static void put_next(struct buffer *out, struct wire_reader *reader, bool is_scope, int depth)
{
    char number[24];
    int64_t integer;
    uint64_t natural;
    bool boolean;
    struct bytes bytes;
    enum wire_type type = depth > WIRE_MAX_DEPTH ? WIRE_NIL : wire_peek(reader);
    if (type == WIRE_BOOL && wire_get_bool(reader, &boolean)) {
        put(out, boolean ? "true" : "false");
    } else if (type == WIRE_INT && wire_get_int(reader, &integer)) {
        snprintf(number, sizeof number, "%" PRId64, integer);
        put(out, number);
    } else if (type == WIRE_UINT && wire_get_uint(reader, &natural)) {
        snprintf(number, sizeof number, "%" PRIu64, natural);
        put(out, number);
    } else if (type == WIRE_STR && wire_get_str(reader, &bytes)) {
        json_text(out, bytes);
    } else if (type == WIRE_BIN && wire_get_bin(reader, &bytes)) {
        put_binary(out, bytes, is_scope);
    } else if (type == WIRE_ARRAY) {
        put_array(out, reader, is_scope, depth);
    } else if (type == WIRE_MAP) {
        put_map(out, reader, depth);
    } else {
        put(out, "null");
        (void)wire_skip(reader, NULL);
    }
}

void json_value(struct buffer *out, struct bytes value, bool is_scope)
{
    struct wire_reader reader = wire_read(value);
    put_next(out, &reader, is_scope, 0);
}

static void put_time(struct buffer *out, const char *key, int64_t ms)
{
    char text[SCHEMA_TIME_TEXT];
    put(out, key);
    put_quoted(out, schema_time_to_text(ms, text));
}

void json_record(struct buffer *out, const struct record_view *view)
{
    char id[ID_TEXT_SIZE];
    char scope[SCOPE_TEXT_SIZE];
    char seq[24];
    put(out, "{\"id\":");
    put_quoted(out, id_to_text(view->id, id));
    put(out, ",\"entity\":");
    json_text(out, view->entity);
    put(out, ",\"scope\":");
    put_quoted(out, scope_to_text(view->scope, scope));
    snprintf(seq, sizeof seq, "%" PRIu64, view->seq);
    put(out, ",\"seq\":");
    put(out, seq);
    put(out, ",\"audience\":");
    json_value(out, view->audience, false);
    put(out, ",\"createdBy\":");
    json_text(out, view->created_by);
    put_time(out, ",\"createdAt\":", view->created_at);
    put(out, ",\"modifiedBy\":");
    json_text(out, view->modified_by);
    put_time(out, ",\"modifiedAt\":", view->modified_at);
    put(out, ",\"fields\":");
    json_value(out, view->fields, false);
    buffer_append_byte(out, '}');
}

char *json_take(struct buffer *buffer)
{
    buffer_append_byte(buffer, 0);
    if (buffer->failed) {
        buffer_release(buffer);
        return NULL;
    }
    char *text = (char *)buffer->data;
    *buffer = (struct buffer){0};
    return text;
}

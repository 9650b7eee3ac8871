#include "notation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"

static void put(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text));
}

static void print_text(struct bytes text, struct buffer *out)
{
    char escape[8];
    put(out, "\"");
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c < 0x20)
            snprintf(escape, sizeof escape, "\\u%04x", c);
        else
            snprintf(escape, sizeof escape, "%c", c);
        put(out, escape);
    }
    put(out, "\"");
}

static void print_bin(struct bytes bytes, struct buffer *out)
{
    char pair[3];
    put(out, "h'");
    for (size_t i = 0; i < bytes.size; i++) {
        snprintf(pair, sizeof pair, "%02x", bytes.data[i]);
        put(out, pair);
    }
    put(out, "'");
}

static void print_next(struct wire_reader *reader, struct buffer *out)
{
    char number[32];
    struct bytes bytes;
    uint32_t count = 0;
    int64_t integer;
    uint64_t natural;
    bool truth;
    const enum wire_type type = wire_peek(reader);
    if (wire_get_nil(reader)) {
        put(out, "null");
    } else if (wire_get_bool(reader, &truth)) {
        put(out, truth ? "true" : "false");
    } else if (wire_get_int(reader, &integer)) {
        snprintf(number, sizeof number, "%" PRId64, integer);
        put(out, number);
    } else if (wire_get_uint(reader, &natural)) {
        snprintf(number, sizeof number, "%" PRIu64, natural);
        put(out, number);
    } else if (wire_get_str(reader, &bytes)) {
        print_text(bytes, out);
    } else if (wire_get_bin(reader, &bytes)) {
        print_bin(bytes, out);
    } else if (wire_get_array(reader, &count) || wire_get_map(reader, &count)) {
        put(out, type == WIRE_MAP ? "{" : "[");
        for (uint32_t i = 0; i < count; i++) {
            put(out, i > 0 ? ", " : "");
            print_next(reader, out);
            if (type == WIRE_MAP) {
                put(out, ": ");
                print_next(reader, out);
            }
        }
        put(out, type == WIRE_MAP ? "}" : "]");
    }
}

void notation_print(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    print_next(&reader, out);
}

struct source {
    const char *at;
    const char *end;
};

static void skip_space(struct source *source)
{
    while (source->at < source->end && strchr(" \t\r\n", *source->at) != NULL)
        source->at++;
}

static bool take(struct source *source, const char *word)
{
    const size_t size = strlen(word);
    skip_space(source);
    if ((size_t)(source->end - source->at) < size || memcmp(source->at, word, size) != 0)
        return false;
    source->at += size;
    return true;
}

static bool take_text(struct source *source, struct buffer *text)
{
    while (source->at < source->end && *source->at != '"') {
        char c = *source->at++;
        if (c == '\\' && source->at < source->end) {
            c = *source->at++;
            if (c == 'u' && source->end - source->at >= 4) {
                const char digits[5] = {source->at[0], source->at[1], source->at[2], source->at[3]};
                c = (char)strtol(digits, NULL, 16); /* control characters only */
                source->at += 4;
            }
        }
        buffer_append_byte(text, (uint8_t)c);
    }
    return take(source, "\"");
}

static void take_number(struct source *source, struct buffer *out)
{
    char text[40] = "";
    size_t size = 0;
    while (source->at < source->end && size + 1 < sizeof text &&
           strchr("+-.eE0123456789", *source->at) != NULL)
        text[size++] = *source->at++;
    if (strpbrk(text, ".eE") != NULL)
        wire_put_text(out, text);
    else if (text[0] == '-')
        wire_put_int(out, strtoll(text, NULL, 10));
    else
        wire_put_uint(out, strtoull(text, NULL, 10));
}

static bool parse_next(struct source *source, struct buffer *out);

static bool parse_members(struct source *source, bool map, struct buffer *out)
{
    const char *close = map ? "}" : "]";
    struct buffer members = {0};
    uint32_t count = 0;
    bool good = true;
    while (good && !take(source, close)) {
        good = count == 0 || take(source, ",");
        good = good && parse_next(source, &members);
        if (map)
            good = good && take(source, ":") && parse_next(source, &members);
        count++;
    }
    if (map)
        wire_put_map(out, count);
    else
        wire_put_array(out, count);
    wire_put_raw(out, buffer_bytes(&members));
    buffer_release(&members);
    return good;
}

static bool parse_quoted(struct source *source, bool hex, struct buffer *out)
{
    struct buffer text = {0};
    bool good = true;
    if (hex) {
        while (source->end - source->at >= 2 && *source->at != '\'') {
            const char pair[3] = {source->at[0], source->at[1]};
            buffer_append_byte(&text, (uint8_t)strtol(pair, NULL, 16));
            source->at += 2;
        }
        good = take(source, "'");
        wire_put_bin(out, buffer_bytes(&text));
    } else {
        good = take_text(source, &text);
        wire_put_str(out, buffer_bytes(&text));
    }
    buffer_release(&text);
    return good;
}

static bool parse_next(struct source *source, struct buffer *out)
{
    if (take(source, "null"))
        wire_put_nil(out);
    else if (take(source, "true"))
        wire_put_bool(out, true);
    else if (take(source, "false"))
        wire_put_bool(out, false);
    else if (take(source, "h'"))
        return parse_quoted(source, true, out);
    else if (take(source, "\""))
        return parse_quoted(source, false, out);
    else if (take(source, "["))
        return parse_members(source, false, out);
    else if (take(source, "{"))
        return parse_members(source, true, out);
    else if (source->at < source->end && strchr("-0123456789", *source->at) != NULL)
        take_number(source, out);
    else
        return false;
    return true;
}

bool notation_parse(struct bytes text, struct buffer *out)
{
    if (text.size == 0)
        return false;
    struct source source = {(const char *)text.data, (const char *)text.data + text.size};
    const bool good = parse_next(&source, out);
    skip_space(&source);
    return good && source.at == source.end;
}

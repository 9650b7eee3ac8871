#include "tests/survival/hostile/mutation.h"

#include <string.h>

#include "protocol/wire.h"

uint64_t chance_next(struct chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t chance_below(struct chance *chance, uint32_t limit)
{
    return (uint32_t)((chance_next(chance) >> 32) * limit >> 32);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void change_bytes(struct buffer *out, size_t start, struct chance *chance)
{
    for (uint32_t n = 1 + chance_below(chance, 4); n > 0 && out->size > start; n--) {
        size_t at = start + chance_below(chance, (uint32_t)(out->size - start));
        switch (chance_below(chance, 3)) {
        case 0:
            out->data[at] ^= (uint8_t)(1u << chance_below(chance, 8));
            break;
        case 1:
            out->data[at] = (uint8_t)chance_next(chance);
            break;
        default:
            out->data[at] = chance_below(chance, 2) ? 0xff : 0;
            break;
        }
    }
}

void mutate_bytes(struct buffer *out, struct bytes valid, struct chance *chance)
{
    size_t start = out->size;
    uint32_t size = (uint32_t)valid.size;
    uint32_t at = size > 0 ? chance_below(chance, size) : 0;
    uint32_t run = size > at ? 1 + chance_below(chance, size - at) : 0;
    switch (chance_below(chance, 6)) {
    case 0: /* cut off */
        buffer_append(out, valid.data, at);
        break;
    case 1: /* something in the middle is missing */
        buffer_append(out, valid.data, at);
        buffer_append(out, valid.data + at + run, size - at - run);
        break;
    case 2: /* said twice */
        buffer_append(out, valid.data, at + run);
        buffer_append(out, valid.data + at, size - at);
        break;
    case 3: /* something more in the middle */
        buffer_append(out, valid.data, at);
        for (uint32_t n = 1 + chance_below(chance, 64); n > 0; n--) {
            buffer_append_byte(out, (uint8_t)chance_next(chance));
        }
        buffer_append(out, valid.data + at, size - at);
        break;
    default:
        buffer_append(out, valid.data, size);
        if (!out->failed) {
            change_bytes(out, start, chance);
        }
        break;
    }
}

/* ---- Values ---------------------------------------------------------------------------------- */

static void put_number(struct buffer *out, struct chance *chance)
{
    static const int64_t edges[] = {0,         1,         -1,        127,       128,     -33,
                                    255,       256,       65535,     65536,     500,     501,
                                    INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 1 << 20, 16};
    if (chance_below(chance, 8) == 0) {
        wire_put_uint(out, UINT64_MAX - chance_below(chance, 2));
    } else {
        wire_put_int(out, edges[chance_below(chance, sizeof edges / sizeof *edges)]);
    }
}

static void put_run(struct buffer *out, struct chance *chance, bool text)
{
    static const uint32_t sizes[] = {0, 1, 15, 16, 17, 31, 32, 64, 65, 255, 256, 1001, 5000};
    uint8_t bytes[5000];
    uint32_t size = sizes[chance_below(chance, sizeof sizes / sizeof *sizes)];
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = text ? (uint8_t)('a' + chance_below(chance, 26)) : (uint8_t)chance_next(chance);
    }
    if (text) {
        wire_put_str(out, bytes_of(bytes, size));
    } else {
        wire_put_bin(out, bytes_of(bytes, size));
    }
}

static void put_nested(struct buffer *out, struct chance *chance)
{
    uint32_t depth = 1 + chance_below(chance, 20);
    for (uint32_t i = 1; i < depth; i++) {
        if (chance_below(chance, 2)) {
            wire_put_array(out, 1);
        } else {
            wire_put_map(out, 1);
            wire_put_text(out, "k");
        }
    }
    wire_put_array(out, 0);
}

static void put_any(struct buffer *out, struct chance *chance)
{
    static const char *const words[] = {"",       "ok",      "create",   "update", "internal",
                                        "remove", "share",   "password", "token",  "interaction",
                                        "user",   "account", "party",    "name",   "assignment"};
    switch (chance_below(chance, 8)) {
    case 0:
        wire_put_nil(out);
        break;
    case 1:
        wire_put_bool(out, chance_below(chance, 2));
        break;
    case 2:
    case 3:
        put_number(out, chance);
        break;
    case 4:
        wire_put_text(out, words[chance_below(chance, sizeof words / sizeof *words)]);
        break;
    case 5:
        put_nested(out, chance);
        break;
    default:
        put_run(out, chance, chance_below(chance, 2));
        break;
    }
}

/* Copies one value, or, if it is the one chosen, changes it. */
static void change_value(struct buffer *out, struct bytes value, struct chance *chance, int depth);

static void change_array(struct buffer *out, struct bytes array, struct chance *chance, int depth)
{
    struct wire_reader reader = wire_read(array);
    uint32_t count = 0;
    (void)wire_get_array(&reader, &count);
    uint32_t chosen = chance_below(chance, count + 1); /* the one behind the last: one more */
    wire_put_array(out, count + (chosen == count));
    for (uint32_t i = 0; i < count; i++) {
        struct bytes element = {NULL, 0};
        (void)wire_skip(&reader, &element);
        if (i == chosen) {
            change_value(out, element, chance, depth + 1);
        } else {
            wire_put_raw(out, element);
        }
    }
    if (chosen == count) {
        put_any(out, chance);
    }
}

enum change_of_map { CHANGE_VALUE, CHANGE_KEY, CHANGE_DROP, CHANGE_DOUBLE, CHANGE_KINDS };

static void change_map(struct buffer *out, struct bytes map, struct chance *chance, int depth)
{
    struct wire_reader reader = wire_read(map);
    uint32_t count = 0, written = 0;
    (void)wire_get_map(&reader, &count);
    uint32_t chosen = chance_below(chance, count + 1);
    uint32_t how = chance_below(chance, 2) ? CHANGE_VALUE : chance_below(chance, CHANGE_KINDS);
    size_t begin = wire_begin_map(out);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes key = {NULL, 0}, value = {NULL, 0};
        (void)wire_skip(&reader, &key);
        (void)wire_skip(&reader, &value);
        if (i == chosen && how == CHANGE_DROP) {
            continue;
        }
        if (i == chosen && how == CHANGE_KEY) {
            put_any(out, chance);
        } else {
            wire_put_raw(out, key);
        }
        if (i == chosen && how == CHANGE_VALUE) {
            change_value(out, value, chance, depth + 1);
        } else {
            wire_put_raw(out, value);
        }
        written++;
        if (i == chosen && how == CHANGE_DOUBLE) {
            wire_put_raw(out, key);
            wire_put_raw(out, value);
            written++;
        }
    }
    if (chosen == count) {
        wire_put_text(out, "unheard-of");
        put_any(out, chance);
        written++;
    }
    wire_end(out, begin, written);
}

static void change_value(struct buffer *out, struct bytes value, struct chance *chance, int depth)
{
    struct wire_reader reader = wire_read(value);
    enum wire_type type = wire_peek(&reader);
    bool inside = depth == 0 || chance_below(chance, 4) != 0;
    if (type == WIRE_MAP && inside) {
        change_map(out, value, chance, depth);
    } else if (type == WIRE_ARRAY && inside) {
        change_array(out, value, chance, depth);
    } else {
        put_any(out, chance);
    }
}

void mutate_values(struct buffer *out, struct bytes valid, struct chance *chance)
{
    change_value(out, valid, chance, 0);
}

/* ---- Frames ---------------------------------------------------------------------------------- */

static void put_header(struct buffer *out, uint8_t first, uint64_t size, uint32_t form, bool masked)
{
    uint8_t mask = masked ? 0x80 : 0;
    buffer_append_byte(out, first);
    if (form == 0) {
        buffer_append_byte(out, (uint8_t)(mask | (size & 0x7f)));
    } else if (form == 1) {
        uint8_t wide[2];
        put_u16(wide, (uint16_t)size);
        buffer_append_byte(out, (uint8_t)(mask | 126));
        buffer_append(out, wide, sizeof wide);
    } else {
        uint8_t wide[8];
        put_u64(wide, size);
        buffer_append_byte(out, (uint8_t)(mask | 127));
        buffer_append(out, wide, sizeof wide);
    }
}

static void put_masked(struct buffer *out, struct bytes payload)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    buffer_append(out, mask, sizeof mask);
    uint8_t *at = buffer_extend(out, payload.size);
    for (size_t i = 0; at != NULL && i < payload.size; i++) {
        at[i] = payload.data[i] ^ mask[i & 3];
    }
}

static uint32_t usual_form(size_t size)
{
    return size < 126 ? 0 : size < 65536 ? 1 : 2;
}

void frame_put(struct buffer *out, uint8_t first, struct bytes payload)
{
    put_header(out, first, payload.size, usual_form(payload.size), true);
    put_masked(out, payload);
}

/* One message in many frames, with a ping in between; sometimes the last is missing. */
static void put_fragments(struct buffer *out, struct bytes payload, struct chance *chance)
{
    size_t at = 0;
    uint8_t kind = 0x02;
    while (at < payload.size) {
        size_t size = 1 + chance_below(chance, (uint32_t)(payload.size - at));
        bool last = at + size == payload.size && chance_below(chance, 8) != 0;
        frame_put(out, (uint8_t)(kind | (last ? 0x80 : 0)), bytes_of(payload.data + at, size));
        if (chance_below(chance, 2)) {
            frame_put(out, 0x89, bytes_of(payload.data, size < 125 ? size : 125));
        }
        kind = chance_below(chance, 8) ? 0x00 : 0x02;
        at += size;
    }
}

static void put_close(struct buffer *out, struct chance *chance)
{
    uint8_t body[126];
    uint32_t size = chance_below(chance, sizeof body);
    for (uint32_t i = 0; i < size; i++) {
        body[i] = (uint8_t)chance_next(chance);
    }
    frame_put(out, 0x88, bytes_of(body, size));
}

void mutate_frame(struct buffer *out, struct bytes payload, struct chance *chance)
{
    static const uint64_t sizes[] = {
        0, 125, 126, 65535, 65536, 1u << 20, (1u << 20) + 1, UINT32_MAX, INT64_MAX, UINT64_MAX};
    switch (chance_below(chance, 6)) {
    case 0: /* flags and kinds */
        frame_put(out, (uint8_t)chance_next(chance), payload);
        break;
    case 1: /* another length than what follows */
        put_header(out, 0x82, sizes[chance_below(chance, sizeof sizes / sizeof *sizes)],
                   chance_below(chance, 3), true);
        put_masked(out, payload);
        break;
    case 2: /* a length written wider than it needs */
        put_header(out, 0x82, payload.size, 1 + chance_below(chance, 2), true);
        put_masked(out, payload);
        break;
    case 3: /* not masked */
        put_header(out, 0x82, payload.size, usual_form(payload.size), false);
        buffer_append(out, payload.data, payload.size);
        break;
    case 4:
        put_fragments(out, payload, chance);
        break;
    default:
        put_close(out, chance);
        break;
    }
}

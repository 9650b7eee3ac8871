#include "protocol/fold.h"

#include <assert.h>
#include <string.h>

#include "protocol/wire.h"

/* Every step-th code point from first to last folds to itself + delta. */
struct fold_range {
    uint32_t first, last, step;
    int32_t delta;
};

static const struct fold_range ranges[] = {
#define FOLD(first, last, step, delta) {first, last, step, delta},
#include "protocol/fold.def"
#undef FOLD
};

static uint8_t fold_ascii(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet - 'A' + 'a') : octet;
}

uint32_t fold_code(uint32_t code)
{
    size_t low = 0, high = sizeof ranges / sizeof *ranges;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct fold_range *range = &ranges[middle];
        if (code > range->last)
            low = middle + 1;
        else if (code < range->first)
            high = middle;
        else
            return (code - range->first) % range->step == 0
                       ? (uint32_t)((int32_t)code + range->delta)
                       : code;
    }
    return code;
}

static size_t put_code(uint32_t code, uint8_t out[FOLD_CHARACTER_MAX])
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    const size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (uint8_t)(0xf00u >> size | code);
    return size;
}

/* The first character, folded, and its own length; a byte that begins none is one by itself. */
static size_t fold_one(struct bytes text, uint8_t out[FOLD_CHARACTER_MAX], size_t *length)
{
    uint32_t code;
    *length = wire_utf8_character(text, &code);
    if (*length > 0) {
        const uint32_t folded = fold_code(code);
        if (folded != code)
            return put_code(folded, out);
    } else {
        *length = 1;
    }
    memcpy(out, text.data, *length);
    return *length;
}

size_t fold_next(struct bytes *text, uint8_t *out, size_t room)
{
    const uint8_t *at = text->data, *const end = at + text->size;
    size_t size = 0;
    assert(room >= FOLD_CHARACTER_MAX);
    while (at < end && size < room) {
        if (*at < 0x80) {
            out[size++] = fold_ascii(*at++);
            continue;
        }
        uint8_t folded[FOLD_CHARACTER_MAX];
        size_t length;
        const size_t more = fold_one(bytes_of(at, (size_t)(end - at)), folded, &length);
        if (more > room - size)
            break;
        memcpy(out + size, folded, more);
        size += more;
        at += length;
    }
    *text = bytes_of(at, (size_t)(end - at));
    return size;
}

size_t fold_begin(struct bytes text, uint8_t *out, size_t room)
{
    uint8_t last[FOLD_CHARACTER_MAX];
    size_t size = room >= sizeof last ? fold_next(&text, out, room) : 0;
    while (size < room && text.size > 0) {
        const size_t more = fold_next(&text, last, sizeof last);
        const size_t kept = more < room - size ? more : room - size;
        memcpy(out + size, last, kept);
        size += kept;
    }
    return size;
}

/* Folded text as it is come by: what is left of the last part, and the text behind it. */
struct folding {
    struct bytes text;
    const uint8_t *at;
    size_t size;
    uint8_t part[256];
};

static void go_on(struct folding *folding, size_t done)
{
    folding->at += done;
    folding->size -= done;
    if (folding->size > 0)
        return;
    folding->size = fold_next(&folding->text, folding->part, sizeof folding->part);
    folding->at = folding->part;
}

int fold_compare(struct bytes a, struct bytes b)
{
    struct folding left = {.text = a}, right = {.text = b};
    size_t common = 0;
    int order = 0;
    left.at = left.part;
    right.at = right.part;
    do {
        go_on(&left, common);
        go_on(&right, common);
        common = left.size < right.size ? left.size : right.size;
        if (common > 0)
            order = memcmp(left.at, right.at, common);
    } while (order == 0 && common > 0);
    return order != 0 ? order : (left.size > 0) - (right.size > 0);
}

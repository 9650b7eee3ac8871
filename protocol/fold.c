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
#define FOLD_FIRST(...)
#include "protocol/fold.def"
#undef FOLD
#undef FOLD_FIRST
};

/* What the first code points fold to: those of nearly all letters that have a case. */
static const uint16_t firsts[] = {
#define FOLD(first, last, step, delta)
#define FOLD_FIRST(...) __VA_ARGS__,
#include "protocol/fold.def"
#undef FOLD
#undef FOLD_FIRST
};

#define FIRSTS (sizeof firsts / sizeof *firsts)

static uint8_t fold_ascii(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet - 'A' + 'a') : octet;
}

uint32_t fold_code(uint32_t code)
{
    if (code < FIRSTS)
        return firsts[code];
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

/* Whether a letter of two bytes may begin with this one. */
static bool begins_pair(uint8_t octet)
{
    return octet >= 0xc2 && octet <= 0xd5;
}

_Static_assert(FIRSTS > ((0xd5 & 0x1f) << 6 | 0x3f), "of such letters it is known");

/* Whether a letter that does not fold to itself may begin with this byte: of most scripts none has
 * a case, and their bytes are as good as folded. */
static bool begins_letter(uint8_t octet)
{
    return begins_pair(octet) || octet == 0xe1 || octet == 0xe2 || octet == 0xea || octet == 0xef ||
           octet == 0xf0;
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
    if (*length > 0)
        return put_code(fold_code(code), out);
    *length = 1;
    out[0] = text.data[0];
    return 1;
}

/* A letter of two bytes that folds to one of two, which is quicker than any. */
static bool fold_pair(const uint8_t *at, uint8_t out[2])
{
    const uint32_t code = firsts[(at[0] & 0x1fu) << 6 | (at[1] & 0x3fu)];
    if ((at[1] & 0xc0) != 0x80 || code < 0x80 || code >= 0x800)
        return false;
    out[0] = (uint8_t)(0xc0 | code >> 6);
    out[1] = (uint8_t)(0x80 | (code & 0x3f));
    return true;
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
        if (begins_pair(*at) && end - at > 1 && room - size > 1 && fold_pair(at, out + size)) {
            size += 2;
            at += 2;
            continue;
        }
        if (!begins_letter(*at)) {
            out[size++] = *at++;
            continue;
        }
        uint8_t folded[FOLD_CHARACTER_MAX];
        size_t length;
        const size_t more = fold_one(bytes_of(at, (size_t)(end - at)), folded, &length);
        if (more > room - size)
            break;
        for (size_t i = 0; i < more; i++)
            out[size++] = folded[i];
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

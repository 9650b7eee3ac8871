#include "protocol/utf16.h"

#include <string.h>

#define WORD sizeof(uint64_t)

/* Every byte but those that continue a character counts one, and the first of four bytes two. */
static size_t units_of(uint8_t byte)
{
    return (size_t)((byte & 0xc0) != 0x80) + (size_t)(byte >= 0xf0);
}

/* How many bytes of `tops` have their top bit, the only one that any may have. */
static size_t count_tops(uint64_t tops)
{
    return (size_t)((tops >> 7) * 0x0101010101010101ull >> 56);
}

/* The same of eight bytes at once. */
static size_t units_of_word(const uint8_t *at)
{
    const uint64_t tops = 0x8080808080808080ull;
    uint64_t word;
    memcpy(&word, at, sizeof word);
    const uint64_t continues = word & ~(word << 1) & tops;
    const uint64_t four = word & (word << 1) & (word << 2) & (word << 3) & tops;
    return WORD - count_tops(continues) + count_tops(four);
}

size_t utf16_length(struct bytes text)
{
    size_t units = 0;
    size_t at = 0;
    for (; text.size - at >= WORD; at += WORD)
        units += units_of_word(text.data + at);
    for (; at < text.size; at++)
        units += units_of(text.data[at]);
    return units;
}

bool utf16_skip(struct bytes text, size_t units, size_t *at)
{
    size_t here = *at;
    while (text.size - here >= WORD) {
        const size_t word = units_of_word(text.data + here);
        if (word > units)
            break;
        units -= word;
        here += WORD;
    }
    for (; here < text.size && units > 0; here++) {
        const size_t byte = units_of(text.data[here]);
        if (byte > units)
            return false;
        units -= byte;
    }
    while (here < text.size && (text.data[here] & 0xc0) == 0x80)
        here++;
    if (units > 0)
        return false;
    *at = here;
    return true;
}

bool utf16_skip_back(struct bytes text, size_t units, size_t *at)
{
    size_t here = *at;
    while (here >= WORD) {
        const size_t word = units_of_word(text.data + here - WORD);
        if (word > units)
            break;
        units -= word;
        here -= WORD;
    }
    while (here > 0 && units > 0) {
        const size_t byte = units_of(text.data[--here]);
        if (byte > units)
            return false;
        units -= byte;
    }
    while (here < *at && (text.data[here] & 0xc0) == 0x80)
        here++; /* of a character whose first byte lies before */
    if (units > 0)
        return false;
    *at = here;
    return true;
}

#include "protocol/utf16.h"

#include <string.h>

#define WORD sizeof(uint64_t)
/* Words counted in one go: each of their eight lanes counts one for a word, and all together must fit
 * into a byte. */
#define BLOCK_WORDS 16u
#define BLOCK (BLOCK_WORDS * WORD)
#define TOPS 0x8080808080808080ull

/* Every byte but those that continue a character counts one, and the first of four bytes two. */
static size_t units_of(uint8_t byte)
{
    return (size_t)((byte & 0xc0) != 0x80) + (size_t)(byte >= 0xf0);
}

static uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* In the lowest bit of each byte, whether it continues a character, and whether it is the first of
 * four. */
static uint64_t continue_bits(uint64_t word)
{
    return (word & ~(word << 1) & TOPS) >> 7;
}

static uint64_t four_bits(uint64_t word)
{
    return (word & (word << 1) & (word << 2) & (word << 3) & TOPS) >> 7;
}

/* Of bytes that come to less than 256 together. */
static size_t sum_of_bytes(uint64_t word)
{
    return (size_t)(word * 0x0101010101010101ull >> 56);
}

/* The same of eight bytes at once. */
static size_t units_of_word(const uint8_t *at)
{
    const uint64_t word = word_at(at);
    return WORD - sum_of_bytes(continue_bits(word)) + sum_of_bytes(four_bits(word));
}

static size_t units_of_block(const uint8_t *at)
{
    uint64_t any = 0, continues = 0, fours = 0;
    for (size_t i = 0; i < BLOCK; i += WORD)
        any |= word_at(at + i);
    if ((any & TOPS) == 0)
        return BLOCK;
    for (size_t i = 0; i < BLOCK; i += WORD) {
        continues += continue_bits(word_at(at + i));
        fours += four_bits(word_at(at + i));
    }
    return BLOCK - sum_of_bytes(continues) + sum_of_bytes(fours);
}

size_t utf16_length(struct bytes text)
{
    size_t units = 0;
    size_t at = 0;
    for (; text.size - at >= BLOCK; at += BLOCK)
        units += units_of_block(text.data + at);
    for (; text.size - at >= WORD; at += WORD)
        units += units_of_word(text.data + at);
    for (; at < text.size; at++)
        units += units_of(text.data[at]);
    return units;
}

bool utf16_skip(struct bytes text, size_t units, size_t *at)
{
    size_t here = *at;
    while (text.size - here >= BLOCK) {
        const size_t block = units_of_block(text.data + here);
        if (block > units)
            break;
        units -= block;
        here += BLOCK;
    }
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
    while (here >= BLOCK) {
        const size_t block = units_of_block(text.data + here - BLOCK);
        if (block > units)
            break;
        units -= block;
        here -= BLOCK;
    }
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

#include "tests/support/letters.h"

#define EVEN 0x4e00u
#define ODD 0x20000u

size_t letter_put(unsigned number, char out[LETTER_BYTES])
{
    const uint32_t point = (number % 2 == 0 ? EVEN : ODD) + number / 2;
    size_t size = 0;
    if (number % 2 == 0) {
        out[size++] = (char)(0xe0 | point >> 12);
    } else {
        out[size++] = (char)(0xf0 | point >> 18);
        out[size++] = (char)(0x80 | (point >> 12 & 0x3f));
    }
    out[size++] = (char)(0x80 | (point >> 6 & 0x3f));
    out[size++] = (char)(0x80 | (point & 0x3f));
    return size;
}

size_t letter_width(const char *text)
{
    const uint8_t first = (uint8_t)*text;
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

unsigned letter_at(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    uint32_t point = 0;
    unsigned parity = 0;
    if (letter_width(text) == 3) {
        point = (at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
        point = point >= EVEN ? point - EVEN : LETTERS_MOST;
    } else if (letter_width(text) == 4) {
        parity = 1;
        point = (at[0] & 7u) << 18 | (at[1] & 0x3fu) << 12 | (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
        point = point >= ODD ? point - ODD : LETTERS_MOST;
    } else {
        return LETTERS_MOST;
    }
    return point < LETTERS_MOST / 2 ? 2 * point + parity : LETTERS_MOST;
}

/* Well-formed UTF-8 byte sequences, Unicode 15 table 3-7:
 *
 *     00..7F
 *     C2..DF  80..BF
 *     E0      A0..BF  80..BF
 *     E1..EC  80..BF  80..BF
 *     ED      80..9F  80..BF           (no surrogates)
 *     EE..EF  80..BF  80..BF
 *     F0      90..BF  80..BF  80..BF
 *     F1..F3  80..BF  80..BF  80..BF
 *     F4      80..8F  80..BF  80..BF   (nothing above U+10FFFF)
 */
#include "protocol/wire.h"

#include <string.h>

/* Length of the sequence that begins with `lead`, and the range of its second byte; 0 when no
 * sequence begins so. */
static size_t sequence(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (lead == 0xe0)
            *low = 0xa0;
        if (lead == 0xed)
            *high = 0x9f;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead == 0xf0)
            *low = 0x90;
        if (lead == 0xf4)
            *high = 0x8f;
        return 4;
    }
    return 0;
}

/* Length of the sequence that stands at `at`, of `left` bytes, more than 0; 0 when none does. */
static size_t well_formed(const uint8_t *at, size_t left)
{
    uint8_t low, high;
    if (at[0] < 0x80)
        return 1;
    const size_t length = sequence(at[0], &low, &high);
    if (length == 0 || left < length || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

size_t wire_utf8_character(struct bytes text, uint32_t *code)
{
    static const uint8_t lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07}; /* bits of the first byte */
    const size_t length = well_formed(text.data, text.size);
    if (length > 0)
        *code = text.data[0] & lead[length];
    for (size_t i = 1; i < length; i++)
        *code = *code << 6 | (text.data[i] & 0x3f);
    return length;
}

static bool eight_ascii(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return (word & 0x8080808080808080ull) == 0;
}

bool wire_utf8_valid(struct bytes text)
{
    size_t at = 0;
    while (at < text.size) {
        if (text.size - at >= 8 && eight_ascii(text.data + at)) {
            at += 8;
            continue;
        }
        const size_t length = well_formed(text.data + at, text.size - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

#include "server/core/note/note_place.h"

#define NUMBER_BITS 7u
#define MORE 0x80u

struct bytes note_take(struct note_place *place, size_t size)
{
    if (place->bad || place->left.size < size) {
        place->bad = true;
        return (struct bytes){NULL, 0};
    }
    const struct bytes taken = {place->left.data, size};
    place->left.data += size;
    place->left.size -= size;
    return taken;
}

uint8_t note_take_u8(struct note_place *place)
{
    const struct bytes octet = note_take(place, 1);
    return octet.data ? *octet.data : 0;
}

uint64_t note_take_u64(struct note_place *place)
{
    const struct bytes octets = note_take(place, 8);
    return octets.data ? get_u64(octets.data) : 0;
}

uint64_t note_take_number(struct note_place *place)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += NUMBER_BITS) {
        const uint8_t octet = note_take_u8(place);
        const uint64_t bits = octet & (MORE - 1);
        number |= bits << shift;
        if ((octet & MORE) == 0 && bits << shift >> shift == bits)
            return place->bad ? 0 : number;
    }
    place->bad = true;
    return 0;
}

void note_put_number(struct buffer *out, uint64_t number)
{
    for (; number >= MORE; number >>= NUMBER_BITS)
        buffer_append_byte(out, (uint8_t)(number | MORE));
    buffer_append_byte(out, (uint8_t)number);
}

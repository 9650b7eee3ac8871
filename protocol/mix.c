#include "protocol/mix.h"

#include <string.h>

#define BLOCK 16u
#define FACTOR_1 UINT64_C(0x87c37b91114253d5)
#define FACTOR_2 UINT64_C(0x4cf5ad432745937f)

static uint64_t rotate(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

static uint64_t finish(uint64_t value)
{
    value = (value ^ value >> 33) * UINT64_C(0xff51afd7ed558ccd);
    value = (value ^ value >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ value >> 33;
}

void mix128(struct bytes bytes, uint64_t seed, uint8_t out[MIX_SIZE])
{
    uint64_t a = seed, b = seed;
    for (size_t at = 0; at < bytes.size; at += BLOCK) {
        uint8_t block[BLOCK] = {0};
        size_t left = bytes.size - at;
        memcpy(block, bytes.data + at, left < BLOCK ? left : BLOCK);
        a ^= rotate(get_u64(block) * FACTOR_1, 31) * FACTOR_2;
        b ^= rotate(get_u64(block + 8) * FACTOR_2, 33) * FACTOR_1;
        if (left < BLOCK)
            break;
        a = (rotate(a, 27) + b) * 5 + UINT64_C(0x52dce729);
        b = (rotate(b, 31) + a) * 5 + UINT64_C(0x38495ab5);
    }
    a ^= bytes.size;
    b ^= bytes.size;
    a += b;
    b += a;
    a = finish(a);
    b = finish(b);
    a += b;
    b += a;
    put_u64(out, a);
    put_u64(out + 8, b);
}

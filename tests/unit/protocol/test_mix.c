#include "support.h"

#include <string.h>

#include "protocol/mix.h"

/* What is stored and sent was mixed like this, so these stay as they are. */
static void the_bits_are_those_of_the_page(void **state)
{
    static const struct {
        uint64_t seed;
        size_t size; /* of 0, 1, 2, ... */
        const char *hex;
    } known[] = {
        {1, 0, "4610abe56eff5cb551622daa78f83583"},
        {1, 1, "00000000000000000000000000000000"},
        {2, 8, "81870df63ed9c62ba9a13ee8695b462f"},
        {3, 15, "3116b7eafa5adf9c5b32523b818593bc"},
        {4, 16, "41c0e69ef99787457c580f72e76eb813"},
        {5, 17, "ed5870d8f83d7b67e9496c5b10a394ee"},
        {6, 32, "e3479ad742c62a206e6e946f92e848f8"},
        {7, 40, "629b08e26967f7eadb139d008dc553ba"},
        {UINT64_MAX, 63, "c7e81b1735f17649bb2c2c87a4ba37ea"},
    };
    uint8_t octets[64], out[MIX_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct buffer wanted = {0};
        hex_read(bytes_text(known[i].hex), &wanted);
        mix128(bytes_of(octets, known[i].size), known[i].seed, out);
        assert_bytes(bytes_of(out, sizeof out), buffer_bytes(&wanted));
        buffer_release(&wanted);
    }
}

static void every_bit_size_and_seed_counts(void **state)
{
    struct random random = random_begin("mix");
    (void)state;
    for (int round = 0; round < 200; round++) {
        uint8_t octets[70], plain[MIX_SIZE], other[MIX_SIZE];
        const size_t size = 1 + random_below(&random, sizeof octets - 1);
        const uint64_t seed = random_next(&random);
        for (size_t i = 0; i < sizeof octets; i++)
            octets[i] = (uint8_t)random_next(&random);
        mix128(bytes_of(octets, size), seed, plain);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
            mix128(bytes_of(octets, size), seed, other);
            octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_memory_not_equal(plain, other, MIX_SIZE);
        }
        octets[size] = 0;
        mix128(bytes_of(octets, size + 1), seed, other);
        assert_memory_not_equal(plain, other, MIX_SIZE);
        mix128(bytes_of(octets, size), seed + 1, other);
        assert_memory_not_equal(plain, other, MIX_SIZE);
    }
}

static void the_result_may_replace_the_bytes(void **state)
{
    uint8_t octets[32] = {1, 2, 3}, apart[MIX_SIZE];
    (void)state;
    mix128(bytes_of(octets, sizeof octets), 7, apart);
    mix128(bytes_of(octets, sizeof octets), 7, octets);
    assert_memory_equal(octets, apart, MIX_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bits_are_those_of_the_page),
        cmocka_unit_test(every_bit_size_and_seed_counts),
        cmocka_unit_test(the_result_may_replace_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

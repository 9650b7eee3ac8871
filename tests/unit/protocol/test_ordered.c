#include "support.h"

#include <string.h>

#include "protocol/ordered.h"

struct ordered {
    size_t size;
    uint8_t data[ORDERED_MAX];
};

static struct ordered ordered(const void *data, size_t size)
{
    struct ordered out;
    memset(out.data, 0xee, sizeof out.data);
    out.size = ordered_put(bytes_of(data, size), out.data);
    assert_int_equal(out.size, ordered_room(size));
    for (size_t i = out.size; i < sizeof out.data; i++)
        assert_int_equal(out.data[i], 0xee);
    return out;
}

static struct bytes key_of(const struct ordered *value)
{
    return bytes_of(value->data, value->size);
}

static bool begins(struct bytes whole, struct bytes part)
{
    return whole.size >= part.size && memcmp(whole.data, part.data, part.size) == 0;
}

static void values_keep_their_order(void **state)
{
    static const struct bytes sorted[] = {
        {(const uint8_t *)"\0", 1},        {(const uint8_t *)"\0\0", 2},
        {(const uint8_t *)"\0\1", 2},      {(const uint8_t *)"a", 1},
        {(const uint8_t *)"a\0", 2},       {(const uint8_t *)"a\0\0", 3},
        {(const uint8_t *)"a\1", 2},       {(const uint8_t *)"ab", 2},
        {(const uint8_t *)"abcdefgh", 8},  {(const uint8_t *)"abcdefgh\0", 9},
        {(const uint8_t *)"abcdefghi", 9}, {(const uint8_t *)"abcdefgi", 8},
        {(const uint8_t *)"\xff", 1},      {(const uint8_t *)"\xff\xff", 2},
    };
    (void)state;
    for (size_t i = 0; i + 1 < sizeof sorted / sizeof *sorted; i++) {
        const struct ordered low = ordered(sorted[i].data, sorted[i].size);
        const struct ordered high = ordered(sorted[i + 1].data, sorted[i + 1].size);
        assert_true(bytes_compare(key_of(&low), key_of(&high)) < 0);
        assert_false(begins(key_of(&high), key_of(&low)));
    }
}

/* Stored keys are made of these bytes. */
static void the_bytes_are_those_of_the_format(void **state)
{
    const struct ordered one = ordered("ab", 2), eight = ordered("abcdefgh", 8);
    const struct ordered nine = ordered("abcdefghi", 9);
    (void)state;
    assert_bytes(key_of(&one), bytes_of("ab\0\0\0\0\0\0\2", 9));
    assert_bytes(key_of(&eight), bytes_of("abcdefgh\10", 9));
    assert_bytes(key_of(&nine), bytes_of("abcdefgh\11i\0\0\0\0\0\0\0\1", 18));
}

/* Random values with many shared beginnings: order as without grouping, no prefixes, and the size
 * is found again whatever follows. */
static void any_bytes_keep_their_order(void **state)
{
    static const uint8_t letters[] = {0, 1, 8, 9, 0xfe, 0xff};
    struct random random = random_begin("ordered");
    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint8_t value[2][SCHEMA_KEY_MAX], followed[ORDERED_MAX + 16];
        size_t size[2];
        for (int i = 0; i < 2; i++) {
            size[i] = 1 + random_below(&random, round % 2 ? 18 : SCHEMA_KEY_MAX);
            for (size_t k = 0; k < size[i]; k++)
                value[i][k] = random_below(&random, 3) > 0
                                  ? 0
                                  : letters[random_below(&random, sizeof letters)];
        }
        const struct ordered a = ordered(value[0], size[0]), b = ordered(value[1], size[1]);
        const int plain = bytes_compare(bytes_of(value[0], size[0]), bytes_of(value[1], size[1]));
        const int grouped = bytes_compare(key_of(&a), key_of(&b));
        assert_true((plain < 0) == (grouped < 0) && (plain > 0) == (grouped > 0));
        assert_true(plain == 0 || !begins(key_of(&a), key_of(&b)));
        memset(followed, (int)random_below(&random, 256), sizeof followed);
        memcpy(followed, a.data, a.size);
        assert_int_equal(ordered_size(bytes_of(followed, a.size + 16)), a.size);
    }
}

static void what_is_no_ordered_value_has_no_size(void **state)
{
    uint8_t endless[256];
    (void)state;
    assert_int_equal(ordered_size(bytes_of("", 0)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefg", 7)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefgh\0", 9)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefgh\x0a", 9)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefgh\x09", 9)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefgh\x09gh", 11)), 0);
    memset(endless, 9, sizeof endless);
    assert_int_equal(ordered_size(bytes_of(endless, sizeof endless)), 0);
    /* One that ends, but a group behind the longest. */
    endless[ORDERED_MAX + ORDERED_GROUP] = 1;
    assert_int_equal(ordered_size(bytes_of(endless, sizeof endless)), 0);
    endless[ORDERED_MAX - 1] = 1;
    assert_int_equal(ordered_size(bytes_of(endless, sizeof endless)), ORDERED_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_keep_their_order),
        cmocka_unit_test(the_bytes_are_those_of_the_format),
        cmocka_unit_test(any_bytes_keep_their_order),
        cmocka_unit_test(what_is_no_ordered_value_has_no_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

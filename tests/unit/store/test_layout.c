#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/store/layout.h"

static struct key ordered(const void *data, size_t size)
{
    struct key key = {0};
    key_add_ordered(&key, bytes_of(data, size));
    return key;
}

static void ordered_values_keep_their_order(void **state)
{
    (void)state;
    static const struct bytes sorted[] = {
        {(const uint8_t *)"\0", 1},        {(const uint8_t *)"\0\0", 2},
        {(const uint8_t *)"\0\1", 2},      {(const uint8_t *)"a", 1},
        {(const uint8_t *)"a\0", 2},       {(const uint8_t *)"a\0\0", 3},
        {(const uint8_t *)"a\1", 2},       {(const uint8_t *)"ab", 2},
        {(const uint8_t *)"abcdefgh", 8},  {(const uint8_t *)"abcdefgh\0", 9},
        {(const uint8_t *)"abcdefghi", 9}, {(const uint8_t *)"abcdefgi", 8},
        {(const uint8_t *)"\xff", 1},      {(const uint8_t *)"\xff\xff", 2},
    };
    for (size_t i = 0; i + 1 < sizeof sorted / sizeof *sorted; i++) {
        const struct key low = ordered(sorted[i].data, sorted[i].size);
        const struct key high = ordered(sorted[i + 1].data, sorted[i + 1].size);
        assert_true(bytes_compare(key_bytes(&low), key_bytes(&high)) < 0);
        assert_false(bytes_begin_with(key_bytes(&high), key_bytes(&low)));
    }
}

/* Random values with many shared beginnings: order as without grouping, no prefixes, and the size
 * is found again whatever follows. */
static void ordered_values_hold_for_any_bytes(void **state)
{
    (void)state;
    const unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 20000; round++) {
        static const uint8_t letters[] = {0, 1, 8, 9, 0xfe, 0xff};
        uint8_t value[2][SCHEMA_KEY_MAX];
        size_t size[2];
        for (int i = 0; i < 2; i++) {
            size[i] = 1 + (size_t)rand() % (round % 2 ? 18 : SCHEMA_KEY_MAX);
            for (size_t k = 0; k < size[i]; k++)
                value[i][k] = letters[rand() % 3 ? 0 : (size_t)rand() % sizeof letters];
        }
        struct key a = ordered(value[0], size[0]), b = ordered(value[1], size[1]);
        const int plain = bytes_compare(bytes_of(value[0], size[0]), bytes_of(value[1], size[1]));
        const int grouped = bytes_compare(key_bytes(&a), key_bytes(&b));
        assert_true((plain < 0) == (grouped < 0) && (plain > 0) == (grouped > 0));
        assert_true(plain == 0 || !bytes_begin_with(key_bytes(&a), key_bytes(&b)));
        const size_t own = a.size;
        key_add_id(&a, id_number(1));
        assert_int_equal(ordered_size(key_bytes(&a)), own);
    }
}

static void what_is_no_ordered_value_has_no_size(void **state)
{
    (void)state;
    assert_int_equal(ordered_size(bytes_of("", 0)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefg", 7)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefgh\0", 9)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefgh\x0a", 9)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefgh\x09", 9)), 0);
    assert_int_equal(ordered_size(bytes_of("abcdefgh\x09gh", 11)), 0);
    uint8_t endless[256];
    memset(endless, 9, sizeof endless);
    assert_int_equal(ordered_size(bytes_of(endless, sizeof endless)), 0);
}

static void the_longest_key_fits(void **state)
{
    (void)state;
    char name[65];
    uint8_t value[SCHEMA_KEY_MAX] = {0};
    memset(name, 'n', sizeof name);
    struct key key;
    assert_true(key_begin_index(&key, bytes_of(name, 64), bytes_of(name, 64)));
    key_add_ordered(&key, bytes_of(value, sizeof value));
    key_add_id(&key, id_number(1));
    assert_true(key.size <= 256);
    assert_false(key_begin_index(&key, bytes_of(name, 65), bytes_of(name, 1)));
    assert_false(key_begin_index(&key, bytes_of(name, 1), bytes_of(name, 65)));
    assert_false(key_begin_index(&key, bytes_of("", 0), bytes_of(name, 1)));
    assert_false(key_begin_index(&key, bytes_of("a\0b", 3), bytes_of(name, 1)));
    assert_false(key_begin_index(&key, bytes_of(name, 1), bytes_of("a\0", 2)));
}

static void times_before_1970_come_first(void **state)
{
    (void)state;
    static const int64_t sorted[] = {INT64_MIN, -86400000, -1, 0, 1, INT64_MAX};
    for (size_t i = 0; i + 1 < sizeof sorted / sizeof *sorted; i++) {
        struct key low = {0}, high = {0};
        key_add_time(&low, sorted[i]);
        key_add_time(&high, sorted[i + 1]);
        assert_true(bytes_compare(key_bytes(&low), key_bytes(&high)) < 0);
    }
}

static void a_seal_holds_key_and_payload(void **state)
{
    (void)state;
    struct buffer sealed = {0};
    const struct bytes key = bytes_text("key"), payload = bytes_text("payload");
    struct bytes inside;
    sealed_put(&sealed, key, payload);
    assert_ok(sealed_open(key, buffer_bytes(&sealed), &inside));
    assert_true(bytes_equal(inside, payload));
    assert_status(sealed_open(bytes_text("kez"), buffer_bytes(&sealed), &inside), CORRUPT);
    for (size_t i = 0; i < sealed.size; i++) {
        sealed.data[i] ^= 0x40;
        assert_status(sealed_open(key, buffer_bytes(&sealed), &inside), CORRUPT);
        sealed.data[i] ^= 0x40;
    }
    for (size_t size = 0; size < sealed.size; size++)
        assert_status(sealed_open(key, bytes_of(sealed.data, size), &inside), CORRUPT);
    buffer_release(&sealed);
}

static void a_seal_of_a_failed_buffer_is_nothing(void **state)
{
    (void)state;
    struct buffer out = {.failed = true};
    sealed_put(&out, bytes_text("key"), bytes_text("payload"));
    assert_true(out.failed);
    assert_int_equal(out.size, 0);
    assert_null(out.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordered_values_keep_their_order),
        cmocka_unit_test(ordered_values_hold_for_any_bytes),
        cmocka_unit_test(what_is_no_ordered_value_has_no_size),
        cmocka_unit_test(the_longest_key_fits),
        cmocka_unit_test(times_before_1970_come_first),
        cmocka_unit_test(a_seal_holds_key_and_payload),
        cmocka_unit_test(a_seal_of_a_failed_buffer_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

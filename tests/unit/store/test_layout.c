#include "fixture.h"

#include <string.h>

#include "server/store/layout.h"

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
        cmocka_unit_test(the_longest_key_fits),
        cmocka_unit_test(times_before_1970_come_first),
        cmocka_unit_test(a_seal_holds_key_and_payload),
        cmocka_unit_test(a_seal_of_a_failed_buffer_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

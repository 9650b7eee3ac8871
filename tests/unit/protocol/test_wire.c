#include "support.h"

#include <stdlib.h>
#include <string.h>

static enum status validate(const char *hex, size_t *offset)
{
    struct buffer frame = {0};
    struct fault fault;
    fault_clear(&fault);
    hex_read(bytes_text(hex), &frame);
    /* An exact copy on the heap, so that the sanitizer sees a read beyond its end. */
    uint8_t *exact = malloc(frame.size > 0 ? frame.size : 1);
    memcpy(exact, frame.data != NULL ? frame.data : exact, frame.size);
    const enum status status = wire_validate(bytes_of(exact, frame.size), &fault);
    assert_int_equal(fault.status, status);
    if (offset != NULL)
        *offset = fault.offset;
    free(exact);
    buffer_release(&frame);
    return status;
}

static void assert_refused(const char *hex, enum status status, size_t offset)
{
    size_t at = 0;
    assert_int_equal(validate(hex, &at), status);
    assert_int_equal(at, offset);
}

static void what_is_larger_than_4_gib_is_refused_unread(void **state)
{
    const uint8_t one = 1;
    (void)state;
    assert_int_equal(wire_validate(bytes_of(&one, (size_t)UINT32_MAX + 1), NULL), STATUS_TOO_LARGE);
}

static void empty_and_trailing_are_malformed(void **state)
{
    (void)state;
    assert_refused("", STATUS_MALFORMED, 0);
    assert_refused("c0 c0", STATUS_MALFORMED, 1);
    assert_refused("92 01 02 03", STATUS_MALFORMED, 3);
    assert_int_equal(wire_validate(bytes_of(NULL, 0), NULL), STATUS_MALFORMED);
}

static void unused_types_are_malformed(void **state)
{
    static const char *const frames[] = {
        "c1", "ca 00000000", "cb 0000000000000000", "c7 01 05 00", "c8 0001 05 00",
        "c9 00000001 05 00", "d4 05 00", "d5 05 0000", "d6 05 00000000", "d7 05 0000000000000000",
        "d8 05 00000000000000000000000000000000"};
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
        assert_refused(frames[i], STATUS_MALFORMED, 0);
    assert_refused("92 01 ca 00000000", STATUS_MALFORMED, 2);
}

static void a_promise_larger_than_the_frame_is_malformed(void **state)
{
    static const char *const frames[] = {"dd ffffffff", "df ffffffff", "df 80000000", "db ffffffff",
                                         "c6 ffffffff", "dc ffff", "de ffff", "da ffff", "c5 ffff",
                                         "d9 01", "c4 01", "a1", "91", "81", "81 a0", "cd 00",
                                         "df 00000001 a0", "dd 00000003 00 00"};
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
        assert_int_equal(validate(frames[i], NULL), STATUS_MALFORMED);
}

static void nest(struct buffer *out, unsigned depth, bool maps)
{
    for (unsigned i = 1; i < depth; i++) {
        if (maps && i % 2 == 0) {
            wire_put_map(out, 1);
            wire_put_text(out, "k");
        } else {
            wire_put_array(out, 1);
        }
    }
    wire_put_array(out, 0);
}

static void sixteen_levels_and_no_more(void **state)
{
    (void)state;
    for (int maps = 0; maps < 2; maps++) {
        struct buffer frame = {0};
        nest(&frame, WIRE_MAX_DEPTH, maps);
        assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_OK);
        buffer_clear(&frame);
        nest(&frame, WIRE_MAX_DEPTH + 1, maps);
        struct fault fault;
        fault_clear(&fault);
        assert_int_equal(wire_validate(buffer_bytes(&frame), &fault), STATUS_TOO_DEEP);
        assert_int_equal(fault.offset, frame.size - 1);
        buffer_clear(&frame);
        nest(&frame, 100000, maps);
        assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_TOO_DEEP);
        buffer_release(&frame);
    }
}

/* Sixteen levels, of which each but the innermost has something behind its deeper element. */
static void closing_many_levels_goes_on_behind_them(void **state)
{
    struct buffer frame = {0};
    (void)state;
    for (unsigned i = 0; i < WIRE_MAX_DEPTH; i++) {
        wire_put_map(&frame, 2);
        wire_put_text(&frame, "inner");
    }
    wire_put_nil(&frame);
    for (unsigned i = 0; i < WIRE_MAX_DEPTH; i++) {
        wire_put_text(&frame, "outer");
        wire_put_nil(&frame);
    }
    assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_OK);
    /* The last map repeats its first key. */
    memcpy(frame.data + frame.size - 6, "inner", 5);
    assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_MALFORMED);
    buffer_release(&frame);
}

static void keys_are_strings_and_different(void **state)
{
    (void)state;
    assert_refused("81 01 02", STATUS_MALFORMED, 1);
    assert_refused("81 c4 01 61 02", STATUS_MALFORMED, 1);
    assert_refused("82 a1 61 01 a1 61 02", STATUS_MALFORMED, 4);
    /* The same text in a longer form is the same key. */
    assert_refused("82 a1 61 01 d9 01 61 02", STATUS_MALFORMED, 4);
    assert_int_equal(validate("82 a1 61 01 a1 62 02", NULL), STATUS_OK);
    assert_int_equal(validate("82 a0 01 a1 00 02", NULL), STATUS_OK);
    /* The same key in another map is another key. */
    assert_int_equal(validate("82 a1 61 81 a1 61 c0 a1 62 81 a1 61 c0", NULL), STATUS_OK);
    /* After an inner map has closed, the outer one still knows its keys. */
    assert_refused("83 a1 61 81 a1 63 c0 a1 62 c0 a1 61 c0", STATUS_MALFORMED, 10);
}

/* "liquid" and "costarring" have the same 32-bit FNV-1a hash. */
static void keys_of_the_same_hash_are_different(void **state)
{
    struct buffer frame = {0};
    (void)state;
    wire_put_map(&frame, 2);
    wire_put_text(&frame, "liquid");
    wire_put_nil(&frame);
    wire_put_text(&frame, "costarring");
    wire_put_nil(&frame);
    assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_OK);
    buffer_release(&frame);
}

static void put_keys(struct buffer *out, uint32_t count)
{
    wire_put_map(out, count);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t key[2] = {(uint8_t)('a' + i / 26 % 26), (uint8_t)('a' + i % 26)};
        wire_put_str(out, bytes_of(key, 2));
        wire_put_nil(out);
    }
}

static void a_map_has_256_keys_and_no_more(void **state)
{
    struct buffer frame = {0};
    (void)state;
    put_keys(&frame, WIRE_MAX_KEYS);
    assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_OK);
    buffer_clear(&frame);
    put_keys(&frame, WIRE_MAX_KEYS + 1);
    assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_TOO_LARGE);
    buffer_release(&frame);
}

static void sixteen_full_maps_within_each_other_are_accepted(void **state)
{
    struct buffer frame = {0};
    (void)state;
    for (unsigned level = 0; level < WIRE_MAX_DEPTH; level++) {
        put_keys(&frame, WIRE_MAX_KEYS);
        frame.size--; /* the last key's nil gives way to the next map */
    }
    wire_put_nil(&frame);
    assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_OK);
    buffer_release(&frame);
}

static void strings_are_utf8_and_binary_is_not(void **state)
{
    (void)state;
    assert_refused("a1 ff", STATUS_MALFORMED, 0);
    assert_refused("92 01 a2 c0 80", STATUS_MALFORMED, 2);
    assert_refused("81 a1 80 c0", STATUS_MALFORMED, 1);
    assert_int_equal(validate("c4 01 ff", NULL), STATUS_OK);
    assert_int_equal(validate("a3 e2 82 ac", NULL), STATUS_OK);
}

static void readers_refuse_other_types_and_stay(void **state)
{
    struct buffer frame = {0};
    int64_t integer;
    uint64_t natural;
    uint32_t count;
    bool truth;
    struct bytes bytes;
    struct id id;
    (void)state;
    wire_put_int(&frame, -5);
    struct wire_reader reader = wire_read(buffer_bytes(&frame));
    const uint8_t *begin = reader.at;
    assert_int_equal(wire_peek(&reader), WIRE_INT);
    assert_false(wire_get_uint(&reader, &natural));
    assert_false(wire_get_nil(&reader));
    assert_false(wire_get_bool(&reader, &truth));
    assert_false(wire_get_str(&reader, &bytes));
    assert_false(wire_get_bin(&reader, &bytes));
    assert_false(wire_get_id(&reader, &id));
    assert_false(wire_get_array(&reader, &count));
    assert_false(wire_get_map(&reader, &count));
    assert_ptr_equal(reader.at, begin);
    assert_true(wire_get_int(&reader, &integer));
    assert_int_equal(integer, -5);
    assert_true(wire_at_end(&reader));
    assert_int_equal(wire_peek(&reader), WIRE_NONE);
    assert_false(wire_get_int(&reader, &integer));
    assert_false(wire_skip(&reader, NULL));

    buffer_clear(&frame);
    wire_put_uint(&frame, UINT64_MAX);
    reader = wire_read(buffer_bytes(&frame));
    assert_int_equal(wire_peek(&reader), WIRE_UINT);
    assert_false(wire_get_int(&reader, &integer));
    assert_true(wire_get_uint(&reader, &natural));
    assert_true(natural == UINT64_MAX);
    buffer_release(&frame);
}

static void an_id_is_binary_of_sixteen(void **state)
{
    struct buffer frame = {0};
    struct id id = {{1, 2, 3}}, read;
    (void)state;
    wire_put_id(&frame, id);
    struct wire_reader reader = wire_read(buffer_bytes(&frame));
    assert_true(wire_get_id(&reader, &read));
    assert_true(id_equal(id, read));
    assert_true(wire_at_end(&reader));
    buffer_clear(&frame);
    wire_put_bin(&frame, bytes_of(id.octet, 15));
    reader = wire_read(buffer_bytes(&frame));
    assert_false(wire_get_id(&reader, &read));
    assert_ptr_equal(reader.at, frame.data);
    buffer_release(&frame);
}

static void a_key_is_found_with_its_value(void **state)
{
    struct buffer frame = {0};
    struct bytes value;
    (void)state;
    wire_put_map(&frame, 3);
    wire_put_text(&frame, "a");
    wire_put_array(&frame, 2);
    wire_put_text(&frame, "b"); /* a text within a value is no key */
    wire_put_nil(&frame);
    wire_put_text(&frame, "b");
    wire_put_int(&frame, 300);
    wire_put_text(&frame, "c");
    wire_put_bool(&frame, true);
    assert_true(wire_map_find(buffer_bytes(&frame), "b", &value));
    assert_bytes(value, bytes_of("\xcd\x01\x2c", 3));
    assert_true(wire_map_find(buffer_bytes(&frame), "a", &value));
    assert_bytes(value, bytes_of("\x92\xa1\x62\xc0", 4));
    assert_false(wire_map_find(buffer_bytes(&frame), "d", &value));
    assert_false(wire_map_find(value, "b", &value)); /* no map */
    assert_false(wire_map_find(bytes_of(NULL, 0), "b", &value));
    uint64_t number;
    struct id id;
    assert_false(wire_map_str(buffer_bytes(&frame), "d", &value));
    assert_false(wire_map_bin(buffer_bytes(&frame), "d", &value));
    assert_false(wire_map_uint(buffer_bytes(&frame), "d", &number));
    assert_false(wire_map_id(buffer_bytes(&frame), "d", &id));
    /* Bytes that nobody has validated. */
    assert_false(wire_map_find(bytes_of("\x82\x01\x01\xa1" "b\x01", 6), "b", &value));
    assert_false(wire_map_find(bytes_of("\x82\xa1" "a\xa5" "b", 5), "b", &value));
    buffer_release(&frame);
}

static void open_counts_are_patched(void **state)
{
    struct buffer frame = {0};
    uint32_t count;
    (void)state;
    const size_t outer = wire_begin_array(&frame);
    const size_t inner = wire_begin_map(&frame);
    wire_put_text(&frame, "k");
    wire_put_int(&frame, 1);
    wire_end(&frame, inner, 1);
    wire_put_nil(&frame);
    wire_end(&frame, outer, 2);
    assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_OK);
    struct wire_reader reader = wire_read(buffer_bytes(&frame));
    assert_true(wire_get_array(&reader, &count));
    assert_int_equal(count, 2);
    assert_true(wire_get_map(&reader, &count));
    assert_int_equal(count, 1);
    buffer_release(&frame);
}

static void integers_are_written_in_the_shortest_form(void **state)
{
    static const struct {
        int64_t value;
        size_t size;
    } cases[] = {{0, 1}, {127, 1}, {128, 2}, {255, 2}, {256, 3}, {65535, 3}, {65536, 5},
                 {4294967295, 5}, {4294967296, 9}, {INT64_MAX, 9}, {-1, 1}, {-32, 1}, {-33, 2},
                 {-128, 2}, {-129, 3}, {-32768, 3}, {-32769, 5}, {INT32_MIN, 5},
                 {(int64_t)INT32_MIN - 1, 9}, {INT64_MIN, 9}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer frame = {0};
        int64_t value;
        wire_put_int(&frame, cases[i].value);
        assert_int_equal(frame.size, cases[i].size);
        struct wire_reader reader = wire_read(buffer_bytes(&frame));
        assert_true(wire_get_int(&reader, &value));
        assert_true(value == cases[i].value);
        buffer_release(&frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_and_trailing_are_malformed),
        cmocka_unit_test(what_is_larger_than_4_gib_is_refused_unread),
        cmocka_unit_test(unused_types_are_malformed),
        cmocka_unit_test(a_promise_larger_than_the_frame_is_malformed),
        cmocka_unit_test(sixteen_levels_and_no_more),
        cmocka_unit_test(closing_many_levels_goes_on_behind_them),
        cmocka_unit_test(keys_are_strings_and_different),
        cmocka_unit_test(keys_of_the_same_hash_are_different),
        cmocka_unit_test(a_map_has_256_keys_and_no_more),
        cmocka_unit_test(sixteen_full_maps_within_each_other_are_accepted),
        cmocka_unit_test(strings_are_utf8_and_binary_is_not),
        cmocka_unit_test(readers_refuse_other_types_and_stay),
        cmocka_unit_test(an_id_is_binary_of_sixteen),
        cmocka_unit_test(a_key_is_found_with_its_value),
        cmocka_unit_test(open_counts_are_patched),
        cmocka_unit_test(integers_are_written_in_the_shortest_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support.h"

#include <string.h>

static void compares_as_memcmp_and_then_by_length(void **state)
{
    (void)state;
    assert_true(bytes_compare(bytes_text("a"), bytes_text("b")) < 0);
    assert_true(bytes_compare(bytes_text("b"), bytes_text("ab")) > 0);
    assert_true(bytes_compare(bytes_text("a"), bytes_text("ab")) < 0);
    assert_true(bytes_compare(bytes_text("ab"), bytes_text("a")) > 0);
    assert_int_equal(bytes_compare(bytes_text("ab"), bytes_text("ab")), 0);
    assert_int_equal(bytes_compare(bytes_text(NULL), bytes_text("")), 0);
    assert_true(bytes_compare(bytes_text(NULL), bytes_text("a")) < 0);
    assert_true(bytes_compare(bytes_of("\xff", 1), bytes_of("\x01", 1)) > 0);
}

static void equal_needs_size_and_contents(void **state)
{
    (void)state;
    assert_true(bytes_is(bytes_text("name"), "name"));
    assert_false(bytes_is(bytes_text("name"), "nam"));
    assert_false(bytes_is(bytes_text("nam"), "name"));
    assert_false(bytes_is(bytes_text("namf"), "name"));
    assert_true(bytes_is(bytes_text(NULL), ""));
    assert_false(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
}

static void text_is_cut_to_fit_and_terminated(void **state)
{
    char out[4];
    (void)state;
    assert_string_equal(bytes_to_text(bytes_text("abcdef"), out, sizeof out), "abc");
    assert_string_equal(bytes_to_text(bytes_text("abc"), out, sizeof out), "abc");
    assert_string_equal(bytes_to_text(bytes_text(NULL), out, sizeof out), "");
    assert_string_equal(bytes_to_text(bytes_text("abc"), out, 1), "");
}

static void buffer_keeps_what_is_appended(void **state)
{
    struct buffer buffer = {0};
    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        buffer_append_byte(&buffer, (uint8_t)(i * 7));
    assert_int_equal(buffer.size, 10000);
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(buffer.data[i], (uint8_t)(i * 7));
    uint8_t *room = buffer_extend(&buffer, 3);
    memcpy(room, "xyz", 3);
    assert_bytes(bytes_of(buffer.data + 10000, buffer.size - 10000), bytes_text("xyz"));
    buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_true(buffer.capacity >= 10003);
    buffer_release(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
}

static void buffer_refuses_what_no_memory_holds(void **state)
{
    struct buffer buffer = {0};
    (void)state;
    buffer_append(&buffer, "abc", 3);
    assert_null(buffer_extend(&buffer, SIZE_MAX - 1));
    assert_true(buffer.failed);
    buffer_append(&buffer, "def", 3);
    assert_bytes(buffer_bytes(&buffer), bytes_text("abc"));
    buffer_clear(&buffer);
    buffer_append(&buffer, "def", 3);
    assert_bytes(buffer_bytes(&buffer), bytes_text("def"));
    buffer_release(&buffer);
}

static void numbers_are_big_endian(void **state)
{
    uint8_t at[8];
    (void)state;
    put_u64(at, 0x0102030405060708u);
    assert_memory_equal(at, "\1\2\3\4\5\6\7\10", 8);
    assert_true(get_u64(at) == 0x0102030405060708u);
    assert_int_equal(get_u32(at), 0x01020304);
    assert_int_equal(get_u16(at + 1), 0x0203);
    put_u16(at, 0xfffe);
    assert_int_equal(get_u16(at), 0xfffe);
    put_u32(at, 0xfffefdfc);
    assert_true(get_u32(at) == 0xfffefdfcu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_as_memcmp_and_then_by_length),
        cmocka_unit_test(equal_needs_size_and_contents),
        cmocka_unit_test(text_is_cut_to_fit_and_terminated),
        cmocka_unit_test(buffer_keeps_what_is_appended),
        cmocka_unit_test(buffer_refuses_what_no_memory_holds),
        cmocka_unit_test(numbers_are_big_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/net/ws_header.h"

static void expect(uint64_t size, const char *bytes, size_t count)
{
    uint8_t room[WS_HEADER_MAX + 2];
    memset(room, 0xee, sizeof room);
    assert_int_equal(ws_header_write(room + 1 + WS_HEADER_MAX, size), count);
    assert_memory_equal(room + 1 + WS_HEADER_MAX - count, bytes, count);
    /* Nothing besides. */
    for (size_t i = 0; i < 1 + WS_HEADER_MAX - count; i++)
        assert_int_equal(room[i], 0xee);
    assert_int_equal(room[sizeof room - 1], 0xee);
}

static void test_sizes(void **state)
{
    (void)state;
    expect(0, "\x82\x00", 2);
    expect(125, "\x82\x7d", 2);
    expect(126, "\x82\x7e\x00\x7e", 4);
    expect(65535, "\x82\x7e\xff\xff", 4);
    expect(65536, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
    expect(0x0102030405060708, "\x82\x7f\x01\x02\x03\x04\x05\x06\x07\x08", 10);
}

static void test_frame(void **state)
{
    (void)state;
    struct frame *frame = frame_new(bytes_text("hello"));
    struct bytes bytes = ws_frame_bytes(frame);
    assert_int_equal(bytes.size, 7);
    assert_memory_equal(bytes.data, "\x82\x05hello", 7);
    /* Sharing sends the same bytes from the same place. */
    struct bytes again = ws_frame_bytes(frame);
    assert_ptr_equal(again.data, bytes.data);
    assert_int_equal(again.size, 7);
    frame_drop(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

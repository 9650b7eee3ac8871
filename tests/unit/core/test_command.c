/* The bytes of commands in the log. */
#include <string.h>

#include "tests/unit/core/world.h"

static void a_command_comes_back_as_it_was(void **state)
{
    (void)state;
    struct command command = {.kind = COMMAND_PRUNE,
                              .actor = nid(1),
                              .client = nid(2),
                              .at_ms = 0x0102030405060708,
                              .body = bytes_text("body")};
    struct command back;
    struct buffer encoded = {0};
    memset(command.entropy, 9, sizeof command.entropy);
    command_encode(&encoded, &command);
    assert_int_equal(command_decode(buffer_bytes(&encoded), &back), STATUS_OK);
    assert_int_equal(back.kind, COMMAND_PRUNE);
    assert_true(id_equal(back.actor, nid(1)) && id_equal(back.client, nid(2)));
    assert_int_equal(back.at_ms, command.at_ms);
    assert_memory_equal(back.entropy, command.entropy, COMMAND_ENTROPY);
    assert_true(bytes_is(back.body, "body"));
    buffer_release(&encoded);
}

static void what_is_no_command_is_refused(void **state)
{
    (void)state;
    struct command command = {.kind = COMMAND_DUE}, back;
    struct buffer encoded = {0};
    command_encode(&encoded, &command);
    for (size_t size = 0; size < encoded.size; size++)
        assert_int_equal(command_decode(bytes_of(encoded.data, size), &back), STATUS_CORRUPT);
    assert_int_equal(command_decode(bytes_of(NULL, 0), &back), STATUS_CORRUPT);
    encoded.data[1] = 0;
    assert_int_equal(command_decode(buffer_bytes(&encoded), &back), STATUS_CORRUPT);
    encoded.data[1] = COMMAND_NOTE + 1;
    assert_int_equal(command_decode(buffer_bytes(&encoded), &back), STATUS_CORRUPT);
    encoded.data[1] = COMMAND_DUE;
    encoded.data[0] = 2;
    assert_int_equal(command_decode(buffer_bytes(&encoded), &back), STATUS_CORRUPT);
    buffer_release(&encoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_comes_back_as_it_was),
        cmocka_unit_test(what_is_no_command_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

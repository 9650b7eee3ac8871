#include "support.h"

#include <string.h>

#include "protocol/message.h"

static const struct id sample_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static struct message hello(void)
{
    struct message message = {.type = MESSAGE_HELLO};
    message.as.hello.versions = bytes_of("\x91\x01", 2);
    message.as.hello.client = sample_id;
    message.as.hello.method = bytes_text("password");
    return message;
}

static enum status decode_hex(const char *hex, struct message *out, struct fault *fault)
{
    static struct buffer frame;
    buffer_clear(&frame);
    hex_read(bytes_text(hex), &frame);
    fault_clear(fault);
    return message_decode(buffer_bytes(&frame), out, fault);
}

static void required_fields_need_no_mark_and_optional_do(void **state)
{
    struct buffer frame = {0};
    struct message message = hello(), read;
    (void)state;
    message.as.hello.user = bytes_text("kari");
    message.as.hello.agent = bytes_text("not marked");
    message_mark(&message, "user");
    message_encode(&frame, &message);
    assert_int_equal(message_decode(buffer_bytes(&frame), &read, NULL), STATUS_OK);
    assert_int_equal(read.type, MESSAGE_HELLO);
    assert_true(message_has(&read, "versions"));
    assert_true(message_has(&read, "client"));
    assert_true(message_has(&read, "user"));
    assert_false(message_has(&read, "agent"));
    assert_false(message_has(&read, "secret"));
    assert_false(message_has(&read, "noSuchField"));
    assert_true(bytes_is(read.as.hello.user, "kari"));
    assert_int_equal(read.as.hello.agent.size, 0);
    assert_true(id_equal(read.as.hello.client, sample_id));
    assert_int_equal(message_count(read.as.hello.versions), 1);
    /* Slices point into the frame. */
    assert_true(read.as.hello.user.data > frame.data &&
                read.as.hello.user.data < frame.data + frame.size);
    buffer_release(&frame);
}

static void marked_false_and_zero_are_present(void **state)
{
    struct buffer frame = {0};
    struct message message = {.type = MESSAGE_CHANGES}, read;
    (void)state;
    message_mark(&message, "more");
    message_encode(&frame, &message);
    assert_int_equal(message_decode(buffer_bytes(&frame), &read, NULL), STATUS_OK);
    assert_true(message_has(&read, "more"));
    assert_false(read.as.changes.more);
    assert_int_equal(read.as.changes.to, 0);
    buffer_release(&frame);
}

static void unknown_keys_and_any_order_are_accepted(void **state)
{
    struct message read;
    struct fault fault;
    (void)state;
    /* {"zzz": [{}], "frames": 5, "type": "ack"} */
    assert_int_equal(decode_hex("83 a37a7a7a 91 80 a66672616d6573 05 a474797065 a361636b", &read, &fault),
                     STATUS_OK);
    assert_int_equal(read.type, MESSAGE_ACK);
    assert_int_equal(read.as.ack.frames, 5);
}

static void what_has_no_type_is_refused(void **state)
{
    struct message read;
    struct fault fault;
    (void)state;
    assert_int_equal(decode_hex("90", &read, &fault), STATUS_MALFORMED);
    assert_int_equal(decode_hex("80", &read, &fault), STATUS_MISSING_FIELD);
    assert_string_equal(fault.field, "type");
    assert_int_equal(decode_hex("81 a474797065 01", &read, &fault), STATUS_WRONG_KIND);
    assert_string_equal(fault.field, "type");
    assert_int_equal(decode_hex("81 a474797065 a3626164", &read, &fault), STATUS_UNKNOWN_MESSAGE);
    assert_non_null(strstr(fault.detail, "bad"));
    assert_int_equal(read.type, MESSAGE_NONE);
    assert_int_equal(decode_hex("81 a474797065 a0", &read, &fault), STATUS_UNKNOWN_MESSAGE);
    uint8_t longest[8 + 66] = "\x81\xa4type\xd9\x41";
    memset(longest + 8, 'a', 65);
    assert_int_equal(message_decode(bytes_of(longest, 8 + 65), &read, &fault), STATUS_UNKNOWN_MESSAGE);
    assert_string_equal(fault.detail, "\"\"");
    assert_int_equal(decode_hex("c0 c0", &read, &fault), STATUS_MALFORMED);
    assert_int_equal(read.type, MESSAGE_NONE);
}

static void the_first_bad_field_is_named_and_the_others_are_read(void **state)
{
    struct message read;
    struct fault fault;
    (void)state;
    /* {"type": "query", "limit": "x", "entity": 7, "request": 9} */
    assert_int_equal(decode_hex("84 a474797065 a57175657279 a56c696d6974 a178 a6656e74697479 07"
                                "a772657175657374 09",
                                &read, &fault),
                     STATUS_WRONG_KIND);
    assert_string_equal(fault.field, "limit");
    assert_int_equal(fault.offset, 18);
    assert_int_equal(read.type, MESSAGE_QUERY);
    assert_true(message_has(&read, "request"));
    assert_int_equal(read.as.query.request, 9);
    assert_false(message_has(&read, "limit"));
    assert_false(message_has(&read, "entity"));
}

static void a_missing_field_is_named(void **state)
{
    struct message read;
    struct fault fault;
    (void)state;
    assert_int_equal(decode_hex("81 a474797065 a361636b", &read, &fault), STATUS_MISSING_FIELD);
    assert_string_equal(fault.field, "frames");
    assert_int_equal(message_decode(bytes_of("\x80", 1), &read, NULL), STATUS_MISSING_FIELD);
}

static enum status decode_hello_with(struct message message, struct fault *fault)
{
    struct buffer frame = {0};
    struct message read;
    fault_clear(fault);
    message_encode(&frame, &message);
    const enum status status = message_decode(buffer_bytes(&frame), &read, fault);
    buffer_release(&frame);
    return status;
}

static void fields_have_their_limits(void **state)
{
    uint8_t text[1001];
    struct fault fault;
    (void)state;
    memset(text, 'a', sizeof text);
    struct message message = hello();
    message_mark(&message, "secret");
    message.as.hello.secret = bytes_of(text, 1000);
    assert_int_equal(decode_hello_with(message, &fault), STATUS_OK);
    message.as.hello.secret = bytes_of(text, 1001);
    assert_int_equal(decode_hello_with(message, &fault), STATUS_TOO_LARGE);
    assert_string_equal(fault.field, "secret");
    assert_non_null(strstr(fault.detail, "1000"));
    message = hello();
    uint8_t versions[65] = {0xdc, 0, 62};
    message.as.hello.versions = bytes_of(versions, 65);
    assert_int_equal(decode_hello_with(message, &fault), STATUS_TOO_LARGE);
    versions[2] = 61;
    message.as.hello.versions = bytes_of(versions, 64);
    assert_int_equal(decode_hello_with(message, &fault), STATUS_OK);
}

/* A list of the named number of scopes, whole account scopes all. */
static void put_scopes(struct buffer *out, uint32_t count)
{
    static const uint8_t scope[SCOPE_SIZE] = {SCOPE_ACCOUNT, 1};
    wire_put_array(out, count);
    for (uint32_t i = 0; i < count; i++)
        wire_put_bin(out, bytes_of(scope, sizeof scope));
}

static enum status decode_scopes(enum message_type type, uint32_t count, struct message *read)
{
    static struct buffer frame;
    struct buffer scopes = {0};
    struct message message = {.type = type};
    put_scopes(&scopes, count);
    if (type == MESSAGE_PREFER)
        message.as.prefer.scopes = buffer_bytes(&scopes);
    else
        message.as.check = (struct msg_check){.request = 5, .scopes = buffer_bytes(&scopes)};
    buffer_clear(&frame);
    message_encode(&frame, &message);
    buffer_release(&scopes);
    return message_decode(buffer_bytes(&frame), read, NULL);
}

/* As many as the limits in `welcome` offer, and of many more not even the array is looked at. */
static void lists_of_scopes_have_room_for_what_is_offered(void **state)
{
    struct message read;
    (void)state;
    assert_int_equal(decode_scopes(MESSAGE_PREFER, LIMIT_PREFER, &read), STATUS_OK);
    assert_int_equal(message_count(read.as.prefer.scopes), LIMIT_PREFER);
    assert_int_equal(decode_scopes(MESSAGE_PREFER, 2 * LIMIT_PREFER, &read), STATUS_TOO_LARGE);
    assert_int_equal(read.as.prefer.scopes.size, 0);
    assert_int_equal(decode_scopes(MESSAGE_CHECK, LIMIT_CHECK, &read), STATUS_OK);
    assert_int_equal(message_count(read.as.check.scopes), LIMIT_CHECK);
    assert_int_equal(decode_scopes(MESSAGE_CHECK, 2 * LIMIT_CHECK, &read), STATUS_TOO_LARGE);
    assert_int_equal(read.as.check.request, 5);
}

/* The answer to a check of as many scopes as may be, with the largest numbers. */
static void sums_have_room_for_all_that_were_asked_for(void **state)
{
    static const uint8_t bytes[SCOPE_SIZE] = {SCOPE_ACCOUNT, 1};
    struct buffer sums = {0}, frame = {0};
    struct message message = {.type = MESSAGE_SUMS}, read;
    (void)state;
    wire_put_array(&sums, LIMIT_CHECK);
    for (uint32_t i = 0; i < LIMIT_CHECK; i++) {
        wire_put_map(&sums, 3);
        wire_put_text(&sums, "scope");
        wire_put_bin(&sums, bytes_of(bytes, SCOPE_SIZE));
        wire_put_text(&sums, "count");
        wire_put_uint(&sums, UINT64_MAX);
        wire_put_text(&sums, "sum");
        wire_put_bin(&sums, bytes_of(bytes, 16));
    }
    message.as.sums.request = UINT64_MAX;
    message.as.sums.sums = buffer_bytes(&sums);
    message_encode(&frame, &message);
    assert_int_equal(message_decode(buffer_bytes(&frame), &read, NULL), STATUS_OK);
    assert_int_equal(message_count(read.as.sums.sums), LIMIT_CHECK);
    buffer_release(&sums);
    buffer_release(&frame);
}

static void ids_and_scopes_are_checked(void **state)
{
    struct message read;
    struct fault fault;
    (void)state;
    /* An id of 15 bytes. */
    assert_int_equal(decode_hex("83 a474797065 a6696e76697465 a772657175657374 01"
                                "a475736572 c40f000102030405060708090a0b0c0d0e",
                                &read, &fault),
                     STATUS_WRONG_KIND);
    assert_string_equal(fault.field, "user");
    /* A backfill of a scope of kind 9. */
    assert_int_equal(decode_hex("87 a474797065 a86261636b66696c6c"
                                "a573636f7065 c41109000102030405060708090a0b0c0d0e0f"
                                "a466726f6d 00 a2746f 00 a5756e74696c 00 a77265636f726473 90"
                                "a4646f6e65 c3",
                                &read, &fault),
                     STATUS_WRONG_KIND);
    assert_string_equal(fault.field, "scope");
    assert_true(read.as.backfill.done);
    /* And one of text. */
    assert_int_equal(decode_hex("87 a474797065 a86261636b66696c6c a573636f7065 a178"
                                "a466726f6d 00 a2746f 00 a5756e74696c 00 a77265636f726473 90"
                                "a4646f6e65 c3",
                                &read, &fault),
                     STATUS_WRONG_KIND);
    assert_string_equal(fault.field, "scope");
}

static void numbers_are_not_negative(void **state)
{
    struct message read;
    struct fault fault;
    (void)state;
    assert_int_equal(decode_hex("82 a474797065 a361636b a66672616d6573 ff", &read, &fault),
                     STATUS_WRONG_KIND);
    assert_int_equal(decode_hex("82 a474797065 a361636b a66672616d6573 cfffffffffffffffff", &read, &fault),
                     STATUS_OK);
    assert_true(read.as.ack.frames == UINT64_MAX);
    /* nil is no way to leave a field out. */
    assert_int_equal(decode_hex("82 a474797065 a470696e67 a772657175657374 c0", &read, &fault),
                     STATUS_WRONG_KIND);
}

static void names_are_those_of_the_definition(void **state)
{
    (void)state;
    assert_string_equal(message_name(MESSAGE_CAUGHT_UP), "caught-up");
    assert_string_equal(message_name(MESSAGE_SIGN_OUT), "sign-out");
    assert_string_equal(message_name(MESSAGE_NONE), "");
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPES; type++)
        assert_true(strlen(message_name((enum message_type)type)) > 0);
}

static void counting_wants_an_array(void **state)
{
    (void)state;
    assert_int_equal(message_count(bytes_of("\x93\x01\x02\x03", 4)), 3);
    assert_int_equal(message_count(bytes_of("\x80", 1)), 0);
    assert_int_equal(message_count(bytes_of(NULL, 0)), 0);
}

/* What any frame decodes to, encodes to a frame that decodes to the same. */
static void decoding_and_encoding_agree_on_damaged_frames(void **state)
{
    struct random random = random_begin("messages");
    unsigned accepted = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct buffer frame = {0}, again = {0}, third = {0};
        struct message message = hello(), read;
        message.as.hello.user = bytes_text("kari");
        message.as.hello.remember = true;
        message_mark(&message, "user");
        message_mark(&message, "remember");
        message_encode(&frame, &message);
        frame.data[random_below(&random, frame.size)] = (uint8_t)random_next(&random);
        if (message_decode(buffer_bytes(&frame), &read, NULL) == STATUS_OK) {
            accepted++;
            message_encode(&again, &read);
            assert_int_equal(message_decode(buffer_bytes(&again), &read, NULL), STATUS_OK);
            message_encode(&third, &read);
            assert_bytes(buffer_bytes(&third), buffer_bytes(&again));
        }
        buffer_release(&frame);
        buffer_release(&again);
        buffer_release(&third);
    }
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(required_fields_need_no_mark_and_optional_do),
        cmocka_unit_test(marked_false_and_zero_are_present),
        cmocka_unit_test(unknown_keys_and_any_order_are_accepted),
        cmocka_unit_test(what_has_no_type_is_refused),
        cmocka_unit_test(the_first_bad_field_is_named_and_the_others_are_read),
        cmocka_unit_test(a_missing_field_is_named),
        cmocka_unit_test(fields_have_their_limits),
        cmocka_unit_test(lists_of_scopes_have_room_for_what_is_offered),
        cmocka_unit_test(sums_have_room_for_all_that_were_asked_for),
        cmocka_unit_test(ids_and_scopes_are_checked),
        cmocka_unit_test(numbers_are_not_negative),
        cmocka_unit_test(names_are_those_of_the_definition),
        cmocka_unit_test(counting_wants_an_array),
        cmocka_unit_test(decoding_and_encoding_agree_on_damaged_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

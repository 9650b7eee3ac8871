/* The golden vectors of protocol/vectors, in both directions. Their format is at the top of
 * values.txt. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notation.h"
#include "protocol/fold.h"
#include "protocol/message.h"
#include "protocol/sum.h"

struct vector {
    struct bytes name, hex, meaning, status, field, offset, canonical, count, sum, text, folded;
    unsigned line;
};

typedef void use(const struct vector *vector);

static struct bytes *place_of(struct vector *vector, struct bytes key)
{
    return bytes_is(key, "name")      ? &vector->name
           : bytes_is(key, "hex")     ? &vector->hex
           : bytes_is(key, "meaning") ? &vector->meaning
           : bytes_is(key, "status")  ? &vector->status
           : bytes_is(key, "field")   ? &vector->field
           : bytes_is(key, "offset")  ? &vector->offset
           : bytes_is(key, "canonical") ? &vector->canonical
           : bytes_is(key, "count")     ? &vector->count
           : bytes_is(key, "sum")       ? &vector->sum
           : bytes_is(key, "text")      ? &vector->text
           : bytes_is(key, "folded")    ? &vector->folded
                                        : NULL;
}

static void read_line(struct vector *vector, struct bytes line, unsigned number)
{
    const uint8_t *colon = memchr(line.data, ':', line.size);
    if (colon == NULL)
        fail_msg("line %u: no \"key: value\"", number);
    const size_t key = (size_t)(colon - line.data);
    const size_t head = key + 2 <= line.size ? key + 2 : line.size;
    struct bytes *place = place_of(vector, bytes_of(line.data, key));
    if (place == NULL)
        fail_msg("line %u: unknown key", number);
    *place = bytes_of(line.data + head, line.size - head);
    vector->line = number;
}

/* Calls `with` for each vector of the file: lines of keys, and an empty line behind. */
static unsigned each_vector(const char *file, use *with)
{
    char path[4096];
    struct buffer text = {0};
    struct vector vector = {0};
    unsigned count = 0, number = 0;
    snprintf(path, sizeof path, "%s/%s", VECTORS, file);
    assert_true(whole_file(path, &text));
    buffer_append(&text, "\n\n", 2);
    for (size_t at = 0; at < text.size;) {
        const uint8_t *begin = text.data + at;
        const uint8_t *end = memchr(begin, '\n', text.size - at);
        const struct bytes line = bytes_of(begin, (size_t)(end - begin));
        at += line.size + 1;
        number++;
        if (line.size > 0 && line.data[0] == '#')
            continue;
        if (line.size > 0) {
            read_line(&vector, line, number);
        } else if (vector.name.size > 0) {
            with(&vector);
            vector = (struct vector){0};
            count++;
        }
    }
    buffer_release(&text);
    return count;
}

static size_t number_of(struct bytes digits)
{
    char text[24];
    return strtoul(bytes_to_text(digits, text, sizeof text), NULL, 10);
}

static void wrong(const struct vector *vector, const char *what, const struct fault *fault)
{
    fail_msg("%.*s (line %u): %s; got %s, field \"%s\", offset %zu", (int)vector->name.size,
             (const char *)vector->name.data, vector->line, what, status_name(fault->status),
             fault->field, fault->offset);
}

/* Whether an encoder writes these very bytes: all frames but those that say otherwise. */
static bool canonical(const struct vector *vector)
{
    return !bytes_is(vector->canonical, "no");
}

static void assert_printed(const struct vector *vector, struct bytes frame)
{
    struct buffer text = {0};
    const struct fault fault = {.status = STATUS_OK};
    notation_print(frame, &text);
    if (!bytes_equal(buffer_bytes(&text), vector->meaning))
        wrong(vector, "does not mean that", &fault);
    buffer_release(&text);
}

static void assert_encoded(const struct vector *vector, struct bytes frame)
{
    struct buffer encoded = {0};
    const struct fault fault = {.status = STATUS_OK};
    if (!notation_parse(vector->meaning, &encoded))
        wrong(vector, "the meaning cannot be read", &fault);
    if (bytes_equal(buffer_bytes(&encoded), frame) != canonical(vector))
        wrong(vector, "the meaning encodes to other bytes, or ought to", &fault);
    buffer_release(&encoded);
}

static void check_outcome(const struct vector *vector, enum status status, const struct fault *fault)
{
    if (!bytes_is(vector->status, status_name(status)) || fault->status != status)
        wrong(vector, "another status", fault);
    if (status == STATUS_OK)
        return;
    if (vector->offset.size > 0 && fault->offset != number_of(vector->offset))
        wrong(vector, "another offset", fault);
    if (vector->field.size > 0 && !bytes_is(vector->field, fault->field))
        wrong(vector, "another field", fault);
}

static void use_value(const struct vector *vector)
{
    struct buffer frame = {0};
    struct fault fault;
    fault_clear(&fault);
    hex_read(vector->hex, &frame);
    const enum status status = wire_validate(buffer_bytes(&frame), &fault);
    check_outcome(vector, status, &fault);
    if (status == STATUS_OK) {
        assert_printed(vector, buffer_bytes(&frame));
        assert_encoded(vector, buffer_bytes(&frame));
    }
    buffer_release(&frame);
}

static unsigned seen[MESSAGE_TYPES];

static void use_message(const struct vector *vector)
{
    struct buffer frame = {0}, again = {0};
    struct message message;
    struct fault fault;
    fault_clear(&fault);
    hex_read(vector->hex, &frame);
    const enum status status = message_decode(buffer_bytes(&frame), &message, &fault);
    check_outcome(vector, status, &fault);
    if (status == STATUS_OK) {
        assert_printed(vector, buffer_bytes(&frame));
        if (canonical(vector))
            assert_encoded(vector, buffer_bytes(&frame));
        message_encode(&again, &message);
        if (bytes_equal(buffer_bytes(&again), buffer_bytes(&frame)) != canonical(vector))
            wrong(vector, "the message encodes to other bytes, or ought to", &fault);
        seen[message.type]++;
    }
    buffer_release(&frame);
    buffer_release(&again);
}

static void use_sum(const struct vector *vector)
{
    struct buffer records = {0}, wanted = {0};
    struct bytes record;
    struct sum sum = {0}, read;
    hex_read(vector->hex, &records);
    hex_read(vector->sum, &wanted);
    assert_int_equal(wire_validate(buffer_bytes(&records), NULL), STATUS_OK);
    assert_printed(vector, buffer_bytes(&records));
    struct wire_reader reader = wire_read(buffer_bytes(&records));
    uint32_t count = 0;
    assert_true(wire_get_array(&reader, &count));
    while (count-- > 0)
        assert_true(wire_skip(&reader, &record) && sum_add_encoded(&sum, record));
    assert_true(sum_from_bytes(number_of(vector->count), buffer_bytes(&wanted), &read));
    if (!sum_equal(&sum, &read))
        fail_msg("%.*s (line %u): another sum", (int)vector->name.size,
                 (const char *)vector->name.data, vector->line);
    buffer_release(&records);
    buffer_release(&wanted);
}

static void values_are_read_and_written(void **state)
{
    (void)state;
    assert_true(each_vector("values.txt", use_value) >= 30);
    assert_true(each_vector("values-refused.txt", use_value) >= 30);
}

static void messages_are_read_and_written(void **state)
{
    (void)state;
    assert_true(each_vector("messages.txt", use_message) >= MESSAGE_TYPES - 1);
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPES; type++)
        if (seen[type] == 0)
            fail_msg("no vector of %s", message_name((enum message_type)type));
    assert_true(each_vector("messages-refused.txt", use_message) >= 10);
}

static void records_have_their_sums(void **state)
{
    (void)state;
    assert_true(each_vector("sums.txt", use_sum) >= 7);
}

static void use_fold(const struct vector *vector)
{
    uint8_t folded[256];
    const size_t size = fold_begin(vector->text, folded, sizeof folded);
    const struct fault fault = {.status = STATUS_OK};
    if (!bytes_equal(bytes_of(folded, size), vector->folded))
        wrong(vector, "is folded otherwise", &fault);
}

static void texts_have_their_folded_forms(void **state)
{
    (void)state;
    assert_true(each_vector("folds.txt", use_fold) >= 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_and_written),
        cmocka_unit_test(messages_are_read_and_written),
        cmocka_unit_test(records_have_their_sums),
        cmocka_unit_test(texts_have_their_folded_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

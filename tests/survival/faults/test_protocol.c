/* The protocol layer with the n-th allocation failing, for every n: every golden vector decoded and
 * encoded again, values of every kind of field parsed, printed and turned into index keys. What is
 * not marked as failed is what it is without a fault; decoding allocates nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/message.h"
#include "protocol/schema_value.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/sweep.h"

/* Something that appends to a buffer, and what it appends without a fault. */
struct work {
    void (*run)(const struct work *work, struct buffer *out);
    const struct message *message;
    const struct field_def *field;
    const char *text;
    struct bytes value;
    struct buffer right;
};

static bool attempt(void *context, uint64_t n, bool onwards)
{
    const struct work *work = context;
    const long held = failing_memory_held();
    struct buffer out = {0};
    failing_memory_arm(n, onwards);
    work->run(work, &out);
    const bool met = failing_memory_disarm() > 0;
    assert_true(met || !out.failed);
    if (!out.failed)
        assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&work->right)));
    buffer_release(&out);
    assert_int_equal(failing_memory_held(), held);
    return met;
}

static uint64_t try(struct work *work)
{
    work->run(work, &work->right);
    assert_false(work->right.failed);
    const uint64_t points = sweep_quietly(1, attempt, work);
    buffer_release(&work->right);
    return points;
}

/* ---- Messages ---- */

static size_t from_hex(const char *hex, uint8_t *out, size_t most)
{
    size_t size = 0;
    unsigned octet;
    for (; size < most && sscanf(hex + 2 * size, "%2x", &octet) == 1; size++)
        out[size] = (uint8_t)octet;
    return size;
}

static void encode(const struct work *work, struct buffer *out)
{
    message_encode(out, work->message);
}

/* A frame is judged in the same way, and without memory. */
static enum status decode(struct bytes frame, struct message *out)
{
    struct fault fault;
    failing_memory_arm(1, true);
    const enum status status = message_decode(frame, out, &fault);
    assert_int_equal(failing_memory_disarm(), 0);
    return status;
}

static uint64_t try_file(const char *path, unsigned *messages)
{
    static char line[1u << 20];
    static uint8_t octets[1u << 19];
    uint64_t points = 0;
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        struct message message;
        struct work work = {.run = encode, .message = &message};
        if (strncmp(line, "hex: ", 5) != 0)
            continue;
        const size_t size = from_hex(line + 5, octets, sizeof octets);
        if (decode(bytes_of(octets, size), &message) != STATUS_OK)
            continue;
        points += try(&work);
        (*messages)++;
    }
    (void)fclose(file);
    return points;
}

static void messages(void **state)
{
    unsigned count = 0;
    (void)state;
    uint64_t points = try_file(VECTORS "/messages.txt", &count);
    points += try_file(VECTORS "/messages-refused.txt", &count);
    assert_true(count > 30);
    sweep_tell("allocation, messages", points);
}

/* ---- Values ---- */

static void parse(const struct work *work, struct buffer *out)
{
    struct fault fault;
    fault_clear(&fault);
    const enum status status = schema_parse(work->field, bytes_text(work->text), out, &fault);
    if (status == STATUS_OK)
        return;
    assert_int_equal(status, STATUS_NO_MEMORY);
    assert_int_equal(out->size, 0);
    out->failed = true;
}

static void print(const struct work *work, struct buffer *out)
{
    schema_print(work->field, work->value, out);
}

static void key(const struct work *work, struct buffer *out)
{
    schema_index_key(work->field->kind, work->value, out);
}

static const struct {
    enum field_kind kind;
    const char *text;
} samples[] = {
    {KIND_TEXT, "Fjord Bruk AS"},
    {KIND_LONG_TEXT, "a text that is longer than the first block of a buffer, which is 64 bytes"},
    {KIND_INTEGER, "-12345678901"},
    {KIND_DECIMAL, "12.5"},
    {KIND_BOOLEAN, "yes"},
    {KIND_ENUM, "two words"},
    {KIND_DATE, "2026-03-01"},
    {KIND_TIME, "2026-03-01T09:30:00Z"},
    {KIND_MONEY, "1250.50 NOK"},
    {KIND_EMAIL, "kari@example.com"},
    {KIND_PHONE, "+47 22 33 44 55"},
    {KIND_URL, "https://example.com/a/b"},
    {KIND_ADDRESS, "Gata 1; Oslo; ; 0150; Norway"},
    {KIND_REFERENCE, "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e"},
    {KIND_REFERENCES, "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e, 0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9f"},
    {KIND_TAGS, "a, b, c, a rather long tag of some words, another long tag of even more words"},
    {KIND_BLOB, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 12 price.pdf"},
};

static void values(void **state)
{
    static const char *const words[] = {"two words", NULL};
    uint64_t points = 0;
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct field_def field = {.name = "it", .kind = samples[i].kind, .values = words};
        struct work work = {.run = parse, .field = &field, .text = samples[i].text};
        struct buffer value = {0};
        points += try(&work);
        parse(&work, &value);
        work.value = buffer_bytes(&value);
        work.run = print;
        points += try(&work);
        work.run = key;
        points += try(&work);
        buffer_release(&value);
    }
    sweep_tell("allocation, values", points);
    assert_true(points > 2 * sizeof samples / sizeof *samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),
        cmocka_unit_test(values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

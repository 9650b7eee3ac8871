/* Every allocation of this layer fails once, and for good from there on. This program brings its
 * own memory functions, which stand in for the layer's. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/message.h"
#include "protocol/schema.h"

static struct {
    int64_t until; /* allocations that still succeed; negative: all */
    bool once;     /* after the one that fails, they succeed again */
    int64_t held;  /* blocks not freed */
} port = {-1, false, 0};

static bool allowed(void)
{
    if (port.until < 0)
        return true;
    if (port.until-- > 0)
        return true;
    if (!port.once)
        port.until = 0;
    return false;
}

void *memory_new(size_t size)
{
    void *block = allowed() ? calloc(1, size > 0 ? size : 1) : NULL;
    port.held += block != NULL;
    return block;
}

void *memory_resize(void *block, size_t size)
{
    void *moved = allowed() ? realloc(block, size > 0 ? size : 1) : NULL;
    port.held += moved != NULL && block == NULL;
    return moved;
}

void memory_free(void *block)
{
    port.held -= block != NULL;
    free(block);
}

void *memory_copy(const void *from, size_t size)
{
    char *copy = memory_new(size + 1);
    if (copy != NULL && size > 0)
        memcpy(copy, from, size);
    return copy;
}

static const char *const texts[] = {"Gata 1; Oslo; ; 0150; Norway",
                                    "a, b, c, a rather long tag of some words, another long tag",
                                    "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e", "1250.50 NOK"};
static const enum field_kind kinds[] = {KIND_ADDRESS, KIND_TAGS, KIND_REFERENCES, KIND_MONEY};

/* True when it succeeded; else it must have said so and left nothing behind. */
static bool parse_and_print(size_t which)
{
    const struct field_def field = {.name = "it", .kind = kinds[which]};
    struct buffer value = {0}, text = {0};
    struct fault fault;
    fault_clear(&fault);
    const enum status status = schema_parse(&field, bytes_text(texts[which]), &value, &fault);
    bool done = status == STATUS_OK;
    if (done) {
        schema_print(&field, buffer_bytes(&value), &text);
        done = !text.failed;
    } else {
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_int_equal(value.size, 0);
    }
    buffer_release(&value);
    buffer_release(&text);
    return done;
}

static bool encode(size_t which)
{
    struct message message = {.type = MESSAGE_MUTATE}, read;
    struct buffer frame = {0};
    (void)which;
    message.as.mutate.changes = bytes_of("\x90", 1);
    message.as.mutate.mode = bytes_text("overwrite");
    message_mark(&message, "mode");
    const size_t begin = wire_begin_array(&frame);
    wire_end(&frame, begin, 0);
    const size_t head = frame.size;
    message_encode(&frame, &message);
    const bool done = !frame.failed;
    if (done)
        assert_int_equal(message_decode(bytes_of(frame.data + head, frame.size - head), &read, NULL),
                         STATUS_OK);
    buffer_release(&frame);
    return done;
}

static void fail_each(bool (*work)(size_t), size_t which)
{
    for (int once = 0; once < 2; once++) {
        int64_t n = 0;
        bool done = false;
        for (; !done && n < 1000; n++) {
            port.until = n;
            port.once = once;
            done = work(which);
            const bool untouched = port.until > 0 || (port.until == 0 && done);
            port.until = -1;
            assert_int_equal(port.held, 0);
            if (done)
                assert_true(untouched || once);
        }
        assert_true(done);
        assert_true(n > 1);
    }
}

static void parsing_and_printing_survive(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        fail_each(parse_and_print, i);
}

static void encoding_survives(void **state)
{
    (void)state;
    fail_each(encode, 0);
}

static void a_failed_buffer_stays_failed_until_cleared(void **state)
{
    struct buffer buffer = {0};
    (void)state;
    port.until = 0;
    port.once = true;
    buffer_append(&buffer, "a", 1);
    port.until = -1;
    assert_true(buffer.failed);
    buffer_append(&buffer, "b", 1);
    assert_int_equal(buffer.size, 0);
    assert_false(buffer_reserve(&buffer, 1));
    buffer_clear(&buffer);
    buffer_append(&buffer, "c", 1);
    assert_int_equal(buffer.size, 1);
    buffer_release(&buffer);
    assert_int_equal(port.held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing_and_printing_survive),
        cmocka_unit_test(encoding_survives),
        cmocka_unit_test(a_failed_buffer_stays_failed_until_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

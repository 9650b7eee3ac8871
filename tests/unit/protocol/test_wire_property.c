/* Random frames, held against msgpack-c's own unpacker. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#define FRAMES 400
#define DAMAGED_FRAMES 20000


/* Whether the next value of `reader` is what msgpack-c read there. */
static bool same(struct wire_reader *reader, const msgpack_object *object)
{
    int64_t integer;
    uint64_t natural;
    uint32_t count;
    bool truth;
    struct bytes bytes;
    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
        return wire_get_nil(reader);
    case MSGPACK_OBJECT_BOOLEAN:
        return wire_get_bool(reader, &truth) && truth == object->via.boolean;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return wire_get_uint(reader, &natural) && natural == object->via.u64;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return wire_get_int(reader, &integer) && integer == object->via.i64;
    case MSGPACK_OBJECT_STR:
        return wire_get_str(reader, &bytes) &&
               bytes_equal(bytes, bytes_of(object->via.str.ptr, object->via.str.size));
    case MSGPACK_OBJECT_BIN:
        return wire_get_bin(reader, &bytes) &&
               bytes_equal(bytes, bytes_of(object->via.bin.ptr, object->via.bin.size));
    case MSGPACK_OBJECT_ARRAY:
        if (!wire_get_array(reader, &count) || count != object->via.array.size)
            return false;
        for (uint32_t i = 0; i < count; i++)
            if (!same(reader, &object->via.array.ptr[i]))
                return false;
        return true;
    case MSGPACK_OBJECT_MAP:
        if (!wire_get_map(reader, &count) || count != object->via.map.size)
            return false;
        for (uint32_t i = 0; i < count; i++)
            if (!same(reader, &object->via.map.ptr[i].key) ||
                !same(reader, &object->via.map.ptr[i].val))
                return false;
        return true;
    default:
        return false;
    }
}

/* Whether msgpack-c takes `frame` for exactly one value, and, when ours does too, reads it equal. */
static bool peer_agrees(struct bytes frame)
{
    msgpack_unpacked result;
    msgpack_unpacked_init(&result);
    size_t offset = 0;
    const msgpack_unpack_return code =
        msgpack_unpack_next(&result, (const char *)frame.data, frame.size, &offset);
    struct wire_reader reader = wire_read(frame);
    const bool agrees = code == MSGPACK_UNPACK_SUCCESS && offset == frame.size &&
                        same(&reader, &result.data) && wire_at_end(&reader);
    msgpack_unpacked_destroy(&result);
    return agrees;
}

static void what_is_written_is_read_back_by_both(void **state)
{
    struct random random = random_begin("frames");
    (void)state;
    for (int i = 0; i < FRAMES; i++) {
        struct buffer frame = {0};
        random_value(&random, 4, &frame);
        assert_int_equal(wire_validate(buffer_bytes(&frame), NULL), STATUS_OK);
        assert_true(peer_agrees(buffer_bytes(&frame)));
        struct wire_reader reader = wire_read(buffer_bytes(&frame));
        struct bytes whole;
        assert_true(wire_skip(&reader, &whole));
        assert_bytes(whole, buffer_bytes(&frame));
        buffer_release(&frame);
    }
}

static void no_truncation_is_accepted(void **state)
{
    struct random random = random_begin("truncations");
    (void)state;
    for (int i = 0; i < 60; i++) {
        struct buffer frame = {0};
        random_value(&random, 2, &frame);
        for (size_t size = 0; size < frame.size; size += 1 + frame.size / 2000) {
            uint8_t *exact = malloc(size + 1);
            memcpy(exact, frame.data, size);
            const uint8_t *data = size > 0 ? exact : NULL;
            assert_int_equal(wire_validate(bytes_of(data, size), NULL), STATUS_MALFORMED);
            struct wire_reader reader = wire_read(bytes_of(data, size));
            assert_false(wire_skip(&reader, NULL));
            free(exact);
        }
        buffer_release(&frame);
    }
}

/* A frame with a few bytes changed: what we accept, msgpack-c reads as the same. (It accepts more,
 * and is not asked about the rest: it would reserve what a damaged count promises.) */
static void damaged_frames_are_refused_or_read_alike(void **state)
{
    struct random random = random_begin("damage");
    unsigned accepted = 0, refused = 0;
    (void)state;
    for (int i = 0; i < DAMAGED_FRAMES; i++) {
        struct buffer frame = {0};
        random_value(&random, 2, &frame);
        for (uint64_t hits = 1 + random_below(&random, 3); hits > 0; hits--)
            frame.data[random_below(&random, frame.size)] = (uint8_t)random_next(&random);
        if (wire_validate(buffer_bytes(&frame), NULL) == STATUS_OK) {
            accepted++;
            assert_true(peer_agrees(buffer_bytes(&frame)));
        } else {
            refused++;
            struct wire_reader reader = wire_read(buffer_bytes(&frame));
            while (wire_skip(&reader, NULL))
                assert_true(reader.at <= reader.end);
        }
        buffer_release(&frame);
    }
    assert_true(accepted > DAMAGED_FRAMES / 100);
    assert_true(refused > DAMAGED_FRAMES / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back_by_both),
        cmocka_unit_test(no_truncation_is_accepted),
        cmocka_unit_test(damaged_frames_are_refused_or_read_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

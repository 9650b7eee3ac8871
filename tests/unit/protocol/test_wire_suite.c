/* The MessagePack test suite of Yusuke Kawasaki: values with all their accepted encodings. What
 * our rules allow is accepted in each encoding and read equal; floats, extensions and timestamps
 * are refused. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "notation.h"

static unsigned accepted, refused;

/* The value an entry speaks of, as we would write it; false for what Tandem does not use. */
static bool wanted(struct bytes entry, struct buffer *out)
{
    static const char *const plain[] = {"nil", "bool", "string", "array", "map"};
    struct bytes value, text;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (wire_map_find(entry, plain[i], &value)) {
            wire_put_raw(out, value);
            return true;
        }
    if (wire_map_find(entry, "binary", &value)) {
        struct buffer bytes = {0};
        struct wire_reader reader = wire_read(value);
        assert_true(wire_get_str(&reader, &text));
        hex_read(text, &bytes);
        wire_put_bin(out, buffer_bytes(&bytes));
        buffer_release(&bytes);
        return true;
    }
    if (wire_map_find(entry, "bignum", &value)) {
        struct wire_reader reader = wire_read(value);
        return wire_get_str(&reader, &text) && notation_parse(text, out);
    }
    if (!wire_map_find(entry, "number", &value))
        return false;
    struct wire_reader reader = wire_read(value);
    wire_put_raw(out, value);
    return wire_peek(&reader) == WIRE_INT || wire_peek(&reader) == WIRE_UINT;
}

static bool is_float(struct bytes encoded)
{
    return encoded.data[0] == 0xca || encoded.data[0] == 0xcb;
}

static void try_encoding(struct bytes encoded, struct bytes value, bool used)
{
    struct buffer ours = {0}, theirs = {0};
    const enum status status = wire_validate(encoded, NULL);
    if (!used || is_float(encoded)) {
        assert_int_equal(status, STATUS_MALFORMED);
        refused++;
        return;
    }
    assert_int_equal(status, STATUS_OK);
    notation_print(encoded, &theirs);
    notation_print(value, &ours);
    assert_bytes(buffer_bytes(&theirs), buffer_bytes(&ours));
    accepted++;
    buffer_release(&ours);
    buffer_release(&theirs);
}

static void try_entry(struct bytes entry)
{
    struct buffer value = {0}, encoded = {0};
    struct bytes list, text;
    uint32_t count = 0;
    const bool used = wanted(entry, &value);
    assert_true(wire_map_find(entry, "msgpack", &list));
    struct wire_reader reader = wire_read(list);
    assert_true(wire_get_array(&reader, &count));
    for (uint32_t i = 0; i < count; i++) {
        assert_true(wire_get_str(&reader, &text));
        buffer_clear(&encoded);
        hex_read(text, &encoded);
        try_encoding(buffer_bytes(&encoded), buffer_bytes(&value), used);
    }
    buffer_release(&value);
    buffer_release(&encoded);
}

static void every_encoding_is_read_as_its_value(void **state)
{
    struct buffer file = {0}, suite = {0};
    uint32_t sections, entries;
    (void)state;
    if (!shared_file("msgpack/kawanet/msgpack-test-suite.json", &file))
        skip();
    assert_true(notation_parse(buffer_bytes(&file), &suite));
    struct wire_reader reader = wire_read(buffer_bytes(&suite));
    assert_true(wire_get_map(&reader, &sections));
    for (uint32_t i = 0; i < sections; i++) {
        struct bytes name, entry;
        assert_true(wire_get_str(&reader, &name));
        assert_true(wire_get_array(&reader, &entries));
        for (uint32_t j = 0; j < entries; j++) {
            assert_true(wire_skip(&reader, &entry));
            try_entry(entry);
        }
    }
    fprintf(stderr, "%u encodings accepted, %u refused\n", accepted, refused);
    assert_true(accepted > 150);
    assert_true(refused > 30);
    buffer_release(&file);
    buffer_release(&suite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_is_read_as_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

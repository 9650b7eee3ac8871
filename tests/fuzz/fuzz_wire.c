/* Any bytes: the validator and the readers stay within them; what the validator accepts can be
 * copied value by value into a frame that it accepts too, and that copies to itself. */
#include "fuzz.h"

#include "protocol/wire.h"

static void copy(struct wire_reader *reader, struct buffer *out)
{
    struct bytes bytes;
    uint64_t left = 1;
    while (left-- > 0) {
        uint32_t count;
        int64_t integer;
        uint64_t natural;
        bool truth;
        if (wire_get_nil(reader)) {
            wire_put_nil(out);
        } else if (wire_get_bool(reader, &truth)) {
            wire_put_bool(out, truth);
        } else if (wire_get_int(reader, &integer)) {
            wire_put_int(out, integer);
        } else if (wire_get_uint(reader, &natural)) {
            wire_put_uint(out, natural);
        } else if (wire_get_str(reader, &bytes)) {
            MUST(wire_utf8_valid(bytes));
            wire_put_str(out, bytes);
        } else if (wire_get_bin(reader, &bytes)) {
            wire_put_bin(out, bytes);
        } else if (wire_get_array(reader, &count)) {
            wire_put_array(out, count);
            left += count;
        } else {
            MUST(wire_get_map(reader, &count));
            MUST(count <= WIRE_MAX_KEYS);
            wire_put_map(out, count);
            left += 2 * (uint64_t)count;
        }
    }
}

static void walk_unvalidated(struct bytes input)
{
    struct wire_reader reader = wire_read(input);
    struct bytes value;
    struct id id;
    while (!wire_at_end(&reader)) {
        const uint8_t *before = reader.at;
        (void)wire_get_id(&reader, &id);
        if (reader.at == before && !wire_skip(&reader, &value))
            break;
        MUST(reader.at > before && reader.at <= reader.end);
    }
    if (wire_map_find(input, "type", &value))
        MUST(value.data > input.data && value.data + value.size <= input.data + input.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes input = bytes_of(data, size);
    struct buffer first = {0}, second = {0};
    struct fault fault;
    fault_clear(&fault);
    walk_unvalidated(input);
    if (wire_validate(input, &fault) != STATUS_OK) {
        MUST(fault.offset <= size);
        return 0;
    }
    struct wire_reader reader = wire_read(input);
    MUST(wire_skip(&reader, NULL) && wire_at_end(&reader));
    reader = wire_read(input);
    copy(&reader, &first);
    MUST(wire_at_end(&reader));
    MUST(first.size <= size);
    MUST(wire_validate(buffer_bytes(&first), NULL) == STATUS_OK);
    reader = wire_read(buffer_bytes(&first));
    copy(&reader, &second);
    MUST(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    buffer_release(&first);
    buffer_release(&second);
    return 0;
}

#include <string.h>

#include "protocol/change_set.h"

static enum status bad_part(struct fault *fault, enum status status, uint32_t part,
                            const char *what)
{
    return fault_set(fault, status, bytes_text("changes"), "part %u: %s", part, what);
}

/* The lines of a part, joined; an array that begins with a length has been read up to it. */
static enum status read_lines(struct wire_reader *reader, uint32_t lines, struct buffer *text,
                              uint32_t part, struct fault *fault)
{
    if (lines > CHANGE_LINES_MAX)
        return bad_part(fault, STATUS_LIMIT, part, "too many lines");
    for (uint32_t i = 0; i < lines; i++) {
        struct bytes line;
        if (!wire_get_str(reader, &line))
            return bad_part(fault, STATUS_WRONG_KIND, part, "lines are texts");
        if (line.size > 0 && memchr(line.data, '\n', line.size) != NULL)
            return bad_part(fault, STATUS_INVALID_VALUE, part, "a line holds a line break");
        if (i > 0)
            buffer_append_byte(text, '\n');
        buffer_append(text, line.data, line.size);
    }
    return text->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status read_part(struct wire_reader *reader, uint32_t number, struct change_set *out,
                             struct buffer *text, struct fault *fault)
{
    uint64_t units;
    uint32_t elements;
    if (wire_get_uint(reader, &units)) {
        change_set_keep(out, units);
        return STATUS_OK;
    }
    if (!wire_get_array(reader, &elements) || elements == 0 || !wire_get_uint(reader, &units))
        return bad_part(fault, STATUS_WRONG_KIND, number, "is a number, or [number, line...]");
    buffer_clear(text);
    const enum status status = read_lines(reader, elements - 1, text, number, fault);
    if (status == STATUS_OK)
        change_set_replace(out, units, buffer_bytes(text), false);
    return status;
}

static enum status read_set(struct bytes encoded, uint32_t most, struct change_set *out,
                            struct fault *fault)
{
    change_set_clear(out);
    struct wire_reader reader = wire_read(encoded);
    uint32_t parts;
    if (!wire_get_array(&reader, &parts))
        return fault_set(fault, STATUS_WRONG_KIND, bytes_text("changes"),
                         "must be an array of parts");
    if (parts > most)
        return fault_set(fault, STATUS_LIMIT, bytes_text("changes"), "at most %u parts are allowed",
                         most);
    struct buffer text = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < parts && status == STATUS_OK; i++) {
        status = read_part(&reader, i, out, &text, fault);
        if (status == STATUS_OK && out->state != STATUS_OK)
            status = bad_part(fault, out->state, i, "the text would be too long");
    }
    buffer_release(&text);
    return status;
}

enum status change_set_read(struct bytes encoded, struct change_set *out, struct fault *fault)
{
    return read_set(encoded, CHANGE_PARTS_MAX, out, fault);
}

enum status change_set_read_own(struct bytes encoded, struct change_set *out)
{
    return read_set(encoded, UINT32_MAX, out, NULL);
}

static uint32_t count_lines(struct bytes text)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    return lines;
}

static void write_lines(struct bytes text, struct buffer *out)
{
    const uint8_t *at = text.data;
    const uint8_t *end = text.data + text.size;
    for (;;) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        wire_put_str(out, bytes_of(at, (size_t)((line_end != NULL ? line_end : end) - at)));
        if (line_end == NULL)
            return;
        at = line_end + 1;
    }
}

void change_set_write(const struct change_set *set, struct buffer *out)
{
    size_t at = 0;
    wire_put_array(out, (uint32_t)set->count);
    for (size_t i = 0; i < set->count; i++) {
        const struct change_part *part = &set->parts[i];
        const struct bytes text = bytes_slice(buffer_bytes(&set->text), at, part->text_size);
        at += part->text_size;
        if (part->kept) {
            wire_put_uint(out, part->length);
            continue;
        }
        wire_put_array(out, 1 + (text.size > 0 ? count_lines(text) : 0));
        wire_put_uint(out, part->length);
        if (text.size > 0)
            write_lines(text, out);
    }
}

#include "server/core/note/note_text.h"

#include <string.h>

#include "protocol/utf16.h"

bool note_text_is_foreign(struct bytes text)
{
    return text.size > 0 && memchr(text.data, '\r', text.size) != NULL;
}

void note_text_normalise(struct bytes text, struct buffer *out)
{
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\r', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        buffer_append(out, text.data, size);
        if (end) {
            buffer_append_byte(out, '\n');
            size += (size + 1 < text.size && end[1] == '\n') ? 2 : 1;
        }
        text = bytes_slice(text, size, text.size - size);
    }
}

static bool continues(uint8_t octet)
{
    return (octet & 0xc0) == 0x80;
}

/* Bytes that both begin with, to the end of a character. */
static size_t common_start(struct bytes a, struct bytes b)
{
    const size_t most = a.size < b.size ? a.size : b.size;
    size_t same = 0;
    while (same < most && a.data[same] == b.data[same])
        same++;
    /* Where they differ within a character, which began before, both go on with it. */
    while (same > 0 && same < a.size && continues(a.data[same]))
        same--;
    return same;
}

/* Bytes that both end with, `most` at most, from the beginning of a character. */
static size_t common_end(struct bytes a, struct bytes b, size_t most)
{
    size_t same = 0;
    while (same < most && a.data[a.size - same - 1] == b.data[b.size - same - 1])
        same++;
    while (same > 0 && continues(a.data[a.size - same]))
        same--;
    return same;
}

void note_text_difference(struct bytes from, struct bytes to, struct change_set *set)
{
    const size_t start = common_start(from, to);
    const size_t shorter = from.size < to.size ? from.size : to.size;
    const size_t end = common_end(from, to, shorter - start);
    change_set_clear(set);
    change_set_keep(set, utf16_length(bytes_slice(from, 0, start)));
    change_set_replace(set, utf16_length(bytes_slice(from, start, from.size - start - end)),
                       bytes_slice(to, start, to.size - start - end), false);
    change_set_keep(set, utf16_length(bytes_slice(from, from.size - end, end)));
}

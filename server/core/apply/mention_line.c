#include "server/core/apply/mention_line.h"

/* Bytes before the name that are kept of a line too long to be kept from its beginning. */
#define LEAD 80u

static uint8_t lower(uint8_t octet)
{
    return (uint8_t)(octet >= 'A' && octet <= 'Z' ? octet + 32 : octet);
}

bool mention_same_name(struct bytes a, struct bytes b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

static bool is_word(uint8_t octet)
{
    const uint8_t c = lower(octet);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

/* Whether a name that ends at `at` goes on there: "@kari.moe" does not mention kari, and "@kari."
 * does. */
static bool goes_on(struct bytes text, size_t at)
{
    if (at >= text.size)
        return false;
    const uint8_t c = text.data[at];
    if (is_word(c))
        return true;
    return (c == '.' || c == '-' || c == '@') && at + 1 < text.size && is_word(text.data[at + 1]);
}

/* Whether the '@' at `at` mentions the name; *end is behind it then. */
static bool mentions(struct bytes text, size_t at, struct bytes name, size_t *end)
{
    const bool within = at > 0 && is_word(text.data[at - 1]);
    size_t from = at + 1;
    const bool quoted = from < text.size && text.data[from] == '"';
    from += quoted;
    if (within || name.size == 0 || text.size - from < name.size ||
        !mention_same_name(bytes_slice(text, from, name.size), name))
        return false;
    *end = from + name.size;
    if (!quoted)
        return !goes_on(text, *end);
    return *end < text.size && text.data[(*end)++] == '"';
}

static bool find(struct bytes text, struct bytes name, size_t *at, size_t *end)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '@' && mentions(text, i, name, end))
            return *at = i, true;
    return false;
}

static bool is_break(uint8_t octet)
{
    return octet == '\n' || octet == '\r';
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t' || is_break(octet);
}

static bool begins_character(uint8_t octet)
{
    return (octet & 0xc0) != 0x80;
}

/* The size of a line break of Unicode that is no \n at `at`: U+0085, U+2028, U+2029. */
static size_t wide_break(struct bytes line, size_t at)
{
    const uint8_t *c = line.data + at;
    const size_t left = line.size - at;
    if (left >= 2 && c[0] == 0xc2 && c[1] == 0x85)
        return 2;
    return left >= 3 && c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9) ? 3 : 0;
}

static void put_plain(struct bytes line, struct buffer *out)
{
    for (size_t i = 0; i < line.size;) {
        const size_t wide = wide_break(line, i);
        const uint8_t c = line.data[i];
        const bool plain = !wide && c != 0x7f && (c >= 0x20 || c == '\t');
        buffer_append_byte(out, plain ? c : ' ');
        i += wide ? wide : 1;
    }
}

void mention_line(struct bytes text, struct bytes name, struct buffer *out)
{
    size_t at = 0, named = 0, end;
    if (find(text, name, &at, &named)) {
        while (at > 0 && !is_break(text.data[at - 1]))
            at--;
    }
    while (at < text.size && is_blank(text.data[at]))
        at++;
    for (end = at; end < text.size && !is_break(text.data[end]);)
        end++;
    if (named > at + MENTION_LINE_MAX) {
        at = named - name.size - LEAD;
        while (!begins_character(text.data[at]))
            at++;
    }
    if (end - at > MENTION_LINE_MAX)
        for (end = at + MENTION_LINE_MAX; !begins_character(text.data[end]);)
            end--;
    put_plain(bytes_slice(text, at, end - at), out);
}

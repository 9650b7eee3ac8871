#include "protocol/id.h"

#include <string.h>

#define ID_HEX_SIZE ((size_t)2 * ID_SIZE)

bool id_equal(struct id a, struct id b)
{
    return id_compare(a, b) == 0;
}

int id_compare(struct id a, struct id b)
{
    return memcmp(a.octet, b.octet, ID_SIZE);
}

bool id_is_zero(struct id id)
{
    return id_equal(id, (struct id){0});
}

struct id id_make(uint64_t time_ms, const uint8_t random[10])
{
    struct id id;
    put_u16(id.octet, (uint16_t)(time_ms >> 32));
    put_u32(id.octet + 2, (uint32_t)time_ms);
    memcpy(id.octet + 6, random, 10);
    id.octet[6] = (uint8_t)((id.octet[6] & 0x0f) | 0x70);
    id.octet[8] = (uint8_t)((id.octet[8] & 0x3f) | 0x80);
    return id;
}

char *id_to_text(struct id id, char out[ID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (size_t i = 0; i < ID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[id.octet[i] >> 4];
        *at++ = digits[id.octet[i] & 0x0f];
    }
    *at = '\0';
    return out;
}

/* A digit's value and one, 0 for what is no digit. A table, because branches on digits are as
 * unpredictable as ids are random, and cost more than all else in a look-up by id. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool id_from_text(struct bytes text, struct id *out)
{
    const bool dashed = text.size == ID_TEXT_SIZE - 1;
    if (!dashed && text.size != ID_HEX_SIZE)
        return false;
    struct id id;
    size_t at = 0;
    for (size_t i = 0; i < ID_SIZE; i++) {
        if (dashed && (i == 4 || i == 6 || i == 8 || i == 10) && text.data[at++] != '-')
            return false;
        const unsigned high = hex_values[text.data[at]];
        const unsigned low = hex_values[text.data[at + 1]];
        if (high == 0 || low == 0)
            return false;
        id.octet[i] = (uint8_t)((high - 1) << 4 | (low - 1));
        at += 2;
    }
    *out = id;
    return true;
}

bool id_from_bytes(struct bytes bytes, struct id *out)
{
    if (bytes.size != ID_SIZE)
        return false;
    memcpy(out->octet, bytes.data, ID_SIZE);
    return true;
}

/* Scopes and tags are both a kind, named by a word, and an id where the kind has one. */
struct word {
    const char *text; /* NULL where no kind has this number */
    bool has_id;
};

static const struct word scope_words[] = {
    [SCOPE_ACCOUNT] = {"account", true},
    [SCOPE_PARTY] = {"party", true},
    [SCOPE_USER] = {"user", true},
    [SCOPE_LIBRARY] = {"library", false},
};

static const struct word tag_words[] = {
    [TAG_INTERNAL] = {"internal", false},   [TAG_DEPARTMENT] = {"dept", true},
    [TAG_PARTNERS] = {"partners", false},   [TAG_SUPPLIERS] = {"suppliers", false},
    [TAG_DISTRIBUTORS] = {"distributors", false}, [TAG_PARTNER] = {"partner", true},
};

#define SCOPE_WORDS (sizeof scope_words / sizeof scope_words[0])
#define TAG_WORDS (sizeof tag_words / sizeof tag_words[0])

static bool named_from_bytes(const struct word *words, size_t count, struct bytes bytes,
                             uint8_t *kind, struct id *id)
{
    if (bytes.size != 1 + ID_SIZE || bytes.data[0] >= count)
        return false;
    const struct word *word = &words[bytes.data[0]];
    struct id read;
    memcpy(read.octet, bytes.data + 1, ID_SIZE);
    if (word->text == NULL || (!word->has_id && !id_is_zero(read)))
        return false;
    *kind = bytes.data[0];
    *id = read;
    return true;
}

static char *named_to_text(const struct word *words, size_t count, uint8_t kind, struct id id,
                           char *out, size_t size)
{
    if (kind >= count || words[kind].text == NULL)
        return bytes_to_text(bytes_text("?"), out, size);
    const struct bytes word = bytes_text(words[kind].text);
    bytes_to_text(word, out, size);
    if (words[kind].has_id) {
        out[word.size] = ':';
        id_to_text(id, out + word.size + 1);
    }
    return out;
}

static bool named_from_text(const struct word *words, size_t count, struct bytes text,
                            uint8_t *kind, struct id *id)
{
    const uint8_t *colon = text.size > 0 ? memchr(text.data, ':', text.size) : NULL;
    const size_t length = colon != NULL ? (size_t)(colon - text.data) : text.size;
    for (size_t i = 0; i < count; i++) {
        if (words[i].text == NULL || !bytes_is(bytes_of(text.data, length), words[i].text))
            continue;
        if (words[i].has_id != (colon != NULL))
            return false;
        struct id read = {0};
        if (colon != NULL &&
            !id_from_text(bytes_of(colon + 1, text.size - length - 1), &read))
            return false;
        *kind = (uint8_t)i;
        *id = read;
        return true;
    }
    return false;
}

bool scope_equal(struct scope a, struct scope b)
{
    return a.kind == b.kind && id_equal(a.id, b.id);
}

void scope_put(struct scope scope, uint8_t out[SCOPE_SIZE])
{
    out[0] = scope.kind;
    memcpy(out + 1, scope.id.octet, ID_SIZE);
}

bool scope_from_bytes(struct bytes bytes, struct scope *out)
{
    return named_from_bytes(scope_words, SCOPE_WORDS, bytes, &out->kind, &out->id);
}

char *scope_to_text(struct scope scope, char out[SCOPE_TEXT_SIZE])
{
    return named_to_text(scope_words, SCOPE_WORDS, scope.kind, scope.id, out, SCOPE_TEXT_SIZE);
}

bool scope_from_text(struct bytes text, struct scope *out)
{
    return named_from_text(scope_words, SCOPE_WORDS, text, &out->kind, &out->id);
}

bool tag_equal(struct tag a, struct tag b)
{
    return a.kind == b.kind && id_equal(a.id, b.id);
}

bool tag_is_outside(struct tag tag)
{
    return tag.kind != TAG_INTERNAL && tag.kind != TAG_DEPARTMENT;
}

void tag_put(struct tag tag, uint8_t out[TAG_SIZE])
{
    out[0] = tag.kind;
    memcpy(out + 1, tag.id.octet, ID_SIZE);
}

bool tag_from_bytes(struct bytes bytes, struct tag *out)
{
    return named_from_bytes(tag_words, TAG_WORDS, bytes, &out->kind, &out->id);
}

char *tag_to_text(struct tag tag, char out[TAG_TEXT_SIZE])
{
    return named_to_text(tag_words, TAG_WORDS, tag.kind, tag.id, out, TAG_TEXT_SIZE);
}

bool tag_from_text(struct bytes text, struct tag *out)
{
    return named_from_text(tag_words, TAG_WORDS, text, &out->kind, &out->id);
}

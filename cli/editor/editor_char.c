#include "cli/editor/editor_char.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cli/cli_text.h"

#define MOST_MARKS 4u
#define ZERO_WIDTH_JOINER 0x200Du
#define NOT_A_CODE 0xFFFFFFFFu /* of a byte that is not UTF-8 */

/* Bytes of the code point at `at`, at least 1. */
static size_t read_code(const char *text, size_t size, size_t at, uint32_t *code)
{
    size_t length = text_decode(text + at, size - at, code);
    if (length == 0) {
        *code = NOT_A_CODE;
        return 1;
    }
    return length;
}

/* Where the code point before `at` begins, at > 0. */
static size_t code_before(const char *text, size_t at)
{
    size_t from = at - 1;
    while (from > 0 && at - from < 4 && ((unsigned char)text[from] & 0xC0) == 0x80) {
        from--;
    }
    uint32_t code = 0;
    return text_decode(text + from, at - from, &code) == at - from ? from : at - 1;
}

static bool reorders(uint32_t code)
{
    return code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

static bool is_coded(uint32_t code)
{
    if (code >= 0x20 && code < 0x7F) {
        return false;
    }
    return code < 0x20 || code == NOT_A_CODE || (code >= 0x7F && code < 0xA0) || reorders(code) ||
           wcwidth((wchar_t)code) < 0;
}

/* Whether it belongs to the character before it. */
static bool is_mark(uint32_t code)
{
    return code >= 0x300 && !is_coded(code) && wcwidth((wchar_t)code) == 0;
}

/* Whether two code points that follow each other are of one character. */
static bool joins(uint32_t first, uint32_t second)
{
    return is_mark(second) && !is_coded(first);
}

static unsigned show_code(uint32_t code, char out[EDITOR_SHOWN])
{
    int width = code == NOT_A_CODE            ? snprintf(out, EDITOR_SHOWN, "?")
                : code < 0x20 || code == 0x7F ? snprintf(out, EDITOR_SHOWN, "^%c", (int)code ^ 0x40)
                                              : snprintf(out, EDITOR_SHOWN, "<%02X>", code);
    return (unsigned)width;
}

struct editor_char editor_char_read(const char *text, size_t size, size_t at)
{
    struct editor_char out = {.kind = EDITOR_CHAR_PLAIN, .width = 1};
    assert(at < size);
    out.size = read_code(text, size, at, &out.code);
    if (out.code == '\n' || out.code == '\t') {
        out.kind = out.code == '\n' ? EDITOR_CHAR_NEWLINE : EDITOR_CHAR_TAB;
        out.width = 0;
        return out;
    }
    if (is_coded(out.code)) {
        out.kind = EDITOR_CHAR_CODED;
        char shown[EDITOR_SHOWN];
        out.width = show_code(out.code, shown);
        return out;
    }
    if (out.code >= 0x7F && wcwidth((wchar_t)out.code) == 2) {
        out.width = 2;
    }
    while (at + out.size < size && (unsigned char)text[at + out.size] >= 0x80) {
        uint32_t next = 0;
        size_t length = read_code(text, size, at + out.size, &next);
        if (!is_mark(next)) {
            break;
        }
        out.size += length;
    }
    return out;
}

size_t editor_char_floor(const char *text, size_t size, size_t at)
{
    assert(at <= size);
    while (at > 0 && at < size) {
        if (((unsigned char)text[at] & 0xC0) == 0x80) {
            size_t from = at;
            uint32_t inside = 0;
            while (from > 0 && at - from < 3 && ((unsigned char)text[from] & 0xC0) == 0x80) {
                from--;
            }
            if (from + text_decode(text + from, size - from, &inside) <= at) {
                return at; /* it continues nothing: a character of its own */
            }
            at = from;
            continue;
        }
        uint32_t before = 0;
        uint32_t here = 0;
        if ((unsigned char)text[at] < 0x80) {
            return at;
        }
        size_t from = code_before(text, at);
        (void)read_code(text, size, from, &before);
        (void)read_code(text, size, at, &here);
        if (!joins(before, here)) {
            return at;
        }
        at = from;
    }
    return at;
}

size_t editor_char_before(const char *text, size_t size, size_t at)
{
    assert(at <= size);
    return at == 0 ? 0 : editor_char_floor(text, size, code_before(text, at));
}

unsigned editor_char_width(const struct editor_char *character, size_t column)
{
    return character->kind == EDITOR_CHAR_TAB ? EDITOR_TAB - (unsigned)(column % EDITOR_TAB)
                                              : character->width;
}

static bool is_sent(uint32_t mark)
{
    return mark != ZERO_WIDTH_JOINER && !(mark >= 0xFE00 && mark <= 0xFE0F);
}

void editor_char_show(const char *at, const struct editor_char *character, char out[EDITOR_SHOWN])
{
    uint32_t code = character->code;
    if (character->kind != EDITOR_CHAR_PLAIN) {
        (void)show_code(code, out);
        return;
    }
    size_t used = 0;
    unsigned marks = 0;
    size_t length = read_code(at, character->size, 0, &code);
    if (is_mark(code)) { /* nothing to stand on: on a dotted circle */
        used = (size_t)snprintf(out, EDITOR_SHOWN, "\xE2\x97\x8C");
        length = 0;
    } else {
        memcpy(out, at, length);
        used = length;
    }
    for (size_t next = length; next < character->size && marks < MOST_MARKS;) {
        size_t bytes = read_code(at, character->size, next, &code);
        if (is_sent(code)) {
            memcpy(out + used, at + next, bytes);
            used += bytes;
            marks++;
        }
        next += bytes;
    }
    out[used] = '\0';
}

enum editor_class editor_char_class(uint32_t code)
{
    if (code == ' ' || code == '\t' || code == '\n' || (code >= 0x80 && iswspace((wint_t)code))) {
        return EDITOR_SPACE;
    }
    return code == '_' || (code != NOT_A_CODE && iswalnum((wint_t)code)) ? EDITOR_WORD
                                                                         : EDITOR_OTHER;
}

uint32_t editor_char_fold(uint32_t code)
{
    if (code < 0x80) {
        return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
    }
    return code == NOT_A_CODE ? code : (uint32_t)towlower((wint_t)code);
}

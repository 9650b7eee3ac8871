#include "protocol/wire_token.h"

#include <assert.h>

/* The first bytes 0xc4 to 0xdf: the type, and how many bytes of length or number follow. */
struct form {
    enum wire_type type;
    uint8_t width;
};

static const struct form forms[] = {
    {WIRE_BIN, 1},   {WIRE_BIN, 2},  {WIRE_BIN, 4},   /* c4 */
    {WIRE_NONE, 0},  {WIRE_NONE, 0}, {WIRE_NONE, 0},  /* c7 extension types */
    {WIRE_NONE, 0},  {WIRE_NONE, 0},                  /* ca floats */
    {WIRE_UINT, 1},  {WIRE_UINT, 2}, {WIRE_UINT, 4}, {WIRE_UINT, 8}, /* cc */
    {WIRE_INT, 1},   {WIRE_INT, 2},  {WIRE_INT, 4},  {WIRE_INT, 8},  /* d0 */
    {WIRE_NONE, 0},  {WIRE_NONE, 0}, {WIRE_NONE, 0}, {WIRE_NONE, 0}, {WIRE_NONE, 0}, /* d4 */
    {WIRE_STR, 1},   {WIRE_STR, 2},  {WIRE_STR, 4},   /* d9 */
    {WIRE_ARRAY, 2}, {WIRE_ARRAY, 4},                 /* dc */
    {WIRE_MAP, 2},   {WIRE_MAP, 4},                   /* de */
};
static_assert(sizeof forms / sizeof forms[0] == 0xdf - 0xc4 + 1, "one row for each first byte");

static int64_t sign_extended(uint64_t value, unsigned width)
{
    assert(width >= 1 && width <= 8);
    const uint64_t sign = UINT64_C(1) << (8 * width - 1);
    if (width < 8 && (value & sign) != 0)
        value |= UINT64_MAX << (8 * width);
    return (int64_t)value;
}

/* Gives the number behind the first byte its meaning for the type. */
static bool set_value(struct wire_token *token, enum wire_type type, uint64_t value, size_t left)
{
    token->type = type;
    switch (type) {
    case WIRE_UINT:
        if (value <= INT64_MAX) {
            token->type = WIRE_INT;
            token->integer = (int64_t)value;
        }
        token->natural = value;
        return true;
    case WIRE_INT:
        token->integer = sign_extended(value, (unsigned)token->head - 1);
        return true;
    case WIRE_STR:
    case WIRE_BIN:
        token->body = (size_t)value;
        return value <= left;
    case WIRE_ARRAY:
        token->count = (uint32_t)value;
        return value <= left;
    case WIRE_MAP:
        token->count = (uint32_t)value;
        return value <= left / 2;
    default:
        return false;
    }
}

static bool read_long(const uint8_t *at, size_t size, struct wire_token *token)
{
    const struct form form = forms[at[0] - 0xc4];
    if (form.type == WIRE_NONE || size < 1 + (size_t)form.width)
        return false;
    token->head = 1 + (size_t)form.width;
    uint64_t value = 0;
    for (size_t i = 1; i < token->head; i++)
        value = value << 8 | at[i];
    return set_value(token, form.type, value, size - token->head);
}

bool wire_token_read(const uint8_t *at, const uint8_t *end, struct wire_token *token)
{
    *token = (struct wire_token){.type = WIRE_NONE, .head = 1};
    if (at >= end)
        return false;
    const size_t size = (size_t)(end - at);
    const uint8_t first = at[0];
    if (first <= 0x7f || first >= 0xe0) {
        token->type = WIRE_INT;
        token->integer = first <= 0x7f ? first : (int64_t)first - 0x100;
        return true;
    }
    if (first <= 0x8f)
        return set_value(token, WIRE_MAP, first & 0x0f, size - 1);
    if (first <= 0x9f)
        return set_value(token, WIRE_ARRAY, first & 0x0f, size - 1);
    if (first <= 0xbf)
        return set_value(token, WIRE_STR, first & 0x1f, size - 1);
    if (first >= 0xc4)
        return read_long(at, size, token);
    if (first == 0xc1)
        return false;
    token->type = first == 0xc0 ? WIRE_NIL : WIRE_BOOL;
    token->integer = first == 0xc3;
    return true;
}

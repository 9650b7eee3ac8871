/* Keys that sort as the values do under memcmp.
 *
 *     text and its like   the text folded (protocol/fold.h), its first 96 bytes
 *     integer, time       8 bytes big-endian, the sign bit turned around
 *     boolean             0 or 1
 *     date                its ten characters
 *     money               the currency's 3 letters, the amount as an integer
 *     reference           the 16 bytes of the id
 *     decimal             0x80 for zero; else a sign byte (0x81 or 0x7f), the number of digits
 *                         before the point as a byte (64 + n; n is negative for 0.00x), the
 *                         digits without zeros at either end, 0x00; of a negative number all
 *                         bytes behind the sign are complemented
 */
#include "protocol/fold.h"
#include "protocol/schema_value.h"

#define DECIMAL_POINT_BIAS 64

static void put_sortable(struct buffer *out, int64_t value)
{
    uint8_t *at = buffer_extend(out, 8);
    if (at != NULL)
        put_u64(at, (uint64_t)value ^ (UINT64_C(1) << 63));
}

static void key_of_text(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    struct bytes text;
    uint8_t key[SCHEMA_KEY_MAX];
    if (wire_get_str(&reader, &text))
        buffer_append(out, key, fold_begin(text, key, sizeof key));
}

static void key_of_integer(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    int64_t number;
    if (wire_get_int(&reader, &number))
        put_sortable(out, number);
}

static void key_of_boolean(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    bool truth;
    if (wire_get_bool(&reader, &truth))
        buffer_append_byte(out, truth);
}

static void key_of_money(struct bytes value, struct buffer *out)
{
    struct money money;
    if (!schema_read_money(value, &money) || schema_currency_digits(money.currency) < 0)
        return;
    buffer_append(out, money.currency.data, money.currency.size);
    put_sortable(out, money.amount);
}

static void key_of_reference(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    struct id id;
    if (wire_get_id(&reader, &id))
        buffer_append(out, id.octet, ID_SIZE);
}

/* Appends the digits of whole and fraction as one run, from the first that is not 0 to the last. */
static void put_digits(const struct decimal *decimal, size_t leading, uint8_t flip,
                       struct buffer *out)
{
    const size_t total = decimal->whole.size + decimal->fraction.size;
    size_t end = total;
    /* Without a fraction, the zeros at the end of the whole part say nothing the point does not. */
    while (decimal->fraction.size == 0 && end > 0 && decimal->whole.data[end - 1] == '0')
        end--;
    for (size_t i = leading; i < end; i++) {
        const uint8_t digit = i < decimal->whole.size
                                  ? decimal->whole.data[i]
                                  : decimal->fraction.data[i - decimal->whole.size];
        buffer_append_byte(out, digit ^ flip);
    }
}

static void key_of_decimal(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    struct bytes text;
    struct decimal decimal;
    if (!wire_get_str(&reader, &text) || !schema_read_decimal(text, &decimal))
        return;
    size_t leading = 0;
    if (decimal.whole.size == 0)
        while (leading < decimal.fraction.size && decimal.fraction.data[leading] == '0')
            leading++;
    if (decimal.whole.size + decimal.fraction.size == leading) {
        buffer_append_byte(out, 0x80);
        return;
    }
    const uint8_t flip = decimal.negative ? 0xff : 0;
    const int point = (int)decimal.whole.size - (int)leading;
    buffer_append_byte(out, decimal.negative ? 0x7f : 0x81);
    buffer_append_byte(out, (uint8_t)(DECIMAL_POINT_BIAS + point) ^ flip);
    put_digits(&decimal, leading, flip, out);
    buffer_append_byte(out, flip);
}

void schema_index_key(enum field_kind kind, struct bytes value, struct buffer *out)
{
    switch (kind) {
    case KIND_TEXT:
    case KIND_LONG_TEXT:
    case KIND_ENUM:
    case KIND_DATE:
    case KIND_EMAIL:
    case KIND_PHONE:
    case KIND_URL:
        key_of_text(value, out);
        break;
    case KIND_INTEGER:
    case KIND_TIME:
        key_of_integer(value, out);
        break;
    case KIND_DECIMAL:
        key_of_decimal(value, out);
        break;
    case KIND_BOOLEAN:
        key_of_boolean(value, out);
        break;
    case KIND_MONEY:
        key_of_money(value, out);
        break;
    case KIND_REFERENCE:
        key_of_reference(value, out);
        break;
    case KIND_ADDRESS:
    case KIND_REFERENCES:
    case KIND_TAGS:
    case KIND_BLOB:
    case KIND_COUNT:
        break;
    }
}

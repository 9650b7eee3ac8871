#include "protocol/schema_value.h"

#include <string.h>

const char *const schema_address_parts[ADDRESS_PARTS] = {"street", "city", "region", "postalCode",
                                                         "country"};

static bool enter(struct wire_reader *reader, struct bytes value, uint32_t *pairs)
{
    *reader = wire_read(value);
    return wire_get_map(reader, pairs);
}

bool schema_read_money(struct bytes value, struct money *out)
{
    struct wire_reader reader;
    uint32_t pairs;
    *out = (struct money){0};
    if (!enter(&reader, value, &pairs) || pairs != 2)
        return false;
    bool has_amount = false, has_currency = false;
    for (uint32_t i = 0; i < pairs; i++) {
        struct bytes key;
        if (!wire_get_str(&reader, &key))
            return false;
        if (bytes_is(key, "amount"))
            has_amount = wire_get_int(&reader, &out->amount);
        else if (bytes_is(key, "currency"))
            has_currency = wire_get_str(&reader, &out->currency);
        else
            return false;
    }
    return has_amount && has_currency;
}

void schema_put_money(struct buffer *out, const struct money *money)
{
    wire_put_map(out, 2);
    wire_put_text(out, "amount");
    wire_put_int(out, money->amount);
    wire_put_text(out, "currency");
    wire_put_str(out, money->currency);
}

static size_t address_part(struct bytes key)
{
    size_t i = 0;
    while (i < ADDRESS_PARTS && !bytes_is(key, schema_address_parts[i]))
        i++;
    return i;
}

bool schema_read_address(struct bytes value, struct address *out)
{
    struct wire_reader reader;
    uint32_t pairs;
    *out = (struct address){0};
    if (!enter(&reader, value, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        struct bytes key;
        if (!wire_get_str(&reader, &key))
            return false;
        const size_t part = address_part(key);
        if (part == ADDRESS_PARTS || !wire_get_str(&reader, &out->part[part]))
            return false;
    }
    return true;
}

void schema_put_address(struct buffer *out, const struct address *address)
{
    uint32_t pairs = 0;
    for (size_t i = 0; i < ADDRESS_PARTS; i++)
        pairs += address->part[i].size > 0;
    wire_put_map(out, pairs);
    for (size_t i = 0; i < ADDRESS_PARTS; i++) {
        if (address->part[i].size == 0)
            continue;
        wire_put_text(out, schema_address_parts[i]);
        wire_put_str(out, address->part[i]);
    }
}

bool schema_read_blob(struct bytes value, struct blob *out)
{
    struct wire_reader reader;
    uint32_t pairs;
    *out = (struct blob){0};
    if (!enter(&reader, value, &pairs) || pairs != 3)
        return false;
    unsigned seen = 0;
    for (uint32_t i = 0; i < pairs; i++) {
        struct bytes key;
        if (!wire_get_str(&reader, &key))
            return false;
        if (bytes_is(key, "sha256") && wire_get_bin(&reader, &out->sha256))
            seen |= 1;
        else if (bytes_is(key, "size") && wire_get_uint(&reader, &out->size))
            seen |= 2;
        else if (bytes_is(key, "name") && wire_get_str(&reader, &out->name))
            seen |= 4;
        else
            return false;
    }
    return seen == 7;
}

void schema_put_blob(struct buffer *out, const struct blob *blob)
{
    wire_put_map(out, 3);
    wire_put_text(out, "sha256");
    wire_put_bin(out, blob->sha256);
    wire_put_text(out, "size");
    wire_put_uint(out, blob->size);
    wire_put_text(out, "name");
    wire_put_str(out, blob->name);
}

/* The digits `text` begins with, which are taken off it. */
static struct bytes take_digits(struct bytes *text)
{
    size_t count = 0;
    while (count < text->size && text->data[count] >= '0' && text->data[count] <= '9')
        count++;
    const struct bytes digits = bytes_of(text->data, count);
    *text = bytes_of(text->data + count, text->size - count);
    return digits;
}

bool schema_read_decimal(struct bytes text, struct decimal *out)
{
    *out = (struct decimal){0};
    if (text.size > 0 && text.data[0] == '-') {
        out->negative = true;
        text = bytes_of(text.data + 1, text.size - 1);
    }
    if (text.size == 0)
        return false;
    out->whole = take_digits(&text);
    if (out->whole.size == 0)
        return false;
    if (text.size > 0) {
        if (text.data[0] != '.')
            return false;
        text = bytes_of(text.data + 1, text.size - 1);
        out->fraction = take_digits(&text);
        if (out->fraction.size == 0)
            return false;
    }
    if (text.size > 0 || out->whole.size + out->fraction.size > DECIMAL_DIGITS_MAX)
        return false;
    while (out->whole.size > 0 && out->whole.data[0] == '0')
        out->whole = bytes_of(out->whole.data + 1, out->whole.size - 1);
    while (out->fraction.size > 0 && out->fraction.data[out->fraction.size - 1] == '0')
        out->fraction.size--;
    return true;
}

bool schema_is_identifier(struct bytes text)
{
    if (text.size == 0 || text.size > IDENTIFIER_MAX || text.data[0] < 'a' || text.data[0] > 'z')
        return false;
    for (size_t i = 1; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if (!(schema_lower(c) >= 'a' && schema_lower(c) <= 'z') && !(c >= '0' && c <= '9'))
            return false;
    }
    return true;
}

struct bytes schema_trim(struct bytes text)
{
    size_t begin = 0, end = text.size;
    while (begin < end && strchr(" \t\r\n", text.data[begin]) != NULL && text.data[begin] != '\0')
        begin++;
    while (end > begin && strchr(" \t\r\n", text.data[end - 1]) != NULL && text.data[end - 1] != '\0')
        end--;
    return end > begin ? bytes_of(text.data + begin, end - begin) : (struct bytes){NULL, 0};
}

uint8_t schema_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool schema_same_word(struct bytes text, const char *word)
{
    if (text.size != strlen(word))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (schema_lower(text.data[i]) != schema_lower((uint8_t)word[i]))
            return false;
    return true;
}

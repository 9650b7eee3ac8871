#include "protocol/schema_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_text(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text));
}

/* With a backslash before each character that would otherwise mean something to the parser. */
static void put_escaped(struct buffer *out, struct bytes text, const char *special)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\0' && strchr(special, text.data[i]) != NULL)
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, text.data[i]);
    }
}

static void print_string(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    struct bytes text;
    if (wire_get_str(&reader, &text))
        buffer_append(out, text.data, text.size);
}

static void print_integer(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    char text[24];
    int64_t number;
    if (!wire_get_int(&reader, &number))
        return;
    snprintf(text, sizeof text, "%" PRId64, number);
    put_text(out, text);
}

static void print_boolean(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    bool truth;
    if (wire_get_bool(&reader, &truth))
        put_text(out, truth ? "true" : "false");
}

static void print_time(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    char text[SCHEMA_TIME_TEXT];
    int64_t ms;
    if (wire_get_int(&reader, &ms))
        put_text(out, schema_time_to_text(ms, text));
}

static void print_money(struct bytes value, struct buffer *out)
{
    struct money money;
    if (!schema_read_money(value, &money))
        return;
    const int digits = schema_currency_digits(money.currency);
    if (digits < 0)
        return;
    uint64_t unit = 1;
    for (int i = 0; i < digits; i++)
        unit *= 10;
    /* The magnitude of INT64_MIN is no int64_t. */
    const uint64_t amount =
        money.amount < 0 ? UINT64_C(0) - (uint64_t)money.amount : (uint64_t)money.amount;
    char text[32];
    snprintf(text, sizeof text, "%s%" PRIu64, money.amount < 0 ? "-" : "", amount / unit);
    put_text(out, text);
    if (digits > 0)
        buffer_append_byte(out, '.');
    for (uint64_t place = unit / 10; place > 0; place /= 10)
        buffer_append_byte(out, (uint8_t)('0' + amount / place % 10));
    buffer_append_byte(out, ' ');
    buffer_append(out, money.currency.data, money.currency.size);
}

static void print_address(struct bytes value, struct buffer *out)
{
    struct address address;
    if (!schema_read_address(value, &address))
        return;
    size_t last = ADDRESS_PARTS;
    while (last > 0 && address.part[last - 1].size == 0)
        last--;
    for (size_t i = 0; i < last; i++) {
        if (i > 0)
            put_text(out, "; ");
        put_escaped(out, address.part[i], ";=\\");
    }
}

static void print_id(struct wire_reader *reader, struct buffer *out)
{
    char text[ID_TEXT_SIZE];
    struct id id;
    if (wire_get_id(reader, &id))
        put_text(out, id_to_text(id, text));
}

static void print_reference(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    print_id(&reader, out);
}

static void print_references(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    uint32_t count;
    if (!wire_get_array(&reader, &count))
        return;
    for (uint32_t i = 0; i < count && !wire_at_end(&reader); i++) {
        if (i > 0)
            put_text(out, ", ");
        print_id(&reader, out);
    }
}

static void print_tags(struct bytes value, struct buffer *out)
{
    struct wire_reader reader = wire_read(value);
    uint32_t count;
    if (!wire_get_array(&reader, &count))
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes tag;
        if (!wire_get_str(&reader, &tag))
            return;
        if (i > 0)
            put_text(out, ", ");
        put_escaped(out, tag, ",\\");
    }
}

static void print_blob(struct bytes value, struct buffer *out)
{
    struct blob blob;
    char text[32];
    if (!schema_read_blob(value, &blob))
        return;
    for (size_t i = 0; i < blob.sha256.size; i++) {
        snprintf(text, sizeof text, "%02x", blob.sha256.data[i]);
        put_text(out, text);
    }
    snprintf(text, sizeof text, " %" PRIu64 " ", blob.size);
    put_text(out, text);
    buffer_append(out, blob.name.data, blob.name.size);
}

void schema_print(const struct field_def *field, struct bytes value, struct buffer *out)
{
    static void (*const prints[KIND_COUNT])(struct bytes, struct buffer *) = {
        [KIND_TEXT] = print_string,       [KIND_LONG_TEXT] = print_string,
        [KIND_INTEGER] = print_integer,   [KIND_DECIMAL] = print_string,
        [KIND_BOOLEAN] = print_boolean,   [KIND_ENUM] = print_string,
        [KIND_DATE] = print_string,       [KIND_TIME] = print_time,
        [KIND_MONEY] = print_money,       [KIND_EMAIL] = print_string,
        [KIND_PHONE] = print_string,      [KIND_URL] = print_string,
        [KIND_ADDRESS] = print_address,   [KIND_REFERENCE] = print_reference,
        [KIND_REFERENCES] = print_references, [KIND_TAGS] = print_tags,
        [KIND_BLOB] = print_blob,
    };
    prints[field->kind](value, out);
}

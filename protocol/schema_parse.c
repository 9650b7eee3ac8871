/* One function for each kind that is not simply its text. Each appends the value and returns
 * NULL, or says what it expected; schema_check() then has the last word on what came out. */
#include "protocol/schema_value.h"

#include <assert.h>
#include <string.h>

#define NO_MEMORY "out of memory"

typedef const char *parse(const struct field_def *field, struct bytes text, struct buffer *out);

static const char *parse_text(const struct field_def *field, struct bytes text, struct buffer *out)
{
    (void)field;
    wire_put_str(out, text);
    return NULL;
}

static const char *parse_word(const struct field_def *field, struct bytes text, struct buffer *out)
{
    return parse_text(field, schema_trim(text), out);
}

/* Digits, at least one, whose value is at most `most`. */
static bool read_natural(struct bytes text, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    if (text.size == 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if (c < '0' || c > '9')
            return false;
        const uint64_t digit = (uint64_t)(c - '0');
        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool take_sign(struct bytes *text)
{
    if (text->size == 0 || text->data[0] != '-')
        return false;
    *text = bytes_of(text->data + 1, text->size - 1);
    return true;
}

/* The number of the given sign and magnitude, which is at most most_of(negative). */
static int64_t with_sign(bool negative, uint64_t magnitude)
{
    return negative ? (int64_t)(UINT64_C(0) - magnitude) : (int64_t)magnitude;
}

static uint64_t most_of(bool negative)
{
    return (uint64_t)INT64_MAX + negative;
}

static const char *parse_integer(const struct field_def *field, struct bytes text,
                                 struct buffer *out)
{
    (void)field;
    text = schema_trim(text);
    const bool negative = take_sign(&text);
    uint64_t magnitude;
    if (!read_natural(text, most_of(negative), &magnitude))
        return "must be a whole number";
    wire_put_int(out, with_sign(negative, magnitude));
    return NULL;
}

static const char *parse_boolean(const struct field_def *field, struct bytes text,
                                 struct buffer *out)
{
    static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"0", "1"}};
    (void)field;
    text = schema_trim(text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int truth = 0; truth <= 1; truth++)
            if (schema_same_word(text, words[i][truth])) {
                wire_put_bool(out, truth != 0);
                return NULL;
            }
    return "must be true or false";
}

static uint8_t loose(uint8_t c)
{
    return c == '-' || c == '_' ? ' ' : schema_lower(c);
}

static bool loosely_same(struct bytes text, const char *value)
{
    if (text.size != strlen(value))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (loose(text.data[i]) != loose((uint8_t)value[i]))
            return false;
    return true;
}

static const char *parse_enum(const struct field_def *field, struct bytes text, struct buffer *out)
{
    text = schema_trim(text);
    const char *found = NULL;
    for (const char *const *value = field->values; value != NULL && *value != NULL; value++) {
        if (bytes_is(text, *value)) {
            found = *value;
            break;
        }
        if (found == NULL && loosely_same(text, *value))
            found = *value;
    }
    if (found == NULL)
        return "not one of the field's values";
    wire_put_text(out, found);
    return NULL;
}

static const char *parse_date(const struct field_def *field, struct bytes text, struct buffer *out)
{
    int64_t ms;
    (void)field;
    text = schema_trim(text);
    if (!schema_time_as_written(text, &ms))
        return "must be a day, as YYYY-MM-DD";
    wire_put_str(out, bytes_of(text.data, 10));
    return NULL;
}

static const char *parse_time(const struct field_def *field, struct bytes text, struct buffer *out)
{
    int64_t ms;
    (void)field;
    if (!schema_time_as_written(schema_trim(text), &ms))
        return "must be a time, as 2026-03-01T09:30Z";
    wire_put_int(out, ms);
    return NULL;
}

/* The decimal number in units of 10^-digits: its digits up to there, as one whole number. */
static bool read_minor_units(struct bytes text, size_t digits, int64_t *out)
{
    struct decimal decimal;
    uint8_t run[1 + DECIMAL_DIGITS_MAX + CURRENCY_DIGITS_MAX];
    size_t size = 0;
    uint64_t magnitude;
    assert(digits <= CURRENCY_DIGITS_MAX);
    if (!schema_read_decimal(text, &decimal) || decimal.fraction.size > digits)
        return false;
    run[size++] = '0';
    if (decimal.whole.size > 0)
        memcpy(run + size, decimal.whole.data, decimal.whole.size);
    size += decimal.whole.size;
    for (size_t i = 0; i < digits; i++)
        run[size++] = i < decimal.fraction.size ? decimal.fraction.data[i] : '0';
    if (!read_natural(bytes_of(run, size), most_of(decimal.negative), &magnitude))
        return false;
    *out = with_sign(decimal.negative, magnitude);
    return true;
}

static const char *parse_money(const struct field_def *field, struct bytes text, struct buffer *out)
{
    (void)field;
    text = schema_trim(text);
    if (text.size < 5 || text.data[text.size - 4] != ' ')
        return "must be an amount and a currency, as 1250.50 NOK";
    char code[3];
    for (size_t i = 0; i < 3; i++) {
        const uint8_t c = text.data[text.size - 3 + i];
        code[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    struct money money = {0, bytes_of(code, sizeof code)};
    const int digits = schema_currency_digits(money.currency);
    if (digits < 0)
        return "no currency of ISO 4217";
    if (!read_minor_units(schema_trim(bytes_of(text.data, text.size - 4)), (size_t)digits,
                          &money.amount))
        return "no amount of this currency";
    schema_put_money(out, &money);
    return NULL;
}

/* ---- lists ---- */

/* Takes the next part of a list off `rest`, with backslashes resolved, into `part`. `equals`
 * (may be NULL) gets the place of the first "=" in it that has no backslash, or its size. */
static struct bytes take_part(struct bytes *rest, char separator, struct buffer *part,
                              size_t *equals)
{
    const size_t begin = part->size;
    size_t at = 0, found = SIZE_MAX;
    for (; at < rest->size && rest->data[at] != (uint8_t)separator; at++) {
        const uint8_t after = at + 1 < rest->size ? rest->data[at + 1] : '\0';
        if (rest->data[at] == '\\' &&
            (after == (uint8_t)separator || after == '=' || after == '\\'))
            at++;
        else if (rest->data[at] == '=' && found == SIZE_MAX)
            found = part->size - begin;
        buffer_append_byte(part, rest->data[at]);
    }
    const size_t used = at < rest->size ? at + 1 : at;
    *rest = bytes_of(rest->data + used, rest->size - used);
    struct bytes taken = {NULL, 0};
    if (!part->failed && part->size > begin)
        taken = bytes_of(part->data + begin, part->size - begin);
    if (equals != NULL)
        *equals = found < taken.size ? found : taken.size;
    return taken;
}

/* Parts of a list, not counting empty ones; nil when there is no other. */
static const char *parse_list(struct bytes text, struct buffer *out, bool ids)
{
    struct buffer part = {0}, items = {0};
    const char *problem = NULL;
    uint32_t count = 0;
    while (text.size > 0 && problem == NULL) {
        struct id id;
        buffer_clear(&part);
        const struct bytes item = schema_trim(take_part(&text, ',', &part, NULL));
        if (part.failed)
            problem = NO_MEMORY;
        else if (item.size == 0)
            continue;
        else if (!ids)
            wire_put_str(&items, item);
        else if (id_from_text(item, &id))
            wire_put_id(&items, id);
        else
            problem = "must be ids, separated by commas";
        count++;
    }
    if (count == 0) {
        wire_put_nil(out);
    } else {
        wire_put_array(out, count);
        wire_put_raw(out, buffer_bytes(&items));
    }
    if (items.failed)
        problem = NO_MEMORY;
    buffer_release(&items);
    buffer_release(&part);
    return problem;
}

static const char *parse_references(const struct field_def *field, struct bytes text,
                                    struct buffer *out)
{
    (void)field;
    return parse_list(text, out, true);
}

static const char *parse_tags(const struct field_def *field, struct bytes text, struct buffer *out)
{
    (void)field;
    return parse_list(text, out, false);
}

static const char *parse_reference(const struct field_def *field, struct bytes text,
                                   struct buffer *out)
{
    struct id id;
    (void)field;
    if (!id_from_text(schema_trim(text), &id))
        return "must be an id";
    wire_put_id(out, id);
    return NULL;
}

/* ---- address and blob ---- */

/* Which part "name=" at the front of `part` names; ADDRESS_PARTS when it names none. */
static size_t named_part(struct bytes part, size_t equals)
{
    const struct bytes name = schema_trim(bytes_of(part.data, equals));
    size_t i = 0;
    if (equals == part.size)
        return ADDRESS_PARTS;
    while (i < ADDRESS_PARTS && !schema_same_word(name, schema_address_parts[i]))
        i++;
    return i;
}

/* `resolved` has the room for all of `text`, so that it stays where it is while parts point
 * into it. */
static const char *read_address(struct bytes text, struct buffer *resolved, struct address *out)
{
    size_t position = 0;
    while (text.size > 0) {
        size_t equals;
        struct bytes value = take_part(&text, ';', resolved, &equals);
        size_t part = named_part(value, equals);
        if (part < ADDRESS_PARTS)
            value = bytes_of(value.data + equals + 1, value.size - equals - 1);
        else
            part = position++;
        value = schema_trim(value);
        if (value.size == 0)
            continue;
        if (part >= ADDRESS_PARTS)
            return "must be street; city; region; postalCode; country";
        if (out->part[part].size > 0)
            return "a part is given twice";
        out->part[part] = value;
    }
    return NULL;
}

static const char *parse_address(const struct field_def *field, struct bytes text,
                                 struct buffer *out)
{
    struct buffer resolved = {0};
    struct address address = {0};
    (void)field;
    const char *problem = NO_MEMORY;
    if (buffer_reserve(&resolved, text.size))
        problem = read_address(text, &resolved, &address);
    bool empty = true;
    for (size_t i = 0; i < ADDRESS_PARTS; i++)
        empty = empty && address.part[i].size == 0;
    if (problem == NULL && empty)
        wire_put_nil(out);
    else if (problem == NULL)
        schema_put_address(out, &address);
    buffer_release(&resolved);
    return problem;
}

static const char *parse_blob(const struct field_def *field, struct bytes text, struct buffer *out)
{
    static const char *const form = "must be the sha256 in hex, the size and the name";
    uint8_t hash[BLOB_HASH_SIZE];
    (void)field;
    text = schema_trim(text);
    if (text.size < 2 * sizeof hash + 4 || text.data[2 * sizeof hash] != ' ')
        return form;
    for (size_t i = 0; i < sizeof hash; i += ID_SIZE) {
        struct id half; /* an id is 16 bytes of hex, too */
        if (!id_from_text(bytes_of(text.data + 2 * i, 2 * sizeof half.octet), &half))
            return form;
        memcpy(hash + i, half.octet, sizeof half.octet);
    }
    struct bytes rest = bytes_of(text.data + 2 * sizeof hash + 1, text.size - 2 * sizeof hash - 1);
    const uint8_t *space = memchr(rest.data, ' ', rest.size);
    const size_t digits = space != NULL ? (size_t)(space - rest.data) : 0;
    struct blob blob = {.sha256 = bytes_of(hash, sizeof hash)};
    if (space == NULL || !read_natural(bytes_of(rest.data, digits), INT64_MAX, &blob.size))
        return form;
    blob.name = schema_trim(bytes_of(space + 1, rest.size - digits - 1));
    schema_put_blob(out, &blob);
    return NULL;
}

static parse *const parsers[KIND_COUNT] = {
    [KIND_TEXT] = parse_text,         [KIND_LONG_TEXT] = parse_text,
    [KIND_INTEGER] = parse_integer,   [KIND_DECIMAL] = parse_word,
    [KIND_BOOLEAN] = parse_boolean,   [KIND_ENUM] = parse_enum,
    [KIND_DATE] = parse_date,         [KIND_TIME] = parse_time,
    [KIND_MONEY] = parse_money,       [KIND_EMAIL] = parse_word,
    [KIND_PHONE] = parse_word,        [KIND_URL] = parse_word,
    [KIND_ADDRESS] = parse_address,   [KIND_REFERENCE] = parse_reference,
    [KIND_REFERENCES] = parse_references, [KIND_TAGS] = parse_tags,
    [KIND_BLOB] = parse_blob,
};

static bool is_text(enum field_kind kind)
{
    return kind == KIND_TEXT || kind == KIND_LONG_TEXT;
}

enum status schema_parse(const struct field_def *field, struct bytes text, struct buffer *out,
                         struct fault *fault)
{
    const struct bytes name = bytes_text(field->name);
    const size_t begin = out->size;
    const char *problem = NULL;
    if (out->failed)
        return fault_set(fault, STATUS_NO_MEMORY, name, NO_MEMORY);
    if (!wire_utf8_valid(text))
        return fault_set(fault, STATUS_INVALID_VALUE, name, "not UTF-8");
    if (text.size == 0 || (!is_text(field->kind) && schema_trim(text).size == 0))
        wire_put_nil(out);
    else
        problem = parsers[field->kind](field, text, out);
    enum status status = STATUS_OK;
    if (out->failed || (problem != NULL && strcmp(problem, NO_MEMORY) == 0))
        status = fault_set(fault, STATUS_NO_MEMORY, name, NO_MEMORY);
    else if (problem != NULL)
        status = fault_set(fault, STATUS_INVALID_VALUE, name, "%s", problem);
    else
        status = schema_check(field, bytes_of(out->data + begin, out->size - begin), fault);
    if (status != STATUS_OK)
        out->size = begin;
    return status;
}

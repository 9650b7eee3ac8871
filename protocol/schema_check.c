/* One function for each kind. It reads the value and answers whether it is of the kind's type,
 * with the reason in `why` when the type is right and the value is not allowed. */
#include "protocol/schema_value.h"

#include <string.h>

typedef bool check(const struct field_def *field, struct wire_reader *reader, const char **why);

/* A line break of Unicode outside ASCII at `at`: U+0085, U+2028, U+2029. */
static bool wide_line_break(struct bytes text, size_t at)
{
    const uint8_t *c = text.data + at;
    const size_t left = text.size - at;
    if (left >= 2 && c[0] == 0xc2)
        return c[1] == 0x85;
    return left >= 3 && c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9);
}

static bool one_line(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f || wide_line_break(text, i))
            return false;
    }
    return true;
}

static bool has_nul(struct bytes text)
{
    return text.size > 0 && memchr(text.data, '\0', text.size) != NULL;
}

static bool check_text(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    struct bytes text;
    (void)field;
    if (!wire_get_str(reader, &text))
        return false;
    if (text.size > TEXT_MAX)
        *why = "longer than 1,000 bytes";
    else if (!one_line(text))
        *why = "must be one line, without control characters";
    return true;
}

static bool check_long_text(const struct field_def *field, struct wire_reader *reader,
                            const char **why)
{
    struct bytes text;
    (void)field;
    if (!wire_get_str(reader, &text))
        return false;
    if (text.size > LONG_TEXT_MAX)
        *why = "longer than 65,536 bytes";
    else if (has_nul(text))
        *why = "must not contain NUL";
    return true;
}

static bool check_integer(const struct field_def *field, struct wire_reader *reader,
                          const char **why)
{
    int64_t value;
    (void)field;
    if (wire_get_int(reader, &value))
        return true;
    if (wire_peek(reader) != WIRE_UINT)
        return false;
    *why = "larger than 9223372036854775807";
    return wire_skip(reader, NULL);
}

static bool check_decimal(const struct field_def *field, struct wire_reader *reader,
                          const char **why)
{
    struct bytes text;
    struct decimal decimal;
    (void)field;
    if (!wire_get_str(reader, &text))
        return false;
    if (!schema_read_decimal(text, &decimal))
        *why = "must be a number such as -12.50, of at most 30 digits";
    return true;
}

static bool check_boolean(const struct field_def *field, struct wire_reader *reader,
                          const char **why)
{
    bool value;
    (void)field;
    (void)why;
    return wire_get_bool(reader, &value);
}

static bool check_enum(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    struct bytes text;
    if (!wire_get_str(reader, &text))
        return false;
    for (const char *const *value = field->values; value != NULL && *value != NULL; value++)
        if (bytes_is(text, *value))
            return true;
    *why = "not one of the field's values";
    return true;
}

static bool check_date(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    struct bytes text;
    int64_t days;
    (void)field;
    if (!wire_get_str(reader, &text))
        return false;
    if (!schema_date_from_text(text, &days))
        *why = "must be a day, as YYYY-MM-DD";
    return true;
}

static bool check_time(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    int64_t ms;
    (void)field;
    if (!wire_get_int(reader, &ms))
        return false;
    if (ms < TIME_FIRST || ms > TIME_LAST)
        *why = "outside the years 1 to 9999";
    return true;
}

static bool check_money(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    struct bytes value;
    struct money money;
    (void)field;
    if (!wire_skip(reader, &value) || !schema_read_money(value, &money))
        return false;
    if (schema_currency_digits(money.currency) < 0)
        *why = "no currency of ISO 4217";
    return true;
}

static bool check_email(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    struct bytes text;
    (void)field;
    if (!wire_get_str(reader, &text))
        return false;
    const uint8_t *at = text.size > 0 ? memchr(text.data, '@', text.size) : NULL;
    const size_t local = at != NULL ? (size_t)(at - text.data) : 0;
    const bool both = at != NULL && local > 0 && local + 1 < text.size &&
                      memchr(at + 1, '@', text.size - local - 1) == NULL;
    if (!both || text.size > EMAIL_MAX || !one_line(text) ||
        memchr(text.data, ' ', text.size) != NULL || memchr(text.data, '\t', text.size) != NULL)
        *why = "must be name@domain, of at most 254 bytes";
    return true;
}

static bool check_phone(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    struct bytes text;
    (void)field;
    if (!wire_get_str(reader, &text))
        return false;
    bool digit = false, other = false;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if (c >= '0' && c <= '9')
            digit = true;
        else if (c == '\0' || strchr(" +-()./x", c) == NULL)
            other = true;
    }
    if (!digit || other || text.size > PHONE_MAX)
        *why = "must be digits, spaces and + - ( ) . / x, at most 40";
    return true;
}

/* A link that runs as script in whoever's browser opens it. */
static bool script_link(struct bytes text)
{
    static const char *const schemes[] = {"javascript", "vbscript", "data"};
    const uint8_t *colon = memchr(text.data, ':', text.size);
    if (colon == NULL)
        return false;
    const struct bytes scheme = bytes_of(text.data, (size_t)(colon - text.data));
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (schema_same_word(scheme, schemes[i]))
            return true;
    return false;
}

static bool check_url(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    struct bytes text;
    (void)field;
    if (!wire_get_str(reader, &text))
        return false;
    if (text.size == 0 || text.size > URL_MAX)
        *why = "must have 1 to 2,000 bytes";
    else if (!one_line(text) || memchr(text.data, ' ', text.size) != NULL ||
             memchr(text.data, '\t', text.size) != NULL)
        *why = "must not contain spaces";
    else if (script_link(text))
        *why = "must not be a link that runs as script";
    return true;
}

static bool check_address(const struct field_def *field, struct wire_reader *reader,
                          const char **why)
{
    struct bytes value;
    struct address address;
    (void)field;
    if (!wire_skip(reader, &value) || !schema_read_address(value, &address))
        return false;
    for (size_t i = 0; i < ADDRESS_PARTS; i++) {
        if (address.part[i].size > ADDRESS_PART_MAX)
            *why = "a part longer than 500 bytes";
        else if (has_nul(address.part[i]))
            *why = "must not contain NUL";
    }
    return true;
}

static bool check_reference(const struct field_def *field, struct wire_reader *reader,
                            const char **why)
{
    struct id id;
    (void)field;
    if (!wire_get_id(reader, &id))
        return false;
    if (id_is_zero(id))
        *why = "the id is zero";
    return true;
}

/* Whether the encoded element `element` occurs before itself in the array that `first` begins. */
static bool repeated(struct wire_reader first, struct bytes element)
{
    struct bytes earlier, text, candidate;
    struct wire_reader reader = wire_read(element);
    const bool is_text = wire_get_str(&reader, &text);
    if (!is_text && !wire_get_bin(&reader, &text))
        return false;
    while (first.at < element.data) {
        if (!wire_skip(&first, &earlier))
            return false;
        reader = wire_read(earlier);
        if (!(is_text ? wire_get_str(&reader, &candidate) : wire_get_bin(&reader, &candidate)))
            return false;
        if (bytes_equal(candidate, text))
            return true;
    }
    return false;
}

static bool check_references(const struct field_def *field, struct wire_reader *reader,
                             const char **why)
{
    uint32_t count;
    if (!wire_get_array(reader, &count))
        return false;
    if (count > REFERENCES_MAX) {
        *why = "more than 256";
        return true;
    }
    const struct wire_reader first = *reader;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *begin = reader->at;
        if (!check_reference(field, reader, why))
            return false;
        if (repeated(first, bytes_of(begin, (size_t)(reader->at - begin))))
            *why = "the same twice";
    }
    return true;
}

static const char *tag_problem(struct bytes tag)
{
    if (tag.size == 0 || tag.size > TAG_MAX)
        return "each must have 1 to 64 bytes";
    if (!one_line(tag))
        return "each must be one line, without control characters";
    if (schema_trim(tag).size != tag.size)
        return "none may begin or end with a space";
    return NULL;
}

static bool check_tags(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    uint32_t count;
    (void)field;
    if (!wire_get_array(reader, &count))
        return false;
    if (count > TAGS_MAX) {
        *why = "more than 64";
        return true;
    }
    const struct wire_reader first = *reader;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *begin = reader->at;
        struct bytes tag;
        if (!wire_get_str(reader, &tag))
            return false;
        const char *problem = tag_problem(tag);
        if (problem != NULL)
            *why = problem;
        else if (repeated(first, bytes_of(begin, (size_t)(reader->at - begin))))
            *why = "the same twice";
    }
    return true;
}

static bool check_blob(const struct field_def *field, struct wire_reader *reader, const char **why)
{
    struct bytes value;
    struct blob blob;
    (void)field;
    if (!wire_skip(reader, &value) || !schema_read_blob(value, &blob))
        return false;
    if (blob.sha256.size != BLOB_HASH_SIZE)
        *why = "the sha256 must have 32 bytes";
    else if (blob.size > INT64_MAX)
        *why = "the size is too large";
    else if (blob.name.size == 0 || blob.name.size > BLOB_NAME_MAX || !one_line(blob.name))
        *why = "the name must have 1 to 255 bytes, in one line";
    else if (memchr(blob.name.data, '/', blob.name.size) != NULL ||
             memchr(blob.name.data, '\\', blob.name.size) != NULL)
        *why = "the name must not contain slashes";
    else if (schema_trim(blob.name).size != blob.name.size)
        *why = "the name must not begin or end with a space";
    return true;
}

static check *const checks[KIND_COUNT] = {
    [KIND_TEXT] = check_text,         [KIND_LONG_TEXT] = check_long_text,
    [KIND_INTEGER] = check_integer,   [KIND_DECIMAL] = check_decimal,
    [KIND_BOOLEAN] = check_boolean,   [KIND_ENUM] = check_enum,
    [KIND_DATE] = check_date,         [KIND_TIME] = check_time,
    [KIND_MONEY] = check_money,       [KIND_EMAIL] = check_email,
    [KIND_PHONE] = check_phone,       [KIND_URL] = check_url,
    [KIND_ADDRESS] = check_address,   [KIND_REFERENCE] = check_reference,
    [KIND_REFERENCES] = check_references, [KIND_TAGS] = check_tags,
    [KIND_BLOB] = check_blob,
};

static bool is_blank(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    struct bytes text;
    return wire_get_str(&reader, &text) && schema_trim(text).size == 0;
}

enum status schema_check(const struct field_def *field, struct bytes value, struct fault *fault)
{
    const struct bytes name = bytes_text(field->name);
    const bool required = (field->flags & FIELD_REQUIRED) != 0;
    struct wire_reader reader = wire_read(value);
    if (wire_get_nil(&reader) && wire_at_end(&reader)) {
        if (!required)
            return STATUS_OK;
        return fault_set(fault, STATUS_INVALID_VALUE, name, "required, it cannot be cleared");
    }
    const char *why = NULL;
    reader = wire_read(value);
    if (!checks[field->kind](field, &reader, &why) || (why == NULL && !wire_at_end(&reader)))
        return fault_set(fault, STATUS_WRONG_KIND, name, "must be of kind %s",
                         schema_kind_name(field->kind));
    if (why == NULL && required && is_blank(value))
        why = "required, it cannot be empty";
    if (why != NULL)
        return fault_set(fault, STATUS_INVALID_VALUE, name, "%s", why);
    return STATUS_OK;
}

/* What the parts of the schema module share about values. Internal to it. */
#ifndef TANDEM_PROTOCOL_SCHEMA_VALUE_H
#define TANDEM_PROTOCOL_SCHEMA_VALUE_H

#include "protocol/schema.h"

#define TEXT_MAX 1000u
#define LONG_TEXT_MAX 65536u
#define DECIMAL_DIGITS_MAX 30u
#define EMAIL_MAX 254u
#define PHONE_MAX 40u
#define URL_MAX 2000u
#define ADDRESS_PART_MAX 500u
#define REFERENCES_MAX 256u
#define TAG_MAX 64u
#define TAGS_MAX 64u
#define BLOB_NAME_MAX 255u
#define BLOB_HASH_SIZE 32u
#define IDENTIFIER_MAX 64u

/* 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z. */
#define TIME_FIRST INT64_C(-62135596800000)
#define TIME_LAST INT64_C(253402300799999)

#define ADDRESS_PARTS 5
extern const char *const schema_address_parts[ADDRESS_PARTS];

/* A value of the kinds that are maps, borrowed from its encoded bytes. */
struct money {
    int64_t amount;
    struct bytes currency;
};
struct address {
    struct bytes part[ADDRESS_PARTS]; /* {NULL, 0} where absent */
};
struct blob {
    struct bytes sha256;
    uint64_t size;
    struct bytes name;
};

/* Each reads one encoded value. False when it is no map, a part is missing or of another type,
 * or there is a part too many. */
bool schema_read_money(struct bytes value, struct money *out);
bool schema_read_address(struct bytes value, struct address *out);
bool schema_read_blob(struct bytes value, struct blob *out);

void schema_put_money(struct buffer *out, const struct money *money);
void schema_put_address(struct buffer *out, const struct address *address);
void schema_put_blob(struct buffer *out, const struct blob *blob);

#define CURRENCY_DIGITS_MAX 3u
/* Decimal places of an ISO 4217 currency's minor unit, at most CURRENCY_DIGITS_MAX; -1 when there is no such currency. */
int schema_currency_digits(struct bytes code);

/* -?digits[.digits] with at most DECIMAL_DIGITS_MAX digits: sign and digits with the leading
 * zeros of the whole part and the trailing zeros of the fraction taken off. */
struct decimal {
    bool negative;
    struct bytes whole;
    struct bytes fraction;
};
bool schema_read_decimal(struct bytes text, struct decimal *out);

/* [a-z][A-Za-z0-9]{0,63} */
bool schema_is_identifier(struct bytes text);

/* As schema_time_from_text(), but a space may stand for the T and a time without a zone is UTC. */
bool schema_time_as_written(struct bytes text, int64_t *ms);

struct bytes schema_trim(struct bytes text);
uint8_t schema_lower(uint8_t c);
/* Equal but for ASCII case. */
bool schema_same_word(struct bytes text, const char *word);

#endif

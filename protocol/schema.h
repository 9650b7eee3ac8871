/* The schema: which entities there are, which fields they have, and what a field may hold.
 *
 * Built-in entities are one constant table (schema_table.c). Custom fields and custom entities
 * are records of the entities `customField` and `customEntity`; whoever holds those records turns
 * one into a struct field_def with schema_custom_field() and checks values with the same
 * functions as for built-in ones.
 */
#ifndef TANDEM_PROTOCOL_SCHEMA_H
#define TANDEM_PROTOCOL_SCHEMA_H

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/status.h"
#include "protocol/wire.h"

enum field_kind {
    KIND_TEXT,       /* str, up to 1,000 bytes, no line breaks or other control characters but tab */
    KIND_LONG_TEXT,  /* str, up to 65,536 bytes, no NUL */
    KIND_INTEGER,    /* int64 */
    KIND_DECIMAL,    /* str: -?digits[.digits], up to 30 digits, as typed */
    KIND_BOOLEAN,    /* bool */
    KIND_ENUM,       /* str, one of the field's values */
    KIND_DATE,       /* str "YYYY-MM-DD", a day of the Gregorian calendar */
    KIND_TIME,       /* int: milliseconds since 1970-01-01T00:00Z, in the years 1 to 9999 */
    KIND_MONEY,      /* map {amount: int in minor units, currency: str ISO 4217} */
    KIND_EMAIL,      /* str: something@something, up to 254 bytes */
    KIND_PHONE,      /* str: digits, spaces and +-()./x, up to 40 bytes, one digit at least */
    KIND_URL,        /* str, up to 2,000 bytes, no spaces, not of a scheme that runs as script */
    KIND_ADDRESS,    /* map of str: street, city, region, postalCode, country; each optional, up
                        to 500 bytes */
    KIND_REFERENCE,  /* bin 16: id of a record of the field's target entity */
    KIND_REFERENCES, /* array of bin 16, up to 256, no repeats */
    KIND_TAGS,       /* array of str of 1 to 64 bytes, up to 64, no repeats, no spaces around */
    KIND_BLOB,       /* map {sha256: bin 32, size: int, name: str of 1 to 255 bytes, no slashes,
                        no spaces around} */
    KIND_COUNT
};

/* Who may see and write the field, on top of who may see the record. */
enum field_class {
    CLASS_SHARED,    /* everyone who sees the record */
    CLASS_INTERNAL,  /* departments only */
    CLASS_RESTRICTED /* the departments named in field_def.departments, and administrators */
};

enum field_flags {
    FIELD_REQUIRED = 1, /* must be there from creation on, and cannot be cleared */
    FIELD_INDEXED = 2,  /* can be sorted by; looked up by value without a scan */
    FIELD_UNIQUE = 4,   /* no two live records of the entity are given the same value, or one that
                           differs in case only; implies FIELD_INDEXED */
    FIELD_FIXED = 8,    /* set at creation, never changed */
    FIELD_SYSTEM = 16   /* written by the server alone */
};

struct field_def {
    const char *name;
    const char *const *values; /* of KIND_ENUM, NULL-terminated */
    const char *target;        /* entity a reference points to; NULL: any */
    const char *const *departments; /* of CLASS_RESTRICTED: department names, NULL-terminated */
    enum field_kind kind;
    enum field_class class;
    unsigned flags;
};

/* Where a record of the entity lives. */
enum home {
    HOME_LIBRARY,   /* the library, always */
    HOME_SELF,      /* an account of its own: its scope is account:<its id> */
    HOME_ACCOUNT,   /* the account in its field "account" (required) */
    HOME_ANY,       /* the account in "account" when set, else the scope named at creation
                       (party, user or library), else the library */
    HOME_USER       /* a user's own scope; the server alone makes records of the entity */
};

enum audience_default {
    AUDIENCE_INTERNAL, /* internal only, until shared */
    AUDIENCE_PARTNERS  /* internal and partners */
};

struct entity_def {
    const char *name;
    const char *title_field; /* what to call a record of it: "name", "subject", ... */
    const char *timeline_field; /* time or date that orders it in the account's timeline, or NULL */
    const struct field_def *fields;
    size_t field_count;
    enum home home;
    enum audience_default audience;
};

size_t schema_entity_count(void);
const struct entity_def *schema_entity_at(size_t index);
/* NULL when there is no built-in entity of this name. */
const struct entity_def *schema_entity(struct bytes name);
/* Looks in the entity's own fields and then in those every record has (assignedUser, tags,
 * description, externalId); understands the aliases phone, email (phoneNumber, emailAddress).
 * NULL when there is none. */
const struct field_def *schema_field(const struct entity_def *entity, struct bytes name);
/* The fields every record has. */
const struct field_def *schema_common_fields(size_t *count);
const char *schema_kind_name(enum field_kind kind);
bool schema_kind_from_name(struct bytes name, enum field_kind *out);

/* Checks one encoded value (already wire-validated) against the field. nil is accepted for a
 * field that is not required (it clears the field). Returns WRONG_KIND or INVALID_VALUE with the
 * field and the reason in `fault` (may be NULL). Whether referenced records exist is not this
 * function's business. A text of a required field must hold more than spaces. */
enum status schema_check(const struct field_def *field, struct bytes value, struct fault *fault);

/* Turns what a person or a CSV file writes into the encoded value of the field, appended to
 * `out`. "" gives nil. enum: in either case, with - or _ for a space; boolean:
 * true/false/yes/no/1/0; time: ISO 8601 (UTC when it names no zone) or a date; date: also the day
 * of such a time; money: "1250.50 NOK"; address: "street; city; region; postalCode; country" or
 * key=value parts; references: comma-separated ids; tags: comma-separated; blob: "sha256 size
 * name". In addresses and tags a backslash before a separator, a "=" or a backslash takes its
 * meaning away. Returns INVALID_VALUE with the reason in `fault` (may be NULL) when it cannot be
 * read, NO_MEMORY when `out` cannot grow; `out` then holds what it held before. */
enum status schema_parse(const struct field_def *field, struct bytes text, struct buffer *out,
                         struct fault *fault);

/* The reverse, for people: appends the value as text, such that schema_parse() reads the same
 * value from it. Ids are written in their text form. Nothing is appended for nil and for a value
 * of another kind than the field's. */
void schema_print(const struct field_def *field, struct bytes value, struct buffer *out);

/* Index key of a value: bytes that compare as the values do, at most SCHEMA_KEY_MAX; text is
 * folded (protocol/fold.h) and cut. Money is ordered by currency and then amount. Nothing is
 * appended for nil and for kinds that have no order (address, tags, blob, references). */
#define SCHEMA_KEY_MAX 96
void schema_index_key(enum field_kind kind, struct bytes value, struct buffer *out);

/* A custom field as its record describes it: `fields` is the record's encoded field map
 * {entity, name, kind, class, values, target, departments, required}. Strings and arrays of the
 * result live in `storage`. */
struct custom_field_storage {
    char name[65];
    char target[65];
    char text[2048];
    const char *values[65];
    const char *departments[17];
};
enum status schema_custom_field(struct bytes fields, struct field_def *out,
                                struct custom_field_storage *storage, struct fault *fault);

/* A custom entity as its record describes it: `fields` is the record's encoded field map {name,
 * label, home, audience, titleField}. The entity has the fields every record has, a required text
 * "name", and, when its home is an account, a required reference "account"; its custom fields are
 * records of `customField`. `out` is valid as long as `storage`. INVALID_VALUE also for the name
 * of a built-in entity. */
struct custom_entity_storage {
    char name[65];
    char title_field[65];
};
enum status schema_custom_entity(struct bytes fields, struct entity_def *out,
                                 struct custom_entity_storage *storage, struct fault *fault);

/* Days of the civil calendar (proleptic Gregorian), after Howard Hinnant's days_from_civil. */
bool schema_date_from_text(struct bytes text, int64_t *days);
/* Milliseconds since the epoch of "YYYY-MM-DD" or "YYYY-MM-DDTHH:MM[:SS[.mmm]](Z|+HH:MM)". */
bool schema_time_from_text(struct bytes text, int64_t *ms);
#define SCHEMA_TIME_TEXT 25
/* 2026-03-01T09:30:00.000Z; a time outside the years 1 to 9999 gives the nearest within. */
char *schema_time_to_text(int64_t ms, char out[SCHEMA_TIME_TEXT]);

#endif

/* Names of things: record ids (UUIDv7, RFC 9562), scopes and audience tags.
 *
 * On the wire and in the store an id is 16 bytes; a scope and a tag are one byte of kind and an
 * id (zero where the kind needs none), 17 bytes. For people they are text:
 *
 *     id      0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e
 *     scope   account:<id>  party:<id>  user:<id>  library
 *     tag     internal  dept:<id>  partners  suppliers  distributors  partner:<id>
 */
#ifndef TANDEM_PROTOCOL_ID_H
#define TANDEM_PROTOCOL_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/status.h"

#define ID_SIZE 16
#define ID_TEXT_SIZE 37 /* with its NUL */
#define SCOPE_SIZE 17
#define TAG_SIZE 17
#define SCOPE_TEXT_SIZE 48
#define TAG_TEXT_SIZE 48

struct id {
    uint8_t octet[ID_SIZE];
};

bool id_equal(struct id a, struct id b);
int id_compare(struct id a, struct id b);
bool id_is_zero(struct id id);
/* `random` gives 10 bytes; the version and variant bits are set here. */
struct id id_make(uint64_t time_ms, const uint8_t random[10]);
/* Writes 36 characters and a NUL; returns `out`. */
char *id_to_text(struct id id, char out[ID_TEXT_SIZE]);
/* Accepts the 36-character form and 32 hex digits, either case. */
bool id_from_text(struct bytes text, struct id *out);
/* From exactly 16 bytes. */
bool id_from_bytes(struct bytes bytes, struct id *out);

enum scope_kind { SCOPE_ACCOUNT = 1, SCOPE_PARTY = 2, SCOPE_USER = 3, SCOPE_LIBRARY = 4 };

struct scope {
    uint8_t kind;
    struct id id;
};

bool scope_equal(struct scope a, struct scope b);
void scope_put(struct scope scope, uint8_t out[SCOPE_SIZE]);
/* False for an unknown kind, a wrong size, or a library scope with an id. */
bool scope_from_bytes(struct bytes bytes, struct scope *out);
char *scope_to_text(struct scope scope, char out[SCOPE_TEXT_SIZE]);
bool scope_from_text(struct bytes text, struct scope *out);

enum tag_kind {
    TAG_INTERNAL = 1,
    TAG_DEPARTMENT = 2,
    TAG_PARTNERS = 3,
    TAG_SUPPLIERS = 4,
    TAG_DISTRIBUTORS = 5,
    TAG_PARTNER = 6,
};

struct tag {
    uint8_t kind;
    struct id id;
};

bool tag_equal(struct tag a, struct tag b);
/* Whether the tag speaks to people outside the company. */
bool tag_is_outside(struct tag tag);
void tag_put(struct tag tag, uint8_t out[TAG_SIZE]);
bool tag_from_bytes(struct bytes bytes, struct tag *out);
char *tag_to_text(struct tag tag, char out[TAG_TEXT_SIZE]);
bool tag_from_text(struct bytes text, struct tag *out);

#endif

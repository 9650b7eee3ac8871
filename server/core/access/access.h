/* The gate: the one place where access is decided.
 *
 * A user may see a record when its scope is open to them and a live placement of it there meets
 * one of their tags. What they may do is the smallest of their role's rights, the level of their
 * partner's assignment, and the class of the field. Everything here is a pure function of the
 * principal, the rows of the access table and the record; whoever needs rows reads them from the
 * same snapshot as the record.
 */
#ifndef TANDEM_CORE_ACCESS_H
#define TANDEM_CORE_ACCESS_H

#include "server/core/access/principal.h"
#include "server/core/record/record.h"
#include "server/core/state.h"

enum action {
    ACTION_READ,
    ACTION_CREATE,
    ACTION_COMMENT,
    ACTION_EDIT,
    ACTION_DELETE,
    ACTION_SHARE,
    ACTION_EXPORT,
    ACTION_COUNT
};

enum level { LEVEL_NONE, LEVEL_VIEW, LEVEL_COMMENT, LEVEL_EDIT };

enum reason {
    REASON_ALLOWED,
    REASON_SCOPE_CLOSED,     /* no assignment, restricted account, someone else's inbox */
    REASON_AUDIENCE,         /* the record is not meant for them */
    REASON_ROLE,             /* their role may not do this to this entity */
    REASON_LEVEL,            /* their partner's assignment does not go so far as one can */
    REASON_OUTSIDER,         /* no partner may, whatever the level */
    REASON_FIELD_CLASS,      /* the field is not for them */
    REASON_SYSTEM_FIELD,     /* written by the server alone */
    REASON_NOT_AUTHOR        /* only its author may */
};

struct verdict {
    bool allowed;
    enum reason reason;
};

/* How open a scope is to a principal, with the seqs that say since when. */
struct opening {
    bool open;
    uint64_t since;     /* open: seq of the oldest grant still in force (1 when always) */
    uint64_t closed;    /* not open: seq of the newest revocation, 0 when it never was open */
    enum level level;   /* of a partner's assignment; LEVEL_EDIT for staff */
};

/* Reads what access rows it needs through `state`. Any error of the store is returned. */
enum status access_opening(const struct state *state, const struct principal *who,
                           struct scope scope, struct opening *out);

/* Whether the tag is one of theirs. */
bool access_holds_tag(const struct principal *who, struct tag tag);
/* Whether the audience of the record, within scope `opening` speaks of, meets the principal. */
bool access_audience_meets(const struct principal *who, const struct record *record);
/* Whether it ever did for a replica at `cursor`: a placement meeting them ended after it. */
bool access_audience_left(const struct principal *who, const struct record *record,
                          uint64_t cursor);
/* Newest seq at which a placement that meets them now began; 0 when none does. */
uint64_t access_audience_since(const struct principal *who, const struct record *record);

/* May `who` do `action` to the record as it is? For ACTION_CREATE the record is the one that
 * would be. The opening must be that of record->scope. Not being allowed to READ outranks every
 * other reason. */
struct verdict access_judge(const struct principal *who, const struct opening *opening,
                            const struct record *record, enum action action);

/* May they see, and with ACTION_EDIT or ACTION_CREATE write, a field of this class? Departments of
 * a restricted field are an encoded array of names. */
struct verdict access_field(const struct principal *who, enum field_class class,
                            struct bytes departments, enum action action);
bool access_sees_field(const struct principal *who, const struct record *record,
                       const struct record_field *field);

/* Whether people may change this field of their own user record without being administrators. */
bool access_own_field(struct bytes name);

/* The status to answer a refusal with: NOT_FOUND for whatever may not be read, else DENIED. */
enum status verdict_status(struct verdict verdict);
/* One sentence for a person who may read the record. */
const char *verdict_text(struct verdict verdict);

/* A number that is equal for two principals only if every record whose scope is not a user's or a
 * restricted account's looks the same to both: bytes made for one may be sent to the other. */
uint64_t access_view_class(const struct principal *who);

#endif

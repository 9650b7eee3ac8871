/* A record as the server keeps it, and its stored bytes.
 *
 * What a viewer gets of a record depends on who looks, and on what they have already seen. Two
 * things in here make both answers a matter of comparing numbers:
 *
 * Stamps. A stamp says at which seq, when and by whom something was last changed. Each field
 * points to one of the record's few stamps. What a viewer sees as "modified" is the newest stamp
 * among the fields they may see, so that editing a field hidden from them changes nothing they
 * receive.
 *
 * Placements. A placement says: inside this scope, people holding this tag may see the record,
 * since seq `added` and, when `removed` is not 0, until it. The live placements are the record's
 * scope and audience; the former ones remember who must be told that it is gone. A deleted record
 * is one whose placements have all ended; a record moved to another account has ended placements
 * in the old scope and live ones in the new.
 *
 * A lane is the feed of one (scope, tag). A record stands in each of its lanes once, at
 * record_lane_seq(): for tags of the company the seq of its newest change; for outside tags the
 * newest change that outsiders can see. So what an outsider may not see does not even move
 * anything in what the server reads for them.
 */
#ifndef TANDEM_CORE_RECORD_H
#define TANDEM_CORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/message.h"
#include "protocol/schema.h"
#include "protocol/status.h"

struct stamp {
    uint64_t seq;
    uint64_t at_ms;
    struct bytes by; /* sign-in name of the author: immutable and never given to another */
};

struct record_field {
    struct bytes name;
    struct bytes value; /* encoded; nil for a cleared field, which keeps its stamp */
    uint16_t stamp;     /* index into record.stamps */
    uint8_t class;      /* enum field_class at the time it was written */
    uint8_t restricted; /* index + 1 into record.restrictions for CLASS_RESTRICTED, else 0 */
};

struct placement {
    struct scope scope;
    struct tag tag;
    uint64_t added;
    uint64_t removed; /* 0 while it lives */
};

#define RECORD_MAX_STAMPS (LIMIT_FIELDS + 1u)
#define RECORD_MAX_RESTRICTIONS 8u

/* Slices point into whatever the record was decoded from, or into the memory of whoever is
 * building it. About 14 KiB: keep one per thread or per call, not per record. */
struct record {
    struct id id;
    struct bytes entity;
    struct scope scope;
    uint64_t seq;        /* newest change of anything in it */
    uint64_t shared_seq; /* newest change that someone outside could see */
    bool deleted;
    struct stamp created;
    uint16_t stamp_count;
    uint16_t field_count;
    uint16_t placement_count;
    uint16_t restriction_count;
    struct stamp stamps[RECORD_MAX_STAMPS];
    struct record_field fields[LIMIT_FIELDS];
    struct placement placements[LIMIT_PLACEMENTS];
    /* Encoded arrays of department names, of fields of CLASS_RESTRICTED. */
    struct bytes restrictions[RECORD_MAX_RESTRICTIONS];
};

/* Appends the stored form (drawn in docs/FORMAT.md; checksums are the store's business). */
void record_encode(struct buffer *out, const struct record *record);

/* Reads the stored form; slices point into `bytes`. CORRUPT when it is not one. */
enum status record_decode(struct bytes bytes, struct record *out);

/* NULL when the record has no such field, or it is cleared. */
const struct record_field *record_field(const struct record *record, const char *name);
/* As record_field, but a cleared field is found too. */
const struct record_field *record_field_any(const struct record *record, struct bytes name);
/* Value of a text, enum, reference or boolean field; none/zero/false when absent. */
struct bytes record_text(const struct record *record, const char *name);
struct id record_reference(const struct record *record, const char *name);
bool record_boolean(const struct record *record, const char *name);
/* Whether the reference or references field holds `id`. */
bool record_has_reference(const struct record *record, const char *name, struct id id);

/* Seq at which the record stands in the lane of this placement. */
uint64_t record_lane_seq(const struct record *record, const struct placement *placement);
/* Whether people holding `tag` are meant to see the record: a placement with the tag lives, in
 * `scope` (NULL: in the record's own scope). */
bool record_is_live(const struct record *record, const struct scope *scope, struct tag tag);

#endif

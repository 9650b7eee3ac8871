/* A mutation while it is being planned.
 *
 *     plan_init -> changes edit drafts -> plan_settle (may still refuse) -> plan_write -> plan_release
 *
 * Each record the mutation changes has a draft: as it was stored and as it will be. Whatever the
 * later changes of the same mutation read, they read through the drafts. Up to plan_write nothing
 * is written, so a refusal needs no undoing. Slices in drafts point into the plan's own memory.
 *
 * Functions that return enum status return OK, a refusal with its details in plan->fault, or a
 * failure (apply_is_failure) after which the transaction is to be abandoned.
 */
#ifndef TANDEM_CORE_APPLY_PLAN_H
#define TANDEM_CORE_APPLY_PLAN_H

#include "protocol/schema.h"
#include "server/core/access/access.h"
#include "server/core/apply/apply.h"
#include "server/core/apply/arena.h"

struct live_note;

struct draft {
    struct id id;
    struct record *now;
    struct record *old; /* NULL: made by this mutation */
    const struct entity_def *entity;
    bool changed; /* known after plan_settle */
    struct live_note *live; /* of a note, once a change looked; see apply_note.h */
};

#define PLAN_SLOTS 2048u

struct plan {
    const struct state *state;
    const struct principal *actor;
    struct meta meta;
    uint64_t seq; /* that the mutation will get */
    uint64_t at_ms;
    uint64_t base; /* what its author had seen; 0: no check */
    bool overwrite;
    struct fault *fault;
    struct arena arena;

    struct draft **drafts;
    size_t draft_count, draft_capacity;
    uint32_t slots[PLAN_SLOTS]; /* index + 1 of a draft, by id; open addressing */
    struct record *scratch;     /* of plan_peek */
    struct custom_field *custom_fields;
    struct custom_entity *custom_entities;
    bool nothing_required; /* no custom field is: seen once, good for a mutation of many records */

    bool settles; /* it is a note's typing that settles: its versions tell of the texts */

    bool opening_known; /* the opening asked for last */
    struct scope opening_scope;
    struct opening opening;

    struct buffer conflicts; /* encoded maps, one after the other */
    uint32_t conflict_count;
    int conflict_change;
};

/* Whether the status says that the store or memory failed, not that something is refused. */
bool apply_is_failure(enum status status);

/* Reads meta. `actor`, `fault` and `state` must outlive the plan. Release it in any case. */
enum status plan_init(struct plan *plan, const struct state *state, const struct principal *actor,
                      uint64_t at_ms, struct fault *fault);
void plan_release(struct plan *plan);

/* A refusal about a field (may be ""), with a detail for a person. */
enum status plan_refuse(struct plan *plan, enum status status, const char *field,
                        const char *detail);

/* The draft of a stored record, made when there is none yet. NOT_FOUND (no refusal yet) when there
 * is no such record. A deleted record is found. */
enum status plan_draft(struct plan *plan, struct id id, struct draft **out);
/* A draft of a new record without fields and placements, created by the actor now. */
enum status plan_new_draft(struct plan *plan, struct id id, const struct entity_def *entity,
                           struct draft **out);
/* NULL when the mutation has not touched the record. */
struct draft *plan_known_draft(const struct plan *plan, struct id id);
/* The record as the mutation has it so far, valid until the next peek. NOT_FOUND when there is none. */
enum status plan_peek(struct plan *plan, struct id id, const struct record **out);

enum status plan_opening(struct plan *plan, struct scope scope, struct opening *out);
/* The gate's verdict for the actor. */
enum status plan_judge(struct plan *plan, const struct record *record, enum action action,
                       struct verdict *verdict);
/* As plan_judge, turned into OK or a refusal. `field` is what a NOT_FOUND points to: the same as
 * for a record that is not there at all, since the two answers must not differ. */
enum status plan_allow(struct plan *plan, const struct record *record, enum action action,
                       const char *field);

/* Walks live records of an entity, the drafts' versions of them, drafts first. `field` and `key`
 * (an index key) narrow the walk of what is stored, as index_next does; both none walks all.
 * Drafts are not narrowed. Stops at the first record for which `match` is true and gives it in
 * *found (NULL when there is none), valid until the next peek. `match` must not peek. More than
 * `most` records is the refusal LIMIT. */
typedef bool plan_match_fn(void *context, const struct record *record);
enum status plan_search(struct plan *plan, const char *entity, const char *field, struct bytes key,
                        uint32_t most, plan_match_fn *match, void *context,
                        const struct record **found);

/* Fixes stamps, seqs and what changed; refuses what is too large. */
enum status plan_settle(struct plan *plan);
/* Writes drafts, history, access rows, due entries, audit and meta, and fills effects->seq. */
enum status plan_write(struct plan *plan, struct effects *effects);

#endif

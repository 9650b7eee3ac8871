/* What everybody may see, worked out in the plainest way from docs/ACCESS.md, docs/SCHEMA.md and
 * protocol/PROTOCOL.md alone. Nothing of the server is included here, on purpose: two programs that
 * agree were written twice.
 *
 * The model is told of each mutation that the server accepted and keeps every version of every
 * record, by seq. "At seq S" therefore means: each record's newest version up to S. Everything else
 * follows from records: who is in which department, which assignment is live, whose account is
 * restricted. Each question looks at all the records there are.
 *
 *     model_founded()                  the departments and the first administrator
 *     model_mutated(), model_due()     the next seq
 *     model_view(user, id, seq)        what that user is told of that record at that seq, if
 * anything
 *
 * All memory lives as long as the model. Whatever cannot be ends the process with words.
 */
#ifndef TANDEM_TESTS_ORACLE_MODEL_H
#define TANDEM_TESTS_ORACLE_MODEL_H

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "tests/oracle/model_schema.h"

#define MODEL_MAX_TAGS 64u
#define MODEL_MAX_FIELDS 64u
#define MODEL_MAX_DEPARTMENTS 16u

struct model;

struct model_field {
    const char *name;
    struct bytes value; /* encoded; nil is never kept */
};

/* A record from `seq` on, until its next version. */
struct model_version {
    const struct model_version *before;
    uint64_t seq, at_ms;
    const char *by;
    bool deleted;
    struct scope scope;
    struct tag tags[MODEL_MAX_TAGS];
    unsigned tag_count;
    struct model_field fields[MODEL_MAX_FIELDS];
    unsigned field_count;
};

struct model_record {
    struct id id;
    const char *entity;
    uint64_t created_ms;
    const char *created_by;
    const struct model_version *newest;
    /* Of a note in which somebody typed: its newest version, and the seq of the change that made it
     * the record's text; 0: none yet, and nobody is told of it with the record. */
    uint64_t typed_version, typed_until;
    struct bytes typed_text;
    const char *typed_by;
};

/* Somebody as of a seq. */
struct model_person {
    struct id user;
    struct bytes name, role;
    bool staff, administrator;
    struct id party;         /* the partner; zero for staff */
    struct bytes party_kind; /* of the partner */
    struct id departments[MODEL_MAX_DEPARTMENTS];
    unsigned department_count;
};

/* What somebody is told of a record. */
struct model_view {
    const struct model_record *record;
    struct scope scope;
    uint64_t seq, modified_ms;
    const char *modified_by;
    struct tag tags[MODEL_MAX_TAGS];
    unsigned tag_count;
    struct model_field fields[MODEL_MAX_FIELDS];
    unsigned field_count;
};

struct model *model_new(const struct model_schema *schema);
void model_free(struct model *model);

/* The founding, which is seq 1. */
void model_founded(struct model *model, struct id administrator, const char *name,
                   const struct id departments[3], const char *const names[3], uint64_t at_ms);
/* The array of changes of a mutation that was accepted as `seq`. */
void model_mutated(struct model *model, struct id actor, uint64_t at_ms, uint64_t seq,
                   struct bytes changes);
/* Somebody typed in a live note, which makes this version of it; and typing has paused, so it is
 * the record's, as `seq`, as if they had set it at `at_ms`. */
void model_note_typed(struct model *model, struct id note, uint64_t version, struct bytes text,
                      struct bytes by);
void model_note_settled(struct model *model, struct id note, uint64_t at_ms, uint64_t seq);
/* The server looked at what was due at `at_ms`; gives the seq at which it ended. */
uint64_t model_due(struct model *model, uint64_t at_ms);
uint64_t model_head(const struct model *model);

size_t model_count(const struct model *model);
const struct model_record *model_at(const struct model *model, size_t index);
/* NULL when there never was one. */
const struct model_record *model_find(const struct model *model, struct id id);
/* The version as of a seq; NULL when the record was not there yet or any more. */
const struct model_version *model_version_at(const struct model_record *record, uint64_t seq);
/* Encoded; none when it is not set. */
struct bytes model_value(const struct model_version *version, const char *field);
struct id model_reference(const struct model_version *version, const char *field);
bool model_truth(const struct model_version *version, const char *field);
/* None when it is not set or no text. */
struct bytes model_text(const struct model_version *version, const char *field);
bool model_refers(const struct model_version *version, const char *field, struct id id);

/* False when the user may not sign in at that seq. */
bool model_person(const struct model *model, struct id user, uint64_t seq,
                  struct model_person *out);
bool model_scope_open(const struct model *model, const struct model_person *who, struct scope scope,
                      uint64_t seq);
bool model_field_seen(const struct model *model, const struct model_person *who, const char *entity,
                      const char *field, uint64_t seq);
/* Whether a tag of that version speaks to them. */
bool model_spoken_to(const struct model_version *version, const struct model_person *who);
bool model_sees(const struct model *model, const struct model_person *who,
                const struct model_record *record, uint64_t seq);
/* False when it is not to be seen. */
bool model_view(const struct model *model, const struct model_person *who,
                const struct model_record *record, uint64_t seq, struct model_view *out);

/* Shared by the model's files. */
void *model_take(struct model *model, size_t size);
struct bytes model_keep(struct model *model, struct bytes bytes);
const char *model_keep_text(struct model *model, struct bytes text);
const struct model_schema *model_schema_of(const struct model *model);
/* Begins the version of `seq`, a copy of the newest, or gives the one that was begun. */
struct model_version *model_change(struct model *model, struct model_record *record, uint64_t seq,
                                   uint64_t at_ms, const char *by);
struct model_record *model_add(struct model *model, struct id id, struct bytes entity, uint64_t seq,
                               uint64_t at_ms, const char *by);
struct model_record *model_find_mutable(struct model *model, struct id id);
/* Forgets the versions of `seq` in which nothing is new, and makes it the head. */
void model_settle(struct model *model, uint64_t seq);
void model_set(struct model *model, struct model_version *version, const char *field,
               struct bytes value);
void model_tag(struct model_version *version, struct tag tag);
void model_untag(struct model_version *version, struct tag tag);
/* After a change of a note with these fields: its text is its next version, when it is another. */
void model_note_written(struct model *model, struct model_record *record,
                        struct model_version *version, struct bytes fields);
/* What the server makes of a record after a change of it. */
void model_server_rules(struct model *model, struct model_record *record,
                        struct model_version *version, uint64_t at_ms);
void model_impossible(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif

/* Entities and fields as a mutation sees them: built-in, custom, and those it makes itself. */
#ifndef TANDEM_CORE_APPLY_SCHEMA_H
#define TANDEM_CORE_APPLY_SCHEMA_H

#include "server/core/apply/apply_plan.h"

/* UNKNOWN_ENTITY (no refusal yet) when there is none. The definition lives as long as the plan. */
enum status plan_entity(struct plan *plan, struct bytes name, const struct entity_def **out);

/* UNKNOWN_FIELD (no refusal yet) when the entity has no such field. `custom` (may be NULL) tells
 * whether it is a custom one. */
enum status plan_field(struct plan *plan, const struct entity_def *entity, struct bytes name,
                       const struct field_def **out, bool *custom);

/* Refuses a new record that lacks a required field which the actor could have given. */
enum status plan_require_fields(struct plan *plan, const struct draft *draft);

/* Whether the actor may see and write the field. Short memory is a no, and marks the arena failed. */
bool plan_sees_field(struct plan *plan, const struct field_def *field);

/* Checks a customField or customEntity record as it will be. */
enum status schema_record_check(struct plan *plan, struct draft *draft);

/* The encoded map of a record's fields that are set; false when memory is short. */
bool fields_map(struct plan *plan, const struct record *record, struct bytes *out);

/* Appends the index key of a text. */
void text_key(struct bytes text, struct buffer *out);

#endif

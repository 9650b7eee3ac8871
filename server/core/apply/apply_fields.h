/* Setting the fields that a change names: definition, class, kind, conflict, reference, uniqueness. */
#ifndef TANDEM_CORE_APPLY_FIELDS_H
#define TANDEM_CORE_APPLY_FIELDS_H

#include "server/core/apply/apply_plan.h"

/* Sets each field of the encoded map, in its order. `base` is the seq that the author had seen; 0:
 * no check. Conflicts are gathered in the plan, and the change goes on as if they were none. The
 * gate has already allowed the action on the record as a whole. */
enum status fields_apply(struct plan *plan, struct draft *draft, struct bytes map, uint64_t base);

/* Gathers a conflict about the whole record, when somebody else changed after `base` what the
 * actor sees of it. */
enum status fields_conflict_any(struct plan *plan, const struct draft *draft, uint64_t base);
/* Gathers the conflict of changing what somebody deleted. */
void fields_conflict_deleted(struct plan *plan, const struct record *deleted);

/* Appends the value with every number in its shortest form, so that equal values are equal bytes. */
void value_normalise(struct bytes value, struct buffer *out);

/* Refuses a reference to what is not there, or not the actor's to see, or of another entity. */
enum status reference_check(struct plan *plan, const struct field_def *field, struct id id);

#endif

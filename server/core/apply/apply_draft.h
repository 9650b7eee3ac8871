/* Editing one draft: its fields and its placements. Stamps and seqs are left to draft_settle. */
#ifndef TANDEM_CORE_APPLY_DRAFT_H
#define TANDEM_CORE_APPLY_DRAFT_H

#include "server/core/apply/apply_plan.h"

/* Sets a field to an encoded value (nil clears it) that lives as long as the plan. */
enum status draft_set(struct plan *plan, struct draft *draft, const struct field_def *field,
                      struct bytes value);
/* Sets a text field that the server writes. */
enum status draft_set_text(struct plan *plan, struct draft *draft, const char *field,
                           const char *text);

/* Adds a tag to the audience in the record's scope; nothing when it is there. */
enum status draft_place(struct plan *plan, struct draft *draft, struct tag tag);
/* Takes a tag from the audience; nothing when it is not there. */
void draft_unplace(struct plan *plan, struct draft *draft, struct tag tag);
/* Ends the placements in the old scope, and begins the same in the new one. */
enum status draft_move(struct plan *plan, struct draft *draft, struct scope scope);
/* Deletes the record: ends its placements, drops its fields. */
void draft_delete(struct plan *plan, struct draft *draft);

/* Whether the field's value is another than the one stored before the mutation. */
bool draft_field_differs(const struct draft *draft, const char *field);
/* The stored field before the mutation, NULL when there was none. */
const struct record_field *draft_old_field(const struct draft *draft, struct bytes name);

/* Gives every field and the record their stamps and seqs, and tells whether anything changed. */
enum status draft_settle(struct plan *plan, struct draft *draft);

#endif

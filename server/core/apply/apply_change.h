/* The changes of a mutation, one after the other: create, update, remove, share, mention. */
#ifndef TANDEM_CORE_APPLY_CHANGE_H
#define TANDEM_CORE_APPLY_CHANGE_H

#include "server/core/apply/apply_plan.h"

/* Plans all changes of the encoded array. plan->fault tells which one was refused. */
enum status changes_plan(struct plan *plan, struct bytes changes);

/* Plans one record made by the server itself. */
enum status change_create_record(struct plan *plan, const char *entity, struct id id,
                                 struct bytes fields);

#endif

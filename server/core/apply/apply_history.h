/* What is remembered of a change besides its outcome: history for people, audit for the company.
 *
 * A history entry is the map {seq, at, by, op, changes, audience?}: `changes` is an array of
 * {field, class, from, to, departments?}, class a number of enum field_class, departments the
 * array of names of a restricted field; `audience` is {added, removed}, arrays of tags.
 * Of a note whose typing settles it names the versions only: those can be read.
 * An audit entry is the map {at, by, action, id, seq, detail}.
 */
#ifndef TANDEM_CORE_APPLY_HISTORY_H
#define TANDEM_CORE_APPLY_HISTORY_H

#include "server/core/apply/apply_plan.h"

/* Writes the history entry of a settled draft, and its audit entry when it is about access. */
enum status history_write(struct plan *plan, const struct draft *draft);

/* Writes an audit entry that is about no record's change. */
enum status audit_write(const struct state *state, uint64_t at_ms, const char *by,
                        const char *action, struct id id, uint64_t seq, const char *detail);

#endif

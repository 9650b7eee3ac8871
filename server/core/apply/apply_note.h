/* Live notes within mutations: what was typed in a note and has not settled counts as if it had.
 *
 *     note_begin   before a change of a note: the draft gets the newest text, in thought
 *     note_check   behind it: a text that is another one now is the next version; else the thought
 *                  is dropped, and the note settles when its time comes
 *     note_write   with the record: the next version in the note's log, so that those who have the
 *                  note open see an edit
 *
 * The first text set as a whole is version 1, also of a note that was never edited live: somebody may
 * have it open, and pushes to version 0 are of the text that it had until then.
 */
#ifndef TANDEM_CORE_APPLY_NOTE_H
#define TANDEM_CORE_APPLY_NOTE_H

#include "server/core/apply/apply_plan.h"

enum status note_begin(struct plan *plan, struct draft *draft);
enum status note_check(struct plan *plan, struct draft *draft);
enum status note_write(struct plan *plan, struct draft *draft, struct effects *effects);

/* What was typed into the field and has not settled: its value and stamp, whose seq is newer than
 * whatever anybody can have seen. False when the field is no note's text or nothing waits. */
bool note_unsettled(const struct plan *plan, const struct draft *draft, struct bytes field,
                    struct bytes *value, struct stamp *stamp);

/* The newest change of a text can be the actor's own, from another device, on top of somebody else's
 * that they have not seen: then `stamp` becomes that one's. */
void note_blame_others(struct plan *plan, const struct draft *draft, uint64_t base,
                       struct stamp *stamp);

/* What is due of a note, whose draft is the plan's only one: it settles, or is found busy still; or
 * it was removed so long ago that what is kept of it goes. Writes. */
enum status note_due(struct plan *plan, struct draft *draft, struct effects *effects);

#endif

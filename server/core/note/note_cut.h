/* Forgetting what is older than the company remembers, also where no snapshot was made: the newest
 * of the versions that are older gets one, and what lies below it is dropped. The row of the log
 * that has it and younger ones is written anew with those. */
#ifndef TANDEM_CORE_NOTE_CUT_H
#define TANDEM_CORE_NOTE_CUT_H

#include "server/core/note/note.h"

/* Of a note with this head, in which text and runs are of its newest version. The head is the
 * caller's to write. Adds to *dropped the rows that went; *done is false when one command may not
 * drop as many as there are. What is damaged stays, for `tandemd check` to find. */
enum status note_cut(const struct state *state, struct id note, struct note_head *head,
                     unsigned *dropped, bool *done);

/* The same of any note, writing its head; of one that has none nothing. */
enum status note_forget_old(const struct state *state, struct id note, unsigned *dropped,
                            bool *done);

#endif

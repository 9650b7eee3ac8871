/* What of a note may go: versions older than is remembered, and everything of one that was removed.
 */
#ifndef TANDEM_CORE_NOTE_PRUNE_H
#define TANDEM_CORE_NOTE_PRUNE_H

#include "server/core/note/note.h"

/* Remembers what the last COMMAND_PRUNE said: what is older may go. Never goes back. */
enum status note_remember_horizon(const struct state *state, uint64_t before_ms);

/* What that was; 0 when there was none, or it is damaged: the next will be remembered. */
enum status note_horizon(const struct state *state, uint64_t *before_ms);

/* Drops versions below the newest snapshot that is older than the horizon, as many as one command
 * may, and sets head->oldest. Adds to *dropped the rows of the log that went; *done: no more may go
 * so. The head is the caller's to write. */
enum status note_prune(const struct state *state, struct id note, struct note_head *head,
                       unsigned *dropped, bool *done);

/* Drops the snapshot `from`, and the rows of the log behind it that begin no later than `to`. Adds
 * to *dropped how many these were, and to *bytes their bytes. */
enum status note_drop_versions(const struct state *state, struct id note, uint64_t from,
                               uint64_t to, unsigned *dropped, uint64_t *bytes);

/* Whether anything is kept of the note. */
enum status note_is_kept(const struct state *state, struct id note, bool *kept);

/* Drops some of all that is kept, the head last; *done says that nothing is left. */
enum status note_erase(const struct state *state, struct id note, bool *done);

#endif

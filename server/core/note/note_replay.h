/* A version of a note from the newest snapshot that is not behind it, and the log from there. */
#ifndef TANDEM_CORE_NOTE_REPLAY_H
#define TANDEM_CORE_NOTE_REPLAY_H

#include "server/core/note/note.h"

/* Appends text and encoded runs. The version is kept, and is not the newest. CORRUPT when a row is
 * missing or does not fit, NO_MEMORY, or the store's error. */
enum status note_replay(const struct state *state, struct id note, uint64_t version,
                        struct buffer *text, struct buffer *runs);

/* The same from any version `from` that has a snapshot, `version` being the newest, too. */
enum status note_replay_from(const struct state *state, struct id note, uint64_t from,
                             uint64_t version, struct buffer *text, struct buffer *runs);

#endif

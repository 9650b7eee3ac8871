/* Adding to a note's log: its last row as it will be, and the full ones before it.
 *
 *     note_append_begin -> note_append_add ... -> note_append_write -> note_append_release
 */
#ifndef TANDEM_CORE_NOTE_APPEND_H
#define TANDEM_CORE_NOTE_APPEND_H

#include "server/core/note/note_block.h"

struct note_append {
    struct note_block block;
    struct buffer row;  /* of `block`; empty: the next version begins another */
    struct buffer full; /* rows before it, each behind its version in 8 bytes and its size in 4 */
    uint64_t bytes;     /* that the log grows by */
    bool changed;       /* `row` is not as it is stored */
};

/* Goes on with the last row of the log when that may grow: it begins behind the snapshot, is not
 * full, and ends with `version`, of a text of so many units. A damaged one is left alone: another
 * begins behind it. Zero-initialised storage; release it in any case. NO_MEMORY, or the store's
 * error. */
enum status note_append_begin(struct note_append *append, const struct state *state, struct id note,
                              uint64_t snapshot, uint64_t version, uint32_t units);
void note_append_release(struct note_append *append);

/* The version behind the newest. NO_MEMORY. */
enum status note_append_add(struct note_append *append, const struct note_entry *entry);

/* Writes the rows that changed. */
enum status note_append_write(const struct note_append *append, const struct state *state,
                              struct id note);

#endif

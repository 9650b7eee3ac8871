/* Reading the log of a note, version by version.
 *
 *     note_log_begin -> note_log_next, note_log_at, note_log_before ... -> note_log_release
 *
 * A row of the log has several versions. Whoever goes on to the next one reads on in the row; any
 * other is found by the row it is in, from whose beginning it is read.
 *
 * The change set of an entry is the log's: it is valid until the next is read, or the log released.
 * Its slices point into the snapshot; in a writable state nothing may be written while the log is
 * read.
 */
#ifndef TANDEM_CORE_NOTE_LOG_H
#define TANDEM_CORE_NOTE_LOG_H

#include "server/core/note/note.h"
#include "server/core/note/note_block.h"

struct note_log {
    const struct state *state;
    struct id note;
    struct note_block block; /* the row read last */
    bool stands;             /* there is one */
    struct change_set set;
};

void note_log_begin(struct note_log *log, const struct state *state, struct id note);
void note_log_release(struct note_log *log);

/* How one version was made. NOT_FOUND, CORRUPT when its row is damaged, NO_MEMORY, or the store's
 * error; so for all three. */
enum status note_log_at(struct note_log *log, uint64_t version, struct note_entry *out);
/* The first above `after`; NOT_FOUND at the end. When that was pruned it is another than after + 1.
 */
enum status note_log_next(struct note_log *log, uint64_t after, struct note_entry *out);
/* The newest below `before`; NOT_FOUND at the end. */
enum status note_log_before(struct note_log *log, uint64_t before, struct note_entry *out);

/* Bytes that an entry takes in a message, at most. */
size_t note_entry_size(const struct note_entry *entry);

#endif

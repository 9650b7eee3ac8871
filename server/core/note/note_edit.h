/* A note while versions are added to it.
 *
 *     note_edit_begin -> note_edit_add ... -> note_edit_write -> note_edit_release
 *
 * Up to note_edit_write nothing is written, so that a push of which one change set is refused has
 * changed nothing. It is all in memory of its own: other rows may be written in between.
 */
#ifndef TANDEM_CORE_NOTE_EDIT_H
#define TANDEM_CORE_NOTE_EDIT_H

#include "server/core/note/note_append.h"
#include "server/core/note/note_runs.h"

struct note_edit {
    struct id id;
    struct note_head head; /* as it will be; text and runs are set by note_edit_write */
    struct buffer stored;  /* what the head was read from; names in the runs point here */
    struct buffer text, next_text;
    struct note_runs runs, spare_runs;
    struct buffer first; /* the snapshot of version 0, of a note that had no head */
    uint64_t log_from;   /* version that the first change set makes */
    struct note_append log;
};

/* Who adds a version, and when. */
struct note_author {
    struct bytes by; /* must outlive the edit */
    struct id client;
    uint64_t at_ms;
    uint64_t seq;
};

/* Zero-initialised storage; release it in any case. Errors as note_read_head. */
enum status note_edit_begin(struct note_edit *edit, const struct state *state,
                            const struct record *record);
void note_edit_release(struct note_edit *edit);

/* Makes the next version. TOO_LARGE when the text would be, INVALID_VALUE as change_set_apply(), or
 * NO_MEMORY; after a failure the edit is good for nothing but its release. */
enum status note_edit_add(struct note_edit *edit, const struct change_set *set,
                          const struct note_author *author, struct fault *fault);

/* The text as it is now. */
struct bytes note_edit_text(const struct note_edit *edit);

/* Says that the record shows the newest version, or is about to: nothing waits any more. */
void note_edit_settled(struct note_edit *edit);

/* Writes the log rows, a snapshot when it is time for one, what is due, and the head. */
enum status note_edit_write(struct note_edit *edit, const struct state *state);

/* When the note is to settle; UINT64_MAX when nothing waits. */
uint64_t note_settle_ms(const struct note_head *head);

#endif

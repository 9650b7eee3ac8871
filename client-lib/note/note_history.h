/* What of one's own edits of a note can be taken back and put back.
 *
 * Two stacks of inverse change sets. Each was made of the text as the step after it (of the same
 * stack) leaves it; what others did in between is kept beside the step, as `over`, and a step is
 * mapped over it only when its turn comes: others' typing costs the same however many steps there
 * are.
 *
 * What is typed or deleted letter by letter in one place is one step as far as people mean one
 * thing: a word with the white space behind it, the end of a line, what came before a pause. A
 * longer text that came at once, such as one pasted, is a step of its own, and so is what one
 * command deleted.
 *
 * Changes go in two steps: a plan, which can fail and changes nothing that can be seen, and
 * note_history_commit().
 */
#ifndef TANDEM_CLIENT_NOTE_HISTORY_H
#define TANDEM_CLIENT_NOTE_HISTORY_H

#include "protocol/change_set.h"

struct note_step {
    struct change_set back; /* undoes the step */
    struct change_set over; /* what others did since, up to the step above, or `recent` */
};

struct note_steps {
    struct note_step *steps; /* the newest last */
    size_t count, capacity;
    size_t bytes;             /* of text that the steps hold */
    struct change_set recent; /* what others did last: small, so that each of it is */
};

/* What a run of letters may end with. */
enum note_letter { NOTE_LETTER_WORD, NOTE_LETTER_SPACE, NOTE_LETTER_LINE };

enum note_history_plan {
    NOTE_HISTORY_NOTHING,
    NOTE_HISTORY_PUSH,
    NOTE_HISTORY_JOIN,
    NOTE_HISTORY_UNDO,
    NOTE_HISTORY_REDO,
    NOTE_HISTORY_OVER
};

/* Zero-initialised storage is an empty history. */
struct note_history {
    struct note_steps done, undone;
    bool open;             /* the newest step can be joined */
    bool inserting;        /* and this is what it does */
    uint32_t at;           /* at this place */
    enum note_letter last; /* it came, or went, last */
    enum note_history_plan plan;
    struct change_set planned[2];
    bool planned_inserting;
    uint32_t planned_at;
    enum note_letter planned_last;
};

void note_history_release(struct note_history *history);
void note_history_pause(struct note_history *history);
/* One's cursor is at this place: elsewhere than where typing would go on, the next edit is a step of
 * its own, also when the cursor comes back. */
void note_history_cursor(struct note_history *history, uint32_t at);
/* An edit of one's own is about to be made, `back` undoes it and is taken over. NO_MEMORY. */
enum status note_history_plan_edit(struct note_history *history, const struct change_set *edit,
                                   struct change_set *back);
/* Somebody else's is. NO_MEMORY, TOO_LARGE. */
enum status note_history_plan_over(struct note_history *history, const struct change_set *changes);
/* What undoes the newest step that still stands (or puts it back, `redo`), as it applies now, in
 * *out until the history changes. NOT_FOUND, NO_MEMORY, TOO_LARGE. */
enum status note_history_peek(struct note_history *history, bool redo,
                              const struct change_set **out);
/* That is about to be done, and `back` undoes it; taken over. NO_MEMORY. */
enum status note_history_plan_back(struct note_history *history, bool redo,
                                   struct change_set *back);
void note_history_commit(struct note_history *history);

#endif

/* What the edits of a trace do to which characters.
 *
 * Every character that a trace inserts has a number; a concurrent trace's places become numbers by
 * keeping all characters there ever were in one order, and reading it as the author of each edit
 * saw it: with what they had, and without what they knew to be deleted. The numbers hold wherever
 * the edit is made again, whatever stands around it.
 */
#ifndef TANDEM_TESTS_REPLAY_HISTORY_H
#define TANDEM_TESTS_REPLAY_HISTORY_H

#include "tests/replay/trace.h"

#define HISTORY_START UINT32_MAX /* to the left of the first character */

struct history {
    const struct trace *trace;
    size_t count;   /* edits that are replayed: the first so many */
    uint32_t *left; /* by edit, concurrent: the character behind which it inserts */
    size_t *gone;   /* by edit, and one more: where those it deletes begin in `deleted` */
    uint32_t *deleted;
    uint32_t *order; /* all characters inserted, deleted ones too, as they stand */
    uint32_t placed; /* how many */
    uint32_t *place; /* by character: where in `order` */
    bool *alive;     /* by character: inserted, and deleted by nobody */
    uint32_t living;
    size_t *offset; /* by character: where in trace.text */
    char *text;     /* what the edits make */
    size_t text_size;
};

/* Follows the first `count` edits. False with the reason in `why`: also when all of them do not
 * make the end of the trace. Release in any case. `trace` must outlive it. */
bool history_follow(const struct trace *trace, size_t count, struct history *out, char why[256]);
void history_release(struct history *history);

#endif

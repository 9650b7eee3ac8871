/* What was typed here and what others did meanwhile, of one text, merged.
 *
 * The plain merge (change_set_map) lets every insertion stand and every deletion happen. After a
 * long time apart that loses sense where one side deleted a passage while the other rewrote it
 * within: a few words would be left of it. So where
 *
 *     one side deleted a run of the text, and
 *     the other put something that is not only white space strictly inside that run, and let some
 *     of the run stand,
 *
 * the passage stays as the other side rewrote it, between marks. Bringing it back is a change of
 * ours, on top of theirs.
 */
#ifndef TANDEM_CLIENT_NOTE_MERGE_H
#define TANDEM_CLIENT_NOTE_MERGE_H

#include "client-lib/note/note_text.h"
#include "protocol/change_set.h"

/* A passage with its marks, in units of the merged text. */
struct note_kept {
    uint32_t from, to;
    bool own; /* the rewriting was ours */
};

/* Zero-initialised storage is a merge of nothing. */
struct note_merge {
    struct change_set ours;  /* of the text that theirs made */
    struct change_set shown; /* of the text with ours: what the merge changes in it */
    struct note_kept *kept;
    size_t kept_count;
};

void note_merge_release(struct note_merge *merge);
/* `ours` and `theirs` are of `base`, `text` is what ours made of it. INVALID_VALUE when one of them
 * does not fit, NO_MEMORY, TOO_LARGE. */
enum status note_merge(struct note_text *base, const struct note_text *text,
                       const struct change_set *ours, const struct change_set *theirs,
                       struct note_merge *out);

/* Whether a text holds what `sent` put in, `since` being what made that text of the one with
 * `sent`: all of it, or so much that it is no accident. `missing` takes what it does not hold from
 * the text with `sent`; whether others deleted that cannot be told. NO_MEMORY. */
enum status note_merge_holds(const struct change_set *sent, const struct change_set *since,
                             bool *holds, struct change_set *missing);

#endif

/* Who wrote which run of a text: its runs follow each other from its beginning to its end.
 *
 * Neighbours of one author are one run, whose time is the newer of the two. A text has at most
 * NOTE_RUNS_MAX of them: beyond that the shortest that follow each other become one whose author is
 * "", so that of texts in which people take turns letter by letter a little less is told instead of
 * ever more being kept.
 */
#ifndef TANDEM_CORE_NOTE_RUNS_H
#define TANDEM_CORE_NOTE_RUNS_H

#include "protocol/change_set.h"
#include "server/core/note/note.h"

#define NOTE_RUNS_MAX 4096u

/* Names point to wherever they were read from. Zero-initialised storage is a valid, empty list. */
struct note_runs {
    struct note_run *runs;
    size_t count, capacity;
    bool failed; /* memory was short, and stays so until note_runs_clear() */
};

void note_runs_release(struct note_runs *runs);
void note_runs_clear(struct note_runs *runs);
void note_runs_add(struct note_runs *runs, uint32_t length, struct bytes by, uint64_t at_ms);
bool note_runs_equal(const struct note_runs *a, const struct note_runs *b);
/* Units of all runs together. */
uint64_t note_runs_length(const struct note_runs *runs);

/* Reads an encoded array of [length, by, at]; CORRUPT when it is none, NO_MEMORY. */
enum status note_runs_read(struct bytes encoded, struct note_runs *out);
void note_runs_write(const struct note_runs *runs, struct buffer *out);

/* The runs of what `set`, of `by`, makes of a text with the runs `old`: as long as set->before. The
 * names are those of `old` and `by`. `out` is another list. */
void note_runs_apply(const struct note_runs *old, const struct change_set *set, struct bytes by,
                     uint64_t at_ms, struct note_runs *out);

/* The same with the list itself, of which only what changes is touched. `spare` is another, whose
 * contents do not matter. */
void note_runs_change(struct note_runs *runs, const struct change_set *set, struct bytes by,
                      uint64_t at_ms, struct note_runs *spare);

/* Room for `more` runs; false, and `failed`, when memory is short. */
bool note_runs_reserve(struct note_runs *runs, size_t more);
/* Makes NOTE_RUNS_MAX of more, as told above. */
void note_runs_limit(struct note_runs *runs);

#endif

/* The longest common sequence of two arrays of numbers that do not differ much. */
#ifndef TANDEM_CLIENT_NOTE_DIFF_MYERS_H
#define TANDEM_CLIENT_NOTE_DIFF_MYERS_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/status.h"

/* Differences looked for, each a number that goes or comes. Takes time of at most their square and
 * the lengths, and memory of half their square. */
#define NOTE_MYERS_MOST 600u

/* `length` numbers that are the same from `old` on in one array and `new` on in the other. */
struct note_run {
    uint32_t old, new, length;
};

struct note_runs {
    struct note_run *runs; /* in order; memory_free() */
    size_t count, capacity;
};

/* LIMIT when there are more differences, NO_MEMORY; `out`, zero-initialised, is to be freed in any
 * case. */
enum status note_myers(const uint32_t *old, uint32_t old_count, const uint32_t *new,
                       uint32_t new_count, struct note_runs *out);

#endif

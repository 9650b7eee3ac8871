/* A list of runs changed where it stands. Copying it, as note_runs_apply() does, costs as much as
 * there are runs, for each letter of thousands that are played one after the other; most sets
 * change one place. */
#include <assert.h>
#include <string.h>

#include "server/core/note/note_runs.h"

/* The run that the unit `at` is in, and how many units of it lie before. */
struct place {
    size_t run;
    uint32_t before;
};

static struct place find(const struct note_runs *runs, struct place from, uint32_t units)
{
    struct place at = {from.run, from.before + units};
    while (at.run < runs->count && runs->runs[at.run].length <= at.before)
        at.before -= runs->runs[at.run++].length;
    assert(at.run < runs->count || at.before == 0);
    return at;
}

/* The few runs that come in the place of others. */
struct piece {
    struct note_run runs[4];
    size_t count;
};

static void add_piece(struct piece *piece, uint32_t length, struct bytes by, uint64_t at_ms)
{
    struct note_run *last = piece->count > 0 ? &piece->runs[piece->count - 1] : NULL;
    if (length == 0)
        return;
    if (last && bytes_equal(last->by, by)) {
        last->length += length;
        last->at_ms = at_ms > last->at_ms ? at_ms : last->at_ms;
    } else {
        assert(piece->count < sizeof piece->runs / sizeof *piece->runs);
        piece->runs[piece->count++] = (struct note_run){length, by, at_ms};
    }
}

/* Puts `inserted` units of the author where `removed` were, from `begin` on. What lies on either
 * side joins what it now follows, when it is of the same author. */
static void splice(struct note_runs *runs, struct place begin, uint32_t removed, uint32_t inserted,
                   struct bytes by, uint64_t at_ms)
{
    struct piece piece = {.count = 0};
    const struct place end = find(runs, begin, removed);
    size_t from = begin.run, to = end.run;
    if (begin.before == 0 && from > 0) {
        const struct note_run *left = &runs->runs[--from];
        add_piece(&piece, left->length, left->by, left->at_ms);
    } else if (begin.before > 0) {
        const struct note_run *head = &runs->runs[from];
        add_piece(&piece, begin.before, head->by, head->at_ms);
    }
    add_piece(&piece, inserted, by, at_ms);
    if (to < runs->count) {
        const struct note_run *tail = &runs->runs[to++];
        add_piece(&piece, tail->length - end.before, tail->by, tail->at_ms);
    }
    const size_t behind = runs->count - to;
    if (!note_runs_reserve(runs, piece.count))
        return;
    memmove(runs->runs + from + piece.count, runs->runs + to, behind * sizeof *runs->runs);
    memcpy(runs->runs + from, piece.runs, piece.count * sizeof *piece.runs);
    runs->count = from + piece.count + behind;
}

/* The only part that changes something; NULL when there are several, or none. */
static const struct change_part *only_change(const struct change_set *set)
{
    const struct change_part *change = NULL;
    for (size_t i = 0; i < set->count; i++) {
        if (set->parts[i].kept)
            continue;
        if (change)
            return NULL;
        change = &set->parts[i];
    }
    return change;
}

/* Of several places one may take away what another has just joined, and times would be told of what
 * is gone: those are copied. */
void note_runs_change(struct note_runs *runs, const struct change_set *set, struct bytes by,
                      uint64_t at_ms, struct note_runs *spare)
{
    const struct change_part *change = only_change(set);
    if (change) {
        const uint32_t at = change == set->parts ? 0 : set->parts[0].length;
        splice(runs, find(runs, (struct place){0, 0}, at), change->length, change->inserted, by,
               at_ms);
        note_runs_limit(runs);
    } else {
        note_runs_apply(runs, set, by, at_ms, spare);
        const struct note_runs old = *runs;
        *runs = *spare;
        *spare = old;
    }
}

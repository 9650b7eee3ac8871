/* With d differences one can come, on each diagonal (places with the same old - new), as far as
 * one came with d - 1 on a diagonal beside it, one step aside, and on along what is equal. The
 * farthest places for every d are kept as rows, so that the way can be gone back:
 *
 *     row d:   diagonals -d, -d + 2, ... d       at d * (d + 1) / 2
 *
 * A place is told by how much of `old` lies behind it. */
#include "client-lib/note/note_diff_myers.h"

#include <assert.h>
#include <stdbool.h>

#include "protocol/memory.h"

#define NOWHERE (-1)
#define FIRST_PLACES 64u

struct search {
    const uint32_t *old, *new;
    int32_t old_count, new_count;
    int32_t *places;
    size_t capacity;
};

static size_t row_begin(int32_t d)
{
    return (size_t)d * ((size_t)d + 1) / 2;
}

static int32_t place(const struct search *search, int32_t d, int32_t diagonal)
{
    if (diagonal < -d || diagonal > d)
        return NOWHERE;
    return search->places[row_begin(d) + (size_t)(diagonal + d) / 2];
}

/* Where the d-th difference leads to on a diagonal, before what is equal. */
static int32_t step(const struct search *search, int32_t d, int32_t diagonal)
{
    if (d == 0)
        return 0;
    const int32_t left = place(search, d - 1, diagonal - 1);
    const int32_t above = place(search, d - 1, diagonal + 1);
    const int32_t goes = left != NOWHERE && left < search->old_count ? left + 1 : NOWHERE;
    const int32_t comes =
        above != NOWHERE && above - (diagonal + 1) < search->new_count ? above : NOWHERE;
    return goes > comes ? goes : comes;
}

static bool reserve_row(struct search *search, int32_t d)
{
    const size_t needed = row_begin(d + 1);
    size_t capacity = search->capacity == 0 ? FIRST_PLACES : search->capacity;
    if (needed <= search->capacity)
        return true;
    while (capacity < needed)
        capacity *= 2;
    void *places = memory_resize(search->places, capacity * sizeof *search->places);
    if (places == NULL)
        return false;
    search->places = places;
    search->capacity = capacity;
    return true;
}

/* Fills row d; whether the end was reached. */
static bool walk_row(struct search *search, int32_t d)
{
    bool reached = false;
    for (int32_t diagonal = -d; diagonal <= d; diagonal += 2) {
        int32_t at = step(search, d, diagonal);
        while (at != NOWHERE && at < search->old_count && at - diagonal < search->new_count &&
               search->old[at] == search->new[at - diagonal])
            at++;
        search->places[row_begin(d) + (size_t)(diagonal + d) / 2] = at;
        reached = reached ||
                  (diagonal == search->old_count - search->new_count && at == search->old_count);
    }
    return reached;
}

static bool add_run(struct note_runs *out, struct note_run run)
{
    void *runs = memory_grow(out->runs, out->count, &out->capacity, sizeof *out->runs);
    if (runs == NULL)
        return false;
    out->runs = runs;
    out->runs[out->count++] = run;
    return true;
}

static void turn_round(struct note_runs *out)
{
    for (size_t i = 0; i < out->count / 2; i++) {
        const struct note_run other = out->runs[i];
        out->runs[i] = out->runs[out->count - 1 - i];
        out->runs[out->count - 1 - i] = other;
    }
}

/* Back from the end, which was reached with d differences. */
static enum status walk_back(const struct search *search, int32_t d, struct note_runs *out)
{
    int32_t diagonal = search->old_count - search->new_count;
    for (; d >= 0; d--) {
        const int32_t end = place(search, d, diagonal);
        const int32_t begin = step(search, d, diagonal);
        if (end > begin && !add_run(out, (struct note_run){.old = (uint32_t)begin,
                                                           .new = (uint32_t)(begin - diagonal),
                                                           .length = (uint32_t)(end - begin)}))
            return STATUS_NO_MEMORY;
        if (d > 0)
            diagonal += begin == place(search, d - 1, diagonal + 1) ? 1 : -1;
    }
    turn_round(out);
    return STATUS_OK;
}

enum status note_myers(const uint32_t *old, uint32_t old_count, const uint32_t *new,
                       uint32_t new_count, struct note_runs *out)
{
    struct search search = {
        .old = old, .new = new, .old_count = (int32_t)old_count, .new_count = (int32_t)new_count};
    enum status status = STATUS_LIMIT;
    for (int32_t d = 0; d <= (int32_t)NOTE_MYERS_MOST && status == STATUS_LIMIT; d++) {
        if (!reserve_row(&search, d))
            status = STATUS_NO_MEMORY;
        else if (walk_row(&search, d))
            status = walk_back(&search, d, out);
    }
    memory_free(search.places);
    return status;
}

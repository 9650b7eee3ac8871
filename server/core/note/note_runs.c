#include "server/core/note/note_runs.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"

#define FIRST_CAPACITY 16u

void note_runs_release(struct note_runs *runs)
{
    memory_free(runs->runs);
    *runs = (struct note_runs){0};
}

void note_runs_clear(struct note_runs *runs)
{
    runs->count = 0;
    runs->failed = false;
}

bool note_runs_reserve(struct note_runs *runs, size_t more)
{
    if (runs->failed || more <= runs->capacity - runs->count)
        return !runs->failed;
    size_t capacity = runs->capacity ? runs->capacity * 2 : FIRST_CAPACITY;
    while (capacity - runs->count < more)
        capacity *= 2;
    void *larger = memory_resize(runs->runs, capacity * sizeof *runs->runs);
    if (!larger) {
        runs->failed = true;
        return false;
    }
    runs->runs = larger;
    runs->capacity = capacity;
    return true;
}

static void join(struct note_run *run, uint32_t length, uint64_t at_ms)
{
    run->length += length;
    if (at_ms > run->at_ms)
        run->at_ms = at_ms;
}

void note_runs_add(struct note_runs *runs, uint32_t length, struct bytes by, uint64_t at_ms)
{
    struct note_run *last = runs->count ? &runs->runs[runs->count - 1] : NULL;
    if (length == 0)
        return;
    if (last && bytes_equal(last->by, by))
        join(last, length, at_ms);
    else if (note_runs_reserve(runs, 1))
        runs->runs[runs->count++] = (struct note_run){length, by, at_ms};
}

static void copy_runs(struct note_runs *runs, const struct note_run *from, size_t count)
{
    if (count > 0 && note_runs_reserve(runs, count)) {
        memcpy(runs->runs + runs->count, from, count * sizeof *from);
        runs->count += count;
    }
}

uint64_t note_runs_length(const struct note_runs *runs)
{
    uint64_t length = 0;
    for (size_t i = 0; i < runs->count; i++)
        length += runs->runs[i].length;
    return length;
}

bool note_runs_equal(const struct note_runs *a, const struct note_runs *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = a->runs[i].length == b->runs[i].length && a->runs[i].at_ms == b->runs[i].at_ms &&
                bytes_equal(a->runs[i].by, b->runs[i].by);
    return equal;
}

static bool read_run(struct wire_reader *reader, struct note_run *out)
{
    uint32_t parts;
    uint64_t length;
    if (!wire_get_array(reader, &parts) || parts != 3 || !wire_get_uint(reader, &length) ||
        !wire_get_str(reader, &out->by) || !wire_get_uint(reader, &out->at_ms))
        return false;
    out->length = (uint32_t)length;
    return length > 0 && length <= CHANGE_TEXT_MAX && out->by.size <= UINT8_MAX;
}

enum status note_runs_read(struct bytes encoded, struct note_runs *out)
{
    struct wire_reader reader = wire_read(encoded);
    struct note_run run;
    uint32_t count;
    note_runs_clear(out);
    if (!wire_get_array(&reader, &count) || count > NOTE_RUNS_MAX)
        return STATUS_CORRUPT;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_run(&reader, &run))
            return STATUS_CORRUPT;
        note_runs_add(out, run.length, run.by, run.at_ms);
    }
    if (!wire_at_end(&reader) || note_runs_length(out) > CHANGE_TEXT_MAX)
        return STATUS_CORRUPT;
    return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

void note_runs_write(const struct note_runs *runs, struct buffer *out)
{
    wire_put_array(out, (uint32_t)runs->count);
    for (size_t i = 0; i < runs->count; i++) {
        wire_put_array(out, 3);
        wire_put_uint(out, runs->runs[i].length);
        wire_put_str(out, runs->runs[i].by);
        wire_put_uint(out, runs->runs[i].at_ms);
    }
    out->failed = out->failed || runs->failed;
}

/* Makes one run of neighbours of one author. */
static void unite(struct note_runs *runs)
{
    size_t kept = 0;
    for (size_t i = 0; i < runs->count; i++) {
        const struct note_run run = runs->runs[i];
        if (kept > 0 && bytes_equal(runs->runs[kept - 1].by, run.by))
            join(&runs->runs[kept - 1], run.length, run.at_ms);
        else
            runs->runs[kept++] = run;
    }
    runs->count = kept;
}

/* Makes one run of those that follow each other with at most `shortest` units. Where they are not
 * of one author it has none: nobody is named for what somebody else wrote. */
static void coarsen(struct note_runs *runs, uint32_t shortest)
{
    size_t kept = 0;
    bool short_before = false;
    for (size_t i = 0; i < runs->count; i++) {
        const struct note_run run = runs->runs[i];
        struct note_run *last = kept > 0 ? &runs->runs[kept - 1] : NULL;
        const bool is_short = run.length <= shortest;
        const bool same = last && bytes_equal(run.by, last->by);
        if (same || (short_before && is_short)) {
            join(last, run.length, run.at_ms);
            last->by = same ? run.by : bytes_text("");
        } else {
            runs->runs[kept++] = run;
        }
        short_before = is_short;
    }
    runs->count = kept;
    unite(runs);
}

void note_runs_limit(struct note_runs *runs)
{
    for (uint32_t shortest = 1; runs->count > NOTE_RUNS_MAX && !runs->failed; shortest *= 2)
        coarsen(runs, shortest);
}

/* Where a walk through the runs stands. */
struct walk {
    const struct note_runs *runs;
    size_t next;
    uint32_t left; /* of the run before `next` */
};

/* Adds whole runs, which follow each other in the old list, as they are: it has no neighbours of
 * one author. Returns the units left. */
static uint32_t add_whole(struct walk *walk, uint32_t length, struct note_runs *out)
{
    const struct note_run *from = walk->runs->runs + walk->next;
    size_t count = 0;
    while (walk->next + count < walk->runs->count && from[count].length <= length)
        length -= from[count++].length;
    if (count > 0) {
        note_runs_add(out, from->length, from->by, from->at_ms);
        copy_runs(out, from + 1, count - 1);
        walk->next += count;
    }
    return length;
}

/* Goes on by `length` units, which come into `out` unless it is NULL. */
static void walk_on(struct walk *walk, uint32_t length, struct note_runs *out)
{
    while (length > 0) {
        if (walk->left == 0 && out && (length = add_whole(walk, length, out)) == 0)
            return;
        if (walk->left == 0) {
            assert(walk->next < walk->runs->count);
            walk->left = walk->runs->runs[walk->next++].length;
        }
        const struct note_run *run = &walk->runs->runs[walk->next - 1];
        const uint32_t step = length < walk->left ? length : walk->left;
        if (out)
            note_runs_add(out, step, run->by, run->at_ms);
        walk->left -= step;
        length -= step;
    }
}

void note_runs_apply(const struct note_runs *old, const struct change_set *set, struct bytes by,
                     uint64_t at_ms, struct note_runs *out)
{
    struct walk walk = {.runs = old};
    assert(out != old && note_runs_length(old) == set->before);
    note_runs_clear(out);
    out->failed = old->failed;
    for (size_t i = 0; i < set->count; i++) {
        const struct change_part *part = &set->parts[i];
        walk_on(&walk, part->length, part->kept ? out : NULL);
        note_runs_add(out, part->kept ? 0 : part->inserted, by, at_ms);
    }
    note_runs_limit(out);
}

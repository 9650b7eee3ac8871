#include "client-lib/note/note_diff.h"

#include "client-lib/note/note_diff_myers.h"
#include "protocol/memory.h"
#include "protocol/utf16.h"

/* Bytes [old, old_end) of one text became [new, new_end) of the other. */
struct hunk {
    size_t old, old_end, new, new_end;
};

struct hunks {
    struct hunk *hunks;
    size_t count, capacity;
};

/* A text cut into tokens: where each begins, and the end; and numbers that are the same for tokens
 * that are. */
struct cut {
    uint32_t *begins;
    uint32_t *tokens;
    uint32_t count;
};

struct diff {
    struct bytes old, new;
    struct hunks lines; /* by lines */
    struct hunks made;  /* as the result has them */
};

static bool add_hunk(struct hunks *out, struct hunk hunk)
{
    void *hunks = memory_grow(out->hunks, out->count, &out->capacity, sizeof *out->hunks);
    if (hunks == NULL)
        return false;
    out->hunks = hunks;
    out->hunks[out->count++] = hunk;
    return true;
}

static bool begins_character(uint8_t byte)
{
    return (byte & 0xc0) != 0x80;
}

static bool is_boundary(struct bytes text, size_t at)
{
    return at >= text.size || begins_character(text.data[at]);
}

/* Takes from a hunk the characters that both sides begin and end with. */
static void trim(const struct diff *diff, struct hunk *hunk)
{
    const struct hunk whole = *hunk;
    while (hunk->old < hunk->old_end && hunk->new < hunk->new_end &&
           diff->old.data[hunk->old] == diff->new.data[hunk->new]) {
        hunk->old++;
        hunk->new ++;
    }
    while (hunk->old > whole.old &&
           !(is_boundary(diff->old, hunk->old) && is_boundary(diff->new, hunk->new))) {
        hunk->old--;
        hunk->new --;
    }
    while (hunk->old_end > hunk->old && hunk->new_end > hunk->new &&
           diff->old.data[hunk->old_end - 1] == diff->new.data[hunk->new_end - 1]) {
        hunk->old_end--;
        hunk->new_end--;
    }
    while (hunk->old_end < whole.old_end && !is_boundary(diff->old, hunk->old_end)) {
        hunk->old_end++;
        hunk->new_end++;
    }
}

static bool begins_line(struct bytes text, size_t at)
{
    return at == 0 || at >= text.size || text.data[at - 1] == '\n';
}

/* Gives a hunk that was trimmed the rest of the lines that it begins and ends in. */
static void widen_to_lines(const struct diff *diff, struct hunk *hunk)
{
    while (!begins_line(diff->old, hunk->old) || !begins_line(diff->new, hunk->new)) {
        hunk->old--;
        hunk->new --;
    }
    while (hunk->old_end < diff->old.size &&
           !(begins_line(diff->old, hunk->old_end) && begins_line(diff->new, hunk->new_end))) {
        hunk->old_end++;
        hunk->new_end++;
    }
}

/* ---- Tokens ---------------------------------------------------------------- */

static void cut_release(struct cut *cut)
{
    memory_free(cut->begins);
    memory_free(cut->tokens);
}

/* Room for as many tokens as there are. */
static bool cut_new(struct cut *cut, size_t count)
{
    *cut = (struct cut){.count = (uint32_t)count};
    cut->begins = memory_new((count + 1) * sizeof *cut->begins);
    cut->tokens = memory_new((count + 1) * sizeof *cut->tokens);
    return cut->begins != NULL && cut->tokens != NULL;
}

static uint32_t code_point(struct bytes text, size_t from, size_t to)
{
    uint32_t code = 0;
    for (size_t at = from; at < to; at++)
        code = code << 8 | text.data[at]; /* its bytes: as good as its number */
    return code;
}

static bool cut_characters(struct bytes text, size_t from, size_t to, struct cut *out)
{
    size_t count = 0, next = 0;
    for (size_t at = from; at < to; at++)
        count += begins_character(text.data[at]);
    if (!cut_new(out, count))
        return false;
    for (size_t at = from; at < to; at++)
        if (begins_character(text.data[at]))
            out->begins[next++] = (uint32_t)at;
    out->begins[next] = (uint32_t)to;
    for (size_t i = 0; i < count; i++)
        out->tokens[i] = code_point(text, out->begins[i], out->begins[i + 1]);
    return true;
}

static bool cut_lines(struct bytes text, size_t from, size_t to, struct cut *out)
{
    size_t count = from < to && text.data[to - 1] != '\n' ? 1 : 0, next = 0;
    for (size_t at = from; at < to; at++)
        count += text.data[at] == '\n';
    if (!cut_new(out, count))
        return false;
    for (size_t at = from; at < to; at++)
        if (at == from || text.data[at - 1] == '\n')
            out->begins[next++] = (uint32_t)at;
    out->begins[next] = (uint32_t)to;
    return true;
}

static struct bytes token(struct bytes text, const struct cut *cut, uint32_t i)
{
    return bytes_slice(text, cut->begins[i], cut->begins[i + 1] - cut->begins[i]);
}

static size_t hash_line(struct bytes line)
{
    uint64_t hash = line.size;
    for (size_t i = 0; i < line.size; i++)
        hash = (hash ^ line.data[i]) * 0x100000001b3ull;
    return (size_t)(hash ^ hash >> 32);
}

/* Lines that are the same get the same number: the place of the first of them in a table, of which
 * `table` (`slots` of them, a power of two) has slices. */
static void number_lines(struct bytes text, struct cut *cut, struct bytes *table, size_t slots)
{
    for (uint32_t i = 0; i < cut->count; i++) {
        const struct bytes line = token(text, cut, i);
        size_t slot = hash_line(line) & (slots - 1);
        while (table[slot].size > 0 && !bytes_equal(table[slot], line))
            slot = (slot + 1) & (slots - 1);
        table[slot] = line;
        cut->tokens[i] = (uint32_t)slot;
    }
}

static bool number_both(const struct diff *diff, struct cut *old, struct cut *new)
{
    size_t slots = 16;
    while (slots < ((size_t)old->count + new->count) * 2)
        slots *= 2;
    struct bytes *table = memory_new(slots * sizeof *table);
    if (table == NULL)
        return false;
    number_lines(diff->old, old, table, slots);
    number_lines(diff->new, new, table, slots);
    memory_free(table);
    return true;
}

/* ---- Hunks ----------------------------------------------------------------- */

/* What lies between the runs, as hunks. */
static bool add_between(const struct note_runs *runs, const struct cut *old, const struct cut *new,
                        struct hunks *out)
{
    uint32_t old_at = 0, new_at = 0;
    for (size_t i = 0; i <= runs->count; i++) {
        const struct note_run end = {.old = old->count, .new = new->count};
        const struct note_run *run = i < runs->count ? &runs->runs[i] : &end;
        if ((run->old > old_at || run->new > new_at) &&
            !add_hunk(out, (struct hunk){.old = old->begins[old_at],
                                         .old_end = old->begins[run->old],
                                         .new = new->begins[new_at],
                                         .new_end = new->begins[run->new]}))
            return false;
        old_at = run->old + run->length;
        new_at = run->new + run->length;
    }
    return true;
}

/* The differences of two cuts; the whole hunk when there are too many. */
static enum status add_differences(const struct hunk *whole, const struct cut *old,
                                   const struct cut *new, struct hunks *out)
{
    struct note_runs runs = {0};
    enum status status = note_myers(old->tokens, old->count, new->tokens, new->count, &runs);
    if (status == STATUS_OK && !add_between(&runs, old, new, out))
        status = STATUS_NO_MEMORY;
    else if (status == STATUS_LIMIT)
        status = add_hunk(out, *whole) ? STATUS_OK : STATUS_NO_MEMORY;
    memory_free(runs.runs);
    return status;
}

static enum status by_lines(struct diff *diff, const struct hunk *whole)
{
    struct cut old = {0}, new = {0};
    enum status status = STATUS_NO_MEMORY;
    if (cut_lines(diff->old, whole->old, whole->old_end, &old) &&
        cut_lines(diff->new, whole->new, whole->new_end, &new) && number_both(diff, &old, &new))
        status = add_differences(whole, &old, &new, &diff->lines);
    cut_release(&old);
    cut_release(&new);
    return status;
}

static size_t larger_side(const struct hunk *hunk)
{
    const size_t old = hunk->old_end - hunk->old, new = hunk->new_end - hunk->new;
    return old > new ? old : new;
}

/* Joins hunks, from `first` on, that leave less standing between them than either changes. */
static void join_near(const struct diff *diff, struct hunks *made, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < made->count; i++) {
        struct hunk hunk = made->hunks[i];
        while (kept > first) {
            const struct hunk *last = &made->hunks[kept - 1];
            const size_t between = hunk.old - last->old_end;
            if (between > larger_side(last) || between > larger_side(&hunk))
                break;
            hunk.old = last->old;
            hunk.new = last->new;
            kept--;
            trim(diff, &hunk);
        }
        made->hunks[kept++] = hunk;
    }
    made->count = kept;
}

static enum status by_characters(struct diff *diff, struct hunk whole)
{
    struct cut old = {0}, new = {0};
    enum status status = STATUS_NO_MEMORY;
    const size_t first = diff->made.count;
    trim(diff, &whole);
    if (whole.old == whole.old_end || whole.new == whole.new_end)
        return add_hunk(&diff->made, whole) ? STATUS_OK : STATUS_NO_MEMORY;
    if (cut_characters(diff->old, whole.old, whole.old_end, &old) &&
        cut_characters(diff->new, whole.new, whole.new_end, &new))
        status = add_differences(&whole, &old, &new, &diff->made);
    join_near(diff, &diff->made, first);
    cut_release(&old);
    cut_release(&new);
    return status;
}

static size_t units_of(struct bytes text, size_t from, size_t to)
{
    return utf16_length(bytes_slice(text, from, to - from));
}

static enum status write_set(const struct diff *diff, struct change_set *out)
{
    size_t at = 0;
    for (size_t i = 0; i < diff->made.count; i++) {
        const struct hunk *hunk = &diff->made.hunks[i];
        change_set_keep(out, units_of(diff->old, at, hunk->old));
        change_set_replace(out, units_of(diff->old, hunk->old, hunk->old_end),
                           bytes_slice(diff->new, hunk->new, hunk->new_end - hunk->new), false);
        at = hunk->old_end;
    }
    if (diff->made.count > 0)
        change_set_keep(out, units_of(diff->old, at, diff->old.size));
    return out->state;
}

enum status note_diff(struct bytes old, struct bytes new, struct change_set *out)
{
    struct diff diff = {.old = old, .new = new};
    struct hunk whole = {.old_end = old.size, .new_end = new.size};
    enum status status = STATUS_OK;
    change_set_clear(out);
    if (old.size > 3u * CHANGE_TEXT_MAX || new.size > 3u * CHANGE_TEXT_MAX)
        return STATUS_TOO_LARGE;
    trim(&diff, &whole);
    if (whole.old < whole.old_end || whole.new < whole.new_end) {
        widen_to_lines(&diff, &whole);
        status = by_lines(&diff, &whole);
    }
    for (size_t i = 0; i < diff.lines.count && status == STATUS_OK; i++)
        status = by_characters(&diff, diff.lines.hunks[i]);
    if (status == STATUS_OK)
        status = write_set(&diff, out);
    memory_free(diff.lines.hunks);
    memory_free(diff.made.hunks);
    return status;
}

/* Composing change sets, and mapping one over another.
 *
 * Both walk two sets side by side, taking from each as much of its present part as the other's
 * allows. The results are those of @codemirror/state 6.5 to the part, not only to the text: two
 * ends that rebase the same changes must come to the same bytes. */
#include "protocol/change_set.h"

#include <assert.h>

#include "protocol/utf16.h"

/* A place within a set: what is left of the part it stands in. */
struct walk {
    const struct change_set *set;
    size_t next;
    uint32_t length;          /* left of the old text's run */
    uint32_t inserted;        /* left of what is put there, */
    size_t text_at, text_end; /* and the bytes of it */
    bool kept, done;
    bool begun;  /* some of the part has been taken */
    bool placed; /* mapping: the part's text stands in the result */
};

static void walk_next(struct walk *walk)
{
    static const struct change_part none = {0};
    walk->done = walk->next == walk->set->count;
    const struct change_part *part = walk->done ? &none : &walk->set->parts[walk->next++];
    walk->length = part->length;
    walk->inserted = part->inserted;
    walk->kept = part->kept;
    walk->text_at = walk->text_end;
    walk->text_end += part->text_size;
    walk->begun = false;
    walk->placed = false;
}

static struct walk walk_begin(const struct change_set *set)
{
    struct walk walk = {.set = set};
    walk_next(&walk);
    return walk;
}

/* What is left of the text that the part inserts. */
static struct bytes walk_text(const struct walk *walk)
{
    return bytes_slice(buffer_bytes(&walk->set->text), walk->text_at,
                       walk->text_end - walk->text_at);
}

static bool replaces(const struct walk *walk)
{
    return !walk->done && !walk->kept;
}

/* Takes `units` of the old text. */
static void take_old(struct walk *walk, uint32_t units)
{
    if (units == walk->length) {
        walk_next(walk);
        return;
    }
    walk->length -= units;
    walk->begun = walk->begun || units > 0;
}

static enum status lengths_differ(struct fault *fault)
{
    return fault_set(fault, STATUS_INVALID_VALUE, bytes_text("changes"),
                     "made for texts of different lengths");
}

/* ---- Composing ------------------------------------------------------------ */

/* Units of the text between that the present part of the first set makes. */
static uint32_t made(const struct walk *first)
{
    return first->kept ? first->length : first->inserted;
}

/* Takes `units` of what the part makes, and gives the text of them in `text` (none where kept);
 * false when they end within a character. */
static bool take_made(struct walk *first, uint32_t units, struct bytes *text)
{
    *text = bytes_of(NULL, 0);
    if (first->kept) {
        take_old(first, units);
        return true;
    }
    size_t size = 0;
    if (!utf16_skip(walk_text(first), units, &size))
        return false;
    *text = bytes_slice(walk_text(first), 0, size);
    if (units == first->inserted) {
        walk_next(first);
        return true;
    }
    first->text_at += size;
    first->inserted -= units;
    first->begun = true;
    return true;
}

/* Both parts are about the next `units` of the text between them. */
static enum status compose_piece(struct walk *first, struct walk *next, uint32_t units,
                                 struct change_set *out, bool *open, struct fault *fault)
{
    const struct walk before = *first;
    const bool goes_on =
        (!before.kept && before.inserted > units) || (replaces(next) && next->length > units);
    const size_t count = out->count;
    const uint32_t old = before.kept ? units : before.begun ? 0 : before.length;
    struct bytes text;
    if (!take_made(first, units, &text))
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_text("changes"),
                         "a part ends within a character");
    if (before.kept && next->kept)
        change_set_keep(out, units);
    else if (next->kept)
        change_set_replace(out, old, text, *open);
    else
        change_set_replace(out, old, next->begun ? bytes_of(NULL, 0) : walk_text(next), *open);
    *open = goes_on && (*open || out->count > count);
    take_old(next, units);
    return STATUS_OK;
}

enum status change_set_compose(const struct change_set *first_set,
                               const struct change_set *next_set, struct change_set *out,
                               struct fault *fault)
{
    assert(first_set->state == STATUS_OK && next_set->state == STATUS_OK);
    assert(out != first_set && out != next_set);
    change_set_clear(out);
    if (first_set->after != next_set->before)
        return lengths_differ(fault);
    struct walk first = walk_begin(first_set), next = walk_begin(next_set);
    bool open = false; /* the part made last goes on with the next piece */
    while (out->state == STATUS_OK && !(first.done && next.done)) {
        if (replaces(&first) && first.inserted == 0) {
            change_set_replace(out, first.length, bytes_of(NULL, 0), open);
            walk_next(&first);
        } else if (replaces(&next) && next.length == 0) {
            change_set_replace(out, 0, walk_text(&next), open);
            walk_next(&next);
        } else {
            const uint32_t units = made(&first) < next.length ? made(&first) : next.length;
            assert(units > 0); /* the text between ends for both at once */
            const enum status status = compose_piece(&first, &next, units, out, &open, fault);
            if (status != STATUS_OK)
                return status;
        }
    }
    return out->state;
}

/* ---- Mapping -------------------------------------------------------------- */

static void place_text(struct walk *walk, uint32_t length, struct change_set *out)
{
    change_set_replace(out, length, walk->placed ? bytes_of(NULL, 0) : walk_text(walk), false);
    walk->placed = true;
}

/* A change of `over` that comes first: what it put there is kept, and what it took is no longer
 * there for the changes of `set` that lay within. */
static void pass_over(struct walk *set, struct walk *over, struct change_set *out)
{
    uint32_t left = over->length;
    change_set_keep(out, over->inserted);
    while (left > 0) {
        const uint32_t piece = set->length < left ? set->length : left;
        if (replaces(set) && !set->placed && set->length <= piece)
            place_text(set, 0, out);
        assert(!set->done); /* both are as long */
        take_old(set, piece);
        left -= piece;
    }
    walk_next(over);
}

/* A change of `set`, up to where a change of `over` that inserts begins within it: what `over`
 * deleted of its run is gone already. */
static void pass_change(struct walk *set, struct walk *over, struct change_set *out)
{
    uint32_t length = 0, left = set->length;
    while (left > 0) {
        if (over->kept) {
            const uint32_t piece = left < over->length ? left : over->length;
            length += piece;
            left -= piece;
            take_old(over, piece);
        } else if (replaces(over) && over->inserted == 0 && over->length < left) {
            left -= over->length;
            walk_next(over);
        } else
            break;
    }
    place_text(set, length, out);
    take_old(set, set->length - left);
}

enum status change_set_map(const struct change_set *mapped, const struct change_set *over_set,
                           bool before, struct change_set *out, struct fault *fault)
{
    assert(mapped->state == STATUS_OK && over_set->state == STATUS_OK);
    assert(out != mapped && out != over_set);
    change_set_clear(out);
    if (mapped->before != over_set->before)
        return lengths_differ(fault);
    struct walk set = walk_begin(mapped), over = walk_begin(over_set);
    while (out->state == STATUS_OK && !(set.done && over.done)) {
        if (set.kept && over.kept) {
            const uint32_t piece = set.length < over.length ? set.length : over.length;
            change_set_keep(out, piece);
            take_old(&set, piece);
            take_old(&over, piece);
        } else if (replaces(&over) && (!replaces(&set) || set.placed ||
                                       (!set.begun && (over.length < set.length ||
                                                       (over.length == set.length && !before)))))
            pass_over(&set, &over, out);
        else
            pass_change(&set, &over, out);
    }
    return out->state;
}

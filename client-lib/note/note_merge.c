#include "client-lib/note/note_merge.h"

#include <stdlib.h>
#include <string.h>

#include "client-lib/note/note_diff.h"
#include "client-lib/note/note_doc.h"
#include "client-lib/note/note_set.h"
#include "protocol/memory.h"
#include "protocol/utf16.h"

/* Units of an insertion that are not the same by accident. */
#define NO_ACCIDENT 8u

/* Units [from, to) of the base, deleted by one side and rewritten by the other. */
struct region {
    uint32_t from, to;
    bool own; /* the rewriting is ours */
};

struct regions {
    struct region *regions;
    size_t count, capacity;
};

void note_merge_release(struct note_merge *merge)
{
    change_set_release(&merge->ours);
    change_set_release(&merge->shown);
    memory_free(merge->kept);
    *merge = (struct note_merge){0};
}

/* ---- Finding --------------------------------------------------------------- */

/* Goes through the parts of a set by their places in the text before. */
struct walk {
    const struct change_set *set;
    size_t part;
    uint32_t at;    /* where the part begins, or what is left of it */
    uint32_t taken; /* units of it */
    size_t text_at;
};

static const struct change_part *walk_part(const struct walk *walk)
{
    return walk->part < walk->set->count ? &walk->set->parts[walk->part] : NULL;
}

static void walk_next(struct walk *walk)
{
    const struct change_part *part = walk_part(walk);
    walk->at += part->length - walk->taken;
    walk->taken = 0;
    walk->text_at += part->text_size;
    walk->part++;
}

static struct bytes walk_text(const struct walk *walk)
{
    return bytes_slice(buffer_bytes(&walk->set->text), walk->text_at, walk_part(walk)->text_size);
}

static bool is_white(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (strchr(" \t\n\r", text.data[i]) == NULL || text.data[i] == '\0')
            return false;
    return true;
}

/* The next run that the set deletes, be it in several parts. */
static bool next_run(struct walk *walk, struct region *run)
{
    for (const struct change_part *part; (part = walk_part(walk)) != NULL; walk_next(walk))
        if (!part->kept)
            break;
    run->from = walk->at;
    for (const struct change_part *part; (part = walk_part(walk)) != NULL; walk_next(walk))
        if (part->kept)
            break;
    run->to = walk->at;
    return run->to > run->from || walk_part(walk) != NULL;
}

/* Whether what `other` does to the run is rewriting; `other` is left at the first part that goes
 * beyond it. */
static bool is_rewritten(struct walk *other, const struct region *run)
{
    uint32_t gone = 0;
    bool written = false;
    while (walk_part(other) != NULL && other->at + walk_part(other)->length <= run->from &&
           other->at < run->from)
        walk_next(other);
    struct walk walk = *other;
    for (const struct change_part *part; (part = walk_part(&walk)) != NULL && walk.at < run->to;
         walk_next(&walk)) {
        const uint32_t end = walk.at + part->length;
        if (part->kept)
            continue;
        gone += (end < run->to ? end : run->to) - (walk.at > run->from ? walk.at : run->from);
        written = written || (walk.at > run->from && end < run->to && !is_white(walk_text(&walk)));
    }
    return written && gone < run->to - run->from;
}

static bool add_region(struct regions *out, struct region region)
{
    void *regions = memory_grow(out->regions, out->count, &out->capacity, sizeof *out->regions);
    if (regions == NULL)
        return false;
    out->regions = regions;
    out->regions[out->count++] = region;
    return true;
}

static bool find_rewritten(const struct change_set *deletes, const struct change_set *writes,
                           bool own, struct regions *out)
{
    struct walk run_walk = {.set = deletes}, other = {.set = writes};
    struct region run;
    while (next_run(&run_walk, &run)) {
        run.own = own;
        if (run.to > run.from && is_rewritten(&other, &run) && !add_region(out, run))
            return false;
    }
    return true;
}

static int by_place(const void *left, const void *right)
{
    const struct region *a = left, *b = right;
    return a->from != b->from ? (a->from > b->from) - (a->from < b->from)
                              : (a->to > b->to) - (a->to < b->to);
}

/* Where regions overlap the first stands; what the others inserted survives the plain merge. */
static enum status find_regions(const struct change_set *ours, const struct change_set *theirs,
                                struct regions *out)
{
    if (!find_rewritten(theirs, ours, true, out) || !find_rewritten(ours, theirs, false, out))
        return STATUS_NO_MEMORY;
    if (out->count > 1)
        qsort(out->regions, out->count, sizeof *out->regions, by_place);
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++)
        if (kept == 0 || out->regions[i].from >= out->regions[kept - 1].to)
            out->regions[kept++] = out->regions[i];
    out->count = kept;
    return STATUS_OK;
}

/* ---- Ours, changed so that the plain merge keeps the passages -------------- */

/* Our changes up to `to` as they are, with what they insert just there. */
static void copy_until(struct walk *walk, uint32_t to, struct change_set *out)
{
    for (const struct change_part *part; (part = walk_part(walk)) != NULL;) {
        const uint32_t left = part->length - walk->taken;
        const uint32_t piece = left < to - walk->at ? left : to - walk->at;
        const bool begun = walk->taken > 0;
        if (walk->at == to && (part->length > 0 || begun))
            return;
        if (part->kept)
            change_set_keep(out, piece);
        else
            change_set_replace(out, piece, begun ? bytes_of(NULL, 0) : walk_text(walk), false);
        if (piece < left) {
            walk->taken += piece;
            walk->at += piece;
            return;
        }
        walk_next(walk);
    }
}

static enum status add_kept_text(struct note_text *base, const struct walk *walk, uint32_t units,
                                 struct buffer *out)
{
    size_t from, to;
    if (!note_text_byte(base, walk->at, &from) || !note_text_byte(base, walk->at + units, &to))
        return STATUS_INVALID_VALUE;
    const struct bytes text = bytes_slice(note_text_bytes(base), from, to - from);
    buffer_append(out, text.data, text.size);
    return STATUS_OK;
}

/* Steps over our changes up to `to`, and gives what they make of the base there: without what they
 * let stand when `kept` is false. */
static enum status made_until(struct walk *walk, uint32_t to, struct note_text *base, bool kept,
                              struct buffer *out)
{
    enum status status = STATUS_OK;
    while (walk->at < to && walk_part(walk) != NULL && status == STATUS_OK) {
        const struct change_part *part = walk_part(walk);
        const uint32_t left = part->length - walk->taken;
        const uint32_t piece = left < to - walk->at ? left : to - walk->at;
        if (part->kept) {
            if (kept)
                status = add_kept_text(base, walk, piece, out);
        } else if (walk->taken == 0) {
            const struct bytes text = walk_text(walk);
            buffer_append(out, text.data, text.size);
        }
        if (piece < left) {
            walk->taken += piece;
            walk->at += piece;
        } else
            walk_next(walk);
    }
    return status;
}

/* The passage of one region, between marks; `place` gets where it lies in what `out` makes. */
static enum status keep_passage(struct walk *walk, const struct region *region,
                                struct note_text *base, struct change_set *out,
                                struct note_kept *place)
{
    struct buffer made = {0};
    copy_until(walk, region->from, out);
    if (region->own)
        buffer_append(&made, NOTE_DOC_KEPT_BEGIN, strlen(NOTE_DOC_KEPT_BEGIN));
    enum status status = made_until(walk, region->to, base, region->own, &made);
    place->own = region->own;
    if (region->own) {
        buffer_append(&made, NOTE_DOC_KEPT_END, strlen(NOTE_DOC_KEPT_END));
        place->from = out->after;
        change_set_replace(out, region->to - region->from, buffer_bytes(&made), false);
    } else {
        change_set_replace(out, 0, buffer_bytes(&made), false);
        place->from = out->after;
        change_set_replace(out, 0, bytes_text(NOTE_DOC_KEPT_BEGIN), false);
        change_set_keep(out, region->to - region->from);
        change_set_replace(out, 0, bytes_text(NOTE_DOC_KEPT_END), false);
    }
    place->to = out->after;
    if (made.failed)
        status = STATUS_NO_MEMORY;
    buffer_release(&made);
    return status;
}

static enum status keep_passages(const struct change_set *ours, const struct regions *regions,
                                 struct note_text *base, struct change_set *out,
                                 struct note_kept *places)
{
    struct walk walk = {.set = ours};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < regions->count && status == STATUS_OK; i++)
        status = keep_passage(&walk, &regions->regions[i], base, out, &places[i]);
    copy_until(&walk, ours->before, out);
    return status == STATUS_OK ? out->state : status;
}

/* ---- Merging --------------------------------------------------------------- */

/* The difference between the text as it is shown and as it is merged. */
static enum status find_shown(const struct note_text *base, const struct note_text *text,
                              const struct change_set *theirs, struct note_merge *out)
{
    struct buffer with_theirs = {0}, merged = {0};
    enum status status = change_set_apply(theirs, note_text_bytes(base), &with_theirs, NULL);
    if (status == STATUS_OK)
        status = change_set_apply(&out->ours, buffer_bytes(&with_theirs), &merged, NULL);
    if (status == STATUS_OK)
        status = note_diff(note_text_bytes(text), buffer_bytes(&merged), &out->shown);
    buffer_release(&with_theirs);
    buffer_release(&merged);
    return status;
}

static enum status merge_kept(struct note_text *base, const struct note_text *text,
                              const struct change_set *ours, const struct change_set *theirs,
                              const struct regions *regions, struct note_merge *out)
{
    struct change_set changed = {0}, over = {0};
    out->kept = memory_new(regions->count * sizeof *out->kept);
    enum status status = STATUS_NO_MEMORY;
    if (out->kept != NULL)
        status = keep_passages(ours, regions, base, &changed, out->kept);
    if (status == STATUS_OK)
        status = note_set_meet(&changed, theirs, &out->ours, &over);
    if (status == STATUS_OK)
        status = find_shown(base, text, theirs, out);
    for (size_t i = 0; i < regions->count && status == STATUS_OK; i++) {
        out->kept[i].from = note_set_place_after(&over, out->kept[i].from, true);
        out->kept[i].to = note_set_place_after(&over, out->kept[i].to, false);
        out->kept_count++;
    }
    change_set_release(&changed);
    change_set_release(&over);
    return status;
}

enum status note_merge(struct note_text *base, const struct note_text *text,
                       const struct change_set *ours, const struct change_set *theirs,
                       struct note_merge *out)
{
    struct regions regions = {0};
    enum status status = find_regions(ours, theirs, &regions);
    if (status == STATUS_OK && regions.count == 0)
        status = note_set_meet(ours, theirs, &out->ours, &out->shown);
    else if (status == STATUS_OK)
        status = merge_kept(base, text, ours, theirs, &regions, out);
    memory_free(regions.regions);
    return status;
}

/* ---- Whether a push was taken ---------------------------------------------- */

/* The next `units` of the text with `sent`, which it brought when `own`: what of them stands after
 * `since` is added to *stand. */
static void pass_units(struct walk *since, uint32_t units, bool own, uint32_t *stand,
                       struct change_set *missing)
{
    while (units > 0) {
        const struct change_part *part = walk_part(since);
        const uint32_t left = part != NULL ? part->length - since->taken : units;
        const uint32_t piece = left < units ? left : units;
        const bool stands = part == NULL || part->kept;
        if (own && stands)
            *stand += piece;
        if (own && !stands)
            change_set_replace(missing, piece, bytes_of(NULL, 0), false);
        else
            change_set_keep(missing, piece);
        units -= piece;
        since->taken += piece;
        if (part != NULL && piece == left)
            walk_next(since);
    }
}

enum status note_merge_holds(const struct change_set *sent, const struct change_set *since,
                             bool *holds, struct change_set *missing)
{
    struct walk walk = {.set = since};
    uint32_t brought = 0, stand = 0;
    change_set_clear(missing);
    for (size_t i = 0; i < sent->count; i++) {
        const struct change_part *part = &sent->parts[i];
        if (!part->kept)
            brought += part->inserted;
        pass_units(&walk, part->kept ? part->length : part->inserted, !part->kept, &stand, missing);
    }
    *holds = stand > 0 && (stand == brought || (stand >= brought / 2 && stand >= NO_ACCIDENT));
    if (missing->state == STATUS_OK && change_set_is_empty(missing))
        change_set_clear(missing);
    return missing->state;
}

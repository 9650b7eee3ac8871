#include "client-lib/note/note_set.h"

bool note_set_none(const struct change_set *set)
{
    return set->count == 0;
}

static enum status brought_to_form(enum status status, struct change_set *out)
{
    if (status == STATUS_OK && change_set_is_empty(out))
        change_set_clear(out);
    return status;
}

enum status note_set_compose(const struct change_set *first, const struct change_set *next,
                             struct change_set *out)
{
    if (note_set_none(first))
        return brought_to_form(change_set_copy(next, out), out);
    if (note_set_none(next))
        return brought_to_form(change_set_copy(first, out), out);
    return brought_to_form(change_set_compose(first, next, out, NULL), out);
}

enum status note_set_map(const struct change_set *set, const struct change_set *over, bool before,
                         struct change_set *out)
{
    if (note_set_none(set) || note_set_none(over))
        return brought_to_form(change_set_copy(set, out), out);
    return brought_to_form(change_set_map(set, over, before, out, NULL), out);
}

enum status note_set_meet(const struct change_set *ours, const struct change_set *theirs,
                          struct change_set *ours_out, struct change_set *theirs_out)
{
    const enum status status = note_set_map(ours, theirs, false, ours_out);
    return status != STATUS_OK ? status : note_set_map(theirs, ours, true, theirs_out);
}

enum status note_set_split(const struct change_set *set, size_t parts, struct change_set *first,
                           struct change_set *rest)
{
    size_t at = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct change_part *part = &set->parts[i];
        const struct bytes text = bytes_slice(buffer_bytes(&set->text), at, part->text_size);
        struct change_set *with = i < parts ? first : rest;
        at += part->text_size;
        if (part->kept)
            change_set_keep(with, part->length);
        else
            change_set_replace(with, part->length, text, false);
        if (i < parts)
            change_set_keep(rest, part->kept ? part->length : part->inserted);
        else
            change_set_keep(first, part->length);
    }
    const enum status status = brought_to_form(first->state, first);
    return status != STATUS_OK ? status : brought_to_form(rest->state, rest);
}

void note_set_swap(struct change_set *a, struct change_set *b)
{
    const struct change_set other = *a;
    *a = *b;
    *b = other;
}

uint32_t note_set_place_after(const struct change_set *set, uint32_t at, bool after)
{
    return note_set_none(set) ? at : change_set_map_place(set, at, after);
}

uint32_t note_set_place_before(const struct change_set *set, uint32_t at)
{
    uint32_t old = 0, new = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct change_part *part = &set->parts[i];
        const uint32_t made = part->kept ? part->length : part->inserted;
        if (at - new <= made && (part->kept || at - new < made))
            return old + (part->kept ? at - new : 0);
        old += part->length;
        new += made;
    }
    return note_set_none(set) ? at : old;
}

size_t note_set_weight(const struct change_set *set)
{
    size_t weight = 0;
    for (size_t i = 0; i < set->count; i++)
        if (!set->parts[i].kept)
            weight += set->parts[i].length + set->parts[i].inserted;
    return weight;
}

size_t note_set_bytes(const struct change_set *set)
{
    return set->capacity * sizeof *set->parts + set->text.capacity;
}

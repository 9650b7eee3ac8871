#include "protocol/change_set.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/utf16.h"

void change_set_release(struct change_set *set)
{
    memory_free(set->parts);
    buffer_release(&set->text);
    *set = (struct change_set){0};
}

void change_set_clear(struct change_set *set)
{
    buffer_clear(&set->text);
    set->count = 0;
    set->before = 0;
    set->after = 0;
    set->state = STATUS_OK;
}

bool change_set_is_empty(const struct change_set *set)
{
    return set->count == 0 || (set->count == 1 && set->parts[0].kept);
}

static bool part_equal(const struct change_part *a, const struct change_part *b)
{
    return a->length == b->length && a->inserted == b->inserted && a->kept == b->kept &&
           a->text_size == b->text_size;
}

bool change_set_equal(const struct change_set *a, const struct change_set *b)
{
    if (a->count != b->count || !bytes_equal(buffer_bytes(&a->text), buffer_bytes(&b->text)))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!part_equal(&a->parts[i], &b->parts[i]))
            return false;
    return true;
}

enum status change_set_copy(const struct change_set *from, struct change_set *out)
{
    assert(from != out);
    change_set_clear(out);
    if (out->capacity < from->count) {
        void *parts = memory_resize(out->parts, from->count * sizeof *out->parts);
        if (parts == NULL)
            return out->state = STATUS_NO_MEMORY;
        out->parts = parts;
        out->capacity = from->count;
    }
    buffer_append(&out->text, from->text.data, from->text.size);
    if (out->text.failed)
        return out->state = STATUS_NO_MEMORY;
    if (from->count > 0)
        memcpy(out->parts, from->parts, from->count * sizeof *out->parts);
    out->count = from->count;
    out->before = from->before;
    out->after = from->after;
    return out->state = from->state;
}

/* ---- Building, in normal form --------------------------------------------- */

static bool count_units(struct change_set *set, size_t before, size_t after)
{
    if (set->state != STATUS_OK)
        return false;
    if (before > CHANGE_TEXT_MAX - set->before || after > CHANGE_TEXT_MAX - set->after) {
        set->state = STATUS_TOO_LARGE;
        return false;
    }
    set->before += (uint32_t)before;
    set->after += (uint32_t)after;
    return true;
}

static struct change_part *last_part(struct change_set *set)
{
    return set->count > 0 ? &set->parts[set->count - 1] : NULL;
}

static void add_part(struct change_set *set, struct change_part part)
{
    void *parts = memory_grow(set->parts, set->count, &set->capacity, sizeof *set->parts);
    if (parts == NULL) {
        set->state = STATUS_NO_MEMORY;
        return;
    }
    set->parts = parts;
    set->parts[set->count++] = part;
}

void change_set_keep(struct change_set *set, size_t units)
{
    if (units == 0 || !count_units(set, units, units))
        return;
    struct change_part *last = last_part(set);
    if (last != NULL && last->kept)
        last->length += (uint32_t)units;
    else
        add_part(set, (struct change_part){.length = (uint32_t)units, .kept = true});
}

/* Whether a part that takes `units` and brings `inserted` is one with `last`: what only deletes
 * joins what only deletes, and what only inserts what only inserts. */
static bool joins(const struct change_part *last, size_t units, size_t inserted)
{
    if (last == NULL || last->kept)
        return false;
    return inserted == 0 ? last->inserted == 0 : units == 0 && last->length == 0;
}

void change_set_replace(struct change_set *set, size_t units, struct bytes text, bool joined)
{
    const size_t inserted = utf16_length(text);
    if ((units == 0 && inserted == 0) || !count_units(set, units, inserted))
        return;
    buffer_append(&set->text, text.data, text.size);
    if (set->text.failed) {
        set->state = STATUS_NO_MEMORY;
        return;
    }
    struct change_part *last = last_part(set);
    if (joined || joins(last, units, inserted)) {
        assert(last != NULL && !last->kept);
        last->length += (uint32_t)units;
        last->inserted += (uint32_t)inserted;
        last->text_size += text.size;
    } else
        add_part(set, (struct change_part){.length = (uint32_t)units,
                                           .inserted = (uint32_t)inserted,
                                           .text_size = text.size});
}

/* ---- Applying ------------------------------------------------------------- */

static enum status cuts_character(struct fault *fault, uint32_t at)
{
    return fault_set(fault, STATUS_INVALID_VALUE, bytes_text("changes"),
                     "a part ends within a character, after %u units", at);
}

static enum status other_length(struct fault *fault, size_t wanted, size_t found)
{
    return fault_set(fault, STATUS_INVALID_VALUE, bytes_text("changes"),
                     "made for a text of %zu units, this one has %zu", wanted, found);
}

/* Why the text cannot be gone through part by part. It is counted only now: of a long text that takes
 * as long as all the rest. */
static enum status misfit(const struct change_set *set, struct bytes text, uint32_t at,
                          struct fault *fault)
{
    const size_t length = utf16_length(text);
    return length != set->before ? other_length(fault, set->before, length)
                                 : cuts_character(fault, at);
}

/* What one part comes to: bytes of the old text that it is about, and of the new that it puts
 * there. */
typedef void part_fn(void *context, const struct change_part *part, struct bytes old,
                     struct bytes text);

static enum status each_part(const struct change_set *set, struct bytes text, part_fn *each,
                             void *context, struct fault *fault)
{
    size_t at = 0, inserted_at = 0;
    uint32_t units = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct change_part *part = &set->parts[i];
        const size_t begin = at;
        units += part->length;
        if (!utf16_skip(text, part->length, &at))
            return misfit(set, text, units, fault);
        each(context, part, bytes_slice(text, begin, at - begin),
             bytes_slice(buffer_bytes(&set->text), inserted_at, part->text_size));
        inserted_at += part->text_size;
    }
    return at == text.size ? STATUS_OK : misfit(set, text, units, fault);
}

static void apply_part(void *context, const struct change_part *part, struct bytes old,
                       struct bytes text)
{
    const struct bytes *from = part->kept ? &old : &text;
    buffer_append(context, from->data, from->size);
}

enum status change_set_apply(const struct change_set *set, struct bytes text, struct buffer *out,
                             struct fault *fault)
{
    assert(set->state == STATUS_OK);
    const size_t had = out->size;
    enum status status = each_part(set, text, apply_part, out, fault);
    if (out->failed)
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK)
        out->size = had;
    return status;
}

static void invert_part(void *context, const struct change_part *part, struct bytes old,
                        struct bytes text)
{
    (void)text;
    if (part->kept)
        change_set_keep(context, part->length);
    else
        change_set_replace(context, part->inserted, old, false);
}

enum status change_set_invert(const struct change_set *set, struct bytes text,
                              struct change_set *out, struct fault *fault)
{
    assert(set->state == STATUS_OK && out != set);
    change_set_clear(out);
    const enum status status = each_part(set, text, invert_part, out, fault);
    return status != STATUS_OK ? status : out->state;
}

uint32_t change_set_map_place(const struct change_set *set, uint32_t at, bool after)
{
    assert(at <= set->before);
    uint32_t old = 0, new = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct change_part *part = &set->parts[i];
        const uint32_t end = old + part->length;
        if (part->kept) {
            if (end > at)
                return new + (at - old);
            new += part->length;
        } else {
            if (end > at || (end == at && !after && part->length == 0))
                return at == old || !after ? new : new + part->inserted;
            new += part->inserted;
        }
        old = end;
    }
    return new;
}

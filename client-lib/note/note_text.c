#include "client-lib/note/note_text.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/utf16.h"

/* More pieces than this, and the text is made anew instead of moved that often. */
#define MOVES_MOST 4u

void note_text_release(struct note_text *text)
{
    buffer_release(&text->bytes);
    *text = (struct note_text){0};
}

struct bytes note_text_bytes(const struct note_text *text)
{
    static const uint8_t nothing = '\0';
    return text->bytes.data != NULL ? buffer_bytes(&text->bytes) : bytes_of(&nothing, 0);
}

enum status note_text_set(struct note_text *text, struct bytes from)
{
    struct note_text made = {0};
    if (from.size > CHANGE_TEXT_MAX * 3u || utf16_length(from) > CHANGE_TEXT_MAX)
        return STATUS_TOO_LARGE;
    buffer_append(&made.bytes, from.data, from.size);
    if (!buffer_reserve(&made.bytes, 1)) {
        note_text_release(&made);
        return STATUS_NO_MEMORY;
    }
    made.bytes.data[made.bytes.size] = '\0';
    made.units = (uint32_t)utf16_length(from);
    note_text_release(text);
    *text = made;
    return STATUS_OK;
}

/* ---- Places ---------------------------------------------------------------- */

static void set_mark(struct note_text *text, size_t byte, uint32_t unit)
{
    text->mark_byte = byte;
    text->mark_unit = unit;
}

static uint32_t apart(uint32_t a, uint32_t b)
{
    return a < b ? b - a : a - b;
}

bool note_text_byte(struct note_text *text, uint32_t unit, size_t *at)
{
    const struct bytes all = buffer_bytes(&text->bytes);
    if (unit > text->units)
        return false;
    size_t byte = 0;
    uint32_t from = 0;
    if (apart(unit, text->mark_unit) < unit) {
        byte = text->mark_byte;
        from = text->mark_unit;
    }
    if (text->units - unit < apart(unit, from)) {
        byte = all.size;
        from = text->units;
    }
    if (all.size == text->units)
        byte = unit;
    else if (from <= unit ? !utf16_skip(all, unit - from, &byte)
                          : !utf16_skip_back(all, from - unit, &byte))
        return false;
    set_mark(text, byte, unit);
    *at = byte;
    return true;
}

static uint32_t units_between(const struct note_text *text, size_t from, size_t to)
{
    return (uint32_t)utf16_length(bytes_slice(buffer_bytes(&text->bytes), from, to - from));
}

uint32_t note_text_unit(struct note_text *text, size_t at)
{
    const size_t size = text->bytes.size;
    assert(note_text_is_place(text, at));
    uint32_t unit;
    if (size == text->units)
        unit = (uint32_t)at;
    else if (at >= text->mark_byte && at - text->mark_byte <= size - at)
        unit = text->mark_unit + units_between(text, text->mark_byte, at);
    else if (at >= text->mark_byte)
        unit = text->units - units_between(text, at, size);
    else if (text->mark_byte - at < at)
        unit = text->mark_unit - units_between(text, at, text->mark_byte);
    else
        unit = units_between(text, 0, at);
    set_mark(text, at, unit);
    return unit;
}

bool note_text_is_place(const struct note_text *text, size_t at)
{
    return at == text->bytes.size ||
           (at < text->bytes.size && (text->bytes.data[at] & 0xc0) != 0x80);
}

/* ---- Changing -------------------------------------------------------------- */

void note_plan_release(struct note_plan *plan)
{
    memory_free(plan->pieces);
    buffer_release(&plan->spare);
    *plan = (struct note_plan){0};
}

static bool add_piece(struct note_plan *plan, struct note_piece piece)
{
    void *pieces = memory_grow(plan->pieces, plan->count, &plan->capacity, sizeof *plan->pieces);
    if (pieces == NULL)
        return false;
    plan->pieces = pieces;
    plan->pieces[plan->count++] = piece;
    return true;
}

/* The pieces of the set. What is told of a text in terms of the one after the earlier pieces is
 * the old place, moved by what those brought and took. */
static enum status find_pieces(struct note_text *text, const struct change_set *set,
                               struct note_plan *plan)
{
    size_t text_at = 0, brought = 0, taken = 0;
    uint32_t unit = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct change_part *part = &set->parts[i];
        size_t from, to;
        if (!part->kept) {
            if (!note_text_byte(text, unit, &from) ||
                !note_text_byte(text, unit + part->length, &to))
                return STATUS_INVALID_VALUE;
            if (!add_piece(plan, (struct note_piece){.from = from + brought - taken,
                                                     .removed = to - from,
                                                     .text_at = text_at,
                                                     .inserted = part->text_size}))
                return STATUS_NO_MEMORY;
            brought += part->text_size;
            taken += to - from;
        }
        text_at += part->text_size;
        unit += part->length;
    }
    plan->size = text->bytes.size + brought - taken;
    plan->most = text->bytes.size + brought;
    return STATUS_OK;
}

enum status note_text_plan(struct note_text *text, const struct change_set *set,
                           struct note_plan *plan)
{
    plan->count = 0;
    plan->size = text->bytes.size;
    plan->units = text->units;
    buffer_clear(&plan->spare);
    if (set->count == 0)
        return STATUS_OK;
    if (set->before != text->units)
        return STATUS_INVALID_VALUE;
    const enum status status = find_pieces(text, set, plan);
    if (status != STATUS_OK)
        return status;
    plan->units = set->after;
    const bool anew = plan->count > MOVES_MOST;
    struct buffer *const room = anew ? &plan->spare : &text->bytes;
    const size_t more = anew ? plan->size : plan->most - text->bytes.size;
    if (!buffer_reserve(room, more + 1)) {
        room->failed = false;
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static void change_in_place(struct note_text *text, const struct change_set *set,
                            const struct note_plan *plan)
{
    struct buffer *bytes = &text->bytes;
    for (size_t i = 0; i < plan->count; i++) {
        const struct note_piece *piece = &plan->pieces[i];
        uint8_t *at = bytes->data + piece->from;
        const size_t behind = bytes->size - piece->from - piece->removed;
        memmove(at + piece->inserted, at + piece->removed, behind);
        if (piece->inserted > 0)
            memcpy(at, set->text.data + piece->text_at, piece->inserted);
        bytes->size = bytes->size - piece->removed + piece->inserted;
    }
}

static void append_slice(struct buffer *out, const struct buffer *from, size_t at, size_t size)
{
    const struct bytes slice = bytes_slice(buffer_bytes(from), at, size);
    buffer_append(out, slice.data, slice.size);
}

static void change_anew(struct note_text *text, const struct change_set *set,
                        struct note_plan *plan)
{
    struct buffer *made = &plan->spare;
    size_t at = 0; /* in the old text */
    for (size_t i = 0; i < plan->count; i++) {
        const struct note_piece *piece = &plan->pieces[i];
        const size_t kept = piece->from - made->size;
        append_slice(made, &text->bytes, at, kept);
        append_slice(made, &set->text, piece->text_at, piece->inserted);
        at += kept + piece->removed;
    }
    append_slice(made, &text->bytes, at, text->bytes.size - at);
    assert(!made->failed); /* it was reserved */
    const struct buffer old = text->bytes;
    text->bytes = *made;
    *made = old;
}

void note_text_change(struct note_text *text, const struct change_set *set, struct note_plan *plan)
{
    if (plan->count == 0)
        return;
    const struct note_piece *last = &plan->pieces[plan->count - 1];
    if (plan->count > MOVES_MOST)
        change_anew(text, set, plan);
    else
        change_in_place(text, set, plan);
    assert(text->bytes.size == plan->size && text->bytes.capacity > plan->size);
    text->bytes.data[plan->size] = '\0';
    text->units = plan->units;
    const struct change_part *end = &set->parts[set->count - 1];
    set_mark(text, last->from + last->inserted, set->after - (end->kept ? end->length : 0));
}

enum status note_text_inverse(const struct note_text *text, const struct change_set *set,
                              const struct note_plan *plan, struct change_set *out)
{
    size_t piece = 0, brought = 0, taken = 0;
    change_set_clear(out);
    for (size_t i = 0; i < set->count; i++) {
        const struct change_part *part = &set->parts[i];
        if (part->kept) {
            change_set_keep(out, part->length);
            continue;
        }
        const struct note_piece *at = &plan->pieces[piece++];
        change_set_replace(
            out, part->inserted,
            bytes_slice(buffer_bytes(&text->bytes), at->from + taken - brought, at->removed),
            false);
        brought += at->inserted;
        taken += at->removed;
    }
    return out->state;
}

#include "server/core/note/note_row.h"

#include <assert.h>

#include "server/core/note/note_place.h"

#define ROW_FORMAT 1

static void append_text(struct buffer *out, struct bytes text)
{
    uint8_t size[4];
    assert(text.size <= UINT32_MAX);
    put_u32(size, (uint32_t)text.size);
    buffer_append(out, size, sizeof size);
    buffer_append(out, text.data, text.size);
}

static struct bytes take_text(struct note_place *place)
{
    const struct bytes size = note_take(place, 4);
    return note_take(place, size.data ? get_u32(size.data) : 0);
}

static struct note_place begin(struct bytes row)
{
    struct note_place place = {row, row.data == NULL};
    if (note_take_u8(&place) != ROW_FORMAT)
        place.bad = true;
    return place;
}

void note_head_encode(struct buffer *out, const struct note_head *head)
{
    const uint64_t numbers[] = {head->version, head->oldest,     head->settled,    head->snapshot,
                                head->logged,  head->waiting_ms, head->changed_ms, head->due_ms};
    buffer_append_byte(out, ROW_FORMAT);
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        buffer_append_u64(out, numbers[i]);
    buffer_append_short(out, head->by);
    append_text(out, head->text);
    buffer_append(out, head->runs.data, head->runs.size);
}

enum status note_head_decode(struct bytes row, struct note_head *out)
{
    struct note_place place = begin(row);
    uint64_t *const numbers[] = {&out->version, &out->oldest,     &out->settled,    &out->snapshot,
                                 &out->logged,  &out->waiting_ms, &out->changed_ms, &out->due_ms};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = note_take_u64(&place);
    out->by = note_take(&place, note_take_u8(&place));
    out->text = take_text(&place);
    out->runs = place.left;
    const bool ordered = out->oldest <= out->snapshot && out->snapshot <= out->version &&
                         out->settled <= out->version;
    return place.bad || !ordered ? STATUS_CORRUPT : STATUS_OK;
}

void note_snapshot_encode(struct buffer *out, const struct note_snapshot *snapshot)
{
    buffer_append_byte(out, ROW_FORMAT);
    buffer_append_u64(out, snapshot->at_ms);
    append_text(out, snapshot->text);
    buffer_append(out, snapshot->runs.data, snapshot->runs.size);
}

enum status note_snapshot_decode(struct bytes row, struct note_snapshot *out)
{
    struct note_place place = begin(row);
    out->at_ms = note_take_u64(&place);
    out->text = take_text(&place);
    out->runs = place.left;
    return place.bad ? STATUS_CORRUPT : STATUS_OK;
}

void note_horizon_encode(struct buffer *out, uint64_t before_ms)
{
    buffer_append_byte(out, ROW_FORMAT);
    buffer_append_u64(out, before_ms);
}

enum status note_horizon_decode(struct bytes row, uint64_t *before_ms)
{
    struct note_place place = begin(row);
    *before_ms = note_take_u64(&place);
    return place.bad || place.left.size > 0 ? STATUS_CORRUPT : STATUS_OK;
}

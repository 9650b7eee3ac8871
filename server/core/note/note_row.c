#include "server/core/note/note_row.h"

#include <assert.h>
#include <string.h>

#define ROW_FORMAT 1

static void append_text(struct buffer *out, struct bytes text)
{
    uint8_t size[4];
    assert(text.size <= UINT32_MAX);
    put_u32(size, (uint32_t)text.size);
    buffer_append(out, size, sizeof size);
    buffer_append(out, text.data, text.size);
}

/* A place in a row; once `bad`, every take gives zeros. */
struct place {
    struct bytes left;
    bool bad;
};

static struct bytes take(struct place *place, size_t size)
{
    if (place->bad || place->left.size < size) {
        place->bad = true;
        return (struct bytes){NULL, 0};
    }
    const struct bytes taken = {place->left.data, size};
    place->left.data += size;
    place->left.size -= size;
    return taken;
}

static uint8_t take_u8(struct place *place)
{
    const struct bytes octet = take(place, 1);
    return octet.data ? *octet.data : 0;
}

static uint64_t take_u64(struct place *place)
{
    const struct bytes octets = take(place, 8);
    return octets.data ? get_u64(octets.data) : 0;
}

static struct bytes take_text(struct place *place)
{
    const struct bytes size = take(place, 4);
    return take(place, size.data ? get_u32(size.data) : 0);
}

static struct place begin(struct bytes row)
{
    struct place place = {row, row.data == NULL};
    if (take_u8(&place) != ROW_FORMAT)
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
    struct place place = begin(row);
    uint64_t *const numbers[] = {&out->version, &out->oldest,     &out->settled,    &out->snapshot,
                                 &out->logged,  &out->waiting_ms, &out->changed_ms, &out->due_ms};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = take_u64(&place);
    out->by = take(&place, take_u8(&place));
    out->text = take_text(&place);
    out->runs = place.left;
    const bool ordered = out->oldest <= out->snapshot && out->snapshot <= out->version &&
                         out->settled <= out->version;
    return place.bad || !ordered ? STATUS_CORRUPT : STATUS_OK;
}

void note_entry_encode(struct buffer *out, const struct note_entry *entry)
{
    buffer_append_byte(out, ROW_FORMAT);
    buffer_append_u64(out, entry->at_ms);
    buffer_append_u64(out, entry->seq);
    buffer_append(out, entry->client.octet, ID_SIZE);
    buffer_append_short(out, entry->by);
    buffer_append(out, entry->changes.data, entry->changes.size);
}

enum status note_entry_decode(struct bytes row, uint64_t version, struct note_entry *out)
{
    struct place place = begin(row);
    out->version = version;
    out->at_ms = take_u64(&place);
    out->seq = take_u64(&place);
    const struct bytes client = take(&place, ID_SIZE);
    if (client.data)
        memcpy(out->client.octet, client.data, ID_SIZE);
    out->by = take(&place, take_u8(&place));
    out->changes = place.left;
    return place.bad || out->changes.size == 0 ? STATUS_CORRUPT : STATUS_OK;
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
    struct place place = begin(row);
    out->at_ms = take_u64(&place);
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
    struct place place = begin(row);
    *before_ms = take_u64(&place);
    return place.bad || place.left.size > 0 ? STATUS_CORRUPT : STATUS_OK;
}

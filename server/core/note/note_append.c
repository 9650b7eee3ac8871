#include "server/core/note/note_append.h"

#include <assert.h>

void note_append_release(struct note_append *append)
{
    buffer_release(&append->row);
    buffer_release(&append->full);
}

/* To the end of the row; not at all when that is not where the note is. */
static void go_on(struct note_append *append, uint64_t first, uint64_t version, uint32_t units)
{
    struct note_block *block = &append->block;
    struct note_entry entry;
    enum status status = note_block_begin(buffer_bytes(&append->row), first, block);
    if (status == STATUS_OK && !note_block_grows(block))
        status = STATUS_CORRUPT;
    while (status == STATUS_OK)
        status = note_block_next(block, &entry, NULL);
    if (status != STATUS_NOT_FOUND || block->version != version || block->units != units)
        buffer_clear(&append->row);
}

enum status note_append_begin(struct note_append *append, const struct state *state, struct id note,
                              uint64_t snapshot, uint64_t version, uint32_t units)
{
    struct bytes row;
    uint64_t first = 0;
    *append = (struct note_append){.bytes = 0};
    const enum status status =
        version == snapshot
            ? STATUS_NOT_FOUND
            : state->ops->note_before(state->self, NOTE_LOG, note, version + 1, &first, &row);
    if (status == STATUS_NOT_FOUND || status == STATUS_CORRUPT)
        return STATUS_OK;
    if (status != STATUS_OK || first <= snapshot || row.size > NOTE_BLOCK_BYTES)
        return status;
    buffer_append(&append->row, row.data, row.size);
    if (append->row.failed)
        return STATUS_NO_MEMORY;
    go_on(append, first, version, units);
    return STATUS_OK;
}

static void put_aside(struct note_append *append)
{
    uint8_t size[4];
    put_u32(size, (uint32_t)append->row.size);
    buffer_append_u64(&append->full, append->block.first);
    buffer_append(&append->full, size, sizeof size);
    buffer_append(&append->full, append->row.data, append->row.size);
}

enum status note_append_add(struct note_append *append, const struct note_entry *entry)
{
    const size_t size = append->row.size;
    if (size > 0 && note_block_add(&append->block, &append->row, entry)) {
        append->bytes += append->row.size - size;
    } else {
        if (append->changed)
            put_aside(append);
        note_block_start(&append->block, &append->row, entry);
        const bool added = note_block_add(&append->block, &append->row, entry);
        assert(added);
        append->bytes += append->row.size;
    }
    append->changed = true;
    return append->row.failed || append->full.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status note_append_write(const struct note_append *append, const struct state *state,
                              struct id note)
{
    enum status status = STATUS_OK;
    for (size_t at = 0; at < append->full.size && status == STATUS_OK;) {
        const uint8_t *row = append->full.data + at;
        const size_t size = get_u32(row + 8);
        status = state->ops->put_note_row(state->self, NOTE_LOG, note, get_u64(row),
                                          bytes_of(row + 12, size));
        at += 12 + size;
    }
    if (status == STATUS_OK && append->changed)
        status = state->ops->put_note_row(state->self, NOTE_LOG, note, append->block.first,
                                          buffer_bytes(&append->row));
    return status;
}

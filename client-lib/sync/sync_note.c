#include "client-lib/sync/sync_note.h"

#include <string.h>

#include "protocol/memory.h"

struct sync_note *sync_note_add(struct sync *sync, tandem_event_kind kind, uint64_t seq)
{
    struct sync_note *notes =
        memory_grow(sync->notes, sync->note_count, &sync->note_capacity, sizeof *notes);
    if (notes == NULL)
        return NULL;
    sync->notes = notes;
    struct sync_note *note = &sync->notes[sync->note_count++];
    memset(note, 0, sizeof *note);
    note->event.kind = kind;
    note->event.seq = seq;
    note->event.detail = "";
    return note;
}

void sync_notes_tell(struct sync *sync)
{
    /* An event's callback may call back into sync_want(), which tells of events itself: the list
     * is taken over first. */
    struct sync_note *notes = sync->notes;
    size_t count = sync->note_count;
    struct buffer removed = sync->removed;
    sync->notes = NULL;
    sync->note_count = sync->note_capacity = 0;
    sync->removed = (struct buffer){0};
    for (size_t i = 0; i < count; i++) {
        if (notes[i].event.kind == TANDEM_EVENT_REMOVED)
            notes[i].event.record =
                bytes_of(removed.data + notes[i].removed_at, notes[i].removed_size);
        sync->port.event(sync->port.context, &notes[i].event);
    }
    memory_free(notes);
    buffer_release(&removed);
}

void sync_notes_clear(struct sync *sync)
{
    sync->note_count = 0;
    buffer_clear(&sync->removed);
}

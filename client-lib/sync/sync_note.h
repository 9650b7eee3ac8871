/* The events of one data message, kept until it is committed. Internal to sync. */
#ifndef TANDEM_CLIENT_LIB_SYNC_NOTE_H
#define TANDEM_CLIENT_LIB_SYNC_NOTE_H

#include "client-lib/sync/sync.h"

struct sync_note {
    struct sync_event event;
    size_t removed_at; /* REMOVED: where in sync->removed the record's bytes begin */
    size_t removed_size;
};

/* A new note of the kind; NULL when out of memory. */
struct sync_note *sync_note_add(struct sync *sync, tandem_event_kind kind, uint64_t seq);
/* Tells of all of them in order, or forgets them. */
void sync_notes_tell(struct sync *sync);
void sync_notes_clear(struct sync *sync);

#endif

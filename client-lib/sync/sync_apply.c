#include "client-lib/sync/sync_apply.h"

#include "client-lib/sync/sync_internal.h"
#include "client-lib/sync/sync_note.h"

static enum status purge_scope(struct sync *sync, struct scope scope, uint64_t seq)
{
    size_t count = 0;
    enum status status = sync->store->purge(sync->replica, scope, &count);
    if (status == STATUS_OK)
        status = sync_check_leave(sync, scope);
    if (status != STATUS_OK)
        return status;
    struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_PURGED, seq);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.scope = scope;
    return STATUS_OK;
}

static enum status enter_scope(struct sync *sync, struct scope scope, uint64_t from, uint64_t seq)
{
    size_t count = 0;
    struct replica_backfill backfill = {.scope = scope, .from = 0, .until = from};
    enum status status = sync->store->purge(sync->replica, scope, &count);
    if (status == STATUS_OK && from != 0)
        status = sync->store->put_backfill(sync->replica, &backfill);
    if (status != STATUS_OK)
        return status;
    struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_ENTERED, seq);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.scope = scope;
    return STATUS_OK;
}

/* Runs through an array of scopes: purged, or entered when `entered`. */
static enum status apply_scopes(struct sync *sync, struct bytes array, bool entered, uint64_t from,
                                uint64_t seq)
{
    struct wire_reader reader = wire_read(array);
    uint32_t count = 0;
    if (array.size == 0)
        return STATUS_OK;
    if (!wire_get_array(&reader, &count))
        return STATUS_MALFORMED;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes bytes;
        struct scope scope;
        if (!wire_get_bin(&reader, &bytes) || !scope_from_bytes(bytes, &scope))
            return STATUS_MALFORMED;
        enum status status =
            entered ? enter_scope(sync, scope, from, seq) : purge_scope(sync, scope, seq);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status remove_record(struct sync *sync, struct id id, uint64_t seq)
{
    size_t at = sync->removed.size;
    enum status status = sync->store->remove(sync->replica, id, &sync->removed);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_REMOVED, seq);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.id = id;
    note->removed_at = at;
    note->removed_size = sync->removed.size - at;
    return STATUS_OK;
}

static enum status apply_removed(struct sync *sync, struct bytes array, uint64_t seq)
{
    struct wire_reader reader = wire_read(array);
    uint32_t count = 0;
    if (array.size == 0)
        return STATUS_OK;
    if (!wire_get_array(&reader, &count))
        return STATUS_MALFORMED;
    for (uint32_t i = 0; i < count; i++) {
        struct id id;
        if (!wire_get_id(&reader, &id))
            return STATUS_MALFORMED;
        enum status status = remove_record(sync, id, seq);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Stores a record; one of a backfill only when no version as new is held. */
static enum status store_record(struct sync *sync, struct bytes encoded, bool older)
{
    struct record_view view;
    uint64_t held = 0;
    if (!record_view_read(encoded, &view))
        return STATUS_MALFORMED;
    if (older) {
        enum status found = sync->store->held_seq(sync->replica, view.id, &held);
        if (found == STATUS_OK && held >= view.seq)
            return STATUS_OK;
        if (found != STATUS_OK && found != STATUS_NOT_FOUND)
            return found;
    }
    enum status status = sync->store->put(sync->replica, &view, encoded);
    if (status != STATUS_OK)
        return status;
    struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_CHANGED, view.seq);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.record = encoded;
    note->event.id = view.id;
    return STATUS_OK;
}

static enum status apply_records(struct sync *sync, struct bytes array, bool older)
{
    struct wire_reader reader = wire_read(array);
    uint32_t count = 0;
    if (array.size == 0)
        return STATUS_OK;
    if (!wire_get_array(&reader, &count))
        return STATUS_MALFORMED;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes encoded;
        if (!wire_skip(&reader, &encoded))
            return STATUS_MALFORMED;
        enum status status = store_record(sync, encoded, older);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status sync_apply_changes(struct sync *sync, const struct msg_changes *changes)
{
    enum status status = apply_scopes(sync, changes->purged, false, changes->from, changes->to);
    if (status == STATUS_OK)
        status = apply_scopes(sync, changes->entered, true, changes->from, changes->to);
    if (status == STATUS_OK)
        status = apply_removed(sync, changes->removed, changes->to);
    if (status == STATUS_OK)
        status = apply_records(sync, changes->records, false);
    if (status == STATUS_OK)
        status = sync->store->set_cursor(sync->replica, changes->to);
    return status;
}

enum status sync_apply_ahead(struct sync *sync, const struct msg_backfill *backfill)
{
    return apply_records(sync, backfill->records, true);
}

enum status sync_apply_backfill(struct sync *sync, const struct msg_backfill *backfill)
{
    struct replica_backfill noted = {backfill->scope, backfill->to, backfill->until};
    enum status status = apply_records(sync, backfill->records, true);
    if (status != STATUS_OK)
        return status;
    if (backfill->done)
        return sync->store->drop_backfill(sync->replica, backfill->scope);
    return sync->store->put_backfill(sync->replica, &noted);
}

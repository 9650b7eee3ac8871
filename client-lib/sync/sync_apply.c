#include "client-lib/sync/sync_apply.h"

#include "client-lib/sync/sync_internal.h"
#include "client-lib/sync/sync_note.h"

/* What a message says of all that it lists. */
struct told {
    uint64_t from, to;
    bool older; /* records: only where no version as new is held */
};

typedef enum status element_fn(struct sync *sync, struct bytes element, const struct told *told);

/* Applies an array element by element; none is an empty one. */
static enum status apply_each(struct sync *sync, struct bytes array, element_fn *apply,
                              const struct told *told)
{
    struct wire_reader reader = wire_read(array);
    uint32_t count = 0;
    if (array.size == 0)
        return STATUS_OK;
    if (!wire_get_array(&reader, &count))
        return STATUS_MALFORMED;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes element;
        if (!wire_skip(&reader, &element))
            return STATUS_MALFORMED;
        enum status status = apply(sync, element, told);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static bool read_scope(struct bytes element, struct scope *out)
{
    struct wire_reader reader = wire_read(element);
    struct bytes bytes;
    return wire_get_bin(&reader, &bytes) && scope_from_bytes(bytes, out);
}

static enum status purge_scope(struct sync *sync, struct bytes element, const struct told *told)
{
    struct scope scope;
    size_t count = 0;
    if (!read_scope(element, &scope))
        return STATUS_MALFORMED;
    enum status status = sync->store->purge(sync->replica, scope, &count);
    if (status == STATUS_OK)
        status = sync_check_leave(sync, scope);
    if (status != STATUS_OK)
        return status;
    struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_PURGED, told->to);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.scope = scope;
    return STATUS_OK;
}

static enum status enter_scope(struct sync *sync, struct bytes element, const struct told *told)
{
    struct replica_backfill backfill = {.from = 0, .until = told->from};
    size_t count = 0;
    if (!read_scope(element, &backfill.scope))
        return STATUS_MALFORMED;
    const struct scope scope = backfill.scope;
    enum status status = sync->store->purge(sync->replica, scope, &count);
    if (status == STATUS_OK && told->from != 0)
        status = sync->store->put_backfill(sync->replica, &backfill);
    if (status != STATUS_OK)
        return status;
    struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_ENTERED, told->to);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.scope = scope;
    return STATUS_OK;
}

static enum status remove_record(struct sync *sync, struct bytes element, const struct told *told)
{
    struct wire_reader reader = wire_read(element);
    struct id id;
    size_t at = sync->removed.size;
    if (!wire_get_id(&reader, &id))
        return STATUS_MALFORMED;
    enum status status = sync->store->remove(sync->replica, id, &sync->removed);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_REMOVED, told->to);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.id = id;
    note->removed_at = at;
    note->removed_size = sync->removed.size - at;
    return STATUS_OK;
}

/* Stores a record; one of a backfill only when no version as new is held. */
static enum status store_record(struct sync *sync, struct bytes encoded, const struct told *told)
{
    struct record_view view;
    uint64_t held = 0;
    if (!record_view_read(encoded, &view))
        return STATUS_MALFORMED;
    if (told->older) {
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

enum status sync_apply_changes(struct sync *sync, const struct msg_changes *changes)
{
    const struct told told = {.from = changes->from, .to = changes->to};
    enum status status = apply_each(sync, changes->purged, purge_scope, &told);
    if (status == STATUS_OK)
        status = apply_each(sync, changes->entered, enter_scope, &told);
    if (status == STATUS_OK)
        status = apply_each(sync, changes->removed, remove_record, &told);
    if (status == STATUS_OK)
        status = apply_each(sync, changes->records, store_record, &told);
    if (status == STATUS_OK)
        status = sync->store->set_cursor(sync->replica, changes->to);
    return status;
}

enum status sync_apply_ahead(struct sync *sync, const struct msg_backfill *backfill)
{
    const struct told told = {.older = true};
    return apply_each(sync, backfill->records, store_record, &told);
}

enum status sync_apply_backfill(struct sync *sync, const struct msg_backfill *backfill)
{
    struct replica_backfill noted = {backfill->scope, backfill->to, backfill->until};
    enum status status = sync_apply_ahead(sync, backfill);
    if (status != STATUS_OK)
        return status;
    if (backfill->done)
        return sync->store->drop_backfill(sync->replica, backfill->scope);
    return sync->store->put_backfill(sync->replica, &noted);
}

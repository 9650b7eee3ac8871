#include "server/store/view.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct view *view_from(void *self)
{
    struct view *view = self;
    assert(view != NULL && view->magic == VIEW_MAGIC && view->txn != NULL);
    return view;
}

enum status view_fail(struct view *view, enum status status)
{
    if (view->failed == STATUS_OK)
        view->failed = status;
    return status;
}

void view_close_walkers(struct view *view)
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        if (view->walkers[i].cursor != NULL)
            mdb_cursor_close(view->walkers[i].cursor);
        view->walkers[i] = (struct walker){0};
    }
}

enum status view_status(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return STATUS_OK;
    case MDB_NOTFOUND:
        return STATUS_NOT_FOUND;
    case MDB_KEYEXIST:
        return STATUS_EXISTS;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return STATUS_READ_ONLY;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    case MDB_READERS_FULL:
        return STATUS_BUSY;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return STATUS_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return STATUS_FORMAT_VERSION;
    default:
        return STATUS_IO;
    }
}

static MDB_val val_of(struct bytes bytes)
{
    return (MDB_val){.mv_size = bytes.size, .mv_data = (void *)(uintptr_t)bytes.data};
}

static struct bytes bytes_of_val(const MDB_val *val)
{
    return bytes_of(val->mv_data, val->mv_size);
}

enum status view_get(struct view *view, enum table table, struct bytes key, struct bytes *value)
{
    MDB_val at = val_of(key), found;
    const enum status status = view_status(mdb_get(view->txn, view->tables[table], &at, &found));
    if (status == STATUS_OK)
        *value = bytes_of_val(&found);
    return status;
}

enum status view_get_sealed(struct view *view, enum table table, struct bytes key,
                            struct bytes *payload)
{
    struct bytes sealed;
    const enum status status = view_get(view, table, key, &sealed);
    return status == STATUS_OK ? sealed_open(key, sealed, payload) : status;
}

/* The table's walker, in the present snapshot. */
static enum status walker_of(struct view *view, enum table table, struct walker **out)
{
    struct walker *walker = &view->walkers[table];
    int code = MDB_SUCCESS;
    if (walker->cursor == NULL)
        code = mdb_cursor_open(view->txn, view->tables[table], &walker->cursor);
    else if (walker->snapshot != view->snapshot)
        code = mdb_cursor_renew(view->txn, walker->cursor);
    else {
        *out = walker;
        return STATUS_OK;
    }
    if (code != MDB_SUCCESS)
        return view_status(code);
    walker->snapshot = view->snapshot;
    walker->standing = false;
    *out = walker;
    return STATUS_OK;
}

static bool stands_at(struct walker *walker, struct bytes key)
{
    MDB_val at, value;
    if (!walker->standing || mdb_cursor_get(walker->cursor, &at, &value, MDB_GET_CURRENT) != 0)
        return false;
    return bytes_equal(bytes_of_val(&at), key);
}

/* Gives the entry the cursor was moved to. */
static enum status arrive(struct walker *walker, int code, const MDB_val *at,
                          const MDB_val *data, struct bytes *found, struct bytes *value)
{
    walker->standing = code == MDB_SUCCESS;
    if (code != MDB_SUCCESS)
        return view_status(code);
    if (found != NULL)
        *found = bytes_of_val(at);
    if (value != NULL)
        *value = bytes_of_val(data);
    return STATUS_OK;
}

enum status view_behind(struct view *view, enum table table, struct bytes key, bool inclusive,
                        struct bytes *found, struct bytes *value)
{
    struct walker *walker;
    const enum status status = walker_of(view, table, &walker);
    if (status != STATUS_OK)
        return status;
    MDB_val at = val_of(key), data;
    int code;
    if (key.size == 0) {
        code = mdb_cursor_get(walker->cursor, &at, &data, MDB_FIRST);
    } else if (!inclusive && stands_at(walker, key)) {
        code = mdb_cursor_get(walker->cursor, &at, &data, MDB_NEXT);
    } else {
        code = mdb_cursor_get(walker->cursor, &at, &data, MDB_SET_RANGE);
        if (code == MDB_SUCCESS && !inclusive && bytes_equal(bytes_of_val(&at), key))
            code = mdb_cursor_get(walker->cursor, &at, &data, MDB_NEXT);
    }
    return arrive(walker, code, &at, &data, found, value);
}

enum status view_before(struct view *view, enum table table, struct bytes key,
                        struct bytes *found, struct bytes *value)
{
    struct walker *walker;
    const enum status status = walker_of(view, table, &walker);
    if (status != STATUS_OK)
        return status;
    MDB_val at = val_of(key), data;
    int code = MDB_NOTFOUND;
    if (key.size > 0)
        code = stands_at(walker, key)
                   ? MDB_SUCCESS
                   : mdb_cursor_get(walker->cursor, &at, &data, MDB_SET_RANGE);
    if (code == MDB_SUCCESS)
        code = mdb_cursor_get(walker->cursor, &at, &data, MDB_PREV);
    else if (code == MDB_NOTFOUND)
        code = mdb_cursor_get(walker->cursor, &at, &data, MDB_LAST);
    return arrive(walker, code, &at, &data, found, value);
}

static enum status changed(struct view *view, int code)
{
    const enum status status = view_status(code);
    if (status == STATUS_OK || status == STATUS_EXISTS || status == STATUS_NOT_FOUND)
        return status;
    return view_fail(view, status);
}

enum status view_put(struct view *view, enum table table, struct bytes key, struct bytes value,
                     unsigned flags)
{
    assert(view->writable && key.size > 0);
    view_close_walkers(view);
    MDB_val at = val_of(key), data = val_of(value);
    return changed(view, mdb_put(view->txn, view->tables[table], &at, &data, flags));
}

enum status view_put_sealed(struct view *view, enum table table, struct bytes key,
                            struct bytes payload, unsigned flags)
{
    buffer_clear(&view->scratch);
    sealed_put(&view->scratch, key, payload);
    if (view->scratch.failed)
        return view_fail(view, STATUS_NO_MEMORY);
    return view_put(view, table, key, buffer_bytes(&view->scratch), flags);
}

enum status view_append(struct view *view, enum table table, struct bytes key, struct bytes value)
{
    const enum status status = view_put(view, table, key, value, MDB_APPEND);
    if (status != STATUS_EXISTS)
        return status;
    return view_put(view, table, key, value, MDB_NOOVERWRITE);
}

enum status view_delete(struct view *view, enum table table, struct bytes key)
{
    assert(view->writable && key.size > 0);
    view_close_walkers(view);
    MDB_val at = val_of(key);
    return changed(view, mdb_del(view->txn, view->tables[table], &at, NULL));
}

#include "server/store/txn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct txn *txn_from(void *self)
{
    struct txn *txn = self;
    assert(txn != NULL && txn->magic == TXN_MAGIC && txn->handle != NULL);
    return txn;
}

enum status txn_fail(struct txn *txn, enum status status)
{
    if (txn->failed == STATUS_OK)
        txn->failed = status;
    return status;
}

void txn_close_walkers(struct txn *txn)
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        if (txn->walkers[i].cursor != NULL)
            mdb_cursor_close(txn->walkers[i].cursor);
        txn->walkers[i] = (struct walker){0};
    }
}

enum status txn_status(int code)
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

enum status txn_get(struct txn *txn, enum table table, struct bytes key, struct bytes *value)
{
    MDB_val at = val_of(key), found;
    const enum status status = txn_status(mdb_get(txn->handle, txn->tables[table], &at, &found));
    if (status == STATUS_OK)
        *value = bytes_of_val(&found);
    return status;
}

enum status txn_get_sealed(struct txn *txn, enum table table, struct bytes key,
                           struct bytes *payload)
{
    struct bytes sealed;
    const enum status status = txn_get(txn, table, key, &sealed);
    return status == STATUS_OK ? sealed_open(key, sealed, payload) : status;
}

/* The table's walker, in the present snapshot. */
static enum status walker_of(struct txn *txn, enum table table, struct walker **out)
{
    struct walker *walker = &txn->walkers[table];
    int code = MDB_SUCCESS;
    if (walker->cursor == NULL)
        code = mdb_cursor_open(txn->handle, txn->tables[table], &walker->cursor);
    else if (walker->snapshot != txn->snapshot)
        code = mdb_cursor_renew(txn->handle, walker->cursor);
    else {
        *out = walker;
        return STATUS_OK;
    }
    if (code != MDB_SUCCESS)
        return txn_status(code);
    walker->snapshot = txn->snapshot;
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
static enum status arrive(struct walker *walker, int code, const MDB_val *at, const MDB_val *data,
                          struct bytes *found, struct bytes *value)
{
    walker->standing = code == MDB_SUCCESS;
    if (code != MDB_SUCCESS)
        return txn_status(code);
    if (found != NULL)
        *found = bytes_of_val(at);
    if (value != NULL)
        *value = bytes_of_val(data);
    return STATUS_OK;
}

enum status txn_behind(struct txn *txn, enum table table, struct bytes key, bool inclusive,
                       struct bytes *found, struct bytes *value)
{
    struct walker *walker = NULL;
    const enum status status = walker_of(txn, table, &walker);
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

enum status txn_before(struct txn *txn, enum table table, struct bytes key, struct bytes *found,
                       struct bytes *value)
{
    struct walker *walker = NULL;
    const enum status status = walker_of(txn, table, &walker);
    if (status != STATUS_OK)
        return status;
    MDB_val at = val_of(key), data;
    int code = MDB_NOTFOUND;
    if (key.size > 0)
        code = stands_at(walker, key) ? MDB_SUCCESS
                                      : mdb_cursor_get(walker->cursor, &at, &data, MDB_SET_RANGE);
    if (code == MDB_SUCCESS)
        code = mdb_cursor_get(walker->cursor, &at, &data, MDB_PREV);
    else if (code == MDB_NOTFOUND)
        code = mdb_cursor_get(walker->cursor, &at, &data, MDB_LAST);
    return arrive(walker, code, &at, &data, found, value);
}

static enum status changed(struct txn *txn, int code)
{
    const enum status status = txn_status(code);
    if (status == STATUS_OK || status == STATUS_EXISTS || status == STATUS_NOT_FOUND)
        return status;
    return txn_fail(txn, status);
}

enum status txn_put(struct txn *txn, enum table table, struct bytes key, struct bytes value,
                    unsigned flags)
{
    assert(txn->writable && key.size > 0);
    txn_close_walkers(txn);
    MDB_val at = val_of(key), data = val_of(value);
    return changed(txn, mdb_put(txn->handle, txn->tables[table], &at, &data, flags));
}

enum status txn_put_sealed(struct txn *txn, enum table table, struct bytes key,
                           struct bytes payload, unsigned flags)
{
    buffer_clear(&txn->scratch);
    sealed_put(&txn->scratch, key, payload);
    if (txn->scratch.failed)
        return txn_fail(txn, STATUS_NO_MEMORY);
    return txn_put(txn, table, key, buffer_bytes(&txn->scratch), flags);
}

enum status txn_append(struct txn *txn, enum table table, struct bytes key, struct bytes value)
{
    const enum status status = txn_put(txn, table, key, value, MDB_APPEND);
    if (status != STATUS_EXISTS)
        return status;
    return txn_put(txn, table, key, value, MDB_NOOVERWRITE);
}

enum status txn_delete(struct txn *txn, enum table table, struct bytes key)
{
    assert(txn->writable && key.size > 0);
    txn_close_walkers(txn);
    MDB_val at = val_of(key);
    return changed(txn, mdb_del(txn->handle, txn->tables[table], &at, NULL));
}

/* Walks over the replica's tables, in or against the order of their keys. */
#include "client-lib/replica/replica_lmdb.h"

#include <string.h>

/* Hands over the record that an index key names by its last 16 bytes; NOT_FOUND. `more` becomes
 * false when the callback has had enough. */
static enum status visit(struct replica *replica, MDB_txn *txn, MDB_val key, replica_walk_fn *each,
                         void *context, bool *more)
{
    MDB_val data;
    if (key.mv_size < ID_SIZE)
        return STATUS_NOT_FOUND;
    MDB_val id = environment_val((const uint8_t *)key.mv_data + key.mv_size - ID_SIZE, ID_SIZE);
    int code = mdb_get(txn, replica->db.table[TABLE_RECORDS], &id, &data);
    if (code == 0)
        *more = each(context, bytes_of(data.mv_data, data.mv_size));
    return environment_status(code);
}

static int walk_start(MDB_cursor *cursor, const struct replica_range *range, MDB_val *key,
                      MDB_val *data)
{
    if (!range->backwards) {
        *key = environment_val(range->from.data, range->from.size);
        return mdb_cursor_get(cursor, key, data, range->from.size > 0 ? MDB_SET_RANGE : MDB_FIRST);
    }
    if (range->to.size == 0)
        return mdb_cursor_get(cursor, key, data, MDB_LAST);
    *key = environment_val(range->to.data, range->to.size);
    int code = mdb_cursor_get(cursor, key, data, MDB_SET_RANGE);
    return mdb_cursor_get(cursor, key, data, code == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
}

static bool in_range(const struct replica_range *range, MDB_val key)
{
    struct bytes at = bytes_of(key.mv_data, key.mv_size);
    if (range->from.size > 0 && bytes_compare(at, range->from) < 0)
        return false;
    return range->to.size == 0 || bytes_compare(at, range->to) < 0;
}

static enum status pass_over(const struct replica_range *range)
{
    if (range->missing == NULL)
        return STATUS_CORRUPT;
    ++*range->missing;
    return STATUS_OK;
}

enum status replica_walk_in(struct replica *replica, MDB_txn *txn,
                            const struct replica_range *range, replica_walk_fn *each, void *context,
                            bool *more)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, data;
    enum status status = STATUS_OK;
    int code = mdb_cursor_open(txn, replica->db.table[range->table], &cursor);
    if (code == 0)
        code = walk_start(cursor, range, &key, &data);
    while (code == 0 && status == STATUS_OK && *more && in_range(range, key)) {
        if (range->table == TABLE_RECORDS)
            *more = each(context, bytes_of(data.mv_data, data.mv_size));
        else
            status = visit(replica, txn, key, each, context, more);
        if (status == STATUS_NOT_FOUND)
            status = pass_over(range);
        if (*more)
            code = mdb_cursor_get(cursor, &key, &data, range->backwards ? MDB_PREV : MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (status == STATUS_OK && code != 0 && code != MDB_NOTFOUND)
        status = environment_status(code);
    return status;
}

enum status replica_walk(struct replica *replica, const struct replica_range *range,
                         replica_walk_fn *each, void *context)
{
    struct environment_reading reading;
    bool more = true;
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    status = replica_walk_in(replica, reading.txn, range, each, context, &more);
    environment_read_end(&replica->db, &reading);
    return status;
}

size_t replica_behind(struct bytes prefix, uint8_t *out)
{
    size_t size = prefix.size;
    memcpy(out, prefix.data, prefix.size);
    while (size > 0 && ++out[size - 1] == 0)
        size--;
    return size;
}

static enum status walk_entity(struct replica *replica, struct bytes entity, bool backwards,
                               replica_walk_fn *each, void *context)
{
    uint8_t prefix[RECORD_NAME_MAX + 1], behind[RECORD_NAME_MAX + 1];
    struct replica_range range = {.table = TABLE_RECORDS, .backwards = backwards};
    if (entity.size > RECORD_NAME_MAX)
        return STATUS_OK;
    if (entity.size > 0) {
        memcpy(prefix, entity.data, entity.size);
        prefix[entity.size] = 0;
        range.table = TABLE_ENTITIES;
        range.from = bytes_of(prefix, entity.size + 1);
        range.to = bytes_of(behind, replica_behind(range.from, behind));
    }
    return replica_walk(replica, &range, each, context);
}

enum status replica_each(struct replica *replica, struct bytes entity, replica_walk_fn *each,
                         void *context)
{
    return walk_entity(replica, entity, false, each, context);
}

enum status replica_each_back(struct replica *replica, struct bytes entity, replica_walk_fn *each,
                              void *context)
{
    return walk_entity(replica, entity, true, each, context);
}

enum status replica_timeline(struct replica *replica, struct scope scope, replica_walk_fn *each,
                             void *context)
{
    uint8_t prefix[SCOPE_SIZE], behind[SCOPE_SIZE];
    scope_put(scope, prefix);
    struct replica_range range = {.table = TABLE_TIMELINE, .backwards = true};
    range.from = bytes_of(prefix, sizeof prefix);
    range.to = bytes_of(behind, replica_behind(range.from, behind));
    return replica_walk(replica, &range, each, context);
}

enum status replica_timeline_between(struct replica *replica, struct scope scope, int64_t from_ms,
                                     int64_t to_ms, replica_walk_fn *each, void *context)
{
    static const struct id lowest;
    uint8_t from[KEY_TIME_SIZE], to[KEY_TIME_SIZE];
    if (from_ms >= to_ms)
        return STATUS_OK;
    key_time(scope, from_ms, lowest, from);
    key_time(scope, to_ms, lowest, to);
    const struct replica_range range = {.table = TABLE_TIMELINE,
                                        .from = bytes_of(from, sizeof from),
                                        .to = bytes_of(to, sizeof to),
                                        .backwards = true};
    return replica_walk(replica, &range, each, context);
}

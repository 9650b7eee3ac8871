#include "client-lib/replica/replica_lmdb.h"

#include <string.h>

enum status replica_subscription(struct replica *replica, struct buffer *out)
{
    struct environment_reading reading;
    struct bytes value = {0};
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    status = replica_meta_get(replica, reading.txn, "subscription", &value);
    if (status == STATUS_OK)
        buffer_append(out, value.data, value.size);
    environment_read_end(&replica->db, &reading);
    return out->failed ? STATUS_NO_MEMORY : status;
}

/* The first key of `table` at or behind `from` (`size` bytes); copies at most `room` bytes of key
 * and value. */
static enum status seek(struct replica *replica, enum replica_table table, const uint8_t *from,
                        size_t size, uint8_t *key_out, size_t key_room, uint8_t *value_out,
                        size_t value_room)
{
    struct environment_reading reading;
    MDB_cursor *cursor = NULL;
    MDB_val key = environment_val(from, size);
    MDB_val data;
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    int code = mdb_cursor_open(reading.txn, replica->db.table[table], &cursor);
    if (code == 0)
        code = mdb_cursor_get(cursor, &key, &data, size > 0 ? MDB_SET_RANGE : MDB_FIRST);
    status = environment_status(code);
    if (status == STATUS_OK) {
        if (key.mv_size < key_room || data.mv_size < value_room)
            status = STATUS_CORRUPT;
        else
            memcpy(key_out, key.mv_data, key_room);
        if (status == STATUS_OK && value_room > 0)
            memcpy(value_out, data.mv_data, value_room);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    environment_read_end(&replica->db, &reading);
    return status;
}

/* The smallest key behind every key that begins with the scope. */
static size_t behind_scope(const struct scope *after, uint8_t out[SCOPE_SIZE])
{
    if (after == NULL)
        return 0;
    scope_put(*after, out);
    for (size_t i = SCOPE_SIZE; i > 0; i--)
        if (++out[i - 1] != 0)
            break;
    return SCOPE_SIZE;
}

enum status replica_next_backfill(struct replica *replica, const struct scope *after,
                                  struct replica_backfill *out)
{
    uint8_t from[SCOPE_SIZE], key[SCOPE_SIZE], value[16];
    size_t size = behind_scope(after, from);
    enum status status = seek(replica, TABLE_BACKFILLS, from, size, key, sizeof key, value, 16);
    if (status != STATUS_OK)
        return status;
    out->from = get_u64(value);
    out->until = get_u64(value + 8);
    return scope_from_bytes(bytes_of(key, sizeof key), &out->scope) ? STATUS_OK : STATUS_CORRUPT;
}

enum status replica_find_backfill(struct replica *replica, struct scope scope,
                                  struct replica_backfill *out)
{
    uint8_t from[SCOPE_SIZE], key[SCOPE_SIZE], value[16];
    scope_put(scope, from);
    enum status status =
        seek(replica, TABLE_BACKFILLS, from, SCOPE_SIZE, key, sizeof key, value, 16);
    if (status != STATUS_OK)
        return status;
    if (memcmp(key, from, SCOPE_SIZE) != 0)
        return STATUS_NOT_FOUND;
    *out = (struct replica_backfill){scope, get_u64(value), get_u64(value + 8)};
    return STATUS_OK;
}

enum status replica_next_scope(struct replica *replica, const struct scope *after,
                               struct scope *out)
{
    uint8_t from[SCOPE_SIZE], key[SCOPE_SIZE];
    size_t size = behind_scope(after, from);
    enum status status = seek(replica, TABLE_SCOPES, from, size, key, sizeof key, NULL, 0);
    if (status != STATUS_OK)
        return status;
    return scope_from_bytes(bytes_of(key, sizeof key), out) ? STATUS_OK : STATUS_CORRUPT;
}

enum status replica_get(struct replica *replica, struct id id, replica_walk_fn *each, void *context)
{
    struct environment_reading reading;
    MDB_val key = environment_val(id.octet, ID_SIZE);
    MDB_val data;
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    status =
        environment_status(mdb_get(reading.txn, replica->db.table[TABLE_RECORDS], &key, &data));
    if (status == STATUS_OK)
        (void)each(context, bytes_of(data.mv_data, data.mv_size));
    environment_read_end(&replica->db, &reading);
    return status;
}

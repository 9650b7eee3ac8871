/* One scope of the replica as a whole: read for its checksum, or taken out although it is damaged,
 * and what the library remembers beside the records. */
#include "client-lib/replica/replica_lmdb.h"

#include <string.h>

enum status replica_set_subscription(struct replica *replica, struct bytes subscription)
{
    return replica_meta_put(replica, replica->write, "subscription", subscription);
}

enum status replica_mark(struct replica *replica, const char *name, struct buffer *out)
{
    struct environment_reading reading;
    struct bytes value;
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    status = replica_meta_get(replica, reading.txn, name, &value);
    if (status == STATUS_OK) {
        buffer_append(out, value.data, value.size);
        if (out->failed)
            status = STATUS_NO_MEMORY;
    }
    environment_read_end(&replica->db, &reading);
    return status;
}

enum status replica_set_mark(struct replica *replica, const char *name, struct bytes value)
{
    return replica_meta_put(replica, replica->write, name, value);
}

enum status replica_begin_anew(struct replica *replica, struct id user, struct bytes subscription)
{
    const struct id none = {{0}};
    enum status status = replica_note_remains(replica, REPLICA_PURGED);
    if (status == STATUS_OK)
        status = replica_empty(replica, none, subscription);
    if (status == STATUS_OK)
        status = replica_set_mark(replica, REPLICA_USER, bytes_of(user.octet, ID_SIZE));
    if (status == STATUS_OK)
        status = replica_set_mark(replica, REPLICA_CHECKED, (struct bytes){0});
    return status;
}

/* ---- Reading ---- */

static bool has_prefix(MDB_val key, const uint8_t prefix[SCOPE_SIZE])
{
    return key.mv_size > SCOPE_SIZE && memcmp(key.mv_data, prefix, SCOPE_SIZE) == 0;
}

static enum status visit(struct replica *replica, MDB_txn *txn, MDB_val key, replica_walk_fn *each,
                         void *context, bool *more)
{
    const uint8_t *id = (const uint8_t *)key.mv_data + SCOPE_SIZE;
    struct bytes encoded = {0};
    enum status status = environment_get(txn, replica->db.table[TABLE_RECORDS],
                                         bytes_of(id, key.mv_size - SCOPE_SIZE), &encoded);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *more = each(context, status == STATUS_OK ? encoded : (struct bytes){0});
    return STATUS_OK;
}

enum status replica_each_in(struct replica *replica, struct scope scope, replica_walk_fn *each,
                            void *context)
{
    uint8_t prefix[SCOPE_SIZE];
    struct environment_reading reading;
    MDB_cursor *cursor = NULL;
    MDB_val key, data;
    bool more = true;
    scope_put(scope, prefix);
    key = environment_val(prefix, sizeof prefix);
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    status =
        environment_status(mdb_cursor_open(reading.txn, replica->db.table[TABLE_SCOPES], &cursor));
    if (status == STATUS_OK)
        status = environment_status(mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE));
    while (status == STATUS_OK && has_prefix(key, prefix)) {
        status = visit(replica, reading.txn, key, each, context, &more);
        if (status != STATUS_OK || !more)
            break;
        status = environment_status(mdb_cursor_get(cursor, &key, &data, MDB_NEXT));
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    environment_read_end(&replica->db, &reading);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- Taking out what is damaged ---- */

static enum status delete_if_there(struct replica *replica, enum replica_table table,
                                   struct bytes key)
{
    enum status status = environment_del(replica->write, replica->db.table[table], key);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Removes a record with whatever its bytes imply. `*stray` becomes true when they cannot be read or
 * are missing: then it may stand in indexes that nothing tells of. */
static enum status take_out(struct replica *replica, struct id id, bool *stray)
{
    enum status status = replica_remove(replica, id, NULL);
    if (status != STATUS_NOT_FOUND && status != STATUS_CORRUPT)
        return status;
    *stray = true;
    status = delete_if_there(replica, TABLE_RECORDS, bytes_of(id.octet, ID_SIZE));
    return status == STATUS_OK ? replica_note_remains(replica, REPLICA_STALE) : status;
}

/* The first entry of the scope in the table, its key copied since writing moves pages. NOT_FOUND
 * when none is left. */
static enum status first_key(MDB_cursor *cursor, const uint8_t prefix[SCOPE_SIZE], uint8_t *out,
                             size_t room, size_t *size)
{
    MDB_val data;
    MDB_val key = environment_val(prefix, SCOPE_SIZE);
    enum status status = environment_status(mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE));
    if (status != STATUS_OK)
        return status;
    if (!has_prefix(key, prefix))
        return STATUS_NOT_FOUND;
    if (key.mv_size > room)
        return STATUS_CORRUPT;
    memcpy(out, key.mv_data, key.mv_size);
    *size = key.mv_size;
    return STATUS_OK;
}

static enum status take_out_records(struct replica *replica, MDB_cursor *cursor,
                                    const uint8_t prefix[SCOPE_SIZE], bool *stray)
{
    uint8_t key[KEY_ENTITY_MAX + KEY_TIME_SIZE];
    size_t size;
    enum status status;
    while ((status = first_key(cursor, prefix, key, sizeof key, &size)) == STATUS_OK) {
        struct id id;
        if (id_from_bytes(bytes_of(key + SCOPE_SIZE, size - SCOPE_SIZE), &id))
            status = take_out(replica, id, stray);
        else
            *stray = true;
        /* Also where the record's bytes speak of another scope. */
        if (status == STATUS_OK)
            status = delete_if_there(replica, TABLE_SCOPES, bytes_of(key, size));
        if (status != STATUS_OK)
            return status;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status take_out_times(struct replica *replica, MDB_cursor *cursor,
                                  const uint8_t prefix[SCOPE_SIZE])
{
    uint8_t key[KEY_ENTITY_MAX + KEY_TIME_SIZE];
    size_t size;
    enum status status;
    while ((status = first_key(cursor, prefix, key, sizeof key, &size)) == STATUS_OK) {
        status = delete_if_there(replica, TABLE_TIMELINE, bytes_of(key, size));
        if (status != STATUS_OK)
            return status;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status with_cursor(struct replica *replica, enum replica_table table,
                               MDB_cursor **cursor)
{
    return environment_status(mdb_cursor_open(replica->write, replica->db.table[table], cursor));
}

/* Deletes the names of records that are not there. */
static enum status sweep_entities(struct replica *replica)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, data;
    enum status status = with_cursor(replica, TABLE_ENTITIES, &cursor);
    if (status != STATUS_OK)
        return status;
    status = environment_status(mdb_cursor_get(cursor, &key, &data, MDB_FIRST));
    while (status == STATUS_OK) {
        struct bytes encoded;
        const size_t at = key.mv_size < ID_SIZE ? 0 : key.mv_size - ID_SIZE;
        enum status held =
            environment_get(replica->write, replica->db.table[TABLE_RECORDS],
                            bytes_of((uint8_t *)key.mv_data + at, key.mv_size - at), &encoded);
        if (held == STATUS_NOT_FOUND)
            held = environment_status(mdb_cursor_del(cursor, 0));
        status = held != STATUS_OK
                     ? held
                     : environment_status(mdb_cursor_get(cursor, &key, &data, MDB_NEXT));
    }
    mdb_cursor_close(cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status replica_clear(struct replica *replica, struct scope scope)
{
    uint8_t prefix[SCOPE_SIZE];
    MDB_cursor *cursor = NULL;
    bool stray = false;
    scope_put(scope, prefix);
    enum status status = with_cursor(replica, TABLE_SCOPES, &cursor);
    if (status != STATUS_OK)
        return status;
    status = take_out_records(replica, cursor, prefix, &stray);
    mdb_cursor_close(cursor);
    cursor = NULL;
    if (status == STATUS_OK)
        status = with_cursor(replica, TABLE_TIMELINE, &cursor);
    if (status == STATUS_OK)
        status = take_out_times(replica, cursor, prefix);
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (status == STATUS_OK && stray)
        status = sweep_entities(replica);
    if (status == STATUS_OK && stray)
        status = replica_index_clear(replica); /* what values a stray had nobody knows */
    return status == STATUS_OK ? replica_drop_backfill(replica, scope) : status;
}

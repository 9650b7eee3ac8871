/* Reading the records that an index has in a range. Whether it is whole is looked up in the same
 * snapshot, since another process may be the one that builds and drops. */
#include "client-lib/replica/replica_lmdb.h"

#include <string.h>

/* The bounds of a range as keys of the table. */
struct bounds {
    uint8_t from[KEY_FIELD_MAX], to[KEY_FIELD_MAX];
    size_t from_size, to_size;
};

static enum status find_index(struct replica *replica, MDB_txn *txn,
                              const struct replica_index_name *name, struct field_index *out)
{
    uint8_t key[KEY_INDEXED_MAX];
    struct bytes value;
    if (name->entity.size > RECORD_NAME_MAX || name->field.size > RECORD_NAME_MAX)
        return STATUS_NOT_FOUND;
    const struct bytes row = bytes_of(key, replica_index_row(name, key));
    enum status status = environment_get(txn, replica->db.table[TABLE_INDEXED], row, &value);
    if (status == STATUS_OK && (!replica_index_read(row, value, out) || out->keys != INDEX_KEYS))
        status = STATUS_NOT_FOUND;
    return status;
}

enum status replica_index_look(struct replica *replica, const struct replica_index_name *name,
                               enum replica_index_state *out)
{
    struct environment_reading reading;
    struct field_index index;
    *out = REPLICA_INDEX_NONE;
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    status = find_index(replica, reading.txn, name, &index);
    environment_read_end(&replica->db, &reading);
    if (status == STATUS_OK)
        *out = index.state == INDEX_WHOLE ? REPLICA_INDEX_WHOLE : REPLICA_INDEX_UNFINISHED;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The smallest key of the index that has this sort key, or that is behind all that have it. */
static size_t put_bound(uint8_t number, struct bytes key, bool behind, uint8_t out[KEY_FIELD_MAX])
{
    uint8_t exact[KEY_FIELD_MAX];
    size_t most = key.size < SCHEMA_KEY_MAX ? key.size : SCHEMA_KEY_MAX;
    exact[0] = number;
    exact[1] = 0;
    size_t size = 2 + ordered_put(bytes_of(key.data, most), exact + 2);
    if (behind)
        return replica_behind(bytes_of(exact, size), out);
    memcpy(out, exact, size);
    return size;
}

static size_t put_part(uint8_t number, uint8_t part, uint8_t out[KEY_FIELD_MAX])
{
    out[0] = number;
    out[1] = part;
    return 2;
}

static struct replica_range range_of(const struct bounds *bounds, bool backwards, size_t *missing)
{
    return (struct replica_range){.table = TABLE_FIELDS,
                                  .from = bytes_of(bounds->from, bounds->from_size),
                                  .to = bytes_of(bounds->to, bounds->to_size),
                                  .backwards = backwards,
                                  .missing = missing};
}

static void bound_values(const struct replica_index_range *range, uint8_t number,
                         struct bounds *out)
{
    out->from_size = range->from.size > 0
                         ? put_bound(number, range->from, range->behind_from, out->from)
                         : put_part(number, 0, out->from);
    out->to_size = range->to.size > 0 ? put_bound(number, range->to, !range->before_to, out->to)
                                      : put_part(number, 1, out->to);
}

static void bound_none(uint8_t number, struct bounds *out)
{
    out->from_size = put_part(number, 1, out->from);
    out->to_size = put_part(number, 2, out->to);
}

/* ---- Counting ---- */

static enum status count_range(struct replica *replica, MDB_txn *txn, const struct bounds *bounds,
                               size_t most, size_t *count)
{
    MDB_cursor *cursor = NULL;
    MDB_val key = environment_val(bounds->from, bounds->from_size), data;
    const struct bytes to = bytes_of(bounds->to, bounds->to_size);
    int code = mdb_cursor_open(txn, replica->db.table[TABLE_FIELDS], &cursor);
    if (code == 0)
        code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    while (code == 0 && *count < most &&
           bytes_compare(bytes_of(key.mv_data, key.mv_size), to) < 0) {
        (*count)++;
        code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? STATUS_OK : environment_status(code);
}

static enum status find_whole(struct replica *replica, MDB_txn *txn,
                              const struct replica_index_name *name, struct field_index *out)
{
    enum status status = find_index(replica, txn, name, out);
    return status == STATUS_OK && out->state != INDEX_WHOLE ? STATUS_NOT_FOUND : status;
}

enum status replica_index_count(struct replica *replica, const struct replica_index_range *range,
                                size_t most, size_t *count)
{
    struct environment_reading reading;
    struct field_index index;
    struct bounds bounds;
    *count = 0;
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    status = find_whole(replica, reading.txn, &range->name, &index);
    if (status == STATUS_OK && range->values) {
        bound_values(range, index.number, &bounds);
        status = count_range(replica, reading.txn, &bounds, most, count);
    }
    if (status == STATUS_OK && range->none) {
        bound_none(index.number, &bounds);
        status = count_range(replica, reading.txn, &bounds, most, count);
    }
    environment_read_end(&replica->db, &reading);
    return status;
}

/* ---- Walking ---- */

enum status replica_index_walk(struct replica *replica, const struct replica_index_range *range,
                               replica_walk_fn *each, void *context, size_t *missing)
{
    struct environment_reading reading;
    struct field_index index;
    struct bounds bounds;
    bool more = true;
    *missing = 0;
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    status = find_whole(replica, reading.txn, &range->name, &index);
    if (status == STATUS_OK)
        replica->indexes.used[index.number] = ++replica->indexes.uses;
    if (status == STATUS_OK && range->values) {
        bound_values(range, index.number, &bounds);
        const struct replica_range part = range_of(&bounds, range->backwards, missing);
        status = replica_walk_in(replica, reading.txn, &part, each, context, &more);
    }
    if (status == STATUS_OK && range->none && more) {
        bound_none(index.number, &bounds);
        const struct replica_range part = range_of(&bounds, range->backwards, missing);
        status = replica_walk_in(replica, reading.txn, &part, each, context, &more);
    }
    environment_read_end(&replica->db, &reading);
    if (status == STATUS_CORRUPT || *missing > 0)
        replica->indexes.damaged = true;
    return status;
}

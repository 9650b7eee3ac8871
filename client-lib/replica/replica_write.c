#include "client-lib/replica/replica_lmdb.h"

#include <assert.h>
#include <string.h>

size_t key_entity(struct bytes entity, struct id id, uint8_t out[KEY_ENTITY_MAX])
{
    assert(entity.size <= RECORD_NAME_MAX);
    if (entity.size > 0)
        memcpy(out, entity.data, entity.size);
    out[entity.size] = 0;
    memcpy(out + entity.size + 1, id.octet, ID_SIZE);
    return entity.size + 1 + ID_SIZE;
}

void key_scope(struct scope scope, struct id id, uint8_t out[KEY_SCOPE_SIZE])
{
    scope_put(scope, out);
    memcpy(out + SCOPE_SIZE, id.octet, ID_SIZE);
}

void key_time(struct scope scope, int64_t ms, struct id id, uint8_t out[KEY_TIME_SIZE])
{
    scope_put(scope, out);
    put_u64(out + SCOPE_SIZE, (uint64_t)ms ^ (UINT64_C(1) << 63)); /* negative times sort first */
    memcpy(out + SCOPE_SIZE + 8, id.octet, ID_SIZE);
}

enum status replica_begin(struct replica *replica)
{
    bool stale = false;
    assert(replica->write == NULL);
    if (replica->read_only)
        return STATUS_LOCKED;
    enum status status = replica_write(replica, &replica->write, &stale);
    if (status != STATUS_OK)
        return status;
    replica->new_cursor = replica->cursor;
    replica->new_epoch = replica->epoch;
    replica->new_remains = replica->remains;
    status = replica_index_begin(replica);
    if (stale) { /* also when it is given up: LMDB may have written some of it before */
        replica->remains = REPLICA_PURGED;
        if (status == STATUS_OK)
            status = replica_note_remains(replica, REPLICA_PURGED);
    }
    if (status != STATUS_OK)
        replica_abort(replica);
    return status;
}

/* The number of the transaction behind this one, which was committed: one that has changed nothing
 * leaves its number to the next. */
static uint64_t number_behind(const struct replica *replica, uint64_t txn)
{
    MDB_envinfo info;
    return mdb_env_info(replica->db.env, &info) == 0 && info.me_last_txnid < txn ? txn : txn + 1;
}

enum status replica_commit(struct replica *replica)
{
    assert(replica->write != NULL);
    const uint64_t txn = mdb_txn_id(replica->write);
    enum status status = environment_commit(replica->write);
    replica->write = NULL;
    if (status == STATUS_OK) {
        replica->next_txn = number_behind(replica, txn);
        replica->cursor = replica->new_cursor;
        replica->epoch = replica->new_epoch;
        replica->remains = replica->new_remains;
    }
    return status;
}

void replica_abort(struct replica *replica)
{
    if (replica->write != NULL)
        mdb_txn_abort(replica->write);
    replica->write = NULL;
}

static enum status put_key(struct replica *replica, enum replica_table table, const void *key,
                           size_t size)
{
    MDB_val name = environment_val(key, size);
    MDB_val nothing = environment_val("", 0);
    return environment_status(
        mdb_put(replica->write, replica->db.table[table], &name, &nothing, 0));
}

/* Deleting what is not there is fine. */
static enum status delete_key(struct replica *replica, enum replica_table table, const void *key,
                              size_t size)
{
    MDB_val name = environment_val(key, size);
    int code = mdb_del(replica->write, replica->db.table[table], &name, NULL);
    return code == MDB_NOTFOUND ? STATUS_OK : environment_status(code);
}

static enum status find(struct replica *replica, struct id id, struct bytes *encoded)
{
    MDB_val key = environment_val(id.octet, ID_SIZE);
    MDB_val data;
    int code = mdb_get(replica->write, replica->db.table[TABLE_RECORDS], &key, &data);
    if (code == 0)
        *encoded = bytes_of(data.mv_data, data.mv_size);
    return environment_status(code);
}

/* The keys that a record has in the index tables. */
struct index_keys {
    uint8_t entity[KEY_ENTITY_MAX];
    size_t entity_size;
    uint8_t scope[KEY_SCOPE_SIZE];
    uint8_t timeline[KEY_TIME_SIZE];
    bool timed;
};

static void index_keys_of(const struct record_view *view, struct index_keys *out)
{
    int64_t ms = 0;
    memset(out, 0, sizeof *out);
    out->entity_size = key_entity(view->entity, view->id, out->entity);
    key_scope(view->scope, view->id, out->scope);
    out->timed = record_view_time(view, &ms);
    if (out->timed)
        key_time(view->scope, ms, view->id, out->timeline);
}

static enum status change_index(struct replica *replica, const struct index_keys *keys,
                                enum status (*change)(struct replica *, enum replica_table,
                                                      const void *, size_t))
{
    enum status status = change(replica, TABLE_ENTITIES, keys->entity, keys->entity_size);
    if (status == STATUS_OK)
        status = change(replica, TABLE_SCOPES, keys->scope, sizeof keys->scope);
    if (status == STATUS_OK && keys->timed)
        status = change(replica, TABLE_TIMELINE, keys->timeline, sizeof keys->timeline);
    return status;
}

/* What is held of a record beside it, copied before any write can move the page it is on. */
struct held_keys {
    struct index_keys keys;
    struct field_keys fields;
    uint32_t undefined; /* indexes that go with it */
};

/* `next` is what comes in its place; NULL: nothing. */
static enum status read_held(struct replica *replica, struct bytes held,
                             const struct record_view *next, struct held_keys *out)
{
    struct record_view view;
    if (!record_view_read(held, &view))
        return STATUS_CORRUPT;
    index_keys_of(&view, &out->keys);
    out->undefined = replica_index_undefined(replica, &view, next);
    return replica_index_keys(replica, &view, &out->fields);
}

/* Brings the indexes from what is held (NULL: nothing) to what comes in its place, but for those of
 * fields. */
static enum status replace_keys(struct replica *replica, const struct index_keys *held,
                                const struct index_keys *next)
{
    enum status status = STATUS_OK;
    if (held != NULL && memcmp(held, next, sizeof *held) == 0)
        return STATUS_OK;
    if (held != NULL)
        status = change_index(replica, held, delete_key);
    return status == STATUS_OK ? change_index(replica, next, put_key) : status;
}

enum status replica_put(struct replica *replica, const struct record_view *view,
                        struct bytes encoded)
{
    struct bytes held;
    struct held_keys old;
    struct index_keys new;
    struct field_keys fields;
    MDB_val key = environment_val(view->id.octet, ID_SIZE);
    MDB_val data = environment_val(encoded.data, encoded.size);
    index_keys_of(view, &new);
    enum status status = replica_index_keys(replica, view, &fields);
    if (status != STATUS_OK)
        return status;
    status = find(replica, view->id, &held);
    const bool is_held = status == STATUS_OK;
    if (is_held)
        status = read_held(replica, held, view, &old);
    else if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    if (status == STATUS_OK && is_held)
        status = replica_note_remains(replica, REPLICA_STALE);
    if (status == STATUS_OK && is_held)
        status = replica_index_drop(replica, old.undefined);
    if (status == STATUS_OK)
        status = replace_keys(replica, is_held ? &old.keys : NULL, &new);
    if (status == STATUS_OK)
        status = replica_index_move(replica, is_held ? &old.fields : NULL, &fields);
    if (status == STATUS_OK)
        status = environment_status(
            mdb_put(replica->write, replica->db.table[TABLE_RECORDS], &key, &data, 0));
    return status;
}

enum status replica_remove(struct replica *replica, struct id id, struct buffer *held)
{
    struct bytes encoded;
    struct held_keys keys;
    enum status status = find(replica, id, &encoded);
    if (status != STATUS_OK)
        return status;
    if (held != NULL) {
        buffer_append(held, encoded.data, encoded.size);
        if (held->failed)
            return STATUS_NO_MEMORY;
    }
    status = read_held(replica, encoded, NULL, &keys);
    if (status == STATUS_OK)
        status = change_index(replica, &keys.keys, delete_key);
    if (status == STATUS_OK)
        status = replica_index_move(replica, &keys.fields, NULL);
    if (status == STATUS_OK)
        status = replica_index_drop(replica, keys.undefined);
    if (status == STATUS_OK)
        status = replica_index_forget(replica, id);
    if (status == STATUS_OK)
        status = delete_key(replica, TABLE_RECORDS, id.octet, ID_SIZE);
    if (status == STATUS_OK)
        status = replica_note_remains(replica, REPLICA_STALE);
    return status;
}

enum status replica_held_seq(struct replica *replica, struct id id, uint64_t *seq)
{
    struct bytes encoded;
    struct record_view view;
    enum status status = find(replica, id, &encoded);
    if (status != STATUS_OK)
        return status;
    if (!record_view_read(encoded, &view))
        return STATUS_CORRUPT;
    *seq = view.seq;
    return STATUS_OK;
}

/* One record of the scope, the first; NOT_FOUND when none is left. */
static enum status purge_one(struct replica *replica, MDB_cursor *cursor,
                             const uint8_t prefix[SCOPE_SIZE])
{
    MDB_val key = environment_val(prefix, SCOPE_SIZE);
    MDB_val data;
    struct id id;
    int code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    if (code != 0)
        return environment_status(code);
    if (key.mv_size != KEY_SCOPE_SIZE || memcmp(key.mv_data, prefix, SCOPE_SIZE) != 0)
        return STATUS_NOT_FOUND;
    memcpy(id.octet, (const uint8_t *)key.mv_data + SCOPE_SIZE, ID_SIZE);
    enum status status = replica_remove(replica, id, NULL);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

enum status replica_purge(struct replica *replica, struct scope scope, size_t *count)
{
    uint8_t prefix[SCOPE_SIZE];
    MDB_cursor *cursor = NULL;
    scope_put(scope, prefix);
    *count = 0;
    enum status status = environment_status(
        mdb_cursor_open(replica->write, replica->db.table[TABLE_SCOPES], &cursor));
    if (status != STATUS_OK)
        return status;
    while ((status = purge_one(replica, cursor, prefix)) == STATUS_OK)
        (*count)++;
    mdb_cursor_close(cursor);
    /* Damage must not keep what is left from going. */
    bool damaged = status == STATUS_CORRUPT;
    if (damaged)
        status = replica_clear(replica, scope);
    else if (status == STATUS_NOT_FOUND)
        status = replica_drop_backfill(replica, scope);
    /* Records of the scope may have been removed before, too. */
    if (status == STATUS_OK && (damaged || *count > 0 || replica->new_remains != REPLICA_CLEAN))
        status = replica_note_remains(replica, REPLICA_PURGED);
    return status;
}

enum status replica_put_backfill(struct replica *replica, const struct replica_backfill *backfill)
{
    uint8_t name[SCOPE_SIZE];
    uint8_t value[16];
    scope_put(backfill->scope, name);
    put_u64(value, backfill->from);
    put_u64(value + 8, backfill->until);
    MDB_val key = environment_val(name, sizeof name);
    MDB_val data = environment_val(value, sizeof value);
    return environment_status(
        mdb_put(replica->write, replica->db.table[TABLE_BACKFILLS], &key, &data, 0));
}

enum status replica_drop_backfill(struct replica *replica, struct scope scope)
{
    uint8_t name[SCOPE_SIZE];
    scope_put(scope, name);
    return delete_key(replica, TABLE_BACKFILLS, name, sizeof name);
}

enum status replica_set_cursor(struct replica *replica, uint64_t cursor)
{
    uint8_t value[8];
    put_u64(value, cursor);
    replica->new_cursor = cursor;
    return replica_meta_put(replica, replica->write, "cursor", bytes_of(value, sizeof value));
}

enum status replica_empty_table(struct replica *replica, enum replica_table table)
{
    MDB_stat stat;
    int code = mdb_stat(replica->write, replica->db.table[table], &stat);
    if (code != 0 || stat.ms_entries == 0)
        return environment_status(code);
    enum status status = replica_note_remains(replica, REPLICA_PURGED);
    return status == STATUS_OK
               ? environment_status(mdb_drop(replica->write, replica->db.table[table], 0))
               : status;
}

enum status replica_empty(struct replica *replica, struct id epoch, struct bytes subscription)
{
    enum status status = STATUS_OK;
    if (replica->new_remains != REPLICA_CLEAN)
        status = replica_note_remains(replica, REPLICA_PURGED);
    for (int i = 0; i < TABLE_META && status == STATUS_OK; i++)
        status = replica_empty_table(replica, (enum replica_table)i);
    replica->indexes.count = 0;
    if (status == STATUS_OK)
        status = replica_set_cursor(replica, 0);
    if (status == STATUS_OK)
        status = replica_meta_put(replica, replica->write, "epoch", bytes_of(epoch.octet, ID_SIZE));
    if (status == STATUS_OK)
        status = replica_meta_put(replica, replica->write, "subscription", subscription);
    replica->new_epoch = epoch;
    return status;
}

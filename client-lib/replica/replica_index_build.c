/* Building indexes, and dropping them, a slice at a time. Each slice is one transaction:
 *
 *     what is outdated begins to be dropped; what is wanted begins to be built
 *       -> one slice of dropping, else one of building -> commit
 *
 * A slice of building reads the next records of the entity in order of their ids, sorts the keys
 * that they have, so that those that go to one page are written after each other, and writes them
 * with the id it has come to. Keys that a write of a record has put there before are put again,
 * which changes nothing. */
#include "client-lib/replica/replica_lmdb.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/memory.h"

/* ---- What there is to do ---- */

static bool same_name(const struct field_index *a, const struct field_index *b)
{
    return a->kind == b->kind && strcmp(a->entity, b->entity) == 0 &&
           strcmp(a->field, b->field) == 0;
}

static bool holds(const struct field_index *list, size_t count, const struct field_index *index)
{
    for (size_t i = 0; i < count; i++)
        if (same_name(&list[i], index))
            return true;
    return false;
}

static bool copy_name(struct bytes from, char out[RECORD_NAME_MAX + 1])
{
    if (from.size == 0 || from.size > RECORD_NAME_MAX || memchr(from.data, 0, from.size) != NULL)
        return false;
    bytes_to_text(from, out, RECORD_NAME_MAX + 1);
    return true;
}

void replica_index_want(struct replica *replica, const struct replica_index_name *name)
{
    struct indexes *indexes = &replica->indexes;
    struct field_index *wanted = &indexes->wanted[indexes->wanted_count];
    if (replica->read_only || indexes->wanted_count == INDEXES_WANTED)
        return;
    memset(wanted, 0, sizeof *wanted);
    wanted->kind = name->kind;
    if (copy_name(name->entity, wanted->entity) && copy_name(name->field, wanted->field) &&
        !holds(indexes->wanted, indexes->wanted_count, wanted))
        indexes->wanted_count++;
}

/* Whether a built-in field is of another kind than in the library that made the index. */
static bool is_outdated(const struct field_index *index)
{
    const struct entity_def *entity = schema_entity(bytes_text(index->entity));
    const struct field_def *field =
        entity != NULL ? schema_field(entity, bytes_text(index->field)) : NULL;
    return field != NULL && field->kind != index->kind;
}

static size_t find_state(const struct indexes *indexes, enum index_state state)
{
    size_t i = 0;
    while (i < indexes->count && indexes->list[i].state != state)
        i++;
    return i;
}

/* Learns what an earlier run, or another process, has left. */
static void look(struct replica *replica)
{
    struct indexes *indexes = &replica->indexes;
    struct environment_reading reading;
    if (environment_read(&replica->db, &reading) != STATUS_OK)
        return;
    enum status status = replica_index_load(replica, reading.txn);
    environment_read_end(&replica->db, &reading);
    indexes->damaged = indexes->damaged || status == STATUS_CORRUPT;
    indexes->looked = status == STATUS_OK || status == STATUS_CORRUPT;
    indexes->outdated = indexes->outdated || replica_index_has_former_keys(replica);
    for (size_t i = 0; i < indexes->count; i++)
        if (is_outdated(&indexes->list[i]))
            indexes->outdated = true;
}

uint64_t replica_index_due(const struct replica *replica)
{
    const struct indexes *indexes = &replica->indexes;
    bool busy = replica->read_only || replica->write != NULL || replica->scrub.begun ||
                replica->remains == REPLICA_PURGED;
    bool idle = indexes->wanted_count == 0 && !indexes->outdated && !indexes->damaged &&
                find_state(indexes, INDEX_BUILDING) == indexes->count &&
                find_state(indexes, INDEX_DROPPING) == indexes->count;
    return busy || idle ? UINT64_MAX : indexes->retry_ms;
}

/* ---- Beginning ---- */

static uint32_t bit(size_t i)
{
    return UINT32_C(1) << i;
}

static enum status drop_useless(struct replica *replica)
{
    const struct indexes *indexes = &replica->indexes;
    uint32_t which = 0;
    for (size_t i = 0; i < indexes->count; i++)
        if (is_outdated(&indexes->list[i]) ||
            (indexes->full && indexes->list[i].state == INDEX_BUILDING))
            which |= bit(i);
    return replica_index_drop(replica, which);
}

/* The one that was not used for longest, if that is long enough. */
static uint32_t find_unused(const struct indexes *indexes)
{
    uint64_t longest = REPLICA_INDEX_PATIENCE;
    uint32_t found = 0;
    for (size_t i = 0; i < indexes->count; i++) {
        uint64_t since = indexes->uses - indexes->used[indexes->list[i].number];
        if (since > longest) {
            longest = since;
            found = bit(i);
        }
    }
    return found;
}

static uint8_t free_number(const struct indexes *indexes)
{
    uint32_t taken = 0;
    uint8_t number = 0;
    for (size_t i = 0; i < indexes->count; i++)
        taken |= bit(indexes->list[i].number);
    while ((taken >> number & 1) != 0)
        number++;
    return number;
}

enum status replica_index_add(struct replica *replica, const struct field_index *wanted)
{
    struct indexes *indexes = &replica->indexes;
    struct field_index *index = &indexes->list[indexes->count];
    uint8_t format[4];
    put_u32(format, REPLICA_FORMAT_INDEXED);
    *index = *wanted;
    index->keys = INDEX_KEYS;
    index->number = free_number(indexes);
    index->state = INDEX_BUILDING;
    index->until = (struct id){{0}};
    indexes->used[index->number] = indexes->uses;
    indexes->count++;
    enum status status =
        replica_meta_put(replica, replica->write, "format", bytes_of(format, sizeof format));
    return status == STATUS_OK ? replica_index_store(replica, index) : status;
}

/* What finds no room is left for a query to want again; what waits for it to be made stays. */
static enum status begin_wanted(struct replica *replica)
{
    struct indexes *indexes = &replica->indexes;
    enum status status = STATUS_OK;
    while (indexes->wanted_count > 0 && status == STATUS_OK) {
        const struct field_index *wanted = &indexes->wanted[indexes->wanted_count - 1];
        if (!holds(indexes->list, indexes->count, wanted)) {
            if (indexes->count < REPLICA_INDEX_MOST)
                status = replica_index_add(replica, wanted);
            else if (find_state(indexes, INDEX_DROPPING) < indexes->count)
                break;
            else
                status = replica_index_drop(replica, find_unused(indexes));
            if (status == STATUS_OK && find_state(indexes, INDEX_DROPPING) < indexes->count)
                break;
        }
        indexes->wanted_count--;
    }
    return status;
}

/* ---- Building ---- */

struct batch {
    struct field_key *keys;
    size_t count;
    bool ended;
};

static int compare_keys(const void *left, const void *right)
{
    const struct field_key *a = left, *b = right;
    return bytes_compare(bytes_of(a->key, a->size), bytes_of(b->key, b->size));
}

/* The key of the record that an entry of the entity names. */
static enum status take_record(struct replica *replica, struct field_index *index, MDB_val key,
                               struct batch *batch)
{
    struct record_view view;
    struct bytes encoded;
    const uint8_t *id = (const uint8_t *)key.mv_data + key.mv_size - ID_SIZE;
    memcpy(index->until.octet, id, ID_SIZE);
    enum status status = environment_get(replica->write, replica->db.table[TABLE_RECORDS],
                                         bytes_of(id, ID_SIZE), &encoded);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !record_view_read(encoded, &view)))
        return STATUS_CORRUPT;
    if (status == STATUS_OK)
        status = replica_index_key(replica, index, &view, &batch->keys[batch->count]);
    if (status == STATUS_OK)
        batch->count++;
    return status;
}

/* The next records behind index->until, which becomes the last of them. */
static enum status take_records(struct replica *replica, struct field_index *index,
                                struct batch *batch)
{
    uint8_t from[KEY_ENTITY_MAX];
    size_t size = key_entity(bytes_text(index->entity), index->until, from);
    MDB_val key = environment_val(from, size), data;
    MDB_cursor *cursor = NULL;
    enum status status = environment_status(
        mdb_cursor_open(replica->write, replica->db.table[TABLE_ENTITIES], &cursor));
    if (status != STATUS_OK)
        return status;
    int code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    if (code == 0 && !id_is_zero(index->until) && key.mv_size == size &&
        memcmp(key.mv_data, from, size) == 0)
        code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    while (code == 0 && status == STATUS_OK && batch->count < REPLICA_INDEX_SLICE) {
        batch->ended = key.mv_size != size || memcmp(key.mv_data, from, size - ID_SIZE) != 0;
        if (batch->ended)
            break;
        status = take_record(replica, index, key, batch);
        if (status == STATUS_OK)
            code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    batch->ended = batch->ended || code == MDB_NOTFOUND;
    if (status == STATUS_OK && code != 0 && code != MDB_NOTFOUND)
        status = environment_status(code);
    return status;
}

static enum status put_batch(struct replica *replica, struct batch *batch)
{
    enum status status = STATUS_OK;
    if (batch->count > 1)
        qsort(batch->keys, batch->count, sizeof *batch->keys, compare_keys);
    for (size_t i = 0; i < batch->count && status == STATUS_OK; i++)
        status = environment_put(replica->write, replica->db.table[TABLE_FIELDS],
                                 bytes_of(batch->keys[i].key, batch->keys[i].size),
                                 (struct bytes){0}, 0);
    return status;
}

static enum status build_slice(struct replica *replica, struct field_index *index)
{
    struct batch batch = {.keys = memory_new(REPLICA_INDEX_SLICE * sizeof *batch.keys)};
    if (batch.keys == NULL)
        return STATUS_NO_MEMORY;
    enum status status = take_records(replica, index, &batch);
    if (status == STATUS_OK)
        status = put_batch(replica, &batch);
    if (batch.ended) {
        index->state = INDEX_WHOLE;
        index->until = (struct id){{0}};
    }
    if (status == STATUS_OK)
        status = replica_index_store(replica, index);
    memory_free(batch.keys);
    return status;
}

/* ---- Dropping ---- */

/* The row goes with the last entry, so that nobody gets the number while there are any. */
static enum status end_one(struct replica *replica, size_t i)
{
    struct indexes *indexes = &replica->indexes;
    const struct replica_index_name name = replica_index_name(&indexes->list[i]);
    uint8_t key[KEY_INDEXED_MAX];
    size_t size = replica_index_row(&name, key);
    enum status status =
        environment_del(replica->write, replica->db.table[TABLE_INDEXED], bytes_of(key, size));
    indexes->list[i] = indexes->list[--indexes->count];
    return status;
}

static enum status drop_slice(struct replica *replica, size_t i)
{
    const uint8_t number = replica->indexes.list[i].number;
    MDB_val key = environment_val(&number, 1), data;
    MDB_cursor *cursor = NULL;
    enum status status = replica_note_remains(replica, REPLICA_STALE);
    if (status == STATUS_OK)
        status = environment_status(
            mdb_cursor_open(replica->write, replica->db.table[TABLE_FIELDS], &cursor));
    if (status != STATUS_OK)
        return status;
    int code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    for (size_t n = 0; n < REPLICA_INDEX_DROPPED && code == 0; n++) {
        if (*(const uint8_t *)key.mv_data != number)
            code = MDB_NOTFOUND;
        if (code == 0)
            code = mdb_cursor_del(cursor, 0);
        if (code == 0)
            code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (code == MDB_NOTFOUND)
        return end_one(replica, i);
    return environment_status(code);
}

/* ---- One slice ---- */

static enum status work(struct replica *replica)
{
    struct indexes *indexes = &replica->indexes;
    enum status status = STATUS_OK;
    if (indexes->damaged)
        status = replica_index_clear(replica);
    if (status == STATUS_OK)
        status = drop_useless(replica);
    if (status == STATUS_OK)
        status = begin_wanted(replica);
    if (status != STATUS_OK)
        return status;
    size_t dropping = find_state(indexes, INDEX_DROPPING);
    size_t building = find_state(indexes, INDEX_BUILDING);
    if (dropping < indexes->count)
        return drop_slice(replica, dropping);
    return building < indexes->count ? build_slice(replica, &indexes->list[building]) : STATUS_OK;
}

enum status replica_index_run(struct replica *replica, uint64_t now_ms)
{
    struct indexes *indexes = &replica->indexes;
    if (!indexes->looked && !replica->read_only && replica->write == NULL)
        look(replica);
    if (replica_index_due(replica) > now_ms)
        return STATUS_OK;
    enum status status = replica_begin(replica);
    if (status == STATUS_OK)
        status = work(replica);
    if (status == STATUS_OK)
        status = replica_commit(replica);
    else
        replica_abort(replica);
    indexes->full = status == STATUS_LIMIT;
    if (status == STATUS_OK) {
        indexes->outdated = indexes->damaged = false;
        return STATUS_OK;
    }
    indexes->looked = false; /* what the transaction saw is not what there is */
    indexes->retry_ms = now_ms + REPLICA_INDEX_RETRY_MS;
    return status;
}

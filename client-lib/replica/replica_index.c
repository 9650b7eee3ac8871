/* The tables of indexes, and keeping them up in each write of a record. What is to be taken away is
 * worked out before anything is written, since writing moves the bytes of the record it follows
 * from. */
#include "client-lib/replica/replica_lmdb.h"

#include <string.h>

#include "protocol/condition.h"

#define ROW_SIZE (2 + ID_SIZE)
#define KEYS_SHIFT 4
#define STATE_MASK 0x0f

/* ---- Rows of `indexed` ---- */

struct replica_index_name replica_index_name(const struct field_index *index)
{
    return (struct replica_index_name){bytes_text(index->entity), bytes_text(index->field),
                                       index->kind};
}

size_t replica_index_row(const struct replica_index_name *name, uint8_t out[KEY_INDEXED_MAX])
{
    size_t at = name->entity.size;
    memcpy(out, name->entity.data, at);
    out[at++] = 0;
    memcpy(out + at, name->field.data, name->field.size);
    at += name->field.size;
    out[at++] = 0;
    out[at++] = name->kind;
    return at;
}

/* A name that ends with a NUL, which is taken off `bytes` as well. */
static bool take_name(struct bytes *bytes, char out[RECORD_NAME_MAX + 1])
{
    const uint8_t *end = bytes->size > 0 ? memchr(bytes->data, 0, bytes->size) : NULL;
    size_t size = end != NULL ? (size_t)(end - bytes->data) : 0;
    if (size == 0 || size > RECORD_NAME_MAX)
        return false;
    memcpy(out, bytes->data, size + 1);
    *bytes = bytes_of(end + 1, bytes->size - size - 1);
    return true;
}

bool replica_index_read(struct bytes key, struct bytes value, struct field_index *out)
{
    memset(out, 0, sizeof *out);
    if (!take_name(&key, out->entity) || !take_name(&key, out->field) || key.size != 1 ||
        value.size != ROW_SIZE)
        return false;
    out->kind = key.data[0];
    out->number = value.data[0];
    out->keys = value.data[1] >> KEYS_SHIFT;
    out->state = (enum index_state)(value.data[1] & STATE_MASK);
    memcpy(out->until.octet, value.data + 2, ID_SIZE);
    return (out->kind < KIND_COUNT || out->kind == REPLICA_INDEX_BY_SHAPE) &&
           out->number < REPLICA_INDEX_MOST && out->keys <= INDEX_KEYS &&
           out->state >= INDEX_BUILDING && out->state <= INDEX_DROPPING;
}

enum status replica_index_store(struct replica *replica, const struct field_index *index)
{
    const struct replica_index_name name = replica_index_name(index);
    uint8_t key[KEY_INDEXED_MAX], value[ROW_SIZE];
    size_t size = replica_index_row(&name, key);
    value[0] = index->number;
    value[1] = (uint8_t)((unsigned)index->keys << KEYS_SHIFT | index->state);
    memcpy(value + 2, index->until.octet, ID_SIZE);
    return environment_put(replica->write, replica->db.table[TABLE_INDEXED], bytes_of(key, size),
                           bytes_of(value, sizeof value), 0);
}

static bool add_row(struct indexes *indexes, MDB_val key, MDB_val value)
{
    struct field_index *index = &indexes->list[indexes->count];
    if (indexes->count == REPLICA_INDEX_MOST ||
        !replica_index_read(bytes_of(key.mv_data, key.mv_size),
                            bytes_of(value.mv_data, value.mv_size), index))
        return false;
    for (size_t i = 0; i < indexes->count; i++)
        if (indexes->list[i].number == index->number)
            return false;
    indexes->count++;
    return true;
}

enum status replica_index_load(struct replica *replica, MDB_txn *txn)
{
    struct indexes *indexes = &replica->indexes;
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    bool whole = true;
    indexes->count = 0;
    int code = mdb_cursor_open(txn, replica->db.table[TABLE_INDEXED], &cursor);
    if (code == 0)
        code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (code == 0 && whole) {
        whole = add_row(indexes, key, value);
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (!whole)
        return STATUS_CORRUPT;
    return code == MDB_NOTFOUND ? STATUS_OK : environment_status(code);
}

enum status replica_index_clear(struct replica *replica)
{
    struct indexes *indexes = &replica->indexes;
    enum status status = replica_empty_table(replica, TABLE_FIELDS);
    if (status == STATUS_OK)
        status = replica_empty_table(replica, TABLE_INDEXED);
    indexes->count = 0;
    return status;
}

bool replica_index_has_former_keys(const struct replica *replica)
{
    const struct indexes *indexes = &replica->indexes;
    size_t i = 0;
    while (i < indexes->count && indexes->list[i].keys == INDEX_KEYS)
        i++;
    return i < indexes->count;
}

/* One that was being dropped is gone with its entries. */
static enum status renew(struct replica *replica)
{
    const struct indexes former = replica->indexes;
    enum status status = replica_index_clear(replica);
    for (size_t i = 0; i < former.count && status == STATUS_OK; i++)
        if (former.list[i].state != INDEX_DROPPING)
            status = replica_index_add(replica, &former.list[i]);
    return status;
}

enum status replica_index_begin(struct replica *replica)
{
    enum status status = replica_index_load(replica, replica->write);
    if (status == STATUS_OK && replica_index_has_former_keys(replica))
        return renew(replica);
    return status == STATUS_CORRUPT ? replica_index_clear(replica) : status;
}

/* ---- Keys of `fields` ---- */

enum status replica_index_key(struct replica *replica, const struct field_index *index,
                              const struct record_view *view, struct field_key *out)
{
    const struct field_def def = {.kind = (enum field_kind)index->kind};
    struct buffer *value = &replica->indexes.value;
    struct bytes encoded = {0};
    buffer_clear(value);
    if (wire_map_find(view->fields, index->field, &encoded))
        condition_key(index->kind == REPLICA_INDEX_BY_SHAPE ? NULL : &def, encoded, value);
    if (value->failed)
        return STATUS_NO_MEMORY;
    size_t most = value->size < SCHEMA_KEY_MAX ? value->size : SCHEMA_KEY_MAX, size = 2;
    out->key[0] = index->number;
    out->key[1] = most == 0;
    if (most > 0)
        size += ordered_put(bytes_of(value->data, most), out->key + size);
    memcpy(out->key + size, view->id.octet, ID_SIZE);
    out->size = (uint8_t)(size + ID_SIZE);
    return STATUS_OK;
}

_Static_assert(KEY_FIELD_MAX <= UINT8_MAX, "the size of a key fits");

enum status replica_index_keys(struct replica *replica, const struct record_view *view,
                               struct field_keys *out)
{
    const struct indexes *indexes = &replica->indexes;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < indexes->count && status == STATUS_OK; i++) {
        out->of[i].size = 0;
        if (bytes_is(view->entity, indexes->list[i].entity))
            status = replica_index_key(replica, &indexes->list[i], view, &out->of[i]);
    }
    return status;
}

static struct bytes key_bytes(const struct field_keys *keys, size_t i)
{
    return keys != NULL ? bytes_of(keys->of[i].key, keys->of[i].size) : (struct bytes){0};
}

/* One that is not there yet is being built; one that is not there any more, dropped. */
static enum status delete_entry(struct replica *replica, struct bytes key)
{
    enum status status = environment_del(replica->write, replica->db.table[TABLE_FIELDS], key);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status replica_index_move(struct replica *replica, const struct field_keys *from,
                               const struct field_keys *to)
{
    const struct indexes *indexes = &replica->indexes;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < indexes->count && status == STATUS_OK; i++) {
        const struct bytes old = key_bytes(from, i), new = key_bytes(to, i);
        if (bytes_equal(old, new))
            continue;
        if (old.size > 0)
            status = delete_entry(replica, old);
        if (status == STATUS_OK && new.size > 0 && indexes->list[i].state != INDEX_DROPPING)
            status = environment_put(replica->write, replica->db.table[TABLE_FIELDS], new,
                                     (struct bytes){0}, 0);
    }
    return status;
}

/* ---- Fields that get another meaning ---- */

static struct bytes text_of(struct bytes fields, const char *name)
{
    struct bytes value, text;
    if (!wire_map_find(fields, name, &value))
        return (struct bytes){0};
    struct wire_reader reader = wire_read(value);
    return wire_get_str(&reader, &text) ? text : (struct bytes){0};
}

static bool defines(const struct record_view *view, const struct field_index *index)
{
    return view != NULL && bytes_is(view->entity, "customField") &&
           bytes_is(text_of(view->fields, "entity"), index->entity) &&
           bytes_is(text_of(view->fields, "name"), index->field);
}

uint32_t replica_index_undefined(const struct replica *replica, const struct record_view *from,
                                 const struct record_view *to)
{
    const struct indexes *indexes = &replica->indexes;
    uint32_t which = 0;
    for (size_t i = 0; i < indexes->count; i++) {
        const struct field_index *index = &indexes->list[i];
        if (defines(from, index) &&
            !(defines(to, index) &&
              bytes_equal(text_of(from->fields, "kind"), text_of(to->fields, "kind"))))
            which |= UINT32_C(1) << i;
    }
    return which;
}

_Static_assert(REPLICA_INDEX_MOST <= 32, "there is a bit for each");

enum status replica_index_drop(struct replica *replica, uint32_t which)
{
    struct indexes *indexes = &replica->indexes;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < indexes->count && status == STATUS_OK; i++) {
        struct field_index *index = &indexes->list[i];
        if ((which >> i & 1) == 0 || index->state == INDEX_DROPPING)
            continue;
        index->state = INDEX_DROPPING;
        index->until = (struct id){{0}};
        status = replica_index_store(replica, index);
    }
    return status;
}

enum status replica_index_forget(struct replica *replica, struct id id)
{
    struct indexes *indexes = &replica->indexes;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < indexes->count && status == STATUS_OK; i++) {
        struct field_index *index = &indexes->list[i];
        if (index->state != INDEX_BUILDING || !id_equal(index->until, id))
            continue;
        index->until = (struct id){{0}};
        status = replica_index_store(replica, index);
    }
    return status;
}

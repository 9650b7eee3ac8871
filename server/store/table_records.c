/* Records, and the rows that follow from them.
 *
 * What a record's slices point to may lie in the very pages that a change moves. So everything
 * is computed and copied first: the stored form, the rows it stands in, the rows it stood in.
 * Only then is anything written.
 */
#include <assert.h>

#include "server/store/entries.h"
#include "server/store/tables.h"

static struct key record_key(struct id id)
{
    struct key key = {0};
    key_add_id(&key, id);
    return key;
}

enum status table_record(void *self, struct id id, struct bytes *encoded)
{
    const struct key key = record_key(id);
    return txn_get_sealed(txn_from(self), TABLE_RECORD, key_bytes(&key), encoded);
}

/* Into txn->scratch, with its checksum in front. */
static enum status encode(struct txn *txn, struct bytes key, const struct record *record)
{
    struct buffer *out = &txn->scratch;
    buffer_clear(out);
    buffer_extend(out, LAYOUT_CHECKSUM_SIZE);
    record_encode(out, record);
    if (out->failed)
        return STATUS_NO_MEMORY;
    const struct bytes payload =
        bytes_of(out->data + LAYOUT_CHECKSUM_SIZE, out->size - LAYOUT_CHECKSUM_SIZE);
    put_u64(out->data, sealed_checksum(key, payload));
    return STATUS_OK;
}

/* Removes the rows of `from` that are not in `but`. A row that should be there and is not means
 * that `old` was not what is stored, or that the store is damaged. */
static enum status remove_rows(struct txn *txn, const struct entries *from,
                               const struct entries *but)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct entry *entry = &from->entry[i];
        if (entries_have(but, entry))
            continue;
        const enum status status = txn_delete(txn, entry->table, key_bytes(&entry->key));
        if (status == STATUS_NOT_FOUND)
            return txn_fail(txn, STATUS_CORRUPT);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Inserts the rows of `from` that are not in `but`. */
static enum status insert_rows(struct txn *txn, const struct entries *from,
                               const struct entries *but)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct entry *entry = &from->entry[i];
        if (entries_have(but, entry))
            continue;
        const struct bytes key = key_bytes(&entry->key), value = {0};
        const enum status status = entry->table == TABLE_FEED
                                       ? txn_append(txn, entry->table, key, value)
                                       : txn_put(txn, entry->table, key, value, MDB_NOOVERWRITE);
        if (status == STATUS_EXISTS)
            return txn_fail(txn, STATUS_CORRUPT);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status table_put_record(void *self, const struct record *old, const struct record *record)
{
    struct txn *txn = txn_from(self);
    assert(old == NULL || id_equal(old->id, record->id));
    const struct key key = record_key(record->id);
    txn->before->count = 0;
    enum status status = old == NULL ? STATUS_OK : entries_of(old, txn->before);
    if (status == STATUS_OK)
        status = entries_of(record, txn->after);
    if (status == STATUS_OK)
        status = encode(txn, key_bytes(&key), record);
    if (status == STATUS_OK)
        status = txn_put(txn, TABLE_RECORD, key_bytes(&key), buffer_bytes(&txn->scratch),
                         old == NULL ? MDB_NOOVERWRITE : 0);
    if (status == STATUS_OK)
        status = remove_rows(txn, txn->before, txn->after);
    if (status == STATUS_OK)
        status = insert_rows(txn, txn->after, txn->before);
    return status;
}

static enum status forget_history(struct txn *txn, struct bytes id)
{
    for (;;) {
        struct bytes found;
        enum status status = txn_behind(txn, TABLE_HISTORY, id, true, &found, NULL);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !bytes_begin_with(found, id)))
            return STATUS_OK;
        struct key key = {0};
        if (status == STATUS_OK && found.size > sizeof key.data)
            status = txn_fail(txn, STATUS_CORRUPT);
        if (status != STATUS_OK)
            return status;
        key_add(&key, found);
        status = txn_delete(txn, TABLE_HISTORY, key_bytes(&key));
        if (status != STATUS_OK)
            return txn_fail(txn, status);
    }
}

enum status table_forget_record(void *self, const struct record *record)
{
    struct txn *txn = txn_from(self);
    const struct key key = record_key(record->id);
    txn->after->count = 0;
    enum status status = entries_of(record, txn->before);
    if (status == STATUS_OK)
        status = txn_delete(txn, TABLE_RECORD, key_bytes(&key));
    if (status == STATUS_OK)
        status = remove_rows(txn, txn->before, txn->after);
    if (status == STATUS_OK)
        status = forget_history(txn, key_bytes(&key));
    return status;
}

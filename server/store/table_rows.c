/* Tables whose values only their owners read: history, clients, credentials; and what is due. */
#include <string.h>

#include "server/store/tables.h"

#define HISTORY_KEY_SIZE (ID_SIZE + 8u)
#define DUE_KEY_SIZE (8u + ID_SIZE)

static struct key history_key(struct id id, uint64_t seq)
{
    struct key key = {0};
    key_add_id(&key, id);
    key_add_u64(&key, seq);
    return key;
}

enum status table_history_next(void *self, struct id id, uint64_t before, uint64_t *seq,
                               struct bytes *entry)
{
    const struct key key = history_key(id, before);
    struct bytes found, sealed;
    const enum status status =
        txn_before(txn_from(self), TABLE_HISTORY, key_bytes(&key), &found, &sealed);
    if (status != STATUS_OK)
        return status;
    if (!bytes_begin_with(found, bytes_of(id.octet, ID_SIZE)))
        return STATUS_NOT_FOUND;
    if (found.size != HISTORY_KEY_SIZE)
        return STATUS_CORRUPT;
    *seq = get_u64(found.data + ID_SIZE);
    return sealed_open(found, sealed, entry);
}

enum status table_put_history(void *self, struct id id, uint64_t seq, struct bytes entry)
{
    const struct key key = history_key(id, seq);
    return txn_put_sealed(txn_from(self), TABLE_HISTORY, key_bytes(&key), entry, 0);
}

static bool opaque_key_fits(struct bytes key)
{
    return key.size > 0 && key.size <= LAYOUT_OPAQUE_KEY_MAX;
}

/* No key of that size can be there. */
static enum status row_get(void *self, enum table table, struct bytes key, struct bytes *value)
{
    struct txn *txn = txn_from(self);
    return opaque_key_fits(key) ? txn_get_sealed(txn, table, key, value) : STATUS_NOT_FOUND;
}

static enum status row_put(void *self, enum table table, struct bytes key, struct bytes value)
{
    struct txn *txn = txn_from(self);
    if (!opaque_key_fits(key))
        return STATUS_INVALID_VALUE;
    struct key own = {0}; /* `key` may point into a page that this changes */
    key_add(&own, key);
    if (value.data != NULL)
        return txn_put_sealed(txn, table, key_bytes(&own), value, 0);
    const enum status status = txn_delete(txn, table, key_bytes(&own));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status row_next(void *self, enum table table, struct bytes prefix, struct buffer *key,
                            struct bytes *value)
{
    struct txn *txn = txn_from(self);
    const struct bytes after = buffer_bytes(key);
    if (prefix.size > LAYOUT_OPAQUE_KEY_MAX || after.size > LAYOUT_OPAQUE_KEY_MAX)
        return STATUS_INVALID_VALUE;
    const bool begin = after.size == 0 || bytes_compare(after, prefix) < 0;
    struct bytes found, sealed;
    const enum status status =
        txn_behind(txn, table, begin ? prefix : after, begin, &found, &sealed);
    if (status != STATUS_OK)
        return status;
    if (!bytes_begin_with(found, prefix))
        return STATUS_NOT_FOUND;
    buffer_clear(key);
    buffer_append(key, found.data, found.size);
    return key->failed ? STATUS_NO_MEMORY : sealed_open(found, sealed, value);
}

enum status table_client(void *self, struct bytes key, struct bytes *value)
{
    return row_get(self, TABLE_CLIENT, key, value);
}

enum status table_put_client(void *self, struct bytes key, struct bytes value)
{
    return row_put(self, TABLE_CLIENT, key, value);
}

enum status table_client_next(void *self, struct bytes prefix, struct buffer *key,
                              struct bytes *value)
{
    return row_next(self, TABLE_CLIENT, prefix, key, value);
}

enum status table_credential(void *self, struct bytes key, struct bytes *value)
{
    return row_get(self, TABLE_CREDENTIAL, key, value);
}

enum status table_put_credential(void *self, struct bytes key, struct bytes value)
{
    return row_put(self, TABLE_CREDENTIAL, key, value);
}

enum status table_credential_next(void *self, struct bytes prefix, struct buffer *key,
                                  struct bytes *value)
{
    return row_next(self, TABLE_CREDENTIAL, prefix, key, value);
}

enum status table_due_first(void *self, uint64_t *at_ms, struct id *id)
{
    struct bytes found;
    const enum status status =
        txn_behind(txn_from(self), TABLE_DUE, (struct bytes){0}, true, &found, NULL);
    if (status != STATUS_OK)
        return status;
    if (found.size != DUE_KEY_SIZE)
        return STATUS_CORRUPT;
    *at_ms = get_u64(found.data);
    memcpy(id->octet, found.data + 8, ID_SIZE);
    return STATUS_OK;
}

enum status table_put_due(void *self, uint64_t at_ms, struct id id, bool present)
{
    struct txn *txn = txn_from(self);
    struct key key = {0};
    key_add_u64(&key, at_ms);
    key_add_id(&key, id);
    if (present)
        return txn_put(txn, TABLE_DUE, key_bytes(&key), (struct bytes){0}, 0);
    const enum status status = txn_delete(txn, TABLE_DUE, key_bytes(&key));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

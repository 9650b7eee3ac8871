/* Who has which scope open, and when that last changed.
 *
 *     access         subject, scope -> row
 *     access_change  subject, seq, scope ->   the newest change of each row
 *
 * The second is the first turned round, so that a client which comes back after weeks finds what
 * changed since its cursor without reading all rows.
 */
#include <string.h>

#include "server/store/tables.h"

#define ROW_SIZE (8u + 8u + 1u + ID_SIZE)

enum status access_row_decode(struct bytes payload, struct access_row *out)
{
    if (payload.size != ROW_SIZE)
        return STATUS_CORRUPT;
    out->granted = get_u64(payload.data);
    out->revoked = get_u64(payload.data + 8);
    out->level = payload.data[16];
    memcpy(out->assignment.octet, payload.data + 17, ID_SIZE);
    return STATUS_OK;
}

uint64_t access_row_seq(const struct access_row *row)
{
    return row->granted > row->revoked ? row->granted : row->revoked;
}

static void row_key(struct key *key, struct id subject, struct scope scope)
{
    key_clear(key);
    key_add_id(key, subject);
    key_add_scope(key, scope);
}

enum status table_access(void *self, struct id subject, struct scope scope, struct access_row *out)
{
    struct key key;
    struct bytes payload;
    row_key(&key, subject, scope);
    const enum status status =
        txn_get_sealed(txn_from(self), TABLE_ACCESS, key_bytes(&key), &payload);
    return status == STATUS_OK ? access_row_decode(payload, out) : status;
}

enum status table_access_next(void *self, struct id subject, struct scope after,
                              struct scope *scope, struct access_row *row)
{
    struct key key;
    struct bytes found, sealed, payload;
    row_key(&key, subject, after);
    enum status status =
        txn_behind(txn_from(self), TABLE_ACCESS, key_bytes(&key), false, &found, &sealed);
    if (status != STATUS_OK)
        return status;
    if (!bytes_begin_with(found, bytes_of(subject.octet, ID_SIZE)))
        return STATUS_NOT_FOUND;
    status = sealed_open(found, sealed, &payload);
    if (status != STATUS_OK)
        return status;
    if (!scope_from_bytes(bytes_of(found.data + ID_SIZE, found.size - ID_SIZE), scope))
        return STATUS_CORRUPT;
    return access_row_decode(payload, row);
}

static void change_key(struct key *key, struct id subject, uint64_t seq, struct scope scope)
{
    key_clear(key);
    key_add_id(key, subject);
    key_add_u64(key, seq);
    key_add_scope(key, scope);
}

enum status table_access_change_next(void *self, struct id subject, uint64_t *seq,
                                     struct scope *scope)
{
    struct key key;
    struct bytes found;
    change_key(&key, subject, *seq, *scope);
    const enum status status =
        txn_behind(txn_from(self), TABLE_ACCESS_CHANGE, key_bytes(&key), false, &found, NULL);
    if (status != STATUS_OK)
        return status;
    if (!bytes_begin_with(found, bytes_of(subject.octet, ID_SIZE)))
        return STATUS_NOT_FOUND;
    if (found.size != key.size ||
        !scope_from_bytes(bytes_of(found.data + ID_SIZE + 8, SCOPE_SIZE), scope))
        return STATUS_CORRUPT;
    *seq = get_u64(found.data + ID_SIZE);
    return STATUS_OK;
}

/* Moves the row's entry among the changes. A row that never changed (seq 0) has none. */
static enum status move_change(struct txn *txn, struct id subject, struct scope scope,
                               uint64_t from, uint64_t to)
{
    enum status status = STATUS_OK;
    struct key key;
    if (from == to)
        return STATUS_OK;
    if (from > 0) {
        change_key(&key, subject, from, scope);
        status = txn_delete(txn, TABLE_ACCESS_CHANGE, key_bytes(&key));
        if (status == STATUS_NOT_FOUND)
            status = txn_fail(txn, STATUS_CORRUPT);
    }
    if (status == STATUS_OK && to > 0) {
        change_key(&key, subject, to, scope);
        status = txn_put(txn, TABLE_ACCESS_CHANGE, key_bytes(&key), (struct bytes){0}, 0);
    }
    return status;
}

enum status table_put_access(void *self, struct id subject, struct scope scope,
                             const struct access_row *row)
{
    struct txn *txn = txn_from(self);
    struct access_row old = {0};
    enum status status = table_access(self, subject, scope, &old);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = move_change(txn, subject, scope, access_row_seq(&old), access_row_seq(row));
    if (status != STATUS_OK)
        return status;
    uint8_t payload[ROW_SIZE];
    put_u64(payload, row->granted);
    put_u64(payload + 8, row->revoked);
    payload[16] = row->level;
    memcpy(payload + 17, row->assignment.octet, ID_SIZE);
    struct key key;
    row_key(&key, subject, scope);
    return txn_put_sealed(txn, TABLE_ACCESS, key_bytes(&key), bytes_of(payload, ROW_SIZE), 0);
}

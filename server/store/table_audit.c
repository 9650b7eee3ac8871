/* The audit trail: entries numbered from 1, each beginning with the SHA-256 of the one before, so
 * that none can be changed, removed or put in between without every later one telling. */
#include <openssl/evp.h>
#include <string.h>

#include "server/store/tables.h"

enum status audit_hash(struct buffer *scratch, struct bytes key, struct bytes value,
                       uint8_t out[AUDIT_HASH_SIZE])
{
    buffer_clear(scratch);
    buffer_append(scratch, key.data, key.size);
    buffer_append(scratch, value.data, value.size);
    if (scratch->failed)
        return STATUS_NO_MEMORY;
    if (EVP_Digest(scratch->data, scratch->size, out, NULL, EVP_sha256(), NULL) != 1)
        return STATUS_INTERNAL;
    return STATUS_OK;
}

enum status table_audit(void *self, struct bytes entry)
{
    struct txn *txn = txn_from(self);
    uint64_t number = 1;
    uint8_t hash[AUDIT_HASH_SIZE] = {0};
    struct bytes found, value;
    enum status status = txn_before(txn, TABLE_AUDIT, (struct bytes){0}, &found, &value);
    if (status == STATUS_OK) {
        if (found.size != 8 || value.size < AUDIT_HASH_SIZE)
            return txn_fail(txn, STATUS_CORRUPT);
        number = get_u64(found.data) + 1;
        status = audit_hash(&txn->scratch, found, value, hash);
    } else if (status == STATUS_NOT_FOUND) {
        status = STATUS_OK;
    }
    if (status != STATUS_OK)
        return txn_fail(txn, status);
    struct key key = {0};
    key_add_u64(&key, number);
    buffer_clear(&txn->scratch);
    buffer_append(&txn->scratch, hash, sizeof hash);
    buffer_append(&txn->scratch, entry.data, entry.size);
    if (txn->scratch.failed)
        return txn_fail(txn, STATUS_NO_MEMORY);
    return txn_append(txn, TABLE_AUDIT, key_bytes(&key), buffer_bytes(&txn->scratch));
}

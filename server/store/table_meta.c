/* The one row of the meta table. Its first 12 bytes, and its key, are the same in every version
 * of the format, so that each can tell which one it has before it. */
#include <string.h>

#include "server/store/tables.h"

#define MAGIC_SIZE 8u
#define HEAD_SIZE (MAGIC_SIZE + 4u)
#define BODY_SIZE (HEAD_SIZE + ID_SIZE + 6u * 8u)
#define META_SIZE (BODY_SIZE + LAYOUT_CHECKSUM_SIZE)

static const uint8_t magic[MAGIC_SIZE] = {'T', 'a', 'n', 'd', 'e', 'm', 0x0d, 0x0a};

static struct bytes meta_key(void)
{
    return bytes_text("store");
}

static enum status meta_row(struct txn *txn, struct bytes *row)
{
    const enum status status = txn_get(txn, TABLE_META, meta_key(), row);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    if (row->size < HEAD_SIZE || memcmp(row->data, magic, MAGIC_SIZE) != 0)
        return STATUS_CORRUPT;
    return STATUS_OK;
}

enum status table_format(struct txn *txn, uint32_t *version)
{
    struct bytes row;
    const enum status status = meta_row(txn, &row);
    if (status == STATUS_OK)
        *version = get_u32(row.data + MAGIC_SIZE);
    return status;
}

enum table tables_of_format(uint32_t version)
{
    return version < 2 ? TABLE_NOTE_HEAD : TABLE_COUNT;
}

static enum status read_meta(struct txn *txn, struct meta *out)
{
    struct bytes row;
    const enum status status = meta_row(txn, &row);
    if (status != STATUS_OK)
        return status;
    if (row.size != META_SIZE ||
        get_u64(row.data + BODY_SIZE) != sealed_checksum(meta_key(), bytes_of(row.data, BODY_SIZE)))
        return STATUS_CORRUPT;
    const uint8_t *at = row.data + HEAD_SIZE;
    memcpy(out->epoch.octet, at, ID_SIZE);
    at += ID_SIZE;
    out->seq = get_u64(at);
    out->horizon = get_u64(at + 8);
    out->people_seq = get_u64(at + 16);
    out->access_seq = get_u64(at + 24);
    out->log_epoch = get_u64(at + 32);
    out->log_position = get_u64(at + 40);
    return STATUS_OK;
}

/* Every session that is served asks for it, from the one snapshot of a pass. */
enum status table_meta(void *self, struct meta *out)
{
    struct txn *txn = txn_from(self);
    if (txn->writable)
        return read_meta(txn, out);
    enum status status = STATUS_OK;
    if (txn->snapshot == 0 || txn->meta_snapshot != txn->snapshot)
        status = read_meta(txn, &txn->meta);
    if (status == STATUS_OK) {
        txn->meta_snapshot = txn->snapshot;
        *out = txn->meta;
    }
    return status;
}

enum status table_put_meta(void *self, const struct meta *meta)
{
    struct txn *txn = txn_from(self);
    uint8_t row[META_SIZE];
    memcpy(row, magic, MAGIC_SIZE);
    put_u32(row + MAGIC_SIZE, STORE_FORMAT);
    uint8_t *at = row + HEAD_SIZE;
    memcpy(at, meta->epoch.octet, ID_SIZE);
    at += ID_SIZE;
    put_u64(at, meta->seq);
    put_u64(at + 8, meta->horizon);
    put_u64(at + 16, meta->people_seq);
    put_u64(at + 24, meta->access_seq);
    put_u64(at + 32, meta->log_epoch);
    put_u64(at + 40, meta->log_position);
    put_u64(row + BODY_SIZE, sealed_checksum(meta_key(), bytes_of(row, BODY_SIZE)));
    return txn_put(txn, TABLE_META, meta_key(), bytes_of(row, META_SIZE), 0);
}

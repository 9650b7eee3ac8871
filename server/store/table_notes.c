/* What is kept of live notes: a row for each of their heads, and, behind the note's id, rows by
 * version. */
#include "server/store/tables.h"

#define NOTE_KEY_SIZE (ID_SIZE + 8u)

static struct key head_key(struct id note)
{
    struct key key = {0};
    key_add_id(&key, note);
    return key;
}

static struct key row_key(struct id note, uint64_t version)
{
    struct key key = head_key(note);
    key_add_u64(&key, version);
    return key;
}

static enum table table_of(enum note_rows rows)
{
    return rows == NOTE_LOG ? TABLE_NOTE_LOG : TABLE_NOTE_SNAPSHOT;
}

/* A store of format 1 that is read as it is has no tables of notes: LMDB's own are 0 and 1. */
static bool has_notes(const struct txn *txn)
{
    return txn->tables[TABLE_NOTE_HEAD] != 0;
}

enum status table_note_head(void *self, struct id note, struct bytes *head)
{
    struct txn *txn = txn_from(self);
    const struct key key = head_key(note);
    return has_notes(txn) ? txn_get_sealed(txn, TABLE_NOTE_HEAD, key_bytes(&key), head)
                          : STATUS_NOT_FOUND;
}

enum status table_note_row(void *self, enum note_rows rows, struct id note, uint64_t version,
                           struct bytes *row)
{
    struct txn *txn = txn_from(self);
    const struct key key = row_key(note, version);
    return has_notes(txn) ? txn_get_sealed(txn, table_of(rows), key_bytes(&key), row)
                          : STATUS_NOT_FOUND;
}

/* Takes a row that a walk came to, when it is still the note's. */
static enum status arrive(struct id note, struct bytes found, struct bytes sealed,
                          uint64_t *version, struct bytes *row)
{
    if (!bytes_begin_with(found, bytes_of(note.octet, ID_SIZE)))
        return STATUS_NOT_FOUND;
    if (found.size != NOTE_KEY_SIZE)
        return STATUS_CORRUPT;
    *version = get_u64(found.data + ID_SIZE);
    return sealed_open(found, sealed, row);
}

enum status table_note_before(void *self, enum note_rows rows, struct id note, uint64_t before,
                              uint64_t *version, struct bytes *row)
{
    struct txn *txn = txn_from(self);
    const struct key key = row_key(note, before);
    struct bytes found, sealed;
    if (!has_notes(txn))
        return STATUS_NOT_FOUND;
    const enum status status = txn_before(txn, table_of(rows), key_bytes(&key), &found, &sealed);
    return status == STATUS_OK ? arrive(note, found, sealed, version, row) : status;
}

enum status table_note_next(void *self, enum note_rows rows, struct id note, uint64_t after,
                            uint64_t *version, struct bytes *row)
{
    struct txn *txn = txn_from(self);
    const struct key key = row_key(note, after);
    struct bytes found, sealed;
    if (!has_notes(txn))
        return STATUS_NOT_FOUND;
    const enum status status =
        txn_behind(txn, table_of(rows), key_bytes(&key), false, &found, &sealed);
    return status == STATUS_OK ? arrive(note, found, sealed, version, row) : status;
}

static enum status put_row(void *self, enum table table, const struct key *key, struct bytes row)
{
    struct txn *txn = txn_from(self);
    if (row.data != NULL)
        return txn_put_sealed(txn, table, key_bytes(key), row, 0);
    const enum status status = txn_delete(txn, table, key_bytes(key));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status table_put_note_head(void *self, struct id note, struct bytes head)
{
    const struct key key = head_key(note);
    return put_row(self, TABLE_NOTE_HEAD, &key, head);
}

enum status table_put_note_row(void *self, enum note_rows rows, struct id note, uint64_t version,
                               struct bytes row)
{
    const struct key key = row_key(note, version);
    return put_row(self, table_of(rows), &key, row);
}

/* Raising a store of an earlier format.
 *
 *     from 1   the tables of live notes are made, empty
 *     from 2   text in the index is folded by Unicode, not by ASCII alone (protocol/fold.h)
 *
 * All steps are one transaction, which writes the version last: a crash, or a full disk, leaves the
 * store of the former format. Of the index only rows that differ are written. A record that cannot
 * be read keeps the rows it has; it could not be read before either, and store_check() names it.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "protocol/memory.h"
#include "server/store/entries.h"
#include "server/store/store_struct.h"
#include "server/store/tables.h"

/* Records after which it is told how far it has come. */
#define TELL_EVERY 100000u

__attribute__((format(printf, 2, 3))) static void tell(const struct store *store,
                                                       const char *format, ...)
{
    char line[256];
    va_list arguments;
    if (store->tell == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    store->tell(store->tell_context, line);
}

static enum status make_tables(struct store *store)
{
    enum status status = STATUS_OK;
    for (enum table i = tables_of_format(store->format); i < TABLE_COUNT && status == STATUS_OK;
         i++)
        status = txn_status(
            mdb_dbi_open(store->writer.handle, table_name(i), MDB_CREATE, &store->tables[i]));
    return status;
}

/* Both have the same rows in the same order: a text has a key either way. */
static enum status move_rows(struct txn *txn, const struct entries *from, const struct entries *to)
{
    assert(from->count == to->count);
    for (size_t i = 0; i < from->count; i++) {
        const struct bytes old = key_bytes(&from->entry[i].key), new = key_bytes(&to->entry[i].key);
        if (bytes_equal(old, new))
            continue;
        enum status status = txn_delete(txn, from->entry[i].table, old);
        if (status == STATUS_OK || status == STATUS_NOT_FOUND)
            status = txn_put(txn, to->entry[i].table, new, (struct bytes){0}, 0);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status fold_record(struct store *store, struct bytes key, struct bytes sealed,
                               struct record *record)
{
    struct txn *txn = &store->writer;
    struct bytes stored;
    enum status status = sealed_open(key, sealed, &stored);
    if (status == STATUS_OK)
        status = record_decode(stored, record);
    if (status == STATUS_OK)
        status = entries_of(record, txn->before);
    if (status == STATUS_OK)
        status = entries_of(record, txn->after);
    if (status == STATUS_OK)
        return move_rows(txn, txn->before, txn->after);
    if (status == STATUS_NO_MEMORY)
        return status;
    tell(store, "a record cannot be read and is left as it is: see tandemd check");
    return STATUS_OK;
}

static enum status fold_records(struct store *store, struct record *record)
{
    struct txn *txn = &store->writer;
    struct key at = {0};
    struct bytes key, value;
    MDB_stat stat;
    enum status status = txn_status(mdb_stat(txn->handle, txn->tables[TABLE_RECORD], &stat));
    if (status != STATUS_OK)
        return status;
    tell(store, "raising the store from format %u to %u: %zu records", store->format, STORE_FORMAT,
         stat.ms_entries);
    for (size_t done = 1;; done++) {
        status = txn_behind(txn, TABLE_RECORD, key_bytes(&at), false, &key, &value);
        if (status == STATUS_OK && key.size > sizeof at.data)
            status = STATUS_CORRUPT;
        if (status != STATUS_OK)
            break;
        key_clear(&at);
        key_add(&at, key);
        status = fold_record(store, key_bytes(&at), value, record);
        if (status != STATUS_OK)
            break;
        if (done % TELL_EVERY == 0)
            tell(store, "raising the store: %zu of %zu records", done, stat.ms_entries);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status fold_index(struct store *store)
{
    struct txn *txn = &store->writer;
    struct record *record = memory_new(sizeof *record);
    if (record == NULL)
        return STATUS_NO_MEMORY;
    txn->before->ascii = true;
    enum status status = fold_records(store, record);
    txn->before->ascii = false;
    memory_free(record);
    return status == STATUS_OK ? alike_find(txn, store->tell, store->tell_context, NULL) : status;
}

/* The version goes with the row of meta. */
static enum status write_version(struct txn *txn)
{
    struct meta meta;
    const enum status status = table_meta(txn, &meta);
    return status == STATUS_OK ? table_put_meta(txn, &meta) : status;
}

enum status store_raise(struct store *store)
{
    enum status status = writer_begin(store);
    if (status != STATUS_OK)
        return status;
    status = make_tables(store);
    if (status == STATUS_OK)
        status = fold_index(store);
    if (status == STATUS_OK)
        status = write_version(&store->writer);
    if (status != STATUS_OK) {
        store_write_abort(store);
        return status;
    }
    status = store_write_commit(store);
    if (status == STATUS_OK)
        store->format = STORE_FORMAT;
    return status;
}

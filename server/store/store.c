/* Opening: lock the directory, open LMDB, read the format version before anything else, open the
 * tables, raise an earlier format (upgrade.c). Making a new store writes all tables and the meta
 * row in one transaction, so that what a crash leaves is either a store or none. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "server/store/store_struct.h"
#include "server/store/tables.h"

#define RESERVE_DEFAULT (UINT64_C(64) << 20)

static enum status open_tables(struct store *store)
{
    MDB_txn *handle = NULL;
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &handle);
    for (enum table i = 0; i < tables_of_format(store->format) && code == MDB_SUCCESS; i++)
        code = mdb_dbi_open(handle, table_name(i), 0, &store->tables[i]);
    if (code != MDB_SUCCESS) {
        mdb_txn_abort(handle);
        return txn_status(code);
    }
    return txn_status(mdb_txn_commit(handle));
}

/* One transaction holds the tables and the row that makes them a store. */
static enum status make(struct store *store, const struct store_options *options)
{
    const struct meta meta = {.epoch = options->epoch};
    enum status status = writer_begin(store);
    if (status != STATUS_OK)
        return status;
    for (enum table i = 0; i < TABLE_COUNT && status == STATUS_OK; i++)
        status = txn_status(
            mdb_dbi_open(store->writer.handle, table_name(i), MDB_CREATE, &store->tables[i]));
    if (status == STATUS_OK)
        status = table_put_meta(&store->writer, &meta);
    if (status != STATUS_OK) {
        store_write_abort(store);
        return status;
    }
    store->format = STORE_FORMAT;
    status = store_write_commit(store);
    return status == STATUS_OK ? environment_sync(store->path, ENVIRONMENT_DATA) : status;
}

/* Reads the version with nothing but the meta table open: another version may have others. */
static enum status read_format(struct store *store, uint32_t *version)
{
    MDB_txn *handle = NULL;
    enum status status = txn_status(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &handle));
    if (status != STATUS_OK)
        return status;
    struct txn txn = {.magic = TXN_MAGIC, .handle = handle, .tables = store->tables};
    status =
        txn_status(mdb_dbi_open(handle, table_name(TABLE_META), 0, &store->tables[TABLE_META]));
    if (status == STATUS_OK)
        status = table_format(&txn, version);
    txn_close_walkers(&txn);
    mdb_txn_abort(handle);
    return status;
}

/* Opens the tables of a store that is there and that this program knows. */
static enum status open_present(struct store *store, const struct store_options *options)
{
    const enum status status = open_tables(store);
    if (status != STATUS_OK || store->format == STORE_FORMAT || options->as_it_is)
        return status;
    return store_raise(store);
}

static enum status use(struct store *store, const struct store_options *options,
                       struct fault *fault)
{
    const struct bytes none = {0};
    enum status status = read_format(store, &store->format);
    if (status == STATUS_NOT_FOUND && options->create)
        status = make(store, options);
    else if (status == STATUS_OK && options->create)
        return fault_set(fault, STATUS_EXISTS, none, "there is a store at %s", store->path);
    else if (status == STATUS_OK && (store->format == 0 || store->format > STORE_FORMAT))
        return fault_set(fault, STATUS_FORMAT_VERSION, none,
                         "the store at %s has format %u, this program works with format %u: run "
                         "a version of tandemd that does",
                         store->path, store->format, STORE_FORMAT);
    else if (status == STATUS_OK)
        status = open_present(store, options);
    if (status == STATUS_NOT_FOUND)
        return fault_set(fault, status, none, "there is no store at %s", store->path);
    if (status != STATUS_OK)
        return fault_set(fault, status, none, "%s: %s", store->path, status_text(status));
    return STATUS_OK;
}

enum status store_open(const struct store_options *options, struct store **out, struct fault *fault)
{
    *out = NULL;
    if (fault != NULL)
        fault_clear(fault);
    const bool exists = environment_exists(options->path);
    if (!exists && environment_is_unfinished(options->path))
        return fault_set(fault, options->create ? STATUS_EXISTS : STATUS_NOT_FOUND,
                         (struct bytes){0}, "the copy in %s is not finished", options->path);
    if (!exists && !options->create)
        return fault_set(fault, STATUS_NOT_FOUND, (struct bytes){0}, "there is no store at %s",
                         options->path);
    struct store *store = memory_new(sizeof *store);
    if (store == NULL)
        return fault_set(fault, STATUS_NO_MEMORY, (struct bytes){0}, "out of memory");
    store->magic = STORE_MAGIC;
    store->lock = -1;
    store->reserve_bytes = options->reserve_bytes > 0 ? options->reserve_bytes : RESERVE_DEFAULT;
    store->tell = options->tell;
    store->tell_context = options->tell_context;
    store->path = memory_copy(options->path, strlen(options->path));
    enum status status = store->path == NULL ? STATUS_NO_MEMORY : writer_init(store);
    if (status != STATUS_OK)
        status = fault_set(fault, status, (struct bytes){0}, "out of memory");
    if (status == STATUS_OK)
        status = environment_lock(options->path, &store->lock, fault);
    if (status == STATUS_OK)
        status = store_environment_open(options, &store->env, fault);
    if (status == STATUS_OK)
        status = use(store, options, fault);
    if (status == STATUS_OK)
        *out = store;
    else
        store_close(store);
    return status;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    assert(store->magic == STORE_MAGIC && store->writer.handle == NULL);
    if (store->env != NULL)
        mdb_env_close(store->env);
    if (store->lock >= 0)
        close(store->lock);
    writer_release(store);
    memory_free(store->path);
    store->magic = 0;
    memory_free(store);
}

/* Opening the replica.
 *
 * The happy path: make the folder, open the environment and its tables, read the meta entries. What
 * is new gets them written first. What can be wrong with an existing environment - LMDB refuses the
 * file, the format is not ours, a meta entry has the wrong size - has one answer: delete it and
 * begin with a new one, once. A disk that reports errors is told as such. */
#include "client-lib/replica/replica_lmdb.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/storage/folder.h"
#include "protocol/memory.h"

#define DEFAULT_MAP ((size_t)64 << 30)

static const char *const table_names[TABLE_COUNT] = {"records",   "entities", "scopes",  "timeline",
                                                     "backfills", "fields",   "indexed", "meta"};

enum status replica_meta_put(struct replica *replica, MDB_txn *txn, const char *name,
                             struct bytes value)
{
    return environment_put(txn, replica->db.table[TABLE_META], bytes_text(name), value, 0);
}

enum status replica_meta_get(struct replica *replica, MDB_txn *txn, const char *name,
                             struct bytes *value)
{
    return environment_get(txn, replica->db.table[TABLE_META], bytes_text(name), value);
}

/* With a client id of its own; without a port it keeps the one it had. */
static enum status write_meta(struct replica *replica, MDB_txn *txn, const struct port *port)
{
    uint8_t format[4];
    uint8_t cursor[8] = {0};
    struct id none = {{0}};
    put_u32(format, REPLICA_FORMAT);
    const uint8_t clean = REPLICA_CLEAN;
    if (port != NULL && !port_id(port, &replica->client))
        return STATUS_INTERNAL;
    enum status status = replica_meta_put(replica, txn, "format", bytes_of(format, 4));
    if (status == STATUS_OK)
        status = replica_meta_put(replica, txn, "cursor", bytes_of(cursor, 8));
    if (status == STATUS_OK)
        status = replica_meta_put(replica, txn, "epoch", bytes_of(none.octet, ID_SIZE));
    if (status == STATUS_OK)
        status = replica_meta_put(replica, txn, "client", bytes_of(replica->client.octet, ID_SIZE));
    if (status == STATUS_OK)
        status = replica_meta_put(replica, txn, "subscription", bytes_of("", 0));
    if (status == STATUS_OK)
        status = replica_meta_put(replica, txn, "remains", bytes_of(&clean, 1));
    return status;
}

static bool is_our_format(struct bytes format)
{
    const uint32_t number = format.size == 4 ? get_u32(format.data) : 0;
    return number == REPLICA_FORMAT || number == REPLICA_FORMAT_ASCII ||
           number == REPLICA_FORMAT_INDEXED;
}

/* FORMAT_VERSION for an environment that is not of this format. */
static enum status read_meta(struct replica *replica, MDB_txn *txn)
{
    struct bytes format, cursor, epoch, client, subscription, remains;
    if (replica_meta_get(replica, txn, "format", &format) != STATUS_OK || !is_our_format(format) ||
        replica_meta_get(replica, txn, "cursor", &cursor) != STATUS_OK || cursor.size != 8 ||
        replica_meta_get(replica, txn, "epoch", &epoch) != STATUS_OK ||
        !id_from_bytes(epoch, &replica->epoch) ||
        replica_meta_get(replica, txn, "client", &client) != STATUS_OK ||
        !id_from_bytes(client, &replica->client) ||
        replica_meta_get(replica, txn, "subscription", &subscription) != STATUS_OK ||
        replica_meta_get(replica, txn, "remains", &remains) != STATUS_OK || remains.size != 1 ||
        remains.data[0] > REPLICA_PURGED)
        return STATUS_FORMAT_VERSION;
    replica->remains = (enum replica_remains)remains.data[0];
    replica->cursor = get_u64(cursor.data);
    return STATUS_OK;
}

/* NOT_FOUND for one that is new. */
static enum status read_contents(struct replica *replica, MDB_txn *txn)
{
    MDB_stat stat = {0};
    int code = mdb_stat(txn, replica->db.table[TABLE_META], &stat);
    if (code != 0)
        return environment_status(code);
    return stat.ms_entries == 0 ? STATUS_NOT_FOUND : read_meta(replica, txn);
}

static enum status begin_contents(struct replica *replica, const struct port *port)
{
    MDB_txn *txn = NULL;
    enum status status = environment_write(&replica->db, &txn);
    if (status != STATUS_OK)
        return status;
    status = read_contents(replica, txn); /* another process may have been first */
    if (status == STATUS_NOT_FOUND) {
        status = write_meta(replica, txn, port);
        replica->next_txn = mdb_txn_id(txn) + 1;
        if (status == STATUS_OK)
            return environment_commit(txn);
    }
    mdb_txn_abort(txn);
    return status;
}

static enum status open_once(struct replica *replica, const char *folder, const struct port *port)
{
    struct environment_reading reading;
    enum status status = environment_open(folder, &replica->layout, &replica->db);
    if (status != STATUS_OK)
        return status;
    status = environment_read(&replica->db, &reading);
    if (status == STATUS_OK) {
        status = read_contents(replica, reading.txn);
        replica->next_txn = mdb_txn_id(reading.txn) + 1;
        environment_read_end(&replica->db, &reading);
    }
    if (status == STATUS_NOT_FOUND)
        status = begin_contents(replica, port);
    if (status == STATUS_OK)
        status = replica_recover(replica);
    if (status != STATUS_OK)
        environment_close(&replica->db);
    return status;
}

enum status replica_replace(struct replica *replica)
{
    char *folder = memory_copy(replica->db.folder, strlen(replica->db.folder));
    if (folder == NULL)
        return STATUS_NO_MEMORY;
    environment_close(&replica->db);
    enum status status = environment_delete(folder, &replica->layout);
    if (status == STATUS_OK)
        status = open_once(replica, folder, NULL);
    memory_free(folder);
    replica->cursor = 0;
    replica->epoch = (struct id){{0}};
    replica->remains = REPLICA_CLEAN;
    replica->scrub = (struct scrub){0};
    replica->indexes.count = 0;
    replica->indexes.looked = false;
    return status;
}

enum status replica_join(const char *folder, size_t map_bytes, const struct port *port,
                         struct replica **out, tandem_fault *fault)
{
    struct replica *replica = memory_new(sizeof *replica);
    *out = NULL;
    if (replica == NULL)
        return trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    replica->layout = (struct environment_layout){
        .file = "data.mdb",
        .tables = table_names,
        .table_count = TABLE_COUNT,
        .map_bytes = map_bytes != 0 ? map_bytes : DEFAULT_MAP,
    };
    enum status status = folder_make(folder, fault);
    if (status == STATUS_OK) {
        status = open_once(replica, folder, port);
        if (status != STATUS_OK)
            trouble(fault, status, "", "cannot open the replica in %s: %s", folder,
                    status_text(status));
    }
    if (status == STATUS_OK)
        *out = replica;
    else
        replica_close(replica);
    return status;
}

enum status replica_open(const char *folder, size_t map_bytes, const struct port *port,
                         struct replica **out, tandem_fault *fault)
{
    const struct environment_layout layout = {.file = "data.mdb"};
    enum status status = replica_join(folder, map_bytes, port, out, fault);
    if (status != STATUS_FORMAT_VERSION && status != STATUS_CORRUPT)
        return status;
    status = environment_delete(folder, &layout);
    if (status != STATUS_OK)
        return trouble(fault, status, "", "cannot replace the replica in %s", folder);
    trouble_clear(fault);
    return replica_join(folder, map_bytes, port, out, fault);
}

void replica_close(struct replica *replica)
{
    if (replica == NULL)
        return;
    replica_abort(replica);
    environment_close(&replica->db);
    buffer_release(&replica->indexes.value);
    memory_free(replica);
}

enum status replica_look(struct replica *replica)
{
    struct environment_reading reading;
    if (replica->write != NULL)
        return STATUS_OK;
    enum status status = environment_read(&replica->db, &reading);
    if (status != STATUS_OK)
        return status;
    status = read_contents(replica, reading.txn);
    environment_read_end(&replica->db, &reading);
    return status;
}

void replica_set_read_only(struct replica *replica, bool read_only)
{
    replica->read_only = read_only;
    replica->indexes.looked = false; /* another process may have changed them */
}

bool replica_is_read_only(const struct replica *replica)
{
    return replica->read_only;
}

struct id replica_client(const struct replica *replica)
{
    return replica->client;
}

uint64_t replica_cursor(const struct replica *replica)
{
    return replica->cursor;
}

struct id replica_epoch(const struct replica *replica)
{
    return replica->epoch;
}

/* Opening the replica.
 *
 * The happy path: make the folder, lock it, open the environment and its tables, read the meta
 * entries. A new environment gets them written first. What can be wrong with an existing one -
 * LMDB refuses the file, the format is not ours, a meta entry has the wrong size - has one answer:
 * delete it and begin with a new one, once. A disk that reports errors is told as such. */
#include "client-lib/replica_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/fault.h"
#include "protocol/memory.h"

#define DEFAULT_MAP ((size_t)64 << 30)
#define SMALLEST_MAP ((size_t)1 << 20)

enum status replica_status(int code)
{
    switch (code) {
    case 0:
        return STATUS_OK;
    case MDB_NOTFOUND:
        return STATUS_NOT_FOUND;
    case MDB_MAP_FULL:
        return STATUS_LIMIT;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return STATUS_CORRUPT;
    default:
        return STATUS_IO;
    }
}

MDB_val replica_val(const void *data, size_t size)
{
    return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)data};
}

enum status replica_meta_put(struct replica *replica, MDB_txn *txn, const char *name,
                             struct bytes value)
{
    MDB_val key = replica_val(name, strlen(name));
    MDB_val data = replica_val(value.data, value.size);
    return replica_status(mdb_put(txn, replica->table[TABLE_META], &key, &data, 0));
}

enum status replica_meta_get(struct replica *replica, MDB_txn *txn, const char *name,
                             struct bytes *value)
{
    MDB_val key = replica_val(name, strlen(name));
    MDB_val data;
    int code = mdb_get(txn, replica->table[TABLE_META], &key, &data);
    if (code == 0)
        *value = bytes_of(data.mv_data, data.mv_size);
    return replica_status(code);
}

static bool path_join(char *out, size_t size, const char *folder, const char *name)
{
    int length = snprintf(out, size, "%s/%s", folder, name);
    return length > 0 && (size_t)length < size;
}

/* Makes the folder, and those above it, for their owner alone. */
static bool make_folder(const char *folder)
{
    char path[1024];
    size_t length = strlen(folder);
    if (length == 0 || length >= sizeof path)
        return false;
    memcpy(path, folder, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        char end = path[i];
        path[i] = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return false;
        path[i] = end;
    }
    return true;
}

static enum status take_lock(struct replica *replica, const char *folder, tandem_fault *fault)
{
    char path[1100];
    if (!make_folder(folder) || !path_join(path, sizeof path, folder, "lock"))
        return trouble(fault, STATUS_IO, "", "cannot make the folder %s: %s", folder,
                       strerror(errno));
    replica->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (replica->lock < 0)
        return trouble(fault, STATUS_IO, "", "cannot open %s: %s", path, strerror(errno));
    if (flock(replica->lock, LOCK_EX | LOCK_NB) == 0)
        return STATUS_OK;
    if (errno == EWOULDBLOCK)
        return trouble(fault, STATUS_LOCKED, "", "another program is using the replica in %s",
                       folder);
    return trouble(fault, STATUS_IO, "", "cannot lock %s: %s", path, strerror(errno));
}

/* The environment with the largest map up to `map_bytes` that the address space has room for. */
static int open_env(struct replica *replica, const char *folder, size_t map_bytes)
{
    size_t size = map_bytes != 0 ? map_bytes : DEFAULT_MAP;
    int code;
    do {
        code = mdb_env_create(&replica->env);
        if (code != 0)
            return code;
        code = mdb_env_set_maxdbs(replica->env, TABLE_COUNT);
        if (code == 0)
            code = mdb_env_set_mapsize(replica->env, size);
        if (code == 0)
            code = mdb_env_open(replica->env, folder, MDB_NOTLS | MDB_NORDAHEAD, 0600);
        if (code == 0)
            return 0;
        mdb_env_close(replica->env);
        replica->env = NULL;
        size /= 2;
    } while (code == ENOMEM && size >= SMALLEST_MAP);
    return code;
}

static int open_tables(struct replica *replica, MDB_txn *txn)
{
    static const char *const names[TABLE_COUNT] = {"records",  "entities",  "scopes",
                                                   "timeline", "backfills", "meta"};
    for (int i = 0; i < TABLE_COUNT; i++) {
        int code = mdb_dbi_open(txn, names[i], MDB_CREATE, &replica->table[i]);
        if (code != 0)
            return code;
    }
    return 0;
}

static enum status write_meta(struct replica *replica, MDB_txn *txn, const struct port *port)
{
    uint8_t format[4];
    uint8_t cursor[8] = {0};
    struct id none = {{0}};
    put_u32(format, REPLICA_FORMAT);
    if (!port_id(port, &replica->client))
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
    return status;
}

/* FORMAT_VERSION for an environment that is not of this format. */
static enum status read_meta(struct replica *replica, MDB_txn *txn)
{
    struct bytes format, cursor, epoch, client, subscription;
    if (replica_meta_get(replica, txn, "format", &format) != STATUS_OK || format.size != 4 ||
        get_u32(format.data) != REPLICA_FORMAT ||
        replica_meta_get(replica, txn, "cursor", &cursor) != STATUS_OK || cursor.size != 8 ||
        replica_meta_get(replica, txn, "epoch", &epoch) != STATUS_OK ||
        !id_from_bytes(epoch, &replica->epoch) ||
        replica_meta_get(replica, txn, "client", &client) != STATUS_OK ||
        !id_from_bytes(client, &replica->client) ||
        replica_meta_get(replica, txn, "subscription", &subscription) != STATUS_OK)
        return STATUS_FORMAT_VERSION;
    replica->cursor = get_u64(cursor.data);
    return STATUS_OK;
}

static enum status open_contents(struct replica *replica, const struct port *port)
{
    MDB_txn *txn = NULL;
    MDB_stat stat = {0};
    int code = mdb_txn_begin(replica->env, NULL, 0, &txn);
    if (code != 0)
        return replica_status(code);
    code = open_tables(replica, txn);
    if (code == 0)
        code = mdb_stat(txn, replica->table[TABLE_META], &stat);
    /* Tables of a kind that ours cannot be are those of another format. */
    enum status status = code == MDB_INCOMPATIBLE || code == MDB_DBS_FULL ? STATUS_FORMAT_VERSION
                                                                          : replica_status(code);
    if (status == STATUS_OK)
        status = stat.ms_entries == 0 ? write_meta(replica, txn, port) : read_meta(replica, txn);
    if (status == STATUS_OK)
        return replica_status(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return status;
}

static void close_env(struct replica *replica)
{
    if (replica->reader != NULL)
        mdb_txn_abort(replica->reader);
    replica->reader = NULL;
    if (replica->env != NULL)
        mdb_env_close(replica->env);
    replica->env = NULL;
}

static enum status delete_files(const char *folder)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    char path[1100];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!path_join(path, sizeof path, folder, names[i]) ||
            (unlink(path) != 0 && errno != ENOENT))
            return STATUS_IO;
    return STATUS_OK;
}

static enum status open_once(struct replica *replica, const char *folder, size_t map_bytes,
                             const struct port *port)
{
    int code = open_env(replica, folder, map_bytes);
    enum status status = replica_status(code);
    if (status == STATUS_OK)
        status = open_contents(replica, port);
    if (status != STATUS_OK)
        close_env(replica);
    return status;
}

enum status replica_open(const char *folder, size_t map_bytes, const struct port *port,
                         struct replica **out, tandem_fault *fault)
{
    struct replica *replica = memory_new(sizeof *replica);
    *out = NULL;
    if (replica == NULL)
        return trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    replica->lock = -1;
    enum status status = take_lock(replica, folder, fault);
    if (status != STATUS_OK) {
        replica_close(replica);
        return status;
    }
    status = open_once(replica, folder, map_bytes, port);
    if (status == STATUS_FORMAT_VERSION || status == STATUS_CORRUPT) {
        status = delete_files(folder);
        if (status == STATUS_OK)
            status = open_once(replica, folder, map_bytes, port);
    }
    if (status != STATUS_OK) {
        trouble(fault, status, "", "cannot open the replica in %s: %s", folder,
                status_text(status));
        replica_close(replica);
        return status;
    }
    *out = replica;
    return STATUS_OK;
}

void replica_close(struct replica *replica)
{
    if (replica == NULL)
        return;
    replica_abort(replica);
    close_env(replica);
    if (replica->lock >= 0)
        close(replica->lock);
    memory_free(replica);
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

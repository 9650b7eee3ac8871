/* Copies, and figures.
 *
 * LMDB begins a copy with the pages that make a file a store, so one that was left halfway would be
 * opened as if it were whole, and so would one to be restored that still has the epoch of the store
 * it comes from. Hence a copy is made in a directory of its own and becomes a store by being moved:
 *
 *     TO/unfinished/             made; nothing else may be in TO
 *     TO/unfinished/data.mdb     written, given its epoch, flushed
 *     TO/data.mdb                moved, the directory flushed
 *     TO                         what was left of TO/unfinished removed
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "server/store/store_struct.h"

#define PATH_SIZE 4096u

struct copy {
    const char *path;
    char folder[PATH_SIZE]; /* path/unfinished */
    char made[PATH_SIZE];   /* path/unfinished/data.mdb */
    char moved[PATH_SIZE];  /* path/data.mdb */
    struct fault *fault;
};

static enum status refuse(const struct copy *copy, enum status status, const char *why)
{
    return fault_set(copy->fault, status, (struct bytes){0}, "%s%s", copy->path, why);
}

static enum status fail(const struct copy *copy, enum status status, const char *why)
{
    return fault_set(copy->fault, status, (struct bytes){0}, "%s: %s", copy->path, why);
}

static bool name_it(char out[PATH_SIZE], const char *folder, const char *name)
{
    return snprintf(out, PATH_SIZE, "%s/%s", folder, name) < (int)PATH_SIZE;
}

static bool is_ours(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
           strcmp(name, ENVIRONMENT_UNFINISHED) == 0;
}

/* 0, EEXIST when the directory holds anything but ours, or what the system says. */
static int expect_nothing_else(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return errno;
    int code = 0;
    errno = 0;
    for (const struct dirent *entry; code == 0 && (entry = readdir(directory)) != NULL;) {
        if (!is_ours(entry->d_name))
            code = EEXIST;
    }
    if (code == 0)
        code = errno;
    closedir(directory);
    return code;
}

static enum status begin(struct copy *copy)
{
    if (!name_it(copy->folder, copy->path, ENVIRONMENT_UNFINISHED) ||
        !name_it(copy->made, copy->folder, ENVIRONMENT_DATA) ||
        !name_it(copy->moved, copy->path, ENVIRONMENT_DATA))
        return fail(copy, STATUS_IO, strerror(ENAMETOOLONG));
    if (mkdir(copy->folder, 0700) != 0) {
        const int code = errno;
        if (code == ENOENT || code == ENOTDIR)
            return refuse(copy, STATUS_NOT_FOUND, " is no directory");
        if (code == EEXIST)
            return refuse(copy, STATUS_EXISTS, " holds a copy that is not finished");
        return fail(copy, STATUS_IO, strerror(code));
    }
    const int code = expect_nothing_else(copy->path);
    if (code == 0)
        return STATUS_OK;
    rmdir(copy->folder);
    return code == EEXIST ? refuse(copy, STATUS_EXISTS, " is not empty")
                          : fail(copy, STATUS_IO, strerror(code));
}

/* What LMDB and the store's own lock leave, and the directory. */
static void remove_unfinished(const struct copy *copy)
{
    static const char *const names[] = {ENVIRONMENT_DATA, "lock.mdb", ENVIRONMENT_LOCK};
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name_it(path, copy->folder, names[i]))
            unlink(path);
    rmdir(copy->folder);
}

static enum status renew_epoch(const struct store *from, const struct copy *copy, struct id epoch)
{
    const struct store_options how = {
        .path = copy->folder, .tell = from->tell, .tell_context = from->tell_context};
    struct store *store;
    struct state state;
    struct meta meta;
    enum status status = store_open(&how, &store, copy->fault);
    if (status != STATUS_OK)
        return status;
    status = store_write_begin(store, &state);
    if (status == STATUS_OK) {
        status = state.ops->meta(state.self, &meta);
        meta.epoch = epoch;
        if (status == STATUS_OK)
            status = state.ops->put_meta(state.self, &meta);
        if (status == STATUS_OK)
            status = store_write_commit(store);
        else
            store_write_abort(store);
    }
    store_close(store);
    return status == STATUS_OK ? status : fail(copy, status, "cannot be given an epoch");
}

/* For its owner alone, as the store is: it has what passwords are checked against. */
static enum status move_up(const struct copy *copy)
{
    if (chmod(copy->made, 0600) != 0)
        return fail(copy, STATUS_IO, strerror(errno));
    if (environment_sync(copy->folder, ENVIRONMENT_DATA) != STATUS_OK ||
        rename(copy->made, copy->moved) != 0)
        return fail(copy, STATUS_IO, "cannot be made durable");
    if (environment_sync(copy->path, ENVIRONMENT_DATA) == STATUS_OK)
        return STATUS_OK;
    unlink(copy->moved);
    return fail(copy, STATUS_IO, "cannot be made durable");
}

/* `epoch` NULL: the store's own. */
static enum status make_copy(struct store *store, const char *path, const struct id *epoch,
                             struct fault *fault)
{
    struct copy copy = {.path = path, .fault = fault};
    assert(store->magic == STORE_MAGIC);
    enum status status = begin(&copy);
    if (status != STATUS_OK)
        return status;
    const int code = mdb_env_copy2(store->env, copy.folder, MDB_CP_COMPACT);
    if (code != MDB_SUCCESS)
        status = fail(&copy, txn_status(code), mdb_strerror(code));
    if (status == STATUS_OK && epoch != NULL)
        status = renew_epoch(store, &copy, *epoch);
    if (status == STATUS_OK)
        status = move_up(&copy);
    remove_unfinished(&copy);
    return status;
}

enum status store_backup(struct store *store, const char *path, struct fault *fault)
{
    return make_copy(store, path, NULL, fault);
}

enum status store_restore(struct store *store, const char *path, struct id epoch,
                          struct fault *fault)
{
    return make_copy(store, path, &epoch, fault);
}

enum status store_figures(struct store *store, struct store_figures *out)
{
    assert(store->magic == STORE_MAGIC);
    MDB_txn *handle = NULL;
    MDB_envinfo info;
    MDB_stat records;
    struct statvfs disk;
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &handle);
    if (code == MDB_SUCCESS)
        code = mdb_stat(handle, store->tables[TABLE_RECORD], &records);
    mdb_txn_abort(handle);
    if (code == MDB_SUCCESS)
        code = mdb_env_info(store->env, &info);
    if (code == MDB_SUCCESS && statvfs(store->path, &disk) != 0)
        code = errno;
    if (code != MDB_SUCCESS)
        return txn_status(code);
    out->records = records.ms_entries;
    out->bytes_used = ((uint64_t)info.me_last_pgno + 1) * records.ms_psize;
    out->bytes_free_on_disk = (uint64_t)disk.f_bavail * disk.f_frsize;
    return STATUS_OK;
}

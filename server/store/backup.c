#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "server/store/store_struct.h"

/* Errors of the directory itself come as errno; a directory with anything in it is EEXIST. */
static int empty_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return errno;
    int code = 0;
    errno = 0;
    for (const struct dirent *entry; code == 0 && (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            code = EEXIST;
    }
    if (code == 0)
        code = errno;
    closedir(directory);
    return code;
}

static void remove_copy(const char *path)
{
    char name[4096];
    if (snprintf(name, sizeof name, "%s/data.mdb", path) < (int)sizeof name)
        unlink(name);
}

enum status store_backup(struct store *store, const char *path, struct fault *fault)
{
    const struct bytes none = {0};
    assert(store->magic == STORE_MAGIC);
    int code = empty_directory(path);
    if (code == ENOENT || code == ENOTDIR)
        return fault_set(fault, STATUS_NOT_FOUND, none, "%s is no directory", path);
    if (code == EEXIST)
        return fault_set(fault, STATUS_EXISTS, none, "%s is not empty", path);
    if (code != 0)
        return fault_set(fault, STATUS_IO, none, "%s: %s", path, strerror(code));
    code = mdb_env_copy2(store->env, path, MDB_CP_COMPACT);
    const enum status status =
        code == MDB_SUCCESS ? environment_sync(path, "data.mdb") : txn_status(code);
    if (status == STATUS_OK)
        return STATUS_OK;
    remove_copy(path);
    return fault_set(fault, status, none, "%s: %s", path,
                     code == MDB_SUCCESS ? "cannot be made durable" : mdb_strerror(code));
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

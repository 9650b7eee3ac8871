#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "server/store/store_struct.h"

#define MAP_WANTED (UINT64_C(1) << 40)
#define MAP_LEAST (UINT64_C(1) << 26)
#define READERS_DEFAULT 126u

/* Opens `name` in the directory `path`; -1 with errno on failure. */
static int open_in(const char *path, const char *name, int flags)
{
    const int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -1;
    const int file = openat(directory, name, flags | O_CLOEXEC, 0600);
    const int error = errno;
    close(directory);
    errno = error;
    return file;
}

enum status environment_lock(const char *path, int *out, struct fault *fault)
{
    const struct bytes none = {0};
    const int file = open_in(path, ENVIRONMENT_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (file < 0 && (errno == ENOENT || errno == ENOTDIR))
        return fault_set(fault, STATUS_NOT_FOUND, none, "%s is no directory", path);
    if (file < 0)
        return fault_set(fault, STATUS_IO, none, "%s/%s: %s", path, ENVIRONMENT_LOCK,
                         strerror(errno));
    if (flock(file, LOCK_EX | LOCK_NB) == 0) {
        *out = file;
        return STATUS_OK;
    }
    const int error = errno;
    close(file);
    if (error == EWOULDBLOCK)
        return fault_set(fault, STATUS_LOCKED, none, "%s is in use by another process", path);
    return fault_set(fault, STATUS_IO, none, "%s/%s: %s", path, ENVIRONMENT_LOCK, strerror(error));
}

static bool can_open(const char *path, const char *name, int flags)
{
    const int file = open_in(path, name, flags);
    if (file >= 0)
        close(file);
    return file >= 0;
}

bool environment_exists(const char *path)
{
    return can_open(path, ENVIRONMENT_DATA, O_RDONLY);
}

bool environment_is_unfinished(const char *path)
{
    return can_open(path, ENVIRONMENT_UNFINISHED, O_PATH | O_DIRECTORY);
}

/* A failed mdb_env_open leaves an environment fit only to be closed. */
static int try_open(const struct store_options *options, size_t map_bytes, MDB_env **out)
{
    MDB_env *env;
    int code = mdb_env_create(&env);
    if (code != MDB_SUCCESS)
        return code;
    code = mdb_env_set_mapsize(env, map_bytes);
    if (code == MDB_SUCCESS)
        code = mdb_env_set_maxdbs(env, TABLE_COUNT);
    if (code == MDB_SUCCESS)
        code = mdb_env_set_maxreaders(env, options->max_readers > 0 ? options->max_readers
                                                                    : READERS_DEFAULT);
    if (code == MDB_SUCCESS)
        code =
            mdb_env_open(env, options->path, MDB_NOTLS | (options->no_sync ? MDB_NOSYNC : 0), 0600);
    if (code == MDB_SUCCESS)
        *out = env;
    else
        mdb_env_close(env);
    return code;
}

enum status store_environment_open(const struct store_options *options, MDB_env **out,
                                   struct fault *fault)
{
    uint64_t map_bytes = options->map_bytes > 0 ? options->map_bytes : MAP_WANTED;
    int code = try_open(options, map_bytes, out);
    while (code == ENOMEM && map_bytes / 2 >= MAP_LEAST) {
        map_bytes /= 2;
        code = try_open(options, map_bytes, out);
    }
    int dead;
    if (code == MDB_SUCCESS && (code = mdb_reader_check(*out, &dead)) != MDB_SUCCESS)
        mdb_env_close(*out);
    if (code == MDB_SUCCESS)
        return STATUS_OK;
    *out = NULL;
    return fault_set(fault, txn_status(code), (struct bytes){0}, "%s/%s: %s", options->path,
                     ENVIRONMENT_DATA, mdb_strerror(code));
}

enum status environment_sync(const char *path, const char *name)
{
    const int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return STATUS_IO;
    const int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
    const bool synced = file >= 0 && fsync(file) == 0 && fsync(directory) == 0;
    if (file >= 0)
        close(file);
    close(directory);
    return synced ? STATUS_OK : STATUS_IO;
}

#include "client-lib/storage/environment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/memory.h"

#define SMALLEST_MAP ((size_t)1 << 20)
#define PATH_BYTES ENVIRONMENT_PATH
/* LMDB keeps the lock of a folder's data.mdb under this name. */
#define FOLDER_FILE "data.mdb"
#define FOLDER_LOCK "lock.mdb"
/* Damaged files that may be kept beside each other. */
#define SET_ASIDE_MOST 1000

enum status environment_status(int code)
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

/* ---- Files ---- */

static bool in_folder(const struct environment_layout *layout)
{
    return strcmp(layout->file, FOLDER_FILE) == 0;
}

static bool data_path(const char *folder, const struct environment_layout *layout,
                      char out[PATH_BYTES])
{
    int length = snprintf(out, PATH_BYTES, "%s/%s", folder, layout->file);
    return length > 0 && length < PATH_BYTES;
}

static bool lock_path(const char *folder, const struct environment_layout *layout,
                      char out[PATH_BYTES])
{
    int length = in_folder(layout) ? snprintf(out, PATH_BYTES, "%s/%s", folder, FOLDER_LOCK)
                                   : snprintf(out, PATH_BYTES, "%s/%s-lock", folder, layout->file);
    return length > 0 && length < PATH_BYTES;
}

static bool unlink_if_there(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT;
}

enum status environment_delete(const char *folder, const struct environment_layout *layout)
{
    char data[PATH_BYTES], lock[PATH_BYTES];
    if (!data_path(folder, layout, data) || !lock_path(folder, layout, lock))
        return STATUS_IO;
    return unlink_if_there(data) && unlink_if_there(lock) ? STATUS_OK : STATUS_IO;
}

enum status environment_set_aside(const char *folder, const struct environment_layout *layout,
                                  char *out, size_t size)
{
    char data[PATH_BYTES], lock[PATH_BYTES], aside[PATH_BYTES];
    if (!data_path(folder, layout, data) || !lock_path(folder, layout, lock))
        return STATUS_IO;
    for (int n = 1; n <= SET_ASIDE_MOST; n++) {
        int length = snprintf(out, size, "%s.damaged-%d", layout->file, n);
        if (length < 0 || (size_t)length >= size)
            return STATUS_IO;
        length = snprintf(aside, sizeof aside, "%s/%s", folder, out);
        if (length < 0 || (size_t)length >= sizeof aside)
            return STATUS_IO;
        /* A link, unlike a rename, never replaces what is there. */
        if (link(data, aside) == 0)
            return unlink(data) == 0 && unlink_if_there(lock) ? STATUS_OK : STATUS_IO;
        if (errno != EEXIST)
            return STATUS_IO;
    }
    return STATUS_IO;
}

/* ---- Opening ---- */

/* The environment with the largest map up to the layout's that the address space has room for. */
static int open_env(struct environment *environment)
{
    const struct environment_layout *layout = environment->layout;
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;
    char path[PATH_BYTES];
    size_t size = layout->map_bytes;
    int code;
    if (!data_path(environment->folder, layout, path))
        return ENAMETOOLONG;
    if (layout->no_sync)
        flags |= MDB_NOMETASYNC; /* unlike MDB_NOSYNC it keeps the order of commits */
    if (!in_folder(layout))
        flags |= MDB_NOSUBDIR;
    do {
        code = mdb_env_create(&environment->env);
        if (code != 0)
            return code;
        code = mdb_env_set_maxdbs(environment->env, ENVIRONMENT_TABLES);
        if (code == 0)
            code = mdb_env_set_userctx(environment->env, environment);
        if (code == 0)
            code = mdb_env_set_mapsize(environment->env, size);
        if (code == 0)
            code = mdb_env_open(environment->env, in_folder(layout) ? environment->folder : path,
                                flags, 0600);
        if (code == 0)
            return 0;
        mdb_env_close(environment->env);
        environment->env = NULL;
        size /= 2;
    } while (code == ENOMEM && size >= SMALLEST_MAP);
    return code;
}

static int open_tables(struct environment *environment, MDB_txn *txn, unsigned flags)
{
    int code = 0;
    for (size_t i = 0; i < environment->layout->table_count && code == 0; i++) {
        unsigned kind = 0;
        code = mdb_dbi_open(txn, environment->layout->tables[i], flags, &environment->table[i]);
        if (code == 0)
            code = mdb_dbi_flags(txn, environment->table[i], &kind);
        if (code == 0 && kind != 0)
            code = MDB_INCOMPATIBLE;
    }
    return code;
}

/* Opens the tables in a transaction of its own; making them takes one that writes. */
static int find_tables(struct environment *environment, bool make)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(environment->env, NULL, make ? 0 : MDB_RDONLY, &txn);
    if (code != 0)
        return code;
    code = open_tables(environment, txn, make ? MDB_CREATE : 0);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static void close_env(struct environment *environment)
{
    if (environment->reader != NULL)
        mdb_txn_abort(environment->reader);
    environment->reader = NULL;
    environment->reading = false;
    if (environment->env != NULL)
        mdb_env_close(environment->env);
    environment->env = NULL;
}

static enum status open_all(struct environment *environment)
{
    int dead = 0;
    int code = open_env(environment);
    /* Readers of processes that died would keep pages from being reused. */
    if (code == 0)
        code = mdb_reader_check(environment->env, &dead);
    if (code == 0)
        code = find_tables(environment, false);
    if (code == MDB_NOTFOUND)
        code = find_tables(environment, true);
    if (code != 0)
        close_env(environment);
    return code == MDB_INCOMPATIBLE || code == MDB_DBS_FULL ? STATUS_FORMAT_VERSION
                                                            : environment_status(code);
}

enum status environment_open(const char *folder, const struct environment_layout *layout,
                             struct environment *out)
{
    memset(out, 0, sizeof *out);
    if (layout->table_count > ENVIRONMENT_TABLES)
        return STATUS_LIMIT;
    out->layout = layout;
    out->folder = memory_copy(folder, strlen(folder));
    enum status status = out->folder != NULL ? open_all(out) : STATUS_NO_MEMORY;
    if (status != STATUS_OK)
        environment_close(out);
    return status;
}

void environment_close(struct environment *environment)
{
    close_env(environment);
    track_forget(&environment->track);
    memory_free(environment->folder);
    environment->folder = NULL;
}

bool environment_is_nameless(const struct environment *environment)
{
    mdb_filehandle_t file;
    struct stat found;
    return environment->env != NULL && mdb_env_get_fd(environment->env, &file) == 0 &&
           fstat(file, &found) == 0 && found.st_nlink == 0;
}

enum status environment_reopen(struct environment *environment)
{
    if (environment_is_replaced(environment))
        return STATUS_CORRUPT;
    if (environment_is_nameless(environment))
        return STATUS_OK;
    close_env(environment);
    return open_all(environment);
}

/* ---- Transactions ---- */

/* Begins or renews *txn. Another process may have a larger map: no transaction of ours is open
 * then, so its size can be taken over, once. */
static int begin(struct environment *environment, unsigned flags, MDB_txn **txn)
{
    if (environment->env == NULL)
        return EINVAL; /* could not be opened again */
    if (environment->replaced)
        return MDB_CORRUPTED;
    for (int attempt = 0;; attempt++) {
        int code =
            *txn != NULL ? mdb_txn_renew(*txn) : mdb_txn_begin(environment->env, NULL, flags, txn);
        if (code != MDB_MAP_RESIZED || attempt > 0 || environment->reading)
            return code;
        if (!environment_begins_well(environment))
            return MDB_CORRUPTED;
        code = mdb_env_set_mapsize(environment->env, 0);
        if (code != 0)
            return code;
    }
}

enum status environment_write(struct environment *environment, MDB_txn **out)
{
    *out = NULL;
    if (environment->trusted != 0 && environment->env != NULL)
        environment_take_up(environment);
    if (environment_is_replaced(environment))
        return STATUS_CORRUPT;
    enum status status = environment_status(begin(environment, 0, out));
    if (status != STATUS_OK || environment_is_at(environment, *out, true))
        return status;
    mdb_txn_abort(*out);
    *out = NULL;
    return STATUS_CORRUPT;
}

/* What the commit `txn` has freed may be written from now on. */
static void note_commit(struct environment *environment, uint64_t txn, bool made)
{
    struct environment_reading reading;
    if (!made)
        environment->clean = 0;
    if (environment->track.changed == NULL)
        return;
    if (!made || environment_read(environment, &reading) != STATUS_OK) {
        track_forget(&environment->track);
        return;
    }
    track_commit(&environment->track, txn, reading.txn);
    environment_read_end(environment, &reading);
}

enum status environment_commit(MDB_txn *txn)
{
    struct environment *environment = mdb_env_get_userctx(mdb_txn_env(txn));
    uint64_t number = mdb_txn_id(txn);
    int code = mdb_txn_commit(txn);
    note_commit(environment, number, code == 0);
    return environment_status(code);
}

enum status environment_read(struct environment *environment, struct environment_reading *out)
{
    out->own = environment->reading;
    out->txn = NULL;
    if (out->own)
        return environment_status(mdb_txn_begin(environment->env, NULL, MDB_RDONLY, &out->txn));
    int code = begin(environment, MDB_RDONLY, &environment->reader);
    if (code == 0 && !environment_is_at(environment, environment->reader, false)) {
        mdb_txn_reset(environment->reader);
        code = MDB_CORRUPTED;
    }
    environment->reading = code == 0;
    out->txn = environment->reader;
    return environment_status(code);
}

void environment_read_end(struct environment *environment, struct environment_reading *reading)
{
    if (reading->own) {
        mdb_txn_abort(reading->txn);
    } else {
        mdb_txn_reset(reading->txn);
        environment->reading = false;
    }
}

/* ---- Entries ---- */

MDB_val environment_val(const void *data, size_t size)
{
    return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)data};
}

enum status environment_get(MDB_txn *txn, MDB_dbi table, struct bytes key, struct bytes *value)
{
    MDB_val name = environment_val(key.data, key.size);
    MDB_val data;
    int code = mdb_get(txn, table, &name, &data);
    if (code == 0)
        *value = bytes_of(data.mv_data, data.mv_size);
    return environment_status(code);
}

enum status environment_put(MDB_txn *txn, MDB_dbi table, struct bytes key, struct bytes value,
                            unsigned flags)
{
    MDB_val name = environment_val(key.data, key.size);
    MDB_val data = environment_val(value.data, value.size);
    return environment_status(mdb_put(txn, table, &name, &data, flags));
}

enum status environment_del(MDB_txn *txn, MDB_dbi table, struct bytes key)
{
    MDB_val name = environment_val(key.data, key.size);
    return environment_status(mdb_del(txn, table, &name, NULL));
}

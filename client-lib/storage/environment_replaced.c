/* A file that somebody else replaces or cuts short while it is open: a backup put back by hand,
 * say.
 *
 * LMDB maps the file, keeps what it needs to know of the last commit beside it in the lock file,
 * and trusts both. A file cut short ends the process at the next page that is missing (SIGBUS).
 * With an older copy written over it the pages of one commit are read with the places of another:
 * that is an assertion at best, and damage else. And one that another was renamed over goes on, and
 * all that is written to it is lost with the last descriptor.
 *
 * So before a transaction writes, and whenever somebody asks, it is looked at whether the name
 * still leads to the file and the file has not become smaller, which LMDB's never does; and in the
 * transaction, whether the file is at the commit that the lock file tells. What happens between a
 * look and the end of the transaction behind it is not caught. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/storage/environment.h"

#define META_AT 16u /* in each of the first two pages: magic 4, version 4 */
#define META_MAGIC 0xbeefc0deu

static bool names_another(const struct environment *environment, const struct stat *open)
{
    struct stat found;
    char path[ENVIRONMENT_PATH];
    const int length =
        snprintf(path, sizeof path, "%s/%s", environment->folder, environment->layout->file);
    if (length < 0 || (size_t)length >= sizeof path || stat(path, &found) != 0)
        return false; /* deleted: as a program does that wants to leave nothing behind */
    return found.st_dev != open->st_dev || found.st_ino != open->st_ino;
}

bool environment_is_replaced(struct environment *environment)
{
    mdb_filehandle_t file;
    struct stat open;
    if (environment->replaced || environment->env == NULL ||
        mdb_env_get_fd(environment->env, &file) != 0 || fstat(file, &open) != 0)
        return environment->replaced;
    const uint64_t size = (uint64_t)open.st_size;
    environment->replaced = size < environment->size ||
                            (environment->layout->only_copy && names_another(environment, &open));
    environment->size = size;
    return environment->replaced;
}

bool environment_is_at(struct environment *environment, MDB_txn *txn, bool writes)
{
    MDB_envinfo info;
    const uint64_t commit = writes ? mdb_txn_id(txn) - 1 : mdb_txn_id(txn);
    if (mdb_env_info(environment->env, &info) != 0)
        return true;
    /* Others may have committed since a reader began. Since a writer did nobody has, but the
     * last commit may be one that failed at its end, and counts for nothing. */
    const uint64_t most = writes ? commit + 1 : UINT64_MAX;
    const bool at = info.me_last_txnid >= commit && info.me_last_txnid <= most;
    environment->replaced = environment->replaced || !at;
    return at;
}

bool environment_begins_well(struct environment *environment)
{
    mdb_filehandle_t file;
    uint8_t meta[META_AT + 4];
    uint32_t magic = 0;
    if (mdb_env_get_fd(environment->env, &file) != 0 ||
        pread(file, meta, sizeof meta, 0) != (ssize_t)sizeof meta)
        return false;
    memcpy(&magic, meta + META_AT, sizeof magic);
    environment->replaced = environment->replaced || magic != META_MAGIC;
    return magic == META_MAGIC;
}

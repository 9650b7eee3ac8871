/* Getting rid of what deleting leaves behind, and remembering that it is still to be done. The note
 * is in the commit that deletes, so that no crash loses it, and is taken back in one that directly
 * follows the state that was scrubbed. */
#include "client-lib/replica_lmdb.h"

#include <sys/stat.h>

/* Another process may commit again and again meanwhile. */
#define TRIES 8

enum replica_remains replica_remains(const struct replica *replica)
{
    /* Of what another process writes that one gets rid. */
    return replica->read_only ? REPLICA_CLEAN : replica->remains;
}

uint64_t replica_file_bytes(const struct replica *replica)
{
    struct stat file;
    int fd = -1;
    if (replica->db.env == NULL || mdb_env_get_fd(replica->db.env, &fd) != 0 ||
        fstat(fd, &file) != 0)
        return 0;
    return (uint64_t)file.st_size;
}

static enum status put_remains(struct replica *replica, MDB_txn *txn, enum replica_remains remains)
{
    const uint8_t value = (uint8_t)remains;
    return replica_meta_put(replica, txn, "remains", bytes_of(&value, 1));
}

enum status replica_note_remains(struct replica *replica, enum replica_remains remains)
{
    if (remains <= replica->new_remains)
        return STATUS_OK;
    enum status status = put_remains(replica, replica->write, remains);
    if (status == STATUS_OK)
        replica->new_remains = remains;
    return status;
}

/* `*done` becomes false when somebody has committed since: what that has deleted is not clean. */
static enum status note_clean(struct replica *replica, bool *done)
{
    MDB_txn *txn = NULL;
    enum status status = environment_write(&replica->db, &txn);
    if (status != STATUS_OK)
        return status;
    *done = mdb_txn_id(txn) == replica->scrub.txn + 1;
    if (*done)
        status = put_remains(replica, txn, REPLICA_CLEAN);
    if (!*done || status != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    status = environment_commit(txn);
    if (status == STATUS_OK)
        replica->remains = REPLICA_CLEAN;
    return status;
}

static enum status scrub(struct replica *replica, size_t budget, bool *done)
{
    enum status status = environment_scrub(&replica->db, &replica->scrub, budget, done);
    if (status != STATUS_OK || !*done)
        return status;
    *done = false;
    status = note_clean(replica, done);
    replica->scrub = (struct scrub){0};
    if (status != STATUS_OK)
        *done = false;
    return status;
}

enum status replica_recover(struct replica *replica)
{
    enum status status = STATUS_OK;
    bool done = replica->remains != REPLICA_PURGED;
    for (int i = 0; i < TRIES && status == STATUS_OK && !done; i++)
        status = scrub(replica, SIZE_MAX, &done);
    return status == STATUS_BUSY ? STATUS_OK : status;
}

enum status replica_scrub(struct replica *replica, size_t budget, bool *done)
{
    *done = replica->remains == REPLICA_CLEAN;
    if (*done)
        return STATUS_OK;
    if (replica->write != NULL || replica->read_only)
        return STATUS_BUSY;
    enum status status = scrub(replica, budget, done);
    if (status != STATUS_CORRUPT)
        return status;
    status = replica_replace(replica);
    *done = status == STATUS_OK;
    return status == STATUS_OK ? STATUS_CORRUPT : status;
}

/* Getting rid of what deleting leaves behind, and remembering that it is still to be done. The note
 * is in the commit that deletes, so that no crash loses it, and is taken back in one that directly
 * follows the state that was scrubbed. That one also tells which state that was: when it is still
 * the last one as the replica is opened next, the first scrub then need not be a whole one.
 *
 * Buffers of LMDB keep what was in the pages they were used for, and give it to other pages. A
 * scrub drops those of its own process. Those of another one, which wrote before and writes again,
 * may hold what was deleted and scrubbed in between, and are dropped before it does. */
#include "client-lib/replica/replica_lmdb.h"

/* Another process may commit again and again meanwhile. */
#define TRIES 8
/* What may be scrubbed at the end only to spare the next process a whole scrub. */
#define LEAVE_MOST ((uint64_t)64 << 20)
#define SCRUBBED "scrubbed"

enum replica_remains replica_remains(const struct replica *replica)
{
    /* Of what another process writes that one gets rid. */
    return replica->read_only ? REPLICA_CLEAN : replica->remains;
}

uint64_t replica_scrub_bytes(const struct replica *replica)
{
    return environment_scrub_bytes(&replica->db);
}

/* Another process has committed since this one did. */
static enum status go_on_after_others(struct replica *replica, MDB_txn **txn, bool *stale)
{
    enum status status = STATUS_OK;
    *stale = replica->db.reading;
    if (!*stale) {
        mdb_txn_abort(*txn);
        *txn = NULL;
        status = environment_reopen(&replica->db);
        if (status == STATUS_OK)
            status = environment_write(&replica->db, txn);
        if (status == STATUS_OK)
            replica->next_txn = mdb_txn_id(*txn);
    }
    return status == STATUS_OK ? replica_look(replica) : status;
}

enum status replica_write(struct replica *replica, MDB_txn **out, bool *stale)
{
    MDB_txn *txn = NULL;
    enum status status = STATUS_OK;
    *out = NULL;
    *stale = false;
    if (replica->db.env == NULL) /* it failed when it was tried before */
        status = environment_reopen(&replica->db);
    if (status == STATUS_OK)
        status = environment_write(&replica->db, &txn);
    if (status == STATUS_OK && mdb_txn_id(txn) != replica->next_txn)
        status = go_on_after_others(replica, &txn, stale);
    if (status == STATUS_OK)
        *out = txn;
    else if (txn != NULL)
        mdb_txn_abort(txn);
    return status;
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
    uint8_t scrubbed[8];
    put_u64(scrubbed, replica->scrub.txn);
    *done = mdb_txn_id(txn) == replica->scrub.txn + 1;
    if (*done)
        status = put_remains(replica, txn, REPLICA_CLEAN);
    if (*done && status == STATUS_OK)
        status = replica_meta_put(replica, txn, SCRUBBED, bytes_of(scrubbed, sizeof scrubbed));
    if (!*done || status != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    status = environment_commit(txn);
    if (status == STATUS_OK) {
        replica->remains = REPLICA_CLEAN;
        replica->next_txn = replica->scrub.txn + 2;
    }
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

/* Whether the last commit is the one that notes what was scrubbed before it; *last becomes it. */
static bool was_left_clean(struct replica *replica, uint64_t *last)
{
    struct environment_reading reading;
    struct bytes scrubbed;
    if (environment_read(&replica->db, &reading) != STATUS_OK)
        return false;
    *last = mdb_txn_id(reading.txn);
    bool clean = replica_meta_get(replica, reading.txn, SCRUBBED, &scrubbed) == STATUS_OK &&
                 scrubbed.size == 8 && get_u64(scrubbed.data) + 1 == *last;
    environment_read_end(&replica->db, &reading);
    return clean;
}

enum status replica_recover(struct replica *replica)
{
    enum status status = STATUS_OK;
    bool done = replica->remains != REPLICA_PURGED;
    uint64_t last = 0;
    if (was_left_clean(replica, &last))
        environment_trust(&replica->db, last, TABLE_META);
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

void replica_leave(struct replica *replica)
{
    uint64_t last = 0;
    bool done = false;
    if (replica->write != NULL || replica->read_only || replica->remains != REPLICA_CLEAN ||
        was_left_clean(replica, &last) || replica_scrub_bytes(replica) > LEAVE_MOST)
        return;
    /* When it fails the next process scrubs the whole. */
    (void)scrub(replica, SIZE_MAX, &done);
}

bool replica_is_replaced(struct replica *replica)
{
    return environment_is_replaced(&replica->db);
}

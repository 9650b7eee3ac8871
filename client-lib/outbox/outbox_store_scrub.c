/* What was taken out of the outbox leaves its file. Whether there is such a thing is noted in the
 * commit that takes it out, so that no crash and no other process loses it, and the note is taken
 * back by a commit that directly follows the state that was scrubbed: any that comes by, or one for
 * that alone when the outbox rests. */
#include "client-lib/outbox/outbox_store_tables.h"

/* Another process may commit again and again meanwhile. */
#define TRIES 8

enum status outbox_note_stale(struct outbox_writing *writing)
{
    const struct outbox_store *store = writing->store;
    uint64_t clean = store->environment.clean;
    bool follows = clean != 0 && clean + 1 == mdb_txn_id(writing->txn);
    bool taken = writing->stale || writing->counters.purges != store->counters.purges;
    writing->stale = taken || store->doubtful || (store->stale && !follows);
    const uint8_t stale = writing->stale;
    return writing->stale == store->stale
               ? STATUS_OK
               : outbox_meta_put(writing, OUTBOX_STALE, bytes_of(&stale, 1));
}

bool outbox_store_is_stale(const struct outbox_store *store)
{
    return store->stale || store->doubtful;
}

void outbox_store_doubt(struct outbox_store *store)
{
    if (!environment_is_clean(&store->environment))
        store->doubtful = true;
}

/* Has the other processes drop their buffers before they write again. That is a commit, and while
 * somebody reads the pages that each takes are not free again: so it is made when it is of use, and
 * once, however often a scrub is tried. BUSY: it is of no use yet. */
static enum status have_buffers_dropped(struct outbox_store *store)
{
    struct outbox_writing writing;
    if (store->dropped == store->txn)
        return STATUS_OK;
    enum status status = environment_expect_no_older(&store->environment);
    if (status == STATUS_OK)
        status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    writing.counters.purges++;
    status = outbox_end(&writing, STATUS_OK);
    if (status == STATUS_OK)
        store->dropped = store->txn;
    return status;
}

enum status outbox_store_scrub(struct outbox_store *store, size_t budget, bool *done)
{
    *done = false;
    if (store->holds > 0)
        return STATUS_BUSY;
    enum status status = outbox_make_usable(store);
    if (status == STATUS_OK)
        status = outbox_store_refresh(store);
    *done = status == STATUS_OK && !store->scrub.begun && !outbox_store_is_stale(store);
    if (*done || status != STATUS_OK)
        return status;
    if (!store->scrub.begun && !environment_is_clean(&store->environment))
        status = have_buffers_dropped(store);
    if (status == STATUS_OK)
        status = outbox_make_usable(store);
    if (status == STATUS_OK)
        status = environment_scrub(&store->environment, &store->scrub, budget, done);
    if (status == STATUS_OK && *done) {
        store->scrub = (struct scrub){0};
        store->doubtful = false;
    }
    return status;
}

enum status outbox_store_rest(struct outbox_store *store)
{
    struct outbox_writing writing;
    enum status status = STATUS_OK;
    bool done = false;
    for (int i = 0; i < TRIES && status == STATUS_OK && !done; i++)
        status = outbox_store_scrub(store, SIZE_MAX, &done);
    if (status == STATUS_OK && !done)
        status = STATUS_BUSY;
    if (status != STATUS_OK || !store->stale)
        return status;
    status = outbox_begin(store, &writing);
    if (status == STATUS_OK)
        status = outbox_end(&writing, STATUS_OK);
    return status == STATUS_OK && store->stale ? STATUS_BUSY : status;
}

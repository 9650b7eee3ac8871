#include "client-lib/storage/environment_track.h"

#include <string.h>

#include "client-lib/storage/environment_pages.h"
#include "protocol/memory.h"

void track_forget(struct environment_track *track)
{
    memory_free(track->changed);
    *track = (struct environment_track){0};
}

void track_begin(struct environment_track *track, uint8_t *changed, uint64_t pages, uint64_t txn)
{
    track_forget(track);
    if (changed == NULL)
        return;
    *track = (struct environment_track){.changed = changed, .pages = pages, .txn = txn};
    for (uint64_t page = PAGE_FIRST; page < pages; page++)
        track->count += pages_bit(changed, page);
}

bool track_holds(const struct environment_track *track, uint64_t txn)
{
    return track->changed != NULL && track->txn == txn;
}

bool track_may_differ(const struct environment_track *track, uint64_t page)
{
    return page >= track->pages || pages_bit(track->changed, page);
}

uint64_t track_next(const struct environment_track *track, uint64_t page)
{
    uint64_t next = page;
    while (next < track->pages && !pages_bit(track->changed, next))
        next += next % 8 == 0 && track->changed[next / 8] == 0 ? 8 : 1;
    return page < track->pages && next > track->pages ? track->pages : next;
}

bool track_covers(const struct environment_track *track, const uint8_t *bits, uint64_t pages)
{
    uint64_t most = pages < track->pages ? pages : track->pages;
    for (uint64_t page = PAGE_FIRST; page < most; page++)
        if (pages_bit(bits, page) && !pages_bit(track->changed, page))
            return false;
    return true;
}

/* One entry of the list of free pages: a count, and that many page numbers. */
static bool add_freed(struct environment_track *track, MDB_val value)
{
    const uint8_t *at = value.mv_data;
    uint64_t count, number;
    if (value.mv_size < sizeof count)
        return false;
    memcpy(&count, at, sizeof count);
    if (count > value.mv_size / sizeof number - 1)
        return false;
    for (uint64_t i = 1; i <= count; i++) {
        memcpy(&number, at + i * sizeof number, sizeof number);
        if (number < PAGE_FIRST)
            return false;
        if (!track_may_differ(track, number)) {
            pages_set_bit(track->changed, number);
            track->count++;
        }
    }
    return true;
}

/* What a commit freed is one entry under its number. One that freed nothing has not been met: each
 * writes the root of the tables anew. */
static bool add_commit(struct environment_track *track, uint64_t txn, MDB_txn *reader)
{
    MDB_cursor *cursor = NULL;
    size_t number = (size_t)txn;
    MDB_val key = {.mv_size = sizeof number, .mv_data = &number}, value;
    if (mdb_cursor_open(reader, 0, &cursor) != 0)
        return false;
    bool added = mdb_cursor_get(cursor, &key, &value, MDB_SET) == 0 && add_freed(track, value);
    mdb_cursor_close(cursor);
    track->txn = txn;
    return added;
}

void track_commit(struct environment_track *track, uint64_t txn, MDB_txn *reader)
{
    uint64_t now = mdb_txn_id(reader);
    if (track->changed == NULL)
        return;
    /* One without a change is not made. */
    bool known = track->txn + 1 == txn &&
                 (now == track->txn || (now == txn && add_commit(track, txn, reader)));
    if (!known)
        track_forget(track);
}

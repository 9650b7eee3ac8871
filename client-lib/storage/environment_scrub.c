/* Scrubbing in place. One slice, under the write lock:
 *
 *     nobody reads an older state -> what is free? -> page by page: overwrite what is not data
 *
 * What may still hold a deleted byte, and what is done about it:
 *
 *   - a page in no tree: zeroes over all of it;
 *   - the gap of a page of a tree, and what is behind the value on an overflow page: zeroes;
 *   - the unused end of an entry in the list of free pages, which LMDB reserves in one of its
 *     buffers and does not fill: zeroes;
 *   - the keys in branch pages. They are copies of what was the first key of a page below when
 *     that was split off, and stay when it is deleted. LMDB needs of such a key K only that it
 *     is above all keys to its left, of which the last be M, and not above those to its right. K
 *     and M agree up to some byte; that byte of K becomes M's plus one and the rest zeroes, which
 *     is above M and not above K, and has nothing in it that M has not.
 *
 * None of it is ever read by LMDB but the last, and of that any mixture of old and new bytes is as
 * right as either: so a reader in another process may look at it meanwhile, and a loss of power
 * may keep any part of the writes. Pages in use are never rewritten by LMDB itself, and the lock
 * keeps the free ones free.
 *
 * After the first scrub only the pages that may differ since are looked at (environment_track.h).
 * That the others are still clean is plain for all but the keys in branch pages. A branch page
 * above a page that was written was written, too, so one that was not has the same keys below it.
 * In one that was, a key stands between two pages below it, L and R. If neither was written, it is
 * as clean as it was: it was moved along with R, or LMDB has made it anew of the first key below R,
 * or it was left of R before; and nothing that stood between L and R then can have gone, for LMDB
 * takes a page out of a tree by moving what is in it to the one on its left, which is written, or
 * what is in the one on its right to it. So only keys beside a page that was written are looked at.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/storage/environment.h"
#include "client-lib/storage/environment_slice.h"
#include "protocol/memory.h"

#define LARGEST_KEY 16384u /* two nodes fit into the largest page */

/* ---- Pages in use ---- */

/* What of the data of a node is not used: in the list of free pages, the end of each entry. */
static bool data_used(const struct slice *slice, const struct page *leaf,
                      const struct page_node *node, const uint8_t *data, uint64_t *used)
{
    *used = node->data_size;
    return !pages_bit(slice->pages.listing, leaf->number) ||
           slice_free_used(data, node->data_size, used);
}

static enum status scrub_inline(struct slice *slice, const struct page *leaf,
                                const struct page_node *node)
{
    uint64_t used, at = leaf->number * slice->pages.size + node->data_at;
    if (!data_used(slice, leaf, node, leaf->at + node->data_at, &used))
        return STATUS_CORRUPT;
    return slice_wipe(slice, at + used, node->data_size - used);
}

static enum status scrub_overflow(struct slice *slice, const struct page *leaf,
                                  const struct page_node *node)
{
    struct page page;
    uint64_t used, size = slice->pages.size;
    if (!pages_read(&slice->pages, node->overflow, &page) || page.kind != PAGE_OVERFLOW ||
        node->data_size > page.run * size - PAGE_HEADER ||
        !data_used(slice, leaf, node, page.at + PAGE_HEADER, &used))
        return STATUS_CORRUPT;
    used += PAGE_HEADER;
    return slice_wipe(slice, page.number * size + used, page.run * size - used);
}

/* Whether a page is to be looked at; without a track each is. */
static bool may_differ(const struct environment_track *track, uint64_t page)
{
    return track == NULL || track_may_differ(track, page);
}

static enum status scrub_leaf(struct slice *slice, const struct environment_track *track,
                              const struct page *page)
{
    struct page_node node;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < page->nodes && status == STATUS_OK; i++) {
        if (!pages_node(&slice->pages, page, i, &node))
            return STATUS_CORRUPT;
        if (node.overflow == 0)
            status = scrub_inline(slice, page, &node);
        else if (may_differ(track, node.overflow))
            status = scrub_overflow(slice, page, &node);
    }
    return status;
}

/* Makes the key in a branch page one that says no more than `last`, the key before it, does. */
static enum status blunt(struct slice *slice, uint64_t at, struct bytes key, struct bytes last)
{
    uint8_t blunted[LARGEST_KEY];
    size_t same = 0;
    while (same < key.size && same < last.size && key.data[same] == last.data[same])
        same++;
    if (same == key.size || (same < last.size && key.data[same] < last.data[same]) ||
        key.size > sizeof blunted)
        return STATUS_CORRUPT; /* not above it */
    memset(blunted, 0, key.size);
    memcpy(blunted, key.data, same);
    if (same < last.size)
        blunted[same] = (uint8_t)(last.data[same] + 1);
    if (memcmp(blunted, key.data, key.size) == 0)
        return STATUS_OK;
    slice->cleared++;
    return slice_write(slice, blunted, key.size, at);
}

/* A key between two pages, at this place of the file. One that is not the first one below the right
 * page any more belongs to nothing. */
static enum status scrub_separator(struct slice *slice, uint64_t at, uint64_t left,
                                   const struct page_node *right)
{
    struct bytes first, last;
    if (!pages_outermost(&slice->pages, right->below, false, &first) ||
        bytes_compare(right->key, first) > 0)
        return STATUS_CORRUPT;
    if (bytes_equal(right->key, first))
        return STATUS_OK;
    return pages_outermost(&slice->pages, left, true, &last) ? blunt(slice, at, right->key, last)
                                                             : STATUS_CORRUPT;
}

static enum status scrub_branch(struct slice *slice, const struct environment_track *track,
                                const struct page *page)
{
    const uint64_t start = page->number * slice->pages.size;
    struct page_node node;
    uint64_t before = 0;
    enum status status = STATUS_OK;
    if (pages_bit(slice->pages.listing, page->number))
        return STATUS_OK; /* transaction numbers */
    for (uint32_t i = 0; i < page->nodes && status == STATUS_OK; i++) {
        if (!pages_node(&slice->pages, page, i, &node))
            return STATUS_CORRUPT;
        if (i == 0) /* never looked at */
            status = slice_wipe(slice, start + node.key_at, node.key.size);
        else if (may_differ(track, before) || may_differ(track, node.below))
            status = scrub_separator(slice, start + node.key_at, before, &node);
        before = node.below;
    }
    return status;
}

/* Scrubs one page, or one run of them; *number becomes the next. */
static enum status scrub_page(struct slice *slice, const struct environment_track *track,
                              uint64_t *number)
{
    struct page page;
    struct pages *pages = &slice->pages;
    if (*number >= pages->count || pages_bit(pages->free, *number))
        return slice_wipe_page(slice, (*number)++);
    if (!pages_read(pages, *number, &page))
        return STATUS_CORRUPT;
    enum status status = STATUS_OK;
    if (page.kind != PAGE_OVERFLOW)
        status = slice_wipe(slice, page.number * pages->size + page.lower, page.upper - page.lower);
    if (status == STATUS_OK && page.kind == PAGE_LEAF)
        status = scrub_leaf(slice, track, &page);
    if (status == STATUS_OK && page.kind == PAGE_BRANCH)
        status = scrub_branch(slice, track, &page);
    *number += page.run;
    return status;
}

/* ---- One slice ---- */

/* A part of a page at the end of the file is what a write that failed has left. */
static enum status wipe_end(struct slice *slice)
{
    uint64_t end = slice->pages.file_count * slice->pages.size;
    return slice_wipe(slice, end, slice->mapped - end);
}

static enum status scrub_slice(struct slice *slice, const struct environment_track *track,
                               struct scrub *scrub, size_t budget, bool *done)
{
    enum status status = STATUS_OK;
    uint64_t left = budget / slice->pages.size + 1; /* at least one */
    uint64_t last = slice->pages.file_count;
    for (; status == STATUS_OK && scrub->page < last && left > 0; left--) {
        if (track != NULL)
            scrub->page = track_next(track, scrub->page);
        if (scrub->page >= last)
            break;
        status = scrub_page(slice, track, &scrub->page);
        scrub->looked++;
    }
    if (status == STATUS_OK)
        status = slice_wipe_rest(slice);
    if (status == STATUS_OK && scrub->page >= last)
        status = wipe_end(slice);
    scrub->cleared += slice->cleared;
    if (status != STATUS_OK || scrub->page < last)
        return status;
    /* Also when nothing was to be written: a process that died may have written it. */
    *done = fdatasync(slice->file) == 0;
    return *done ? STATUS_OK : STATUS_IO;
}

/* What may differ since is known: then, too, no other page can be free. */
static bool can_be_partial(const struct environment *environment, const struct slice *slice)
{
    return track_holds(&environment->track, slice->txn) &&
           track_covers(&environment->track, slice->pages.free, slice->pages.count);
}

/* From here on it is known what differs from the state that was scrubbed. */
static void note_clean(struct environment *environment, struct slice *slice)
{
    environment->clean = slice->txn;
    track_begin(&environment->track, slice->pages.free, slice->pages.count, slice->txn);
    slice->pages.free = NULL;
}

static enum status go_on(struct environment *environment, struct slice *slice, struct scrub *scrub,
                         size_t budget, bool *done)
{
    if (!scrub->begun)
        *scrub = (struct scrub){.begun = true,
                                .whole = scrub->whole,
                                .partial = !scrub->whole && can_be_partial(environment, slice),
                                .txn = slice->txn,
                                .page = PAGE_FIRST};
    bool lost = scrub->partial && !track_holds(&environment->track, slice->txn);
    if (slice->txn != scrub->txn || lost) {
        scrub->begun = false; /* somebody has committed: begin again */
        return STATUS_OK;
    }
    return scrub_slice(slice, scrub->partial ? &environment->track : NULL, scrub, budget, done);
}

bool environment_is_clean(const struct environment *environment)
{
    MDB_envinfo info;
    return environment->env != NULL && environment->clean != 0 &&
           mdb_env_info(environment->env, &info) == 0 && info.me_last_txnid == environment->clean;
}

enum status environment_expect_no_older(struct environment *environment)
{
    MDB_envinfo info;
    int dead = 0;
    int code = mdb_reader_check(environment->env, &dead);
    if (code == 0)
        code = mdb_env_info(environment->env, &info);
    return code == 0 ? slice_expect_no_older(environment, info.me_last_txnid)
                     : environment_status(code);
}

/* Before it is locked and mapped, which costs a multiple of asking, and would be for nothing. */
static enum status open_anew(struct environment *environment)
{
    enum status status =
        environment->env != NULL ? environment_expect_no_older(environment) : STATUS_OK;
    return status == STATUS_OK ? environment_reopen(environment) : status;
}

enum status environment_scrub(struct environment *environment, struct scrub *scrub, size_t budget,
                              bool *done)
{
    struct slice slice;
    enum status status = STATUS_OK;
    *done = false;
    if (environment->reading)
        return STATUS_BUSY;
    if (!scrub->begun && !scrub->whole && environment_is_clean(environment)) {
        *scrub = (struct scrub){.txn = environment->clean};
        *done = true;
        return STATUS_OK;
    }
    if (environment_is_nameless(environment)) {
        MDB_envinfo info;
        status = environment_status(mdb_env_info(environment->env, &info));
        *scrub = (struct scrub){.txn = status == STATUS_OK ? info.me_last_txnid : 0};
        *done = status == STATUS_OK;
        return status;
    }
    if (!scrub->begun)
        status = open_anew(environment);
    if (status != STATUS_OK)
        return status;
    status = slice_begin(environment, true, &slice);
    if (status == STATUS_OK)
        status = go_on(environment, &slice, scrub, budget, done);
    if (status != STATUS_OK && status != STATUS_BUSY)
        scrub->begun = false;
    if (*done)
        note_clean(environment, &slice);
    slice_end(&slice);
    return status;
}

uint64_t environment_scrub_bytes(const struct environment *environment)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    mdb_filehandle_t fd;
    const struct environment_track *track = &environment->track;
    if (environment->env == NULL || mdb_env_info(environment->env, &info) != 0 ||
        mdb_env_stat(environment->env, &stat) != 0 || mdb_env_get_fd(environment->env, &fd) != 0 ||
        fstat(fd, &file) != 0)
        return 0;
    if (!track_holds(track, info.me_last_txnid))
        return (uint64_t)file.st_size;
    uint64_t behind = info.me_last_pgno < track->pages ? 0 : info.me_last_pgno + 1 - track->pages;
    return (track->count + behind) * stat.ms_psize;
}

/* ---- What an earlier process knew ---- */

void environment_trust(struct environment *environment, uint64_t txn, size_t table)
{
    environment->trusted = txn;
    environment->trusted_table = table;
}

void environment_take_up(struct environment *environment)
{
    struct slice slice;
    uint64_t txn = environment->trusted;
    const char *table = environment->layout->tables[environment->trusted_table];
    environment->trusted = 0;
    if (slice_begin(environment, false, &slice) == STATUS_OK && slice.txn == txn) {
        uint64_t pages = slice.pages.count;
        uint8_t *changed = memory_copy(slice.pages.free, (size_t)(pages / 8 + 1));
        if (changed != NULL && slice_mark(&slice, table, changed) == STATUS_OK)
            track_begin(&environment->track, changed, pages, txn);
        else
            memory_free(changed);
    }
    slice_end(&slice);
}

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
 * keeps the free ones free. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/environment.h"
#include "client-lib/environment_pages.h"
#include "protocol/memory.h"

#define ZEROES 65536u
#define LARGEST_PAGE 32768u

struct slice {
    MDB_txn *lock;   /* changes nothing */
    MDB_txn *reader; /* the newest state */
    uint64_t txn;    /* its number */
    struct pages pages;
    size_t mapped;
    int file;
    const uint8_t *zeroes;
    uint64_t cleared;
    uint64_t run_from, run_to; /* pages to be zeroed, not yet written */
};

/* ---- Writing ---- */

static bool all_zero(const uint8_t *at, size_t size)
{
    return size == 0 || (at[0] == 0 && memcmp(at, at + 1, size - 1) == 0);
}

static enum status write_at(const struct slice *slice, const uint8_t *from, size_t size,
                            uint64_t at)
{
    while (size > 0) {
        ssize_t count = pwrite(slice->file, from, size, (off_t)at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return STATUS_IO;
        from += count;
        size -= (size_t)count;
        at += (uint64_t)count;
    }
    return STATUS_OK;
}

/* Zeroes over a part of the file, unless it has them. */
static enum status wipe(struct slice *slice, uint64_t at, uint64_t size)
{
    enum status status = STATUS_OK;
    if (all_zero(slice->pages.map + at, size))
        return STATUS_OK;
    slice->cleared++;
    while (size > 0 && status == STATUS_OK) {
        size_t part = size < ZEROES ? (size_t)size : ZEROES;
        status = write_at(slice, slice->zeroes, part, at);
        at += part;
        size -= part;
    }
    return status;
}

/* Free pages are mostly neighbours: they are written together. */
static enum status wipe_run(struct slice *slice)
{
    enum status status = STATUS_OK;
    uint64_t size = slice->pages.size;
    if (slice->run_to > slice->run_from)
        status = wipe(slice, slice->run_from * size, (slice->run_to - slice->run_from) * size);
    slice->run_from = slice->run_to = 0;
    return status;
}

static enum status wipe_page(struct slice *slice, uint64_t number)
{
    uint64_t size = slice->pages.size;
    enum status status = STATUS_OK;
    if (all_zero(slice->pages.map + number * size, size))
        return STATUS_OK;
    if (slice->run_to != number)
        status = wipe_run(slice);
    if (slice->run_to == 0)
        slice->run_from = number;
    slice->run_to = number + 1;
    return status;
}

/* ---- What is free ---- */

/* Where in the file a value of a read transaction lies: a value begins behind the header of its
 * page, which tells the page's number. */
static bool place_of(const struct slice *slice, const void *value, uint64_t *number, uint64_t *at)
{
    const struct pages *pages = &slice->pages;
    size_t offset = (uintptr_t)value % pages->size;
    memcpy(number, (const uint8_t *)value - offset, sizeof *number);
    *at = *number * pages->size + offset;
    return *number >= PAGE_FIRST && *number < pages->count;
}

/* One entry of the list: a count, that many page numbers, and what is not used of it. */
static enum status read_free(struct slice *slice, MDB_val key, MDB_val value, uint64_t *total)
{
    struct pages *pages = &slice->pages;
    const uint8_t *at = value.mv_data;
    uint64_t count, number, offset;
    if (value.mv_size < sizeof count)
        return STATUS_CORRUPT;
    memcpy(&count, at, sizeof count);
    if (count > value.mv_size / sizeof number - 1)
        return STATUS_CORRUPT;
    for (uint64_t i = 1; i <= count; i++) {
        memcpy(&number, at + i * sizeof number, sizeof number);
        if (number < PAGE_FIRST || number >= pages->count || pages_bit(pages->free, number))
            return STATUS_CORRUPT;
        pages_set_bit(pages->free, number);
    }
    *total += count;
    if (!place_of(slice, key.mv_data, &number, &offset))
        return STATUS_CORRUPT;
    pages_set_bit(pages->listing, number);
    uint64_t used = (1 + count) * sizeof number;
    if (!place_of(slice, value.mv_data, &number, &offset) ||
        offset + value.mv_size > pages->file_count * pages->size)
        return STATUS_CORRUPT;
    return wipe(slice, offset + used, value.mv_size - used);
}

static enum status find_free(struct slice *slice, uint64_t *total)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    enum status status = STATUS_OK;
    int code = mdb_cursor_open(slice->reader, 0, &cursor);
    if (code == 0)
        code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (code == 0 && status == STATUS_OK) {
        status = read_free(slice, key, value, total);
        if (status == STATUS_OK)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (status == STATUS_OK && code != MDB_NOTFOUND)
        status = environment_status(code);
    return status;
}

/* ---- Whether the file is what it is taken for ---- */

static uint64_t stat_pages(const MDB_stat *stat)
{
    return stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}

/* What the main table keeps of each table, as far as it matters here. */
struct table_entry {
    uint32_t pad;
    uint16_t flags, depth;
    uint64_t branch, leaf, overflow, entries, root;
};

static enum status count_tables(const struct slice *slice, uint64_t *total)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    MDB_dbi main;
    MDB_stat stat;
    struct table_entry entry;
    int code = mdb_dbi_open(slice->reader, NULL, 0, &main);
    if (code == 0)
        code = mdb_stat(slice->reader, main, &stat);
    if (code == 0)
        code = mdb_cursor_open(slice->reader, main, &cursor);
    if (code != 0)
        return environment_status(code);
    *total += stat_pages(&stat);
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (code == 0) {
        if (value.mv_size != sizeof entry)
            break;
        memcpy(&entry, value.mv_data, sizeof entry);
        if (entry.flags != 0) /* keys in another order than that of their bytes */
            break;
        *total += entry.branch + entry.leaf + entry.overflow;
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (code == 0)
        return STATUS_CORRUPT;
    return code == MDB_NOTFOUND ? STATUS_OK : environment_status(code);
}

static bool is_known(const struct slice *slice)
{
    const uint16_t one = 1;
    uint8_t first;
    int major = 0, minor = 0, patch = 0;
    memcpy(&first, &one, 1);
    mdb_version(&major, &minor, &patch);
    /* From 0.9.70 on it is what becomes 1.0, with other pages. */
    return major == 0 && minor == 9 && patch < 70 && first == 1 && sizeof(size_t) == 8 &&
           slice->pages.size <= LARGEST_PAGE && slice->pages.count >= PAGE_FIRST &&
           slice->pages.count <= slice->pages.file_count;
}

/* Every page is in one of the trees or free: else something here is not what it seems. */
static enum status find_and_count(struct slice *slice)
{
    MDB_stat stat;
    uint64_t total = PAGE_FIRST;
    enum status status = find_free(slice, &total);
    if (status != STATUS_OK)
        return status;
    int code = mdb_stat(slice->reader, 0, &stat);
    if (code != 0)
        return environment_status(code);
    total += stat_pages(&stat);
    status = count_tables(slice, &total);
    if (status == STATUS_OK && total != slice->pages.count)
        status = STATUS_CORRUPT;
    return status;
}

/* ---- Pages in use ---- */

static enum status scrub_tail(struct slice *slice, const struct page_node *node)
{
    struct page page;
    uint64_t size = slice->pages.size;
    if (!pages_read(&slice->pages, node->overflow, &page) || page.kind != PAGE_OVERFLOW ||
        node->data_size > page.run * size - PAGE_HEADER)
        return STATUS_CORRUPT;
    uint64_t used = PAGE_HEADER + node->data_size;
    return wipe(slice, page.number * size + used, page.run * size - used);
}

static enum status scrub_leaf(struct slice *slice, const struct page *page)
{
    struct page_node node;
    for (uint32_t i = 0; i < page->nodes; i++) {
        if (!pages_node(&slice->pages, page, i, &node))
            return STATUS_CORRUPT;
        enum status status = node.overflow != 0 ? scrub_tail(slice, &node) : STATUS_OK;
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* Makes the key in a branch page one that says no more than `last`, the key before it, does. */
static enum status blunt(struct slice *slice, uint64_t at, struct bytes key, struct bytes last)
{
    uint8_t blunted[LARGEST_PAGE];
    size_t same = 0;
    while (same < key.size && same < last.size && key.data[same] == last.data[same])
        same++;
    if (same == key.size || (same < last.size && key.data[same] < last.data[same]))
        return STATUS_CORRUPT; /* not above it */
    memset(blunted, 0, key.size);
    memcpy(blunted, key.data, same);
    if (same < last.size)
        blunted[same] = (uint8_t)(last.data[same] + 1);
    if (memcmp(blunted, key.data, key.size) == 0)
        return STATUS_OK;
    slice->cleared++;
    return write_at(slice, blunted, key.size, at);
}

/* A key in a branch page that is not the first one below it any more belongs to nothing. */
static enum status scrub_branch(struct slice *slice, const struct page *page)
{
    const struct pages *pages = &slice->pages;
    struct page_node node;
    struct bytes first, last;
    uint64_t leaf, before = 0;
    for (uint32_t i = 0; i < page->nodes; i++) {
        uint64_t at = page->number * pages->size;
        enum status status = STATUS_OK;
        if (!pages_node(pages, page, i, &node) ||
            !pages_outermost(pages, node.below, false, &leaf, &first))
            return STATUS_CORRUPT;
        if (pages_bit(pages->listing, leaf))
            return STATUS_OK; /* transaction numbers */
        if (i == 0)           /* never looked at */
            status = wipe(slice, at + node.key_at, node.key.size);
        else if (bytes_compare(node.key, first) > 0)
            return STATUS_CORRUPT;
        else if (!bytes_equal(node.key, first))
            status = pages_outermost(pages, before, true, &leaf, &last)
                         ? blunt(slice, at + node.key_at, node.key, last)
                         : STATUS_CORRUPT;
        if (status != STATUS_OK)
            return status;
        before = node.below;
    }
    return STATUS_OK;
}

/* Scrubs one page, or one run of them; *page becomes the next. */
static enum status scrub_page(struct slice *slice, uint64_t *number)
{
    struct page page;
    struct pages *pages = &slice->pages;
    if (*number >= pages->count || pages_bit(pages->free, *number))
        return wipe_page(slice, (*number)++);
    if (!pages_read(pages, *number, &page))
        return STATUS_CORRUPT;
    enum status status = STATUS_OK;
    if (page.kind != PAGE_OVERFLOW)
        status = wipe(slice, page.number * pages->size + page.lower, page.upper - page.lower);
    if (status == STATUS_OK && page.kind == PAGE_LEAF)
        status = scrub_leaf(slice, &page);
    if (status == STATUS_OK && page.kind == PAGE_BRANCH)
        status = scrub_branch(slice, &page);
    *number += page.run;
    return status;
}

/* ---- One slice ---- */

struct older {
    uint64_t than;
    bool any;
};

static int look_at_reader(const char *line, void *context)
{
    struct older *older = context;
    int process;
    size_t thread, txn;
    if (sscanf(line, "%d %zx %zu", &process, &thread, &txn) == 3 && txn < older->than)
        older->any = true;
    return 0;
}

/* BUSY when somebody reads an older state. Nobody can begin to, since none is newer than ours; and
 * readers that died were forgotten when the environment was opened. */
static enum status expect_no_older(struct environment *environment, uint64_t txn)
{
    struct older older = {.than = txn};
    if (mdb_reader_list(environment->env, look_at_reader, &older) < 0)
        return STATUS_IO;
    return older.any ? STATUS_BUSY : STATUS_OK;
}

static enum status map_file(struct environment *environment, struct slice *slice)
{
    struct pages *pages = &slice->pages;
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    if (mdb_env_info(environment->env, &info) != 0 || mdb_env_stat(environment->env, &stat) != 0 ||
        mdb_env_get_fd(environment->env, &slice->file) != 0 || fstat(slice->file, &file) != 0)
        return STATUS_IO;
    pages->size = stat.ms_psize;
    pages->count = info.me_last_pgno + 1;
    pages->file_count = (uint64_t)file.st_size / pages->size;
    if (!is_known(slice))
        return STATUS_CORRUPT;
    void *map = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, slice->file, 0);
    if (map == MAP_FAILED)
        return errno == ENOMEM ? STATUS_NO_MEMORY : STATUS_IO;
    pages->map = map;
    slice->mapped = (size_t)file.st_size;
    pages->free = memory_new((size_t)(pages->count / 8 + 1));
    pages->listing = memory_new((size_t)(pages->count / 8 + 1));
    slice->zeroes = memory_new(ZEROES);
    return pages->free != NULL && pages->listing != NULL && slice->zeroes != NULL
               ? STATUS_OK
               : STATUS_NO_MEMORY;
}

static void slice_end(struct slice *slice)
{
    if (slice->mapped > 0)
        (void)munmap((void *)(uintptr_t)slice->pages.map, slice->mapped);
    memory_free(slice->pages.free);
    memory_free(slice->pages.listing);
    memory_free((void *)(uintptr_t)slice->zeroes);
    if (slice->reader != NULL)
        mdb_txn_abort(slice->reader);
    if (slice->lock != NULL)
        mdb_txn_abort(slice->lock);
}

static enum status slice_begin(struct environment *environment, struct slice *slice)
{
    memset(slice, 0, sizeof *slice);
    enum status status = environment_write(environment, &slice->lock);
    if (status == STATUS_OK)
        status =
            environment_status(mdb_txn_begin(environment->env, NULL, MDB_RDONLY, &slice->reader));
    if (status != STATUS_OK)
        return status;
    slice->txn = mdb_txn_id(slice->reader);
    status = expect_no_older(environment, slice->txn);
    if (status == STATUS_OK)
        status = map_file(environment, slice);
    return status == STATUS_OK ? find_and_count(slice) : status;
}

static enum status scrub_slice(struct slice *slice, struct scrub *scrub, size_t budget, bool *done)
{
    enum status status = STATUS_OK;
    uint64_t end = scrub->page + budget / slice->pages.size + 1; /* at least one */
    uint64_t last = slice->pages.file_count;
    while (status == STATUS_OK && scrub->page < last && scrub->page < end)
        status = scrub_page(slice, &scrub->page);
    if (status == STATUS_OK)
        status = wipe_run(slice);
    scrub->cleared += slice->cleared;
    if (status != STATUS_OK || scrub->page < last)
        return status;
    /* Also when nothing was to be written: a process that died may have written it. */
    *done = fdatasync(slice->file) == 0;
    return *done ? STATUS_OK : STATUS_IO;
}

bool environment_is_clean(const struct environment *environment)
{
    MDB_envinfo info;
    return environment->env != NULL && environment->clean != 0 &&
           mdb_env_info(environment->env, &info) == 0 && info.me_last_txnid == environment->clean;
}

enum status environment_scrub(struct environment *environment, struct scrub *scrub, size_t budget,
                              bool *done)
{
    struct slice slice;
    enum status status = STATUS_OK;
    *done = false;
    if (environment->reading)
        return STATUS_BUSY;
    if (!scrub->begun && environment_is_clean(environment)) {
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
        status = environment_reopen(environment);
    if (status != STATUS_OK)
        return status;
    status = slice_begin(environment, &slice);
    if (status == STATUS_OK && !scrub->begun)
        *scrub = (struct scrub){.begun = true, .txn = slice.txn, .page = PAGE_FIRST};
    if (status == STATUS_OK && slice.txn == scrub->txn)
        status = scrub_slice(&slice, scrub, budget, done);
    else if (status == STATUS_OK)
        scrub->begun = false; /* others have committed: begin again */
    if (status != STATUS_OK && status != STATUS_BUSY)
        scrub->begun = false;
    if (*done)
        environment->clean = scrub->txn;
    slice_end(&slice);
    return status;
}

/* The happy path: lock, nobody reads an older state, map the file, walk the tree of free pages, and
 * count: every page is in one of the trees or free. LMDB's own cursors are not used for that, since
 * they do not tell where in the file a thing lies: LMDB maps the file at a multiple of the system's
 * page, which may be smaller than the file's. */
#include "client-lib/storage/environment_slice.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/memory.h"

#define ZEROES 65536u
#define SMALLEST_PAGE 512u
#define LARGEST_PAGE 32768u
/* A tree of the smallest pages that has as many leaves as there are page numbers is lower. */
#define DEEPEST 48u

/* ---- Writing ---- */

static bool all_zero(const uint8_t *at, size_t size)
{
    return size == 0 || (at[0] == 0 && memcmp(at, at + 1, size - 1) == 0);
}

enum status slice_write(const struct slice *slice, const uint8_t *from, size_t size, uint64_t at)
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

enum status slice_wipe(struct slice *slice, uint64_t at, uint64_t size)
{
    enum status status = STATUS_OK;
    assert(at <= slice->mapped && size <= slice->mapped - at);
    if (all_zero(slice->pages.map + at, size))
        return STATUS_OK;
    slice->cleared++;
    while (size > 0 && status == STATUS_OK) {
        size_t part = size < ZEROES ? (size_t)size : ZEROES;
        status = slice_write(slice, slice->zeroes, part, at);
        at += part;
        size -= part;
    }
    return status;
}

/* Free pages are mostly neighbours: they are written together. */
enum status slice_wipe_rest(struct slice *slice)
{
    enum status status = STATUS_OK;
    uint64_t size = slice->pages.size;
    if (slice->run_to > slice->run_from)
        status =
            slice_wipe(slice, slice->run_from * size, (slice->run_to - slice->run_from) * size);
    slice->run_from = slice->run_to = 0;
    return status;
}

enum status slice_wipe_page(struct slice *slice, uint64_t number)
{
    uint64_t size = slice->pages.size;
    enum status status = STATUS_OK;
    if (all_zero(slice->pages.map + number * size, size))
        return STATUS_OK;
    if (slice->run_to != number)
        status = slice_wipe_rest(slice);
    if (slice->run_to == 0)
        slice->run_from = number;
    slice->run_to = number + 1;
    return status;
}

/* ---- Walking a tree ---- */

typedef enum status leaf_fn(struct slice *slice, const struct page *leaf, void *context);

struct walk {
    uint8_t *met; /* a bit for each page: none is met twice */
    leaf_fn *each;
    void *context;
};

static enum status walk(struct slice *slice, const struct walk *how, uint64_t number,
                        unsigned depth)
{
    struct page page;
    struct page_node node;
    enum status status = STATUS_OK;
    if (depth == DEEPEST || !pages_read(&slice->pages, number, &page) ||
        page.kind == PAGE_OVERFLOW || pages_bit(how->met, number))
        return STATUS_CORRUPT;
    pages_set_bit(how->met, number);
    if (page.kind == PAGE_LEAF)
        return how->each(slice, &page, how->context);
    for (uint32_t i = 0; i < page.nodes && status == STATUS_OK; i++)
        status = pages_node(&slice->pages, &page, i, &node)
                     ? walk(slice, how, node.below, depth + 1)
                     : STATUS_CORRUPT;
    return status;
}

static enum status walk_tree(struct slice *slice, const struct walk *how,
                             const struct pages_tree *tree)
{
    return tree->root == PAGES_NO_ROOT ? STATUS_OK : walk(slice, how, tree->root, 0);
}

/* The data of a node of a leaf. */
static bool data_of(const struct slice *slice, const struct page *leaf,
                    const struct page_node *node, struct bytes *out)
{
    struct page page;
    uint64_t size = slice->pages.size;
    if (node->overflow == 0) {
        *out = bytes_of(leaf->at + node->data_at, node->data_size);
        return true;
    }
    if (!pages_read(&slice->pages, node->overflow, &page) || page.kind != PAGE_OVERFLOW ||
        node->data_size > page.run * size - PAGE_HEADER)
        return false;
    *out = bytes_of(page.at + PAGE_HEADER, node->data_size);
    return true;
}

/* ---- What is free ---- */

/* A count, and that many page numbers: the rest is not used. */
bool slice_free_used(const uint8_t *value, uint64_t size, uint64_t *used)
{
    uint64_t count;
    if (size < sizeof count)
        return false;
    memcpy(&count, value, sizeof count);
    if (count > size / sizeof count - 1)
        return false;
    *used = (1 + count) * sizeof count;
    return true;
}

static enum status read_free(struct slice *slice, const struct page *leaf, void *context)
{
    struct pages *pages = &slice->pages;
    uint64_t *total = context, used, number;
    struct page_node node;
    struct bytes data;
    for (uint32_t i = 0; i < leaf->nodes; i++) {
        if (!pages_node(pages, leaf, i, &node) || !data_of(slice, leaf, &node, &data) ||
            !slice_free_used(data.data, data.size, &used))
            return STATUS_CORRUPT;
        for (uint64_t at = sizeof number; at < used; at += sizeof number, ++*total) {
            memcpy(&number, data.data + at, sizeof number);
            if (number < PAGE_FIRST || number >= pages->count || pages_bit(pages->free, number))
                return STATUS_CORRUPT;
            pages_set_bit(pages->free, number);
        }
    }
    return STATUS_OK;
}

/* ---- Whether the file is what it is taken for ---- */

static uint64_t tree_pages(const struct pages_tree *tree)
{
    return tree->branch + tree->leaf + tree->overflow;
}

struct tables {
    uint64_t total; /* pages of all of them */
    const char *wanted;
    struct pages_tree found;
};

static enum status read_tables(struct slice *slice, const struct page *leaf, void *context)
{
    struct tables *tables = context;
    struct page_node node;
    struct pages_tree tree;
    struct bytes data;
    for (uint32_t i = 0; i < leaf->nodes; i++) {
        /* With flags, its keys may be in another order than that of their bytes. */
        if (!pages_node(&slice->pages, leaf, i, &node) || !data_of(slice, leaf, &node, &data) ||
            !pages_tree(data, &tree) || tree.flags != 0)
            return STATUS_CORRUPT;
        tables->total += tree_pages(&tree);
        if (tables->wanted != NULL && bytes_equal(node.key, bytes_text(tables->wanted)))
            tables->found = tree;
    }
    return STATUS_OK;
}

/* Looks at each table's entry. `met` as struct walk has it. */
static enum status find_tables(struct slice *slice, struct tables *tables, uint8_t *met)
{
    const struct walk how = {met, read_tables, tables};
    tables->found = (struct pages_tree){.root = PAGES_NO_ROOT};
    return walk_tree(slice, &how, &slice->tables);
}

static enum status count_tables(struct slice *slice, uint64_t *total)
{
    struct tables tables = {0};
    uint8_t *met = memory_new((size_t)(slice->pages.count / 8 + 1));
    enum status status = met != NULL ? find_tables(slice, &tables, met) : STATUS_NO_MEMORY;
    memory_free(met);
    *total += tables.total;
    return status;
}

/* Every page is in one of the trees or free: else something here is not what it seems. */
static enum status find_and_count(struct slice *slice)
{
    uint64_t total = PAGE_FIRST;
    const struct walk how = {slice->pages.listing, read_free, &total};
    if (!pages_meta(&slice->pages, slice->txn, &slice->free_pages, &slice->tables))
        return STATUS_CORRUPT;
    enum status status = walk_tree(slice, &how, &slice->free_pages);
    if (status == STATUS_OK)
        status = count_tables(slice, &total);
    total += tree_pages(&slice->free_pages) + tree_pages(&slice->tables);
    return status == STATUS_OK && total != slice->pages.count ? STATUS_CORRUPT : status;
}

static bool is_known(const struct pages *pages)
{
    const uint16_t one = 1;
    uint8_t first;
    int major = 0, minor = 0, patch = 0;
    memcpy(&first, &one, 1);
    mdb_version(&major, &minor, &patch);
    /* From 0.9.70 on it is what becomes 1.0, with other pages. */
    return major == 0 && minor == 9 && patch < 70 && first == 1 && sizeof(size_t) == 8 &&
           pages->size >= SMALLEST_PAGE && pages->size <= LARGEST_PAGE &&
           (pages->size & (pages->size - 1)) == 0 && pages->count >= PAGE_FIRST;
}

/* ---- Marking ---- */

static enum status mark_values(struct slice *slice, const struct page *leaf, void *context)
{
    uint8_t *bits = context;
    struct page_node node;
    struct page page;
    for (uint32_t i = 0; i < leaf->nodes; i++) {
        if (!pages_node(&slice->pages, leaf, i, &node))
            return STATUS_CORRUPT;
        if (node.overflow == 0)
            continue;
        if (!pages_read(&slice->pages, node.overflow, &page) || page.kind != PAGE_OVERFLOW)
            return STATUS_CORRUPT;
        for (uint64_t n = 0; n < page.run; n++)
            pages_set_bit(bits, page.number + n);
    }
    return STATUS_OK;
}

enum status slice_mark(struct slice *slice, const char *table, uint8_t *bits)
{
    const struct walk how = {bits, mark_values, bits};
    struct tables tables = {.wanted = table};
    enum status status = find_tables(slice, &tables, bits);
    if (status == STATUS_OK)
        status = walk_tree(slice, &how, &slice->free_pages);
    if (status == STATUS_OK)
        status = walk_tree(slice, &how, &tables.found);
    return status;
}

/* ---- Beginning and end ---- */

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

enum status slice_expect_no_older(struct environment *environment, uint64_t txn)
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
    if (!is_known(pages) || file.st_size <= 0)
        return STATUS_CORRUPT;
    pages->file_count = (uint64_t)file.st_size / pages->size;
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

void slice_end(struct slice *slice)
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

enum status slice_begin(struct environment *environment, bool alone, struct slice *slice)
{
    memset(slice, 0, sizeof *slice);
    enum status status = environment_write(environment, &slice->lock);
    if (status == STATUS_OK)
        status =
            environment_status(mdb_txn_begin(environment->env, NULL, MDB_RDONLY, &slice->reader));
    if (status != STATUS_OK)
        return status;
    slice->txn = mdb_txn_id(slice->reader);
    /* Nobody can begin to read an older state, since none is newer than ours; and readers that died
     * were forgotten when the environment was opened. */
    if (alone)
        status = slice_expect_no_older(environment, slice->txn);
    if (status == STATUS_OK)
        status = map_file(environment, slice);
    return status == STATUS_OK ? find_and_count(slice) : status;
}

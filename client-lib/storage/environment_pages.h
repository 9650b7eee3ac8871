/* The pages of an LMDB file as they lie on disk, for a scrub: data version 1 (LMDB 0.9), numbers in
 * the machine's order, of which only little-endian with 64 bits is known here.
 *
 *   page      number 8, pad 2, kind 2, lower 2, upper 2, then the offsets of its nodes (2 each) up
 * to `lower`; nodes lie from `upper` to the end, and nothing in between overflow  number 8, pad 2,
 * kind 2, pages 4, then one value: the pages behind have no header node      leaf: size of data 4,
 * flags 2, size of key 2, key, data (or the overflow page's number 8); branch: page below 6, size
 * of key 2, key tree      pad 4, flags 2, depth 2; pages 8 each: branch, leaf, overflow; entries 8,
 * root 8 0 and 1   header 16, magic 4, version 4, address 8, map's size 8, tree of free pages, tree
 * of tables, last page 8, commit 8; the pad of the first tree is the size of a page. Commits take
 * turns at them.
 *
 * Nothing here trusts what it reads: a number out of its bounds makes the function answer false. */
#ifndef TANDEM_CLIENT_LIB_ENVIRONMENT_PAGES_H
#define TANDEM_CLIENT_LIB_ENVIRONMENT_PAGES_H

#include <stdbool.h>

#include "protocol/bytes.h"

enum page_kind { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4 };

#define PAGE_HEADER 16u
/* Pages 0 and 1 tell where everything is, and hold nothing else. */
#define PAGE_FIRST 2u

struct pages {
    const uint8_t *map;  /* the file */
    uint64_t file_count; /* whole pages in the file; fewer than `count` when the last are free */
    uint64_t count;      /* those in use or once used; behind them is nothing of the database */
    uint32_t size;       /* of a page */
    uint8_t *free;       /* a bit for each of `count`: in no tree */
    uint8_t *listing;    /* a bit for each: in the tree of free pages, and not overflow */
};

#define PAGES_NO_ROOT UINT64_MAX
#define PAGES_TREE_SIZE 48u

struct pages_tree {
    uint16_t flags;
    uint64_t branch, leaf, overflow;
    uint64_t root; /* PAGES_NO_ROOT: it has no page */
};

struct page {
    const uint8_t *at;
    uint64_t number;
    enum page_kind kind;
    uint32_t lower, upper;
    uint32_t nodes;
    uint64_t run; /* PAGE_OVERFLOW: how many pages; else 1 */
};

struct page_node {
    uint32_t key_at; /* in its page */
    struct bytes key;
    uint64_t below;     /* branch: page */
    uint64_t data_size; /* leaf */
    uint32_t data_at;   /* leaf, without an overflow page: in its page */
    uint64_t overflow;  /* leaf: the overflow page the data is on; 0: none */
};

bool pages_bit(const uint8_t *bits, uint64_t number);
void pages_set_bit(uint8_t *bits, uint64_t number);

/* The trees as of this commit, which is the last or the one before. */
bool pages_meta(const struct pages *pages, uint64_t txn, struct pages_tree *free_pages,
                struct pages_tree *tables);
bool pages_tree(struct bytes stored, struct pages_tree *out);

bool pages_read(const struct pages *pages, uint64_t number, struct page *out);
bool pages_node(const struct pages *pages, const struct page *page, uint32_t i,
                struct page_node *out);
/* The outermost key below a page, or of a leaf itself. */
bool pages_outermost(const struct pages *pages, uint64_t number, bool right, struct bytes *key);

#endif

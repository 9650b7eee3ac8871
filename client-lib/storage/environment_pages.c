#include "client-lib/storage/environment_pages.h"

#include <string.h>

#define NODE_HEADER 8u
#define NODE_OVERFLOW 1u
#define META_MAGIC UINT32_C(0xbeefc0de)
#define META_VERSION 1u
/* A tree of the smallest pages that has as many leaves as there are page numbers is lower. */
#define DEEPEST 48

bool pages_bit(const uint8_t *bits, uint64_t number)
{
    return (bits[number / 8] >> (number % 8) & 1) != 0;
}

void pages_set_bit(uint8_t *bits, uint64_t number)
{
    bits[number / 8] = (uint8_t)(bits[number / 8] | 1u << (number % 8));
}

static uint16_t load_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint32_t load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint64_t load_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

bool pages_tree(struct bytes stored, struct pages_tree *out)
{
    if (stored.size != PAGES_TREE_SIZE)
        return false;
    *out = (struct pages_tree){.flags = load_u16(stored.data + 4),
                               .branch = load_u64(stored.data + 8),
                               .leaf = load_u64(stored.data + 16),
                               .overflow = load_u64(stored.data + 24),
                               .root = load_u64(stored.data + 40)};
    return true;
}

bool pages_meta(const struct pages *pages, uint64_t txn, struct pages_tree *free_pages,
                struct pages_tree *tables)
{
    if (pages->file_count < PAGE_FIRST)
        return false;
    const uint8_t *at = pages->map + (txn % 2) * pages->size + PAGE_HEADER;
    const uint8_t *tree = at + 24, *behind = tree + 2 * PAGES_TREE_SIZE;
    return load_u32(at) == META_MAGIC && load_u32(at + 4) == META_VERSION &&
           load_u32(tree) == pages->size && load_u64(behind) + 1 == pages->count &&
           load_u64(behind + 8) == txn && pages_tree(bytes_of(tree, PAGES_TREE_SIZE), free_pages) &&
           pages_tree(bytes_of(tree + PAGES_TREE_SIZE, PAGES_TREE_SIZE), tables);
}

static uint64_t behind_last(const struct pages *pages)
{
    return pages->count < pages->file_count ? pages->count : pages->file_count;
}

static bool read_overflow(const struct pages *pages, struct page *page)
{
    page->run = load_u32(page->at + 12);
    if (page->run == 0 || page->run > behind_last(pages) - page->number)
        return false;
    for (uint64_t i = 1; i < page->run; i++)
        if (pages_bit(pages->free, page->number + i))
            return false;
    return true;
}

bool pages_read(const struct pages *pages, uint64_t number, struct page *out)
{
    if (number < PAGE_FIRST || number >= behind_last(pages) || pages_bit(pages->free, number))
        return false;
    *out = (struct page){.at = pages->map + number * pages->size, .number = number, .run = 1};
    if (load_u64(out->at) != number)
        return false;
    uint32_t kind = load_u16(out->at + 10);
    if (kind != PAGE_BRANCH && kind != PAGE_LEAF && kind != PAGE_OVERFLOW)
        return false;
    out->kind = (enum page_kind)kind;
    if (kind == PAGE_OVERFLOW)
        return read_overflow(pages, out);
    out->lower = load_u16(out->at + 12);
    out->upper = load_u16(out->at + 14);
    if (out->lower <= PAGE_HEADER || out->lower % 2 != 0 || out->upper < out->lower ||
        out->upper > pages->size)
        return false;
    out->nodes = (out->lower - PAGE_HEADER) / 2;
    return true;
}

bool pages_node(const struct pages *pages, const struct page *page, uint32_t i,
                struct page_node *out)
{
    if (i >= page->nodes)
        return false;
    uint32_t at = load_u16(page->at + PAGE_HEADER + i * 2);
    if (at < page->upper || at + NODE_HEADER > pages->size)
        return false;
    const uint8_t *node = page->at + at;
    uint32_t key_size = load_u16(node + 6);
    uint32_t room = pages->size - at - NODE_HEADER;
    if (key_size > room)
        return false;
    room -= key_size;
    *out = (struct page_node){.key_at = at + NODE_HEADER,
                              .key = bytes_of(node + NODE_HEADER, key_size)};
    if (page->kind == PAGE_BRANCH) {
        out->below = load_u32(node) | (uint64_t)load_u16(node + 4) << 32;
        return true;
    }
    out->data_size = load_u32(node);
    out->data_at = at + NODE_HEADER + key_size;
    if ((load_u16(node + 4) & NODE_OVERFLOW) == 0)
        return out->data_size <= room;
    if (room < sizeof out->overflow)
        return false;
    out->overflow = load_u64(node + NODE_HEADER + key_size);
    return out->overflow != 0;
}

bool pages_outermost(const struct pages *pages, uint64_t number, bool right, struct bytes *key)
{
    struct page page;
    struct page_node node;
    for (int depth = 0; depth < DEEPEST; depth++) {
        if (!pages_read(pages, number, &page) || page.kind == PAGE_OVERFLOW ||
            !pages_node(pages, &page, right ? page.nodes - 1 : 0, &node))
            return false;
        if (page.kind == PAGE_LEAF) {
            *key = node.key;
            return true;
        }
        number = node.below;
    }
    return false;
}

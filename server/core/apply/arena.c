#include "server/core/apply/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "protocol/memory.h"

#define BLOCK_SIZE ((size_t)16 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t size;
    max_align_t start[];
};

void arena_release(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        memory_free(arena->blocks);
        arena->blocks = next;
    }
    *arena = (struct arena){0};
}

static bool add_block(struct arena *arena, size_t size)
{
    struct arena_block *block = NULL;
    if (size <= SIZE_MAX - sizeof *block)
        block = memory_resize(NULL, sizeof *block + size);
    if (!block) {
        arena->failed = true;
        return false;
    }
    block->next = arena->blocks;
    block->size = size;
    arena->blocks = block;
    arena->left = size;
    return true;
}

void *arena_take(struct arena *arena, size_t size)
{
    const size_t unit = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return arena->failed = true, NULL;
    size = (size + unit) / unit * unit; /* never nothing, so that every result is a place */
    if (arena->left < size && !add_block(arena, size > BLOCK_SIZE ? size : BLOCK_SIZE))
        return NULL;
    uint8_t *at = (uint8_t *)arena->blocks->start + (arena->blocks->size - arena->left);
    arena->left -= size;
    return at;
}

struct bytes arena_copy(struct arena *arena, struct bytes from)
{
    if (!from.data)
        return from;
    void *copy = arena_take(arena, from.size);
    if (!copy)
        return (struct bytes){NULL, 0};
    memcpy(copy, from.data, from.size);
    return bytes_of(copy, from.size);
}

struct bytes arena_keep(struct arena *arena, struct buffer *buffer)
{
    struct bytes kept = {NULL, 0};
    if (buffer->failed)
        arena->failed = true;
    else
        kept = arena_copy(arena, buffer_bytes(buffer));
    buffer_release(buffer);
    return kept;
}

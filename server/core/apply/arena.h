/* Memory that lives as long as the plan of one mutation and is freed all at once. */
#ifndef TANDEM_CORE_ARENA_H
#define TANDEM_CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/bytes.h"

struct arena_block;

/* Zero-initialised storage is a valid, empty arena. A failed allocation sets `failed`, which stays
 * set: whoever uses what came out of the arena asks for it before acting on it. */
struct arena {
    struct arena_block *blocks;
    size_t left; /* in the newest block */
    bool failed;
};

void arena_release(struct arena *arena);
/* Uninitialised, aligned for anything; NULL when memory is short. */
void *arena_take(struct arena *arena, size_t size);
/* A copy; "none" for none, and when memory is short. */
struct bytes arena_copy(struct arena *arena, struct bytes from);
/* A copy of what the buffer holds, which is released. */
struct bytes arena_keep(struct arena *arena, struct buffer *buffer);

#endif

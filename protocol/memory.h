/* The allocation part of the port: all of Tandem's own code allocates here, so that a test can
 * link an implementation that fails the n-th call. */
#ifndef TANDEM_PROTOCOL_MEMORY_H
#define TANDEM_PROTOCOL_MEMORY_H

#include <stddef.h>

/* Zeroed memory, or NULL. `size` 0 gives a pointer that may be freed. */
void *memory_new(size_t size);
/* As realloc: on NULL the old block is still valid. */
void *memory_resize(void *block, size_t size);
void memory_free(void *block);
/* Room for one more in a list of `count` elements of `size` bytes (more than 0), which becomes the
 * list: doubled when it is full. NULL when out of memory; the old one is still valid then. */
void *memory_grow(void *list, size_t count, size_t *capacity, size_t size);
/* A copy of `size` bytes with a NUL appended, or NULL. */
void *memory_copy(const void *from, size_t size);

#endif

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
/* A copy of `size` bytes with a NUL appended, or NULL. */
void *memory_copy(const void *from, size_t size);

#endif

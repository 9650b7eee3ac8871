#include "protocol/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *memory_new(size_t size)
{
    return calloc(1, size > 0 ? size : 1);
}

void *memory_resize(void *block, size_t size)
{
    return realloc(block, size > 0 ? size : 1);
}

void memory_free(void *block)
{
    free(block);
}

void *memory_copy(const void *from, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = malloc(size + 1);
    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, from, size);
    copy[size] = '\0';
    return copy;
}

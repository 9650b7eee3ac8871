#include "protocol/memory.h"

#include <stdint.h>

#define FIRST_CAPACITY 16u

void *memory_grow(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return list;
    if (*capacity > SIZE_MAX / 2 / size)
        return NULL;
    const size_t larger = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    void *resized = memory_resize(list, larger * size);
    if (resized != NULL)
        *capacity = larger;
    return resized;
}

/* The C library's allocation, failing as failing_calls.h says: for whatever a program's libraries
 * allocate. Only in the library that is loaded into other programs. */
#include <errno.h>
#include <stdlib.h>

#include "tests/survival/faults/failing_calls.h"

/* What glibc calls its own by. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void *nothing(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    return failing_hit(CALL_MALLOC) ? nothing() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return failing_hit(CALL_MALLOC) ? nothing() : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return failing_hit(CALL_MALLOC) ? nothing() : __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return failing_hit(CALL_MALLOC) ? nothing() : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *block = failing_hit(CALL_MALLOC) ? NULL : __libc_memalign(alignment, size);
    if (block == NULL)
        return ENOMEM;
    *out = block;
    return 0;
}

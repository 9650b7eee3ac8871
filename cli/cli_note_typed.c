#include "cli/cli_note_typed.h"

#include <string.h>

#include "protocol/memory.h"

static bool make_room(struct note_typed *typed, size_t size)
{
    if (typed->failed || size <= typed->capacity) {
        return !typed->failed;
    }
    size_t larger = size + size / 2 + 256;
    uint8_t *resized = memory_resize(typed->marks, larger);
    if (resized == NULL) {
        typed->failed = true;
        return false;
    }
    typed->marks = resized;
    typed->capacity = larger;
    return true;
}

void note_typed_begin(struct note_typed *typed, size_t size)
{
    typed->size = 0;
    note_typed_change(typed, 0, 0, size, false);
}

void note_typed_change(struct note_typed *typed, size_t from, size_t removed, size_t inserted,
                       bool here)
{
    if (from > typed->size) {
        from = typed->size;
    }
    if (removed > typed->size - from) {
        removed = typed->size - from;
    }
    size_t behind = typed->size - from - removed;
    if (!make_room(typed, from + inserted + behind) || typed->marks == NULL) {
        return;
    }
    memmove(typed->marks + from + inserted, typed->marks + from + removed, behind);
    memset(typed->marks + from, here, inserted);
    typed->size = from + inserted + behind;
}

const uint8_t *note_typed_marks(const struct note_typed *typed, size_t size)
{
    return !typed->failed && typed->size == size ? typed->marks : NULL;
}

void note_typed_release(struct note_typed *typed)
{
    memory_free(typed->marks);
    *typed = (struct note_typed){.marks = NULL};
}

#include "tests/replay/slots.h"

#include <stdlib.h>
#include <string.h>

#include "tests/replay/trace.h"

void slots_init(struct slots *slots)
{
    *slots = (struct slots){.narrow = true};
}

void slots_release(struct slots *slots)
{
    free(slots->slot);
    free(slots->width);
    slots_init(slots);
}

size_t slots_find(const struct slots *slots, uint32_t character)
{
    for (size_t i = slots->count; i-- > 0;) {
        if (slots->slot[i] == character) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t slots_bytes(const struct slots *slots, size_t place)
{
    size_t bytes = 0;
    if (slots->narrow) {
        return place;
    }
    for (size_t i = 0; i < place; i++) {
        bytes += slots->width[i];
    }
    return bytes;
}

size_t slots_at(const struct slots *slots, size_t bytes)
{
    size_t place = 0;
    if (slots->narrow) {
        return bytes <= slots->count ? bytes : SIZE_MAX;
    }
    for (; place < slots->count && bytes > 0; place++) {
        if (slots->width[place] > bytes) {
            return SIZE_MAX;
        }
        bytes -= slots->width[place];
    }
    return bytes == 0 ? place : SIZE_MAX;
}

static bool reserve(struct slots *slots, size_t count)
{
    size_t room = count < 1024 ? 1024 : 2 * count;
    if (count <= slots->room) {
        return true;
    }
    uint32_t *slot = realloc(slots->slot, room * sizeof *slot);
    if (slot == NULL) {
        return false;
    }
    slots->slot = slot;
    uint8_t *width = realloc(slots->width, room);
    if (width == NULL) {
        return false;
    }
    slots->width = width;
    slots->room = room;
    return true;
}

bool slots_replace(struct slots *slots, size_t from, size_t removed, const char *text, size_t size,
                   uint32_t first)
{
    size_t characters = 0, rest = slots->count - from - removed;
    for (size_t i = 0; i < size; i += trace_width((unsigned char)text[i])) {
        characters++;
    }
    if (!reserve(slots, slots->count + characters)) {
        return false;
    }
    if (rest > 0) {
        memmove(slots->slot + from + characters, slots->slot + from + removed,
                rest * sizeof *slots->slot);
        memmove(slots->width + from + characters, slots->width + from + removed, rest);
    }
    for (size_t i = 0; i < characters; i++) {
        unsigned width = trace_width((unsigned char)*text);
        slots->slot[from + i] = (first & SLOT_OF) != 0 ? first : first + (uint32_t)i;
        slots->width[from + i] = (uint8_t)width;
        slots->narrow = slots->narrow && width == 1;
        text += width;
    }
    slots->count = from + characters + rest;
    return true;
}

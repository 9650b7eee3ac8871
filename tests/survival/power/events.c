#include "tests/survival/power/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 13u

static void put(uint8_t *at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    }
}

static uint64_t get(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

bool event_write(FILE *file, const struct event *event)
{
    uint8_t header[HEADER];
    header[0] = (uint8_t)event->kind;
    put(header + 1, event->offset, 8);
    put(header + 9, event->size, 4);
    return fwrite(header, sizeof header, 1, file) == 1 &&
           (event->size == 0 || fwrite(event->data, event->size, 1, file) == 1);
}

uint8_t *events_read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long end = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) >= 0) {
        rewind(file);
        bytes = malloc((size_t)end + 1);
        if (bytes != NULL && fread(bytes, 1, (size_t)end, file) != (size_t)end) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (bytes == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    }
    if (file != NULL) {
        fclose(file);
    }
    *size = bytes != NULL ? (size_t)end : 0;
    return bytes;
}

/* The event at `at`, of which at most `left` bytes are there; its whole size, or 0. */
static size_t event_at(const uint8_t *at, size_t left, struct event *out)
{
    if (left < HEADER) {
        return 0;
    }
    *out = (struct event){.kind = (enum event_kind)at[0],
                          .offset = get(at + 1, 8),
                          .size = (uint32_t)get(at + 9, 4),
                          .data = at + HEADER};
    return out->size > left - HEADER ? 0 : HEADER + out->size;
}

bool events_read(const char *path, struct events *out)
{
    size_t size, at = 0, capacity = 0;
    *out = (struct events){.bytes = events_read_file(path, &size)};
    if (out->bytes == NULL) {
        return false;
    }
    struct event event;
    for (size_t step; (step = event_at(out->bytes + at, size - at, &event)) > 0; at += step) {
        if (out->count == capacity) {
            capacity = capacity == 0 ? 1024 : 2 * capacity;
            struct event *list = realloc(out->list, capacity * sizeof *list);
            if (list == NULL) {
                fprintf(stderr, "%s: no memory\n", path);
                events_release(out);
                return false;
            }
            out->list = list;
        }
        out->list[out->count++] = event;
    }
    return true;
}

void events_release(struct events *events)
{
    free(events->list);
    free(events->bytes);
    *events = (struct events){0};
}

uint64_t events_random(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

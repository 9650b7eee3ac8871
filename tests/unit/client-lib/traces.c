#include "traces.h"

#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOUDEST 5

static uint64_t number_of(const void *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

static size_t place_of(const struct traces *traces, uint64_t number)
{
    size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 20) % traces->capacity;
    while (traces->slot[at] != 0 && traces->slot[at] != number)
        at = (at + 1) % traces->capacity;
    return at;
}

void traces_init(struct traces *traces)
{
    memset(traces, 0, sizeof *traces);
    traces->capacity = 1024;
    traces->slot = calloc(traces->capacity, sizeof *traces->slot);
    assert_non_null(traces->slot);
}

void traces_release(struct traces *traces)
{
    free(traces->slot);
}

static void grow(struct traces *traces)
{
    struct traces old = *traces;
    traces->capacity = old.capacity * 2;
    traces->slot = calloc(traces->capacity, sizeof *traces->slot);
    assert_non_null(traces->slot);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slot[i] != 0)
            traces->slot[place_of(traces, old.slot[i])] = old.slot[i];
    free(old.slot);
}

void traces_add(struct traces *traces, const void *bytes)
{
    const uint8_t *at = bytes;
    size_t first = (size_t)(at[0] << 8 | at[1]);
    assert_true(number_of(bytes) != 0);
    if (traces->count * 2 >= traces->capacity)
        grow(traces);
    traces->slot[place_of(traces, number_of(bytes))] = number_of(bytes);
    traces->count++;
    traces->filter[first / 8] = (uint8_t)(traces->filter[first / 8] | 1u << (first % 8));
}

bool traces_has(const struct traces *traces, const void *bytes)
{
    const uint8_t *at = bytes;
    size_t first = (size_t)(at[0] << 8 | at[1]);
    if ((traces->filter[first / 8] >> (first % 8) & 1) == 0)
        return false;
    uint64_t number = number_of(bytes);
    return number != 0 && traces->slot[place_of(traces, number)] == number;
}

static size_t find_in(const struct traces *traces, const char *path, bool loud)
{
    struct stat stat;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &stat), 0);
    size_t size = S_ISREG(stat.st_mode) ? (size_t)stat.st_size : 0, found = 0;
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    for (size_t at = 0; at + TRACE_SIZE <= size; at++) {
        if (!traces_has(traces, bytes + at))
            continue;
        if (loud && found < LOUDEST)
            print_error("%s: a trace at %zu of %zu (page %zu, byte %zu)\n", path, at, size,
                        at / 4096, at % 4096);
        found++;
    }
    free(bytes);
    return found;
}

size_t traces_find(const struct traces *traces, const char *folder, bool loud)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    char path[512];
    size_t found = 0;
    assert_non_null(open);
    while ((entry = readdir(open)) != NULL) {
        if (entry->d_type == DT_DIR || entry->d_type == DT_SOCK)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        found += find_in(traces, path, loud);
    }
    closedir(open);
    return found;
}

size_t traces_left(const char *folder, const char *trace)
{
    struct traces traces;
    traces_init(&traces);
    traces_add(&traces, trace);
    size_t found = traces_find(&traces, folder, false);
    traces_release(&traces);
    return found;
}

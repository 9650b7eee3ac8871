/* Makes what a disk may hold after a power loss, and says what had been acknowledged by then.
 *
 *     power-image DISK EVENTS SEED CUT IMAGE LINES
 *
 * DISK is the disk before, EVENTS what power-machine recorded. The power goes behind event CUT: a
 * number, "last", or "any" for a moment that SEED chooses. IMAGE gets everything up to the last
 * flush before; of the writes behind it SEED keeps some, loses others, and tears some at a sector:
 * a disk's cache writes back in whatever order it likes. LINES gets what the machine had printed.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/survival/power/events.h"

#define SECTOR 512u

/* How the cache behaves this time: of 8 unflushed writes, how many are kept whole, how many torn.
 */
struct fate {
    unsigned kept, torn;
};

static const struct fate fates[] = {{0, 0}, {1, 1}, {4, 1}, {6, 1}, {7, 0}, {8, 0}};

static size_t written(const struct event *event, const struct fate *fate, uint64_t *seed)
{
    uint64_t draw = events_random(seed) % 8;
    if (draw < fate->kept) {
        return event->size;
    }
    if (draw < fate->kept + fate->torn) {
        return events_random(seed) % (event->size / SECTOR + 1) * SECTOR;
    }
    return 0;
}

/* False when an event does not fit the disk. */
static bool lose_power(const struct events *events, size_t cut, uint64_t seed, uint8_t *disk,
                       size_t size)
{
    const struct fate *fate = &fates[events_random(&seed) % (sizeof fates / sizeof *fates)];
    size_t flushed = 0;
    for (size_t i = 0; i < cut; i++) {
        flushed = events->list[i].kind == EVENT_FLUSH ? i : flushed;
    }
    for (size_t i = 0; i < cut; i++) {
        const struct event *event = &events->list[i];
        if (event->kind != EVENT_WRITE) {
            continue;
        }
        if (event->offset > size || event->size > size - event->offset) {
            return false;
        }
        size_t bytes = i < flushed ? event->size : written(event, fate, &seed);
        memcpy(disk + event->offset, event->data, bytes);
    }
    return true;
}

static bool write_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    bool fine = file != NULL && (size == 0 || fwrite(bytes, size, 1, file) == 1);
    fine = file != NULL && fclose(file) == 0 && fine;
    if (!fine) {
        perror(path);
    }
    return fine;
}

static bool write_lines(const char *path, const struct events *events, size_t cut)
{
    FILE *file = fopen(path, "wb");
    bool fine = file != NULL;
    for (size_t i = 0; i < cut && fine; i++) {
        const struct event *event = &events->list[i];
        if (event->kind == EVENT_LINE) {
            fine = fprintf(file, "%.*s\n", (int)event->size, (const char *)event->data) > 0;
        }
    }
    fine = file != NULL && fclose(file) == 0 && fine;
    if (!fine) {
        perror(path);
    }
    return fine;
}

static size_t choose_cut(const struct events *events, const char *text, uint64_t *seed)
{
    if (strcmp(text, "last") == 0) {
        return events->count;
    }
    if (strcmp(text, "any") == 0) {
        return 1 + events_random(seed) % events->count;
    }
    size_t cut = strtoul(text, NULL, 10);
    return cut < events->count ? cut : events->count;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fputs("power-image DISK EVENTS SEED CUT IMAGE LINES\n", stderr);
        return 2;
    }
    struct events events = {0};
    size_t size;
    uint64_t seed = strtoull(argv[3], NULL, 10);
    uint8_t *disk = events_read_file(argv[1], &size);
    bool fine = disk != NULL && events_read(argv[2], &events) && events.count > 0;
    if (fine) {
        size_t cut = choose_cut(&events, argv[4], &seed);
        fine = lose_power(&events, cut, seed, disk, size) && write_file(argv[5], disk, size) &&
               write_lines(argv[6], &events, cut);
        printf("cut at %zu of %zu\n", cut, events.count);
    }
    events_release(&events);
    free(disk);
    return fine ? 0 : 1;
}

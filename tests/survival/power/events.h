/* What a disk and its machine did, in one order: the log from which power losses are made.
 *
 * The machine's disk is served by us (nbd.h), and what it prints comes to us too, so both stand in
 * one list: a line that reports a mutation as durable stands behind the flush that made it so.
 * Whatever a disk may hold when the power goes at any place of the list can then be put together
 * later: everything before the last flush, and any part of the writes behind it.
 *
 *     file: event*    event: kind (1) | offset (8, big-endian) | size (4) | size bytes
 */
#ifndef TANDEM_TESTS_SURVIVAL_POWER_EVENTS_H
#define TANDEM_TESTS_SURVIVAL_POWER_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum event_kind {
    EVENT_WRITE = 'W', /* offset, data */
    EVENT_FLUSH = 'F', /* everything written before is on the disk */
    EVENT_LINE = 'L',  /* text the machine printed, without its end of line */
};

struct event {
    enum event_kind kind;
    uint64_t offset;
    uint32_t size;
    const uint8_t *data;
};

bool event_write(FILE *file, const struct event *event);

/* A whole file of events; `data` of the events points into `bytes`. */
struct events {
    uint8_t *bytes;
    struct event *list;
    size_t count;
};

/* False after saying why. An event cut short at the end of the file is left out. */
bool events_read(const char *path, struct events *out);
void events_release(struct events *events);

/* A whole file in memory, which the caller frees; NULL after saying why. */
uint8_t *events_read_file(const char *path, size_t *size);

/* SplitMix64: the next number of a seed. */
uint64_t events_random(uint64_t *seed);

#endif

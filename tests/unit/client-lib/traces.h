/* Looking for what must not be found: short strings, each 8 bytes, in every file of a folder. */
#ifndef TANDEM_TESTS_CLIENT_LIB_TRACES_H
#define TANDEM_TESTS_CLIENT_LIB_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_SIZE 8

struct traces {
    uint64_t *slot; /* open addressing; 0 is empty */
    size_t capacity, count;
    uint8_t filter[8192]; /* a bit for each first two bytes that occur */
};

void traces_init(struct traces *traces);
void traces_release(struct traces *traces);
/* Not all zero. */
void traces_add(struct traces *traces, const void *bytes);
bool traces_has(const struct traces *traces, const void *bytes);
/* How often one of them is in a file of the folder; says where the first few are when `loud`. */
size_t traces_find(const struct traces *traces, const char *folder, bool loud);
/* How often these 8 bytes are in a file of the folder. */
size_t traces_left(const char *folder, const char *trace);

#endif

/* What a server's store holds, in bytes of pages in use: read beside a server that runs or not. */
#ifndef TANDEM_TESTS_REPLAY_STORE_SIZE_H
#define TANDEM_TESTS_REPLAY_STORE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct store_size {
    uint64_t all;   /* every table */
    uint64_t notes; /* what belongs to live notes: texts, versions and snapshots */
};

/* `folder`: that of the store. False when it cannot be read. */
bool store_size_read(const char *folder, struct store_size *out);

#endif

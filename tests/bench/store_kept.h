/* Stores that are seeded once and kept: made again when their options or the format differ, or
 * when much was written to them since. */
#ifndef TANDEM_TESTS_BENCH_STORE_KEPT_H
#define TANDEM_TESTS_BENCH_STORE_KEPT_H

#include "server/store/store.h"
#include "tests/bench/bench.h"
#include "tests/seed/seed.h"

struct kept {
    char folder[SEED_PATH]; /* holds data/, as tests/support/server_process.h wants it */
    char data[SEED_PATH];
    struct seed_options options; /* points into `data` */
    struct seeded *seeded;
};

/* The company of all store rows: 8 of staff, 10 partners with 10 accounts each, half of an
 * account's records shared, 19 records an account whatever the size. False after bench_fail(). */
bool kept_open(struct kept *kept, struct bench_run *run, uint64_t records);
void kept_release(struct kept *kept); /* zeroed storage is fine */

/* The store of it, every page of it read once, so that figures are those of a warm store. */
bool kept_store(const struct kept *kept, struct bench_run *run, struct store **out);

/* The interaction at `index` of the records, or else the next in its account. */
struct id kept_interaction(const struct kept *kept, uint64_t index);

/* 10,000 as "10k", 3,000,000 as "3m". */
const char *kept_size_name(uint64_t records, char out[24]);

#endif

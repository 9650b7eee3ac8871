/* Tables like a replica's, filled, changed and emptied at random beside a model in memory. Every
 * name, id and value carries strings of its own, 8 bytes each, of which those that no record has
 * any more are remembered. The seed is printed; TANDEM_SEED repeats it. */
#ifndef TANDEM_TESTS_CLIENT_LIB_SCRUB_WORLD_H
#define TANDEM_TESTS_CLIENT_LIB_SCRUB_WORLD_H

#include "support.h"
#include "traces.h"

#include "client-lib/storage/environment.h"

#define WORLD_RECORDS 4000
#define WORLD_SCOPES 12

struct row {
    bool alive;
    uint8_t id[16]; /* 6 bytes that many share, 2 in order, 8 of its own */
    uint8_t name[48];
    size_t name_size;
    unsigned scope;
    uint64_t time;
    uint8_t trace[TRACE_SIZE]; /* of which the value is made */
    size_t value_size;
};

struct world {
    char *folder;
    struct environment environment;
    uint64_t seed;
    struct row row[WORLD_RECORDS];
    size_t row_count;
    uint8_t scope[WORLD_SCOPES][16];
    struct traces gone;
};

extern const struct environment_layout world_layout;

int world_set_up(void **state);
int world_tear_down(void **state);

/* Below `below`, which is not 0. */
unsigned world_pick(struct world *world, unsigned below);

/* So many transactions of up to 32 additions and changes each. */
void world_transactions(struct world *world, unsigned count);
/* Removes all records of a scope in one transaction. */
void world_remove_scope(struct world *world, unsigned scope);
/* Adds up to so many records in one transaction, and commits it. */
void world_add(struct world *world, unsigned count);
/* Changes the environment in a transaction that is thrown away. */
void world_abort(struct world *world, unsigned count);

/* The tables hold what the model does, in order. */
void world_expect_model(struct world *world);
/* Nothing that is gone is in a file of the folder. */
void world_expect_clean(struct world *world);
uint64_t world_last_page(struct world *world);

#endif

/* A client whose replica and outbox a test fills as it likes, for what reads and observers show. */
#ifndef TANDEM_TESTS_CLIENT_LIB_LAID_WORLD_H
#define TANDEM_TESTS_CLIENT_LIB_LAID_WORLD_H

#include "client_world.h"

struct laid_world {
    struct world *world;
};

int laid_set_up(void **state);
int laid_tear_down(void **state);
#define LAID_TEST(name) cmocka_unit_test_setup_teardown(name, laid_set_up, laid_tear_down)

/* What a record or a change says. Zero members: nothing. */
struct said {
    unsigned id;
    const char *entity; /* "contact" */
    unsigned account;
    const char *description;
    int64_t date; /* dateStart */
    uint64_t seq; /* of a record held */
};

/* Stores records in the replica and sets its cursor. A record without an account is in the
 * library. */
void hold_records(struct laid_world *world, const struct said *said, size_t count, uint64_t cursor);

enum edit_op { EDIT_CREATE, EDIT_UPDATE, EDIT_REMOVE };
/* Queues a mutation of one change. */
uint64_t queue_edit(struct laid_world *world, enum edit_op op, const struct said *said);
/* Lets the server answer the oldest entry that waits; false when none can be sent. */
bool answer_next(struct laid_world *world, enum status status, uint64_t seq);
/* Calls the outbox's hook for an entry as it is now. */
void tell_entry(struct laid_world *world, uint64_t order);

uint64_t next_random(uint64_t *seed);
unsigned below(uint64_t *seed, unsigned bound);
/* TANDEM_SEED, or this one; prints it. */
uint64_t seed_from(uint64_t otherwise);

#endif

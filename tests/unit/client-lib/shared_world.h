/* A client whose folder another process has as well. */
#ifndef TANDEM_TESTS_CLIENT_LIB_SHARED_WORLD_H
#define TANDEM_TESTS_CLIENT_LIB_SHARED_WORLD_H

#include "client_world.h"
#include "peer_process.h"

/* Turns until something must have happened, of 10 ms at most. */
#define TURNS_MOST 3000

/* The other process, once a test has started it. */
extern struct peer peer;

/* As set_up() and tear_down(), which ends the other process, too. */
int set_up_shared(void **state);
int tear_down_shared(void **state);

/* What the other process does takes its time, and our clock stands still unless it is moved. */
void turn(struct world *world);
/* Turns until it is told. */
const struct told *wait_for(struct world *world, tandem_event_kind kind);

#endif

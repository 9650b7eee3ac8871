/* Two clients of a real server: one writes and the other watches, both with a replica and both
 * coming back whenever their connection is lost.
 *
 *     pair_make -> pair_serve -> pair_round ... -> pair_verify -> pair_release
 *
 * In each round both connect anew, the writer sends a few mutations, and the round is over when all
 * are answered and the watcher holds their records. The server has the failing calls loaded, and
 * pair->theirs is its plan; failing_plan() is that of the clients, when they have one.
 */
#ifndef TANDEM_TESTS_PAIR_H
#define TANDEM_TESTS_PAIR_H

#include "tandem/tandem.h"
#include "tests/support/server_process.h"
#include "tests/survival/faults/shared_plan.h"

#define PAIR_MUTATIONS 3u

struct device {
    tandem_client *client;
    char replica[SCRATCH_PATH + 32];
    bool lost;  /* the connection is gone: connect again */
    bool final; /* and the library would not have */
};

struct pair {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct failing_plan *theirs;
    char plan_path[SCRATCH_PATH + 32];
    char token[128];
    struct device writer, watcher;
    char ids[PAIR_MUTATIONS][TANDEM_ID_TEXT];
    unsigned answered[PAIR_MUTATIONS]; /* how often in this round */
    unsigned refused;                  /* answers that were not "done" */
    uint64_t accepted;                 /* mutations in all */
    uint64_t first_seq;                /* before them */
    int death; /* how the server ended by itself, as child_wait() says; -1: not */
};

/* All end the test with words when something fails that no fault was planned for. */
void pair_make(struct pair *pair);
void pair_release(struct pair *pair);
/* Starts the server, when it does not run. */
void pair_serve(struct pair *pair);

/* Connects and sends. */
void pair_begin(struct pair *pair);
/* Lets both do what they can for at most `ms`; true as soon as the round is over. When the server
 * ends meanwhile, `death` tells how, and it is over as well. */
bool pair_run(struct pair *pair, unsigned ms);
/* Without faults: starts the server again when it has ended, and lets the round come to its end.
 * Each mutation must have been answered once, and as done. */
void pair_finish(struct pair *pair);
/* Both replicas hold what one filled anew holds, and all that was accepted was done once. */
void pair_verify(struct pair *pair);

#endif

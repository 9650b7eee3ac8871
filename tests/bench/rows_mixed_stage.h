/* A whole company at work on one server, for the rows of mixed load: writers, staff who watch
 * everything, partners who watch what is assigned to them.
 *
 * tandemd runs on BENCH_SERVER_CPU with one I/O thread, all clients in this process on
 * BENCH_LOAD_CPU. What is changed are interactions spread over all accounts, every other one
 * shared with partners, in turn.
 */
#ifndef TANDEM_TESTS_BENCH_ROWS_MIXED_STAGE_H
#define TANDEM_TESTS_BENCH_ROWS_MIXED_STAGE_H

#include "protocol/bytes.h"
#include "tests/bench/bench.h"
#include "tests/bench/limit_tls.h"
#include "tests/load/load.h"
#include "tests/seed/seed.h"
#include "tests/support/server_process.h"

#define MIXED_STAFF 64u
#define MIXED_PARTNERS 100u
#define MIXED_ACCOUNTS_A_PARTNER 10u
#define MIXED_ACCOUNTS 500u
#define MIXED_RING 2048u
#define MIXED_WAIT_MS 120000u
#define MIXED_IN_FLIGHT 32u

struct mixed {
    struct server_process server;
    struct limit_tls limit;
    struct seeded *seeded;
    struct load *load, *bare;
    struct id *ring;
    size_t next;
    uint64_t sent, results, refused, closed;
    uint64_t newest;   /* seq of the newest change that was answered */
    const void *owner; /* of the hook below */
    /* Called for each frame of changes and each answer besides what is counted here; NULL: not. */
    void (*on_changes)(const void *owner, struct load_client *client, uint64_t to, unsigned records,
                       struct bytes message);
    void (*on_result)(const void *owner, struct load_client *client, uint64_t number, uint64_t seq);
};

/* Makes the store, the ring and the server, and a first client that writes. mixed_stop() also after
 * a failure. Both loads offer TLS sessions again. */
bool mixed_start(struct bench_run *run, struct mixed *mixed);
void mixed_stop(struct mixed *mixed);

/* A client of a staff member (of the `user`th, round and round) or of a partner, connecting. */
struct load_client *mixed_add(struct mixed *mixed, size_t user, bool partner, bool watch,
                              size_t label);
/* Returns when all who were connected are live. */
bool mixed_settle(struct bench_run *run, struct mixed *mixed);
/* Changes the next interaction of the ring. 0 when it cannot be sent, else its number. */
uint64_t mixed_change(struct mixed *mixed, struct load_client *writer);
/* Makes so many changes by one writer; returns when all are answered. */
bool mixed_change_all(struct bench_run *run, struct mixed *mixed, struct load_client *writer,
                      unsigned count);

/* The bare TLS loop with `count` clients, and what it sends; `message` may be empty. */
bool mixed_start_bare(struct bench_run *run, struct mixed *mixed, size_t count);

#endif

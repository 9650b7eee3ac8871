/* What the rows of the network are measured on: a real tandemd with clients, and the bare TLS loop
 * with as many.
 *
 * Servers run on BENCH_SERVER_CPU, the clients of both in this process on BENCH_LOAD_CPU. tandemd
 * has one I/O thread, since it has one CPU, and no limits that clients of one address would meet.
 * Its store holds little; what is changed are interactions of one account, in turn, each being
 * changed again only after all others, so that no change overtakes one that a client has not seen.
 *
 * All functions that return bool say why they failed by bench_fail().
 */
#ifndef TANDEM_TESTS_BENCH_ROWS_NETWORK_STAGE_H
#define TANDEM_TESTS_BENCH_ROWS_NETWORK_STAGE_H

#include "tests/bench/bench.h"
#include "tests/bench/limit_tls.h"
#include "tests/load/load.h"
#include "tests/seed/seed.h"
#include "tests/support/server_process.h"

#define STAGE_WAIT_MS 60000u
/* Enough that a thousand clients are always behind in a flood. */
#define STAGE_WRITERS 32u
/* As many as a client may have unanswered. */
#define STAGE_IN_FLIGHT 64u

struct tandem_side {
    struct server_process server;
    struct seeded *seeded;
    struct load *load;
    struct load_client *writers[STAGE_WRITERS];
    unsigned under_way[STAGE_WRITERS];
    struct id *ring; /* the interactions that are changed */
    size_t ring_size, next;
    uint64_t results, refused, others, closed;
    uint64_t newest;      /* seq of the newest change that was answered */
    uint64_t changes_ns;  /* when the last frame of changes came */
    struct buffer sample; /* a frame with one change */
    struct buffer pong;
};

/* Starts a server on a store of its own in FOLDER/`name`, with `ring_size` interactions (0: none)
 * and writers that are signed in. tandem_side_stop() also after a failure; zeroed storage is fine.
 */
bool tandem_side_start(struct bench_run *run, struct tandem_side *side, const char *name,
                       size_t ring_size);
void tandem_side_stop(struct tandem_side *side);
/* `count` more clients that watch the account at `account` of the store, or everything when it is
 * negative; returns when all are live. */
bool tandem_side_watch(struct bench_run *run, struct tandem_side *side, size_t count, int account);
/* Makes `count` changes, each after `watchers` clients have seen the one before. */
bool tandem_side_change(struct bench_run *run, struct tandem_side *side, unsigned count,
                        size_t watchers);
/* Makes `count` changes as fast as the writers may, while the others read nothing; then they do, and
 * it returns when every one has seen all. */
bool tandem_side_flood(struct bench_run *run, struct tandem_side *side, unsigned count);
/* All clients say ping, and have their answers: none will have to while something is measured. */
bool tandem_side_calm(struct bench_run *run, struct tandem_side *side);

struct bare_side {
    struct limit_tls limit;
    struct load *load;
};

/* Starts the bare loop with the certificate of a server that was started, sending `message`. */
bool bare_side_start(struct bench_run *run, struct bare_side *side,
                     const struct tandem_side *tandem, struct bytes message);
void bare_side_stop(struct bare_side *side);
bool bare_side_connect(struct bench_run *run, struct bare_side *side, size_t count);
/* Sends the message `count` times, each after all clients have it. */
bool bare_side_change(struct bench_run *run, struct bare_side *side, unsigned count);
/* As tandem_side_flood(): nothing is read until the loop can write no more. */
bool bare_side_flood(struct bench_run *run, struct bare_side *side, unsigned count);

/* Runs the clients until `expected` records have come in all. */
bool stage_wait(struct bench_run *run, struct load *load, uint64_t expected);

#endif

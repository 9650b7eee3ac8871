/* A real tandemd on a kept store, and libtandem clients of it in this process. */
#ifndef TANDEM_TESTS_BENCH_STORE_SERVED_H
#define TANDEM_TESTS_BENCH_STORE_SERVED_H

#include "tandem/tandem.h"
#include "tests/bench/store_kept.h"
#include "tests/support/server_process.h"

/* Starts the server on BENCH_SERVER_CPU, and leaves the calling thread on BENCH_LOAD_CPU. Nothing
 * else may have the store open. False after bench_fail(). Zeroed storage may be stopped. */
bool served_start(struct server_process *server, struct bench_run *run, const struct kept *kept);
void served_stop(struct server_process *server);

struct served_client {
    tandem_client *client;
    bool connected, caught_up, ended;
    uint64_t records; /* stored or replaced */
    size_t answers;   /* to asked questions and mutations */
    char why[300];
};

/* Signs in by the user's token and waits until that is done; with a replica (a folder, or NULL)
 * also until it has caught up. False after bench_fail(). Zeroed storage may be closed. */
bool served_connect(struct served_client *client, struct bench_run *run,
                    const struct server_process *server, const struct seed_user *user,
                    const char *replica);
/* The same in its steps: a client of a folder (or NULL) that is not connected; its connection,
 * which these only begin. False after bench_fail(). */
bool served_open(struct served_client *client, struct bench_run *run, const char *replica);
bool served_begin(struct served_client *client, struct bench_run *run,
                  const struct server_process *server, const struct seed_user *user);
void served_close(struct served_client *client);
/* Sends a subject with this number in it for an interaction, see served_result(). False after
 * bench_fail(). */
bool served_change(struct served_client *client, struct bench_run *run, struct id interaction,
                   size_t number);
/* Services it once, without waiting. False after bench_fail(). */
bool served_service(struct served_client *client, struct bench_run *run);
/* Services it until its outbox is empty. False after bench_fail(). */
bool served_settled(struct served_client *client, struct bench_run *run);
/* Services it until as many answers have come. False after bench_fail(). */
bool served_answers(struct served_client *client, struct bench_run *run, size_t answers);
/* For answers and results: counts them, and ends the client when one is a refusal. The context is
 * the struct served_client. */
void served_answered(void *context, const tandem_answer *answer, const tandem_fault *fault);
void served_result(void *context, const tandem_result *result);
/* Bytes that came over its socket so far, TLS included; 0 where the system does not tell. */
uint64_t served_bytes(const struct served_client *client);

#endif

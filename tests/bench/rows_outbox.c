/* Settling an outbox: mutations that were queued without a network, against the same sent by a
 * client that is online. Both are durable in the client's folder before tandem_send() returns, and
 * both are over when the server has taken them and the replica shows them, so that the outbox is
 * empty. Queueing before the connection is made does not count, connecting and signing in does; the
 * client that is online queues and is answered at the same time. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/bench/limit_lmdb.h"
#include "tests/bench/rows_replica_fill.h"

#define RECORDS 10000u

struct outbox_row {
    struct replica_source source; /* its server is of a copy: nothing else is to be written to */
    size_t mutations;
    size_t made; /* in all, so that each changes something */
};

/* A copy of the store, served. */
static bool serve_copy(struct bench_run *run, struct replica_source *source)
{
    struct kept copy = source->kept;
    (void)snprintf(copy.folder, sizeof copy.folder, "%s/server", bench_folder(run));
    int size = snprintf(copy.data, sizeof copy.data, "%s/server/data", bench_folder(run));
    if (size < 0 || (size_t)size >= sizeof copy.data || mkdir(copy.folder, 0700) != 0 ||
        !lmdb_copy(source->kept.data, copy.data)) {
        bench_fail(run, "the store cannot be copied to %s", copy.data);
        return false;
    }
    return served_start(&source->server, run, &copy);
}

bool outbox_settle_set_up(struct bench_run *run, void **context)
{
    struct sync_figures figures;
    struct outbox_row *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL) {
        return false;
    }
    row->source.records = RECORDS;
    row->mutations = replica_fewer(run, (uint64_t)bench_parameter(run));
    return kept_open(&row->source.kept, run, RECORDS) && serve_copy(run, &row->source) &&
           replica_sync(run, &row->source, &figures);
}

void outbox_settle_tear_down(void *context)
{
    struct outbox_row *row = context;
    if (row != NULL) {
        replica_source_close(&row->source);
    }
    free(row);
}

/* Queues the next mutation, of any interaction. */
static bool queue(struct bench_run *run, struct served_client *client, struct outbox_row *row)
{
    size_t number = row->made++;
    return served_change(client, run, kept_interaction(&row->source.kept, number % RECORDS),
                         number);
}

static bool queue_all(struct bench_run *run, struct served_client *client, struct outbox_row *row)
{
    bool queued = true;
    for (size_t i = 0; i < row->mutations && queued; i++) {
        queued = queue(run, client, row);
    }
    return queued;
}

/* Waits until all are answered and the outbox has nothing any more. */
static bool settle(struct bench_run *run, struct served_client *client,
                   const struct outbox_row *row)
{
    return served_answers(client, run, row->mutations) && served_settled(client, run);
}

static void tell(struct bench_run *run, const struct outbox_row *row, const char *which,
                 uint64_t start, uint64_t cpu, double *figure)
{
    char name[64];
    double mutations = (double)row->mutations;
    *figure = mutations * 1e9 / (double)(bench_now_ns() - start);
    (void)snprintf(name, sizeof name, "client CPU us %s", which);
    bench_note(run, name, (double)(bench_thread_cpu_ns() - cpu) / 1e3 / mutations);
}

bool outbox_settle_subject(struct bench_run *run, void *context, double *figure)
{
    struct outbox_row *row = context;
    struct served_client client;
    uint64_t start = 0, cpu = 0;
    bool done = served_open(&client, run, row->source.replica) && queue_all(run, &client, row);
    if (done) {
        start = bench_now_ns();
        cpu = bench_thread_cpu_ns();
        done =
            served_begin(&client, run, &row->source.server, &row->source.kept.seeded->users[0]) &&
            settle(run, &client, row);
        tell(run, row, "settling", start, cpu, figure);
    }
    served_close(&client);
    return done;
}

/* Queues one after another, and lets the library do what is due in between. */
static bool send_all(struct bench_run *run, struct served_client *client, struct outbox_row *row)
{
    bool sent = true;
    for (size_t i = 0; i < row->mutations && sent; i++) {
        sent = queue(run, client, row) && served_service(client, run);
    }
    return sent;
}

bool outbox_settle_limit(struct bench_run *run, void *context, double *figure)
{
    struct outbox_row *row = context;
    struct served_client client;
    bool done = served_connect(&client, run, &row->source.server,
                               &row->source.kept.seeded->users[0], row->source.replica);
    if (done) {
        uint64_t start = bench_now_ns(), cpu = bench_thread_cpu_ns();
        done = send_all(run, &client, row) && settle(run, &client, row);
        tell(run, row, "online", start, cpu, figure);
    }
    served_close(&client);
    return done;
}

/* Durable mutations a second, against the same changes made by bare LMDB.
 *
 * Both begin each round with a fresh copy of the same store. The subject is the committer with
 * sixty-four writers in this process, so that nothing of sockets and TLS is in it (the rows of the
 * network measure those). The limit makes the very puts and deletions that the subject made, noted
 * in a pass of its own, in the same transactions. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/limit_lmdb.h"
#include "tests/bench/rows_store.h"
#include "tests/bench/store_kept.h"
#include "tests/bench/store_writers.h"

#define BASE_RECORDS 10000u
#define MUTATIONS (WRITERS * 100u)

struct mutations {
    struct kept kept;
    struct lmdb_trace *trace;
    char copy[BENCH_FOLDER_MAX];
};

/* Runs the writers on a fresh copy of the base; `traced`: notes what they change. */
static bool write_once(struct bench_run *run, struct mutations *mutations, bool traced,
                       struct writers_figures *figures)
{
    struct store *store = NULL;
    struct writers *writers = NULL;
    bool done = lmdb_copy(mutations->kept.data, mutations->copy) &&
                (!traced || (mutations->trace = lmdb_trace_open()) != NULL);
    done = done &&
           store_open(&(struct store_options){.path = mutations->copy}, &store, NULL) == STATUS_OK;
    if (done) {
        writers = writers_new(store, &mutations->kept.options, mutations->kept.seeded, 0);
        done = writers != NULL && writers_prepare(writers, MUTATIONS, true);
    }
    if (done && traced) {
        lmdb_trace_changes(mutations->trace, true);
    }
    done = done && writers_run(writers, NULL, figures);
    if (traced && mutations->trace != NULL) {
        lmdb_trace_close(mutations->trace);
    }
    writers_free(writers);
    store_close(store);
    if (!done) {
        bench_fail(run, "the writers did not come to their end");
    }
    return done;
}

bool mutations_set_up(struct bench_run *run, void **context)
{
    struct mutations *mutations = calloc(1, sizeof *mutations);
    struct writers_figures figures;
    *context = mutations;
    if (mutations == NULL || !kept_open(&mutations->kept, run, BASE_RECORDS)) {
        return false;
    }
    bench_pin(BENCH_SERVER_CPU);
    (void)snprintf(mutations->copy, sizeof mutations->copy, "%s/store", bench_folder(run));
    if (!write_once(run, mutations, true, &figures)) {
        return false;
    }
    if (!lmdb_trace_whole(mutations->trace)) {
        bench_fail(run, "not all changes could be noted");
        return false;
    }
    bench_note(run, "changes a mutation",
               (double)lmdb_trace_count(mutations->trace) / (double)MUTATIONS);
    bench_note(run, "bytes a mutation",
               (double)lmdb_trace_bytes(mutations->trace) / (double)MUTATIONS);
    bench_note(run, "mutations a transaction",
               (double)MUTATIONS / (double)lmdb_trace_transactions(mutations->trace));
    return true;
}

bool mutations_subject(struct bench_run *run, void *context, double *figure)
{
    struct writers_figures figures;
    if (!write_once(run, context, false, &figures)) {
        return false;
    }
    *figure = (double)MUTATIONS * 1e9 / (double)figures.wall_ns;
    bench_note(run, "CPU us a mutation", (double)figures.cpu_ns / 1e3 / (double)MUTATIONS);
    return true;
}

bool mutations_limit(struct bench_run *run, void *context, double *figure)
{
    struct mutations *mutations = context;
    struct lmdb_raw raw = {.env = NULL};
    if (!lmdb_copy(mutations->kept.data, mutations->copy)) {
        return false;
    }
    int code = lmdb_raw_open(&raw, mutations->copy, 0);
    if (code == 0) {
        code = lmdb_raw_tables(&raw, mutations->trace);
    }
    uint64_t start = bench_now_ns(), cpu = bench_thread_cpu_ns();
    if (code == 0) {
        code = lmdb_raw_replay(&raw, mutations->trace);
    }
    *figure = (double)MUTATIONS * 1e9 / (double)(bench_now_ns() - start);
    bench_note(run, "LMDB's CPU us a mutation",
               (double)(bench_thread_cpu_ns() - cpu) / 1e3 / (double)MUTATIONS);
    lmdb_raw_close(&raw);
    if (code != 0) {
        bench_fail(run, "bare LMDB: %s", mdb_strerror(code));
    }
    return code == 0;
}

void mutations_tear_down(void *context)
{
    struct mutations *mutations = context;
    if (mutations != NULL) {
        lmdb_trace_free(mutations->trace);
        kept_release(&mutations->kept);
    }
    free(mutations);
}

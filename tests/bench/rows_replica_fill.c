#include "tests/bench/rows_replica_fill.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/limit_lmdb.h"
#include "tests/support/scratch.h"

#define FEWEST 1000u
#define SMALL_RECORDS 10000u

uint64_t replica_fewer(struct bench_run *run, uint64_t records)
{
    const char *text = getenv("TANDEM_BENCH_FEWER");
    uint64_t part = text != NULL ? strtoull(text, NULL, 10) : 1;
    if (part <= 1) {
        return records;
    }
    uint64_t fewer = records / part < FEWEST ? FEWEST : records / part;
    bench_progress(run, "%llu instead of %llu: the figures stand for nothing",
                   (unsigned long long)fewer, (unsigned long long)records);
    return fewer;
}

bool replica_source_open(struct replica_source *source, struct bench_run *run, uint64_t records)
{
    source->records = records;
    return kept_open(&source->kept, run, records) &&
           served_start(&source->server, run, &source->kept);
}

void replica_source_close(struct replica_source *source)
{
    served_stop(&source->server);
    kept_release(&source->kept);
}

/* Has a client of the replica catch up. */
static bool catch_up(struct bench_run *run, struct replica_source *source,
                     struct sync_figures *figures)
{
    struct served_client client;
    uint64_t wall = bench_now_ns(), cpu = bench_thread_cpu_ns();
    uint64_t server_cpu = bench_cpu_ns(source->server.pid);
    bool done = served_connect(&client, run, &source->server, &source->kept.seeded->users[0],
                               source->replica);
    *figures = (struct sync_figures){.wall_ns = bench_now_ns() - wall,
                                     .cpu_ns = bench_thread_cpu_ns() - cpu,
                                     .server_cpu_ns = bench_cpu_ns(source->server.pid) - server_cpu,
                                     .wire_bytes = done ? served_bytes(&client) : 0,
                                     .records = client.records};
    served_close(&client);
    return done;
}

static bool are_all(struct bench_run *run, const struct replica_source *source, uint64_t records)
{
    if (records < source->records) {
        bench_fail(run, "%s has only %llu records", source->replica, (unsigned long long)records);
    }
    return records >= source->records;
}

bool replica_sync(struct bench_run *run, struct replica_source *source,
                  struct sync_figures *figures)
{
    scratch_remove(source->replica);
    (void)snprintf(source->replica, sizeof source->replica, "%s/replica-%zu", bench_folder(run),
                   source->syncs++);
    return catch_up(run, source, figures) && are_all(run, source, figures->records);
}

bool replica_keep(struct bench_run *run, struct replica_source *source)
{
    char name[24];
    struct sync_figures figures;
    struct lmdb_raw raw;
    uint64_t count = 0, bytes = 0;
    (void)snprintf(source->replica, sizeof source->replica, "%s/replica-%s", bench_kept_folder(run),
                   kept_size_name(source->records, name));
    bench_progress(run, "filling %s, unless it is", source->replica);
    if (!catch_up(run, source, &figures)) {
        return false;
    }
    int code = lmdb_raw_open(&raw, source->replica, MDB_NORDAHEAD);
    if (code == 0) {
        code = lmdb_raw_read(&raw, "records", &count, &bytes);
    }
    lmdb_raw_close(&raw);
    if (code != 0) {
        bench_fail(run, "%s: %s", source->replica, mdb_strerror(code));
    }
    return code == 0 && are_all(run, source, count);
}

static bool keep(struct bench_run *run, struct replica_source *source, uint64_t records)
{
    return replica_source_open(source, run, replica_fewer(run, records)) &&
           replica_keep(run, source);
}

bool replica_pair_open(struct bench_run *run, void **context)
{
    struct replica_pair *pair = calloc(1, sizeof *pair);
    *context = pair;
    return pair != NULL && keep(run, &pair->large, (uint64_t)bench_parameter(run)) &&
           keep(run, &pair->small, SMALL_RECORDS);
}

void replica_pair_close(void *context)
{
    struct replica_pair *pair = context;
    if (pair != NULL) {
        replica_source_close(&pair->large);
        replica_source_close(&pair->small);
    }
    free(pair);
}

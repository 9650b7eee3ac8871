/* The first sync: how fast a replica is filled, and what goes over the wire for it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/limit_lmdb.h"
#include "tests/bench/rows_replica_fill.h"
#include "tests/support/scratch.h"

#define RECORDS 100000u /* of the row about bytes */

struct first_sync {
    struct replica_source source;
    struct lmdb_trace *trace; /* of one sync */
    char copy[BENCH_FOLDER_MAX];
    double record_bytes; /* of each, in the replica filled last */
};

static struct first_sync *open_row(struct bench_run *run, void **context, uint64_t records)
{
    struct first_sync *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL || !replica_source_open(&row->source, run, replica_fewer(run, records))) {
        return NULL;
    }
    (void)snprintf(row->copy, sizeof row->copy, "%s/bare", bench_folder(run));
    return row;
}

static void close_row(struct first_sync *row)
{
    if (row != NULL) {
        replica_source_close(&row->source);
        lmdb_trace_free(row->trace);
    }
    free(row);
}

bool first_sync_set_up(struct bench_run *run, void **context)
{
    struct sync_figures figures;
    struct first_sync *row = open_row(run, context, (uint64_t)bench_parameter(run));
    if (row == NULL || (row->trace = lmdb_trace_open()) == NULL) {
        return false;
    }
    lmdb_trace_follow(row->trace, "records");
    lmdb_trace_changes(row->trace, true);
    bool done = replica_sync(run, &row->source, &figures);
    lmdb_trace_close(row->trace);
    if (done && !lmdb_trace_whole(row->trace)) {
        bench_fail(run, "not all changes could be noted");
        return false;
    }
    bench_note(run, "transactions", (double)lmdb_trace_transactions(row->trace));
    return done;
}

bool first_sync_subject(struct bench_run *run, void *context, double *figure)
{
    struct first_sync *row = context;
    struct sync_figures figures;
    if (!replica_sync(run, &row->source, &figures)) {
        return false;
    }
    double records = (double)figures.records;
    *figure = records * 1e9 / (double)figures.wall_ns;
    bench_note(run, "wire bytes a record", (double)figures.wire_bytes / records);
    bench_note(run, "client CPU us a record", (double)figures.cpu_ns / 1e3 / records);
    bench_note(run, "server CPU us a record", (double)figures.server_cpu_ns / 1e3 / records);
    return true;
}

/* Reads the records where the server has them, and writes what the replica wrote. */
static int copy_barely(const struct first_sync *row, uint64_t *count)
{
    struct lmdb_raw server, replica = {.env = NULL};
    uint64_t bytes = 0;
    int code = lmdb_raw_open(&server, row->source.kept.data, 0);
    if (code == 0) {
        code = lmdb_raw_read(&server, "record", count, &bytes);
    }
    lmdb_raw_close(&server);
    if (code == 0) {
        code = lmdb_raw_open(&replica, row->copy, MDB_NORDAHEAD);
    }
    if (code == 0) {
        code = lmdb_raw_tables(&replica, row->trace);
    }
    if (code == 0) {
        code = lmdb_raw_replay(&replica, row->trace);
    }
    lmdb_raw_close(&replica);
    return code;
}

bool first_sync_limit(struct bench_run *run, void *context, double *figure)
{
    const struct first_sync *row = context;
    uint64_t count = 0;
    if (access(row->copy, F_OK) == 0) {
        scratch_remove(row->copy);
    }
    uint64_t start = bench_now_ns();
    int code = copy_barely(row, &count);
    *figure = (double)count * 1e9 / (double)(bench_now_ns() - start);
    if (code != 0) {
        bench_fail(run, "bare LMDB: %s", mdb_strerror(code));
    }
    return code == 0;
}

void first_sync_tear_down(void *context)
{
    close_row(context);
}

bool first_sync_bytes_set_up(struct bench_run *run, void **context)
{
    return open_row(run, context, RECORDS) != NULL;
}

bool first_sync_bytes_subject(struct bench_run *run, void *context, double *figure)
{
    struct sync_figures figures;
    struct first_sync *row = context;
    struct lmdb_raw raw;
    uint64_t count = 0, bytes = 0;
    if (!replica_sync(run, &row->source, &figures)) {
        return false;
    }
    int code = lmdb_raw_open(&raw, row->source.replica, MDB_NORDAHEAD);
    if (code == 0) {
        code = lmdb_raw_read(&raw, "records", &count, &bytes);
    }
    lmdb_raw_close(&raw);
    if (code != 0 || count == 0 || figures.wire_bytes == 0) {
        bench_fail(run, "the replica's bytes: %s", code == 0 ? "none" : mdb_strerror(code));
        return false;
    }
    row->record_bytes = (double)bytes / (double)count;
    *figure = (double)figures.wire_bytes / (double)figures.records;
    return true;
}

bool first_sync_bytes_limit(struct bench_run *run, void *context, double *figure)
{
    (void)run;
    *figure = ((const struct first_sync *)context)->record_bytes;
    return true;
}

void first_sync_bytes_tear_down(void *context)
{
    close_row(context);
}

/* The replica: reading it, and filling it for the first time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/limit_lmdb.h"
#include "tests/bench/rows_store.h"
#include "tests/bench/store_served.h"

#define RECORDS 100000u
#define GETS 200000u

struct replica_rows {
    struct kept kept;
    struct server_process server;
    struct lmdb_trace *trace; /* of one sync */
    char replica[BENCH_FOLDER_MAX], copy[BENCH_FOLDER_MAX];
    size_t syncs;
    double record_bytes; /* of each, in the replica filled last */
    uint32_t *order;     /* which records are got */
};

static struct replica_rows *replica_open_rows(struct bench_run *run, void **context)
{
    struct replica_rows *rows = calloc(1, sizeof *rows);
    *context = rows;
    if (rows == NULL || !kept_open(&rows->kept, run, RECORDS) ||
        !served_start(&rows->server, run, &rows->kept)) {
        return NULL;
    }
    (void)snprintf(rows->copy, sizeof rows->copy, "%s/bare", bench_folder(run));
    return rows;
}

static void replica_close_rows(void *context)
{
    struct replica_rows *rows = context;
    if (rows != NULL) {
        served_stop(&rows->server);
        lmdb_trace_free(rows->trace);
        kept_release(&rows->kept);
        free(rows->order);
    }
    free(rows);
}

static void remove_environment(const char *folder)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "lock"};
    char path[BENCH_FOLDER_MAX + 16];
    for (size_t i = 0; folder[0] != '\0' && i < sizeof files / sizeof *files; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)remove(path);
    }
    if (folder[0] != '\0') {
        (void)remove(folder);
    }
}

struct sync_figures {
    uint64_t wall_ns, cpu_ns, server_cpu_ns, wire_bytes, records;
};

/* Fills a new replica, which takes the place of the one before. */
static bool sync_once(struct bench_run *run, struct replica_rows *rows,
                      struct sync_figures *figures)
{
    struct served_client client;
    remove_environment(rows->replica);
    (void)snprintf(rows->replica, sizeof rows->replica, "%s/replica-%zu", bench_folder(run),
                   rows->syncs++);
    uint64_t wall = bench_now_ns(), cpu = bench_thread_cpu_ns();
    uint64_t server_cpu = bench_cpu_ns(rows->server.pid);
    bool done =
        served_connect(&client, run, &rows->server, &rows->kept.seeded->users[0], rows->replica);
    *figures = (struct sync_figures){.wall_ns = bench_now_ns() - wall,
                                     .cpu_ns = bench_thread_cpu_ns() - cpu,
                                     .server_cpu_ns = bench_cpu_ns(rows->server.pid) - server_cpu,
                                     .wire_bytes = done ? served_bytes(&client) : 0,
                                     .records = client.records};
    served_close(&client);
    if (done && figures->records < RECORDS) {
        bench_fail(run, "only %llu records came", (unsigned long long)figures->records);
    }
    return done && figures->records >= RECORDS;
}

/* ---- The first sync ------------------------------------------------------------------------- */

bool first_sync_set_up(struct bench_run *run, void **context)
{
    struct sync_figures figures;
    struct replica_rows *rows = replica_open_rows(run, context);
    if (rows == NULL || (rows->trace = lmdb_trace_open()) == NULL) {
        return false;
    }
    lmdb_trace_changes(rows->trace, true);
    bool done = sync_once(run, rows, &figures);
    lmdb_trace_close(rows->trace);
    if (done && !lmdb_trace_whole(rows->trace)) {
        bench_fail(run, "not all changes could be noted");
        return false;
    }
    bench_note(run, "transactions", (double)lmdb_trace_transactions(rows->trace));
    return done;
}

bool first_sync_subject(struct bench_run *run, void *context, double *figure)
{
    struct sync_figures figures;
    if (!sync_once(run, context, &figures)) {
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
static int copy_barely(const struct replica_rows *rows, uint64_t *count)
{
    struct lmdb_raw server, replica = {.env = NULL};
    uint64_t bytes = 0;
    int code = lmdb_raw_open(&server, rows->kept.data, 0);
    if (code == 0) {
        code = lmdb_raw_read(&server, "record", count, &bytes);
    }
    lmdb_raw_close(&server);
    if (code == 0) {
        code = lmdb_raw_open(&replica, rows->copy, MDB_NORDAHEAD);
    }
    if (code == 0) {
        code = lmdb_raw_tables(&replica, rows->trace);
    }
    if (code == 0) {
        code = lmdb_raw_replay(&replica, rows->trace);
    }
    lmdb_raw_close(&replica);
    return code;
}

bool first_sync_limit(struct bench_run *run, void *context, double *figure)
{
    const struct replica_rows *rows = context;
    uint64_t count = 0;
    remove_environment(rows->copy);
    uint64_t start = bench_now_ns();
    int code = copy_barely(rows, &count);
    *figure = (double)count * 1e9 / (double)(bench_now_ns() - start);
    if (code != 0) {
        bench_fail(run, "bare LMDB: %s", mdb_strerror(code));
    }
    return code == 0;
}

void first_sync_tear_down(void *context)
{
    replica_close_rows(context);
}

bool first_sync_bytes_set_up(struct bench_run *run, void **context)
{
    return replica_open_rows(run, context) != NULL;
}

bool first_sync_bytes_subject(struct bench_run *run, void *context, double *figure)
{
    struct sync_figures figures;
    struct replica_rows *rows = context;
    struct lmdb_raw raw;
    uint64_t count = 0, bytes = 0;
    if (!sync_once(run, rows, &figures)) {
        return false;
    }
    int code = lmdb_raw_open(&raw, rows->replica, MDB_NORDAHEAD);
    if (code == 0) {
        code = lmdb_raw_read(&raw, "records", &count, &bytes);
    }
    lmdb_raw_close(&raw);
    if (code != 0 || count == 0 || figures.wire_bytes == 0) {
        bench_fail(run, "the replica's bytes: %s", code == 0 ? "none" : mdb_strerror(code));
        return false;
    }
    rows->record_bytes = (double)bytes / (double)count;
    *figure = (double)figures.wire_bytes / (double)figures.records;
    return true;
}

bool first_sync_bytes_limit(struct bench_run *run, void *context, double *figure)
{
    (void)run;
    *figure = ((const struct replica_rows *)context)->record_bytes;
    return true;
}

void first_sync_bytes_tear_down(void *context)
{
    replica_close_rows(context);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* SplitMix64, so that records are got in no order of theirs. */
static uint32_t scattered(uint64_t n)
{
    uint64_t z = n * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % RECORDS);
}

bool replica_get_set_up(struct bench_run *run, void **context)
{
    struct sync_figures figures;
    struct replica_rows *rows = replica_open_rows(run, context);
    if (rows == NULL || !sync_once(run, rows, &figures)) {
        return false;
    }
    served_stop(&rows->server);
    rows->order = malloc(GETS * sizeof *rows->order);
    for (uint32_t i = 0; rows->order != NULL && i < GETS; i++) {
        rows->order[i] = scattered(i + 1);
    }
    return rows->order != NULL;
}

static bool count_record(void *context, const tandem_record *record)
{
    *(uint64_t *)context += tandem_record_seq(record) != 0;
    return true;
}

/* Ids as the library wants them. */
static char (*id_texts(const struct replica_rows *rows))[ID_TEXT_SIZE]
{
    char(*texts)[ID_TEXT_SIZE] = malloc(GETS * sizeof *texts);
    for (size_t i = 0; texts != NULL && i < GETS; i++) {
        id_to_text(seed_record_id(&rows->kept.options, rows->order[i]), texts[i]);
    }
    return texts;
}

bool replica_get_subject(struct bench_run *run, void *context, double *figure)
{
    const struct replica_rows *rows = context;
    tandem_client *client = NULL;
    tandem_fault fault;
    uint64_t found = 0, start = 0;
    char(*ids)[ID_TEXT_SIZE] = id_texts(rows);
    const tandem_options options = {.replica = rows->replica};
    bool done = ids != NULL && tandem_open(&options, &client, &fault) == TANDEM_OK;
    /* The first time warms. */
    for (int turn = 0; turn < 2 && done; turn++) {
        start = bench_thread_cpu_ns();
        for (size_t i = 0; i < GETS && done; i++) {
            done = tandem_get(client, ids[i], count_record, &found) == TANDEM_OK;
        }
    }
    *figure = GETS * 1e9 / (double)(bench_thread_cpu_ns() - start);
    tandem_close(client);
    free(ids);
    if (!done || found != 2 * (uint64_t)GETS) {
        bench_fail(run, "the replica was not read");
    }
    return done;
}

/* One get as it has to be when nothing is known of the next: in a snapshot of its own. */
static int get_barely(MDB_txn *txn, MDB_dbi table, struct id *id, uint64_t *bytes)
{
    MDB_val key = {ID_SIZE, id->octet}, value;
    int code = mdb_txn_renew(txn);
    if (code != 0) {
        return code;
    }
    code = mdb_get(txn, table, &key, &value);
    if (code == 0) {
        *bytes += value.mv_size + ((const uint8_t *)value.mv_data)[0];
    }
    mdb_txn_reset(txn);
    return code;
}

static int get_all_barely(MDB_env *env, struct id *ids, uint64_t *ns)
{
    MDB_txn *txn;
    MDB_dbi table;
    uint64_t bytes = 0;
    int code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (code != 0) {
        return code;
    }
    code = mdb_dbi_open(txn, "records", 0, &table);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    code = mdb_txn_commit(txn); /* which keeps the table open */
    if (code == 0) {
        code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    }
    if (code != 0) {
        return code;
    }
    mdb_txn_reset(txn);
    for (int turn = 0; turn < 2 && code == 0; turn++) {
        uint64_t start = bench_thread_cpu_ns();
        for (size_t i = 0; i < GETS && code == 0; i++) {
            code = get_barely(txn, table, &ids[i], &bytes);
        }
        *ns = bench_thread_cpu_ns() - start;
    }
    mdb_txn_abort(txn);
    return code == 0 && bytes == 0 ? MDB_NOTFOUND : code;
}

bool replica_get_limit(struct bench_run *run, void *context, double *figure)
{
    const struct replica_rows *rows = context;
    struct lmdb_raw raw = {.env = NULL};
    uint64_t ns = 1;
    struct id *ids = malloc(GETS * sizeof *ids);
    int code = ids == NULL ? ENOMEM : lmdb_raw_open(&raw, rows->replica, MDB_NORDAHEAD);
    for (size_t i = 0; ids != NULL && i < GETS; i++) {
        ids[i] = seed_record_id(&rows->kept.options, rows->order[i]);
    }
    if (code == 0) {
        code = get_all_barely(raw.env, ids, &ns);
    }
    *figure = GETS * 1e9 / (double)ns;
    lmdb_raw_close(&raw);
    free(ids);
    if (code != 0) {
        bench_fail(run, "bare LMDB: %s", mdb_strerror(code));
    }
    return code == 0;
}

void replica_get_tear_down(void *context)
{
    replica_close_rows(context);
}

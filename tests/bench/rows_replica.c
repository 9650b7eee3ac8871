/* Reading a replica: records by their ids, and all of an entity, against LMDB alone in the same
 * file. What a get has to do is to take a snapshot, as nothing is known of the next one, and to
 * find the record. What a list has to do is to walk the ids that the replica keeps of an entity, in
 * one snapshot, to find the record of each and to read it: most of the time goes by until records
 * have come from memory, which lie beside each other, so that a walk which only points at them
 * would be spared it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/rows_replica_bare.h"
#include "tests/bench/rows_replica_fill.h"

#define RECORDS 100000u
#define GETS 200000u
#define LISTS 10u
#define LISTED "interaction" /* of which there are most */

struct reading {
    struct replica_source source;
    struct id *ids; /* of the records that are got */
    char (*texts)[ID_TEXT_SIZE];
    uint64_t listed; /* how many the client has of the entity */
};

/* A replica of its own, which nobody changes any more. */
static bool open_row(struct bench_run *run, void **context)
{
    struct sync_figures figures;
    struct reading *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL || !replica_source_open(&row->source, run, replica_fewer(run, RECORDS)) ||
        !replica_sync(run, &row->source, &figures)) {
        return false;
    }
    served_stop(&row->source.server);
    return true;
}

static void close_row(struct reading *row)
{
    if (row != NULL) {
        replica_source_close(&row->source);
        free(row->ids);
        free(row->texts);
    }
    free(row);
}

/* ---- As the library does it ----------------------------------------------------------------- */

static bool count_record(void *context, const tandem_record *record)
{
    *(uint64_t *)context += tandem_record_seq(record) != 0;
    return true;
}

/* Each returns how many records it was handed, 0 after a failure. */
typedef uint64_t client_turn(tandem_client *client, const struct reading *row);

static uint64_t get_all(tandem_client *client, const struct reading *row)
{
    uint64_t found = 0;
    for (size_t i = 0; i < GETS; i++) {
        if (tandem_get(client, row->texts[i], count_record, &found) != TANDEM_OK) {
            return 0;
        }
    }
    return found;
}

static uint64_t list_all(tandem_client *client, const struct reading *row)
{
    uint64_t found = 0;
    (void)row;
    for (size_t i = 0; i < LISTS; i++) {
        if (tandem_each(client, LISTED, count_record, &found) != TANDEM_OK) {
            return 0;
        }
    }
    return found;
}

/* Takes the turn twice, of which the first time warms. Tells records a second, and how many. */
static bool time_client(struct bench_run *run, const struct reading *row, client_turn *turn,
                        double *figure, uint64_t *found)
{
    tandem_client *client = NULL;
    tandem_fault fault;
    const tandem_options options = {.replica = row->source.replica};
    if (tandem_open(&options, &client, &fault) != TANDEM_OK) {
        bench_fail(run, "the replica: %s", fault.detail);
        return false;
    }
    uint64_t before = turn(client, row), start = bench_thread_cpu_ns();
    *found = turn(client, row);
    *figure = (double)*found * 1e9 / (double)(bench_thread_cpu_ns() - start);
    tandem_close(client);
    if (*found == 0 || *found != before) {
        bench_fail(run, "the replica was not read");
    }
    return *found != 0 && *found == before;
}

/* ---- As LMDB does it ------------------------------------------------------------------------ */

static int bare_gets(struct bare *bare, const void *context)
{
    const struct reading *row = context;
    MDB_val value;
    int code = 0;
    for (size_t i = 0; i < GETS && code == 0; i++) {
        code = mdb_txn_renew(bare->txn);
        if (code == 0) {
            code = bare_find(bare, (MDB_val){ID_SIZE, row->ids[i].octet}, &value);
            mdb_txn_reset(bare->txn);
        }
    }
    return code;
}

static int walk_entity(struct bare *bare)
{
    static const char prefix[] = LISTED; /* its NUL ends the name in the key as well */
    MDB_val key = {sizeof prefix, (void *)(uintptr_t)prefix}, id, value;
    MDB_cursor *cursor;
    int code = mdb_cursor_open(bare->txn, bare->entities, &cursor);
    if (code != 0) {
        return code;
    }
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (code == 0 && key.mv_size == sizeof prefix + ID_SIZE &&
           memcmp(key.mv_data, prefix, sizeof prefix) == 0) {
        id = (MDB_val){ID_SIZE, (uint8_t *)key.mv_data + sizeof prefix};
        code = bare_find(bare, id, &value);
        if (code == 0) {
            bare_read(bare, value);
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int bare_lists(struct bare *bare, const void *context)
{
    int code = 0;
    (void)context;
    for (size_t i = 0; i < LISTS && code == 0; i++) {
        code = mdb_txn_renew(bare->txn);
        if (code == 0) {
            code = walk_entity(bare);
            mdb_txn_reset(bare->txn);
        }
    }
    return code;
}

/* ---- Getting -------------------------------------------------------------------------------- */

/* SplitMix64, so that records are got in no order of theirs. */
static uint64_t scattered(uint64_t n, uint64_t records)
{
    uint64_t z = n * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z ^ (z >> 31)) % records;
}

bool replica_get_set_up(struct bench_run *run, void **context)
{
    if (!open_row(run, context)) {
        return false;
    }
    struct reading *row = *context;
    row->ids = malloc(GETS * sizeof *row->ids);
    row->texts = malloc(GETS * sizeof *row->texts);
    if (row->ids == NULL || row->texts == NULL) {
        return false;
    }
    for (size_t i = 0; i < GETS; i++) {
        row->ids[i] =
            seed_record_id(&row->source.kept.options, scattered(i + 1, row->source.records));
        id_to_text(row->ids[i], row->texts[i]);
    }
    return true;
}

bool replica_get_subject(struct bench_run *run, void *context, double *figure)
{
    uint64_t found;
    return time_client(run, context, get_all, figure, &found);
}

bool replica_get_limit(struct bench_run *run, void *context, double *figure)
{
    const struct reading *row = context;
    return bare_time(run, row->source.replica, bare_gets, row, GETS, figure);
}

void replica_get_tear_down(void *context)
{
    close_row(context);
}

/* ---- Listing -------------------------------------------------------------------------------- */

bool replica_list_set_up(struct bench_run *run, void **context)
{
    return open_row(run, context);
}

bool replica_list_subject(struct bench_run *run, void *context, double *figure)
{
    struct reading *row = context;
    return time_client(run, row, list_all, figure, &row->listed);
}

bool replica_list_limit(struct bench_run *run, void *context, double *figure)
{
    const struct reading *row = context;
    return bare_time(run, row->source.replica, bare_lists, row, row->listed, figure);
}

void replica_list_tear_down(void *context)
{
    close_row(context);
}

/* Reading a replica: records by their ids, and all of an entity, against LMDB alone in the same
 * file. What a get has to do is to take a snapshot, as nothing is known of the next one, and to
 * find the record. What a list has to do is to walk the ids that the replica keeps of an entity, in
 * one snapshot, to find the record of each and to read it: most of the time goes by until records
 * have come from memory, which lie beside each other, so that a walk which only points at them
 * would be spared it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/limit_lmdb.h"
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

struct bare {
    struct lmdb_raw raw;
    MDB_txn *txn; /* a reader, reset */
    MDB_dbi records, entities;
    uint64_t found;
    uint64_t seen; /* made of what was read, so that it has to be read */
};

/* Each returns LMDB's code, and counts what it read. */
typedef int bare_turn(struct bare *bare, const struct reading *row);

static int open_tables(struct bare *bare)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(bare->raw.env, NULL, MDB_RDONLY, &txn);
    if (code != 0) {
        return code;
    }
    code = mdb_dbi_open(txn, "records", 0, &bare->records);
    if (code == 0) {
        code = mdb_dbi_open(txn, "entities", 0, &bare->entities);
    }
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn); /* which keeps the tables open */
}

static int bare_open(struct bare *bare, const char *folder)
{
    int code = lmdb_raw_open(&bare->raw, folder, MDB_NORDAHEAD);
    if (code == 0) {
        code = open_tables(bare);
    }
    if (code == 0) {
        code = mdb_txn_begin(bare->raw.env, NULL, MDB_RDONLY, &bare->txn);
    }
    if (code == 0) {
        mdb_txn_reset(bare->txn);
    }
    return code;
}

static void bare_close(struct bare *bare)
{
    mdb_txn_abort(bare->txn); /* NULL is fine */
    lmdb_raw_close(&bare->raw);
}

static int find_record(struct bare *bare, MDB_val key, MDB_val *value)
{
    int code = mdb_get(bare->txn, bare->records, &key, value);
    if (code == 0) {
        bare->found++;
        bare->seen += value->mv_size + ((const uint8_t *)value->mv_data)[0];
    }
    return code;
}

/* Reads a record from its beginning to its end, as fast as that goes. */
static void read_record(struct bare *bare, MDB_val value)
{
    const uint8_t *data = value.mv_data;
    uint64_t word, sum = 0;
    for (size_t at = 0; at + sizeof word <= value.mv_size; at += sizeof word) {
        memcpy(&word, data + at, sizeof word);
        sum += word;
    }
    bare->seen += sum & 1;
}

static int bare_gets(struct bare *bare, const struct reading *row)
{
    MDB_val value;
    int code = 0;
    for (size_t i = 0; i < GETS && code == 0; i++) {
        code = mdb_txn_renew(bare->txn);
        if (code == 0) {
            code = find_record(bare, (MDB_val){ID_SIZE, row->ids[i].octet}, &value);
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
        code = find_record(bare, id, &value);
        if (code == 0) {
            read_record(bare, value);
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int bare_lists(struct bare *bare, const struct reading *row)
{
    int code = 0;
    (void)row;
    for (size_t i = 0; i < LISTS && code == 0; i++) {
        code = mdb_txn_renew(bare->txn);
        if (code == 0) {
            code = walk_entity(bare);
            mdb_txn_reset(bare->txn);
        }
    }
    return code;
}

/* As time_client(); `expected` is how many records a turn reads. */
static bool time_bare(struct bench_run *run, const struct reading *row, bare_turn *turn,
                      uint64_t expected, double *figure)
{
    struct bare bare = {.txn = NULL};
    int code = bare_open(&bare, row->source.replica);
    if (code == 0) {
        code = turn(&bare, row);
    }
    uint64_t start = bench_thread_cpu_ns();
    if (code == 0) {
        code = turn(&bare, row);
    }
    *figure = (double)expected * 1e9 / (double)(bench_thread_cpu_ns() - start);
    bare_close(&bare);
    if (code != 0) {
        bench_fail(run, "bare LMDB: %s", mdb_strerror(code));
    } else if (bare.found != 2 * expected || bare.seen == 0) {
        bench_fail(run, "bare LMDB read %llu records instead of %llu",
                   (unsigned long long)bare.found, (unsigned long long)(2 * expected));
    }
    return code == 0 && bare.found == 2 * expected;
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
    return time_bare(run, context, bare_gets, GETS, figure);
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
    return time_bare(run, row, bare_lists, row->listed, figure);
}

void replica_list_tear_down(void *context)
{
    close_row(context);
}

#include "tests/bench/rows_replica_bare.h"

#include <string.h>

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
    if (code == 0) {
        code = mdb_dbi_open(txn, "fields", 0, &bare->fields);
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

int bare_find(struct bare *bare, MDB_val key, MDB_val *value)
{
    int code = mdb_get(bare->txn, bare->records, &key, value);
    if (code == 0) {
        bare->found++;
        bare->seen += value->mv_size + ((const uint8_t *)value->mv_data)[0];
    }
    return code;
}

void bare_read(struct bare *bare, MDB_val value)
{
    const uint8_t *data = value.mv_data;
    uint64_t word, sum = 0;
    for (size_t at = 0; at + sizeof word <= value.mv_size; at += sizeof word) {
        memcpy(&word, data + at, sizeof word);
        sum += word;
    }
    bare->seen += sum & 1;
}

bool bare_time(struct bench_run *run, const char *folder, bare_turn *turn, const void *row,
               uint64_t expected, double *figure)
{
    struct bare bare = {.txn = NULL};
    int code = bare_open(&bare, folder);
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

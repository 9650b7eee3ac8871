#include "tests/bench/rows_store.h"

#include "tests/bench/rows.h"

/* Bounds of growth against 10 thousand records. A tree's height grows with the logarithm of its
 * entries, so what descends into trees may cost log(n) / log(10,000) times as much: what there is
 * 1.25 for 100 thousand, 1.5 for a million, 1.62 for three. That is so for every mutation, page and
 * catch-up, each of whose records is found by descending. What a record takes on the disk
 * and what the server keeps in its own memory has no reason to grow: flat, and a quarter is left
 * for half-filled pages and for the allocator. */
#define FLAT 1.25
#define LOG_100K 1.25
#define LOG_1M 1.5
#define LOG_3M 1.62

#define GROWTH(measure, size_name, size, bound, told, told_unit)                                   \
    {                                                                                              \
        .name = "growth-" #measure "-" size_name, .what = told " in a warm store of " size_name,   \
        .against = "the same in one of 10k", .unit = told_unit, .sense = BENCH_AT_MOST,            \
        .target = bound, ROW_OF(growth_##measure), .parameter = size                               \
    }

/* A fetch is little but look-ups, whose growth LMDB itself shows: the rest of it must not grow. */
#define AS_LMDB 1.1
#define GROWTH_FETCH(size_name, size)                                                              \
    {                                                                                              \
        .name = "growth-fetch-" size_name,                                                         \
        .what = "fetching a record by its id in a warm store of " size_name,                       \
        .against = "the same in one of 10k, and what a bare look-up costs more", .unit = "CPU us", \
        .sense = BENCH_AT_MOST, .target = AS_LMDB, ROW_OF(growth_fetch), .parameter = size         \
    }

/* One size after the other, so that a store stays in memory while it is looked at. */
#define GROWTH_ALL(size_name, size, logarithmic)                                                   \
    GROWTH(mutation, size_name, size, logarithmic, "a durable mutation by itself", "CPU us"),      \
        GROWTH_FETCH(size_name, size),                                                             \
        GROWTH(list, size_name, size, logarithmic, "a page of 50 of a sorted list", "CPU us"),     \
        GROWTH(partner, size_name, size, logarithmic,                                              \
               "making the catch-up of a partner with 10 accounts", "CPU us"),                     \
        GROWTH(bytes, size_name, size, FLAT, "disk a record", "bytes"),                            \
        GROWTH(memory, size_name, size, FLAT, "the server's own memory while serving", "bytes")

static const struct bench_row rows[] = {
    {.name = "durable-mutations",
     .what = "mutations a second of 64 writers in this process, durable",
     .against = "bare LMDB making the same changes in the same transactions",
     .unit = "mutations/s",
     .sense = BENCH_AT_LEAST,
     .target = 0.5,
     ROW_OF(mutations)},
    {.name = "partner-catch-up",
     .what = "catch-up over TLS of a partner with 10 accounts among 1 million records",
     .against = "the same partner among 10 thousand, the same records to be seen",
     .unit = "us",
     .sense = BENCH_AT_MOST,
     .target = 1.1,
     ROW_OF(partner),
     .parameter = 1000000},
    {.name = "replica-get",
     .what = "tandem_get of records of a replica of 100k, at random",
     .against = "bare mdb_get of the same in the same file, each in a snapshot of its own",
     .unit = "gets/CPU s",
     .sense = BENCH_AT_LEAST,
     .target = 0.5,
     ROW_OF(replica_get)},
    {.name = "replica-list",
     .what = "tandem_each of the interactions of a replica of 100k",
     .against = "a bare cursor over their ids in the same file, getting and reading each",
     .unit = "records/CPU s",
     .sense = BENCH_AT_LEAST,
     .target = 0.5,
     ROW_OF(replica_list)},
    /* Reading the question and choosing an index for it costs as much as some five of the records,
     * and each is checked as in a list; but they lie anywhere in the file, so that most of the time
     * goes by until they have come from memory, for both. Half, as for the other reads. */
    {.name = "replica-find",
     .what = "tandem_find_each of 20 records from a text on, by an index, in a replica of 100k",
     .against = "a bare cursor in the same index in the same file, getting and reading each",
     .unit = "records/CPU s",
     .sense = BENCH_AT_LEAST,
     .target = 0.5,
     ROW_OF(replica_find)},
    /* Behind the limit stand, besides the writing that both do, the server's reading and
     * encoding, TLS on both sides, and decoding with the checks that a client owes itself; they
     * run on another core, or between the client's flushes. Half of what the disk and LMDB alone
     * could do is what is asked of the network too. */
    {.name = "first-sync",
     .what = "records a second of the first sync of a replica of 100k, from a server process",
     .against = "bare LMDB reading those records and writing the same replica",
     .unit = "records/s",
     .sense = BENCH_AT_LEAST,
     .target = 0.5,
     ROW_OF(first_sync),
     .parameter = 100000},
    {.name = "first-sync-1m",
     .what = "records a second of the first sync of a replica of 1 million, likewise",
     .against = "bare LMDB reading those records and writing the same replica",
     .unit = "records/s",
     .sense = BENCH_AT_LEAST,
     .target = 0.5,
     .rounds = 3, /* each takes a minute and more */
     ROW_OF(first_sync),
     .parameter = 1000000},
    /* What is told of a record beyond its bytes, TLS and frames included. */
    {.name = "first-sync-bytes",
     .what = "bytes on the wire of each record of a first sync",
     .against = "the bytes of the records themselves",
     .unit = "bytes",
     .sense = BENCH_AT_MOST,
     .target = 1.1,
     ROW_OF(first_sync_bytes)},
    /* What was queued is read again, which the client that is online need not; but its flushes are
     * behind it, and may be fewer: those of sending and of the answers are shared. */
    {.name = "outbox-settle",
     .what = "mutations a second of an outbox of 10,000 that is settled, signing in included",
     .against = "the same queued, sent and answered while online",
     .unit = "mutations/s",
     .sense = BENCH_AT_LEAST,
     .target = 0.8,
     ROW_OF(outbox_settle),
     .parameter = 10000},
    /* A client holds a connection, a batch and a transaction: flat, and a tenth for the allocator.
     */
    {.name = "client-memory-1m",
     .what = "heap and resident memory of its own of a client in use, with 1 million records",
     .against = "the same with 10 thousand",
     .unit = "bytes",
     .sense = BENCH_AT_MOST,
     .target = 1.1,
     .rounds = 3, /* it varies little */
     ROW_OF(client_memory),
     .parameter = 1000000},
    /* On the way to the first record are a page or two more. */
    {.name = "replica-open-1m",
     .what = "opening a replica of 1 million records, until one has been read",
     .against = "the same with 10 thousand",
     .unit = "us",
     .sense = BENCH_AT_MOST,
     .target = 1.2,
     ROW_OF(replica_open),
     .parameter = 1000000},
    /* A purge writes some thousand scattered pages twice, with their new contents and with zeroes; a
     * copy writes the whole file in order. Were it not twice as fast, a copy would be the simpler
     * way to purge. */
    {.name = "purge-account-1m",
     .what = "purging an account of 1,000 records among 1 million, until it is told as gone",
     .against = "a compacting copy of the same file, flushed",
     .unit = "ms",
     .sense = BENCH_AT_MOST,
     .target = 0.5,
     ROW_OF(purge_account),
     .parameter = 1000000},
    GROWTH_ALL("100k", 100000, LOG_100K),
    GROWTH_ALL("1m", 1000000, LOG_1M),
    GROWTH_ALL("3m", 3000000, LOG_3M),
};

const struct bench_rows bench_rows_store = {rows, sizeof rows / sizeof *rows};

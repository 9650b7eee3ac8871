#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/store/layout.h"
#include "server/store/store.h"
#include "tests/bench/limit_lmdb.h"
#include "tests/bench/store_writers.h"
#include "tests/support/scratch.h"

#define MUTATIONS (WRITERS * 3u)

struct fixture {
    char folder[SCRATCH_PATH], base[SCRATCH_PATH + 16], tandem[SCRATCH_PATH + 16],
        bare[SCRATCH_PATH + 16];
    struct seed_options options;
    struct seeded *seeded;
    struct lmdb_trace *trace;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL || !scratch_make(fixture->folder)) {
        free(fixture);
        return -1;
    }
    (void)snprintf(fixture->base, sizeof fixture->base, "%s/base", fixture->folder);
    (void)snprintf(fixture->tandem, sizeof fixture->tandem, "%s/tandem", fixture->folder);
    (void)snprintf(fixture->bare, sizeof fixture->bare, "%s/bare", fixture->folder);
    fixture->options = (struct seed_options){
        .folder = fixture->base, .seed = 3, .records = 500, .staff = 2, .shared_percent = 50};
    fixture->seeded = seed_store(&fixture->options);
    *state = fixture;
    return fixture->seeded == NULL || !lmdb_copy(fixture->base, fixture->tandem) ||
                   !lmdb_copy(fixture->base, fixture->bare)
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    lmdb_trace_free(fixture->trace);
    seed_free(fixture->seeded);
    scratch_remove(fixture->folder);
    free(fixture);
    return 0;
}

/* Lets the writers write to one copy, and notes what they change. */
static void write_traced(struct fixture *fixture)
{
    struct store *store;
    struct writers_figures figures;
    fixture->trace = lmdb_trace_open();
    assert_non_null(fixture->trace);
    assert_null(lmdb_trace_open());
    const struct store_options how = {.path = fixture->tandem, .no_sync = true};
    assert_int_equal(store_open(&how, &store, NULL), STATUS_OK);
    struct writers *writers = writers_new(store, &fixture->options, fixture->seeded, 0);
    assert_non_null(writers);
    assert_true(writers_prepare(writers, MUTATIONS, true));
    lmdb_trace_changes(fixture->trace, true);
    assert_true(writers_run(writers, NULL, &figures));
    lmdb_trace_close(fixture->trace);
    assert_true(lmdb_trace_whole(fixture->trace));
    assert_int_equal(figures.batches, 3);
    writers_free(writers);
    store_close(store);
}

static MDB_cursor *cursor_of(struct lmdb_raw *raw, const char *table, MDB_txn **txn)
{
    MDB_dbi dbi;
    MDB_cursor *cursor;
    assert_int_equal(mdb_txn_begin(raw->env, NULL, MDB_RDONLY, txn), 0);
    assert_int_equal(mdb_dbi_open(*txn, table, 0, &dbi), 0);
    assert_int_equal(mdb_cursor_open(*txn, dbi, &cursor), 0);
    return cursor;
}

static void assert_same(const MDB_val *a, const MDB_val *b)
{
    assert_int_equal(a->mv_size, b->mv_size);
    assert_memory_equal(a->mv_data, b->mv_data, a->mv_size);
}

/* Every entry of a table is the same in both. */
static size_t compare_tables(struct lmdb_raw *a, struct lmdb_raw *b, const char *table)
{
    MDB_txn *txn_a, *txn_b;
    MDB_cursor *cursor_a = cursor_of(a, table, &txn_a), *cursor_b = cursor_of(b, table, &txn_b);
    size_t count = 0;
    for (int code_a = 0; code_a == 0; count += code_a == 0) {
        MDB_val key_a, key_b, value_a, value_b;
        code_a = mdb_cursor_get(cursor_a, &key_a, &value_a, MDB_NEXT);
        assert_int_equal(mdb_cursor_get(cursor_b, &key_b, &value_b, MDB_NEXT), code_a);
        if (code_a == 0) {
            assert_same(&key_a, &key_b);
            assert_same(&value_a, &value_b);
        }
    }
    mdb_cursor_close(cursor_a);
    mdb_cursor_close(cursor_b);
    mdb_txn_abort(txn_a);
    mdb_txn_abort(txn_b);
    return count;
}

static size_t last_transaction(const struct lmdb_raw *raw)
{
    MDB_envinfo info;
    assert_int_equal(mdb_env_info(raw->env, &info), 0);
    return info.me_last_txnid;
}

static void replayed_changes_make_the_same_tables(void **state)
{
    struct fixture *fixture = *state;
    struct lmdb_raw bare, tandem;
    write_traced(fixture);
    assert_int_equal(lmdb_trace_transactions(fixture->trace), 3);
    assert_true(lmdb_trace_count(fixture->trace) > (size_t)5 * MUTATIONS);
    assert_int_equal(lmdb_raw_open(&bare, fixture->bare, MDB_NOSYNC), 0);
    assert_int_equal(lmdb_raw_tables(&bare, fixture->trace), 0);
    size_t before = last_transaction(&bare);
    assert_int_equal(lmdb_raw_replay(&bare, fixture->trace), 0);
    assert_int_equal(last_transaction(&bare) - before, 3);
    assert_int_equal(lmdb_raw_open(&tandem, fixture->tandem, MDB_NOSYNC), 0);
    size_t entries = 0;
    for (int table = 0; table < TABLE_COUNT; table++) {
        if (table == TABLE_NOTE_HEAD) {
            continue; /* of notes it has none, but a row that is written before changes are noted */
        }
        entries += compare_tables(&bare, &tandem, table_name((enum table)table));
    }
    assert_true(entries > (size_t)5 * 500);
    lmdb_raw_close(&bare);
    lmdb_raw_close(&tandem);
}

static void same_mutations_make_the_same_changes(void **state)
{
    struct fixture *fixture = *state;
    write_traced(fixture);
    size_t count = lmdb_trace_count(fixture->trace), bytes = lmdb_trace_bytes(fixture->trace);
    lmdb_trace_free(fixture->trace);
    fixture->trace = NULL;
    assert_true(lmdb_copy(fixture->base, fixture->tandem));
    write_traced(fixture);
    assert_int_equal(lmdb_trace_count(fixture->trace), count);
    assert_int_equal(lmdb_trace_bytes(fixture->trace), bytes);
}

static void reading_counts_every_record(void **state)
{
    struct fixture *fixture = *state;
    struct lmdb_raw raw;
    uint64_t count = 0, bytes = 0;
    assert_int_equal(lmdb_raw_open(&raw, fixture->base, 0), 0);
    assert_int_equal(lmdb_raw_read(&raw, "record", &count, &bytes), 0);
    assert_int_equal(count, 500 + 4 + 2);
    assert_true(bytes > count * 100);
    assert_int_equal(lmdb_raw_read(&raw, "nothing", &count, &bytes), MDB_NOTFOUND);
    lmdb_raw_close(&raw);
}

/* One entry in a table of an environment of its own, which stays open. */
static void write_one(struct lmdb_raw *raw, const char *folder, const char *table, const char *word)
{
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val entry = {strlen(word), (void *)(uintptr_t)word};
    assert_int_equal(lmdb_raw_open(raw, folder, MDB_NOSYNC), 0);
    assert_int_equal(mdb_txn_begin(raw->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &entry, &entry, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
}

/* Both environments give their first table the same number. */
static void only_the_environment_followed_is_noted(void **state)
{
    struct fixture *fixture = *state;
    char one[SCRATCH_PATH + 16], other[SCRATCH_PATH + 16], again[SCRATCH_PATH + 16];
    struct lmdb_raw raw[3];
    uint64_t count = 0, bytes = 0;
    (void)snprintf(one, sizeof one, "%s/one", fixture->folder);
    (void)snprintf(other, sizeof other, "%s/other", fixture->folder);
    (void)snprintf(again, sizeof again, "%s/again", fixture->folder);
    fixture->trace = lmdb_trace_open();
    assert_non_null(fixture->trace);
    lmdb_trace_follow(fixture->trace, "followed");
    lmdb_trace_changes(fixture->trace, true);
    write_one(&raw[0], other, "apart", "before");
    write_one(&raw[1], one, "followed", "it");
    lmdb_raw_close(&raw[0]);
    write_one(&raw[0], other, "apart", "behind");
    lmdb_trace_close(fixture->trace);
    assert_true(lmdb_trace_whole(fixture->trace));
    assert_int_equal(lmdb_trace_transactions(fixture->trace), 1);
    assert_int_equal(lmdb_trace_count(fixture->trace), 1);
    assert_int_equal(lmdb_raw_open(&raw[2], again, MDB_NOSYNC), 0);
    assert_int_equal(lmdb_raw_tables(&raw[2], fixture->trace), 0);
    assert_int_equal(lmdb_raw_replay(&raw[2], fixture->trace), 0);
    assert_int_equal(lmdb_raw_read(&raw[2], "followed", &count, &bytes), 0);
    assert_int_equal(count, 1);
    assert_int_equal(bytes, strlen("it"));
    assert_int_equal(lmdb_raw_read(&raw[2], "apart", &count, &bytes), MDB_NOTFOUND);
    for (size_t i = 0; i < 3; i++) {
        lmdb_raw_close(&raw[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(replayed_changes_make_the_same_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(same_mutations_make_the_same_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_the_environment_followed_is_noted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reading_counts_every_record, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Rows of live notes, and stores made before there were any. */
#include "fixture.h"

#include <lmdb.h>
#include <string.h>

#include "server/core/note/note_prune.h"
#include "server/store/layout.h"

#define FORMAT_AT 8
#define META_CHECKED 76

static struct bytes text(const char *from)
{
    return bytes_text(from);
}

static void put_row(struct fixture *fixture, enum note_rows rows, unsigned note, uint64_t version,
                    const char *row)
{
    const struct state write = fixture->write;
    assert_ok(write.ops->put_note_row(write.self, rows, id_number(note), version, bytes_text(row)));
}

static void expect_row(enum status status, const uint64_t *version, const struct bytes *row,
                       uint64_t wanted, const char *wanted_row)
{
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(*version, wanted);
    assert_true(bytes_is(*row, wanted_row));
}

/* Walks of either kind of row keep to their note and their table. */
static void rows_are_walked_by_version(void **state)
{
    struct fixture *fixture = *state;
    struct bytes row;
    uint64_t version;
    fixture_begin(fixture);
    put_row(fixture, NOTE_LOG, 2, 1, "one");
    put_row(fixture, NOTE_LOG, 2, 300, "three hundred");
    put_row(fixture, NOTE_LOG, 2, 2, "two");
    put_row(fixture, NOTE_LOG, 1, 7, "another's");
    put_row(fixture, NOTE_LOG, 3, 9, "another's");
    put_row(fixture, NOTE_SNAPSHOT, 2, 0, "snapshot");
    fixture_commit(fixture);
    fixture_look(fixture);
    void *self = fixture->read.self;
    const struct state_ops *ops = fixture->read.ops;
    expect_row(ops->note_next(self, NOTE_LOG, id_number(2), 0, &version, &row), &version, &row, 1,
               "one");
    expect_row(ops->note_next(self, NOTE_LOG, id_number(2), 2, &version, &row), &version, &row, 300,
               "three hundred");
    assert_status(ops->note_next(self, NOTE_LOG, id_number(2), 300, &version, &row), NOT_FOUND);
    expect_row(ops->note_before(self, NOTE_LOG, id_number(2), UINT64_MAX, &version, &row), &version,
               &row, 300, "three hundred");
    expect_row(ops->note_before(self, NOTE_LOG, id_number(2), 2, &version, &row), &version, &row, 1,
               "one");
    assert_status(ops->note_before(self, NOTE_LOG, id_number(2), 1, &version, &row), NOT_FOUND);
    expect_row(ops->note_before(self, NOTE_SNAPSHOT, id_number(2), 5, &version, &row), &version,
               &row, 0, "snapshot");
    assert_status(ops->note_next(self, NOTE_SNAPSHOT, id_number(2), 0, &version, &row), NOT_FOUND);
    assert_ok(ops->note_row(self, NOTE_LOG, id_number(2), 2, &row));
    assert_true(bytes_is(row, "two"));
    assert_status(ops->note_row(self, NOTE_LOG, id_number(2), 3, &row), NOT_FOUND);
    assert_status(ops->note_row(self, NOTE_SNAPSHOT, id_number(2), 2, &row), NOT_FOUND);
    fixture_done(fixture);
}

static void rows_are_replaced_and_deleted(void **state)
{
    struct fixture *fixture = *state;
    const struct bytes none = {NULL, 0};
    struct bytes row;
    fixture_begin(fixture);
    void *self = fixture->write.self;
    const struct state_ops *ops = fixture->write.ops;
    assert_status(ops->note_head(self, id_number(2), &row), NOT_FOUND);
    assert_ok(ops->put_note_head(self, id_number(2), text("head")));
    assert_ok(ops->put_note_head(self, id_number(2), text("newer")));
    assert_ok(ops->note_head(self, id_number(2), &row));
    assert_true(bytes_is(row, "newer"));
    assert_ok(ops->put_note_head(self, id_number(2), none));
    assert_ok(ops->put_note_head(self, id_number(2), none));
    assert_status(ops->note_head(self, id_number(2), &row), NOT_FOUND);
    put_row(fixture, NOTE_LOG, 2, 1, "one");
    put_row(fixture, NOTE_LOG, 2, 1, "first");
    assert_ok(ops->note_row(self, NOTE_LOG, id_number(2), 1, &row));
    assert_true(bytes_is(row, "first"));
    assert_ok(ops->put_note_row(self, NOTE_LOG, id_number(2), 1, none));
    assert_ok(ops->put_note_row(self, NOTE_LOG, id_number(2), 1, none));
    assert_status(ops->note_row(self, NOTE_LOG, id_number(2), 1, &row), NOT_FOUND);
    fixture_commit(fixture);
}

static void flip_last(uint8_t *value, size_t size)
{
    value[size - 1] ^= 1;
}

static struct key note_key(unsigned note, uint64_t version)
{
    struct key key = {0};
    key_add_id(&key, id_number(note));
    key_add_u64(&key, version);
    return key;
}

static void spoilt_rows_are_never_given_out(void **state)
{
    struct fixture *fixture = *state;
    const struct key row_key = note_key(2, 1);
    struct bytes row;
    uint64_t version;
    fixture_begin(fixture);
    put_row(fixture, NOTE_LOG, 2, 1, "one");
    assert_ok(fixture->write.ops->put_note_head(fixture->write.self, id_number(2), text("head")));
    fixture_commit(fixture);
    fixture_close(fixture);
    fixture_tamper(fixture, "note_log", row_key.data, row_key.size, flip_last);
    fixture_tamper(fixture, "note_head", row_key.data, ID_SIZE, flip_last);
    fixture_smuggle(fixture, "note_snapshot", row_key.data, row_key.size - 1, "12345678", 8);
    fixture_open(fixture, false);
    fixture_look(fixture);
    void *self = fixture->read.self;
    const struct state_ops *ops = fixture->read.ops;
    assert_status(ops->note_head(self, id_number(2), &row), CORRUPT);
    assert_status(ops->note_row(self, NOTE_LOG, id_number(2), 1, &row), CORRUPT);
    assert_status(ops->note_next(self, NOTE_LOG, id_number(2), 0, &version, &row), CORRUPT);
    assert_status(ops->note_before(self, NOTE_LOG, id_number(2), 2, &version, &row), CORRUPT);
    assert_status(ops->note_before(self, NOTE_SNAPSHOT, id_number(2), 9, &version, &row), CORRUPT);
    fixture_done(fixture);
}

/* Their version is told, so that they can be dropped: what is kept of a removed note goes whole. */
static void what_is_spoilt_can_be_erased(void **state)
{
    struct fixture *fixture = *state;
    const struct key row_key = note_key(2, 3);
    struct bytes row;
    uint64_t version = 0;
    bool done = false;
    fixture_begin(fixture);
    for (uint64_t at = 1; at < 5; at++)
        put_row(fixture, NOTE_LOG, 2, at, "some");
    fixture_commit(fixture);
    fixture_close(fixture);
    fixture_tamper(fixture, "note_log", row_key.data, row_key.size, flip_last);
    fixture_open(fixture, false);
    fixture_begin(fixture);
    const struct state_ops *ops = fixture->write.ops;
    assert_status(ops->note_next(fixture->write.self, NOTE_LOG, id_number(2), 2, &version, &row),
                  CORRUPT);
    assert_int_equal(version, 3);
    assert_ok(note_erase(&fixture->write, id_number(2), &done));
    assert_true(done);
    assert_status(ops->note_next(fixture->write.self, NOTE_LOG, id_number(2), 0, &version, &row),
                  NOT_FOUND);
    fixture_commit(fixture);
}

/* As the store was before it had notes. */
static void lower_format(uint8_t *value, size_t size)
{
    assert_int_equal(size, META_CHECKED + LAYOUT_CHECKSUM_SIZE);
    put_u32(value + FORMAT_AT, 1);
    put_u64(value + META_CHECKED,
            sealed_checksum(bytes_text("store"), bytes_of(value, META_CHECKED)));
}

static void drop_tables(const struct fixture *fixture)
{
    static const char *const tables[] = {"note_head", "note_log", "note_snapshot"};
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, TABLE_COUNT), 0);
    assert_int_equal(mdb_env_open(env, fixture->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        assert_int_equal(mdb_dbi_open(txn, tables[i], 0, &dbi), 0);
        assert_int_equal(mdb_drop(txn, dbi, 1), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* A store of format 1 with a record in it; closed. */
static void make_old(struct fixture *fixture)
{
    const struct meta meta = {.epoch = id_number(999), .seq = 5, .log_position = 8};
    struct made *made = made_new(1, "note", account_scope(1), 5);
    made_place(made, account_scope(1), tag_internal, 5);
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    assert_ok(fixture->write.ops->put_meta(fixture->write.self, &meta));
    fixture_commit(fixture);
    fixture_close(fixture);
    made_free(made);
    drop_tables(fixture);
    fixture_tamper(fixture, "meta", "store", 5, lower_format);
}

static void expect_old_contents(struct fixture *fixture)
{
    struct meta meta;
    struct bytes stored;
    fixture_look(fixture);
    assert_ok(fixture->read.ops->meta(fixture->read.self, &meta));
    assert_int_equal(meta.seq, 5);
    assert_int_equal(meta.log_position, 8);
    assert_ok(fixture->read.ops->record(fixture->read.self, id_number(1), &stored));
    fixture_done(fixture);
    assert_ok(store_check(fixture->store, NULL, NULL, NULL));
}

static void an_older_store_is_raised_and_keeps_everything(void **state)
{
    struct fixture *fixture = *state;
    struct bytes row;
    make_old(fixture);
    for (unsigned i = 0; i < 2; i++) { /* and is a store like any other from then on */
        fixture_open(fixture, false);
        expect_old_contents(fixture);
        fixture_begin(fixture);
        put_row(fixture, NOTE_LOG, 1, 1 + i, "row");
        fixture_abort(fixture);
        fixture_look(fixture);
        assert_status(fixture->read.ops->note_head(fixture->read.self, id_number(1), &row),
                      NOT_FOUND);
        fixture_done(fixture);
        fixture_close(fixture);
    }
}

static void open_as_it_is(struct fixture *fixture)
{
    struct store_options options = fixture_options(fixture);
    options.as_it_is = true;
    assert_ok(store_open(&options, &fixture->store, NULL));
    assert_ok(store_reader_new(fixture->store, &fixture->reader));
}

/* To look at it, check it and copy it; it is of format 1 afterwards, too. */
static void an_older_store_can_be_left_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct bytes row;
    uint64_t version;
    make_old(fixture);
    for (unsigned i = 0; i < 2; i++) {
        open_as_it_is(fixture);
        expect_old_contents(fixture);
        assert_status(store_write_begin(fixture->store, &fixture->write), FORMAT_VERSION);
        fixture_look(fixture);
        void *self = fixture->read.self;
        const struct state_ops *ops = fixture->read.ops;
        assert_status(ops->note_head(self, id_number(1), &row), NOT_FOUND);
        assert_status(ops->note_row(self, NOTE_LOG, id_number(1), 1, &row), NOT_FOUND);
        assert_status(ops->note_next(self, NOTE_LOG, id_number(1), 0, &version, &row), NOT_FOUND);
        assert_status(ops->note_before(self, NOTE_SNAPSHOT, id_number(1), 9, &version, &row),
                      NOT_FOUND);
        fixture_done(fixture);
        fixture_close(fixture);
    }
}

static void copies_of_an_older_store(struct fixture *fixture, bool restored)
{
    struct fixture *copy = fixture_new();
    make_old(fixture);
    open_as_it_is(fixture);
    assert_ok(restored ? store_restore(fixture->store, copy->path, id_number(77), NULL)
                       : store_backup(fixture->store, copy->path, NULL));
    fixture_close(fixture);
    fixture_open(copy, false);
    expect_old_contents(copy);
    fixture_free(copy);
    open_as_it_is(fixture);
    assert_status(store_write_begin(fixture->store, &fixture->write), FORMAT_VERSION);
    fixture_close(fixture);
}

static void a_backup_of_an_older_store_can_be_used(void **state)
{
    copies_of_an_older_store(*state, false);
}

static void an_older_backup_can_be_restored(void **state)
{
    copies_of_an_older_store(*state, true);
}

/* What would stand in its way is found before anything is changed. */
static void a_spoilt_older_store_is_not_raised(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    struct fault fault;
    make_old(fixture);
    fixture_tamper(fixture, "meta", "store", 5, flip_last);
    for (unsigned i = 0; i < 2; i++) {
        assert_status(store_open(&options, &fixture->store, &fault), CORRUPT);
        assert_true(fault.detail[0] != '\0');
    }
}

static void no_format(uint8_t *value, size_t size)
{
    (void)size;
    put_u32(value + FORMAT_AT, 0);
}

static void a_store_of_no_format_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    fixture_close(fixture);
    fixture_tamper(fixture, "meta", "store", 5, no_format);
    assert_status(store_open(&options, &fixture->store, NULL), FORMAT_VERSION);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(rows_are_walked_by_version),
        TEST(rows_are_replaced_and_deleted),
        TEST(spoilt_rows_are_never_given_out),
        TEST(what_is_spoilt_can_be_erased),
        TEST(an_older_store_is_raised_and_keeps_everything),
        TEST(an_older_store_can_be_left_as_it_is),
        TEST(a_backup_of_an_older_store_can_be_used),
        TEST(an_older_backup_can_be_restored),
        TEST(a_spoilt_older_store_is_not_raised),
        TEST(a_store_of_no_format_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

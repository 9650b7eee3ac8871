#include "fixture.h"

#include <string.h>

static void access_rows_are_in_order_of_scope(void **state)
{
    struct fixture *fixture = *state;
    const struct access_row rows[3] = {
        {.granted = 1, .level = 2, .assignment = id_number(70)},
        {.granted = 2, .revoked = 3, .level = 1, .assignment = id_number(71)},
        {.granted = UINT64_MAX, .revoked = 0, .level = 255},
    };
    fixture_begin(fixture);
    const struct state write = fixture->write;
    for (unsigned i = 3; i-- > 0;)
        assert_ok(write.ops->put_access(write.self, id_number(5), account_scope(i + 1), &rows[i]));
    assert_ok(write.ops->put_access(write.self, id_number(6), account_scope(1), &rows[0]));
    fixture_commit(fixture);

    struct access_row row;
    struct scope scope = {0};
    fixture_look(fixture);
    const struct state read = fixture->read;
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(read.ops->access_next(read.self, id_number(5), scope, &scope, &row));
        assert_true(scope_equal(scope, account_scope(i + 1)));
        assert_int_equal(row.granted, rows[i].granted);
        assert_int_equal(row.revoked, rows[i].revoked);
        assert_int_equal(row.level, rows[i].level);
        assert_true(id_equal(row.assignment, rows[i].assignment));
    }
    assert_status(read.ops->access_next(read.self, id_number(5), scope, &scope, &row), NOT_FOUND);
    assert_ok(read.ops->access(read.self, id_number(5), account_scope(2), &row));
    assert_int_equal(row.revoked, 3);
    assert_status(read.ops->access(read.self, id_number(5), account_scope(9), &row), NOT_FOUND);
    assert_status(read.ops->access(read.self, id_number(4), account_scope(1), &row), NOT_FOUND);
    fixture_done(fixture);
}

static void expect_change(struct state state, uint64_t *seq, struct scope *scope, uint64_t at,
                          unsigned number)
{
    assert_ok(state.ops->access_change_next(state.self, id_number(5), seq, scope));
    assert_int_equal(*seq, at);
    assert_true(scope_equal(*scope, account_scope(number)));
}

static void only_the_newest_change_of_access_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct access_row granted = {.granted = 4}, revoked = {.granted = 4, .revoked = 9};
    const struct access_row untouched = {0};
    fixture_begin(fixture);
    const struct state write = fixture->write;
    assert_ok(write.ops->put_access(write.self, id_number(5), account_scope(1), &granted));
    assert_ok(write.ops->put_access(write.self, id_number(5), account_scope(2), &granted));
    assert_ok(write.ops->put_access(write.self, id_number(5), account_scope(3), &granted));
    assert_ok(write.ops->put_access(write.self, id_number(5), account_scope(4), &untouched));
    assert_ok(write.ops->put_access(write.self, id_number(6), account_scope(5), &granted));
    assert_ok(write.ops->put_access(write.self, id_number(5), account_scope(1), &revoked));
    granted.level = 3; /* another level, not another seq */
    assert_ok(write.ops->put_access(write.self, id_number(5), account_scope(2), &granted));
    fixture_commit(fixture);

    fixture_look(fixture);
    const struct state read = fixture->read;
    uint64_t seq = 0;
    struct scope scope = {0};
    expect_change(read, &seq, &scope, 4, 2);
    expect_change(read, &seq, &scope, 4, 3);
    expect_change(read, &seq, &scope, 9, 1);
    assert_status(read.ops->access_change_next(read.self, id_number(5), &seq, &scope), NOT_FOUND);
    seq = 4;
    memset(&scope, 0xff, sizeof scope);
    expect_change(read, &seq, &scope, 9, 1);
    fixture_done(fixture);
    assert_ok(store_check(fixture->store, NULL, NULL, NULL));
}

static void history_is_newest_first(void **state)
{
    struct fixture *fixture = *state;
    struct bytes entry;
    uint64_t seq;
    fixture_begin(fixture);
    const struct state write = fixture->write;
    assert_ok(write.ops->put_history(write.self, id_number(1), 5, bytes_text("five")));
    assert_ok(write.ops->put_history(write.self, id_number(1), 300, bytes_text("three hundred")));
    assert_ok(write.ops->put_history(write.self, id_number(1), 7, bytes_of("", 0)));
    assert_ok(write.ops->put_history(write.self, id_number(2), 6, bytes_text("other")));
    assert_ok(write.ops->put_history(write.self, id_number(0), 6, bytes_text("other")));
    fixture_commit(fixture);
    fixture_look(fixture);
    const struct state read = fixture->read;
    assert_ok(read.ops->history_next(read.self, id_number(1), UINT64_MAX, &seq, &entry));
    assert_int_equal(seq, 300);
    assert_true(bytes_is(entry, "three hundred"));
    assert_ok(read.ops->history_next(read.self, id_number(1), seq, &seq, &entry));
    assert_int_equal(seq, 7);
    assert_int_equal(entry.size, 0);
    assert_ok(read.ops->history_next(read.self, id_number(1), seq, &seq, &entry));
    assert_true(bytes_is(entry, "five"));
    assert_status(read.ops->history_next(read.self, id_number(1), seq, &seq, &entry), NOT_FOUND);
    assert_ok(read.ops->history_next(read.self, id_number(1), 8, &seq, &entry));
    assert_int_equal(seq, 7);
    assert_status(read.ops->history_next(read.self, id_number(3), 8, &seq, &entry), NOT_FOUND);
    fixture_done(fixture);
}

typedef enum status (*get)(void *self, struct bytes key, struct bytes *value);
typedef enum status (*set)(void *self, struct bytes key, struct bytes value);
typedef enum status (*next)(void *self, struct bytes prefix, struct buffer *key,
                            struct bytes *value);

static void opaque_rows(struct fixture *fixture, bool credential)
{
    static const char *const keys[] = {"p1", "t", "t1", "t2", "t22", "u"};
    fixture_begin(fixture);
    void *self = fixture->write.self;
    const struct state_ops *ops = fixture->write.ops;
    const set put_row = credential ? ops->put_credential : ops->put_client;
    const next next_row = credential ? ops->credential_next : ops->client_next;
    const get get_row = credential ? ops->credential : ops->client;
    struct bytes value;
    char big[66];
    memset(big, 'k', sizeof big);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_ok(put_row(self, bytes_text(keys[i]), bytes_text(keys[i])));
    assert_ok(put_row(self, bytes_text("t1"), bytes_text("again")));
    assert_ok(get_row(self, bytes_text("t1"), &value));
    assert_true(bytes_is(value, "again"));
    assert_ok(put_row(self, bytes_text("t"), bytes_of("", 0)));
    assert_ok(get_row(self, bytes_text("t"), &value));
    assert_int_equal(value.size, 0);

    /* A prefix gives its rows and stops; a key before the prefix begins at it. */
    struct buffer key = {0};
    static const char *const found[] = {"t", "t1", "t2", "t22"};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        assert_ok(next_row(self, bytes_text("t"), &key, &value));
        assert_true(bytes_is(buffer_bytes(&key), found[i]));
    }
    assert_status(next_row(self, bytes_text("t"), &key, &value), NOT_FOUND);
    for (int again = 0; again < 2; again++) {
        buffer_clear(&key);
        assert_ok(next_row(self, bytes_text("t"), &key, &value));
        assert_true(bytes_is(buffer_bytes(&key), "t"));
    }
    buffer_clear(&key);
    buffer_append(&key, "p1", 2);
    assert_ok(next_row(self, bytes_text("t2"), &key, &value));
    assert_true(bytes_is(buffer_bytes(&key), "t2"));
    buffer_clear(&key);
    buffer_append(&key, "z", 1);
    assert_status(next_row(self, bytes_text("t"), &key, &value), NOT_FOUND);
    buffer_clear(&key);
    assert_ok(next_row(self, (struct bytes){0}, &key, &value));
    assert_true(bytes_is(buffer_bytes(&key), "p1"));

    assert_ok(put_row(self, bytes_text("t2"), (struct bytes){0}));
    assert_ok(put_row(self, bytes_text("t2"), (struct bytes){0}));
    assert_status(get_row(self, bytes_text("t2"), &value), NOT_FOUND);
    assert_ok(get_row(self, bytes_text("t22"), &value));

    assert_ok(put_row(self, bytes_of(big, 64), bytes_text("fits")));
    assert_status(put_row(self, bytes_of(big, 65), bytes_text("does not")), INVALID_VALUE);
    assert_status(put_row(self, (struct bytes){0}, bytes_text("x")), INVALID_VALUE);
    assert_status(get_row(self, bytes_of(big, 65), &value), NOT_FOUND);
    assert_status(get_row(self, (struct bytes){0}, &value), NOT_FOUND);
    assert_status(next_row(self, bytes_of(big, 65), &key, &value), INVALID_VALUE);
    buffer_release(&key);
    fixture_commit(fixture);
}

static void clients_and_credentials_are_apart(void **state)
{
    struct fixture *fixture = *state;
    struct bytes value;
    opaque_rows(fixture, false);
    opaque_rows(fixture, true);
    fixture_begin(fixture);
    const struct state write = fixture->write;
    assert_ok(write.ops->put_client(write.self, bytes_text("only"), bytes_text("client")));
    assert_status(write.ops->credential(write.self, bytes_text("only"), &value), NOT_FOUND);
    fixture_commit(fixture);
    fixture_look(fixture);
    assert_ok(fixture->read.ops->client(fixture->read.self, bytes_text("only"), &value));
    assert_true(bytes_is(value, "client"));
    fixture_done(fixture);
}

static void the_first_due_entry_comes_first(void **state)
{
    struct fixture *fixture = *state;
    uint64_t at;
    struct id id;
    fixture_begin(fixture);
    const struct state write = fixture->write;
    assert_status(write.ops->due_first(write.self, &at, &id), NOT_FOUND);
    assert_ok(write.ops->put_due(write.self, 5000, id_number(1), true));
    assert_ok(write.ops->put_due(write.self, 256, id_number(3), true));
    assert_ok(write.ops->put_due(write.self, 256, id_number(2), true));
    assert_ok(write.ops->put_due(write.self, 256, id_number(2), true));
    assert_ok(write.ops->due_first(write.self, &at, &id));
    assert_int_equal(at, 256);
    assert_id(id, 2);
    assert_ok(write.ops->put_due(write.self, 256, id_number(2), false));
    assert_ok(write.ops->put_due(write.self, 256, id_number(2), false));
    assert_ok(write.ops->due_first(write.self, &at, &id));
    assert_id(id, 3);
    assert_ok(write.ops->put_due(write.self, 256, id_number(3), false));
    assert_ok(write.ops->due_first(write.self, &at, &id));
    assert_int_equal(at, 5000);
    fixture_commit(fixture);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(access_rows_are_in_order_of_scope),
        WITH_STORE(only_the_newest_change_of_access_is_kept),
        WITH_STORE(history_is_newest_first),
        WITH_STORE(clients_and_credentials_are_apart),
        WITH_STORE(the_first_due_entry_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/memory.h"

/* The feed as "seq:number" pairs, and the same of a lane. */
static void expect_places(struct state state, const struct scope *scope, struct tag tag,
                          const uint64_t (*expected)[2], size_t count)
{
    uint64_t seq = 0;
    struct id id = {{0}};
    for (size_t i = 0; i <= count; i++) {
        const enum status status = scope == NULL
                                       ? state.ops->feed_next(state.self, &seq, &id)
                                       : state.ops->lane_next(state.self, *scope, tag, &seq, &id);
        if (i == count) {
            assert_int_equal(status, STATUS_NOT_FOUND);
            return;
        }
        assert_int_equal(status, STATUS_OK);
        assert_int_equal(seq, expected[i][0]);
        assert_id(id, (unsigned)expected[i][1]);
    }
}

#define expect_feed(state, ...)                                                                    \
    do {                                                                                           \
        const uint64_t expected_[][2] = {__VA_ARGS__};                                             \
        expect_places(state, NULL, tag_internal, expected_, sizeof expected_ / sizeof *expected_); \
    } while (0)
#define expect_lane(state, where, tag, ...)                                                        \
    do {                                                                                           \
        const uint64_t expected_[][2] = {__VA_ARGS__};                                             \
        const struct scope scope_ = where;                                                         \
        expect_places(state, &scope_, tag, expected_, sizeof expected_ / sizeof *expected_);       \
    } while (0)
#define expect_no_lane(state, where, tag)                                                          \
    do {                                                                                           \
        const struct scope scope_ = where;                                                         \
        expect_places(state, &scope_, tag, NULL, 0);                                               \
    } while (0)

static void a_record_is_given_back_as_it_was_put(void **state)
{
    struct fixture *fixture = *state;
    struct made *made = made_new(1, "account", account_scope(1), 4);
    struct buffer encoded = {0};
    struct bytes stored;
    made_text(made, "name", "Fjord Bruk AS");
    record_encode(&encoded, &made->record);
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    assert_ok(fixture->write.ops->record(fixture->write.self, id_number(1), &stored));
    assert_true(bytes_equal(stored, buffer_bytes(&encoded)));
    fixture_commit(fixture);
    fixture_look(fixture);
    assert_ok(fixture->read.ops->record(fixture->read.self, id_number(1), &stored));
    assert_true(bytes_equal(stored, buffer_bytes(&encoded)));
    assert_status(fixture->read.ops->record(fixture->read.self, id_number(2), &stored), NOT_FOUND);
    fixture_done(fixture);
    buffer_release(&encoded);
    made_free(made);
}

static void a_new_record_does_not_replace_one(void **state)
{
    struct fixture *fixture = *state;
    struct made *first = made_new(1, "account", account_scope(1), 1);
    struct made *again = made_new(1, "account", account_scope(1), 2);
    fixture_begin(fixture);
    put(fixture->write, NULL, first);
    assert_status(fixture->write.ops->put_record(fixture->write.self, NULL, &again->record),
                  EXISTS);
    fixture_commit(fixture);
    fixture_look(fixture);
    expect_feed(fixture->read, {1, 1});
    fixture_done(fixture);
    made_free(first);
    made_free(again);
}

static void a_change_moves_the_record_in_the_feed(void **state)
{
    struct fixture *fixture = *state;
    struct made *one = made_new(1, "account", account_scope(1), 1);
    struct made *two = made_new(2, "account", account_scope(2), 2);
    struct made *three = made_new(3, "account", account_scope(3), 2);
    fixture_begin(fixture);
    put(fixture->write, NULL, one);
    put(fixture->write, NULL, three);
    put(fixture->write, NULL, two);
    expect_feed(fixture->write, {1, 1}, {2, 2}, {2, 3});
    fixture_commit(fixture);

    struct made *moved = made_copy(one);
    made_seq(moved, 3);
    fixture_begin(fixture);
    put(fixture->write, one, moved);
    fixture_commit(fixture);
    fixture_look(fixture);
    expect_feed(fixture->read, {2, 2}, {2, 3}, {3, 1});
    /* Behind everything of seq 2. */
    uint64_t seq = 2;
    struct id id;
    memset(id.octet, 0xff, sizeof id.octet);
    assert_ok(fixture->read.ops->feed_next(fixture->read.self, &seq, &id));
    assert_id(id, 1);
    seq = UINT64_MAX;
    memset(id.octet, 0xff, sizeof id.octet);
    assert_status(fixture->read.ops->feed_next(fixture->read.self, &seq, &id), NOT_FOUND);
    fixture_done(fixture);
    made_free(one);
    made_free(two);
    made_free(three);
    made_free(moved);
}

static void walks_in_both_tables_do_not_disturb_each_other(void **state)
{
    struct fixture *fixture = *state;
    fixture_begin(fixture);
    for (unsigned i = 1; i <= 40; i++) {
        struct made *made = made_new(i, "note", account_scope(i % 2), i);
        made_place(made, made->record.scope, tag_internal, i);
        put(fixture->write, NULL, made);
        made_free(made);
    }
    fixture_commit(fixture);
    fixture_look(fixture);
    uint64_t feed = 0, lane[2] = {0, 0};
    struct id feed_id = {{0}}, lane_id[2] = {{{0}}, {{0}}};
    for (unsigned i = 1; i <= 40; i++) {
        const unsigned which = i % 2;
        assert_ok(fixture->read.ops->feed_next(fixture->read.self, &feed, &feed_id));
        assert_ok(fixture->read.ops->lane_next(fixture->read.self, account_scope(which),
                                               tag_internal, &lane[which], &lane_id[which]));
        assert_int_equal(feed, i);
        assert_int_equal(lane[which], i);
        assert_id(lane_id[which], i);
    }
    assert_status(fixture->read.ops->feed_next(fixture->read.self, &feed, &feed_id), NOT_FOUND);
    fixture_done(fixture);
}

static void inner_changes_do_not_move_outside_lanes(void **state)
{
    struct fixture *fixture = *state;
    const struct scope scope = account_scope(1);
    struct made *made = made_new(1, "account", scope, 5);
    made_place(made, scope, tag_internal, 5);
    made_place(made, scope, tag_partners, 5);
    struct made *edited = made_copy(made);
    edited->record.seq = 9; /* shared_seq stays */
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    put(fixture->write, made, edited);
    fixture_commit(fixture);
    fixture_look(fixture);
    expect_feed(fixture->read, {9, 1});
    expect_lane(fixture->read, scope, tag_internal, {9, 1});
    expect_lane(fixture->read, scope, tag_partners, {5, 1});
    expect_no_lane(fixture->read, scope, tag_suppliers);
    expect_no_lane(fixture->read, account_scope(2), tag_internal);
    fixture_done(fixture);
    made_free(made);
    made_free(edited);
}

static void ended_placements_stay_where_they_ended(void **state)
{
    struct fixture *fixture = *state;
    const struct scope from = account_scope(1), to = account_scope(2);
    struct made *made = made_new(3, "note", from, 1);
    made_place(made, from, tag_internal, 1);
    made_place(made, from, tag_suppliers, 1);
    struct made *moved = made_copy(made);
    made_seq(moved, 6);
    moved->record.scope = to;
    moved->record.placements[0].removed = 6;
    moved->record.placements[1].removed = 6;
    made_place(moved, to, tag_internal, 6);
    struct made *edited = made_copy(moved);
    made_seq(edited, 8);

    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    put(fixture->write, made, moved);
    put(fixture->write, moved, edited);
    fixture_commit(fixture);
    fixture_look(fixture);
    expect_lane(fixture->read, from, tag_internal, {6, 3});
    expect_lane(fixture->read, from, tag_suppliers, {6, 3});
    expect_lane(fixture->read, to, tag_internal, {8, 3});
    fixture_done(fixture);

    /* The core may drop an ended placement; its row goes with it. */
    struct made *dropped = made_copy(edited);
    dropped->record.placements[0] = edited->record.placements[2];
    dropped->record.placement_count = 1;
    const struct meta meta = {.seq = 8};
    fixture_begin(fixture);
    put(fixture->write, edited, dropped);
    assert_ok(fixture->write.ops->put_meta(fixture->write.self, &meta));
    fixture_commit(fixture);
    fixture_look(fixture);
    expect_no_lane(fixture->read, from, tag_internal);
    expect_no_lane(fixture->read, from, tag_suppliers);
    expect_lane(fixture->read, to, tag_internal, {8, 3});
    assert_ok(store_check(fixture->store, NULL, NULL, NULL));
    fixture_done(fixture);
    made_free(made);
    made_free(moved);
    made_free(edited);
    made_free(dropped);
}

/* What is put may point into the very pages that putting changes. */
static void a_record_read_from_the_store_can_be_put(void **state)
{
    struct fixture *fixture = *state;
    struct made *made = made_new(1, "account", account_scope(1), 1);
    struct record *old = memory_new(sizeof *old), *record = memory_new(sizeof *record);
    struct bytes stored;
    made_text(made, "name", "Fjord");
    made_text(made, "industry", "Forestry");
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    for (uint64_t seq = 2; seq < 200; seq++) {
        assert_ok(fixture->write.ops->record(fixture->write.self, id_number(1), &stored));
        assert_ok(record_decode(stored, old));
        *record = *old;
        record->seq = record->shared_seq = seq;
        assert_ok(fixture->write.ops->put_record(fixture->write.self, old, record));
    }
    assert_ok(fixture->write.ops->record(fixture->write.self, id_number(1), &stored));
    assert_ok(record_decode(stored, record));
    assert_true(bytes_is(record_text(record, "name"), "Fjord"));
    assert_true(bytes_is(record_text(record, "industry"), "Forestry"));
    fixture_commit(fixture);
    memory_free(old);
    memory_free(record);
    made_free(made);
}

static void a_wrong_old_record_fails_the_transaction(void **state)
{
    struct fixture *fixture = *state;
    struct made *made = made_new(1, "account", account_scope(1), 1);
    struct made *wrong = made_new(1, "account", account_scope(1), 7);
    struct made *after = made_new(1, "account", account_scope(1), 8);
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    assert_status(
        fixture->write.ops->put_record(fixture->write.self, &wrong->record, &after->record),
        CORRUPT);
    fixture_commit_fails(fixture, STATUS_CORRUPT);
    assert_status(store_write_begin(fixture->store, &fixture->write), IO);
    made_free(made);
    made_free(wrong);
    made_free(after);
}

static void a_forgotten_record_is_nowhere(void **state)
{
    struct fixture *fixture = *state;
    const struct scope scope = account_scope(1);
    struct made *gone = made_new(1, "account", scope, 1), *stays = made_new(2, "note", scope, 2);
    struct bytes stored, entry;
    uint64_t seq;
    made_place(gone, scope, tag_internal, 1);
    made_place(gone, scope, tag_partners, 1);
    made_place(stays, scope, tag_internal, 2);
    made_text(gone, "name", "Erased");
    struct made *tombstone = made_copy(gone);
    made_seq(tombstone, 3);
    tombstone->record.deleted = true;
    tombstone->record.placements[0].removed = tombstone->record.placements[1].removed = 3;

    fixture_begin(fixture);
    struct state write = fixture->write;
    put(write, NULL, gone);
    put(write, NULL, stays);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_ok(write.ops->put_history(write.self, id_number(1), i, bytes_text("gone")));
        assert_ok(write.ops->put_history(write.self, id_number(2), i, bytes_text("stays")));
    }
    put(write, gone, tombstone);
    expect_lane(write, scope, tag_internal, {2, 2}, {3, 1});
    assert_ok(write.ops->forget_record(write.self, &tombstone->record));
    assert_status(write.ops->forget_record(write.self, &tombstone->record), NOT_FOUND);
    fixture_commit(fixture);

    fixture_look(fixture);
    const struct state read = fixture->read;
    expect_feed(read, {2, 2});
    expect_lane(read, scope, tag_internal, {2, 2});
    expect_no_lane(read, scope, tag_partners);
    assert_status(read.ops->record(read.self, id_number(1), &stored), NOT_FOUND);
    assert_status(read.ops->history_next(read.self, id_number(1), UINT64_MAX, &seq, &entry),
                  NOT_FOUND);
    assert_ok(read.ops->history_next(read.self, id_number(2), UINT64_MAX, &seq, &entry));
    fixture_done(fixture);
    made_free(gone);
    made_free(stays);
    made_free(tombstone);
}

static void names_that_fit_no_key_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char name[66] = "";
    memset(name, 'e', 65);
    struct made *made = made_new(1, name, account_scope(1), 1);
    fixture_begin(fixture);
    assert_status(fixture->write.ops->put_record(fixture->write.self, NULL, &made->record),
                  INVALID_VALUE);
    made->record.entity = bytes_of("a\0b", 3);
    assert_status(fixture->write.ops->put_record(fixture->write.self, NULL, &made->record),
                  INVALID_VALUE);
    fixture_commit(fixture);
    assert_ok(store_check(fixture->store, NULL, NULL, NULL));
    made_free(made);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_record_is_given_back_as_it_was_put),
        WITH_STORE(a_new_record_does_not_replace_one),
        WITH_STORE(a_change_moves_the_record_in_the_feed),
        WITH_STORE(walks_in_both_tables_do_not_disturb_each_other),
        WITH_STORE(inner_changes_do_not_move_outside_lanes),
        WITH_STORE(ended_placements_stay_where_they_ended),
        WITH_STORE(a_record_read_from_the_store_can_be_put),
        WITH_STORE(a_wrong_old_record_fails_the_transaction),
        WITH_STORE(a_forgotten_record_is_nowhere),
        WITH_STORE(names_that_fit_no_key_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

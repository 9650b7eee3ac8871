#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/schema.h"
#include "server/store/layout.h"

static void collect(void *context, const char *text)
{
    struct buffer *out = context;
    buffer_append(out, text, strlen(text));
    buffer_append(out, "\n", 1);
}

/* The check finds something, and each of its findings contains `what`. */
static void expect_findings(struct fixture *fixture, size_t count, const char *what)
{
    struct buffer out = {0};
    uint64_t records;
    fixture_open(fixture, false);
    assert_status(store_check(fixture->store, collect, &out, &records), CORRUPT);
    assert_int_equal(records, 2);
    buffer_append_byte(&out, 0);
    size_t lines = 0;
    for (char *line = strtok((char *)out.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strstr(line, what) == NULL)
            fail_msg("expected \"%s\", found \"%s\"", what, line);
        lines++;
    }
    assert_int_equal(lines, count);
    buffer_release(&out);
}

/* Two interactions in every table, and a row in each table that has no records behind it. */
static int setup(void **state)
{
    fixture_setup(state);
    struct fixture *fixture = *state;
    const char *timeline = schema_entity(bytes_text("interaction"))->timeline_field;
    const struct access_row row = {.granted = 2, .level = 1, .assignment = id_number(2)};
    const struct meta meta = {.epoch = id_number(999), .seq = 2};
    fixture_begin(fixture);
    const struct state write = fixture->write;
    for (unsigned i = 1; i <= 2; i++) {
        struct made *made = made_new(i, "interaction", account_scope(1), i);
        made_text(made, "externalId", "x");
        made_time(made, timeline, i);
        made_place(made, account_scope(1), tag_internal, i);
        put(write, NULL, made);
        made_free(made);
    }
    assert_ok(write.ops->put_history(write.self, id_number(1), 1, bytes_text("history")));
    assert_ok(write.ops->put_access(write.self, id_number(5), account_scope(1), &row));
    assert_ok(write.ops->put_client(write.self, bytes_text("client"), bytes_text("answer")));
    assert_ok(write.ops->put_credential(write.self, bytes_text("key"), bytes_text("hash")));
    assert_ok(write.ops->put_due(write.self, 9, id_number(1), true));
    assert_ok(write.ops->audit(write.self, bytes_text("first")));
    assert_ok(write.ops->audit(write.self, bytes_text("second")));
    assert_ok(write.ops->audit(write.self, bytes_text("third")));
    assert_ok(write.ops->put_meta(write.self, &meta));
    fixture_commit(fixture);
    assert_ok(store_check(fixture->store, NULL, NULL, NULL));
    fixture_close(fixture);
    return 0;
}

static void flip_middle(uint8_t *value, size_t size)
{
    value[size / 2] ^= 0x10;
}

static void flip_last(uint8_t *value, size_t size)
{
    value[size - 1] ^= 1;
}

static struct key record_key(unsigned number)
{
    struct key key = {0};
    key_add_id(&key, id_number(number));
    return key;
}

static struct key feed_key(uint64_t seq, unsigned number)
{
    struct key key = {0};
    key_add_u64(&key, seq);
    key_add_id(&key, id_number(number));
    return key;
}

static struct key lane_key(struct tag tag, uint64_t seq, unsigned number)
{
    struct key key = {0};
    key_add_scope(&key, account_scope(1));
    key_add_tag(&key, tag);
    key_add_u64(&key, seq);
    key_add_id(&key, id_number(number));
    return key;
}

static struct key index_key(const char *field, const char *value, unsigned number)
{
    struct key key;
    assert_true(key_begin_index(&key, bytes_text("interaction"), bytes_text(field)));
    if (value != NULL)
        key_add_ordered(&key, bytes_text(value));
    key_add_id(&key, id_number(number));
    return key;
}

static struct key timeline_key(int64_t ms, unsigned number)
{
    struct key key = {0};
    key_add_scope(&key, account_scope(1));
    key_add_time(&key, ms);
    key_add_id(&key, id_number(number));
    return key;
}

static struct key change_key(uint64_t seq)
{
    struct key key = {0};
    key_add_id(&key, id_number(5));
    key_add_u64(&key, seq);
    key_add_scope(&key, account_scope(1));
    return key;
}

static void remove_row(struct fixture *fixture, const char *table, struct key key)
{
    fixture_tamper(fixture, table, key.data, key.size, NULL);
}

static void add_row(struct fixture *fixture, const char *table, struct key key)
{
    fixture_smuggle(fixture, table, key.data, key.size, "", 0);
}

static void a_spoilt_record_is_never_given_out(void **state)
{
    struct fixture *fixture = *state;
    const struct key key = record_key(1);
    struct bytes stored;
    fixture_tamper(fixture, "record", key.data, key.size, flip_middle);
    fixture_open(fixture, false);
    fixture_look(fixture);
    assert_status(fixture->read.ops->record(fixture->read.self, id_number(1), &stored), CORRUPT);
    assert_ok(fixture->read.ops->record(fixture->read.self, id_number(2), &stored));
    fixture_done(fixture);

    struct buffer out = {0};
    assert_status(store_check(fixture->store, collect, &out, NULL), CORRUPT);
    buffer_append_byte(&out, 0);
    assert_non_null(strstr((char *)out.data, "record 0100000000000000000000000000000"));
    assert_non_null(strstr((char *)out.data, "fails its checksum"));
    buffer_release(&out);
}

static void a_record_under_another_id_is_found(void **state)
{
    struct fixture *fixture = *state;
    const struct key to = record_key(2);
    struct bytes stored;
    fixture_open(fixture, false);
    fixture_look(fixture);
    assert_ok(fixture->read.ops->record(fixture->read.self, id_number(1), &stored));
    const size_t size = stored.size + LAYOUT_CHECKSUM_SIZE;
    uint8_t *copy = malloc(size);
    memcpy(copy, stored.data - LAYOUT_CHECKSUM_SIZE, size);
    fixture_done(fixture);
    fixture_close(fixture);
    fixture_smuggle(fixture, "record", to.data, to.size, copy, size);
    fixture_open(fixture, false);
    fixture_look(fixture);
    assert_ok(fixture->read.ops->record(fixture->read.self, id_number(1), &stored));
    assert_status(fixture->read.ops->record(fixture->read.self, id_number(2), &stored), CORRUPT);
    fixture_done(fixture);
    free(copy);
}

static void short_values_are_corrupt(void **state)
{
    struct fixture *fixture = *state;
    const struct key key = record_key(1);
    struct bytes value;
    struct access_row row;
    struct key access = {0};
    key_add_id(&access, id_number(5));
    key_add_scope(&access, account_scope(1));
    fixture_smuggle(fixture, "record", key.data, key.size, "1234567", 7);
    fixture_smuggle(fixture, "access", access.data, access.size, "12345678", 8);
    fixture_smuggle(fixture, "client", "client", 6, "", 0);
    fixture_open(fixture, false);
    fixture_look(fixture);
    const struct state read = fixture->read;
    assert_status(read.ops->record(read.self, id_number(1), &value), CORRUPT);
    assert_status(read.ops->access(read.self, id_number(5), account_scope(1), &row), CORRUPT);
    assert_status(read.ops->client(read.self, bytes_text("client"), &value), CORRUPT);
    fixture_done(fixture);
}

static void keys_of_another_shape_are_corrupt(void **state)
{
    struct fixture *fixture = *state;
    struct key lane = lane_key(tag_internal, 0, 0), timeline = timeline_key(INT64_MAX, 1),
               index = index_key("externalId", "a", 1), feed = feed_key(0, 0);
    lane.size -= 1;
    feed.size += 1;
    timeline.size -= 1;
    index.data[index.size - ID_SIZE - 1] = 0; /* a count that no group has */
    add_row(fixture, "lane", lane);
    add_row(fixture, "feed", feed);
    add_row(fixture, "timeline", timeline);
    add_row(fixture, "index", index);
    fixture_smuggle(fixture, "due", "\0\0\0\0\0\0\0", 7, "", 0);
    fixture_open(fixture, false);
    fixture_look(fixture);
    const struct state read = fixture->read;
    uint64_t seq = 0;
    struct id id = {{0}};
    struct buffer place = {0};
    memset(id.octet, 0, sizeof id.octet);
    assert_status(read.ops->feed_next(read.self, &seq, &id), CORRUPT);
    assert_status(read.ops->lane_next(read.self, account_scope(1), tag_internal, &seq, &id),
                  CORRUPT);
    assert_status(read.ops->timeline_next(read.self, account_scope(1), &place, &id), CORRUPT);
    assert_status(read.ops->index_next(read.self, bytes_text("interaction"),
                                       bytes_text("externalId"), (struct bytes){0}, false, &place,
                                       &id),
                  CORRUPT);
    assert_status(read.ops->due_first(read.self, &seq, &id), CORRUPT);
    fixture_done(fixture);
    buffer_release(&place);
}

static void keys_of_another_shape_are_found(void **state)
{
    struct fixture *fixture = *state;
    static const char *const tables[] = {"due", "history", "access", "access_change"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        fixture_smuggle(fixture, tables[i], "1234567", 7, "", 0);
    expect_findings(fixture, 4, "is no key of this table");
}

static void missing_rows_are_found(void **state)
{
    struct fixture *fixture = *state;
    remove_row(fixture, "feed", feed_key(1, 1));
    remove_row(fixture, "lane", lane_key(tag_internal, 2, 2));
    remove_row(fixture, "index", index_key(NULL, NULL, 1));
    remove_row(fixture, "index", index_key("externalId", "x", 2));
    remove_row(fixture, "timeline", timeline_key(1, 1));
    remove_row(fixture, "access_change", change_key(2));
    expect_findings(fixture, 6, "missing");
}

static void strangers_are_found(void **state)
{
    struct fixture *fixture = *state;
    add_row(fixture, "feed", feed_key(3, 1));
    add_row(fixture, "feed", feed_key(3, 3));
    add_row(fixture, "lane", lane_key(tag_partners, 1, 1));
    add_row(fixture, "index", index_key("externalId", "y", 1));
    add_row(fixture, "timeline", timeline_key(7, 2));
    add_row(fixture, "access_change", change_key(7));
    expect_findings(fixture, 6, "belongs to no r");
}

/* As many rows as there should be, and yet not those. */
static void a_row_in_place_of_another_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct buffer out = {0};
    remove_row(fixture, "feed", feed_key(1, 1));
    add_row(fixture, "feed", feed_key(3, 1));
    fixture_open(fixture, false);
    assert_status(store_check(fixture->store, collect, &out, NULL), CORRUPT);
    buffer_append_byte(&out, 0);
    assert_non_null(strstr((char *)out.data, "missing"));
    assert_non_null(strstr((char *)out.data, "belongs to no record"));
    buffer_release(&out);
}

static void spoilt_values_are_found(void **state)
{
    struct fixture *fixture = *state;
    struct key history = record_key(1), access = {0};
    key_add_u64(&history, 1);
    key_add_id(&access, id_number(5));
    key_add_scope(&access, account_scope(1));
    fixture_tamper(fixture, "history", history.data, history.size, flip_last);
    fixture_tamper(fixture, "access", access.data, access.size, flip_last);
    fixture_tamper(fixture, "client", "client", 6, flip_last);
    fixture_tamper(fixture, "credential", "key", 3, flip_last);
    fixture_tamper(fixture, "meta", "store", 5, flip_last);
    expect_findings(fixture, 5, "fails its checksum");

    struct bytes value;
    struct access_row row;
    uint64_t seq;
    fixture_look(fixture);
    const struct state read = fixture->read;
    assert_status(read.ops->client(read.self, bytes_text("client"), &value), CORRUPT);
    assert_status(read.ops->credential(read.self, bytes_text("key"), &value), CORRUPT);
    assert_status(read.ops->access(read.self, id_number(5), account_scope(1), &row), CORRUPT);
    assert_status(read.ops->history_next(read.self, id_number(1), 2, &seq, &value), CORRUPT);
    fixture_done(fixture);
}

static void history_without_its_record_is_found(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, false);
    fixture_begin(fixture);
    assert_ok(fixture->write.ops->put_history(fixture->write.self, id_number(9), 1,
                                              bytes_text("orphan")));
    fixture_commit(fixture);
    fixture_close(fixture);
    expect_findings(fixture, 1, "belongs to no record");
}

static void a_record_newer_than_the_store_is_found(void **state)
{
    struct fixture *fixture = *state;
    const struct meta meta = {.epoch = id_number(999), .seq = 1};
    fixture_open(fixture, false);
    fixture_begin(fixture);
    assert_ok(fixture->write.ops->put_meta(fixture->write.self, &meta));
    fixture_commit(fixture);
    struct buffer out = {0};
    assert_status(store_check(fixture->store, collect, &out, NULL), CORRUPT);
    buffer_append_byte(&out, 0);
    assert_non_null(strstr((char *)out.data, "newer than the store"));
    buffer_release(&out);
}

static struct key audit_key(uint64_t number)
{
    struct key key = {0};
    key_add_u64(&key, number);
    return key;
}

static void a_changed_audit_entry_tells(void **state)
{
    struct fixture *fixture = *state;
    const struct key key = audit_key(2);
    fixture_tamper(fixture, "audit", key.data, key.size, flip_last);
    expect_findings(fixture, 1, "audit 0000000000000003: the entry before it was changed");
}

static void a_removed_audit_entry_tells(void **state)
{
    struct fixture *fixture = *state;
    remove_row(fixture, "audit", audit_key(1));
    expect_findings(fixture, 1, "audit 0000000000000002: an entry before it is missing");
}

static void the_audit_goes_on_after_reopening(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture, false);
    for (unsigned i = 0; i < 300; i++) {
        fixture_begin(fixture);
        assert_ok(fixture->write.ops->audit(fixture->write.self, bytes_text("more")));
        fixture_commit(fixture);
    }
    assert_ok(store_check(fixture->store, NULL, NULL, NULL));
    fixture_close(fixture);
    const struct key key = audit_key(303);
    fixture_tamper(fixture, "audit", key.data, key.size, flip_middle);
    expect_findings(fixture, 1, "audit 000000000000012f: the entry before it was changed");
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_spoilt_record_is_never_given_out),
        WITH_STORE(a_record_under_another_id_is_found),
        WITH_STORE(short_values_are_corrupt),
        WITH_STORE(keys_of_another_shape_are_corrupt),
        WITH_STORE(keys_of_another_shape_are_found),
        WITH_STORE(missing_rows_are_found),
        WITH_STORE(strangers_are_found),
        WITH_STORE(a_row_in_place_of_another_is_found),
        WITH_STORE(spoilt_values_are_found),
        WITH_STORE(history_without_its_record_is_found),
        WITH_STORE(a_record_newer_than_the_store_is_found),
        WITH_STORE(a_changed_audit_entry_tells),
        WITH_STORE(a_removed_audit_entry_tells),
        WITH_STORE(the_audit_goes_on_after_reopening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

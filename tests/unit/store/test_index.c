#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "protocol/schema.h"

struct query {
    const char *entity, *field;
    struct bytes exact;
    bool descending;
};

static struct query all(const char *entity, const char *field)
{
    return (struct query){.entity = entity, .field = field};
}

static struct query all_down(const char *entity, const char *field)
{
    return (struct query){.entity = entity, .field = field, .descending = true};
}

static struct query exact(const char *entity, const char *field, struct bytes value)
{
    return (struct query){.entity = entity, .field = field, .exact = value};
}

static struct query exact_down(const char *entity, const char *field, struct bytes value)
{
    return (struct query){.entity = entity, .field = field, .exact = value, .descending = true};
}

static enum status step(struct state state, const struct query *query, struct buffer *place,
                        struct id *id)
{
    return state.ops->index_next(state.self, bytes_text(query->entity), bytes_text(query->field),
                                 query->exact, query->descending, place, id);
}

/* Walks the whole list, in one snapshot, and compares the numbers of the records. */
static void expect_list(struct fixture *fixture, const struct query *query,
                        const unsigned *expected, size_t count)
{
    struct buffer place = {0};
    struct id id;
    fixture_look(fixture);
    for (size_t i = 0; i < count; i++) {
        assert_ok(step(fixture->read, query, &place, &id));
        assert_id(id, expected[i]);
        assert_true(place.size <= 256);
    }
    assert_status(step(fixture->read, query, &place, &id), NOT_FOUND);
    fixture_done(fixture);
    buffer_release(&place);
}

#define expect(fixture, wanted, ...)                                                               \
    do {                                                                                           \
        const struct query query_ = wanted;                                                        \
        const unsigned expected_[] = {__VA_ARGS__};                                                \
        expect_list(fixture, &query_, expected_, sizeof expected_ / sizeof *expected_);            \
    } while (0)
#define expect_none(fixture, wanted)                                                               \
    do {                                                                                           \
        const struct query query_ = wanted;                                                        \
        expect_list(fixture, &query_, NULL, 0);                                                    \
    } while (0)

static void account(struct fixture *fixture, unsigned number, struct bytes name)
{
    struct made *made = made_new(number, "account", account_scope(number), number);
    made_bytes(made, "name", name);
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    fixture_commit(fixture);
    made_free(made);
}

static void lists_are_in_the_order_of_values(void **state)
{
    struct fixture *fixture = *state;
    account(fixture, 1, bytes_text("bruk"));
    account(fixture, 2, bytes_text("Ab"));
    account(fixture, 3, bytes_text("a"));
    account(fixture, 4, bytes_of("a\0", 2));
    account(fixture, 5, bytes_of("\xc3\xbf\xc3\xbf", 4));
    account(fixture, 6, bytes_text("a"));
    account(fixture, 7, bytes_of("\0", 1));
    expect(fixture, all("account", "name"), 7, 3, 6, 4, 2, 1, 5);
    expect(fixture, all_down("account", "name"), 5, 1, 2, 4, 6, 3, 7);
    expect(fixture, all("account", NULL), 1, 2, 3, 4, 5, 6, 7);
    expect(fixture, all_down("account", NULL), 7, 6, 5, 4, 3, 2, 1);
    expect_none(fixture, all("accoun", "name"));
    expect_none(fixture, all("account", "nam"));
    expect_none(fixture, all("account", "industry"));
    expect_none(fixture, all_down("contact", NULL));
}

static void exact_finds_that_value_and_no_other(void **state)
{
    struct fixture *fixture = *state;
    char long_name[121] = "";
    memset(long_name, 'n', 120);
    account(fixture, 1, bytes_text("a"));
    account(fixture, 2, bytes_text("ab"));
    account(fixture, 3, bytes_of("a\0", 2));
    account(fixture, 4, bytes_of("a\0\0", 3));
    account(fixture, 5, bytes_text("a"));
    account(fixture, 6, bytes_text("abcdefgh"));
    account(fixture, 7, bytes_text("abcdefghi"));
    account(fixture, 8, bytes_text(long_name));
    expect(fixture, exact("account", "name", bytes_text("a")), 1, 5);
    expect(fixture, exact_down("account", "name", bytes_text("a")), 5, 1);
    expect(fixture, exact("account", "name", bytes_text("ab")), 2);
    expect(fixture, exact("account", "name", bytes_of("a\0", 2)), 3);
    expect(fixture, exact_down("account", "name", bytes_of("a\0\0", 3)), 4);
    expect(fixture, exact("account", "name", bytes_text("abcdefgh")), 6);
    expect(fixture, exact("account", "name", bytes_text("abcdefghi")), 7);
    expect(fixture, exact("account", "name", bytes_of(long_name, SCHEMA_KEY_MAX)), 8);
    expect_none(fixture, exact("account", "name", bytes_text("abc")));
    expect_none(fixture, exact_down("account", "name", bytes_of("\xff", 1)));
    expect_none(fixture, exact("account", "name", bytes_of("\0", 1)));

    struct buffer place = {0};
    struct id id;
    const struct query too_long = exact("account", "name", bytes_of(long_name, 97));
    const struct query no_field = exact("account", NULL, bytes_text("a"));
    fixture_look(fixture);
    assert_status(step(fixture->read, &too_long, &place, &id), INVALID_VALUE);
    assert_status(step(fixture->read, &no_field, &place, &id), INVALID_VALUE);
    fixture_done(fixture);
    buffer_release(&place);
}

static void changes_move_index_rows(void **state)
{
    struct fixture *fixture = *state;
    account(fixture, 1, bytes_text("one"));
    account(fixture, 2, bytes_text("two"));
    struct made *one = made_new(1, "account", account_scope(1), 1);
    made_text(one, "name", "one");
    struct made *renamed = made_copy(one);
    made_text(renamed, "name", "zero");
    made_text(renamed, "industry", "Forestry");
    made_seq(renamed, 3);
    fixture_begin(fixture);
    put(fixture->write, one, renamed);
    fixture_commit(fixture);
    expect(fixture, all("account", "name"), 2, 1);
    expect_none(fixture, exact("account", "name", bytes_text("one")));
    expect(fixture, exact("account", "industry", bytes_text("forestry")), 1);

    struct made *cleared = made_copy(renamed);
    made_clear(cleared, "industry");
    made_seq(cleared, 4);
    fixture_begin(fixture);
    put(fixture->write, renamed, cleared);
    fixture_commit(fixture);
    expect_none(fixture, all("account", "industry"));

    struct made *deleted = made_copy(cleared);
    deleted->record.deleted = true;
    made_seq(deleted, 5);
    fixture_begin(fixture);
    put(fixture->write, cleared, deleted);
    fixture_commit(fixture);
    expect(fixture, all("account", "name"), 2);
    expect(fixture, all("account", NULL), 2);

    fixture_begin(fixture);
    put(fixture->write, deleted, cleared);
    fixture_commit(fixture);
    expect(fixture, all("account", "name"), 2, 1);
    made_free(one);
    made_free(renamed);
    made_free(cleared);
    made_free(deleted);
}

static void common_and_custom_fields_are_indexed(void **state)
{
    struct fixture *fixture = *state;
    struct made *contact = made_new(1, "contact", account_scope(1), 1);
    struct made *machine = made_new(2, "machine", account_scope(1), 2);
    made_text(contact, "externalId", "X-1");
    made_text(contact, "description", "not indexed");
    made_text(machine, "externalId", "X-2");
    made_text(machine, "name", "Saw");
    made_text(machine, "colour", "red");
    fixture_begin(fixture);
    put(fixture->write, NULL, contact);
    put(fixture->write, NULL, machine);
    fixture_commit(fixture);
    expect(fixture, exact("contact", "externalId", bytes_text("x-1")), 1);
    expect_none(fixture, all("contact", "description"));
    expect(fixture, exact("machine", "externalId", bytes_text("x-2")), 2);
    expect(fixture, exact("machine", "name", bytes_text("saw")), 2);
    expect(fixture, all("machine", NULL), 2);
    expect_none(fixture, all("machine", "colour"));
    made_free(contact);
    made_free(machine);
}

/* A page ends at record 3; before the next is asked for, 3 is deleted and 4 renamed to the front.
 */
static void paging_goes_on_where_the_place_is_gone(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 1; i <= 6; i++) {
        const char name[] = {(char)('a' + i), 0};
        account(fixture, i, bytes_text(name));
    }
    const struct query up = all("account", "name"), down = all_down("account", "name");
    struct buffer rising = {0}, falling = {0};
    struct id id;
    fixture_look(fixture);
    for (unsigned i = 1; i <= 3; i++)
        assert_ok(step(fixture->read, &up, &rising, &id));
    for (unsigned i = 6; i >= 3; i--)
        assert_ok(step(fixture->read, &down, &falling, &id));
    assert_id(id, 3);
    fixture_done(fixture);

    struct made *three = made_new(3, "account", account_scope(3), 3);
    struct made *four = made_new(4, "account", account_scope(4), 4);
    made_text(three, "name", "d");
    made_text(four, "name", "e");
    struct made *gone = made_copy(three), *first = made_copy(four);
    gone->record.deleted = true;
    made_text(first, "name", "a");
    made_seq(gone, 7);
    made_seq(first, 8);
    fixture_begin(fixture);
    put(fixture->write, three, gone);
    put(fixture->write, four, first);
    fixture_commit(fixture);

    fixture_look(fixture);
    assert_ok(step(fixture->read, &up, &rising, &id));
    assert_id(id, 5);
    assert_ok(step(fixture->read, &down, &falling, &id));
    assert_id(id, 2);
    fixture_done(fixture);
    buffer_release(&rising);
    buffer_release(&falling);
    made_free(three);
    made_free(four);
    made_free(gone);
    made_free(first);
}

static enum status step_from(struct fixture *fixture, const struct query *query, const void *place,
                             size_t size)
{
    struct buffer at = {0};
    struct id id;
    buffer_append(&at, place, size);
    fixture_look(fixture);
    const enum status status = step(fixture->read, query, &at, &id);
    fixture_done(fixture);
    buffer_release(&at);
    return status;
}

static void hostile_places_are_refused(void **state)
{
    struct fixture *fixture = *state;
    account(fixture, 1, bytes_text("bruk"));
    account(fixture, 2, bytes_text("fjord"));
    const struct query by_name = all("account", "name"), by_id = all("account", NULL),
                       by_value = exact("account", "name", bytes_text("bruk")),
                       other = all("contact", "name");
    struct buffer place = {0};
    struct id id;
    fixture_look(fixture);
    assert_ok(step(fixture->read, &by_name, &place, &id));
    fixture_done(fixture);

    assert_ok(step_from(fixture, &by_name, place.data, place.size));
    assert_status(step_from(fixture, &by_value, place.data, place.size), NOT_FOUND);
    assert_status(step_from(fixture, &by_id, place.data, place.size), INVALID_VALUE);
    assert_status(step_from(fixture, &other, place.data, place.size), INVALID_VALUE);
    for (size_t size = 1; size < place.size; size++)
        assert_status(step_from(fixture, &by_name, place.data, size), INVALID_VALUE);
    buffer_append(&place, "\0", 1);
    assert_status(step_from(fixture, &by_name, place.data, place.size), INVALID_VALUE);

    uint8_t noise[1024];
    memset(noise, 0xff, sizeof noise);
    memcpy(noise, "account\0name\0", 13);
    for (size_t size = 1; size <= sizeof noise; size += 7)
        assert_status(step_from(fixture, &by_name, noise, size), INVALID_VALUE);
    /* The shape of one of this list's places that never was: goes on inside the list. */
    const char made_up[] = "account\0name\0c\0\0\0\0\0\0\0\1................";
    assert_ok(step_from(fixture, &by_name, made_up, sizeof made_up - 1));
    assert_status(step_from(fixture, &by_value, made_up, sizeof made_up - 1), INVALID_VALUE);
    buffer_release(&place);
}

static void interaction(struct fixture *fixture, unsigned number, struct scope scope, bool has_time,
                        int64_t ms)
{
    const char *field = schema_entity(bytes_text("interaction"))->timeline_field;
    struct made *made = made_new(number, "interaction", scope, number);
    if (has_time)
        made_time(made, field, ms);
    fixture_begin(fixture);
    put(fixture->write, NULL, made);
    fixture_commit(fixture);
    made_free(made);
}

static void expect_timeline(struct fixture *fixture, struct scope scope, const unsigned *expected,
                            size_t count)
{
    struct buffer place = {0};
    struct id id;
    fixture_look(fixture);
    const struct state read = fixture->read;
    for (size_t i = 0; i < count; i++) {
        assert_ok(read.ops->timeline_next(read.self, scope, &place, &id));
        assert_id(id, expected[i]);
    }
    assert_status(read.ops->timeline_next(read.self, scope, &place, &id), NOT_FOUND);
    fixture_done(fixture);
    buffer_release(&place);
}

static void timelines_are_newest_first(void **state)
{
    struct fixture *fixture = *state;
    struct scope last = account_scope(0);
    memset(last.id.octet, 0xff, ID_SIZE);
    interaction(fixture, 1, last, true, -86400000);
    interaction(fixture, 2, last, true, INT64_MAX);
    interaction(fixture, 3, last, true, 0);
    interaction(fixture, 4, last, false, 0); /* created at 1000 */
    interaction(fixture, 5, last, true, -1);
    interaction(fixture, 6, last, true, 1001);
    interaction(fixture, 7, account_scope(1), true, 5);
    interaction(fixture, 8, (struct scope){.kind = SCOPE_LIBRARY}, true, 5);
    account(fixture, 9, bytes_text("stands in no timeline"));
    const unsigned expected[] = {2, 6, 4, 3, 5, 1}, other[] = {7};
    expect_timeline(fixture, last, expected, 6);
    expect_timeline(fixture, account_scope(1), other, 1);
    expect_timeline(fixture, account_scope(2), NULL, 0);
    expect_timeline(fixture, (struct scope){.kind = SCOPE_LIBRARY}, NULL, 0);
}

/* Dates, and the creation where an entity says so, order a timeline as times do. */
static void every_timeline_field_orders(void **state)
{
    struct fixture *fixture = *state;
    const struct scope scope = account_scope(1);
    unsigned expected[64], count = 0;
    for (size_t i = 0; i < schema_entity_count(); i++) {
        const struct entity_def *entity = schema_entity_at(i);
        if (entity->timeline_field == NULL)
            continue;
        const unsigned number = 64 - ++count;
        const struct field_def *field = schema_field(entity, bytes_text(entity->timeline_field));
        struct made *made = made_new(number, entity->name, scope, number);
        const int64_t day = (int64_t)count * 86400000;
        char date[32];
        snprintf(date, sizeof date, "1970-01-%02u", count + 1);
        if (field != NULL && field->kind == KIND_DATE)
            made_text(made, field->name, date);
        else if (field != NULL && field->kind == KIND_TIME)
            made_time(made, field->name, day);
        else
            made->record.created.at_ms = (uint64_t)day;
        fixture_begin(fixture);
        put(fixture->write, NULL, made);
        fixture_commit(fixture);
        made_free(made);
        expected[64 - count] = number;
    }
    assert_true(count > 1 && count < 30);
    expect_timeline(fixture, scope, expected + 64 - count, count);
}

static void hostile_timeline_places_are_refused(void **state)
{
    struct fixture *fixture = *state;
    interaction(fixture, 1, account_scope(1), true, 5);
    interaction(fixture, 2, account_scope(1), true, 6);
    struct buffer place = {0};
    struct id id;
    fixture_look(fixture);
    const struct state read = fixture->read;
    assert_ok(read.ops->timeline_next(read.self, account_scope(1), &place, &id));
    assert_status(read.ops->timeline_next(read.self, account_scope(2), &place, &id), INVALID_VALUE);
    place.size--;
    assert_status(read.ops->timeline_next(read.self, account_scope(1), &place, &id), INVALID_VALUE);
    place.size++;
    buffer_append_byte(&place, 0);
    assert_status(read.ops->timeline_next(read.self, account_scope(1), &place, &id), INVALID_VALUE);
    place.size--;
    place.data[SCOPE_SIZE] ^= 0xff; /* a time that never was, before all */
    assert_status(read.ops->timeline_next(read.self, account_scope(1), &place, &id), NOT_FOUND);
    fixture_done(fixture);
    buffer_release(&place);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(lists_are_in_the_order_of_values),
        WITH_STORE(exact_finds_that_value_and_no_other),
        WITH_STORE(changes_move_index_rows),
        WITH_STORE(common_and_custom_fields_are_indexed),
        WITH_STORE(paging_goes_on_where_the_place_is_gone),
        WITH_STORE(hostile_places_are_refused),
        WITH_STORE(timelines_are_newest_first),
        WITH_STORE(every_timeline_field_orders),
        WITH_STORE(hostile_timeline_places_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every allocation of the store fails once. This program brings its own protocol/memory.h: the
 * n-th call gives NULL, all others work. Whatever was asked for then fails as NO_MEMORY, leaves
 * nothing behind, and works when asked again. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/memory.h"

static size_t calls_left; /* until the one that fails; 0: none does */
static bool failed;

static bool fails_now(void)
{
    if (calls_left == 0 || --calls_left > 0)
        return false;
    failed = true;
    return true;
}

void *memory_new(size_t size)
{
    return fails_now() ? NULL : calloc(1, size > 0 ? size : 1);
}

void *memory_resize(void *block, size_t size)
{
    return fails_now() ? NULL : realloc(block, size);
}

void memory_free(void *block)
{
    free(block);
}

void *memory_copy(const void *from, size_t size)
{
    char *copy = memory_new(size + 1);
    if (copy != NULL && size > 0)
        memcpy(copy, from, size);
    return copy;
}

/* Calls `attempt` with its first allocation failing, then its second, until none does any more. */
static void fail_each(struct fixture *fixture, enum status (*attempt)(struct fixture *fixture))
{
    size_t n = 0;
    do {
        assert_true(++n < 1000);
        failed = false;
        calls_left = n;
        const enum status status = attempt(fixture);
        calls_left = 0;
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
    } while (failed);
    assert_true(n > 1);
}

static enum status open_and_close(struct fixture *fixture)
{
    const struct store_options options = fixture_options(fixture);
    struct store *store;
    const enum status status = store_open(&options, &store, NULL);
    assert_true((status == STATUS_OK) == (store != NULL));
    store_close(store);
    return status;
}

static void opening(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    fail_each(fixture, open_and_close);
}

static enum status make_reader(struct fixture *fixture)
{
    struct store_reader *reader;
    const enum status status = store_reader_new(fixture->store, &reader);
    store_reader_free(reader);
    return status;
}

static enum status check(struct fixture *fixture)
{
    return store_check(fixture->store, NULL, NULL, NULL);
}

static void readers_and_checks(void **state)
{
    fail_each(*state, make_reader);
    fail_each(*state, check);
}

/* Writes one of everything in a store opened anew, whose buffers are empty. */
static enum status write_all(struct fixture *fixture)
{
    static struct made made;
    static uint64_t seq;
    struct record *record = &made.record;
    static const uint8_t name[] = {0xa2, 'a', 'b'};
    seq++;
    *record = (struct record){.id = id_number((unsigned)seq),
                              .entity = bytes_text("account"),
                              .scope = account_scope(1),
                              .seq = seq,
                              .created = {.by = bytes_text("kari")},
                              .stamp_count = 1,
                              .field_count = 1};
    record->fields[0] =
        (struct record_field){.name = bytes_text("name"), .value = bytes_of(name, 3)};
    assert_ok(store_write_begin(fixture->store, &fixture->write));
    const struct state write = fixture->write;
    enum status status = write.ops->put_record(write.self, NULL, record);
    if (status == STATUS_OK)
        status = write.ops->put_client(write.self, bytes_text("key"), bytes_text("value"));
    if (status == STATUS_OK)
        status = write.ops->audit(write.self, bytes_text("entry"));
    if (status == STATUS_OK)
        return store_write_commit(fixture->store);
    store_write_abort(fixture->store);
    return status;
}

static enum status write_anew(struct fixture *fixture)
{
    const size_t wanted = calls_left;
    calls_left = 0;
    fixture_close(fixture);
    fixture_open(fixture, false);
    calls_left = wanted;
    const enum status status = write_all(fixture);
    calls_left = 0;
    assert_ok(write_all(fixture)); /* not poisoned */
    return status;
}

static void writing(void **state)
{
    fail_each(*state, write_anew);
}

static enum status walk(struct fixture *fixture)
{
    struct buffer place = {0};
    struct id id;
    fixture_look(fixture);
    const enum status status =
        fixture->read.ops->index_next(fixture->read.self, bytes_text("account"), bytes_text("name"),
                                      (struct bytes){0}, false, &place, &id);
    fixture_done(fixture);
    buffer_release(&place);
    return status;
}

static void walking(void **state)
{
    assert_ok(write_all(*state));
    fail_each(*state, walk);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(opening),
        WITH_STORE(readers_and_checks),
        WITH_STORE(writing),
        WITH_STORE(walking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

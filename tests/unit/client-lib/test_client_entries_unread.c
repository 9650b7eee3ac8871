/* An outbox that cannot be read whole for a while, or for good: what this handle writes is not kept
 * for a comparison that cannot be made, and the whole is not looked at again with every change. */
#include "client_world.h"

#include "tests/survival/faults/failing_calls.h"

/* Above what is remembered of own changes before it is worth looking: each note makes two traces.
 */
#define NOTES 640u
#define TRACES_MOST 1100u

static struct {
    unsigned fail; /* so many looks from now on */
    unsigned looks;
} reading;

enum status __real_outbox_store_traces(struct outbox_store *store, struct buffer *out, bool *alone);
enum status __wrap_outbox_store_traces(struct outbox_store *store, struct buffer *out, bool *alone);

enum status __wrap_outbox_store_traces(struct outbox_store *store, struct buffer *out, bool *alone)
{
    reading.looks++;
    if (reading.fail == 0)
        return __real_outbox_store_traces(store, out, alone);
    reading.fail--;
    return STATUS_NO_MEMORY;
}

static void begin(struct world *world, unsigned fail)
{
    reading.fail = fail;
    reading.looks = 0;
    failing_plan()->skip_flush = 1; /* it needs no disk */
    open_client(world, true);
    assert_int_equal(reading.looks, 1);
}

static void write_notes(struct world *world)
{
    OUTCOMES(1);
    for (unsigned i = 0; i < NOTES; i++) {
        assert_ok(send_note(world, "mine", &outcomes[0]));
        assert_true(outbox_store_written(world->client->store) <= TRACES_MOST);
    }
}

static void one_failure_is_made_up_for_by_the_next_look(void **state)
{
    struct world *world = *state;
    begin(world, 1);
    assert_true(world->client->entries.unknown);
    write_notes(world);
    assert_false(world->client->entries.unknown);
    assert_int_equal(reading.looks, 2);
}

static void what_can_never_be_read_is_not_looked_at_each_time(void **state)
{
    struct world *world = *state;
    begin(world, UINT32_MAX);
    write_notes(world);
    assert_true(world->client->entries.unknown);
    assert_int_equal(reading.looks, 2);
}

static void what_cannot_be_read_any_more_is_not_looked_at_each_time(void **state)
{
    struct world *world = *state;
    begin(world, 0);
    assert_false(world->client->entries.unknown);
    reading.fail = UINT32_MAX;
    write_notes(world);
    assert_true(world->client->entries.unknown);
    assert_int_equal(reading.looks, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_failure_is_made_up_for_by_the_next_look),
        TEST(what_can_never_be_read_is_not_looked_at_each_time),
        TEST(what_cannot_be_read_any_more_is_not_looked_at_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every allocation fails once: nothing crashes or leaks, what is told as done is done, and the same
 * work succeeds afterwards. */
#include "support.h"

#include "client-lib/base/mutation.h"
#include "client-lib/outbox/outbox.h"
#include "client-lib/sync/sync.h"
#include "tests/survival/faults/failing_memory.h"

static bool build_mutation(void *context)
{
    struct outbox outbox = {.next_number = 1};
    struct outbox_entry *entry = NULL;
    struct buffer changes = {0};
    tandem_mutation *mutation = tandem_mutation_new();
    (void)context;
    if (mutation == NULL)
        return false;
    tandem_code code = tandem_create(mutation, "note", NULL);
    if (code == TANDEM_OK)
        code = tandem_set_text(mutation, "text", "something to keep");
    if (code == TANDEM_OK)
        code = tandem_set_kind(mutation, "custom", "tags", "a, b");
    if (code == TANDEM_OK)
        code = tandem_add_audience(mutation, "internal");
    if (code == TANDEM_OK)
        code = (tandem_code)mutation_encode(mutation, NULL, &changes, NULL);
    if (code == TANDEM_OK)
        code = (tandem_code)outbox_add(&outbox, &changes, 0, false, NULL, NULL, &entry);
    bool done = code == TANDEM_OK && outbox_frame(&outbox, entry).size > 0;
    if (code != TANDEM_OK)
        assert_int_equal(code, STATUS_NO_MEMORY);
    outbox_entry_free(outbox_take(&outbox));
    buffer_release(&changes);
    tandem_mutation_free(mutation);
    return done;
}

static void a_mutation_is_built_whole_or_refused(void **state)
{
    (void)state;
    failing_memory_each(build_mutation, NULL);
}

static bool tell_record(void *context)
{
    const struct buffer *encoded = context;
    struct tandem_record record;
    bool done = false;
    if (!record_init(&record, buffer_bytes(encoded), NULL))
        return false;
    char *json = tandem_record_json(&record);
    const char *title = tandem_record_title(&record);
    done = json != NULL && tandem_record_text(&record, "text") != NULL &&
           tandem_record_audience(&record, 0) != NULL &&
           tandem_record_field_name(&record, 0) != NULL;
    assert_non_null(title);
    tandem_free(json);
    record_release(&record);
    return done;
}

static void a_record_tells_nothing_rather_than_half(void **state)
{
    (void)state;
    struct buffer encoded = {0};
    put_record(&encoded, &(struct made){.id = 1, .name = "A note"});
    failing_memory_each(tell_record, &encoded);
    buffer_release(&encoded);
}

struct world {
    struct replica *replica;
    struct sync sync;
    struct message message;
    unsigned told, expected;
};

static enum status take_message(void *context, const struct message *message)
{
    struct buffer frame = {0};
    (void)context;
    message_encode(&frame, message);
    enum status status = frame.failed ? STATUS_NO_MEMORY : STATUS_OK;
    buffer_release(&frame);
    return status;
}

static void count_event(void *context, const struct sync_event *event)
{
    (void)event;
    ((struct world *)context)->told++;
}

static const struct id epoch = {{1}};

static void begin(struct world *world)
{
    const struct sync_port port = {world, take_message, count_event};
    sync_init(&world->sync, sync_store_replica(), world->replica, &port);
    world->told = 0;
}

/* Subscribes and applies a message that removes one record and stores two. */
static bool follow(void *context)
{
    struct world *world = context;
    uint64_t cursor = replica_cursor(world->replica);
    begin(world);
    world->message.as.changes.from = cursor;
    world->message.as.changes.to = cursor + 1;
    enum status status = sync_want(&world->sync, NULL, 0);
    if (status == STATUS_OK)
        status = sync_start(&world->sync, epoch, 16);
    world->told = 0;
    if (status == STATUS_OK)
        status = sync_message(&world->sync, &world->message);
    /* The cursor and the events go together. An acknowledgement that fails comes after both. */
    assert_int_equal(replica_cursor(world->replica), cursor + (world->told > 0));
    assert_true(world->told == 0 || world->told == world->expected);
    if (status != STATUS_OK)
        assert_int_equal(status, STATUS_NO_MEMORY);
    sync_release(&world->sync);
    return status == STATUS_OK;
}

static void the_replica_follows_or_stays(void **state)
{
    (void)state;
    const struct made made[] = {{.id = 1, .seq = 1}, {.id = 2, .seq = 2}};
    const unsigned removed[] = {1};
    struct world world = {.message = {.type = MESSAGE_CHANGES}};
    struct buffer records = {0}, ids = {0};
    struct fake_port port;
    char *folder = folder_new();
    fake_port_init(&port);
    assert_ok(replica_open(folder, 0, &port.port, &world.replica, NULL));
    world.message.as.changes.records = records_of(&records, made, 2);
    world.expected = 2;
    assert_true(follow(&world)); /* so that there is one to remove */
    world.expected = 3;
    world.message.as.changes.removed = ids_of(&ids, removed, 1);
    failing_memory_each(follow, &world);
    replica_close(world.replica);
    buffer_release(&records);
    buffer_release(&ids);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutation_is_built_whole_or_refused),
        cmocka_unit_test(a_record_tells_nothing_rather_than_half),
        cmocka_unit_test(the_replica_follows_or_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

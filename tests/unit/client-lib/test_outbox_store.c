/* The outbox's file: what is queued survives, numbers and answers are stored, and nothing that was
 * typed is lost by what happens to it. */
#include "outbox_world.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "client-lib/storage/environment.h"

static void what_was_queued_is_there_again(void **state)
{
    struct world *world = *state;
    struct id client = outbox_store_client(world->store);
    uint64_t first = queue(world, "create", 1, "one");
    uint64_t second = queue(world, "update", 2, "two");
    struct copy before = entry(world, second);
    assert_true(second > first);
    open_again(world);
    assert_true(id_equal(client, outbox_store_client(world->store)));
    assert_int_equal(count(world, TANDEM_ENTRY_WAITING), 2);
    struct copy after = entry(world, second);
    assert_string_equal(before.changes, after.changes);
    assert_int_equal(after.item.base, 40);
    assert_int_equal(after.item.at_ms, 1234);
    assert_int_equal(after.seen.seq, 7);
    assert_true(after.seen.fields.size > 0);
    struct orders orders = all(world, 0);
    assert_int_equal(orders.count, 2);
    assert_int_equal(orders.order[0], first);
    assert_int_equal(orders.order[1], second);
    /* A number is never given again, also when the entry it named is gone. */
    assert_ok(outbox_store_drop(world->store, second));
    open_again(world);
    assert_true(queue(world, "create", 3, "three") > second);
}

static void numbers_are_stored_before_they_are_sent(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 3; i++)
        queue(world, "create", i, "text");
    assert_ok(outbox_store_start(world->store, 41));
    struct frames first = {.stop_at = 1};
    assert_ok(outbox_store_send(world->store, 1, LIMIT_IN_FLIGHT, take_frame, &first));
    assert_int_equal(first.count, 1); /* the link broke after one */
    open_again(world);                /* and the process ended */
    assert_int_equal(count(world, TANDEM_ENTRY_SENT), 3);
    assert_ok(outbox_store_start(world->store, 42)); /* the server has it */
    struct frames again = send_from(world, 1);
    assert_int_equal(again.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(again.number[i], 42 + i);
    assert_true(bytes_equal(buffer_bytes(&first.frame[0]), buffer_bytes(&again.frame[0])));
    assert_int_equal(again.answered[0], 41);
    release(&first);
    release(&again);
    /* From a number on: what is not sent yet on this connection. */
    again = send_from(world, 44);
    assert_int_equal(again.count, 1);
    release(&again);
}

static void a_number_is_given_at_once_when_nothing_waits_before(void **state)
{
    struct world *world = *state;
    uint64_t order = queue_as(world, TANDEM_ENTRY_SENT, "create", 1, "text", 0);
    assert_int_equal(entry(world, order).item.state, TANDEM_ENTRY_WAITING); /* never signed in */
    assert_ok(outbox_store_start(world->store, 0));
    order = queue_as(world, TANDEM_ENTRY_SENT, "create", 2, "text", 0);
    assert_int_equal(entry(world, order).item.state, TANDEM_ENTRY_WAITING); /* behind the first */
    assert_int_equal(send_all(world), 2);
    order = queue_as(world, TANDEM_ENTRY_SENT, "create", 3, "text", 0);
    assert_int_equal(entry(world, order).item.number, 3);
}

static void no_more_than_a_window_is_under_way(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= LIMIT_IN_FLIGHT + 5; i++)
        queue(world, "create", i, "text");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), LIMIT_IN_FLIGHT);
    assert_int_equal(count(world, TANDEM_ENTRY_WAITING), 5);
    (void)answer(world, 1, STATUS_OK, 100);
    (void)answer(world, 2, STATUS_OK, 101);
    struct frames more = send_from(world, LIMIT_IN_FLIGHT + 1);
    assert_int_equal(more.count, 2);
    assert_int_equal(more.number[0], LIMIT_IN_FLIGHT + 1);
    assert_int_equal(more.answered[0], 2);
    release(&more);
}

static void an_answer_is_recorded_once(void **state)
{
    struct world *world = *state;
    uint64_t first = queue(world, "create", 1, "text");
    uint64_t second = queue(world, "update", 2, "text");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    assert_int_equal(answer(world, 1, STATUS_OK, 50).count, 1);
    open_again(world);
    assert_int_equal(answer(world, 1, STATUS_OK, 50).count, 0);
    assert_int_equal(answer(world, 77, STATUS_OK, 50).count, 0);
    assert_int_equal(entry(world, first).item.state, TANDEM_ENTRY_ACCEPTED);
    assert_int_equal(entry(world, first).item.seq, 50);
    assert_int_equal(answer(world, 2, STATUS_INVALID_VALUE, 0).count, 1);
    open_again(world);
    struct copy refused = entry(world, second);
    assert_int_equal(refused.item.state, TANDEM_ENTRY_REFUSED);
    assert_int_equal(refused.item.status, STATUS_INVALID_VALUE);
    assert_string_equal(refused.detail, "why");
    /* What the replica shows is done with; what was refused stays. */
    assert_ok(outbox_store_shown(world->store, 49));
    assert_int_equal(outbox_store_count(world->store, 0), 2);
    assert_ok(outbox_store_shown(world->store, 50));
    assert_int_equal(outbox_store_count(world->store, 0), 1);
    struct orders over = {.count = 0};
    assert_ok(outbox_store_over(world->store, id_of(1), note_order, &over));
    assert_int_equal(over.count, 0);
    assert_ok(outbox_store_over(world->store, id_of(2), note_order, &over));
    assert_int_equal(over.count, 1);
}

/* Queues it again as it is. */
static void again(struct world *world, uint64_t order, const char *text)
{
    struct buffer changes = {0};
    put_change(&changes, "update", 5, text, 0);
    const struct outbox_item item = {.changes = buffer_bytes(&changes), .base = 40, .at_ms = 1234};
    assert_ok(outbox_store_again(world->store, order, &item));
    buffer_release(&changes);
}

/* What was typed first is sent first, whichever was tried again first. */
static void tried_again_it_keeps_its_place(void **state)
{
    struct world *world = *state;
    uint64_t old = queue(world, "update", 5, "old");
    uint64_t new = queue(world, "update", 5, "new");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    (void)answer(world, 1, STATUS_DENIED, 0);
    (void)answer(world, 2, STATUS_DENIED, 0);
    again(world, old, "old");
    open_again(world); /* the process ended in between */
    assert_int_equal(entry(world, old).item.state, TANDEM_ENTRY_WAITING);
    assert_int_equal(entry(world, old).item.status, STATUS_OK);
    assert_int_equal(send_all(world), 1);
    (void)answer(world, 3, STATUS_DENIED, 0);
    again(world, new, "new");
    again(world, old, "old");
    assert_int_equal(send_all(world), 2);
    assert_int_equal(entry(world, old).item.number, 4);
    assert_int_equal(entry(world, new).item.number, 5);
    assert_int_equal(outbox_store_again(world->store, old, &(struct outbox_item){.order = 0}),
                     STATUS_BUSY);
}

/* One that was typed later is under way already: frames go by their numbers all the same, and so do
 * the readers of a record. */
static void tried_again_it_goes_behind_what_was_sent(void **state)
{
    struct world *world = *state;
    struct orders over = {.count = 0};
    uint64_t old = queue(world, "update", 5, "old");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 1);
    (void)answer(world, 1, STATUS_DENIED, 0);
    uint64_t new = queue_as(world, TANDEM_ENTRY_SENT, "update", 5, "new", 0);
    assert_int_equal(entry(world, new).item.number, 2);
    again(world, old, "old");
    for (int sent = 0; sent < 2; sent++) {
        over.count = 0;
        assert_ok(outbox_store_over(world->store, id_of(5), note_order, &over));
        assert_int_equal(over.count, 2);
        assert_int_equal(over.order[0], new);
        assert_int_equal(over.order[1], old);
        struct frames frames = send_from(world, 1);
        assert_int_equal(frames.count, 2);
        assert_int_equal(frames.number[0], 2);
        assert_int_equal(frames.number[1], 3);
        release(&frames);
        open_again(world);
    }
    (void)answer(world, 2, STATUS_OK, 70);
    (void)answer(world, 3, STATUS_OK, 71);
    over.count = 0;
    assert_ok(outbox_store_over(world->store, id_of(5), note_order, &over));
    assert_int_equal(over.order[1], old);
}

static void what_the_server_did_not_note_waits_again(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 3; i++)
        queue(world, "create", i, "text");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 3);
    const struct outbox_answer answers[] = {
        {.number = 1, .status = STATUS_OK, .seq = 9, .change = -1},
        {.number = 2, .status = STATUS_BUSY, .change = -1, .detail = bytes_text("hold on")},
        {.number = 3, .status = STATUS_NUMBER_GAP, .change = -1}};
    struct orders told = {.count = 0};
    assert_ok(outbox_store_record(world->store, answers, 3, 1, note_order, &told));
    assert_int_equal(told.count, 2);
    struct copy busy = entry(world, 2);
    assert_int_equal(busy.item.state, TANDEM_ENTRY_WAITING);
    assert_int_equal(busy.item.status, STATUS_BUSY);
    assert_string_equal(busy.detail, "hold on");
    assert_int_equal(entry(world, 3).item.number, 0);
    assert_ok(outbox_store_drop(world->store, 2)); /* the server does not have it */
    struct frames again = send_from(world, 1);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.number[0], 2);
    release(&again);
}

static void a_restored_server_gets_new_numbers(void **state)
{
    struct world *world = *state;
    assert_ok(outbox_store_start(world->store, 10));
    queue(world, "create", 1, "text");
    queue(world, "create", 2, "text");
    assert_int_equal(send_all(world), 2);
    open_again(world);
    assert_ok(outbox_store_start(world->store, 4));
    struct frames again = send_from(world, 1);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.number[0], 5);
    assert_int_equal(again.number[1], 6);
    assert_int_equal(again.answered[0], 4);
    release(&again);
}

static void another_client_id_numbers_from_the_start(void **state)
{
    struct world *world = *state;
    struct id before = outbox_store_client(world->store);
    queue(world, "create", 1, "text");
    assert_ok(outbox_store_start(world->store, 10));
    assert_int_equal(send_all(world), 1);
    world->port.now++;
    assert_ok(outbox_store_new_client(world->store, &world->port.port));
    assert_false(id_equal(before, outbox_store_client(world->store)));
    open_again(world);
    assert_int_equal(count(world, TANDEM_ENTRY_WAITING), 1);
    assert_ok(outbox_store_start(world->store, 0));
    struct frames again = send_from(world, 1);
    assert_int_equal(again.number[0], 1);
    release(&again);
}

static void what_is_under_way_cannot_be_dropped(void **state)
{
    struct world *world = *state;
    uint64_t order = queue(world, "create", 1, "text");
    assert_int_equal(outbox_store_drop(world->store, 99), STATUS_NOT_FOUND);
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 1);
    assert_int_equal(outbox_store_drop(world->store, order), STATUS_BUSY);
    assert_int_equal(outbox_store_replace(world->store, order, NULL, 0, NULL), STATUS_BUSY);
    (void)answer(world, 1, STATUS_DENIED, 0);
    assert_ok(outbox_store_drop(world->store, order));
    open_again(world);
    assert_int_equal(outbox_store_count(world->store, 0), 0);
}

static void notes_and_settings_are_kept(void **state)
{
    struct world *world = *state;
    struct buffer text = {0};
    assert_int_equal(outbox_store_note(world->store, "wish", &text), STATUS_NOT_FOUND);
    assert_ok(outbox_store_set_note(world->store, "wish", bytes_text("all")));
    assert_ok(outbox_store_set_paused(world->store, true));
    assert_ok(outbox_store_set_user(world->store, id_of(5), bytes_text("kari")));
    open_again(world);
    assert_ok(outbox_store_note(world->store, "wish", &text));
    assert_true(bytes_is(buffer_bytes(&text), "all"));
    buffer_clear(&text);
    assert_ok(outbox_store_user_name(world->store, &text));
    assert_true(bytes_is(buffer_bytes(&text), "kari"));
    assert_true(outbox_store_paused(world->store));
    assert_true(id_equal(outbox_store_user(world->store), id_of(5)));
    buffer_release(&text);
}

/* ---- Files that are not as they should be ---- */

static void spoil(struct world *world, const char *with, size_t size)
{
    char path[512];
    outbox_store_close(world->store);
    world->store = NULL;
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, with, size, 0), size);
    assert_int_equal(pwrite(fd, with, size, 4096), size);
    close(fd);
}

static void a_damaged_file_is_set_aside(void **state)
{
    struct world *world = *state;
    queue(world, "create", 1, "typed by hand");
    for (int i = 1; i <= 2; i++) {
        char expected[32];
        spoil(world, "this is no database at all, and never was one", 45);
        assert_ok(try_open(world, NULL));
        snprintf(expected, sizeof expected, "outbox.mdb.damaged-%d", i);
        assert_true(bytes_is(buffer_bytes(&world->damaged), expected));
        assert_int_equal(outbox_store_count(world->store, 0), 0);
    }
    assert_true(file_has(world, "outbox.mdb.damaged-1", "typed by hand"));
    queue(world, "create", 2, "goes on");
    open_again(world);
    assert_int_equal(world->damaged.size, 0);
    assert_int_equal(outbox_store_count(world->store, 0), 1);
}

/* Puts a value into a table behind the store's back. */
static void put_raw(struct world *world, unsigned table, struct bytes key, struct bytes value)
{
    static const char *const tables[] = {"meta", "entries", "touched", "states"};
    const struct environment_layout layout = {
        .file = "outbox.mdb", .tables = tables, .table_count = 4, .map_bytes = (size_t)1 << 30};
    struct environment environment;
    MDB_txn *txn;
    outbox_store_close(world->store);
    world->store = NULL;
    assert_ok(environment_open(world->folder, &layout, &environment));
    assert_ok(environment_write(&environment, &txn));
    assert_ok(environment_put(txn, environment.table[table], key, value, 0));
    assert_ok(environment_commit(txn));
    environment_close(&environment);
}

static void an_entry_that_is_none_makes_it_damaged(void **state)
{
    struct world *world = *state;
    uint8_t key[8];
    put_u64(key, queue(world, "create", 1, "text"));
    put_raw(world, 1, bytes_of(key, sizeof key), bytes_text("nonsense"));
    assert_ok(try_open(world, NULL));
    assert_true(world->damaged.size > 0);
    assert_int_equal(outbox_store_count(world->store, 0), 0);
}

static void put_format(struct world *world, uint32_t number)
{
    uint8_t format[4];
    put_u32(format, number);
    put_raw(world, 0, bytes_text("format"), bytes_of(format, 4));
}

static void a_newer_file_is_left_alone(void **state)
{
    struct world *world = *state;
    tandem_fault fault;
    put_format(world, 3);
    assert_int_equal(try_open(world, &fault), STATUS_FORMAT_VERSION);
    assert_null(strstr(fault.detail, "wait"));
    put_format(world, 1);
    assert_ok(try_open(world, NULL));
    queue(world, "create", 1, "text");
    queue(world, "create", 2, "text");
    put_format(world, 3);
    assert_int_equal(try_open(world, &fault), STATUS_FORMAT_VERSION);
    assert_int_equal(world->damaged.size, 0);
    assert_non_null(strstr(fault.detail, "2 changes wait"));
    put_format(world, 1);
    assert_ok(try_open(world, NULL));
    assert_int_equal(outbox_store_count(world->store, 0), 2);
}

static void keys_of_a_later_library_are_kept(void **state)
{
    struct world *world = *state;
    struct buffer changes = {0}, before = {0}, after = {0};
    struct outbox_item item = {.state = TANDEM_ENTRY_WAITING, .change = -1};
    struct bytes value;
    put_change(&changes, "create", 1, "text", 0);
    item.changes = buffer_bytes(&changes);
    outbox_entry_encode(&before, &item, (struct bytes){0});
    /* One pair more. */
    put_u32(before.data + 1, get_u32(before.data + 1) + 1);
    wire_put_text(&before, "later");
    wire_put_uint(&before, 77);
    assert_true(outbox_entry_decode(buffer_bytes(&before), 1, &item));
    item.state = TANDEM_ENTRY_SENT;
    item.number = 5;
    outbox_entry_encode(&after, &item, buffer_bytes(&before));
    assert_true(outbox_entry_decode(buffer_bytes(&after), 1, &item));
    assert_true(wire_map_find(buffer_bytes(&after), "later", &value));
    assert_int_equal(item.number, 5);
    buffer_release(&changes);
    buffer_release(&before);
    buffer_release(&after);
    (void)world;
}

/* ---- Other processes ---- */

static bool queue_inside(void *context, const struct outbox_item *item)
{
    struct world *world = context;
    if (item->order == 1) {
        queue(world, "create", 50, "while somebody reads");
        assert_ok(outbox_store_drop(world->store, 2));
    }
    return true;
}

static void what_is_held_stays_the_same(void **state)
{
    struct world *world = *state;
    queue(world, "create", 1, "one");
    queue(world, "create", 2, "two");
    assert_ok(outbox_store_hold(world->store));
    assert_ok(outbox_store_each(world->store, 0, queue_inside, world));
    assert_int_equal(all(world, 0).count, 2);
    assert_int_equal(entry(world, 2).item.order, 2);
    outbox_store_release(world->store);
    struct orders now = all(world, 0);
    assert_int_equal(now.count, 2);
    assert_int_equal(now.order[1], 3);
}

static void another_process_is_noticed(void **state)
{
    struct world *world = *state;
    bool changed = true;
    queue(world, "create", 1, "ours");
    assert_ok(outbox_store_look(world->store, &changed));
    assert_false(changed);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct outbox_store *theirs = NULL;
        struct buffer damaged = {0};
        if (outbox_store_open(world->folder, &world->port.port, &theirs, &damaged, NULL) !=
            STATUS_OK)
            _exit(1);
        world->store = theirs;
        queue(world, "create", 2, "theirs");
        outbox_store_close(theirs);
        _exit(0);
    }
    int ended = 1;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    queue(world, "create", 3, "ours");
    assert_ok(outbox_store_look(world->store, &changed));
    assert_true(changed);
    assert_ok(outbox_store_look(world->store, &changed));
    assert_false(changed);
    assert_int_equal(outbox_store_count(world->store, 0), 3);
}

/* ---- States ---- */

static void states_move_as_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(outbox_state_answered(STATUS_OK), TANDEM_ENTRY_ACCEPTED);
    assert_int_equal(outbox_state_answered(STATUS_CONFLICT), TANDEM_ENTRY_CONFLICT);
    assert_int_equal(outbox_state_answered(STATUS_READ_ONLY), TANDEM_ENTRY_WAITING);
    assert_int_equal(outbox_state_answered(STATUS_NUMBER_GAP), TANDEM_ENTRY_WAITING);
    assert_int_equal(outbox_state_answered(STATUS_NUMBER_FORGOTTEN), TANDEM_ENTRY_REFUSED);
    assert_false(outbox_state_may(TANDEM_ENTRY_SENT, OUTBOX_GONE));
    assert_false(outbox_state_may(TANDEM_ENTRY_ACCEPTED, TANDEM_ENTRY_WAITING));
    assert_false(outbox_state_may(TANDEM_ENTRY_REFUSED, TANDEM_ENTRY_WAITING));
    assert_true(outbox_state_may(TANDEM_ENTRY_WAITING, OUTBOX_GONE));
    assert_false(outbox_state_may(-1, 0));
    assert_false(outbox_state_may(0, OUTBOX_GONE + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_queued_is_there_again),
        TEST(numbers_are_stored_before_they_are_sent),
        TEST(a_number_is_given_at_once_when_nothing_waits_before),
        TEST(no_more_than_a_window_is_under_way),
        TEST(an_answer_is_recorded_once),
        TEST(tried_again_it_keeps_its_place),
        TEST(tried_again_it_goes_behind_what_was_sent),
        TEST(what_the_server_did_not_note_waits_again),
        TEST(a_restored_server_gets_new_numbers),
        TEST(another_client_id_numbers_from_the_start),
        TEST(what_is_under_way_cannot_be_dropped),
        TEST(notes_and_settings_are_kept),
        TEST(a_damaged_file_is_set_aside),
        TEST(an_entry_that_is_none_makes_it_damaged),
        TEST(a_newer_file_is_left_alone),
        TEST(keys_of_a_later_library_are_kept),
        TEST(what_is_held_stays_the_same),
        TEST(another_process_is_noticed),
        cmocka_unit_test(states_move_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

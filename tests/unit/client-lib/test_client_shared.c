/* A handle whose folder another process has as well: what it tells, what it hears, when it keeps
 * the replica up to date, and over which connection. */
#include "client_world.h"
#include "shared_world.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void wait_for_connection(struct world *world, unsigned number)
{
    for (unsigned i = 0; server.opened < number; i++) {
        assert_true(i < TURNS_MOST);
        turn(world);
    }
}

/* ---- Leading ---- */

static void what_is_applied_is_told_to_the_others(void **state)
{
    struct world *world = *state;
    const unsigned removed[] = {8};
    struct message changes = {.type = MESSAGE_CHANGES};
    struct message caught_up = {.type = MESSAGE_CAUGHT_UP};
    struct buffer list = {0};
    open_client(world, true);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    peer_start(&peer, world->folder, NULL);
    sign_in(world, 0);
    peer_ask(&peer, "lead", "following");
    say_changes(0, 3, 8);
    assert_ok(tandem_service(world->client));
    peer_expect(&peer, "news 8 3");
    changes.as.changes.from = 3;
    changes.as.changes.to = 4;
    changes.as.changes.removed = ids_of(&list, removed, 1);
    message_mark(&changes, "removed");
    say(&changes);
    caught_up.as.caught_up.seq = 4;
    say(&caught_up);
    assert_ok(tandem_service(world->client));
    peer_expect(&peer, "news 8 4");
    peer_expect(&peer, "caught-up 4");
    buffer_release(&list);
}

static bool lock_file_has(const struct world *world, struct id id)
{
    static uint8_t bytes[1 << 17];
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/lock", world->folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    return memmem(bytes, size, id.octet, ID_SIZE) != NULL;
}

static void what_was_told_of_a_purged_account_is_gone_when_the_purge_is_told(void **state)
{
    struct world *world = *state;
    const struct scope purged[] = {account_of(1)};
    struct message changes = {.type = MESSAGE_CHANGES};
    struct buffer list = {0};
    open_client(world, true);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    peer_start(&peer, world->folder, NULL);
    sign_in(world, 0);
    say_changes(0, 3, 8);
    assert_ok(tandem_service(world->client));
    peer_expect(&peer, "news 8 3");
    assert_true(lock_file_has(world, id_of(8)));
    changes.as.changes.from = 3;
    changes.as.changes.to = 4;
    changes.as.changes.purged = scopes_of(&list, purged, 1);
    message_mark(&changes, "purged");
    say(&changes);
    (void)wait_for(world, TANDEM_EVENT_PURGED);
    assert_false(lock_file_has(world, id_of(8)));
    peer_expect(&peer, "purged 1 4");
    buffer_release(&list);
}

static void one_that_cannot_sign_in_leaves_leading_to_others(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    connect_with(world, &usual);
    peer_start(&peer, world->folder, NULL);
    peer_ask(&peer, "lead", "following");
    say_error("sign-in-failed", 0, 0);
    hang_up(4001);
    assert_int_equal(tandem_service(world->client), STATUS_SIGN_IN_FAILED);
    peer_expect(&peer, "leads");
}

static void one_that_disconnects_leaves_leading_to_others(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    sign_in(world, 0);
    peer_start(&peer, world->folder, NULL);
    peer_ask(&peer, "lead", "following");
    tandem_disconnect(world->client);
    peer_expect(&peer, "leads");
}

/* ---- Following ---- */

static void begin_to_follow(struct world *world, uint64_t last_number)
{
    peer_start(&peer, world->folder, NULL);
    peer_ask(&peer, "lead", "leading");
    assert_ok(tandem_connect(world->client, &usual, NULL));
    assert_ok(tandem_service(world->client));
    struct id id = expect_sent(MESSAGE_HELLO)->as.hello.client;
    assert_false(id_is_zero(id));
    assert_false(id_equal(id, outbox_store_client(world->client->store)));
    say_welcome(last_number, NULL);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
}

static void who_follows_neither_subscribes_nor_sends_until_its_turn(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    open_client(world, true);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    begin_to_follow(world, 0);
    assert_ok(send_note(world, "waits", &outcomes[0]));
    assert_ok(tandem_service(world->client));
    expect_nothing_sent();
    peer_end(&peer, SIGKILL);
    wait_for_connection(world, 2);
    assert_true(expect_sent(MESSAGE_GOODBYE)->as.goodbye.forget);
    assert_true(id_equal(expect_sent(MESSAGE_HELLO)->as.hello.client,
                         outbox_store_client(world->client->store)));
    (void)wait_for(world, TANDEM_EVENT_RELOAD); /* who knows what was not told */
    say_welcome(0, NULL);
    assert_ok(tandem_service(world->client));
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 1);
    (void)expect_sent(MESSAGE_SUBSCRIBE);
    say_result(1, "ok", 5);
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[0].calls, 1);
    assert_ok(outcomes[0].code);
    for (size_t i = 0; i < world->told_count; i++)
        assert_int_not_equal(world->told[i].kind, TANDEM_EVENT_DISCONNECTED);
}

static void take_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    (void)answer;
    *(tandem_code *)context = fault->code;
}

static void what_was_asked_is_answered_before_the_connection_is_moved(void **state)
{
    struct world *world = *state;
    tandem_code code = -1;
    open_client(world, true);
    begin_to_follow(world, 0);
    assert_ok(tandem_ask_status(world->client, take_answer, &code));
    uint64_t request = expect_sent(MESSAGE_STATUS)->as.status.request;
    peer_end(&peer, SIGKILL);
    (void)wait_for(world, TANDEM_EVENT_RELOAD); /* told as it begins to lead */
    turn(world);
    expect_nothing_sent();
    say_error("not-found", request, 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(code, STATUS_NOT_FOUND);
    (void)expect_sent(MESSAGE_GOODBYE);
    wait_for_connection(world, 2);
    assert_true(id_equal(expect_sent(MESSAGE_HELLO)->as.hello.client,
                         outbox_store_client(world->client->store)));
}

static void closing_before_it_is_moved_leaves_the_folders_numbers_alone(void **state)
{
    struct world *world = *state;
    tandem_code code = -1;
    open_client(world, true);
    begin_to_follow(world, 0);
    assert_ok(tandem_ask_status(world->client, take_answer, &code));
    (void)expect_sent(MESSAGE_STATUS);
    peer_end(&peer, SIGKILL);
    (void)wait_for(world, TANDEM_EVENT_RELOAD);
    tandem_close(world->client);
    world->client = NULL;
    assert_int_equal(code, STATUS_CANCELLED);
    assert_true(expect_sent(MESSAGE_GOODBYE)->as.goodbye.forget);
    /* While the folder's own client is remembered. */
    open_client(world, true);
    sign_in(world, 0);
    tandem_close(world->client);
    world->client = NULL;
    assert_false(expect_sent(MESSAGE_GOODBYE)->as.goodbye.forget);
}

static void a_program_for_one_thing_does_not_take_over(void **state)
{
    struct world *world = *state;
    tandem_server once = usual;
    once.once = true;
    open_client(world, true);
    peer_start(&peer, world->folder, NULL);
    peer_ask(&peer, "lead", "leading");
    connect_with(world, &once);
    say_welcome(0, NULL);
    assert_ok(tandem_service(world->client));
    peer_ask(&peer, "yield\nothers", "others");
    for (unsigned i = 0; i < 20; i++)
        turn(world);
    peer_ask(&peer, "lead", "leading");
    expect_nothing_sent();
}

static void what_the_leader_did_is_told_as_events(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    sign_in(world, 0);
    say_changes(0, 3, 8);
    assert_ok(tandem_service(world->client));
    tandem_disconnect(world->client);
    world->told_count = 0;
    peer_start(&peer, world->folder, NULL);
    peer_ask(&peer, "lead", "leading");
    peer_say(&peer, "note 8 9\ntell");
    const struct told *told = wait_for(world, TANDEM_EVENT_CHANGED);
    assert_string_equal(told->id, id_text(8));
    assert_string_equal(told->title, "Ring");
    peer_say(&peer, "remove 8 10\ntell");
    assert_string_equal(wait_for(world, TANDEM_EVENT_REMOVED)->id, id_text(8));
    /* Of a record that is gone by now there is nothing to say. */
    world->told_count = 0;
    peer_say(&peer, "note 9 11\nforget\ntell");
    (void)wait_for(world, TANDEM_EVENT_RELOAD);
    assert_int_equal(world->told_count, 1);
}

/* What is left of it is named, where nothing before it was missed. */
static void what_the_leader_purged_is_told_with_its_scope(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    peer_start(&peer, world->folder, NULL);
    peer_ask(&peer, "lead", "leading");
    peer_say(&peer, "note 8 9\nremove 8 10\ntell");
    assert_string_equal(wait_for(world, TANDEM_EVENT_REMOVED)->id, id_text(8));
    world->told_count = 0;
    peer_say(&peer, "purge 1 12\npurge 2 13\nremove 9 14\ntell");
    assert_string_equal(wait_for(world, TANDEM_EVENT_REMOVED)->id, id_text(9));
    assert_int_equal(world->told_count, 3);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(world->told[i].kind, TANDEM_EVENT_PURGED);
        assert_int_equal(world->told[i].seq, 12 + i);
        assert_string_equal(world->told[i].scope + strlen("account:"), id_text(1 + i));
    }
    /* Something before it was not told, and may be of another scope. */
    world->told_count = 0;
    peer_say(&peer, "remove 8 15\npurge 1 16\ntell");
    (void)wait_for(world, TANDEM_EVENT_RELOAD);
    assert_int_equal(world->told_count, 1);
}

/* Whoever has it open would go on queueing into what was set aside, and nobody would send that. */
static void a_damaged_outbox_that_others_have_open_stays(void **state)
{
    struct world *world = *state;
    const tandem_options options = {.replica = world->folder};
    char path[512];
    struct tandem_client *late = NULL;
    open_client(world, true);
    tandem_close(world->client);
    world->client = NULL;
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (int page = 0; page < 2; page++)
        assert_int_equal(pwrite(fd, "damaged, damaged, damaged", 25, page * 4096), 25);
    close(fd);
    peer_start(&peer, world->folder, NULL);
    assert_int_equal(tandem_open(&options, &late, NULL), STATUS_LOCKED);
    snprintf(path, sizeof path, "%s/outbox.mdb.damaged-1", world->folder);
    assert_int_not_equal(access(path, F_OK), 0);
    peer_end(&peer, SIGKILL);
    open_client(world, true);
    assert_int_equal(access(path, F_OK), 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_OUTBOX_DAMAGED);
}

static void say_welcome_to(unsigned user)
{
    const struct id usually = id_of(500), now = id_of(user);
    say_welcome(0, NULL);
    const struct buffer *frame = &server.inbox[server.inbox_count - 1];
    uint8_t *at = memmem(frame->data, frame->size, usually.octet, ID_SIZE);
    assert_non_null(at);
    memcpy(at, now.octet, ID_SIZE);
}

/* What they typed would be sent as the other's. */
static void another_user_does_not_join_those_who_use_the_folder(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    sign_in(world, 0);
    tandem_disconnect(world->client);
    (void)expect_sent(MESSAGE_GOODBYE);
    peer_start(&peer, world->folder, NULL);
    peer_ask(&peer, "lead", "leading");
    connect_with(world, &usual);
    say_welcome_to(501);
    assert_int_equal(tandem_service(world->client), STATUS_DENIED);
    assert_false(tandem_connected(world->client));
    assert_int_equal(last_told(world)->code, STATUS_DENIED);
    assert_true(last_told(world)->final);
    connect_with(world, &usual);
    say_welcome_to(500);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
}

static void connect_again(struct world *world)
{
    server.sent_seen = server.sent_count;
    assert_ok(tandem_connect(world->client, &usual, NULL));
    server.sent_seen = server.sent_count;
    assert_ok(tandem_service(world->client));
    (void)expect_sent(MESSAGE_HELLO);
}

static bool ignore_record(void *context, const tandem_record *record)
{
    (void)record;
    ++*(unsigned *)context;
    return true;
}

static bool ignore_entry(void *context, const tandem_entry *entry)
{
    (void)entry;
    ++*(unsigned *)context;
    return true;
}

/* Nothing in the folder is for whoever signs in by the handle, and nothing of theirs gets in. */
static void expect_shut(struct world *world)
{
    unsigned calls = 0;
    struct outcome outcome = {0};
    tandem_observer *observer = NULL;
    size_t held = outbox_store_count(world->client->store, 0);
    assert_int_equal(tandem_get(world->client, id_text(8), ignore_record, &calls), STATUS_DENIED);
    assert_int_equal(tandem_each(world->client, NULL, ignore_record, &calls), STATUS_DENIED);
    assert_int_equal(tandem_outbox_each(world->client, 0, ignore_entry, &calls), STATUS_DENIED);
    assert_int_equal(tandem_outbox_get(world->client, 1, ignore_entry, &calls), STATUS_DENIED);
    assert_int_equal(tandem_outbox_drop(world->client, 1), STATUS_DENIED);
    assert_int_equal(tandem_outbox_retry(world->client, 1), STATUS_DENIED);
    assert_int_equal(tandem_resolve_mine(world->client, 1, NULL), STATUS_DENIED);
    assert_int_equal(tandem_pause(world->client, true), STATUS_DENIED);
    assert_int_equal(tandem_observe(world->client, NULL, NULL, NULL, NULL, &observer),
                     STATUS_DENIED);
    assert_int_equal(send_note(world, "typed by another", &outcome), STATUS_DENIED);
    assert_int_equal(calls, 0);
    assert_int_equal(outbox_store_count(world->client->store, 0), held);
}

static unsigned count_records(struct world *world)
{
    unsigned count = 0;
    assert_ok(tandem_each(world->client, NULL, ignore_record, &count));
    return count;
}

/* They signed in as the former user, and would show the new one's data and type as the new one. */
static void a_folder_that_others_use_does_not_change_its_user(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    sign_in(world, 0);
    say_changes(0, 3, 8);
    assert_ok(tandem_service(world->client));
    peer_start(&peer, world->folder, NULL);
    connect_again(world);
    say_welcome_to(501);
    assert_int_equal(tandem_service(world->client), STATUS_DENIED);
    assert_true(last_told(world)->final);
    assert_non_null(strstr(last_told(world)->detail, "another process"));
    expect_shut(world);
    assert_true(id_equal(outbox_store_user(world->client->store), id_of(500)));
    assert_int_equal(replica_cursor(world->client->replica), 3);

    /* Nor is it shown what the others do. */
    world->told_count = 0;
    peer_ask(&peer, "lead", "leading");
    peer_ask(&peer, "note 8 9\ntell\nothers", "others");
    for (unsigned i = 0; i < 5; i++)
        turn(world);
    assert_int_equal(world->told_count, 0);
    peer_end(&peer, SIGKILL);

    connect_again(world);
    say_welcome_to(500);
    assert_ok(tandem_service(world->client));
    assert_int_equal(count_records(world), 1);
    connect_again(world);
    say_welcome_to(501);
    assert_ok(tandem_service(world->client));
    assert_true(id_equal(outbox_store_user(world->client->store), id_of(501)));
    assert_int_equal(count_records(world), 0);
    (void)wait_for(world, TANDEM_EVENT_RESET);
    /* Whoever comes afterwards finds it open. */
    peer_start(&peer, world->folder, NULL);
}

/* Who leads may not have signed in yet, and is somebody else when it does. */
static void the_first_who_signs_in_has_the_folder(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    peer_start(&peer, world->folder, NULL);
    peer_ask(&peer, "lead", "leading");
    connect_again(world);
    say_welcome_to(501);
    assert_ok(tandem_service(world->client));
    assert_true(id_equal(outbox_store_user(world->client->store), id_of(501)));
    peer_ask(&peer, "yield\nothers", "others");
    connect_again(world);
    say_welcome_to(500);
    assert_int_equal(tandem_service(world->client), STATUS_DENIED);
    expect_shut(world);
}

static void what_is_asked_for_meanwhile_is_not_sent_under_another_clients_id(void **state)
{
    struct world *world = *state;
    tandem_code code = -1;
    OUTCOMES(1);
    open_client(world, true);
    begin_to_follow(world, 0);
    assert_ok(tandem_ask_status(world->client, take_answer, &code));
    uint64_t request = expect_sent(MESSAGE_STATUS)->as.status.request;
    peer_end(&peer, SIGKILL);
    (void)wait_for(world, TANDEM_EVENT_RELOAD); /* told as it begins to lead */
    assert_ok(send_note(world, "typed meanwhile", &outcomes[0]));
    turn(world);
    expect_nothing_sent();
    say_error("not-found", request, 0);
    assert_ok(tandem_service(world->client));
    (void)expect_sent(MESSAGE_GOODBYE);
    wait_for_connection(world, 2);
    (void)expect_sent(MESSAGE_HELLO);
    say_welcome(0, NULL);
    assert_ok(tandem_service(world->client));
    assert_int_equal(expect_sent(MESSAGE_MUTATE)->as.mutate.number, 1);
}

#define SHARED(name) cmocka_unit_test_setup_teardown(name, set_up_shared, tear_down_shared)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARED(what_is_applied_is_told_to_the_others),
        SHARED(what_was_told_of_a_purged_account_is_gone_when_the_purge_is_told),
        SHARED(one_that_cannot_sign_in_leaves_leading_to_others),
        SHARED(one_that_disconnects_leaves_leading_to_others),
        SHARED(who_follows_neither_subscribes_nor_sends_until_its_turn),
        SHARED(what_was_asked_is_answered_before_the_connection_is_moved),
        SHARED(closing_before_it_is_moved_leaves_the_folders_numbers_alone),
        SHARED(a_program_for_one_thing_does_not_take_over),
        SHARED(what_the_leader_did_is_told_as_events),
        SHARED(what_the_leader_purged_is_told_with_its_scope),
        SHARED(a_damaged_outbox_that_others_have_open_stays),
        SHARED(another_user_does_not_join_those_who_use_the_folder),
        SHARED(a_folder_that_others_use_does_not_change_its_user),
        SHARED(the_first_who_signs_in_has_the_folder),
        SHARED(what_is_asked_for_meanwhile_is_not_sent_under_another_clients_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

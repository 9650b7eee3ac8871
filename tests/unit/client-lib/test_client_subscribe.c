/* What a program subscribes to, wants first and has checked, over runs and servers of any age. */
#include "client_world.h"

#include "protocol/sum.h"
#include "protocol/wire.h"

static const struct id epoch = {{0xee, 1}};
static const tandem_subscription everything;

static void take_up(struct world *world)
{
    server.sent_seen = server.sent_count;
    assert_ok(tandem_service(world->client));
}

/* Signs in at a server that offers so much; nothing of `limits` when it is older. */
static void sign_in_at(struct world *world, uint64_t prefer, uint64_t check)
{
    struct message welcome = {.type = MESSAGE_WELCOME};
    struct buffer limits = {0};
    wire_put_map(&limits, 2);
    wire_put_text(&limits, "prefer");
    wire_put_uint(&limits, prefer);
    wire_put_text(&limits, "check");
    wire_put_uint(&limits, check);
    welcome.as.welcome.version = 1;
    welcome.as.welcome.user = id_of(500);
    welcome.as.welcome.name = bytes_text("kari");
    welcome.as.welcome.role = bytes_text("Member");
    welcome.as.welcome.epoch = epoch;
    if (prefer + check > 0) {
        welcome.as.welcome.limits = buffer_bytes(&limits);
        message_mark(&welcome, "limits");
    }
    connect_with(world, &usual);
    server.sent_seen = server.sent_count;
    say(&welcome);
    assert_ok(tandem_service(world->client));
    buffer_release(&limits);
}

static void say_caught_up(struct world *world, uint64_t seq)
{
    struct message caught_up = {.type = MESSAGE_CAUGHT_UP};
    caught_up.as.caught_up.seq = seq;
    say(&caught_up);
    take_up(world);
}

static void say_records(struct world *world, uint64_t to)
{
    static struct buffer list;
    const struct made made[] = {{.id = 1, .seq = 1, .scope = account_of(1)},
                                {.id = 2, .seq = 2, .scope = account_of(2)}};
    struct message changes = {.type = MESSAGE_CHANGES};
    changes.as.changes.to = to;
    changes.as.changes.records = records_of(&list, made, 2);
    message_mark(&changes, "records");
    say(&changes);
    take_up(world);
}

static const char *account_text(unsigned number)
{
    static char texts[4][SCOPE_TEXT_SIZE];
    return scope_to_text(account_of(number), texts[number % 4]);
}

/* The message of this type that was sent last, or NULL. */
static const struct message *sent_last(enum message_type type)
{
    for (size_t i = server.sent_count; i-- > 0;)
        if (server.sent[i].message.type == type)
            return &server.sent[i].message;
    return NULL;
}

static void restart(struct world *world)
{
    tandem_close(world->client);
    world->client = NULL;
    open_client(world, true);
    server.sent_seen = server.sent_count;
}

static void a_subscription_is_kept_for_a_run_that_names_none(void **state)
{
    struct world *world = *state;
    const char *const scopes[] = {account_text(1), account_text(2)}, *const entities[] = {"note"};
    const tandem_subscription some = {scopes, 2, entities, 1};
    open_client(world, true);
    assert_ok(tandem_subscribe_to(world->client, &some));
    sign_in_at(world, 16, 64);
    say_records(world, 10);
    restart(world);
    sign_in_at(world, 16, 64);
    const struct message *subscribe = sent_last(MESSAGE_SUBSCRIBE);
    assert_int_equal(message_count(subscribe->as.subscribe.scopes), 2);
    assert_int_equal(message_count(subscribe->as.subscribe.entities), 1);
    assert_int_equal(subscribe->as.subscribe.cursor, 10);
    /* One that is named takes its place, and keeps what both want. */
    restart(world);
    const tandem_subscription fewer = {scopes, 1, entities, 1};
    assert_ok(tandem_subscribe_to(world->client, &fewer));
    sign_in_at(world, 16, 64);
    subscribe = sent_last(MESSAGE_SUBSCRIBE);
    assert_int_equal(message_count(subscribe->as.subscribe.scopes), 1);
    assert_int_equal(subscribe->as.subscribe.cursor, 10);
}

static void a_program_that_does_one_thing_subscribes_to_nothing(void **state)
{
    struct world *world = *state;
    tandem_server once = usual;
    once.once = true;
    open_client(world, true);
    assert_ok(tandem_subscribe_to(world->client, &everything));
    restart(world);
    connect_with(world, &once);
    say_welcome(0, NULL);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
    assert_null(sent_last(MESSAGE_SUBSCRIBE));
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct world *world = *state;
    const char *const wrong[] = {"account"}, *const right[] = {account_text(1)};
    const tandem_subscription no_scope = {wrong, 1, NULL, 0}, many = {right, 5000, NULL, 0};
    open_client(world, false);
    assert_int_equal(tandem_subscribe_to(world->client, &everything), STATUS_USAGE);
    assert_int_equal(tandem_prefer(world->client, id_text(1)), STATUS_USAGE);
    assert_int_equal(tandem_check(world->client, NULL, NULL, NULL), STATUS_USAGE);
    tandem_close(world->client);
    open_client(world, true);
    assert_int_equal(tandem_subscribe_to(world->client, &no_scope), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_subscribe_to(world->client, &many), STATUS_LIMIT);
    assert_int_equal(tandem_prefer(world->client, "one"), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_check(world->client, "one", NULL, NULL), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_check(world->client, NULL, NULL, NULL), STATUS_NOT_SIGNED_IN);
    sign_in_at(world, 16, 64);
    assert_int_equal(tandem_check(world->client, NULL, NULL, NULL), STATUS_USAGE);
}

static void an_account_comes_first_until_it_is_whole(void **state)
{
    struct world *world = *state;
    open_client(world, true);
    assert_ok(tandem_subscribe_to(world->client, &everything));
    assert_ok(tandem_prefer(world->client, id_text(1)));
    restart(world); /* it was not: the next run says so, too */
    assert_ok(tandem_prefer(world->client, id_text(2)));
    sign_in_at(world, 16, 64);
    assert_int_equal(message_count(sent_last(MESSAGE_PREFER)->as.prefer.scopes), 2);
    say_caught_up(world, 0);
    size_t sent = server.sent_count;
    assert_ok(tandem_prefer(world->client, id_text(3)));
    assert_int_equal(server.sent_count, sent);
    restart(world);
    sent = server.sent_count;
    sign_in_at(world, 16, 64);
    for (; sent < server.sent_count; sent++)
        assert_int_not_equal(server.sent[sent].message.type, MESSAGE_PREFER);
}

/* It works as before, but for what it does not know. */
static void an_older_server_hears_of_nothing_it_does_not_know(void **state)
{
    struct world *world = *state;
    const char *const scopes[] = {account_text(1)};
    const tandem_subscription one = {scopes, 1, NULL, 0};
    open_client(world, true);
    assert_ok(tandem_subscribe_to(world->client, &everything));
    sign_in_at(world, 0, 0);
    say_records(world, 10);
    assert_ok(tandem_prefer(world->client, id_text(1)));
    say_caught_up(world, 10);
    world->port.now += 10 * SYNC_CHECK_MS; /* nor of its own accord */
    (void)tandem_service(world->client);
    server.sent_seen = server.sent_count;
    assert_null(sent_last(MESSAGE_PREFER));
    assert_null(sent_last(MESSAGE_CHECK));
    /* Choosing other scopes needs nothing new of it. */
    reconnect(world, 0);
    assert_ok(tandem_subscribe_to(world->client, &one));
    assert_non_null(sent_last(MESSAGE_UNSUBSCRIBE));
}

struct checked {
    unsigned calls;
    tandem_code code;
    bool answered;
};

static void take_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct checked *checked = context;
    checked->calls++;
    checked->answered = answer != NULL && tandem_answer_last(answer);
    checked->code = fault->code;
}

/* The sums of the two accounts as they were sent, but for one record of the second when `wrong`. */
static void say_sums(struct world *world, bool wrong)
{
    struct message sums = {.type = MESSAGE_SUMS};
    struct buffer list = {0}, record = {0};
    wire_put_array(&list, 2);
    for (unsigned i = 1; i <= 2; i++) {
        uint8_t scope[SCOPE_SIZE], total[SUM_SIZE];
        struct sum sum = {0};
        buffer_clear(&record);
        put_record(&record, &(struct made){.id = i, .seq = i, .scope = account_of(i)});
        if (!wrong || i == 1)
            assert_true(sum_add_encoded(&sum, buffer_bytes(&record)));
        scope_put(account_of(i), scope);
        sum_put(&sum, total);
        wire_put_map(&list, 3);
        wire_put_text(&list, "scope");
        wire_put_bin(&list, bytes_of(scope, sizeof scope));
        wire_put_text(&list, "count");
        wire_put_uint(&list, sum.count);
        wire_put_text(&list, "sum");
        wire_put_bin(&list, bytes_of(total, sizeof total));
    }
    sums.as.sums.request = sent_last(MESSAGE_CHECK)->as.check.request;
    sums.as.sums.sums = buffer_bytes(&list);
    say(&sums);
    take_up(world);
    buffer_release(&list);
    buffer_release(&record);
}

static void subscribed(struct world *world)
{
    open_client(world, true);
    assert_ok(tandem_subscribe_to(world->client, &everything));
    sign_in_at(world, 16, 64);
    say_records(world, 10);
    say_caught_up(world, 10);
}

static void a_check_answers_once_and_counts_nothing_that_waits(void **state)
{
    struct world *world = *state;
    struct checked checked = {0};
    static struct outcome outcome;
    subscribed(world);
    assert_ok(send_note(world, "not on the server yet", &outcome));
    assert_ok(tandem_check(world->client, NULL, take_answer, &checked));
    assert_int_equal(message_count(sent_last(MESSAGE_CHECK)->as.check.scopes), 2);
    say_sums(world, false);
    assert_int_equal(checked.calls, 1);
    assert_true(checked.answered);
    assert_int_equal(checked.code, STATUS_OK);
    for (size_t i = 0; i < world->told_count; i++)
        assert_int_not_equal(world->told[i].kind, TANDEM_EVENT_REPAIRED);
}

static void what_differs_is_told_and_fetched_anew(void **state)
{
    struct world *world = *state;
    struct checked checked = {0};
    bool told = false;
    subscribed(world);
    assert_ok(tandem_check(world->client, account_text(2), take_answer, &checked));
    say_sums(world, true);
    for (size_t i = 0; i < world->told_count; i++)
        told = told || world->told[i].kind == TANDEM_EVENT_REPAIRED;
    assert_true(told);
    assert_non_null(sent_last(MESSAGE_UNSUBSCRIBE));
    assert_int_equal(checked.calls, 0);
    struct message pong = {.type = MESSAGE_PONG};
    pong.as.pong.request = sent_last(MESSAGE_PING)->as.ping.request;
    message_mark(&pong, "request");
    say(&pong);
    take_up(world);
    assert_int_equal(message_count(sent_last(MESSAGE_SUBSCRIBE)->as.subscribe.resume), 1);
    say_caught_up(world, 10);
    assert_int_equal(checked.calls, 1);
    assert_true(checked.answered);
}

static void a_check_ends_with_the_connection_or_when_it_is_cancelled(void **state)
{
    struct world *world = *state;
    struct checked lost = {0}, cancelled = {0}, refused = {0};
    subscribed(world);
    assert_ok(tandem_check(world->client, NULL, take_answer, &cancelled));
    assert_ok(tandem_cancel(world->client, tandem_last_request(world->client)));
    assert_int_equal(cancelled.calls, 1);
    assert_int_equal(cancelled.code, STATUS_CANCELLED);
    say_sums(world, false);
    assert_int_equal(cancelled.calls, 1);
    assert_ok(tandem_check(world->client, NULL, take_answer, &refused));
    say_error("busy", sent_last(MESSAGE_CHECK)->as.check.request, 0);
    take_up(world);
    assert_int_equal(refused.calls, 1);
    assert_int_equal(refused.code, STATUS_BUSY);
    assert_true(tandem_connected(world->client));
    assert_ok(tandem_check(world->client, NULL, take_answer, &lost));
    hang_up(1001);
    (void)tandem_service(world->client);
    assert_int_equal(lost.calls, 1);
    assert_int_equal(lost.code, STATUS_UNREACHABLE);
}

static void an_older_server_cannot_check(void **state)
{
    struct world *world = *state;
    struct checked checked = {0};
    open_client(world, true);
    assert_ok(tandem_subscribe_to(world->client, &everything));
    sign_in_at(world, 0, 0);
    say_caught_up(world, 0);
    assert_ok(tandem_check(world->client, NULL, take_answer, &checked));
    assert_int_equal(checked.calls, 1);
    assert_int_equal(checked.code, STATUS_UNKNOWN_MESSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_subscription_is_kept_for_a_run_that_names_none),
        TEST(a_program_that_does_one_thing_subscribes_to_nothing),
        TEST(what_makes_no_sense_is_refused),
        TEST(an_account_comes_first_until_it_is_whole),
        TEST(an_older_server_hears_of_nothing_it_does_not_know),
        TEST(a_check_answers_once_and_counts_nothing_that_waits),
        TEST(what_differs_is_told_and_fetched_anew),
        TEST(a_check_ends_with_the_connection_or_when_it_is_cancelled),
        TEST(an_older_server_cannot_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

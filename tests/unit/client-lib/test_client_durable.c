/* What tandem_send() took with a folder: it survives the process at every step, and each is applied
 * exactly once. */
#include "client-lib/client/client_queue.h"
#include "durable_server.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define STATE(state) (1u << (state))

static struct durable_server shop;

static int set_up_shop(void **state)
{
    durable_server_init(&shop);
    return set_up(state);
}

static int tear_down_shop(void **state)
{
    durable_server_release(&shop);
    return tear_down(state);
}

static size_t count(struct world *world, unsigned states)
{
    return tandem_outbox_count(world->client, states);
}

static void expect_applied(const char *format, unsigned n)
{
    assert_int_equal(shop.text_count, n);
    for (unsigned i = 0; i < n; i++) {
        char text[TEXT_MOST];
        snprintf(text, sizeof text, format, i);
        assert_string_equal(shop.texts[i], text);
    }
}

/* ---- Crashes ---- */

/* Notes that are sent, two in each turn, while the process dies in turn `crash`: before the server
 * has seen what was sent in it, or with the answers on the way. Returns how many turns there were.
 */
static unsigned live_through(struct world *world, unsigned crash, bool served, unsigned notes)
{
    OUTCOMES(64);
    unsigned sent = 0, turn = 0;
    assert_true(notes <= 64);
    world->told_count = 0;
    durable_start(world);
    for (bool quiet = false; (!quiet || sent < notes) && turn < 200; turn++) {
        for (unsigned i = 0; i < 2 && sent < notes; i++, sent++) {
            char text[TEXT_MOST];
            snprintf(text, sizeof text, "note %u", sent);
            assert_ok(send_note(world, text, &outcomes[sent]));
        }
        if (server.link == NULL)
            world->port.now += (uint64_t)tandem_timeout(world->client);
        if (turn == crash && !served) {
            durable_crash(world);
            durable_start(world);
        }
        assert_ok(tandem_service(world->client));
        durable_serve(&shop);
        if (turn == crash && served) {
            durable_crash(world);
            durable_start(world);
        }
        quiet = server.link != NULL &&
                count(world, STATE(TANDEM_ENTRY_WAITING) | STATE(TANDEM_ENTRY_SENT)) == 0;
    }
    for (unsigned i = 0; i < notes; i++)
        assert_true(outcomes[i].calls <= 1);
    assert_int_equal(count(world, 0), 0);
    return turn;
}

static void a_crash_at_any_step_loses_and_repeats_nothing(void **state)
{
    struct world *world = *state;
    unsigned turns = 1000;
    for (unsigned crash = 0; crash < turns; crash++)
        for (int served = 0; served < 2; served++) {
            durable_server_init(&shop);
            unsigned now = live_through(world, crash, served != 0, 12);
            turns = now < turns ? now : turns;
            expect_applied("note %u", 12);
            tandem_close(world->client);
            world->client = NULL;
            durable_forget_frames();
            folder_remove(world->folder);
            world->folder = folder_new();
        }
    assert_in_range(turns, 5, 40);
}

static void what_is_not_answered_is_kept_at_close(void **state)
{
    struct world *world = *state;
    OUTCOMES(2);
    open_client(world, true);
    assert_ok(send_note(world, "first", &outcomes[0]));
    assert_ok(send_note(world, "second", &outcomes[1]));
    assert_int_equal(tandem_unanswered(world->client), 2);
    tandem_close(world->client);
    world->client = NULL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].code, STATUS_KEPT);
    }
    durable_start(world);
    durable_settle(world, &shop);
    assert_int_equal(shop.text_count, 2);
    assert_string_equal(shop.texts[1], "second");
    assert_int_equal(outcomes[0].calls, 1);
}

static void days_offline_end_in_order(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    open_client(world, true);
    for (unsigned i = 0; i < 200; i++) {
        char text[TEXT_MOST];
        snprintf(text, sizeof text, "offline %u", i);
        assert_ok(send_note(world, text, &outcomes[0]));
        world->port.now += 3600000; /* an hour */
        if (i == 100) {
            durable_crash(world);
            open_client(world, true);
        }
    }
    assert_ok(tandem_connect(world->client, &usual, NULL));
    durable_settle(world, &shop);
    expect_applied("offline %u", 200);
    assert_int_equal(count(world, 0), 0);
}

static void an_answer_that_comes_twice_is_told_once(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    durable_start(world);
    durable_settle(world, &shop);
    assert_ok(send_note(world, "note", &outcomes[0]));
    durable_serve(&shop);
    say_result(1, "ok", shop.seq);
    durable_settle(world, &shop);
    say_result(1, "ok", shop.seq);
    durable_settle(world, &shop);
    assert_int_equal(outcomes[0].calls, 1);
    assert_int_equal(outcomes[0].code, STATUS_OK);
    unsigned settled = 0;
    for (size_t i = 0; i < world->told_count; i++)
        settled += world->told[i].kind == TANDEM_EVENT_SETTLED;
    assert_int_equal(settled, 1);
    for (size_t i = 0; i < world->told_count; i++)
        assert_int_not_equal(world->told[i].kind, TANDEM_EVENT_DISCONNECTED);
    assert_int_equal(server.opened, 1);
}

static void a_server_restored_from_a_backup_gets_all_that_is_not_answered(void **state)
{
    struct world *world = *state;
    OUTCOMES(4);
    durable_start(world);
    durable_settle(world, &shop);
    assert_ok(send_note(world, "before", &outcomes[0]));
    durable_settle(world, &shop);
    for (int i = 1; i < 4; i++)
        assert_ok(send_note(world, "after", &outcomes[i]));
    durable_crash(world);     /* numbers 2 to 4 are stored */
    shop.clients[0].last = 0; /* of this client the backup knows nothing */
    durable_start(world);
    durable_settle(world, &shop);
    assert_int_equal(durable_count(&shop, "after"), 3);
    assert_int_equal(shop.clients[0].last, 3);
}

/* The connection is made again, and all that was sent is sent again. */
static void connect_and_send_again(struct world *world)
{
    durable_forget_frames();
    for (int turn = 0; turn < 50 && server.sent_count < 2; turn++) {
        int due = tandem_timeout(world->client);
        if (server.link == NULL && due > 0)
            world->port.now += (uint64_t)due;
        assert_ok(tandem_service(world->client));
        if (server.sent_count == 1)
            durable_serve(&shop); /* the hello */
    }
}

/* Answers one message only. */
static void serve_one(void)
{
    size_t count = server.sent_count;
    assert_true(server.sent_seen < count);
    server.sent_count = server.sent_seen + 1;
    durable_serve(&shop);
    server.sent_count = count;
}

static void expect_each_once(const struct outcome *outcomes, unsigned count)
{
    static const char *const texts[] = {"first", "second", "third", "fourth"};
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(durable_count(&shop, texts[i]), 1);
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].code, STATUS_OK);
    }
}

static void a_copied_folder_leaves_its_numbers(void **state)
{
    struct world *world = *state;
    OUTCOMES(2);
    durable_start(world);
    durable_settle(world, &shop);
    struct id before = world->client->id;
    assert_ok(send_note(world, "mine", &outcomes[0]));
    server.sent_seen = server.sent_count; /* it is lost ... */
    shop.now->last = 1;                   /* ... and somebody else has used the number */
    shop.now->answers[1] = (struct durable_answer){.hash = 1, .status = "ok", .seq = 7};
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    durable_settle(world, &shop);
    assert_false(id_equal(before, world->client->id));
    assert_int_equal(shop.client_count, 2);
    assert_int_equal(durable_count(&shop, "mine"), 1);
    assert_int_equal(outcomes[0].calls, 1);
    assert_int_equal(outcomes[0].code, STATUS_OK);
    /* Also for the processes that follow. */
    struct id now = world->client->id;
    durable_crash(world);
    durable_start(world);
    assert_true(id_equal(now, world->client->id));
}

/* Three notes under the numbers 1 to 3, the first of which somebody else has used; the connection is
 * lost before they are answered. */
static void send_behind_a_used_number(struct world *world, struct outcome *outcomes)
{
    durable_start(world);
    durable_settle(world, &shop);
    assert_ok(send_note(world, "first", &outcomes[0]));
    assert_ok(send_note(world, "second", &outcomes[1]));
    assert_ok(send_note(world, "third", &outcomes[2]));
    server.sent_seen = server.sent_count;
    shop.now->last = 1;
    shop.now->answers[1] = (struct durable_answer){.hash = 1, .status = "ok", .seq = 7};
    hang_up(4003);
    assert_ok(tandem_service(world->client));
}

/* The server goes on behind a number that somebody else used, and takes what was sent there. */
static void what_was_taken_behind_a_used_number_is_not_sent_again(void **state)
{
    struct world *world = *state;
    OUTCOMES(3);
    send_behind_a_used_number(world, outcomes);
    durable_settle(world, &shop);
    assert_int_equal(shop.client_count, 2);
    assert_int_equal(durable_count(&shop, "first"), 1);
    assert_int_equal(durable_count(&shop, "second"), 1);
    assert_int_equal(durable_count(&shop, "third"), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(outcomes[i].code, STATUS_OK);
}

/* They are sent again over a new connection, and only the first is answered. */
static void learn_of_a_used_number(struct world *world, struct outcome *outcomes)
{
    send_behind_a_used_number(world, outcomes);
    connect_and_send_again(world);
    serve_one();
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[0].calls, 0);
}

/* As before, with the answers in different turns. */
static void what_is_taken_behind_a_used_number_is_waited_for(void **state)
{
    struct world *world = *state;
    OUTCOMES(4);
    learn_of_a_used_number(world, outcomes);
    /* What is typed now is not sent where numbers are somebody else's. */
    size_t sent = server.sent_count;
    assert_ok(send_note(world, "fourth", &outcomes[3]));
    assert_int_equal(server.sent_count, sent);
    serve_one();
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[1].calls, 1);
    assert_true(tandem_connected(world->client));
    durable_settle(world, &shop);
    assert_int_equal(shop.client_count, 2);
    expect_each_once(outcomes, 4);
}

/* Whatever a server says of what it has answered: noting it would take longer with each. */
static void of_what_was_answered_nothing_is_noted(void **state)
{
    struct world *world = *state;
    OUTCOMES(2);
    const struct buffer *noted = NULL;
    durable_start(world);
    durable_settle(world, &shop);
    noted = &world->client->settling.reused;
    for (unsigned i = 0; i < 20; i++)
        assert_ok(send_note(world, "before", &outcomes[0]));
    durable_settle(world, &shop);
    assert_int_equal(outcomes[0].calls, 20);
    assert_ok(send_note(world, "first", &outcomes[1]));
    assert_ok(send_note(world, "second", &outcomes[1]));
    server.sent_seen = server.sent_count;
    for (uint64_t number = 1; number <= 21; number++)
        say_result(number, "number-reused", 0);
    assert_ok(tandem_service(world->client));
    assert_true(tandem_connected(world->client));
    assert_int_equal(noted->size, sizeof(uint64_t));
    /* Nor of one that has just been. */
    say_result(22, "ok", shop.seq);
    say_result(22, "number-reused", 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(outcomes[1].calls, 1);
    assert_int_equal(outcomes[1].code, STATUS_OK);
    assert_false(tandem_connected(world->client)); /* to come back under another client id */
}

static void what_is_taken_behind_a_used_number_is_asked_for_again(void **state)
{
    struct world *world = *state;
    OUTCOMES(3);
    learn_of_a_used_number(world, outcomes);
    durable_serve(&shop);
    server.inbox_used = server.inbox_count; /* the answers are lost */
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    connect_and_send_again(world);
    serve_one();
    assert_ok(tandem_service(world->client));
    durable_crash(world); /* nobody is left to be told, and nothing is lost */
    durable_start(world);
    durable_settle(world, &shop);
    assert_int_equal(shop.client_count, 2);
    assert_int_equal(durable_count(&shop, "first"), 1);
    assert_int_equal(durable_count(&shop, "second"), 1);
    assert_int_equal(durable_count(&shop, "third"), 1);
}

/* ---- Answers to nothing ---- */

static void an_answer_to_what_was_not_sent_is_refused(void **state)
{
    struct world *world = *state;
    OUTCOMES(2);
    const uint64_t never[] = {0, 2, UINT64_MAX};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        const char *text = i == 0 ? "taken once" : "later";
        durable_start(world);
        durable_settle(world, &shop);
        if (i == 0) {
            assert_ok(send_note(world, text, &outcomes[0]));
            server.sent_seen = server.sent_count; /* it is on its way */
        }
        say_result(never[i], "ok", 5);
        assert_ok(tandem_service(world->client));
        assert_false(tandem_connected(world->client));
        const struct told *told = last_told(world);
        assert_int_equal(told->kind, TANDEM_EVENT_DISCONNECTED);
        assert_int_equal(told->code, STATUS_UNEXPECTED);
        tandem_fault fault;
        tandem_last_fault(world->client, &fault);
        assert_non_null(strstr(fault.detail, "was not sent"));
        assert_int_equal(count(world, STATE(TANDEM_ENTRY_ACCEPTED)), 0);
        durable_crash(world);
        world->told_count = 0;
        shop.now->last = 0;
        memset(outcomes, 0, sizeof outcomes);
    }
    durable_start(world);
    durable_settle(world, &shop);
    assert_int_equal(durable_count(&shop, "taken once"), 1);
}

/* ---- Refusals for now ---- */

static void what_the_server_cannot_take_now_is_sent_again(void **state)
{
    struct world *world = *state;
    OUTCOMES(3);
    durable_start(world);
    durable_settle(world, &shop);
    shop.refuse = "read-only";
    for (int i = 0; i < 3; i++) {
        char text[TEXT_MOST];
        snprintf(text, sizeof text, "note %d", i);
        assert_ok(send_note(world, text, &outcomes[i]));
    }
    durable_settle(world, &shop);
    assert_int_equal(shop.text_count, 0);
    assert_int_equal(count(world, STATE(TANDEM_ENTRY_WAITING)), 3);
    assert_in_range(tandem_timeout(world->client), 1, 251);
    world->port.now += (uint64_t)tandem_timeout(world->client);
    durable_settle(world, &shop);
    expect_applied("note %u", 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(outcomes[i].code, STATUS_OK);
}

static void a_program_that_does_not_reconnect_is_told_that_it_is_kept(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    tandem_server once = usual;
    once.once = true;
    open_client(world, true);
    assert_ok(tandem_connect(world->client, &once, NULL));
    durable_settle(world, &shop);
    shop.refuse = "read-only";
    assert_ok(send_note(world, "note", &outcomes[0]));
    durable_settle(world, &shop);
    assert_int_equal(outcomes[0].code, STATUS_KEPT);
    assert_string_equal(outcomes[0].fault.detail, "words of the server");
    assert_int_equal(count(world, STATE(TANDEM_ENTRY_WAITING)), 1);
}

static void a_real_gap_asks_the_server_where_it_stands(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    durable_start(world);
    durable_settle(world, &shop);
    assert_ok(send_note(world, "first", &outcomes[0]));
    durable_settle(world, &shop);
    shop.now->last = 0; /* it has lost what it said at the welcome */
    assert_ok(send_note(world, "second", &outcomes[0]));
    durable_settle(world, &shop);
    assert_int_equal(durable_count(&shop, "second"), 1);
    assert_int_equal(shop.now->last, 1);
}

/* ---- What programs see ---- */

struct seen {
    size_t entries;
    tandem_entry_state state;
    tandem_code code;
    uint64_t entry, behind;
    char op[16], field[32], mine[64], why[256], json[512];
};

static bool see(void *context, const tandem_entry *entry)
{
    struct seen *seen = context;
    seen->entries++;
    seen->state = entry->state;
    seen->code = entry->fault->code;
    seen->entry = entry->entry;
    seen->behind = entry->behind;
    assert_true(entry->change_count > 0);
    snprintf(seen->op, sizeof seen->op, "%s", entry->changes[0].op);
    snprintf(seen->field, sizeof seen->field, "%s", entry->changes[0].field);
    snprintf(seen->mine, sizeof seen->mine, "%s",
             entry->changes[0].mine != NULL ? entry->changes[0].mine : "(unset)");
    snprintf(seen->why, sizeof seen->why, "%s", entry->fault->detail);
    snprintf(seen->json, sizeof seen->json, "%s", entry->json);
    return true;
}

static struct seen all(struct world *world, unsigned states)
{
    struct seen seen = {.entries = 0};
    assert_ok(tandem_outbox_each(world->client, states, see, &seen));
    return seen;
}

/* As another process does it: not through the handle. */
static uint64_t queue_beside(struct world *world, uint64_t like)
{
    struct queue_copy copy = {.bytes = {0}};
    uint64_t order = 0;
    assert_ok(queue_copy(world->client, like, &copy));
    assert_ok(outbox_store_add(world->client->store, &copy.from, &order));
    queue_copy_release(&copy);
    return order;
}

static void whoever_sends_is_told_as_which_entry(void **state)
{
    struct world *world = *state;
    OUTCOMES(2);
    tandem_mutation *nothing = tandem_mutation_new();
    open_client(world, true);
    assert_int_equal(tandem_last_entry(world->client), 0);
    assert_ok(send_note(world, "typed", &outcomes[0]));
    uint64_t typed = tandem_last_entry(world->client);
    assert_int_equal(all(world, 0).entry, typed);
    assert_true(queue_beside(world, typed) > typed);
    assert_int_equal(tandem_last_entry(world->client), typed);
    assert_int_not_equal(tandem_send(world->client, nothing, NULL, NULL), TANDEM_OK);
    tandem_mutation_free(nothing);
    assert_int_equal(tandem_last_entry(world->client), 0);

    assert_ok(tandem_connect(world->client, &usual, NULL));
    durable_settle(world, &shop);
    shop.refuse = "invalid-value";
    assert_ok(send_note(world, "refused", &outcomes[1]));
    uint64_t refused = tandem_last_entry(world->client);
    durable_settle(world, &shop);
    assert_int_equal(tandem_last_entry(world->client), refused);
    assert_int_equal(all(world, STATE(TANDEM_ENTRY_REFUSED)).entry, refused);
    assert_ok(tandem_outbox_retry(world->client, refused));
    assert_int_equal(tandem_last_entry(world->client), refused);
    assert_int_equal(tandem_outbox_retry(world->client, refused), STATUS_USAGE);
    assert_int_equal(tandem_last_entry(world->client), 0);
}

static void entries_can_be_looked_at_dropped_and_tried_again(void **state)
{
    struct world *world = *state;
    OUTCOMES(2);
    open_client(world, true);
    assert_ok(send_note(world, "typed", &outcomes[0]));
    struct seen waiting = all(world, 0);
    assert_int_equal(waiting.entries, 1);
    assert_int_equal(waiting.state, TANDEM_ENTRY_WAITING);
    assert_string_equal(waiting.op, "create");
    assert_string_equal(waiting.field, "text");
    assert_string_equal(waiting.mine, "typed");
    assert_string_equal(waiting.why, "there is no connection");
    assert_non_null(strstr(waiting.json, "\"text\":\"typed\""));
    assert_int_equal(tandem_outbox_retry(world->client, waiting.entry), STATUS_USAGE);
    assert_int_equal(tandem_outbox_drop(world->client, 12345), STATUS_NOT_FOUND);
    assert_ok(tandem_outbox_drop(world->client, waiting.entry));
    assert_int_equal(outcomes[0].code, STATUS_CANCELLED);
    assert_int_equal(all(world, 0).entries, 0);

    assert_ok(tandem_connect(world->client, &usual, NULL));
    durable_settle(world, &shop);
    shop.refuse = "invalid-value";
    assert_ok(send_note(world, "again", &outcomes[1]));
    assert_int_equal(tandem_outbox_drop(world->client, waiting.entry + 1), STATUS_BUSY);
    durable_settle(world, &shop);
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_REFUSED);
    assert_int_equal(last_told(world)->code, STATUS_INVALID_VALUE);
    assert_int_equal(outcomes[1].code, STATUS_INVALID_VALUE);
    struct seen refused = all(world, STATE(TANDEM_ENTRY_REFUSED));
    assert_int_equal(refused.entries, 1);
    assert_string_equal(refused.why, "words of the server");
    assert_non_null(strstr(refused.json, "\"status\":\"invalid-value\""));
    assert_ok(tandem_outbox_retry(world->client, refused.entry));
    durable_settle(world, &shop);
    assert_int_equal(durable_count(&shop, "again"), 1);
    assert_int_equal(count(world, 0), 0);
}

static void refused_entries_outlive_the_process(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    durable_start(world);
    durable_settle(world, &shop);
    shop.refuse = "denied";
    assert_ok(send_note(world, "typed", &outcomes[0]));
    durable_settle(world, &shop);
    durable_crash(world);
    open_client(world, true);
    struct seen refused = all(world, 0);
    assert_int_equal(refused.state, TANDEM_ENTRY_REFUSED);
    assert_int_equal(refused.code, STATUS_DENIED);
    assert_string_equal(refused.mine, "typed");
}

static void an_answer_of_a_later_server_is_a_refusal(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    durable_start(world);
    durable_settle(world, &shop);
    assert_ok(send_note(world, "typed", &outcomes[0]));
    server.sent_seen = server.sent_count;
    say_result(1, "too-late-in-the-day", 0);
    durable_settle(world, &shop);
    assert_int_equal(outcomes[0].code, STATUS_DENIED);
    assert_non_null(strstr(outcomes[0].fault.detail, "too-late-in-the-day"));
    assert_int_equal(all(world, STATE(TANDEM_ENTRY_REFUSED)).entries, 1);
}

static void a_damaged_outbox_is_told_of(void **state)
{
    struct world *world = *state;
    char path[512];
    OUTCOMES(1);
    open_client(world, true);
    assert_ok(send_note(world, "typed", &outcomes[0]));
    tandem_close(world->client);
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (int page = 0; page < 2; page++)
        assert_int_equal(pwrite(fd, "damaged, damaged, damaged", 25, page * 4096), 25);
    close(fd);
    world->told_count = 0;
    durable_start(world);
    assert_ok(tandem_service(world->client));
    assert_int_equal(world->told[0].kind, TANDEM_EVENT_OUTBOX_DAMAGED);
    assert_string_equal(world->told[0].detail, "outbox.mdb.damaged-1");
    assert_int_equal(count(world, 0), 0);
}

/* ---- Callbacks that do something ---- */

struct chain {
    struct world *world;
    unsigned left;
};

static void send_next(void *context, const tandem_result *result)
{
    struct chain *chain = context;
    tandem_mutation *mutation = tandem_mutation_new();
    if (chain->left == 0 || result->code != TANDEM_OK) {
        tandem_mutation_free(mutation);
        return;
    }
    chain->left--;
    assert_ok(tandem_create(mutation, "note", NULL));
    assert_ok(tandem_set_text(mutation, "text", "next"));
    assert_ok(tandem_send(chain->world->client, mutation, send_next, chain));
    tandem_mutation_free(mutation);
}

static void a_callback_may_send_the_next(void **state)
{
    struct world *world = *state;
    static struct chain chain;
    const tandem_fault none = {.code = TANDEM_OK};
    const tandem_result begin = {.code = TANDEM_OK, .fault = &none};
    chain = (struct chain){world, 5};
    durable_start(world);
    durable_settle(world, &shop);
    send_next(&chain, &begin);
    durable_settle(world, &shop);
    assert_int_equal(durable_count(&shop, "next"), 5);
    assert_int_equal(count(world, 0), 0);
}

#define SHOP(name) cmocka_unit_test_setup_teardown(name, set_up_shop, tear_down_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP(a_crash_at_any_step_loses_and_repeats_nothing),
        SHOP(what_is_not_answered_is_kept_at_close),
        SHOP(days_offline_end_in_order),
        SHOP(an_answer_that_comes_twice_is_told_once),
        SHOP(a_server_restored_from_a_backup_gets_all_that_is_not_answered),
        SHOP(a_copied_folder_leaves_its_numbers),
        SHOP(what_was_taken_behind_a_used_number_is_not_sent_again),
        SHOP(what_is_taken_behind_a_used_number_is_waited_for),
        SHOP(what_is_taken_behind_a_used_number_is_asked_for_again),
        SHOP(of_what_was_answered_nothing_is_noted),
        SHOP(an_answer_to_what_was_not_sent_is_refused),
        SHOP(what_the_server_cannot_take_now_is_sent_again),
        SHOP(a_program_that_does_not_reconnect_is_told_that_it_is_kept),
        SHOP(a_real_gap_asks_the_server_where_it_stands),
        SHOP(whoever_sends_is_told_as_which_entry),
        SHOP(entries_can_be_looked_at_dropped_and_tried_again),
        SHOP(refused_entries_outlive_the_process),
        SHOP(an_answer_of_a_later_server_is_a_refusal),
        SHOP(a_damaged_outbox_is_told_of),
        SHOP(a_callback_may_send_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

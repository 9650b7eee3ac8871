/* Live notes of processes that share a folder: one sends, all type and see the same. */
#include "note_server.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_TURNS 3000 /* of 10 ms at most */

static struct note_server shop;
static struct mirror mirror;
static tandem_note *note;

/* ---- The other process ---- */

struct order {
    char what; /* 'o'pen, 't'ype, 'd'elete, 'l'ook, 'c'lose, 'q'uit */
    size_t at, size;
    char text[64];
};

struct reply {
    tandem_code code;
    size_t waiting;
    uint64_t version;
    unsigned saved, ended, opened;
    char text[512];
};

struct other {
    pid_t pid;
    int orders, replies;
};

static struct other other;

static struct reply obey(struct world *world, const struct order *order, tandem_note **own,
                         struct mirror *seen)
{
    struct reply reply = {.code = TANDEM_OK};
    switch (order->what) {
    case 'o':
        mirror_open(seen, world, own);
        break;
    case 't':
        reply.code = tandem_note_insert(*own, order->at, order->text, strlen(order->text));
        break;
    case 'd':
        reply.code = tandem_note_delete(*own, order->at, order->size);
        break;
    case 'c':
        tandem_note_close(*own);
        *own = NULL;
        break;
    default:
        break;
    }
    if (*own != NULL) {
        mirror_look(seen, *own);
        snprintf(reply.text, sizeof reply.text, "%s", tandem_note_text(*own, NULL));
        reply.waiting = tandem_note_waiting(*own);
        reply.version = tandem_note_version(*own);
        reply.saved = seen->saved;
        reply.ended = seen->ended;
        reply.opened = seen->opened;
    }
    return reply;
}

/* Serves orders until it is to quit; runs in the child. */
static void be_the_other(struct world *world, int orders, int replies)
{
    static struct mirror seen;
    tandem_note *own = NULL;
    struct pollfd polled[2] = {{.fd = orders, .events = POLLIN}, {.events = POLLIN}};
    open_client(world, true);
    polled[1].fd = tandem_fd(world->client);
    for (;;) {
        struct order order;
        (void)poll(polled, 2, 10);
        world->port.now++;
        (void)tandem_service(world->client);
        if ((polled[0].revents & (POLLIN | POLLHUP)) == 0)
            continue;
        if (read(orders, &order, sizeof order) != (ssize_t)sizeof order || order.what == 'q')
            break;
        struct reply reply = obey(world, &order, &own, &seen);
        if (write(replies, &reply, sizeof reply) != (ssize_t)sizeof reply)
            break;
    }
    tandem_close(world->client);
    mirror_release(&seen);
}

static void start_other(struct world *world)
{
    int orders[2], replies[2];
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(replies), 0);
    other.pid = fork();
    assert_true(other.pid >= 0);
    if (other.pid == 0) {
        (void)close(orders[1]);
        (void)close(replies[0]);
        be_the_other(world, orders[0], replies[1]);
        _exit(0);
    }
    (void)close(orders[0]);
    (void)close(replies[1]);
    other.orders = orders[1];
    other.replies = replies[0];
}

static void end_other(void)
{
    int status = 0;
    if (other.pid <= 0)
        return;
    (void)close(other.orders);
    (void)close(other.replies);
    assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
    other.pid = 0;
}

static struct reply ask(char what, size_t at, const char *text)
{
    struct order order = {.what = what, .at = at};
    struct reply reply = {0};
    snprintf(order.text, sizeof order.text, "%s", text);
    assert_int_equal(write(other.orders, &order, sizeof order), (ssize_t)sizeof order);
    struct pollfd polled = {.fd = other.replies, .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 30000), 1);
    assert_int_equal(read(other.replies, &reply, sizeof reply), (ssize_t)sizeof reply);
    return reply;
}

/* ---- This one ---- */

static int set_up_pair(void **state)
{
    note = NULL;
    memset(&mirror, 0, sizeof mirror);
    memset(&other, 0, sizeof other);
    note_server_init(&shop, "Four weeks.");
    return set_up(state);
}

static int tear_down_pair(void **state)
{
    end_other();
    note_server_release(&shop);
    mirror_release(&mirror);
    return tear_down(state);
}

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_pair, tear_down_pair)

static void turn(struct world *world)
{
    struct pollfd polled = {.fd = tandem_fd(world->client), .events = POLLIN};
    if (tandem_timeout(world->client) != 0)
        (void)poll(&polled, 1, 10);
    world->port.now++;
    assert_ok(tandem_service(world->client));
    note_forget_frames();
    note_serve(&shop);
}

/* Both have this text, and so does the server. */
static void until_all_have(struct world *world, const char *text)
{
    for (int i = 0; i < PATIENCE_TURNS; i++) {
        turn(world);
        bool here = note == NULL || strcmp(tandem_note_text(note, NULL), text) == 0;
        if (here && strcmp(note_server_text(&shop), text) == 0) {
            struct reply reply = ask('l', 0, "");
            if (strcmp(reply.text, text) == 0 && reply.waiting == 0)
                return;
        }
    }
    fail_msg("they do not come to \"%s\": the server has \"%s\", the other \"%s\"", text,
             note_server_text(&shop), ask('l', 0, "").text);
}

/* The one that leads, with the note in the replica, and the other beside it. */
static void begin_pair(struct world *world)
{
    struct buffer list = {0};
    const struct made made = {.id = NOTE_NUMBER, .seq = 50, .name = "Four weeks."};
    struct message changes = {.type = MESSAGE_CHANGES};
    start_other(world);
    note_start(world);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    note_settle(world, &shop);
    changes.as.changes.to = 50;
    changes.as.changes.records = records_of(&list, &made, 1);
    message_mark(&changes, "records");
    say(&changes);
    note_settle(world, &shop);
    buffer_release(&list);
}

/* ---- Tests ---- */

static void what_the_other_process_types_is_sent_by_the_one_that_leads(void **state)
{
    struct world *world = *state;
    begin_pair(world);
    mirror_open(&mirror, world, &note);
    assert_string_equal(ask('o', 0, "").text, "Four weeks.");
    struct reply reply = ask('t', 11, " Other.");
    assert_int_equal(reply.code, TANDEM_OK);
    assert_string_equal(reply.text, "Four weeks. Other.");
    assert_true(reply.waiting > 0);
    until_all_have(world, "Four weeks. Other.");
    assert_true(ask('l', 0, "").saved > 0);
    assert_true(mirror.changed > 0);
    mirror_type(&mirror, note, 0, "Here: ");
    until_all_have(world, "Here: Four weeks. Other.");
    note_other(&shop, "ola", 6, 4, "Six");
    until_all_have(world, "Here: Six weeks. Other.");
    assert_text(&mirror, note, "Here: Six weeks. Other.");
}

/* Nobody has it open where the server can be asked. */
static void who_leads_opens_what_another_process_looks_at(void **state)
{
    struct world *world = *state;
    begin_pair(world);
    assert_string_equal(ask('o', 0, "").text, "Four weeks.");
    for (int i = 0; i < PATIENCE_TURNS && !shop.open; i++)
        turn(world);
    assert_true(shop.open);
    for (int i = 0; i < PATIENCE_TURNS && ask('l', 0, "").opened == 0; i++)
        turn(world);
    assert_int_equal(ask('l', 0, "").opened, 1);
    note_other(&shop, "ola", 0, 4, "Six");
    until_all_have(world, "Six weeks.");
    assert_int_equal(ask('t', 10, " Other.").code, TANDEM_OK);
    until_all_have(world, "Six weeks. Other.");
    (void)ask('c', 0, "");
    (void)ask('o', 0, ""); /* once more, where it is open at the server already */
    for (int i = 0; i < PATIENCE_TURNS && ask('l', 0, "").opened == 0; i++)
        turn(world);
    assert_int_equal(ask('l', 0, "").opened, 1);
}

/* Neither has heard of the other's edit when it makes its own. */
static void both_type_without_having_heard_of_each_other(void **state)
{
    struct world *world = *state;
    begin_pair(world);
    mirror_open(&mirror, world, &note);
    (void)ask('o', 0, "");
    assert_int_equal(ask('t', 0, "Other, ").code, TANDEM_OK);
    assert_ok(tandem_note_insert(note, 11, " Here.", 6)); /* behind "weeks." */
    assert_string_equal(tandem_note_text(note, NULL), "Other, Four weeks. Here.");
    assert_int_equal(mirror.changed, 1); /* the other's */
    mirror_look(&mirror, note);
    assert_int_equal(ask('t', 24, " Again.").code, TANDEM_OK);
    until_all_have(world, "Other, Four weeks. Here. Again.");
    /* Once more, now that both know it from the folder. */
    assert_int_equal(ask('t', 0, "1 ").code, TANDEM_OK);
    assert_ok(tandem_note_insert(note, 5, " party", 6)); /* behind "Other" */
    mirror_look(&mirror, note);
    until_all_have(world, "1 Other party, Four weeks. Here. Again.");
}

/* What it typed is sent after its end. */
static void a_process_that_ended_has_left_what_it_typed(void **state)
{
    struct world *world = *state;
    begin_pair(world);
    (void)ask('o', 0, "");
    assert_int_equal(ask('t', 0, "Left. ").code, TANDEM_OK);
    end_other();
    for (int i = 0; i < PATIENCE_TURNS && shop.taken == 0; i++)
        turn(world);
    assert_string_equal(note_server_text(&shop), "Left. Four weeks.");
    note_settle(world, &shop);
    assert_false(shop.open);
}

/* The server takes the record away from the one that leads. */
static void take_away(void)
{
    struct buffer removed = {0};
    struct message changes = {.type = MESSAGE_CHANGES};
    shop.hidden = true;
    wire_put_array(&removed, 1);
    wire_put_id(&removed, id_of(NOTE_NUMBER));
    changes.as.changes.from = 50;
    changes.as.changes.to = 51;
    changes.as.changes.removed = buffer_bytes(&removed);
    message_mark(&changes, "removed");
    note_say_ended(&shop, "not-found");
    say(&changes);
    buffer_release(&removed);
}

/* The one that leads has nobody who looks at it, and the other is not told by the server. */
static void access_that_ends_takes_it_from_the_other_process_too(void **state)
{
    struct world *world = *state;
    begin_pair(world);
    assert_string_equal(ask('o', 0, "").text, "Four weeks.");
    for (int i = 0; i < PATIENCE_TURNS && !shop.open; i++)
        turn(world);
    assert_true(shop.open);
    unsigned opens = shop.opens;
    take_away();
    for (int i = 0; i < PATIENCE_TURNS && ask('l', 0, "").ended == 0; i++)
        turn(world);
    struct reply reply = ask('l', 0, "");
    assert_int_equal(reply.ended, 1);
    assert_string_equal(reply.text, "");
    for (int i = 0; i < 20; i++) {
        (void)ask('l', 0, "");
        turn(world);
    }
    assert_true(shop.opens <= opens + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(what_the_other_process_types_is_sent_by_the_one_that_leads),
        PAIR_TEST(who_leads_opens_what_another_process_looks_at),
        PAIR_TEST(both_type_without_having_heard_of_each_other),
        PAIR_TEST(a_process_that_ended_has_left_what_it_typed),
        PAIR_TEST(access_that_ends_takes_it_from_the_other_process_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

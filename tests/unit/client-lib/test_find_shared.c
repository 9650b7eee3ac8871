/* Queries of a process that does not keep the replica: the index that they lack is built by the one
 * that does. */
#include "index_world.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER_MOST 1000
#define PATIENCE_TURNS 3000 /* of 10 ms at most */

struct answer {
    tandem_code code;
    size_t count;
    unsigned walks; /* of an index, so far */
};

static struct {
    pid_t pid;
    int orders, answers;
} other;

static bool count_record(void *context, const tandem_record *record)
{
    (void)record;
    ++*(size_t *)context;
    return true;
}

/* In the child: opens the folder that it is told, and asks whenever it is told to. */
static void be_the_other(int orders, int answers)
{
    static struct world world;
    static char folder[FOLDER_MOST];
    const tandem_find find = {.entity = "opportunity", .sort = "amount"};
    char order;
    if (read(orders, folder, sizeof folder) != (ssize_t)sizeof folder)
        return;
    fake_port_init(&world.port);
    world.folder = folder;
    open_client(&world, true);
    while (read(orders, &order, 1) == 1) {
        struct answer answer = {0};
        answer.code = tandem_find_each(world.client, &find, count_record, &answer.count);
        answer.walks = watch.walks;
        if (write(answers, &answer, sizeof answer) != (ssize_t)sizeof answer)
            break;
    }
    tandem_close(world.client);
}

/* Before this process has anything open. */
static int set_up_both(void **state)
{
    int orders[2], answers[2];
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(answers), 0);
    other.pid = fork();
    assert_true(other.pid >= 0);
    if (other.pid == 0) {
        (void)close(orders[1]);
        (void)close(answers[0]);
        be_the_other(orders[0], answers[1]);
        _exit(0);
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    other.orders = orders[1];
    other.answers = answers[0];
    return index_set_up(state);
}

static int tear_down_both(void **state)
{
    int status = 0;
    (void)close(other.orders);
    (void)close(other.answers);
    assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
    return laid_tear_down(state);
}

static void start_other(const struct laid_world *world)
{
    char folder[FOLDER_MOST] = {0};
    const size_t length = strlen(world->world->folder);
    assert_true(length < sizeof folder);
    memcpy(folder, world->world->folder, length);
    assert_int_equal(write(other.orders, folder, sizeof folder), (ssize_t)sizeof folder);
}

static struct answer ask(void)
{
    struct answer answer = {0};
    struct pollfd polled = {.fd = other.answers, .events = POLLIN};
    assert_int_equal(write(other.orders, "?", 1), 1);
    assert_int_equal(poll(&polled, 1, 30000), 1);
    assert_int_equal(read(other.answers, &answer, sizeof answer), (ssize_t)sizeof answer);
    assert_ok(answer.code);
    return answer;
}

static void turn(struct laid_world *world)
{
    tandem_client *client = client_of(world);
    struct pollfd polled = {.fd = tandem_fd(client), .events = POLLIN};
    if (tandem_timeout(client) != 0)
        (void)poll(&polled, 1, 10);
    assert_ok(tandem_service(client));
}

static void who_leads_builds_what_another_process_lacks(void **state)
{
    struct laid_world *world = *state;
    uint64_t seed = seed_from(21);
    connect_with(world->world, &usual); /* and leads */
    hold_deals(world, HELD, &seed);
    (void)run_all(world); /* nothing waits to be scrubbed */
    start_other(world);
    const struct answer before = ask();
    assert_true(before.count > REPLICA_INDEX_FROM);
    assert_int_equal(before.walks, 0);
    for (int i = 0; i < PATIENCE_TURNS; i++) {
        if (state_of(world, "opportunity", "amount", KIND_MONEY) == REPLICA_INDEX_WHOLE)
            break;
        turn(world);
    }
    const struct answer behind = ask();
    assert_int_equal(behind.count, before.count);
    assert_int_equal(behind.walks, 1);
}

/* Each is a commit, which wakes whoever leads. */
static void what_nobody_can_build_is_not_wished_for_on_and_on(void **state)
{
    struct laid_world *world = *state;
    uint64_t seed = seed_from(22);
    connect_with(world->world, &usual);
    hold_deals(world, HELD, &seed);
    start_other(world);
    (void)ask();
    bool changed = false;
    assert_ok(outbox_store_look(client_of(world)->store, &changed));
    assert_true(changed);
    for (int i = 0; i < 5; i++)
        (void)ask();
    assert_ok(outbox_store_look(client_of(world)->store, &changed));
    assert_false(changed);
}

#define BOTH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_both, tear_down_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_TEST(who_leads_builds_what_another_process_lacks),
        BOTH_TEST(what_nobody_can_build_is_not_wished_for_on_and_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

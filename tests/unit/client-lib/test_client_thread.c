/* A handle with a thread of its own: who has its turn, what wakes it, and its end. The script of
 * the server is touched under the lock only, as the handle is. */
#include "client_world.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WORKERS 4
#define TURNS 300

static sem_t answered;

static void make_readable(void)
{
    uint64_t one = 1;
    assert_int_equal(write(server.fd, &one, sizeof one), sizeof one);
}

static void make_quiet(void)
{
    uint64_t any;
    ssize_t got = read(server.fd, &any, sizeof any);
    (void)got;
    server.want = TANDEM_WANT_READ;
}

/* Called by whoever has the lock, and may take it again. */
static void take_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct world *world = context;
    (void)answer;
    tandem_lock(world->client);
    if (fault->code == STATUS_NOT_FOUND) {
        assert_int_equal(tandem_service(world->client), STATUS_USAGE);
        make_quiet();
    }
    tandem_unlock(world->client);
    assert_int_equal(sem_post(&answered), 0);
}

static void begin(struct world *world)
{
    assert_int_equal(sem_init(&answered, 0, 0), 0);
    open_client(world, false);
    server.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sign_in(world, 0);
    assert_ok(tandem_thread_start(world->client));
}

static void end(struct world *world)
{
    tandem_close(world->client);
    world->client = NULL;
    assert_int_equal(close(server.fd), 0);
    assert_int_equal(sem_destroy(&answered), 0);
}

static void ask(struct world *world)
{
    tandem_lock(world->client);
    assert_ok(tandem_ask_status(world->client, take_answer, world));
    say_error("not-found", expect_sent(MESSAGE_STATUS)->as.status.request, 0);
}

static void the_thread_answers_without_anybody_running_the_loop(void **state)
{
    struct world *world = *state;
    begin(world);
    assert_int_equal(tandem_thread_start(world->client), STATUS_USAGE);
    for (unsigned i = 0; i < 5; i++) {
        ask(world);
        make_readable();
        tandem_unlock(world->client);
        assert_int_equal(sem_wait(&answered), 0);
    }
    tandem_lock(world->client);
    assert_int_equal(tandem_wait(world->client, 0), STATUS_USAGE);
    tandem_unlock(world->client);
    end(world);
}

/* Time stands still here and nothing comes from the server, so a thread that is not woken sleeps
 * for longer than the test is given. */
static void what_others_do_wakes_the_thread(void **state)
{
    struct world *world = *state;
    begin(world);
    /* The connection wants to be written to. */
    ask(world);
    server.want |= TANDEM_WANT_WRITE;
    tandem_unlock(world->client);
    assert_int_equal(sem_wait(&answered), 0);
    /* Something is due at once: to connect anew, which answers what was asked before. */
    tandem_lock(world->client);
    assert_ok(tandem_ask_status(world->client, take_answer, world));
    assert_ok(tandem_connect(world->client, &usual, NULL));
    unsigned opened = server.opened;
    tandem_unlock(world->client);
    assert_int_equal(sem_wait(&answered), 0);
    for (bool again = false; !again;) {
        tandem_lock(world->client);
        again = server.opened > opened;
        tandem_unlock(world->client);
    }
    end(world);
}

static void *work(void *context)
{
    struct world *world = context;
    static struct outcome outcomes[WORKERS * TURNS];
    static unsigned next;
    for (unsigned i = 0; i < TURNS; i++) {
        tandem_lock(world->client);
        tandem_lock(world->client);
        unsigned mine = next++;
        tandem_unlock(world->client);
        if (server.sent_count < SENT_MAX - 8)
            (void)send_note(world, "text", &outcomes[mine]);
        (void)tandem_unanswered(world->client);
        tandem_unlock(world->client);
    }
    return NULL;
}

/* The loop never sleeps, since the connection can always be written to; everybody gets the lock all
 * the same. */
static void a_busy_loop_leaves_turns_to_others(void **state)
{
    struct world *world = *state;
    pthread_t workers[WORKERS];
    begin(world);
    tandem_lock(world->client);
    server.want = TANDEM_WANT_READ | TANDEM_WANT_WRITE;
    tandem_unlock(world->client);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, work, world), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(workers[i], NULL), 0);
    tandem_lock(world->client);
    assert_true(tandem_unanswered(world->client) > 0);
    tandem_unlock(world->client);
    end(world);
}

static void it_stops_and_starts_also_for_one_who_has_the_lock(void **state)
{
    struct world *world = *state;
    begin(world);
    for (unsigned i = 0; i < 20; i++) {
        tandem_lock(world->client);
        tandem_lock(world->client);
        tandem_thread_stop(world->client);
        tandem_unlock(world->client);
        tandem_unlock(world->client);
        tandem_unlock(world->client); /* one too many is nobody's harm */
        assert_ok(tandem_service(world->client));
        assert_ok(tandem_thread_start(world->client));
        tandem_thread_stop(world->client);
        tandem_thread_stop(world->client);
        assert_ok(tandem_thread_start(world->client));
        ask(world);
        make_readable();
        tandem_unlock(world->client);
        assert_int_equal(sem_wait(&answered), 0);
    }
    end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_thread_answers_without_anybody_running_the_loop),
        TEST(what_others_do_wakes_the_thread),
        TEST(a_busy_loop_leaves_turns_to_others),
        TEST(it_stops_and_starts_also_for_one_who_has_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

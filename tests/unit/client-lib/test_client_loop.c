/* The descriptor that a caller's loop waits for: one for the life of the handle, readable when, and
 * only when, there is something to do. */
#include "client_world.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool is_due(const struct world *world)
{
    struct pollfd polled = {.fd = tandem_fd(world->client), .events = POLLIN};
    assert_int_equal(tandem_want(world->client), TANDEM_WANT_READ);
    return poll(&polled, 1, 0) == 1;
}

static void make_readable(void)
{
    uint64_t one = 1;
    assert_int_equal(write(server.fd, &one, sizeof one), sizeof one);
}

static void make_quiet(void)
{
    uint64_t any;
    assert_int_equal(read(server.fd, &any, sizeof any), sizeof any);
}

static void one_descriptor_for_life_tells_of_the_connection(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    int fd = tandem_fd(world->client);
    assert_true(fd >= 0);
    assert_false(is_due(world));
    server.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sign_in(world, 0);
    assert_int_equal(tandem_fd(world->client), fd);
    assert_false(is_due(world));
    make_readable();
    assert_true(is_due(world));
    make_quiet();
    assert_false(is_due(world));
    /* An eventfd can always be written, so this is due as soon as it is wanted. */
    server.want = TANDEM_WANT_READ | TANDEM_WANT_WRITE;
    assert_true(is_due(world));
    server.want = TANDEM_WANT_READ;
    assert_false(is_due(world));
    make_readable();
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    assert_false(is_due(world)); /* it is no longer ours */
    assert_int_equal(close(server.fd), 0);
    server.fd = -1;
}

/* A socket that was closed takes its place in the epoll set along, and the next one may have its
 * number: while it is being connected, and from one connection to the next. */
static void a_socket_with_the_number_of_the_last_is_waited_for(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    server.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    server.slow = true;
    assert_ok(tandem_connect(world->client, &usual, NULL));
    assert_ok(tandem_service(world->client));
    for (unsigned i = 0; i < 3; i++) {
        int number = server.fd;
        assert_false(is_due(world));
        assert_int_equal(close(server.fd), 0);
        server.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        assert_int_equal(server.fd, number);
        if (i == 0) {
            /* The next address of the host, after the first took no connection. */
            make_readable();
            assert_true(is_due(world));
            make_quiet();
            server.slow = false;
            sign_in(world, 0);
        } else {
            hang_up(4003);
            assert_ok(tandem_service(world->client));
            reconnect(world, 0);
        }
        assert_false(is_due(world));
        make_readable();
        assert_true(is_due(world));
        make_quiet();
    }
    assert_int_equal(close(server.fd), 0);
    server.fd = -1;
}

static void waiting_ends_with_what_comes_first(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    assert_int_equal(tandem_wait(world->client, 0), STATUS_USAGE);
    server.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sign_in(world, 0);
    make_readable();
    say_error("not-found", 9, 0);
    assert_ok(tandem_wait(world->client, -1)); /* time stands still: only the socket ends it */
    make_quiet();
    world->port.now += CLIENT_PING_AFTER;
    assert_ok(tandem_wait(world->client, -1));
    (void)expect_sent(MESSAGE_PING);
    assert_int_equal(close(server.fd), 0);
    server.fd = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_descriptor_for_life_tells_of_the_connection),
        TEST(a_socket_with_the_number_of_the_last_is_waited_for),
        TEST(waiting_ends_with_what_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

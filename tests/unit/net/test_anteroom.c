/* The anteroom, over real TCP connections: who has greeted is dealt, suspects in their turn, everybody else costs a socket
 * until they leave, talk nonsense, or their time is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/net/anteroom.h"

#define PATIENCE_MS 1000
#define ENTERED_MS 5000
#define GREETING_BYTES 300

struct room {
    struct anteroom *anteroom;
    int listening;
    int dealt_fd, dealt, left;
    uint64_t dealt_since_ms;
    bool suspicious;
};

static void deal(void *self, struct arrival arrival)
{
    struct room *room = self;
    room->dealt++;
    room->dealt_fd = arrival.fd;
    room->dealt_since_ms = arrival.since_ms;
}

static void left(void *self, struct peer_address peer)
{
    struct room *room = self;
    assert_int_equal(peer.octet[0], 10);
    room->left++;
}

static bool is_suspect(void *self, struct peer_address peer)
{
    const struct room *room = self;
    assert_int_equal(peer.octet[0], 10);
    return room->suspicious;
}

static int open_room(void **state)
{
    static struct room room;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    room = (struct room){.dealt_fd = -1, .listening = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(room.listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(room.listening, 8), 0);
    room.anteroom = anteroom_new(
        PATIENCE_MS, &(struct anteroom_port){.self = &room,
                                             .deal = deal,
                                             .left = left,
                                             .suspect = is_suspect,
                                             .suspects_per_second = 4});
    assert_non_null(room.anteroom);
    *state = &room;
    return 0;
}

static int close_room(void **state)
{
    struct room *room = *state;
    anteroom_free(room->anteroom);
    close(room->listening);
    return 0;
}

/* Connects; *server is the accepted end. Returns the peer's. */
static int connect_peer(const struct room *room, int *server)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(getsockname(room->listening, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(peer, (struct sockaddr *)&address, size), 0);
    *server = accept4(room->listening, NULL, NULL, SOCK_NONBLOCK);
    assert_true(*server >= 0);
    return peer;
}

static void enter(struct room *room, int server, uint64_t now_ms)
{
    anteroom_enter(room->anteroom,
                   (struct arrival){.fd = server, .peer = {.octet = {10}}, .since_ms = now_ms});
}

/* One who has connected and entered without a word. */
static int come_in(struct room *room, uint64_t now_ms)
{
    int server, peer = connect_peer(room, &server);
    enter(room, server, now_ms);
    return peer;
}

static bool stirs(const struct room *room)
{
    struct pollfd polled = {.fd = anteroom_fd(room->anteroom), .events = POLLIN};
    return poll(&polled, 1, 0) == 1;
}

static void look_when_stirred(struct room *room)
{
    struct pollfd polled = {.fd = anteroom_fd(room->anteroom), .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 10000), 1);
    anteroom_look(room->anteroom, ENTERED_MS);
}

static void greeting(uint8_t out[GREETING_BYTES])
{
    const uint8_t header[] = {22, 3, 1, (GREETING_BYTES - 5) >> 8, (GREETING_BYTES - 5) & 0xff};
    memset(out, 'g', GREETING_BYTES);
    memcpy(out, header, sizeof header);
}

static void say(int peer, const void *data, size_t size)
{
    assert_int_equal(send(peer, data, size, MSG_NOSIGNAL), size);
}

static void expect_dealt(struct room *room)
{
    uint8_t said[GREETING_BYTES], heard[GREETING_BYTES];
    int low = 0;
    socklen_t size = sizeof low;
    greeting(said);
    assert_int_equal(room->dealt, 1);
    assert_int_equal(room->left, 0);
    assert_int_equal(room->dealt_since_ms, ENTERED_MS);
    assert_int_equal(getsockopt(room->dealt_fd, SOL_SOCKET, SO_RCVLOWAT, &low, &size), 0);
    assert_int_equal(low, 1); /* whoever reads on must hear of every byte */
    assert_int_equal(recv(room->dealt_fd, heard, sizeof heard, 0), sizeof heard);
    assert_memory_equal(said, heard, sizeof said);
    close(room->dealt_fd);
}

static void expect_closed(int peer)
{
    uint8_t byte;
    assert_true(recv(peer, &byte, 1, 0) <= 0);
    close(peer);
}

static void who_greeted_before_is_dealt_at_once(void **state)
{
    struct room *room = *state;
    uint8_t said[GREETING_BYTES];
    int server, peer = connect_peer(room, &server);
    greeting(said);
    say(peer, said, sizeof said);
    struct pollfd arrived = {.fd = server, .events = POLLIN};
    assert_int_equal(poll(&arrived, 1, 10000), 1);
    enter(room, server, ENTERED_MS);
    expect_dealt(room);
    close(peer);
}

static void a_greeting_in_pieces_is_dealt_when_whole(void **state)
{
    struct room *room = *state;
    uint8_t said[GREETING_BYTES];
    int peer = come_in(room, ENTERED_MS);
    greeting(said);
    for (size_t i = 0; i < 4; i++) { /* of the header: nobody is woken */
        say(peer, said + i, 1);
        assert_false(stirs(room));
    }
    say(peer, said + 4, 1);
    look_when_stirred(room);
    for (size_t i = 5; i + 1 < sizeof said; i++) {
        say(peer, said + i, 1);
        assert_false(stirs(room));
    }
    assert_int_equal(room->dealt, 0);
    say(peer, said + sizeof said - 1, 1);
    look_when_stirred(room);
    expect_dealt(room);
    close(peer);
}

static void nonsense_is_shown_out(void **state)
{
    static const char *const nonsense[] = {"GET / HTTP/1.1\r\n\r\n", "\x16\x02\x01\x01\x00",
                                           "\x16\x03\x01\x40\x01", "\x15\x03\x01\x01\x02"};
    struct room *room = *state;
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        int peer = come_in(room, ENTERED_MS);
        say(peer, nonsense[i], i == 0 ? strlen(nonsense[i]) : 5);
        look_when_stirred(room);
        assert_int_equal(room->left, (int)i + 1);
        expect_closed(peer);
    }
    int empty = come_in(room, ENTERED_MS);
    say(empty, "\x16\x03\x01\0\0", 5);
    look_when_stirred(room);
    expect_closed(empty);
    assert_int_equal(room->dealt, 0);
}

static void who_leaves_is_counted_out(void **state)
{
    struct room *room = *state;
    uint8_t said[GREETING_BYTES];
    int silent = come_in(room, ENTERED_MS), begun = come_in(room, ENTERED_MS);
    greeting(said);
    close(silent);
    look_when_stirred(room);
    assert_int_equal(room->left, 1);
    say(begun, said, 3);
    close(begun);
    look_when_stirred(room);
    assert_int_equal(room->left, 2);
    assert_int_equal(anteroom_timeout_ms(room->anteroom, ENTERED_MS), -1);
}

static void time_is_over_for_each_in_turn(void **state)
{
    struct room *room = *state;
    assert_int_equal(anteroom_timeout_ms(room->anteroom, ENTERED_MS), -1);
    int first = come_in(room, ENTERED_MS), second = come_in(room, ENTERED_MS + 400);
    assert_int_equal(anteroom_timeout_ms(room->anteroom, ENTERED_MS + 400), PATIENCE_MS - 399);
    anteroom_look(room->anteroom, ENTERED_MS + PATIENCE_MS);
    assert_int_equal(room->left, 0);
    anteroom_look(room->anteroom, ENTERED_MS + PATIENCE_MS + 1);
    assert_int_equal(room->left, 1);
    expect_closed(first);
    assert_int_equal(anteroom_timeout_ms(room->anteroom, ENTERED_MS + PATIENCE_MS + 1), 400);
    assert_int_equal(anteroom_timeout_ms(room->anteroom, ENTERED_MS + 99 * PATIENCE_MS), 0);
    anteroom_free(room->anteroom); /* the second still waits */
    room->anteroom = NULL;
    assert_int_equal(room->left, 2);
    expect_closed(second);
}

/* Four a second, while those of other addresses do not wait, and not beyond their time. */
static void suspects_take_the_slow_lane(void **state)
{
    struct room *room = *state;
    uint8_t said[GREETING_BYTES];
    int peers[8], servers[8];
    greeting(said);
    room->suspicious = true;
    for (int i = 0; i < 7; i++) {
        peers[i] = connect_peer(room, &servers[i]);
        if (i % 2) { /* greeted before they came in, or after */
            say(peers[i], said, sizeof said);
            enter(room, servers[i], ENTERED_MS);
        } else {
            enter(room, servers[i], ENTERED_MS);
            say(peers[i], said, sizeof said);
            look_when_stirred(room);
        }
        assert_int_equal(room->dealt, 1);
        assert_false(stirs(room));
    }
    assert_int_equal(room->dealt_fd, servers[0]);
    assert_int_equal(room->dealt_since_ms, ENTERED_MS);
    room->suspicious = false;
    peers[7] = connect_peer(room, &servers[7]);
    say(peers[7], said, sizeof said);
    enter(room, servers[7], ENTERED_MS);
    assert_int_equal(room->dealt, 2);
    assert_int_equal(room->dealt_fd, servers[7]);
    close(servers[0]);
    close(servers[7]);
    assert_int_equal(anteroom_timeout_ms(room->anteroom, ENTERED_MS), 250);
    anteroom_look(room->anteroom, ENTERED_MS + 249);
    assert_int_equal(room->dealt, 2);
    anteroom_look(room->anteroom, ENTERED_MS + 250);
    assert_int_equal(room->dealt, 3);
    assert_int_equal(room->dealt_fd, servers[1]);
    assert_int_equal(room->dealt_since_ms, ENTERED_MS + 250); /* their time begins */
    close(servers[1]);
    close(peers[2]); /* leaves, and is not waited for */
    look_when_stirred(room);
    assert_int_equal(room->left, 1);
    anteroom_look(room->anteroom, ENTERED_MS + 500);
    assert_int_equal(room->dealt, 4);
    assert_int_equal(room->dealt_fd, servers[3]);
    close(servers[3]);
    anteroom_look(room->anteroom, ENTERED_MS + PATIENCE_MS + 1);
    assert_int_equal(room->dealt, 4);
    assert_int_equal(room->left, 4);
    for (int i = 0; i < 8; i++)
        if (i != 2)
            close(peers[i]);
}

/* Who has waited long makes room, the first first; who has just come does not. */
static void room_is_made(void **state)
{
    struct room *room = *state;
    assert_false(anteroom_make_room(room->anteroom, ENTERED_MS));
    int first = come_in(room, ENTERED_MS), second = come_in(room, ENTERED_MS + 400);
    assert_false(anteroom_make_room(room->anteroom, ENTERED_MS + 999));
    assert_true(anteroom_make_room(room->anteroom, ENTERED_MS + 1000));
    assert_int_equal(room->left, 1);
    expect_closed(first);
    assert_false(anteroom_make_room(room->anteroom, ENTERED_MS + 1000));
    close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_greeted_before_is_dealt_at_once, open_room, close_room),
        cmocka_unit_test_setup_teardown(a_greeting_in_pieces_is_dealt_when_whole, open_room,
                                        close_room),
        cmocka_unit_test_setup_teardown(nonsense_is_shown_out, open_room, close_room),
        cmocka_unit_test_setup_teardown(who_leaves_is_counted_out, open_room, close_room),
        cmocka_unit_test_setup_teardown(suspects_take_the_slow_lane, open_room, close_room),
        cmocka_unit_test_setup_teardown(room_is_made, open_room, close_room),
        cmocka_unit_test_setup_teardown(time_is_over_for_each_in_turn, open_room, close_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

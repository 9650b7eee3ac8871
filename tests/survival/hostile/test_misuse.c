/* What somebody may cost a real server, and who pays for it: a user whose clients make errors is
 * answered at a rate, on all connections together, and read at that rate when they flood, while
 * everybody else, and whoever of that user makes none, is answered at once; a user whose clients
 * ask for much work is served at a rate, likewise; and newcomers of an address whose connections
 * come to nothing wait for their turn, while others do not, and nobody is turned away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/survival/hostile/company.h"
#include "tests/survival/hostile/honest.h"
#include "tests/survival/hostile/typing.h"
#include "tests/survival/hostile/vitals.h"

#define RATE 100u /* errors a second */
#define BURST 1000u
#define ERRORS 700u /* of each of two connections */
/* What is not to be told apart from an error that came in time. */
#define OVERSHOOT 4u
/* What a turn of the server's loop may read before it stops reading. */
#define RECORDS_ON_THE_WAY 4u
#define RECORD_POINTS (16640u / 64u)
#define WORK_RATE 100u /* units a second */
#define WORK_BURST 400u
#define PUSHES 90u /* of each of two connections */
#define PUSH_UNITS 3u
/* What a push is taken to be while nobody knows better. */
#define PUSH_MOST 64u
#define FAILURES 12 /* more than an address may have at once */
#define BROKEN "127.0.0.5"
#define WAITING 8

struct fixture {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct company company;
    struct honest honest;
};

static int set_up(void **state)
{
    static const char *const flags[] = {"--user-errors", "100", "--user-work", "100",
                                        "--suspects",    "1",   NULL};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    return fixture != NULL && scratch_make(fixture->folder) &&
                   server_process_make(&fixture->server, fixture->folder, COMPANY_ADMIN,
                                       COMPANY_PASSWORD) &&
                   server_process_start(&fixture->server, flags, 0) &&
                   company_make(&fixture->company, &fixture->server, 0) &&
                   honest_begin(&fixture->honest, &fixture->server, &fixture->company)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    honest_end(&fixture->honest);
    bool ended = server_process_stop(&fixture->server);
    scratch_remove(fixture->folder);
    free(fixture);
    return ended ? 0 : -1;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void come_in(const struct fixture *fixture, struct talk *talk, const char *token,
                    const char *from)
{
    const struct talk_hello hello = {.method = "token", .secret = token};
    char refusal[TALK_NAME] = "";
    assert_true(talk_open(talk, fixture->server.address, fixture->server.ca, from));
    assert_true(talk_sign_in(talk, &hello, refusal));
}

/* A figure of `status`, as staff see it. */
static uint64_t figure(struct talk *staff, const char *name)
{
    struct message message = {.type = MESSAGE_STATUS};
    uint64_t value = 0;
    assert_true(talk_ask(staff, &message, &message.as.status.request));
    assert_true(wire_map_uint(staff->last.as.answer.info, name, &value));
    return value;
}

static void ping(struct talk *talk)
{
    struct message message = {.type = MESSAGE_PING};
    message_mark(&message, "request");
    assert_true(talk_ask(talk, &message, &message.as.ping.request));
}

static void say_nonsense(struct talk *talk, unsigned count)
{
    struct buffer nonsense = {0};
    wire_put_map(&nonsense, 1);
    wire_put_text(&nonsense, "type");
    wire_put_text(&nonsense, "gibberish");
    assert_false(nonsense.failed);
    for (unsigned i = 0; i < count; i++) {
        assert_true(net_client_send(&talk->net, nonsense.data, nonsense.size));
    }
    buffer_release(&nonsense);
}

static void hear_error(struct talk *talk)
{
    assert_true(talk_hear(talk));
    assert_int_equal(talk->last.type, MESSAGE_ERROR);
    assert_true(bytes_is(talk->last.as.error.name, "unknown-message"));
}

static bool log_says(const struct fixture *fixture, const char *part)
{
    char path[SCRATCH_PATH + 32];
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/server.log", fixture->server.folder);
    char *text = scratch_read(path, &size);
    bool says = text != NULL && strstr(text, part) != NULL;
    free(text);
    return says;
}

static void test_errors_at_a_rate(void **state)
{
    struct fixture *fixture = *state;
    struct talk errs[2], sound, late;
    unsigned answered = 0;
    for (int i = 0; i < 2; i++) {
        come_in(fixture, &errs[i], fixture->company.token, NULL);
    }
    come_in(fixture, &sound, fixture->company.token, NULL);
    const uint64_t began = now_ms();
    for (int i = 0; i < 2; i++) {
        say_nonsense(&errs[i], ERRORS);
    }
    for (int i = 0; i < 2; i++) {
        for (unsigned heard = 0; heard < ERRORS; heard++) {
            hear_error(&errs[i]);
            answered++;
            assert_true(answered <= BURST + (now_ms() - began) * RATE / 1000 + OVERSHOOT);
            /* Meanwhile others are answered: they wait for nothing, or this would take minutes. */
            if (heard % 50 == 0) {
                assert_true(honest_work(&fixture->honest));
            }
            if (answered == BURST) {
                ping(&sound);
            }
        }
    }
    assert_true(figure(&fixture->honest.talk, "errors") >= answered);
    assert_true(figure(&fixture->honest.talk, "pauses") > 0);
    assert_true(log_says(fixture, "slowed down mallory"));
    /* Who comes in when nothing is left is not heard at once, but is heard. */
    come_in(fixture, &late, fixture->company.token, NULL);
    ping(&late);
    talk_close(&late);
    talk_close(&sound);
    for (int i = 0; i < 2; i++) {
        talk_close(&errs[i]);
    }
}

/* Two connections of one user type as fast as they can, in a note each. */
static void test_work_at_a_rate(void **state)
{
    struct fixture *fixture = *state;
    struct talk types[2];
    struct id notes[2];
    unsigned answered = 0;
    const uint64_t paused = figure(&fixture->honest.talk, "pauses");
    for (int i = 0; i < 2; i++) {
        come_in(fixture, &types[i], fixture->company.token, NULL);
        assert_true(typing_make_note(&types[i], fixture->company.account, &notes[i]));
    }
    const uint64_t began = now_ms();
    for (int i = 0; i < 2; i++) {
        for (unsigned said = 0; said < PUSHES; said++) {
            assert_true(typing_say_push(&types[i], notes[i], said, said));
        }
    }
    for (int i = 0; i < 2; i++) {
        for (unsigned heard = 0; heard < PUSHES; heard++) {
            assert_true(typing_hear_result(&types[i]));
            answered++;
            assert_true((uint64_t)answered * PUSH_UNITS <=
                        WORK_BURST + (now_ms() - began) * WORK_RATE / 1000 + PUSH_MOST);
            if (heard % 20 == 0) {
                assert_true(honest_work(&fixture->honest)); /* others wait for nothing */
            }
        }
    }
    assert_true(figure(&fixture->honest.talk, "pauses") > paused);
    assert_true(log_says(fixture, "units of work on notes and presence"));
    for (int i = 0; i < 2; i++) {
        talk_close(&types[i]);
    }
}

/* Thousands of changes, refused ones among them, are no errors. */
static void test_changes_are_free(void **state)
{
    struct fixture *fixture = *state;
    uint64_t before = figure(&fixture->honest.talk, "errors");
    for (unsigned i = 0; i < 300; i++) {
        struct buffer changes = {0};
        company_put_update(&changes, i % 2 ? talk_id() : fixture->company.honest, i);
        assert_int_equal(talk_mutate(&fixture->honest.talk, buffer_bytes(&changes)), i % 2 == 0);
        buffer_release(&changes);
    }
    assert_int_equal(figure(&fixture->honest.talk, "errors"), before);
}

/* As many as the socket takes now; false when it takes no more. */
static bool send_pings(struct talk *talk)
{
    /* Of 12 bytes, each with a mask of zeros: 6 of them are what is said. */
    static const uint8_t ping[] = {0x89, 0x86, 0, 0, 0, 0, 'n', 'o', 'i', 's', 'e', '!'};
    static uint8_t pings[1024 * sizeof ping];
    size_t written = 0;
    for (size_t i = 0; i < sizeof pings; i++) {
        pings[i] = ping[i % sizeof ping];
    }
    return SSL_write_ex(talk->net.ssl, pings, sizeof pings, &written) == 1;
}

/* Whoever sends what is no message as fast as it goes is not read until a tick comes along, but as
 * far as the user's allowance goes, and no faster than it comes back: what went through is what was
 * charged for. */
static void test_flood_of_pings(void **state)
{
    struct fixture *fixture = *state;
    struct talk floods;
    unsigned stuck = 0, rounds = 0;
    come_in(fixture, &floods, fixture->company.token, NULL);
    assert_int_equal(fcntl(floods.net.fd, F_SETFL, O_NONBLOCK), 0);
    const uint64_t before = figure(&fixture->honest.talk, "errors");
    const uint64_t paused = figure(&fixture->honest.talk, "pauses");
    const uint64_t began = now_ms();
    while (stuck < 100 || figure(&fixture->honest.talk, "pauses") == paused) {
        assert_true(rounds++ < 1000000);
        stuck = send_pings(&floods) ? 0 : stuck + 1;
        if (stuck > 0) {
            assert_true(honest_work(&fixture->honest));
        }
    }
    const uint64_t charged = figure(&fixture->honest.talk, "errors") - before;
    const uint64_t came_back = (now_ms() - began) * RATE / 1000;
    assert_true(charged > 0);
    if (charged > BURST + came_back + RECORDS_ON_THE_WAY * RECORD_POINTS) {
        fail_msg("%llu points went through, %llu came back", (unsigned long long)charged,
                 (unsigned long long)came_back);
    }
    talk_close(&floods);
}

/* One device that never gets further than TLS. */
static void come_to_nothing(const struct fixture *fixture)
{
    struct talk talk;
    assert_true(talk_open(&talk, fixture->server.address, fixture->server.ca, BROKEN));
    talk_close(&talk);
}

/* A connection that has said what could be a TLS greeting. */
static int greet(const struct fixture *fixture, const char *from)
{
    static const uint8_t greeting[] = {22, 3, 1, 0, 4, 'h', 'e', 'y', '!'};
    int fd = talk_connect(fixture->server.address, from);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
    return fd;
}

static bool is_answered(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, 0) != 0;
}

static void test_broken_device(void **state)
{
    struct fixture *fixture = *state;
    int waiting[WAITING];
    for (int i = 0; i < FAILURES; i++) {
        come_to_nothing(fixture);
    }
    unsigned came = 0; /* while the last of them are being noticed */
    while (figure(&fixture->honest.talk, "delayed") == 0) {
        assert_true(came++ < FAILURES);
        assert_true(honest_come_in(&fixture->server, &fixture->company, BROKEN) >= 0);
    }
    /* One a second is taken up, and of those who stand in line now the last in many seconds; an
     * address without failures does not stand in line. */
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = greet(fixture, BROKEN);
    }
    assert_true(honest_come_in(&fixture->server, &fixture->company, "127.0.0.6") >= 0);
    assert_false(is_answered(waiting[WAITING - 1]));
    for (int i = 0; i < WAITING; i++) {
        (void)close(waiting[i]);
    }
    assert_true(honest_come_in(&fixture->server, &fixture->company, BROKEN) >= 0);
    assert_true(log_says(fixture, "newcomers from " BROKEN " have to wait"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_are_free), cmocka_unit_test(test_errors_at_a_rate),
        cmocka_unit_test(test_work_at_a_rate),   cmocka_unit_test(test_broken_device),
        cmocka_unit_test(test_flood_of_pings),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Guessing on a real server: however many connections, addresses and names take part, no more than
 * ten guesses a minute are compared with anything, for an account and for an address; the rest is
 * refused unheard. And the answers do not tell whether the name exists.
 *
 * All guesses of a test are sent before the first answer is read, which is the guesser's best way:
 * comparing takes its time, so that by the time one has failed, the others have long arrived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/survival/hostile/company.h"

#define ALLOWED 10u
#define GUESSES 36u
#define RATE 20 /* of the fast clock */
#define MINUTE_NS (UINT64_C(60000000000) / RATE)

struct fixture {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct talk admin;
};

/* One who guesses: GUESSES connections, each with its own hello. */
struct guess {
    char from[16];
    const char *method, *user, *secret;
    struct talk talk;
    uint64_t sent_ns, heard_ns;
    char refusal[TALK_NAME];
    uint8_t answer[512]; /* as it came */
    size_t answer_size;
    int code; /* of the close */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int start(struct fixture *fixture, const char *const *arguments)
{
    static const struct talk_hello hello = {
        .method = "password", .user = COMPANY_ADMIN, .secret = COMPANY_PASSWORD};
    char refusal[TALK_NAME];
    return scratch_make(fixture->folder) &&
                   server_process_make(&fixture->server, fixture->folder, COMPANY_ADMIN,
                                       COMPANY_PASSWORD) &&
                   server_process_start(&fixture->server, arguments, 0) &&
                   talk_open(&fixture->admin, fixture->server.address, fixture->server.ca, NULL) &&
                   talk_sign_in(&fixture->admin, &hello, refusal)
               ? 0
               : -1;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    return fixture == NULL ? -1 : start(fixture, NULL);
}

/* The server's clock runs RATE times as fast: its patience is made to last. */
static int set_up_fast(void **state)
{
    static const char *const patient[] = {"--handshake", "300",   "--sign-in", "300",
                                          "--idle",      "86400", NULL};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *options = getenv("ASAN_OPTIONS");
    char sanitizer[256], rate[16];
    *state = fixture;
    if (fixture == NULL) {
        return -1;
    }
    (void)snprintf(sanitizer, sizeof sanitizer, "verify_asan_link_order=0:%s",
                   options == NULL ? "" : options);
    (void)snprintf(rate, sizeof rate, "%d", RATE);
    (void)setenv("TANDEM_TEST_CLOCK_RATE", rate, 1);
    (void)setenv("ASAN_OPTIONS", sanitizer, 1);
    (void)setenv("LD_PRELOAD", FAST_CLOCK_LIBRARY, 1);
    int failed = start(fixture, patient);
    (void)unsetenv("LD_PRELOAD");
    (void)unsetenv("TANDEM_TEST_CLOCK_RATE");
    return failed;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    talk_close(&fixture->admin);
    bool ended = server_process_stop(&fixture->server);
    scratch_remove(fixture->folder);
    free(fixture);
    return ended ? 0 : -1;
}

/* Makes GUESSES guesses by one method at all names in turn, from all addresses 127.0.SUBNET.1 to
 * `addresses` in turn. */
static struct guess *plan(const char *method, const char *const *names, size_t name_count,
                          unsigned subnet, unsigned addresses)
{
    struct guess *guesses = test_calloc(GUESSES, sizeof *guesses);
    for (unsigned i = 0; i < GUESSES; i++) {
        struct guess *guess = &guesses[i];
        (void)snprintf(guess->from, sizeof guess->from, "127.0.%u.%u", subnet, 1 + i % addresses);
        guess->method = method;
        guess->user = names[i % name_count];
        guess->secret = "guessed-password-1";
    }
    return guesses;
}

static void send_all(struct fixture *fixture, struct guess *guesses)
{
    for (unsigned i = 0; i < GUESSES; i++) {
        assert_true(talk_open(&guesses[i].talk, fixture->server.address, fixture->server.ca,
                              guesses[i].from));
    }
    for (unsigned i = 0; i < GUESSES; i++) {
        const struct guess *guess = &guesses[i];
        const struct talk_hello hello = {
            .method = guess->method,
            .user = guess->user,
            .secret = guess->secret,
            .new_secret = strcmp(guess->method, "code") == 0 ? "new-password-1" : NULL};
        guesses[i].sent_ns = now_ns();
        assert_true(talk_say_hello(&guesses[i].talk, &hello));
    }
}

static void hear_all(struct guess *guesses)
{
    for (unsigned i = 0; i < GUESSES; i++) {
        struct guess *guess = &guesses[i];
        assert_false(talk_hear_welcome(&guess->talk, guess->refusal));
        guess->heard_ns = now_ns();
        assert_in_range(guess->talk.net.size, 1, sizeof guess->answer);
        memcpy(guess->answer, guess->talk.net.payload, guess->talk.net.size);
        guess->answer_size = guess->talk.net.size;
        guess->code = net_client_close_code(&guess->talk.net);
        assert_int_equal(guess->code, 4001);
        talk_close(&guess->talk);
    }
}

static unsigned count_of(const struct guess *guesses, const char *refusal)
{
    unsigned count = 0;
    for (unsigned i = 0; i < GUESSES; i++) {
        count += strcmp(guesses[i].refusal, refusal) == 0;
    }
    return count;
}

/* Exactly the allowance is compared, everything else refused unheard; equal answers are equal. */
static void assert_throttled(const struct guess *guesses)
{
    const struct guess *first = NULL;
    assert_int_equal(count_of(guesses, "sign-in-failed"), ALLOWED);
    assert_int_equal(count_of(guesses, "too-many-attempts"), GUESSES - ALLOWED);
    for (unsigned i = 0; i < GUESSES; i++) {
        const struct guess *guess = &guesses[i];
        if (strcmp(guess->refusal, "sign-in-failed") != 0) {
            continue;
        }
        first = first == NULL ? guess : first;
        assert_int_equal(guess->answer_size, first->answer_size);
        assert_memory_equal(guess->answer, first->answer, first->answer_size);
    }
}

static void guess_at(struct fixture *fixture, const char *method, const char *const *names,
                     size_t name_count, unsigned subnet, unsigned addresses)
{
    struct guess *guesses = plan(method, names, name_count, subnet, addresses);
    send_all(fixture, guesses);
    hear_all(guesses);
    assert_throttled(guesses);
    test_free(guesses);
}

static void assert_answer(struct fixture *fixture, const char *from, const struct talk_hello *hello,
                          const char *expected)
{
    struct talk talk;
    char refusal[TALK_NAME];
    assert_true(talk_open(&talk, fixture->server.address, fixture->server.ca, from));
    bool welcome = talk_sign_in(&talk, hello, refusal);
    assert_string_equal(welcome ? "welcome" : refusal, expected);
    talk_close(&talk);
}

static void make_user(struct fixture *fixture, const char *name, const char *password,
                      char token[COMPANY_TOKEN])
{
    struct id id;
    assert_true(company_add_user(&fixture->admin, &fixture->server, name, password, &id, token));
}

/* From many addresses at one account, however its name is spelled. */
static void test_one_account(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"anna", "Anna", "ANNA"};
    static const struct talk_hello right = {
        .method = "password", .user = "anna", .secret = "anna-password-1"};
    make_user(fixture, "anna", "anna-password-1", NULL);
    assert_answer(fixture, "127.0.2.200", &right, "welcome");
    guess_at(fixture, "password", names, 3, 2, GUESSES);
    /* The right one is not heard either: else guessing would go on. */
    assert_answer(fixture, "127.0.2.201", &right, "too-many-attempts");
}

/* An account that does not exist is throttled like one that does. */
static void test_no_account(void **state)
{
    static const char *const names[] = {"nobody"};
    guess_at(*state, "password", names, 1, 3, GUESSES);
}

/* From one address at many accounts, some of which exist. */
static void test_one_address(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"berit",   "ghost-1", "bjorn",   "ghost-2",
                                        "ghost-3", "ghost-4", "ghost-5", "ghost-6",
                                        "ghost-7", "ghost-8", "ghost-9", "ghost-10"};
    static const struct talk_hello right = {
        .method = "password", .user = "berit", .secret = "berit-password-1"};
    make_user(fixture, "berit", "berit-password-1", NULL);
    make_user(fixture, "bjorn", "bjorn-password-1", NULL);
    guess_at(fixture, "password", names, sizeof names / sizeof *names, 4, 1);
    assert_answer(fixture, "127.0.4.1", &right, "too-many-attempts");
    assert_answer(fixture, "127.0.4.2", &right, "welcome");
}

/* One-time codes, of somebody who has one and of somebody who has none. */
static void test_codes(void **state)
{
    struct fixture *fixture = *state;
    static const char *const known[] = {"carl"}, *const unknown[] = {"caspar"};
    struct id id;
    make_user(fixture, "carl", "carl-password-1", NULL);
    struct message query = {.type = MESSAGE_QUERY};
    query.as.query.entity = bytes_text("user");
    assert_true(talk_ask(&fixture->admin, &query, &query.as.query.request));
    struct wire_reader reader = wire_read(fixture->admin.last.as.answer.records);
    uint32_t count = 0;
    struct bytes record = {NULL, 0}, fields, name;
    assert_true(wire_get_array(&reader, &count));
    bool found = false;
    for (uint32_t i = 0; i < count && !found; i++) {
        found = wire_skip(&reader, &record) && wire_map_find(record, "fields", &fields) &&
                wire_map_str(fields, "name", &name) && bytes_is(name, "carl") &&
                wire_map_id(record, "id", &id);
    }
    assert_true(found);
    struct message invite = {.type = MESSAGE_INVITE, .as.invite.user = id};
    assert_true(talk_ask(&fixture->admin, &invite, &invite.as.invite.request));
    guess_at(fixture, "code", known, 1, 5, GUESSES);
    guess_at(fixture, "code", unknown, 1, 6, GUESSES);
}

/* Tokens say themselves whose they are: they are counted by address, also with a name beside. */
static void test_tokens(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {NULL, "dora"};
    char token[COMPANY_TOKEN];
    make_user(fixture, "dora", "dora-password-1", token);
    const struct talk_hello right = {.method = "token", .secret = token};
    guess_at(fixture, "token", names, 2, 7, 1);
    assert_answer(fixture, "127.0.7.1", &right, "too-many-attempts");
    assert_answer(fixture, "127.0.7.2", &right, "welcome");
}

/* Somebody who found a signed-in screen guesses the old password, to set a new one. */
static void test_password_change(void **state)
{
    struct fixture *fixture = *state;
    char token[COMPANY_TOKEN], name[TALK_NAME], refusal[TALK_NAME];
    unsigned failed = 0, refused = 0;
    struct talk talk;
    make_user(fixture, "eva", "eva-password-1", token);
    const struct talk_hello hello = {.method = "token", .secret = token};
    assert_true(talk_open(&talk, fixture->server.address, fixture->server.ca, "127.0.8.1"));
    assert_true(talk_sign_in(&talk, &hello, refusal));
    for (unsigned i = 0; i < GUESSES; i++) {
        struct message message = {.type = MESSAGE_PASSWORD};
        message.as.password.old_secret = bytes_text("guessed-password-1");
        message.as.password.new_secret = bytes_text("new-password-1");
        assert_false(talk_ask(&talk, &message, &message.as.password.request));
        assert_int_equal(talk.last.type, MESSAGE_ERROR);
        (void)bytes_to_text(talk.last.as.error.name, name, sizeof name);
        failed += strcmp(name, "sign-in-failed") == 0;
        refused += strcmp(name, "too-many-attempts") == 0;
    }
    assert_int_equal(failed, ALLOWED);
    assert_int_equal(refused, GUESSES - ALLOWED);
    talk_close(&talk);
}

/* Guessing on and on: any eleven guesses that were compared span a minute of the server's. */
static void test_any_minute(void **state)
{
    static const char *const names[] = {"nobody"};
    uint64_t sent[4 * GUESSES], heard[4 * GUESSES];
    unsigned compared = 0, refused = 0;
    while (compared < 2 * ALLOWED) {
        struct guess *guesses = plan("password", names, 1, 9, GUESSES);
        send_all(*state, guesses);
        hear_all(guesses);
        for (unsigned i = 0; i < GUESSES; i++) {
            if (strcmp(guesses[i].refusal, "sign-in-failed") == 0) {
                sent[compared] = guesses[i].sent_ns;
                heard[compared++] = guesses[i].heard_ns;
            }
        }
        refused += count_of(guesses, "too-many-attempts");
        test_free(guesses);
    }
    assert_true(refused > 0);
    for (unsigned i = 0; i + ALLOWED < compared; i++) {
        assert_true(heard[i + ALLOWED] - sent[i] >= MINUTE_NS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_account),
        cmocka_unit_test(test_no_account),
        cmocka_unit_test(test_one_address),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_password_change),
        cmocka_unit_test_setup_teardown(test_any_minute, set_up_fast, tear_down),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Signing in while the world changes: what was true when a password was sent need not be when it
 * has been compared. The hasher and the committer answer when the test lets them. And who has signed
 * in and makes errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/credential.h"
#include "server/core/feed/feed_cache.h"
#include "server/core/feed/frame.h"
#include "server/core/feed/interest.h"
#include "tests/fixture/world.h"

struct fixture {
    struct world *world;
    struct id kari;
    struct interest *interest;
    struct feed_cache *cache;
    struct session *session;
    uint64_t ticket;
    struct buffer body;         /* of the credential command that waits */
    unsigned hashing, failures; /* how often asked, how often told */
    unsigned closed;
    char counted[65]; /* name of the newest failure */
    uint64_t now_ms;
    uint64_t pause_ms; /* what errors cost */
    unsigned charged;  /* points */
};

static enum status read_begin(void *self, struct state *out)
{
    *out = world_state(((struct fixture *)self)->world);
    return STATUS_OK;
}

static void read_end(void *self)
{
    (void)self;
}

static bool submit(void *self, struct session *session, uint64_t ticket,
                   const struct command *command)
{
    struct fixture *f = self;
    (void)session;
    f->ticket = ticket;
    buffer_clear(&f->body);
    buffer_append(&f->body, command->body.data, command->body.size);
    return true;
}

static bool hash(void *self, struct session *session, const struct hash_request *request)
{
    (void)session;
    (void)request;
    ((struct fixture *)self)->hashing++;
    return true;
}

static bool allowed(void *self, struct session *session, struct bytes name, uint64_t *wait)
{
    struct fixture *f = self;
    (void)session;
    bytes_to_text(name, f->counted, sizeof f->counted);
    f->failures++;
    *wait = 0;
    return true;
}

static void forgiven(void *self, struct session *session, struct bytes name)
{
    struct fixture *f = self;
    (void)session;
    assert_true(bytes_is(name, f->counted));
    f->failures--;
}

/* No digest, but two texts of these tests differ in it. */
static void digest(void *self, struct bytes bytes, uint8_t out[32])
{
    (void)self;
    memset(out, 0, 32);
    memcpy(out, bytes.data, bytes.size < 32 ? bytes.size : 32);
}

static void fill_random(void *self, void *out, size_t size)
{
    (void)self;
    memset(out, 7, size);
}

static uint64_t now(void *self)
{
    return ((struct fixture *)self)->now_ms;
}

static uint64_t charge(void *self, struct session *session, struct id user, uint32_t points)
{
    struct fixture *f = self;
    (void)session;
    assert_true(id_equal(user, f->kari));
    f->charged += points;
    return f->pause_ms;
}

static void describe(void *self, bool staff, struct buffer *out)
{
    (void)self, (void)staff;
    wire_put_map(out, 0);
}

static void wake(void *self, struct session *session)
{
    (void)self, (void)session;
}

static void close_session(void *self, struct session *session, enum close_code code)
{
    (void)session;
    ((struct fixture *)self)->closed = code;
}

static void set_password(struct fixture *f, const char *phc)
{
    struct buffer body = {0};
    credential_body(&body, f->kari, CREDENTIAL_PASSWORD, bytes_text(phc), 0);
    assert_int_equal(world_apply(f->world, COMMAND_CREDENTIAL, f->kari, buffer_bytes(&body)),
                     STATUS_OK);
    buffer_release(&body);
}

static void say_hello(struct fixture *f, const char *method, bool remember)
{
    struct buffer versions = {0}, encoded = {0};
    struct message hello = {.type = MESSAGE_HELLO};
    wire_put_array(&versions, 1);
    wire_put_uint(&versions, PROTOCOL_VERSION);
    hello.as.hello.versions = buffer_bytes(&versions);
    hello.as.hello.client = world_id(f->world);
    hello.as.hello.method = bytes_text(method);
    hello.as.hello.user = bytes_text("kari");
    hello.as.hello.secret = bytes_text("the old one");
    hello.as.hello.remember = remember;
    message_mark(&hello, "user");
    message_mark(&hello, "secret");
    message_mark(&hello, "remember");
    message_encode(&encoded, &hello);
    session_received(f->session, buffer_bytes(&encoded));
    buffer_release(&versions);
    buffer_release(&encoded);
}

static void answer_hash(struct fixture *f)
{
    const struct hash_outcome outcome = {.matched = true};
    session_hashed(f->session, &outcome);
}

static void mark(void *context, struct session *session, enum interest_reason reason, uint32_t lane)
{
    (void)context;
    session_mark(session, reason, lane);
}

static void tell_of_kari(struct fixture *f)
{
    struct effects effects = {0};
    effects_touch_user(&effects, f->kari);
    struct notice *notice = notice_new(&effects);
    interest_tell(f->interest, notice, mark, NULL);
    notice_drop(notice);
    effects_release(&effects);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->now_ms = 1000;
    f->world = world_new(3);
    f->kari = world_id(f->world);
    f->interest = interest_new();
    f->cache = feed_cache_new();
    const struct session_port port = {.self = f,
                                      .read_begin = read_begin,
                                      .read_end = read_end,
                                      .submit = submit,
                                      .hash = hash,
                                      .sign_in_allowed = allowed,
                                      .sign_in_forgiven = forgiven,
                                      .digest = digest,
                                      .random = fill_random,
                                      .now_ms = now,
                                      .uptime_ms = now,
                                      .describe = describe,
                                      .wake = wake,
                                      .close = close_session,
                                      .charge = charge};
    const struct session_limits limits = {10000, 60000, 500};
    f->session = session_new(&port, &limits, f->interest, f->cache, bytes_of(NULL, 0));
    assert_int_equal(world_create(f->world, world_admin(f->world), "user", f->kari, "name", "kari",
                                  "role", "Member", NULL),
                     STATUS_OK);
    set_password(f, "$old");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    session_free(f->session);
    interest_free(f->interest);
    feed_cache_free(f->cache);
    buffer_release(&f->body);
    world_free(f->world);
    free(f);
    return 0;
}

static void test_a_password_opens_the_door(void **state)
{
    struct fixture *f = *state;
    say_hello(f, "password", false);
    answer_hash(f);
    assert_string_equal(session_user(f->session), "kari");
    tell_of_kari(f);
    assert_int_equal(f->closed, 0);
    assert_int_equal(f->failures, 0);
}

static void test_a_password_changed_while_it_is_compared_does_not(void **state)
{
    struct fixture *f = *state;
    say_hello(f, "password", false);
    set_password(f, "$new");
    answer_hash(f);
    assert_string_equal(session_user(f->session), "");
    assert_int_equal(f->closed, CLOSE_SIGN_IN);
}

/* The token is stored behind the change that ended all others, and must not be handed out. */
static void test_nor_one_changed_while_the_token_is_stored(void **state)
{
    struct fixture *f = *state;
    say_hello(f, "password", true);
    answer_hash(f);
    assert_int_equal(f->closed, 0);
    set_password(f, "$new");
    assert_int_equal(
        world_apply(f->world, COMMAND_CREDENTIAL, (struct id){{0}}, buffer_bytes(&f->body)),
        STATUS_OK);
    session_answered(f->session, f->ticket, STATUS_OK, bytes_of(NULL, 0));
    assert_string_equal(session_user(f->session), "");
    assert_int_equal(f->closed, CLOSE_SIGN_IN);
}

static void test_a_password_that_was_changed_ends_the_session(void **state)
{
    struct fixture *f = *state;
    say_hello(f, "password", false);
    answer_hash(f);
    set_password(f, "$new");
    tell_of_kari(f);
    assert_int_equal(f->closed, CLOSE_ACCESS_ENDED);
}

static void test_who_does_not_wait_has_guessed_all_the_same(void **state)
{
    struct fixture *f = *state;
    say_hello(f, "password", false);
    session_free(f->session);
    f->session = NULL;
    assert_int_equal(f->failures, 1);
    assert_string_equal(f->counted, "kari");
}

static void test_a_wrong_token_uses_up_nobodys_attempts(void **state)
{
    struct fixture *f = *state;
    say_hello(f, "token", false);
    assert_int_equal(f->closed, CLOSE_SIGN_IN);
    assert_int_equal(f->failures, 1);
    assert_string_equal(f->counted, "");
}

static void say(struct fixture *f, const struct message *message)
{
    struct buffer encoded = {0};
    message_encode(&encoded, message);
    session_received(f->session, buffer_bytes(&encoded));
    buffer_release(&encoded);
}

static void ping(struct fixture *f)
{
    const struct message message = {.type = MESSAGE_PING};
    say(f, &message);
}

static void ask_for_what_is_not_there(struct fixture *f)
{
    struct message message = {.type = MESSAGE_HISTORY};
    message.as.history.id = world_id(f->world);
    say(f, &message);
}

/* What is sent next is of this type. */
static void expect_said(struct fixture *f, enum message_type type)
{
    struct message message;
    struct frame *frame = session_next_frame(f->session);
    assert_non_null(frame);
    assert_int_equal(message_decode(bytes_of(frame->message, frame->size), &message, NULL), STATUS_OK);
    assert_int_equal(message.type, type);
    frame_drop(frame);
}

static void sign_in(struct fixture *f)
{
    say_hello(f, "password", false);
    answer_hash(f);
    expect_said(f, MESSAGE_WELCOME);
}

static void say_nonsense(struct fixture *f)
{
    struct buffer nonsense = {0};
    wire_put_map(&nonsense, 1);
    wire_put_text(&nonsense, "type");
    wire_put_text(&nonsense, "gibberish");
    session_received(f->session, buffer_bytes(&nonsense));
    buffer_release(&nonsense);
}

static void test_errors_are_charged_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    sign_in(f);
    assert_int_equal(f->charged, 0);
    say_nonsense(f);
    expect_said(f, MESSAGE_ERROR);
    assert_int_equal(f->charged, 1);
    ask_for_what_is_not_there(f);
    expect_said(f, MESSAGE_ERROR);
    ping(f);
    expect_said(f, MESSAGE_PONG);
    assert_int_equal(f->charged, 1);
    /* A ping so soon after the last is needless. */
    f->now_ms += 999;
    ping(f);
    assert_int_equal(f->charged, 2);
    f->now_ms += 1000;
    ping(f);
    assert_int_equal(f->charged, 2);
}

static void test_who_made_too_many_errors_is_heard_later(void **state)
{
    struct fixture *f = *state;
    sign_in(f);
    f->pause_ms = 5000;
    say_nonsense(f);
    expect_said(f, MESSAGE_ERROR); /* what is owed is still said */
    assert_false(session_wants_read(f->session));
    ping(f);
    assert_null(session_next_frame(f->session));
    f->now_ms += 4999;
    session_tick(f->session, f->now_ms);
    assert_null(session_next_frame(f->session));
    assert_false(session_wants_read(f->session));
    f->now_ms += 1;
    session_tick(f->session, f->now_ms);
    expect_said(f, MESSAGE_PONG);
    assert_true(session_wants_read(f->session));
    assert_int_equal(f->closed, 0);
}

static void test_nor_is_who_comes_in_meanwhile(void **state)
{
    struct fixture *f = *state;
    f->pause_ms = 5000;
    sign_in(f);
    assert_int_equal(f->charged, 0);
    assert_false(session_wants_read(f->session));
    f->now_ms += 5000;
    session_tick(f->session, f->now_ms);
    assert_true(session_wants_read(f->session));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_a_password_opens_the_door),
        T(test_a_password_changed_while_it_is_compared_does_not),
        T(test_nor_one_changed_while_the_token_is_stored),
        T(test_a_password_that_was_changed_ends_the_session),
        T(test_a_wrong_token_uses_up_nobodys_attempts),
        T(test_who_does_not_wait_has_guessed_all_the_same),
        T(test_errors_are_charged_and_nothing_else),
        T(test_who_made_too_many_errors_is_heard_later),
        T(test_nor_is_who_comes_in_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

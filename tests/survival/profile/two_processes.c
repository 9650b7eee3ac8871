/* Processes that share a profile, against a real server: one keeps the replica up to date, the
 * others see what it does, and what any of them typed reaches the server once, whoever is killed
 * meanwhile. A device of the same user elsewhere is the witness. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/child.h"
#include "tests/support/server_process.h"

#define PASSWORD "a long password"
#define PATIENCE_MS 60000 /* ends a test that hangs */
#define SHARERS 4
#define LINE_SIZE 256
#define NOTES_MOST 2048

struct sharer {
    pid_t pid;
    int in, out;
    char bytes[262144];
    size_t size;
};

struct stage {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct sharer sharer[SHARERS];
    unsigned test; /* each has profiles of its own */
    char account[64];
    /* Notes that were queued durably. */
    char queued[NOTES_MOST][64];
    unsigned queued_count;
};

/* ---- Programs and their lines ---- */

static struct sharer *start(struct stage *stage, unsigned index, const char *profile);

static void say(struct sharer *sharer, const char *line)
{
    char text[LINE_SIZE];
    int size = snprintf(text, sizeof text, "%s\n", line);
    assert_int_equal(write(sharer->in, text, (size_t)size), size);
}

static bool has_line(const struct sharer *sharer)
{
    return memchr(sharer->bytes, '\n', sharer->size) != NULL;
}

/* False at the end of what it had to say. */
static bool next_line(struct sharer *sharer, char out[LINE_SIZE])
{
    while (!has_line(sharer)) {
        struct pollfd polled = {.fd = sharer->out, .events = POLLIN};
        assert_true(sharer->size < sizeof sharer->bytes);
        assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
        ssize_t got =
            read(sharer->out, sharer->bytes + sharer->size, sizeof sharer->bytes - sharer->size);
        assert_true(got >= 0);
        if (got == 0)
            return false;
        sharer->size += (size_t)got;
    }
    size_t length = (size_t)((char *)memchr(sharer->bytes, '\n', sharer->size) - sharer->bytes);
    assert_true(length < LINE_SIZE);
    memcpy(out, sharer->bytes, length);
    out[length] = 0;
    sharer->size -= length + 1;
    memmove(sharer->bytes, sharer->bytes + length + 1, sharer->size);
    return true;
}

static void take_note_of(struct stage *stage, const char *line)
{
    if (strncmp(line, "failed ", 7) == 0)
        fail_msg("%s", line);
    if (strncmp(line, "queued ", 7) != 0)
        return;
    assert_true(stage->queued_count < NOTES_MOST);
    (void)snprintf(stage->queued[stage->queued_count++], 64, "%s", line + 7);
}

/* Reads on until this line comes, or one that begins so when it ends with "*". A connection that is
 * lost meanwhile, where nobody took it away, is none that was kept in order. */
static void hear(struct stage *stage, struct sharer *sharer, const char *wanted)
{
    char line[LINE_SIZE];
    size_t length = strlen(wanted);
    bool begins = wanted[length - 1] == '*';
    do {
        if (!next_line(sharer, line))
            fail_msg("it ended before it said: %s", wanted);
        take_note_of(stage, line);
        if (strncmp(line, "disconnected ", 13) == 0 && strcmp(line, wanted) != 0)
            fail_msg("%s, before it said: %s", line, wanted);
    } while (begins ? strncmp(line, wanted, length - 1) != 0 : strcmp(line, wanted) != 0);
}

static struct sharer *start(struct stage *stage, unsigned index, const char *profile)
{
    struct sharer *sharer = &stage->sharer[index];
    char folder[SCRATCH_PATH + 64];
    int in[2], out[2];
    (void)snprintf(folder, sizeof folder, "%s/%s-%u", stage->folder, profile, stage->test);
    const char *const arguments[] = {
        SHARER_PROGRAM, folder, stage->server.url, stage->server.ca, "admin", PASSWORD, NULL};
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    const struct child_streams streams = {.in = in[0], .out = out[1], .err = STDERR_FILENO};
    /* One of them has a thread. */
    static const char *const threaded[] = {"SHARER_THREAD=1", NULL};
    sharer->pid = child_start(arguments, index == 1 ? threaded : NULL, &streams, CHILD_SECONDS);
    assert_true(sharer->pid > 0);
    (void)close(in[0]);
    (void)close(out[1]);
    sharer->in = in[1];
    sharer->out = out[0];
    sharer->size = 0;
    hear(stage, sharer, "ready");
    return sharer;
}

/* What it still had to say is noted: a line that came through the pipe was true. */
static void bury(struct stage *stage, struct sharer *sharer)
{
    char line[LINE_SIZE];
    while (next_line(sharer, line))
        take_note_of(stage, line);
    (void)child_wait(sharer->pid);
    sharer->pid = 0;
    (void)close(sharer->in);
    (void)close(sharer->out);
}

static void kill_it(struct stage *stage, struct sharer *sharer)
{
    if (sharer->pid == 0)
        return;
    (void)kill(sharer->pid, SIGKILL);
    bury(stage, sharer);
}

static void close_it(struct stage *stage, struct sharer *sharer)
{
    say(sharer, "close");
    bury(stage, sharer);
}

static struct sharer *start_online(struct stage *stage, unsigned index, const char *profile)
{
    struct sharer *sharer = start(stage, index, profile);
    say(sharer, "connect");
    hear(stage, sharer, "connected");
    return sharer;
}

static void note(struct stage *stage, struct sharer *sharer, const char *text)
{
    char line[LINE_SIZE];
    (void)snprintf(line, sizeof line, "note %s %s", stage->account, text);
    say(sharer, line);
}

static void notes(struct stage *stage, struct sharer *sharer, const char *name, unsigned count)
{
    char line[LINE_SIZE];
    (void)snprintf(line, sizeof line, "notes %s %s %u", stage->account, name, count);
    say(sharer, line);
}

/* ---- What is held ---- */

struct held {
    unsigned count, pending, outbox;
    char texts[NOTES_MOST][64];
};

static void look(struct stage *stage, struct sharer *sharer, struct held *out)
{
    char line[LINE_SIZE], state[32];
    memset(out, 0, sizeof *out);
    say(sharer, "list");
    for (;;) {
        assert_true(next_line(sharer, line));
        take_note_of(stage, line);
        assert_true(out->count < NOTES_MOST);
        if (sscanf(line, "held %63s %31s", out->texts[out->count], state) == 2) {
            out->count++;
            out->pending += strcmp(state, "synced") != 0;
        } else if (sscanf(line, "end %*u %u", &out->outbox) == 1) {
            return;
        }
    }
}

static bool holds(const struct held *held, const char *text)
{
    for (unsigned i = 0; i < held->count; i++)
        if (strcmp(held->texts[i], text) == 0)
            return true;
    return false;
}

/* All that was queued is on the server, each once; nothing was refused, and nothing waits. */
static void expect_all_settled(struct stage *stage, struct sharer *sharer)
{
    static struct held held;
    for (look(stage, sharer, &held); held.outbox > 0; look(stage, sharer, &held))
        assert_int_equal(kill(sharer->pid, 0), 0);
    assert_int_equal(held.pending, 0);
    for (unsigned i = 0; i < stage->queued_count; i++)
        if (!holds(&held, stage->queued[i]))
            fail_msg("%s is lost", stage->queued[i]);
    for (unsigned i = 0; i < held.count; i++)
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(held.texts[i], held.texts[j]);
}

static void expect_witness(struct stage *stage)
{
    struct sharer *witness = start(stage, 3, "witness");
    say(witness, "connect");
    hear(stage, witness, "caught-up");
    expect_all_settled(stage, witness);
    close_it(stage, witness);
}

/* ---- The tests ---- */

static int open_stage(void **state)
{
    static struct stage stage;
    char line[LINE_SIZE];
    *state = &stage;
    if (!scratch_make(stage.folder) ||
        !server_process_make(&stage.server, stage.folder, "admin", PASSWORD) ||
        !server_process_start(&stage.server, NULL, 0))
        return -1;
    struct sharer *first = start_online(&stage, 0, "maker");
    say(first, "account Base");
    do {
        assert_true(next_line(first, line));
    } while (sscanf(line, "account %63s", stage.account) != 1);
    hear(&stage, first, "done Base ok");
    close_it(&stage, first);
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    bool good = server_process_stop(&stage->server);
    scratch_remove(stage->folder);
    return good ? 0 : -1;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    for (unsigned i = 0; i < SHARERS; i++)
        kill_it(stage, &stage->sharer[i]);
    stage->test++;
    return 0;
}

static void one_syncs_and_the_other_sees_changes_at_once(void **state)
{
    struct stage *stage = *state;
    struct sharer *one = start_online(stage, 0, "shared"), *two = start(stage, 1, "shared");
    hear(stage, one, "caught-up");
    /* Also one that does not connect at all sees what others do, and what it types is sent. */
    note(stage, one, "by-the-leader");
    hear(stage, one, "done by-the-leader ok");
    hear(stage, two, "changed by-the-leader");
    note(stage, two, "by-the-other");
    hear(stage, two, "done by-the-other ok");
    hear(stage, one, "changed by-the-other");
    struct sharer *elsewhere = start_online(stage, 2, "elsewhere");
    note(stage, elsewhere, "from-elsewhere");
    hear(stage, one, "changed from-elsewhere");
    hear(stage, two, "changed from-elsewhere");
    expect_all_settled(stage, two);
    /* Nor does a connection of its own make it sync. Who subscribes hears that all is there. */
    say(two, "connect");
    hear(stage, two, "caught-up");
    note(stage, two, "connected-as-well");
    hear(stage, two, "done connected-as-well ok");
    hear(stage, one, "changed connected-as-well");
    /* What the one that ends says to the server is about its own connection. */
    close_it(stage, two);
    note(stage, one, "alone-again");
    hear(stage, one, "done alone-again ok");
    expect_witness(stage);
}

static void the_next_takes_over_when_the_leader_ends(void **state)
{
    struct stage *stage = *state;
    struct sharer *one = start_online(stage, 0, "shared"), *two = start_online(stage, 1, "shared");
    note(stage, one, "first");
    hear(stage, one, "done first ok");
    close_it(stage, one);
    hear(stage, two, "caught-up");
    note(stage, two, "second");
    hear(stage, two, "done second ok");
    one = start_online(stage, 0, "shared");
    say(two, "disconnect");
    hear(stage, two, "disconnected disconnected");
    hear(stage, one, "caught-up");
    note(stage, two, "third");
    hear(stage, two, "done third ok");
    /* One that led before, and is back behind another. */
    say(two, "connect");
    hear(stage, two, "connected");
    note(stage, one, "fourth");
    hear(stage, one, "done fourth ok");
    hear(stage, two, "changed fourth");
    note(stage, two, "fifth");
    hear(stage, two, "done fifth ok");
    expect_witness(stage);
}

/* Both type as fast as they can, and the one that leads is killed in the middle: three times, each
 * time the other one. */
static void nothing_is_lost_or_done_twice_when_the_leader_is_killed(void **state)
{
    struct stage *stage = *state;
    struct sharer *leader = start_online(stage, 0, "shared"), *other;
    char name[32], line[LINE_SIZE];
    for (unsigned round = 0; round < 3; round++) {
        other = start_online(stage, (round + 1) % 2, "shared");
        (void)snprintf(name, sizeof name, "leader%u", round);
        notes(stage, leader, name, 60);
        (void)snprintf(name, sizeof name, "other%u", round);
        notes(stage, other, name, 40);
        /* By how far it has come, so that no clock decides. */
        (void)snprintf(line, sizeof line, "done leader%u-%u *", round, 5 + 11 * round);
        hear(stage, leader, line);
        kill_it(stage, leader);
        (void)snprintf(line, sizeof line, "done other%u-40 ok", round);
        hear(stage, other, line);
        expect_all_settled(stage, other);
        leader = other;
    }
    expect_witness(stage);
}

static void pausing_takes_everybody_offline_until_somebody_resumes(void **state)
{
    struct stage *stage = *state;
    static struct held held;
    struct sharer *one = start_online(stage, 0, "shared"), *two = start_online(stage, 1, "shared");
    say(two, "pause");
    hear(stage, one, "disconnected paused");
    hear(stage, two, "disconnected paused");
    note(stage, one, "offline-one");
    hear(stage, one, "queued offline-one");
    note(stage, two, "offline-two");
    hear(stage, two, "queued offline-two");
    /* Each sees at once what the other typed, without a server. */
    do {
        look(stage, one, &held);
    } while (!holds(&held, "offline-two"));
    assert_int_equal(held.outbox, 2);
    assert_int_equal(held.pending, 2);
    /* It lasts. */
    kill_it(stage, one);
    one = start(stage, 0, "shared");
    say(one, "connect");
    look(stage, one, &held);
    assert_int_equal(held.outbox, 2);
    say(one, "resume");
    hear(stage, one, "connected");
    hear(stage, two, "done offline-two ok");
    expect_all_settled(stage, one);
    expect_witness(stage);
}

static void who_waits_for_what_another_drops_is_told_so(void **state)
{
    struct stage *stage = *state;
    struct sharer *one = start(stage, 0, "shared"), *two = start(stage, 1, "shared");
    char line[LINE_SIZE];
    (void)snprintf(line, sizeof line, "note %s not-after-all", stage->account);
    say(two, line);
    do {
        assert_true(next_line(two, line));
    } while (strcmp(line, "queued not-after-all") != 0);
    say(one, "drop");
    hear(stage, two, "done not-after-all cancelled");
    /* While what the server took is told as that. */
    say(one, "connect");
    hear(stage, one, "connected");
    note(stage, two, "taken");
    hear(stage, two, "done taken ok");
    expect_witness(stage);
}

static void three_devices_of_one_user_hold_the_same(void **state)
{
    struct stage *stage = *state;
    static const char *const names[] = {"laptop", "phone", "tablet"};
    char line[LINE_SIZE];
    for (unsigned i = 0; i < 3; i++)
        (void)start_online(stage, i, names[i]);
    for (unsigned i = 0; i < 3; i++)
        notes(stage, &stage->sharer[i], names[i], 20);
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(line, sizeof line, "done %s-20 ok", names[i]);
        hear(stage, &stage->sharer[i], line);
    }
    static struct held held;
    for (unsigned i = 0; i < 3; i++) {
        do {
            look(stage, &stage->sharer[i], &held);
        } while (held.count < stage->queued_count || held.pending > 0);
        expect_all_settled(stage, &stage->sharer[i]);
    }
    expect_witness(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_syncs_and_the_other_sees_changes_at_once),
        TEST(the_next_takes_over_when_the_leader_ends),
        TEST(nothing_is_lost_or_done_twice_when_the_leader_is_killed),
        TEST(pausing_takes_everybody_offline_until_somebody_resumes),
        TEST(who_waits_for_what_another_drops_is_told_so),
        TEST(three_devices_of_one_user_hold_the_same),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, open_stage, close_stage);
}

#include "tests/survival/faults/pair.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/bytes.h"
#include "tests/support/child.h"

#define PASSWORD "a long password"
#define TURN_MS 20
/* Without an event for so long, whoever waits connects anew: a fault may have eaten what the other
 * side waits for, and the library's own timers are for people who have the patience. */
#define QUIET_MS 1500u
#define PATIENCE_MS 60000u

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_event(void *context, const tandem_event *event)
{
    struct device *device = context;
    if (event->kind == TANDEM_EVENT_DISCONNECTED) {
        device->lost = true;
        device->final = device->final || event->final;
    }
}

static void connect_device(const struct pair *pair, struct device *device)
{
    const bool first = pair->token[0] == '\0';
    const tandem_server server = {
        .url = pair->server.url,
        .ca = pair->server.ca,
        .method = first ? TANDEM_SIGN_IN_PASSWORD : TANDEM_SIGN_IN_TOKEN,
        .user = "admin",
        .secret = first ? PASSWORD : pair->token,
        .remember = first,
    };
    device->lost = false;
    tandem_fault fault;
    const tandem_code code = tandem_connect(device->client, &server, &fault);
    if (code != TANDEM_OK)
        device->lost = true;
}

static void open_device(struct pair *pair, struct device *device, const char *name)
{
    memset(device, 0, sizeof *device);
    (void)snprintf(device->replica, sizeof device->replica, "%s/%s", pair->folder, name);
    const tandem_options options = {.replica = device->replica,
                                    .on_event = on_event,
                                    .context = device,
                                    .replica_map_bytes = 1u << 28};
    assert_int_equal(tandem_open(&options, &device->client, NULL), TANDEM_OK);
    assert_int_equal(tandem_subscribe(device->client, NULL, 0), TANDEM_OK);
}

/* ---- Making and ending ---- */

void pair_serve(struct pair *pair)
{
    static const char *const arguments[] = {"--threads", "1", NULL};
    const char *options = getenv("ASAN_OPTIONS");
    char sanitizer[256], before[200];
    if (pair->server.pid != 0)
        return;
    (void)snprintf(before, sizeof before, "%s", options != NULL ? options : "");
    /* The sanitizer wants to be the first library. */
    (void)snprintf(sanitizer, sizeof sanitizer, "verify_asan_link_order=0:%s", before);
    (void)setenv("ASAN_OPTIONS", sanitizer, 1);
    (void)setenv("TANDEM_TEST_FAILING", pair->plan_path, 1);
    (void)setenv("LD_PRELOAD", FAILING_LIBRARY, 1);
    const bool started = server_process_start(&pair->server, arguments, 0);
    (void)unsetenv("LD_PRELOAD");
    (void)unsetenv("TANDEM_TEST_FAILING");
    (void)setenv("ASAN_OPTIONS", before, 1);
    assert_true(started);
    pair->death = -1;
}

/* Services both once, waiting for what comes first. */
static void turn(struct pair *pair, int most_ms)
{
    struct device *const devices[] = {&pair->writer, &pair->watcher};
    struct pollfd polled[2];
    for (unsigned i = 0; i < 2; i++) {
        const tandem_client *client = devices[i]->client;
        const int want = tandem_want(client), due = tandem_timeout(client);
        polled[i] = (struct pollfd){.fd = tandem_fd(client)};
        polled[i].events = (short)(((want & TANDEM_WANT_READ) != 0 ? POLLIN : 0) |
                                   ((want & TANDEM_WANT_WRITE) != 0 ? POLLOUT : 0));
        most_ms = due >= 0 && due < most_ms ? due : most_ms;
    }
    (void)poll(polled, 2, most_ms);
    for (unsigned i = 0; i < 2; i++)
        (void)tandem_service(devices[i]->client);
}

void pair_make(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
    assert_true(scratch_make(pair->folder));
    assert_true(server_process_make(&pair->server, pair->folder, "admin", PASSWORD));
    (void)snprintf(pair->plan_path, sizeof pair->plan_path, "%s/plan", pair->folder);
    pair->theirs = shared_plan_make(pair->plan_path, false);
    pair_serve(pair);
    open_device(pair, &pair->writer, "writer");
    open_device(pair, &pair->watcher, "watcher");
    connect_device(pair, &pair->writer);
    for (unsigned i = 0; i < 2000 && tandem_token(pair->writer.client) == NULL; i++)
        turn(pair, TURN_MS);
    assert_non_null(tandem_token(pair->writer.client));
    (void)snprintf(pair->token, sizeof pair->token, "%s", tandem_token(pair->writer.client));
    pair_begin(pair);
    pair_finish(pair);
    pair->accepted = 0;
    pair->first_seq = tandem_cursor(pair->watcher.client);
}

void pair_release(struct pair *pair)
{
    tandem_close(pair->writer.client);
    tandem_close(pair->watcher.client);
    assert_true(server_process_stop(&pair->server));
    shared_plan_release(pair->theirs);
    scratch_remove(pair->folder);
}

/* ---- A round ---- */

static void on_result(void *context, const tandem_result *result)
{
    struct pair *pair = context;
    if (result->code != TANDEM_OK) {
        pair->refused++;
        (void)fprintf(stderr, "refused: %s\n", result->fault->detail);
        return;
    }
    pair->accepted++;
    /* In the order in which they were sent. */
    for (unsigned i = 0; i < PAIR_MUTATIONS; i++)
        if (pair->answered[i] == 0) {
            pair->answered[i]++;
            return;
        }
    pair->refused++; /* one too many */
}

void pair_begin(struct pair *pair)
{
    struct device *const devices[] = {&pair->watcher, &pair->writer};
    pair->refused = 0;
    for (unsigned i = 0; i < 2; i++)
        connect_device(pair, devices[i]);
    for (unsigned i = 0; i < PAIR_MUTATIONS; i++) {
        tandem_mutation *mutation = tandem_mutation_new();
        pair->answered[i] = 0;
        assert_int_equal(tandem_create(mutation, "account", pair->ids[i]), TANDEM_OK);
        assert_int_equal(tandem_set_text(mutation, "name", "Fjord Bruk"), TANDEM_OK);
        assert_int_equal(tandem_send(pair->writer.client, mutation, on_result, pair), TANDEM_OK);
        tandem_mutation_free(mutation);
    }
}

static bool nothing(void *context, const tandem_record *record)
{
    (void)context;
    (void)record;
    return false;
}

static bool is_over(const struct pair *pair)
{
    for (unsigned i = 0; i < PAIR_MUTATIONS; i++)
        if (pair->answered[i] == 0 ||
            tandem_get(pair->watcher.client, pair->ids[i], nothing, NULL) != TANDEM_OK)
            return false;
    return true;
}

static bool has_ended(struct pair *pair)
{
    int status = 0;
    if (pair->server.pid == 0)
        return true;
    if (waitpid(pair->server.pid, &status, WNOHANG) != pair->server.pid)
        return false;
    pair->server.pid = 0;
    pair->death = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

bool pair_run(struct pair *pair, unsigned ms)
{
    const uint64_t until = now_ms() + ms;
    do {
        if (is_over(pair) || has_ended(pair))
            return true;
        if (pair->writer.lost)
            connect_device(pair, &pair->writer);
        if (pair->watcher.lost)
            connect_device(pair, &pair->watcher);
        turn(pair, TURN_MS);
    } while (now_ms() < until);
    return false;
}

void pair_finish(struct pair *pair)
{
    const uint64_t until = now_ms() + PATIENCE_MS;
    while (!is_over(pair)) {
        assert_true(now_ms() < until);
        pair_serve(pair);
        if (pair_run(pair, QUIET_MS))
            continue;
        connect_device(pair, &pair->writer);
        connect_device(pair, &pair->watcher);
    }
    assert_int_equal(pair->refused, 0);
    assert_int_equal(tandem_unanswered(pair->writer.client), 0);
    for (unsigned i = 0; i < PAIR_MUTATIONS; i++)
        assert_int_equal(pair->answered[i], 1);
}

/* ---- The end ---- */

static bool append(void *context, const tandem_record *record)
{
    struct buffer *out = context;
    char *json = tandem_record_json(record);
    assert_non_null(json);
    buffer_append(out, json, strlen(json));
    tandem_free(json);
    return true;
}

static void dump(const struct device *device, struct buffer *out)
{
    assert_int_equal(tandem_each(device->client, NULL, append, out), TANDEM_OK);
    assert_false(out->failed);
}

static void expect_same(const struct buffer *a, const struct buffer *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
}

void pair_verify(struct pair *pair)
{
    const uint64_t head = pair->first_seq + pair->accepted, until = now_ms() + PATIENCE_MS;
    struct buffer fresh = {0}, writer = {0}, watcher = {0};
    const struct device old = pair->watcher;
    pair_serve(pair);
    while (tandem_cursor(pair->writer.client) < head || tandem_cursor(old.client) < head) {
        assert_true(now_ms() < until);
        (void)pair_run(pair, TURN_MS);
        turn(pair, TURN_MS);
    }
    dump(&pair->writer, &writer);
    dump(&old, &watcher);
    open_device(pair, &pair->watcher, "fresh");
    connect_device(pair, &pair->watcher);
    while (tandem_cursor(pair->watcher.client) < head) {
        assert_true(now_ms() < until);
        turn(pair, TURN_MS);
    }
    dump(&pair->watcher, &fresh);
    assert_int_equal(tandem_cursor(pair->watcher.client), head);
    expect_same(&writer, &fresh);
    expect_same(&watcher, &fresh);
    tandem_close(pair->watcher.client);
    scratch_remove(pair->watcher.replica);
    pair->watcher = old;
    buffer_release(&fresh);
    buffer_release(&writer);
    buffer_release(&watcher);
}

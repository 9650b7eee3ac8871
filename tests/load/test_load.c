/* The load clients against a real server: what they count is what happened. */
#include "tests/load/load.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "tests/support/child.h"
#include "tests/support/server_process.h"

#define WATCHERS 20u
#define LIMIT_MS 60000u
#define PASSWORD "a long enough secret"

struct stage {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct load *load;
    struct load_client *writer;
    struct load_client *watchers[WATCHERS];
    char token[128];
    uint64_t newest; /* seq of the newest mutation that was answered */
    unsigned refused, closed;
    uint64_t last_to[WATCHERS];
    bool gap;
};

/* ---- What the clients hear ---- */

static void on_changes(void *context, struct load_client *client, uint64_t to, unsigned records,
                       struct bytes message)
{
    struct stage *stage = context;
    uint64_t from = 0, *last = &stage->last_to[load_label(client)];
    (void)records;
    assert_true(wire_map_uint(message, "from", &from));
    stage->gap = stage->gap || from != *last || to <= from;
    *last = to;
}

static void on_result(void *context, struct load_client *client, uint64_t number, unsigned status,
                      uint64_t seq)
{
    struct stage *stage = context;
    (void)client, (void)number;
    stage->refused += status != 0;
    if (seq > stage->newest)
        stage->newest = seq;
}

static void on_other(void *context, struct load_client *client, struct bytes message)
{
    struct stage *stage = context;
    struct bytes token;
    (void)client;
    if (wire_map_str(message, "token", &token))
        (void)bytes_to_text(token, stage->token, sizeof stage->token);
}

static void on_closed(void *context, struct load_client *client, const char *why)
{
    struct stage *stage = context;
    (void)client, (void)why;
    stage->closed++;
}

/* ---- What they do ---- */

static struct load_client *add(struct stage *stage, const char *token, bool subscribe, size_t label)
{
    struct load_client *client = load_add(
        stage->load, &(struct load_client_options){.user = "admin",
                                                   .token = token,
                                                   .password = token == NULL ? PASSWORD : NULL,
                                                   .subscribe = subscribe,
                                                   .label = label});
    assert_non_null(client);
    return client;
}

static void write_accounts(struct stage *stage, unsigned count, unsigned text_bytes)
{
    char name[40000];
    assert_true(text_bytes < sizeof name);
    memset(name, 'n', text_bytes);
    for (unsigned i = 0; i < count; i++) {
        uint8_t random[10];
        for (size_t k = 0; k < sizeof random; k++)
            random[k] = (uint8_t)rand();
        struct buffer changes = {0};
        wire_put_array(&changes, 1);
        wire_put_map(&changes, 4);
        wire_put_text(&changes, "op");
        wire_put_text(&changes, "create");
        wire_put_text(&changes, "id");
        wire_put_id(&changes, id_make(1767225600000, random));
        wire_put_text(&changes, "entity");
        wire_put_text(&changes, "account");
        wire_put_text(&changes, "fields");
        wire_put_map(&changes, 2);
        wire_put_text(&changes, "name");
        wire_put_text(&changes, "An account");
        wire_put_text(&changes, "description");
        wire_put_str(&changes, bytes_of(name, text_bytes));
        assert_false(changes.failed);
        assert_true(load_mutate(stage->writer, buffer_bytes(&changes)) > 0);
        buffer_release(&changes);
    }
}

struct written {
    struct stage *stage;
    uint64_t results;
};

static bool is_written(void *context)
{
    const struct written *written = context;
    return load_counts_of(written->stage->writer).results == written->results;
}

static bool all_saw(void *context)
{
    const struct stage *stage = context;
    for (size_t i = 0; i < WATCHERS; i++)
        if (load_phase_of(stage->watchers[i]) == LOAD_LIVE &&
            load_cursor(stage->watchers[i]) < stage->newest)
            return false;
    return true;
}

static void write_and_see(struct stage *stage, unsigned count, unsigned text_bytes)
{
    struct written written = {stage, load_counts_of(stage->writer).results + count};
    write_accounts(stage, count, text_bytes);
    assert_true(load_until(stage->load, is_written, &written, LIMIT_MS));
    assert_int_equal(stage->refused, 0);
    assert_true(load_until(stage->load, all_saw, stage, LIMIT_MS));
}

/* ---- The stage ---- */

static int set_up(void **state)
{
    static struct stage stage;
    memset(&stage, 0, sizeof stage);
    *state = &stage;
    if (!scratch_make(stage.folder) ||
        !server_process_make(&stage.server, stage.folder, "admin", PASSWORD) ||
        !server_process_start(&stage.server, NULL, 0))
        return -1;
    stage.load = load_new(
        &(struct load_options){.address = stage.server.address,
                               .ca_file = stage.server.ca,
                               .resume = true,
                               .hooks = {&stage, on_changes, on_result, on_other, on_closed}});
    if (stage.load == NULL)
        return -1;
    stage.writer = add(&stage, NULL, false, 0);
    if (!load_connect(stage.writer) || !load_settle(stage.load, LIMIT_MS))
        return -1;
    assert_true(stage.token[0] != 0);
    for (size_t i = 0; i < WATCHERS; i++) {
        stage.watchers[i] = add(&stage, stage.token, true, i);
        assert_true(load_connect(stage.watchers[i]));
    }
    return load_settle(stage.load, LIMIT_MS) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    load_free(stage->load);
    int status = server_process_stop(&stage->server) ? 0 : -1;
    scratch_remove(stage->folder);
    return status;
}

/* ---- Tests ---- */

static void every_watcher_counts_every_record(void **state)
{
    struct stage *stage = *state;
    uint64_t before = load_total(stage->load).records;
    write_and_see(stage, 30, 100);
    assert_int_equal(load_total(stage->load).records - before, 30 * WATCHERS);
    assert_int_equal(load_in_phase(stage->load, LOAD_LIVE), WATCHERS + 1);
    assert_false(stage->gap);
    assert_int_equal(stage->closed, 0);
}

static void dropped_clients_resume_where_they_were(void **state)
{
    struct stage *stage = *state;
    struct load_counts before[WATCHERS];
    write_and_see(stage, 1, 100);
    for (size_t i = 0; i < WATCHERS; i++) {
        before[i] = load_counts_of(stage->watchers[i]);
        load_drop(stage->watchers[i], i % 2 == 0);
        assert_int_equal(load_phase_of(stage->watchers[i]), LOAD_CLOSED);
    }
    struct load_counts total = load_total(stage->load);
    write_and_see(stage, 25, 100);
    assert_int_equal(load_total(stage->load).records, total.records);
    for (size_t i = 0; i < WATCHERS; i++)
        assert_true(load_connect(stage->watchers[i]));
    assert_true(load_settle(stage->load, LIMIT_MS));
    for (size_t i = 0; i < WATCHERS; i++) {
        assert_int_equal(load_counts_of(stage->watchers[i]).records - before[i].records, 25);
        assert_int_equal(load_cursor(stage->watchers[i]), stage->newest);
    }
    assert_false(stage->gap);
    assert_int_equal(load_total(stage->load).handshakes - total.handshakes, WATCHERS);
    assert_int_equal(load_total(stage->load).resumed - total.resumed, WATCHERS);
}

/* More than one window of frames, which stop where acknowledgements fail to come, and messages of
 * many TLS records. */
static void a_reader_that_paused_catches_up(void **state)
{
    struct stage *stage = *state;
    struct load_counts before = load_counts_of(stage->watchers[3]);
    load_drop(stage->watchers[3], false);
    write_and_see(stage, 60, 30000);
    assert_true(load_connect(stage->watchers[3]));
    assert_true(load_settle(stage->load, LIMIT_MS));
    load_pause(stage->watchers[3], true);
    write_accounts(stage, 20, 100);
    struct written written = {stage, load_counts_of(stage->writer).results + 20};
    assert_true(load_until(stage->load, is_written, &written, LIMIT_MS));
    assert_false(all_saw(stage));
    load_pause(stage->watchers[3], false);
    assert_true(load_until(stage->load, all_saw, stage, LIMIT_MS));
    struct load_counts after = load_counts_of(stage->watchers[3]);
    assert_int_equal(after.records - before.records, 80);
    assert_true(after.frames - before.frames > 16);
    assert_true(after.bytes - before.bytes > 60 * 30000);
    assert_true(after.wire > after.bytes);
    assert_false(stage->gap);
}

static void a_refusal_is_told(void **state)
{
    struct stage *stage = *state;
    struct load_client *stranger = add(stage, "no token of anybody", true, 0);
    unsigned closed = stage->closed;
    assert_true(load_connect(stranger));
    assert_false(load_settle(stage->load, LIMIT_MS));
    assert_int_equal(stage->closed, closed + 1);
    assert_int_equal(load_phase_of(stranger), LOAD_CLOSED);
    assert_non_null(strstr(load_reason(stranger), "sign-in-failed"));
    load_drop(stranger, false);
    assert_true(load_settle(stage->load, LIMIT_MS));
}

static bool nobody_is_live(void *context)
{
    return load_in_phase(context, LOAD_LIVE) == 0;
}

static void a_server_that_stops_is_told(void **state)
{
    struct stage *stage = *state;
    unsigned closed = stage->closed;
    assert_int_equal(kill(stage->server.pid, SIGTERM), 0);
    assert_true(load_until(stage->load, nobody_is_live, stage->load, LIMIT_MS));
    assert_int_equal(child_wait(stage->server.pid), 0);
    stage->server.pid = 0;
    assert_int_equal(stage->closed, closed + WATCHERS + 1);
    assert_string_equal(load_reason(stage->watchers[0]), "closed 4003");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_watcher_counts_every_record),
        cmocka_unit_test(dropped_clients_resume_where_they_were),
        cmocka_unit_test(a_reader_that_paused_catches_up),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(a_server_that_stops_is_told),
    };
    srand(1);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* The committer over a real store: what is told, when, and what happens when the store fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/message.h"
#include "protocol/wire.h"
#include "server/commit/commit.h"
#include "server/core/access/principal.h"
#include "server/core/record/record.h"

#define MAX_TOLD 64u

/* One thing the committer told, in the order it told them. */
struct told {
    enum { TOLD_NOTICE, TOLD_ANSWER, TOLD_FAILED } what;
    uint64_t seq, ticket;
    enum status status;
    char result[33]; /* status of the result in an answer */
};

struct fixture {
    char path[64];
    struct store *store;
    struct committer *committer;
    uint64_t now_ms;
    uint8_t random;
    struct told told[MAX_TOLD];
    size_t told_count;
    struct id admin;
};

static uint64_t now(void *self)
{
    return ((struct fixture *)self)->now_ms;
}

static void fill_random(void *self, void *out, size_t size)
{
    memset(out, ++((struct fixture *)self)->random, size);
}

static struct told *tell(struct fixture *f)
{
    assert_true(f->told_count < MAX_TOLD);
    return &f->told[f->told_count++];
}

static void answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    struct told *told = tell(self);
    told->what = TOLD_ANSWER;
    told->ticket = origin.ticket;
    told->status = status;
    struct message message;
    if (answer.size > 0 && message_decode(answer, &message, NULL) == STATUS_OK) {
        bytes_to_text(message.as.result.status, told->result, sizeof told->result);
        told->seq = message.as.result.seq;
    }
}

static void announce(void *self, struct notice *notice)
{
    struct told *told = tell(self);
    told->what = TOLD_NOTICE;
    told->seq = notice->seq;
}

static void failed(void *self, enum status status)
{
    struct told *told = tell(self);
    told->what = TOLD_FAILED;
    told->status = status;
}

static void open_store(struct fixture *f, bool create, uint64_t reserve)
{
    struct store_options options = {.path = f->path,
                                    .create = create,
                                    .no_sync = true,
                                    .reserve_bytes = reserve,
                                    .map_bytes = 1u << 28};
    options.epoch.octet[0] = 7;
    assert_int_equal(store_open(&options, &f->store, NULL), STATUS_OK);
    const struct commit_port port = {f, now, fill_random, answered, announce, failed};
    const struct commit_options commit_options = {.queue_commands = 8, .batch_commands = 4};
    f->committer = committer_new(f->store, &port, &commit_options);
    assert_non_null(f->committer);
}

static void close_store(struct fixture *f)
{
    committer_free(f->committer);
    store_close(f->store);
}

static bool submit(struct fixture *f, enum command_kind kind, struct bytes body, uint64_t ticket)
{
    struct origin origin = {0, 1, ticket};
    struct command command = {.kind = kind, .actor = f->admin, .body = body};
    command.client.octet[0] = 9;
    return committer_submit(f->committer, origin, &command);
}

static void run_all(struct fixture *f)
{
    while (committer_run_batch(f->committer) > 0) {
    }
}

static void found(struct fixture *f)
{
    struct buffer body = {0};
    wire_put_map(&body, 2);
    wire_put_text(&body, "name");
    wire_put_text(&body, "admin");
    wire_put_text(&body, "credential");
    wire_put_text(&body, "hash");
    assert_true(submit(f, COMMAND_FOUND, buffer_bytes(&body), 0));
    buffer_release(&body);
    run_all(f);
    struct store_reader *reader;
    struct state state;
    assert_int_equal(store_reader_new(f->store, &reader), STATUS_OK);
    assert_int_equal(store_read_begin(reader, &state), STATUS_OK);
    assert_int_equal(principal_find_user(&state, bytes_text("admin"), &f->admin), STATUS_OK);
    store_read_end(reader);
    store_reader_free(reader);
    f->told_count = 0;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->path, sizeof f->path, "/tmp/tandem-commit-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    f->now_ms = UINT64_C(1780000000000);
    open_store(f, true, 0);
    found(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    close_store(f);
    snprintf(command, sizeof command, "rm -rf '%s'", f->path);
    int removed = system(command);
    free(f);
    return removed;
}

/* A mutation that makes one account; `number` is also the ticket. */
static struct buffer account_body(uint64_t number, uint8_t id)
{
    struct buffer changes = {0}, body = {0};
    struct id account = {{1, 2, 3, id}};
    wire_put_array(&changes, 1);
    wire_put_map(&changes, 4);
    wire_put_text(&changes, "op");
    wire_put_text(&changes, "create");
    wire_put_text(&changes, "id");
    wire_put_id(&changes, account);
    wire_put_text(&changes, "entity");
    wire_put_text(&changes, "account");
    wire_put_text(&changes, "fields");
    wire_put_map(&changes, 1);
    wire_put_text(&changes, "name");
    wire_put_text(&changes, "Fjord Bruk AS");
    struct message message = {.type = MESSAGE_MUTATE};
    message.as.mutate.number = number;
    message.as.mutate.changes = buffer_bytes(&changes);
    message_encode(&body, &message);
    buffer_release(&changes);
    return body;
}

static bool submit_account(struct fixture *f, uint64_t number, uint8_t id)
{
    struct buffer body = account_body(number, id);
    bool taken = submit(f, COMMAND_MUTATE, buffer_bytes(&body), number);
    buffer_release(&body);
    return taken;
}

static void test_a_batch_is_announced_before_it_is_answered(void **state)
{
    struct fixture *f = *state;
    for (uint8_t i = 1; i <= 3; i++) {
        assert_true(submit_account(f, i, i));
    }
    assert_int_equal(f->told_count, 0);
    assert_int_equal(committer_run_batch(f->committer), 3);
    assert_int_equal(f->told_count, 4);
    assert_int_equal(f->told[0].what, TOLD_NOTICE);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(f->told[i].what, TOLD_ANSWER);
        assert_int_equal(f->told[i].ticket, i);
        assert_string_equal(f->told[i].result, "ok");
        assert_int_equal(f->told[i].seq, f->told[0].seq - 3 + i);
    }
}

static void test_the_queue_is_bounded(void **state)
{
    struct fixture *f = *state;
    for (uint8_t i = 1; i <= 8; i++) {
        assert_true(submit_account(f, i, i));
    }
    assert_false(submit_account(f, 9, 9));
    assert_int_equal(committer_run_batch(f->committer), 4);
    assert_true(submit_account(f, 9, 9));
    run_all(f);
    struct commit_figures figures;
    committer_figures(f->committer, &figures);
    assert_int_equal(figures.refused_full, 1);
    assert_int_equal(figures.largest_batch, 4);
}

static void test_a_repeated_number_gets_the_same_answer_after_a_restart(void **state)
{
    struct fixture *f = *state;
    assert_true(submit_account(f, 1, 1));
    run_all(f);
    uint64_t seq = f->told[1].seq;
    close_store(f);
    open_store(f, false, 0);
    f->told_count = 0;
    assert_true(submit_account(f, 1, 1));
    run_all(f);
    const struct told *answer = &f->told[f->told_count - 1];
    assert_int_equal(answer->what, TOLD_ANSWER);
    assert_string_equal(answer->result, "ok");
    assert_int_equal(answer->seq, seq);
}

static void test_a_nearly_full_disk_refuses_and_keeps_the_number_free(void **state)
{
    struct fixture *f = *state;
    close_store(f);
    open_store(f, false, UINT64_MAX / 2);
    f->told_count = 0;
    assert_true(submit_account(f, 1, 1));
    /* The server's own hourly command is in the batch too, and tells nobody. */
    assert_int_equal(committer_run_batch(f->committer), 2);
    assert_int_equal(f->told_count, 1);
    assert_int_equal(f->told[0].status, STATUS_READ_ONLY);
    struct commit_figures figures;
    committer_figures(f->committer, &figures);
    assert_true(figures.read_only);
    close_store(f);
    open_store(f, false, 0);
    f->told_count = 0;
    assert_true(submit_account(f, 1, 1));
    run_all(f);
    assert_string_equal(f->told[f->told_count - 1].result, "ok");
}

static void test_what_cannot_be_applied_spoils_no_other(void **state)
{
    struct fixture *f = *state;
    assert_true(submit_account(f, 1, 1));
    /* No such kind of command: decoding the entry fails, as a damaged record would. */
    assert_true(submit(f, (enum command_kind)200, bytes_of(NULL, 0), 77));
    assert_true(submit_account(f, 2, 2));
    run_all(f);
    unsigned good = 0, bad = 0;
    for (size_t i = 0; i < f->told_count; i++) {
        const struct told *told = &f->told[i];
        if (told->what == TOLD_ANSWER) {
            bool damaged = told->ticket == 77;
            bad += damaged && told->status != STATUS_OK;
            good += !damaged && told->status == STATUS_OK && strcmp(told->result, "ok") == 0;
        }
    }
    assert_int_equal(good, 2);
    assert_int_equal(bad, 1);
}

/* And costs them no flush of their own, however many wait with it. */
static void test_what_cannot_be_applied_takes_nobody_apart(void **state)
{
    struct fixture *f = *state;
    unsigned good = 0, flushes = 0;
    assert_true(submit_account(f, 1, 1));
    assert_true(submit_account(f, 2, 2));
    assert_true(submit(f, (enum command_kind)200, bytes_of(NULL, 0), 77));
    assert_true(submit_account(f, 3, 3));
    assert_int_equal(committer_run_batch(f->committer), 4);
    for (size_t i = 0; i < f->told_count; i++) {
        flushes += f->told[i].what == TOLD_NOTICE;
        good += f->told[i].what == TOLD_ANSWER && f->told[i].status == STATUS_OK;
    }
    assert_int_equal(good, 3);
    assert_int_equal(flushes, 2);
    assert_int_equal(f->told[0].what, TOLD_NOTICE);
    assert_int_equal(f->told[1].ticket, 1);
    assert_int_equal(f->told[3].ticket, 77); /* in their order */
}

static void test_the_stamp_never_runs_backwards(void **state)
{
    struct fixture *f = *state;
    assert_true(submit_account(f, 1, 1));
    run_all(f);
    f->now_ms -= 86400000;
    assert_true(submit_account(f, 2, 2));
    run_all(f);
    struct store_reader *reader;
    struct state view;
    assert_int_equal(store_reader_new(f->store, &reader), STATUS_OK);
    assert_int_equal(store_read_begin(reader, &view), STATUS_OK);
    struct record *first = calloc(1, sizeof *first), *second = calloc(1, sizeof *second);
    struct bytes encoded;
    assert_int_equal(view.ops->record(view.self, (struct id){{1, 2, 3, 1}}, &encoded), STATUS_OK);
    assert_int_equal(record_decode(encoded, first), STATUS_OK);
    assert_int_equal(view.ops->record(view.self, (struct id){{1, 2, 3, 2}}, &encoded), STATUS_OK);
    assert_int_equal(record_decode(encoded, second), STATUS_OK);
    assert_true(second->created.at_ms >= first->created.at_ms);
    free(first);
    free(second);
    store_read_end(reader);
    store_reader_free(reader);
}

static void test_the_thread_finishes_what_it_took_before_it_stops(void **state)
{
    struct fixture *f = *state;
    for (uint8_t i = 1; i <= 6; i++) {
        assert_true(submit_account(f, i, i));
    }
    committer_stop(f->committer);
    assert_false(submit_account(f, 7, 7));
    assert_int_equal(committer_start(f->committer), STATUS_OK);
    committer_join(f->committer);
    unsigned answers = 0;
    for (size_t i = 0; i < f->told_count; i++) {
        answers += f->told[i].what == TOLD_ANSWER && strcmp(f->told[i].result, "ok") == 0;
    }
    assert_int_equal(answers, 6);
}

static void test_a_clock_younger_than_the_retention_forgets_nothing(void **state)
{
    struct fixture *f = *state;
    committer_free(f->committer);
    const struct commit_port port = {f, now, fill_random, answered, announce, failed};
    const struct commit_options options = {.retention_ms = UINT64_MAX / 2};
    f->committer = committer_new(f->store, &port, &options);
    assert_non_null(f->committer);
    assert_true(submit_account(f, 1, 1));
    /* Its own hourly command, to forget what is older than the beginning of time, is in it. */
    assert_int_equal(committer_run_batch(f->committer), 2);
    assert_string_equal(f->told[f->told_count - 1].result, "ok");
    struct commit_figures figures;
    committer_figures(f->committer, &figures);
    assert_false(figures.failed);
}

static void test_a_thread_that_was_not_started_need_not_be_waited_for(void **state)
{
    struct fixture *f = *state;
    committer_join(f->committer);
    assert_true(submit_account(f, 1, 1));
    run_all(f);
    assert_string_equal(f->told[f->told_count - 1].result, "ok");
    committer_free(NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_a_batch_is_announced_before_it_is_answered),
        T(test_the_queue_is_bounded),
        T(test_a_repeated_number_gets_the_same_answer_after_a_restart),
        T(test_a_nearly_full_disk_refuses_and_keeps_the_number_free),
        T(test_what_cannot_be_applied_spoils_no_other),
        T(test_what_cannot_be_applied_takes_nobody_apart),
        T(test_the_stamp_never_runs_backwards),
        T(test_the_thread_finishes_what_it_took_before_it_stops),
        T(test_a_clock_younger_than_the_retention_forgets_nothing),
        T(test_a_thread_that_was_not_started_need_not_be_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

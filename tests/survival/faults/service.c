#include "tests/survival/faults/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/survival/faults/failing_memory.h"

#define ROUNDS 200u

static uint64_t now(void *self)
{
    const struct service *service = self;
    const struct command *first = &service->history->commands[0];
    return service->sending == NULL || service->history->one_moment ? first->at_ms
                                                                    : service->sending->at_ms;
}

static void fill_random(void *self, void *out, size_t size)
{
    const struct service *service = self;
    memset(out, 0, size);
    if (service->sending != NULL && size == COMMAND_ENTROPY)
        memcpy(out, service->sending->entropy, size);
}

/* A command that failed is sent again, and so is what was sent behind it. */
static void answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    struct service *service = self;
    if (status != STATUS_OK || origin.ticket != service->answered)
        return;
    struct buffer *kept = &service->answers[service->answered++];
    failing_memory_pause(true);
    buffer_clear(kept);
    buffer_append(kept, answer.data, answer.size);
    failing_memory_pause(false);
}

static void announce(void *self, struct notice *notice)
{
    (void)self;
    (void)notice;
}

static void gave_up(void *self, enum status status)
{
    assert_int_not_equal(status, STATUS_OK);
    ((struct service *)self)->gave_up = true;
}

void service_make(struct service *service, const struct history *history, bool no_sync)
{
    memset(service, 0, sizeof *service);
    service->history = history;
    service->no_sync = no_sync;
    assert_true(scratch_make(service->folder));
    const struct store_options options = {.path = service->folder,
                                          .create = true,
                                          .no_sync = no_sync,
                                          .map_bytes = 1u << 28,
                                          .reserve_bytes = 1};
    struct store *store;
    assert_int_equal(store_open(&options, &store, NULL), STATUS_OK);
    store_close(store);
}

bool service_open(struct service *service)
{
    const struct store_options options = {.path = service->folder,
                                          .no_sync = service->no_sync,
                                          .map_bytes = 1u << 28,
                                          .reserve_bytes = 1};
    const struct commit_port port = {service, now, fill_random, answered, announce, gave_up};
    const struct commit_options commit = {.queue_commands = 8, .batch_commands = 4};
    assert_null(service->store);
    service->gave_up = false;
    if (store_open(&options, &service->store, NULL) != STATUS_OK)
        return false;
    service->committer = committer_new(service->store, &port, &commit);
    if (service->committer == NULL)
        service_close(service);
    return service->committer != NULL;
}

void service_close(struct service *service)
{
    committer_free(service->committer);
    store_close(service->store);
    service->committer = NULL;
    service->store = NULL;
}

void service_remove(struct service *service)
{
    service_close(service);
    scratch_remove(service->folder);
    for (size_t i = 0; i < HISTORY_MOST; i++)
        buffer_release(&service->answers[i]);
}

static bool send_command(struct service *service, size_t i)
{
    const struct origin origin = {0, 1, i};
    service->sending = &service->history->commands[i];
    return committer_submit(service->committer, origin, service->sending);
}

void service_play(struct service *service, size_t window, unsigned rounds)
{
    const size_t count = service->history->count;
    while (service->answered < count && !service->gave_up && rounds-- > 0) {
        const size_t from = service->answered;
        for (size_t i = from; i < count && i < from + window && send_command(service, i); i++) {
        }
        while (committer_run_batch(service->committer) > 0) {
        }
    }
}

static void expect_same(struct bytes a, struct bytes b)
{
    assert_int_equal(a.size, b.size);
    assert_true(bytes_equal(a, b));
}

/* Commands of people who are still there; the history's last steps forget others. */
static bool may_repeat(const struct history *history, const struct command *command)
{
    return command->kind == COMMAND_MUTATE && id_equal(command->actor, history->faithful);
}

/* Every number sent again gets the answer that `given` has. */
static void repeat(struct service *service, const struct buffer *given)
{
    const struct history *history = service->history;
    for (size_t i = 0; i < history->count; i++) {
        if (!may_repeat(history, &history->commands[i]))
            continue;
        struct buffer before = {0};
        buffer_append(&before, given[i].data, given[i].size);
        service->answered = i;
        service_play(service, 1, 1);
        assert_int_equal(service->answered, i + 1);
        expect_same(buffer_bytes(&service->answers[i]), buffer_bytes(&before));
        buffer_release(&before);
    }
}

static void compare_answers(const struct service *service, const struct service *right)
{
    for (size_t i = 0; i < service->answered; i++)
        if (service->history->commands[i].kind == COMMAND_MUTATE)
            expect_same(buffer_bytes(&service->answers[i]), buffer_bytes(&right->answers[i]));
}

static void compare_state(struct service *service, const struct buffer *final)
{
    struct buffer got = {0};
    service_dump(service, &got);
    expect_same(buffer_bytes(&got), buffer_bytes(final));
    buffer_release(&got);
    assert_int_equal(store_check(service->store, NULL, NULL, NULL), STATUS_OK);
}

void service_settle(struct service *service, const struct service *right,
                    const struct buffer *final)
{
    if (service->gave_up)
        service_close(service);
    if (service->store == NULL)
        assert_true(service_open(service));
    service_play(service, 1, ROUNDS);
    assert_int_equal(service->answered, service->history->count);
    compare_answers(service, right);
    compare_state(service, final);
    repeat(service, service->answers);
    compare_state(service, final);
}

void service_dump(struct service *service, struct buffer *out)
{
    struct store_reader *reader;
    struct state state;
    assert_int_equal(store_reader_new(service->store, &reader), STATUS_OK);
    assert_int_equal(store_read_begin(reader, &state), STATUS_OK);
    history_dump(&state, false, out);
    store_read_end(reader);
    store_reader_free(reader);
}

void service_rehearse(struct service *right, const struct history *history, struct buffer *final)
{
    service_make(right, history, true);
    assert_true(service_open(right));
    service_play(right, 1, 100);
    assert_int_equal(right->answered, history->count);
    service_dump(right, final);
}

/* The committer when what it stands on fails: memory, the store, threads. Calls are put in front of
 * the real ones by the linker (--wrap). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/commit/commit.h"
#include "server/commit/log.h"
#include "tests/survival/faults/failing_memory.h"

#define COMMANDS 3u

/* What fails, until it is told otherwise. */
static struct {
    enum status reader, begin_read, meta, next_due, commit, apply;
    bool effects_failed, thread, mutex, attributes, clock, condition;
    unsigned applied_alone; /* transactions of one command that succeed before `commit` counts */
} fails;

static struct state_ops ops; /* the real ones, but for meta */

static enum status failing_meta(void *self, struct meta *out)
{
    (void)self;
    (void)out;
    return fails.meta;
}

static void spoil(struct state *state)
{
    ops = *state->ops;
    ops.meta = failing_meta;
    state->ops = &ops;
}

#define WRAP(type, name, ...)                                                                      \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

WRAP(enum status, store_reader_new, struct store *store, struct store_reader **out)
{
    return fails.reader != STATUS_OK ? fails.reader : __real_store_reader_new(store, out);
}

WRAP(enum status, store_read_begin, struct store_reader *reader, struct state *out)
{
    if (fails.begin_read != STATUS_OK)
        return fails.begin_read;
    enum status status = __real_store_read_begin(reader, out);
    if (fails.meta != STATUS_OK)
        spoil(out);
    return status;
}

WRAP(enum status, store_write_begin, struct store *store, struct state *out)
{
    enum status status = __real_store_write_begin(store, out);
    if (fails.meta != STATUS_OK)
        spoil(out);
    return status;
}

WRAP(enum status, store_write_commit, struct store *store)
{
    if (fails.commit == STATUS_OK)
        return __real_store_write_commit(store);
    if (fails.applied_alone > 0) {
        fails.applied_alone--;
        return __real_store_write_commit(store);
    }
    store_write_abort(store);
    return fails.commit;
}

WRAP(enum status, apply_next_due, const struct state *state, uint64_t *at_ms)
{
    return fails.next_due != STATUS_OK ? fails.next_due : __real_apply_next_due(state, at_ms);
}

/* Applies nothing: what a command does is not the question here. The second of several fails with
 * `fails.apply`, once. */
WRAP(enum status, apply_command, const struct state *state, const struct command *command,
     struct effects *effects)
{
    (void)state;
    effects->failed = fails.effects_failed;
    if (fails.apply != STATUS_OK && bytes_is(command->body, "1")) {
        enum status status = fails.apply;
        fails.apply = STATUS_OK;
        return status;
    }
    buffer_append(&effects->answer, "done", 4);
    return effects->answer.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
     void *argument)
{
    return fails.thread ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

WRAP(int, pthread_mutex_init, pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    return fails.mutex ? ENOMEM : __real_pthread_mutex_init(mutex, attributes);
}

WRAP(int, pthread_condattr_init, pthread_condattr_t *attributes)
{
    return fails.attributes ? ENOMEM : __real_pthread_condattr_init(attributes);
}

WRAP(int, pthread_condattr_setclock, pthread_condattr_t *attributes, clockid_t clock)
{
    return fails.clock ? EINVAL : __real_pthread_condattr_setclock(attributes, clock);
}

WRAP(int, pthread_cond_init, pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    return fails.condition ? ENOMEM : __real_pthread_cond_init(condition, attributes);
}

struct fixture {
    char path[64];
    struct store *store;
    struct committer *committer;
    enum status answers[COMMANDS];
    unsigned answered, announced, gave_up;
    enum status why;
};

static uint64_t now(void *self)
{
    (void)self;
    return UINT64_C(1780000000000);
}

static void fill_random(void *self, void *out, size_t size)
{
    (void)self;
    memset(out, 7, size);
}

static void answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    struct fixture *f = self;
    assert_true(origin.ticket < COMMANDS);
    assert_int_equal(answer.size, status == STATUS_OK ? 4 : 0);
    f->answers[origin.ticket] = status;
    f->answered++;
}

static void announce(void *self, struct notice *notice)
{
    (void)notice;
    ((struct fixture *)self)->announced++;
}

static void failed(void *self, enum status status)
{
    struct fixture *f = self;
    f->gave_up++;
    f->why = status;
}

static struct committer *new_committer(struct fixture *f)
{
    const struct commit_port port = {f, now, fill_random, answered, announce, failed};
    const struct commit_options options = {.queue_commands = 8, .batch_commands = 8};
    return committer_new(f->store, &port, &options);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    memset(&fails, 0, sizeof fails);
    snprintf(f->path, sizeof f->path, "/tmp/tandem-commit-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    const struct store_options options = {.path = f->path,
                                          .create = true,
                                          .no_sync = true,
                                          .map_bytes = 1u << 26,
                                          .reserve_bytes = 1};
    assert_int_equal(store_open(&options, &f->store, NULL), STATUS_OK);
    f->committer = new_committer(f);
    assert_non_null(f->committer);
    committer_run_batch(f->committer); /* its own hourly command */
    f->announced = 0;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    memset(&fails, 0, sizeof fails);
    committer_free(f->committer);
    store_close(f->store);
    snprintf(command, sizeof command, "rm -rf '%s'", f->path);
    int removed = system(command);
    free(f);
    return removed;
}

/* Submits commands with the bodies "0", "1", "2" and runs them. */
static void run(struct fixture *f)
{
    for (uint64_t i = 0; i < COMMANDS; i++) {
        const char body[2] = {(char)('0' + i), '\0'};
        struct command command = {.kind = COMMAND_MUTATE, .body = bytes_text(body)};
        assert_true(committer_submit(f->committer, (struct origin){0, 1, i}, &command));
    }
    assert_int_equal(committer_run_batch(f->committer), COMMANDS);
}

static void expect_refused(struct fixture *f)
{
    struct command command = {.kind = COMMAND_MUTATE};
    struct commit_figures figures;
    committer_figures(f->committer, &figures);
    assert_true(figures.failed);
    assert_false(committer_submit(f->committer, (struct origin){0, 1, 0}, &command));
    assert_int_equal(committer_run_batch(f->committer), 0);
    assert_int_equal(f->gave_up, 1);
}

static void no_committer_without_its_store_memory_and_locks(void **state)
{
    struct fixture *f = *state;
    const enum status wrong[] = {STATUS_IO, STATUS_NO_MEMORY};
    for (size_t i = 0; i < 2; i++) {
        fails.reader = wrong[i];
        assert_null(new_committer(f));
        fails.reader = STATUS_OK;
        fails.begin_read = wrong[i];
        assert_null(new_committer(f));
        fails.begin_read = STATUS_OK;
        fails.meta = wrong[i];
        assert_null(new_committer(f));
        fails.meta = STATUS_OK;
        fails.next_due = wrong[i];
        assert_null(new_committer(f));
        fails.next_due = STATUS_OK;
    }
    bool *const locks[] = {&fails.mutex, &fails.attributes, &fails.clock, &fails.condition};
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) {
        *locks[i] = true;
        assert_null(new_committer(f));
        *locks[i] = false;
    }
    bool met = true;
    unsigned points = 0;
    for (uint64_t n = 1; met; n++) {
        failing_memory_arm(n, false);
        struct committer *committer = new_committer(f);
        met = failing_memory_disarm() > 0;
        points += met;
        assert_int_equal(committer == NULL, met);
        committer_free(committer);
    }
    assert_in_range(points, 5, 50);
}

static void a_commit_that_is_refused_keeps_the_committer(void **state)
{
    struct fixture *f = *state;
    const enum status harmless[] = {STATUS_READ_ONLY, STATUS_NO_MEMORY};
    for (size_t i = 0; i < 2; i++) {
        f->answered = 0;
        fails.commit = harmless[i];
        run(f);
        assert_int_equal(f->answered, COMMANDS);
        for (size_t k = 0; k < COMMANDS; k++)
            assert_int_equal(f->answers[k], harmless[i]);
        assert_int_equal(f->announced, 0);
        assert_int_equal(f->gave_up, 0);
    }
    fails.commit = STATUS_OK;
    run(f);
    assert_int_equal(f->answers[0], STATUS_OK);
    assert_int_equal(f->announced, 1);
}

static void a_commit_that_fails_is_the_end_and_nobody_hears(void **state)
{
    struct fixture *f = *state;
    fails.commit = STATUS_IO;
    run(f);
    assert_int_equal(f->answered, 0);
    assert_int_equal(f->announced, 0);
    assert_int_equal(f->why, STATUS_IO);
    expect_refused(f);
}

/* One command cannot be applied, so that what stands before it is run alone; then the store fails.
 */
static void a_commit_that_fails_among_single_ones_is_the_end(void **state)
{
    struct fixture *f = *state;
    fails.apply = STATUS_CORRUPT;
    fails.commit = STATUS_IO;
    fails.applied_alone = 1;
    run(f);
    assert_int_equal(f->answered, 1);
    assert_int_equal(f->answers[0], STATUS_OK);
    assert_int_equal(f->announced, 1);
    expect_refused(f);
}

static void what_cannot_be_finished_is_not_committed(void **state)
{
    struct fixture *f = *state;
    fails.meta = STATUS_CORRUPT;
    run(f);
    assert_int_equal(f->answered, COMMANDS);
    assert_int_equal(f->answers[2], STATUS_CORRUPT);
    assert_int_equal(f->announced, 0);
    fails.meta = STATUS_OK;
    fails.effects_failed = true;
    run(f);
    assert_int_equal(f->answers[0], STATUS_NO_MEMORY);
    assert_int_equal(f->announced, 0);
    fails.effects_failed = false;
    run(f);
    assert_int_equal(f->answers[0], STATUS_OK);
    assert_int_equal(f->announced, 1);
}

/* With the server's own command in the first batch of each. */
static void memory_that_is_short_loses_nothing_that_was_told(void **state)
{
    struct fixture *f = *state;
    bool met = true;
    unsigned untaken = 0, refused = 0, ended = 0;
    for (uint64_t n = 1; met; n++) {
        committer_free(f->committer);
        f->committer = new_committer(f);
        assert_non_null(f->committer);
        f->answered = f->announced = f->gave_up = 0;
        const struct command command = {.kind = COMMAND_MUTATE, .body = bytes_text("0")};
        failing_memory_arm(n, false);
        const bool taken = committer_submit(f->committer, (struct origin){0, 1, 0}, &command);
        committer_run_batch(f->committer);
        met = failing_memory_disarm() > 0;
        assert_int_equal(f->answered, taken && f->gave_up == 0);
        untaken += !taken;
        refused += f->answered == 1 && f->answers[0] != STATUS_OK;
        ended += f->gave_up;
        if (f->gave_up > 0) {
            assert_int_equal(f->why, STATUS_NO_MEMORY);
            assert_int_equal(f->announced, 0);
        }
        assert_true(n < 100);
    }
    assert_true(untaken >= 2 && refused + ended >= 1);
}

static void the_thread_of_a_failed_committer_ends_with_work_left(void **state)
{
    struct fixture *f = *state;
    committer_free(f->committer);
    const struct commit_port port = {f, now, fill_random, answered, announce, failed};
    const struct commit_options options = {.queue_commands = 8, .batch_commands = 1};
    f->committer = committer_new(f->store, &port, &options);
    assert_non_null(f->committer);
    for (uint64_t i = 0; i < COMMANDS; i++) {
        const struct command command = {.kind = COMMAND_MUTATE, .body = bytes_text("0")};
        assert_true(committer_submit(f->committer, (struct origin){0, 1, i}, &command));
    }
    fails.commit = STATUS_IO;
    assert_int_equal(committer_start(f->committer), STATUS_OK);
    committer_join(f->committer);
    assert_int_equal(f->gave_up, 1);
    assert_int_equal(f->answered, 0);
}

static void without_a_thread_there_is_nothing_to_wait_for(void **state)
{
    struct fixture *f = *state;
    fails.thread = true;
    assert_int_equal(committer_start(f->committer), STATUS_NO_MEMORY);
    committer_join(f->committer);
    run(f);
    assert_int_equal(f->answered, COMMANDS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(no_committer_without_its_store_memory_and_locks),
        T(a_commit_that_is_refused_keeps_the_committer),
        T(a_commit_that_fails_is_the_end_and_nobody_hears),
        T(a_commit_that_fails_among_single_ones_is_the_end),
        T(what_cannot_be_finished_is_not_committed),
        T(memory_that_is_short_loses_nothing_that_was_told),
        T(the_thread_of_a_failed_committer_ends_with_work_left),
        T(without_a_thread_there_is_nothing_to_wait_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

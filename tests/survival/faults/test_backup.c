/* A store that is copied while it is used, by what `tandemd backup` and `tandemd restore` call,
 * with the n-th allocation or call to do with files failing, for every n, and the power lost after
 * it.
 *
 * The store goes on as if nothing had been asked of it. The copy is whole when it was said to be;
 * else there is none, which opening says, and the next one succeeds. One that is to be restored is
 * never there with the epoch of the store it comes from. */
#include <errno.h>

#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/lost_writes.h"
#include "tests/survival/faults/service.h"
#include "tests/survival/faults/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct id other_epoch = {{0xe0, 1}};

struct trial {
    struct history history;
    struct service right;
    struct buffer final;
    bool restores;
    uint32_t calls;
    int error;
    enum failing_way way;
    enum lost_writes lost;
};

struct attempt {
    const struct trial *trial;
    struct service service;
    struct buffer held; /* the state that is copied */
    char target[SCRATCH_PATH];
};

static const struct store_options opened = {.map_bytes = 1u << 28, .reserve_bytes = 1};

static enum status open_copy(const struct attempt *attempt, struct store **store,
                             struct fault *fault)
{
    struct store_options options = opened;
    options.path = attempt->target;
    fault_clear(fault);
    return store_open(&options, store, fault);
}

static struct meta look(struct store *store, struct buffer *out)
{
    struct store_reader *reader;
    struct state state;
    struct meta meta;
    assert_int_equal(store_reader_new(store, &reader), STATUS_OK);
    assert_int_equal(store_read_begin(reader, &state), STATUS_OK);
    assert_int_equal(state.ops->meta(state.self, &meta), STATUS_OK);
    if (out != NULL)
        history_dump(&state, false, out);
    store_read_end(reader);
    store_reader_free(reader);
    return meta;
}

static void expect_copy(const struct attempt *attempt)
{
    struct store *store;
    struct fault fault;
    struct buffer got = {0};
    assert_int_equal(open_copy(attempt, &store, &fault), STATUS_OK);
    assert_int_equal(store_check(store, NULL, NULL, NULL), STATUS_OK);
    const struct meta meta = look(store, &got), held = look(attempt->service.store, NULL);
    const struct id epoch = attempt->trial->restores ? other_epoch : held.epoch;
    assert_true(id_equal(meta.epoch, epoch));
    assert_int_equal(got.size, attempt->held.size);
    assert_memory_equal(got.data, attempt->held.data, got.size);
    store_close(store);
    buffer_release(&got);
}

static enum status copy(struct attempt *attempt, struct fault *fault)
{
    fault_clear(fault);
    return attempt->trial->restores
               ? store_restore(attempt->service.store, attempt->target, other_epoch, fault)
               : store_backup(attempt->service.store, attempt->target, fault);
}

static void begin(struct attempt *attempt, const struct trial *trial)
{
    memset(attempt, 0, sizeof *attempt);
    attempt->trial = trial;
    service_make(&attempt->service, &trial->history, false);
    assert_true(service_open(&attempt->service));
    service_play(&attempt->service, 1, (unsigned)trial->history.count / 2);
    service_dump(&attempt->service, &attempt->held);
    assert_true(scratch_make(attempt->target));
}

/* Where the program dies at the failure, and with it the power: a copy that is there is whole. */
static void judge_death(struct attempt *attempt)
{
    struct store *store;
    struct fault why;
    const enum status found = open_copy(attempt, &store, &why);
    if (found == STATUS_OK) {
        store_close(store);
    } else {
        assert_int_equal(found, STATUS_NOT_FOUND);
        scratch_remove(attempt->target);
        assert_true(scratch_make(attempt->target));
        assert_int_equal(copy(attempt, &why), STATUS_OK);
    }
    expect_copy(attempt);
    service_settle(&attempt->service, &attempt->trial->right, &attempt->trial->final);
}

/* What came of it, and what comes after it. */
static void judge(struct attempt *attempt, enum status status, const struct fault *fault)
{
    const struct trial *trial = attempt->trial;
    if (status != STATUS_OK) {
        struct store *store;
        struct fault why;
        assert_true(fault->detail[0] != '\0');
        assert_int_equal(open_copy(attempt, &store, &why), STATUS_NOT_FOUND);
        assert_true(why.detail[0] != '\0');
        assert_int_equal(copy(attempt, &why), STATUS_OK);
    }
    expect_copy(attempt);
    service_settle(&attempt->service, &trial->right, &trial->final);
}

static void end(struct attempt *attempt)
{
    service_remove(&attempt->service);
    scratch_remove(attempt->target);
    buffer_release(&attempt->held);
}

static bool without_disk(void *context, uint64_t n, bool onwards)
{
    const struct trial *trial = context;
    struct attempt attempt;
    struct fault fault;
    begin(&attempt, trial);
    struct failing_plan *plan = failing_plan();
    *plan = (struct failing_plan){.calls = trial->calls,
                                  .way = trial->way,
                                  .error = trial->error,
                                  .nth = n,
                                  .onwards = onwards,
                                  .skip_flush = 1};
    lost_writes_watch(attempt.target);
    failing_calls_arm(plan);
    const enum status status = copy(&attempt, &fault);
    const bool met = failing_calls_disarm(plan) > 0;
    lost_writes_take(trial->lost, n + sweep_seed());
    assert_true(trial->way == FAILING_HALF_DONE || (status == STATUS_OK) == !met);
    judge(&attempt, status, &fault);
    end(&attempt);
    return met;
}

/* Nothing that it would do after the n-th call happens. */
static bool dying(void *context, uint64_t n, bool onwards)
{
    const struct trial *trial = context;
    struct attempt attempt;
    struct fault fault;
    if (!onwards)
        return false;
    begin(&attempt, trial);
    struct failing_plan *plan = failing_plan();
    *plan = (struct failing_plan){.calls = CALL_DISK | CALL_OPEN | CALL_REMOVE,
                                  .error = EIO,
                                  .nth = n,
                                  .onwards = true,
                                  .skip_flush = 1};
    lost_writes_watch(attempt.target);
    failing_calls_arm(plan);
    (void)copy(&attempt, &fault);
    const bool met = failing_calls_disarm(plan) > 0;
    lost_writes_take(trial->lost, n + sweep_seed());
    judge_death(&attempt);
    end(&attempt);
    return met;
}

static bool without_memory(void *context, uint64_t n, bool onwards)
{
    struct attempt attempt;
    struct fault fault;
    begin(&attempt, context);
    failing_memory_arm(n, onwards);
    const enum status status = copy(&attempt, &fault);
    const bool met = failing_memory_disarm() > 0;
    assert_true((status == STATUS_OK) == !met);
    judge(&attempt, status, &fault);
    end(&attempt);
    return met;
}

static void each_loss(struct trial *trial, const char *what)
{
    static const char *const names[] = {"goes on", "power lost", "power lost halfway"};
    char kind[96];
    for (unsigned lost = LOST_NONE; lost <= LOST_SOME; lost++) {
        trial->lost = (enum lost_writes)lost;
        (void)snprintf(kind, sizeof kind, "files, store_%s, %s, %s",
                       trial->restores ? "restore" : "backup", what, names[lost]);
        sweep(kind, 3, without_disk, trial);
    }
}

static void each_death(struct trial *trial)
{
    char kind[96];
    for (unsigned lost = LOST_ALL; lost <= LOST_SOME; lost++) {
        trial->lost = (enum lost_writes)lost;
        (void)snprintf(kind, sizeof kind, "power, store_%s, lost %s",
                       trial->restores ? "restore" : "backup",
                       lost == LOST_ALL ? "all" : "halfway");
        sweep(kind, 2, dying, trial);
    }
}

static void files(struct trial *trial)
{
    trial->calls = CALL_DISK | CALL_OPEN;
    trial->way = FAILING_NOTHING_DONE;
    trial->error = EIO;
    each_loss(trial, "EIO");
    trial->calls = CALL_DISK;
    trial->way = FAILING_ALL_DONE;
    each_loss(trial, "EIO with the data in the cache");
    trial->way = FAILING_HALF_DONE;
    trial->error = ENOSPC;
    each_loss(trial, "half written");
    each_death(trial);
}

static void a_backup(void **state)
{
    files(*state);
}

static void a_restore(void **state)
{
    struct trial *trial = *state;
    const long held = failing_memory_held();
    trial->restores = true;
    files(trial);
    sweep("allocation, store_restore", 1, without_memory, trial);
    assert_int_equal(failing_memory_held(), held);
}

static int set_up(void **state)
{
    static struct trial trial;
    trial = (struct trial){.restores = false};
    failing_plan()->skip_flush = 1;
    history_make(&trial.history);
    service_rehearse(&trial.right, &trial.history, &trial.final);
    *state = &trial;
    return 0;
}

static int tear_down(void **state)
{
    struct trial *trial = *state;
    service_remove(&trial->right);
    buffer_release(&trial->final);
    history_release(&trial->history);
    return failing_memory_held() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_restore, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

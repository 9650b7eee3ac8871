/* Each command of a company's history meets a store whose n-th allocation fails, for every n: the
 * answer is an error, never a wrong one; the transaction that is then abandoned leaves the state
 * as it was; and the same command applied again gives what it should have given. */
#include <stdlib.h>
#include <string.h>

#include "server/core/apply/apply.h"
#include "server/store/store.h"
#include "tests/support/scratch.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/history.h"
#include "tests/survival/faults/sweep.h"
#include "tests/unit/core/world.h"

struct trial {
    char folder[SCRATCH_PATH];
    struct store *store;
    struct history history;
    const struct command *command;
    struct buffer before;   /* the state it is applied to */
    struct buffer expected; /* what comes of it without a fault: the answer, and then the state */
};

static int set_up(void **state)
{
    struct trial *trial = calloc(1, sizeof *trial);
    if (trial == NULL || !scratch_make(trial->folder))
        return -1;
    const struct store_options options = {.path = trial->folder,
                                          .create = true,
                                          .no_sync = true,
                                          .map_bytes = 1u << 28,
                                          .reserve_bytes = 1};
    if (store_open(&options, &trial->store, NULL) != STATUS_OK)
        return -1;
    history_make(&trial->history);
    *state = trial;
    return 0;
}

static int tear_down(void **state)
{
    struct trial *trial = *state;
    store_close(trial->store);
    history_release(&trial->history);
    buffer_release(&trial->before);
    buffer_release(&trial->expected);
    scratch_remove(trial->folder);
    free(trial);
    assert_int_equal(failing_memory_held(), 0);
    return 0;
}

static struct state begin(struct trial *trial)
{
    struct state state;
    assert_int_equal(store_write_begin(trial->store, &state), STATUS_OK);
    return state;
}

/* What a command that was applied in the open transaction has led to. */
static void outcome(const struct state *state, const struct effects *effects, struct buffer *out)
{
    history_dump(state, true, out);
    buffer_append(out, effects->answer.data, effects->answer.size);
    buffer_append(out, effects->lanes, effects->lane_count * sizeof *effects->lanes);
    buffer_append(out, effects->subjects, effects->subject_count * sizeof *effects->subjects);
    buffer_append(out, effects->users, effects->user_count * sizeof *effects->users);
}

static void expect_same(const struct buffer *a, const struct buffer *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
}

static void apply_right(struct trial *trial, bool keep)
{
    struct effects effects = {0};
    struct buffer got = {0};
    const struct state state = begin(trial);
    assert_int_equal(apply_command(&state, trial->command, &effects), STATUS_OK);
    outcome(&state, &effects, &got);
    expect_same(&got, &trial->expected);
    if (keep)
        assert_int_equal(store_write_commit(trial->store), STATUS_OK);
    else
        store_write_abort(trial->store);
    effects_release(&effects);
    buffer_release(&got);
}

static bool attempt(void *context, uint64_t n, bool onwards)
{
    struct trial *trial = context;
    struct effects effects = {0};
    struct buffer got = {0};
    struct state state = begin(trial);
    failing_memory_arm(n, onwards);
    const enum status status = apply_command(&state, trial->command, &effects);
    const bool met = failing_memory_disarm() > 0;
    if (status != STATUS_OK) {
        assert_true(met);
        assert_int_equal(status, STATUS_NO_MEMORY);
    } else if (!effects.failed) {
        outcome(&state, &effects, &got);
        expect_same(&got, &trial->expected);
    }
    store_write_abort(trial->store);
    effects_release(&effects);
    state = begin(trial);
    history_dump(&state, true, &got);
    expect_same(&got, &trial->before);
    store_write_abort(trial->store);
    buffer_release(&got);
    if (met)
        apply_right(trial, false);
    return met;
}

static void learn(struct trial *trial)
{
    struct effects effects = {0};
    struct state state = begin(trial);
    history_dump(&state, true, &trial->before);
    assert_int_equal(apply_command(&state, trial->command, &effects), STATUS_OK);
    outcome(&state, &effects, &trial->expected);
    store_write_abort(trial->store);
    effects_release(&effects);
}

static void a_command_is_applied_wholly_or_not_at_all(void **state)
{
    struct trial *trial = *state;
    uint64_t points = 0, records = 0;
    for (size_t i = 0; i < trial->history.count; i++) {
        trial->command = &trial->history.commands[i];
        learn(trial);
        points += sweep_quietly(1, attempt, trial);
        apply_right(trial, true);
    }
    sweep_tell("allocation, rules over the store", points);
    assert_true(points > 1000);
    assert_int_equal(store_check(trial->store, NULL, NULL, &records), STATUS_OK);
    assert_true(records > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_command_is_applied_wholly_or_not_at_all, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A store of format 2, as a server of that time wrote it, that is raised while the n-th call to do
 * with files fails, or the n-th allocation, for every n, and the power is lost after it.
 *
 * Opening says what came of it. Whatever is left then is a store of one format or the other, whole,
 * and the next opening, without faults, gives a raised one that has everything. */
#include <errno.h>

#include "server/store/store.h"
#include "tests/support/scratch.h"
#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/lost_writes.h"
#include "tests/survival/faults/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <zlib.h>

#define RECORDS 17u
#define ALIKE 2u

struct trial {
    uint32_t calls;
    int error;
    enum failing_way way;
    enum lost_writes lost;
};

static void unpack(const char *folder)
{
    static char bytes[1 << 17];
    char path[SCRATCH_PATH + 16];
    (void)snprintf(path, sizeof path, "%s/data.mdb", folder);
    const gzFile from = gzopen(FORMAT_2, "rb");
    FILE *to = fopen(path, "wb");
    assert_true(from != NULL && to != NULL);
    const int size = gzread(from, bytes, sizeof bytes);
    assert_true(size > 0 && (size_t)size < sizeof bytes);
    assert_int_equal(fwrite(bytes, 1, (size_t)size, to), size);
    assert_int_equal(gzclose(from), Z_OK);
    assert_int_equal(fclose(to), 0);
}

static enum status open_in(const char *folder, bool as_it_is, struct store **store)
{
    const struct store_options options = {
        .path = folder, .map_bytes = 1u << 28, .reserve_bytes = 1, .as_it_is = as_it_is};
    return store_open(&options, store, NULL);
}

/* As it is, and then raised. */
static void judge(const char *folder)
{
    struct store *store;
    uint64_t records = 0, alike = 0;
    for (unsigned as_it_is = 2; as_it_is-- > 0;) {
        assert_int_equal(open_in(folder, as_it_is == 1, &store), STATUS_OK);
        assert_int_equal(store_check(store, NULL, NULL, &records), STATUS_OK);
        assert_int_equal(records, RECORDS);
        assert_int_equal(store_alike(store, NULL, NULL, &alike), STATUS_OK);
        store_close(store);
    }
    assert_int_equal(alike, ALIKE);
}

static bool without_disk(void *context, uint64_t n, bool onwards)
{
    const struct trial *trial = context;
    char folder[SCRATCH_PATH];
    struct store *store;
    assert_true(scratch_make(folder));
    unpack(folder);
    struct failing_plan *plan = failing_plan();
    *plan = (struct failing_plan){.calls = trial->calls,
                                  .way = trial->way,
                                  .error = trial->error,
                                  .nth = n,
                                  .onwards = onwards,
                                  .skip_flush = 1};
    lost_writes_watch(folder);
    failing_calls_arm(plan);
    const enum status status = open_in(folder, false, &store);
    const bool met = failing_calls_disarm(plan) > 0;
    store_close(store);
    assert_true(met || status == STATUS_OK);
    lost_writes_take(trial->lost, n + sweep_seed());
    judge(folder);
    scratch_remove(folder);
    return met;
}

static bool without_memory(void *context, uint64_t n, bool onwards)
{
    char folder[SCRATCH_PATH];
    struct store *store;
    (void)context;
    assert_true(scratch_make(folder));
    unpack(folder);
    failing_memory_arm(n, onwards);
    const enum status status = open_in(folder, false, &store);
    const bool met = failing_memory_disarm() > 0;
    store_close(store);
    assert_int_equal(status, met ? STATUS_NO_MEMORY : STATUS_OK);
    judge(folder);
    scratch_remove(folder);
    return met;
}

static void each_loss(struct trial *trial, const char *what)
{
    static const char *const names[] = {"goes on", "power lost", "power lost halfway"};
    char kind[96];
    for (unsigned lost = LOST_NONE; lost <= LOST_SOME; lost++) {
        trial->lost = (enum lost_writes)lost;
        (void)snprintf(kind, sizeof kind, "files, raising a store, %s, %s", what, names[lost]);
        sweep(kind, 1, without_disk, trial);
    }
}

static void the_disk_fails(void **state)
{
    struct trial trial = {.calls = CALL_DISK | CALL_OPEN, .error = EIO};
    (void)state;
    trial.way = FAILING_NOTHING_DONE;
    each_loss(&trial, "EIO");
    trial.calls = CALL_DISK;
    trial.way = FAILING_ALL_DONE;
    each_loss(&trial, "EIO with the data in the cache");
    trial.way = FAILING_HALF_DONE;
    trial.error = ENOSPC;
    each_loss(&trial, "half written");
}

static void memory_runs_out(void **state)
{
    (void)state;
    sweep("allocation, raising a store", 1, without_memory, NULL);
    assert_int_equal(failing_memory_held(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_disk_fails),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

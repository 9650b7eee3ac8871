/* A purge and its scrub, with the n-th write or flush failing, for every n, and the power lost
 * after it.
 *
 * However it ends, opening the replica again finds it before the purge, whole, or behind it, and
 * then nothing of what was purged is in any file. Once the scrub has said that it is done, no loss
 * of power brings anything back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/replica/replica.h"
#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/lost_writes.h"
#include "tests/survival/faults/sweep.h"
#include "tests/unit/client-lib/support.h"
#include "tests/unit/client-lib/traces.h"

#define ACCOUNTS 2u
#define EACH 60u
#define PURGED 1u
#define TEXT_MOST 6000u

struct way {
    enum failing_way way;
    int error;
    enum lost_writes lost;
};

struct world {
    char *folder;
    struct fake_port port;
    struct replica *replica;
    struct traces gone;
};

static unsigned number_of(unsigned account, unsigned n)
{
    return 0x9e3779b1u * (account * 1000 + n + 1);
}

static struct scope scope_of(unsigned account)
{
    return account_of(0x5bd1e995u * (account + 1));
}

static void trace_of(unsigned account, unsigned n, char out[TRACE_SIZE + 1])
{
    uint64_t value = (account * 1000 + n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < TRACE_SIZE; i++, value /= 26)
        out[i] = (char)('a' + value % 26);
    out[TRACE_SIZE] = 0;
}

static enum status open_it(struct world *world)
{
    return replica_open(world->folder, 1u << 26, &world->port.port, &world->replica, NULL);
}

static void put(struct world *world, unsigned account, unsigned n)
{
    char text[TEXT_MOST + 1], trace[TRACE_SIZE + 1];
    size_t length = n % 7 == 0 ? 1000 + n * 80 : 40 + n;
    struct buffer encoded = {0};
    struct record_view view;
    trace_of(account, n, trace);
    assert_true(length <= TEXT_MOST);
    for (size_t i = 0; i < length; i++)
        text[i] = trace[i % TRACE_SIZE];
    text[length] = 0;
    put_record(&encoded, &(struct made){.id = number_of(account, n),
                                        .scope = scope_of(account),
                                        .seq = 1,
                                        .created_at = n,
                                        .name = text});
    assert_true(record_view_read(buffer_bytes(&encoded), &view));
    assert_ok(replica_put(world->replica, &view, buffer_bytes(&encoded)));
    buffer_release(&encoded);
    if (account != PURGED)
        return;
    traces_add(&world->gone, trace);
    traces_add(&world->gone, view.id.octet + ID_SIZE - TRACE_SIZE);
}

static void fill(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->folder = folder_new();
    fake_port_init(&world->port);
    traces_init(&world->gone);
    assert_ok(open_it(world));
    for (unsigned n = 0; n < EACH; n += 10) {
        assert_ok(replica_begin(world->replica));
        for (unsigned i = n; i < n + 10; i++)
            for (unsigned account = 0; account < ACCOUNTS; account++)
                put(world, account, i * 7 % EACH);
        assert_ok(replica_set_cursor(world->replica, 1));
        assert_ok(replica_commit(world->replica));
    }
}

static void release(struct world *world)
{
    replica_close(world->replica);
    traces_release(&world->gone);
    folder_remove(world->folder);
}

/* Whether all of it was done. */
static bool purge(struct world *world)
{
    size_t count = 0;
    bool done = false;
    enum status status = replica_begin(world->replica);
    if (status != STATUS_OK)
        return false;
    status = replica_purge(world->replica, scope_of(PURGED), &count);
    if (status == STATUS_OK)
        status = replica_set_cursor(world->replica, 2);
    if (status != STATUS_OK) {
        replica_abort(world->replica);
        return false;
    }
    status = replica_commit(world->replica);
    for (int i = 0; i < 100 && status == STATUS_OK && !done; i++)
        status = replica_scrub(world->replica, 1u << 16, &done);
    assert_int_not_equal(status, STATUS_CORRUPT);
    return status == STATUS_OK && done;
}

static bool count_one(void *context, struct bytes encoded)
{
    (void)encoded;
    ++*(unsigned *)context;
    return true;
}

static void expect_whole(struct world *world)
{
    unsigned count = 0;
    const bool before = replica_cursor(world->replica) == 1;
    assert_true(before || replica_cursor(world->replica) == 2);
    assert_ok(replica_each(world->replica, bytes_of(NULL, 0), count_one, &count));
    assert_int_equal(count, before ? ACCOUNTS * EACH : EACH);
    for (unsigned account = 0; account < ACCOUNTS; account++) {
        count = 0;
        assert_ok(replica_timeline(world->replica, scope_of(account), count_one, &count));
        assert_int_equal(count, before || account != PURGED ? EACH : 0);
    }
    assert_true(before || traces_find(&world->gone, world->folder, true) == 0);
}

static bool attempt(void *context, uint64_t n, bool onwards)
{
    const struct way *way = context;
    struct world world;
    fill(&world);
    lost_writes_watch(world.folder);
    failing_calls_arm_disk(way->way, way->error, n, onwards);
    const bool done = purge(&world);
    const bool met = failing_calls_disarm(failing_plan()) > 0;
    replica_close(world.replica);
    world.replica = NULL;
    lost_writes_take(way->lost, n + sweep_seed());
    if (done)
        assert_int_equal(traces_find(&world.gone, world.folder, true), 0);
    assert_ok(open_it(&world));
    assert_true(!done || replica_cursor(world.replica) == 2);
    assert_int_equal(replica_remains(world.replica), REPLICA_CLEAN);
    expect_whole(&world);
    release(&world);
    return met;
}

static void each_loss(struct way way, const char *what)
{
    static const char *const names[] = {"restart", "power lost", "power lost halfway"};
    char kind[96];
    for (unsigned lost = LOST_NONE; lost <= LOST_SOME; lost++) {
        way.lost = (enum lost_writes)lost;
        (void)snprintf(kind, sizeof kind, "write and flush, purge, %s, %s", what, names[lost]);
        sweep(kind, 5, attempt, &way);
    }
}

static void writes_and_flushes(void **state)
{
    (void)state;
    each_loss((struct way){.error = EIO}, "EIO");
    each_loss((struct way){.way = FAILING_ALL_DONE, .error = EIO},
              "EIO with the data in the cache");
    each_loss((struct way){.way = FAILING_HALF_DONE, .error = ENOSPC}, "half written");
}

int main(void)
{
    failing_plan()->skip_flush = 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes_and_flushes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A replica that follows a server, with the n-th allocation, write or flush failing, for every n.
 *
 * After each failure it holds what it held before the message or what it holds behind it, and its
 * cursor says which: never a cursor ahead of the data. The connection ends, as the client library
 * ends it, another one goes on from there, and in the end the replica holds what one without a
 * fault holds. Every event was told that is told without a fault, and none else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/replica/replica.h"
#include "client-lib/sync/sync.h"
#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/lost_writes.h"
#include "tests/survival/faults/stream.h"
#include "tests/survival/faults/sweep.h"
#include "tests/unit/client-lib/support.h"

#define EVENTS_MOST 256u
#define STATES_MOST 64u
#define CONNECTIONS_MOST 60u

struct told {
    tandem_event_kind kind;
    uint64_t seq;
    struct id id;
    struct scope scope;
    char reason[16];
};

struct follower {
    char *folder;
    struct fake_port port;
    struct stream stream;
    struct replica *replica;
    struct sync sync;
    bool reopens; /* after a failure: the program was started again */
    struct told told[EVENTS_MOST];
    size_t told_count;
    struct buffer now;
};

/* What it goes through without a fault. */
struct course {
    struct buffer states[STATES_MOST];
    size_t count;
    struct told told[EVENTS_MOST];
    size_t told_count;
    int error;
    enum failing_way way;
    enum lost_writes lost;
    bool reopens;
};

static enum status send_message(void *context, const struct message *message)
{
    struct follower *follower = context;
    struct buffer frame = {0};
    message_encode(&frame, message);
    const enum status status = frame.failed ? STATUS_NO_MEMORY : STATUS_OK;
    buffer_release(&frame);
    if (status == STATUS_OK)
        stream_take(&follower->stream, message);
    return status;
}

static void take_event(void *context, const struct sync_event *event)
{
    struct follower *follower = context;
    assert_true(follower->told_count < EVENTS_MOST);
    struct told *told = &follower->told[follower->told_count++];
    memset(told, 0, sizeof *told);
    told->kind = event->kind;
    told->seq = event->kind == TANDEM_EVENT_RESET ? 0 : event->seq;
    told->id = event->id;
    told->scope = event->scope;
    (void)snprintf(told->reason, sizeof told->reason, "%s", event->detail);
}

/* ---- What it holds ---- */

static bool append(void *context, struct bytes encoded)
{
    buffer_append(context, encoded.data, encoded.size);
    return true;
}

static void dump(struct follower *follower, struct buffer *out)
{
    struct replica *replica = follower->replica;
    struct replica_backfill backfill;
    struct scope after;
    const struct scope *behind = NULL;
    uint8_t cursor[8];
    const struct id epoch = replica_epoch(replica);
    buffer_clear(out);
    put_u64(cursor, replica_cursor(replica));
    buffer_append(out, cursor, sizeof cursor);
    buffer_append(out, epoch.octet, ID_SIZE);
    assert_ok(replica_subscription(replica, out));
    assert_ok(replica_each(replica, bytes_of(NULL, 0), append, out));
    assert_ok(replica_each(replica, bytes_text("note"), append, out));
    for (unsigned account = 1; account < 4; account++)
        assert_ok(replica_timeline(replica, account_of(account), append, out));
    for (; replica_next_backfill(replica, behind, &backfill) == STATUS_OK; behind = &after) {
        uint8_t numbers[16];
        put_u64(numbers, backfill.from);
        put_u64(numbers + 8, backfill.until);
        buffer_append(out, backfill.scope.id.octet, ID_SIZE);
        buffer_append(out, numbers, sizeof numbers);
        after = backfill.scope;
    }
    assert_false(out->failed);
}

/* Which of the states of the course it is in; fails the test when it is in none. */
static size_t place(struct follower *follower, const struct course *course, size_t from)
{
    dump(follower, &follower->now);
    for (size_t i = from; i < course->count; i++)
        if (bytes_equal(buffer_bytes(&follower->now), buffer_bytes(&course->states[i])))
            return i;
    fail_msg("the replica at cursor %llu is in no state that it may be in",
             (unsigned long long)replica_cursor(follower->replica));
    return 0;
}

/* ---- Following ---- */

static enum status open_replica(struct follower *follower)
{
    return replica_open(follower->folder, 1u << 24, &follower->port.port, &follower->replica, NULL);
}

static enum status open_it(struct follower *follower)
{
    const struct sync_port port = {follower, send_message, take_event};
    const enum status status = open_replica(follower);
    if (status != STATUS_OK)
        return status;
    sync_init(&follower->sync, sync_store_replica(), follower->replica, &port);
    return sync_want(&follower->sync, NULL, 0);
}

static void close_it(struct follower *follower)
{
    if (follower->replica == NULL)
        return;
    sync_release(&follower->sync);
    replica_close(follower->replica);
    follower->replica = NULL;
}

static enum status connect_it(struct follower *follower)
{
    if (follower->replica == NULL) {
        const enum status status = open_it(follower);
        if (status != STATUS_OK) {
            close_it(follower);
            return status;
        }
    }
    stream_connect(&follower->stream);
    return sync_start(&follower->sync, follower->stream.epoch, 16);
}

/* The next message; NOT_FOUND when there is none. The server's own work does not fail. */
static enum status step(struct follower *follower)
{
    struct message message;
    failing_memory_pause(true);
    const struct bytes frame = stream_next(&follower->stream);
    failing_memory_pause(false);
    if (frame.size == 0)
        return STATUS_NOT_FOUND;
    assert_ok(message_decode(frame, &message, NULL));
    return sync_message(&follower->sync, &message);
}

static void follower_make(struct follower *follower)
{
    memset(follower, 0, sizeof *follower);
    follower->folder = folder_new();
    fake_port_init(&follower->port);
    stream_make(&follower->stream);
}

static void follower_release(struct follower *follower)
{
    close_it(follower);
    folder_remove(follower->folder);
    stream_release(&follower->stream);
    buffer_release(&follower->now);
}

static void remember(struct follower *follower, struct course *course)
{
    assert_true(course->count < STATES_MOST);
    dump(follower, &course->states[course->count++]);
}

static void course_make(struct course *course)
{
    struct follower follower;
    memset(course, 0, sizeof *course);
    follower_make(&follower);
    assert_ok(open_replica(&follower));
    remember(&follower, course);
    replica_close(follower.replica);
    follower.replica = NULL;
    assert_ok(open_it(&follower));
    remember(&follower, course);
    assert_ok(connect_it(&follower));
    do
        remember(&follower, course);
    while (step(&follower) == STATUS_OK);
    course->told_count = follower.told_count;
    memcpy(course->told, follower.told, sizeof course->told);
    follower_release(&follower);
}

static void course_release(struct course *course)
{
    for (size_t i = 0; i < STATES_MOST; i++)
        buffer_release(&course->states[i]);
}

/* After a failure: the connection is closed, and the program perhaps with it. */
static size_t fall(struct follower *follower, const struct course *course, size_t at)
{
    if (follower->replica == NULL)
        return at;
    sync_stop(&follower->sync);
    failing_memory_pause(true);
    at = place(follower, course, at);
    failing_memory_pause(false);
    if (follower->reopens)
        close_it(follower);
    return at;
}

/* Follows with at most `connections`; whether it came to the end. `at` is how far it was seen to
 * be: it never falls back. */
static bool follow(struct follower *follower, const struct course *course, unsigned connections,
                   size_t *at)
{
    while (connections-- > 0) {
        enum status status = connect_it(follower);
        while (status == STATUS_OK)
            status = step(follower);
        if (status == STATUS_NOT_FOUND)
            return true;
        *at = fall(follower, course, *at);
    }
    return false;
}

static bool was_told(const struct told *list, size_t count, const struct told *told)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&list[i], told, sizeof *told) == 0)
            return true;
    return false;
}

/* What was purged is told of when it is gone. A program that was started again before that, or is
 * told to, reads all of it anew. */
static bool reads_anew(const struct follower *follower)
{
    for (size_t i = 0; i < follower->told_count; i++)
        if (follower->told[i].kind == TANDEM_EVENT_RELOAD)
            return true;
    return follower->reopens;
}

/* "Caught up" may be said again, and a replica that is emptied tells of what it held just then. */
static void compare_events(const struct follower *follower, const struct course *course)
{
    for (size_t i = 0; i < course->told_count && !reads_anew(follower); i++)
        assert_true(was_told(follower->told, follower->told_count, &course->told[i]));
    for (size_t i = 0; i < follower->told_count; i++)
        if (follower->told[i].kind != TANDEM_EVENT_CAUGHT_UP &&
            follower->told[i].kind != TANDEM_EVENT_RELOAD)
            assert_true(was_told(course->told, course->told_count, &follower->told[i]));
}

static void finish(struct follower *follower, const struct course *course, size_t at, bool events)
{
    assert_true(follow(follower, course, 3, &at));
    assert_int_equal(place(follower, course, course->count - 1), course->count - 1);
    if (events)
        compare_events(follower, course);
    follower_release(follower);
}

static bool without_memory(void *context, uint64_t n, bool onwards)
{
    const struct course *course = context;
    struct follower follower;
    size_t at = 0;
    follower_make(&follower);
    follower.reopens = course->reopens;
    failing_memory_arm(n, onwards);
    (void)follow(&follower, course, onwards ? 3 : CONNECTIONS_MOST, &at);
    const bool met = failing_memory_disarm() > 0;
    finish(&follower, course, at, true);
    return met;
}

static void allocations(void **state)
{
    struct course course;
    (void)state;
    course_make(&course);
    sweep("allocation, replica that goes on", 1, without_memory, &course);
    course.reopens = true;
    sweep("allocation, replica opened again", 1, without_memory, &course);
    course_release(&course);
    assert_int_equal(failing_memory_held(), 0);
}

/* Follows until something fails; how many states of the course it is sure to have reached. */
static size_t follow_to_failure(struct follower *follower)
{
    size_t at = 0;
    enum status status = open_it(follower);
    if (status != STATUS_OK) {
        close_it(follower);
        return 0;
    }
    stream_connect(&follower->stream);
    for (status = sync_start(&follower->sync, follower->stream.epoch, 16), at = 1; status == STATUS_OK;
         status = step(follower))
        at++;
    close_it(follower);
    return at;
}

static bool without_disk(void *context, uint64_t n, bool onwards)
{
    const struct course *course = context;
    struct follower follower;
    follower_make(&follower);
    lost_writes_watch(follower.folder);
    failing_calls_arm_disk(course->way, course->error, n, onwards);
    const size_t at = follow_to_failure(&follower);
    const bool met = failing_calls_disarm(failing_plan()) > 0;
    lost_writes_take(course->lost, n + sweep_seed());
    assert_ok(open_replica(&follower));
    assert_true(place(&follower, course, at) <= at + 1);
    replica_close(follower.replica);
    follower.replica = NULL;
    finish(&follower, course, at, false);
    return met;
}

static void each_disk(struct course *course, const char *what)
{
    static const char *const names[] = {"restart", "power lost", "power lost halfway"};
    char kind[96];
    for (unsigned lost = LOST_NONE; lost <= LOST_SOME; lost++) {
        course->lost = (enum lost_writes)lost;
        (void)snprintf(kind, sizeof kind, "write and flush, replica, %s, %s", what, names[lost]);
        sweep(kind, 4, without_disk, course);
    }
}

static void writes_and_flushes(void **state)
{
    struct course course;
    (void)state;
    course_make(&course);
    course.error = EIO;
    each_disk(&course, "EIO");
    course.way = FAILING_ALL_DONE;
    each_disk(&course, "EIO with the data in the cache");
    course.way = FAILING_HALF_DONE;
    course.error = ENOSPC;
    each_disk(&course, "half written");
    course_release(&course);
}

int main(void)
{
    failing_plan()->skip_flush = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations),
        cmocka_unit_test(writes_and_flushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The log of a server standing alone. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "server/commit/log.h"

#define WRITERS 4u
#define EACH 500u

static const struct origin origin = {1, 2, 3};

static bool append(struct log *log, const char *text)
{
    return log_append(log, origin, bytes_text(text));
}

static void expect_next(struct log *log, uint64_t position, const char *text)
{
    struct log_entry entry;
    assert_int_equal(log_watch(log, &entry, 1), 1);
    assert_int_equal(entry.position, position);
    assert_true(entry.local);
    assert_int_equal(entry.origin.ticket, origin.ticket);
    assert_true(bytes_is(buffer_bytes(&entry.payload), text));
    buffer_release(&entry.payload);
}

static void test_entries_come_in_order_behind_the_given_position(void **state)
{
    (void)state;
    struct log *log = log_local_new(41, 8, 1000);
    assert_true(append(log, "first"));
    assert_true(append(log, "second"));
    expect_next(log, 42, "first");
    assert_true(append(log, "third"));
    expect_next(log, 43, "second");
    expect_next(log, 44, "third");
    struct log_entry none;
    assert_int_equal(log_watch(log, &none, 1), 0);
    log_free(log);
}

static void test_a_full_log_refuses_and_loses_nothing(void **state)
{
    (void)state;
    struct log *log = log_local_new(0, 2, 1000);
    assert_true(append(log, "a"));
    assert_true(append(log, "b"));
    assert_false(append(log, "c"));
    assert_int_equal(log_refused(log), 1);
    expect_next(log, 1, "a");
    assert_true(append(log, "d"));
    expect_next(log, 2, "b");
    expect_next(log, 3, "d");
    log_free(log);
}

static void test_bytes_are_bounded_too(void **state)
{
    (void)state;
    struct log *log = log_local_new(0, 100, 8);
    assert_true(append(log, "12345"));
    assert_false(append(log, "6789"));
    expect_next(log, 1, "12345");
    assert_true(append(log, "6789"));
    expect_next(log, 2, "6789");
    log_free(log);
}

static void test_a_closed_log_is_drained_and_then_over(void **state)
{
    (void)state;
    struct log *log = log_local_new(0, 4, 100);
    assert_true(append(log, "last"));
    log_close(log);
    assert_false(append(log, "too late"));
    assert_true(log_wait(log, 60000));
    expect_next(log, 1, "last");
    assert_false(log_wait(log, 60000));
    log_free(log);
}

static void *write_many(void *argument)
{
    struct log *log = argument;
    for (unsigned i = 0; i < EACH; i++) {
        while (!append(log, "entry")) {
            sched_yield();
        }
    }
    return NULL;
}

static void test_many_writers_and_one_watcher(void **state)
{
    (void)state;
    struct log *log = log_local_new(0, 16, 10000);
    pthread_t writers[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, write_many, log), 0);
    }
    uint64_t position = 0;
    while (position < WRITERS * EACH) {
        struct log_entry entries[8];
        log_wait(log, 60000);
        size_t count = log_watch(log, entries, 8);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(entries[i].position, ++position);
            buffer_release(&entries[i].payload);
        }
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(writers[i], NULL);
    }
    log_free(log);
}

static void test_whoever_waits_for_what_is_there_goes_on(void **state)
{
    (void)state;
    static const uint32_t timeouts[] = {0, 1, 500, 999, 1000, 60999, UINT32_MAX};
    struct log *log = log_local_new(0, 4, 100);
    assert_true(log_wait(log, 0)); /* nothing there, nothing closed: at once, and alive */
    assert_true(append(log, "there"));
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        assert_true(log_wait(log, timeouts[i]));
    }
    log_free(log); /* with what is in it */
    log_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_come_in_order_behind_the_given_position),
        cmocka_unit_test(test_a_full_log_refuses_and_loses_nothing),
        cmocka_unit_test(test_bytes_are_bounded_too),
        cmocka_unit_test(test_a_closed_log_is_drained_and_then_over),
        cmocka_unit_test(test_many_writers_and_one_watcher),
        cmocka_unit_test(test_whoever_waits_for_what_is_there_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

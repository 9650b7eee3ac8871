#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "server/app/hash_pool.h"

/* Outcomes by the ticket of their request. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t came;
    unsigned count;
    struct hash_outcome outcomes[8];
} heard = {.mutex = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static void done(void *self, struct origin origin, const struct hash_outcome *outcome)
{
    (void)self;
    pthread_mutex_lock(&heard.mutex);
    heard.outcomes[origin.ticket] = *outcome;
    heard.count++;
    pthread_cond_signal(&heard.came);
    pthread_mutex_unlock(&heard.mutex);
}

static void await(unsigned count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    int error = 0;
    pthread_mutex_lock(&heard.mutex);
    while (heard.count < count && error == 0)
        error = pthread_cond_timedwait(&heard.came, &heard.mutex, &until);
    assert_int_equal(heard.count, count);
    pthread_mutex_unlock(&heard.mutex);
}

static struct hash_pool *make(size_t queue)
{
    static const struct hash_pool_port port = {.done = done};
    struct hash_pool *pool = hash_pool_new(queue, &port);
    assert_non_null(pool);
    memset(heard.outcomes, 0, sizeof heard.outcomes);
    heard.count = 0;
    return pool;
}

static bool verify(struct hash_pool *pool, uint64_t ticket, const char *secret, const char *phc)
{
    struct hash_request request = {HASH_VERIFY, bytes_text(secret), bytes_text(phc)};
    return hash_pool_submit(pool, (struct origin){.ticket = ticket}, &request);
}

static void test_hash(void **state)
{
    (void)state;
    char phc[128], other[128];
    assert_int_equal(hash_password(bytes_text("correct horse"), phc), STATUS_OK);
    assert_int_equal(hash_password(bytes_text("correct horse"), other), STATUS_OK);
    assert_ptr_equal(strstr(phc, "$argon2id$v=19$m=19456,t=2,p=1$"), phc);
    assert_string_not_equal(phc, other); /* salted */
    assert_true(hash_matches(bytes_text("correct horse"), phc));
    assert_false(hash_matches(bytes_text("correct horsf"), phc));
    assert_false(hash_matches(bytes_text("correct horse"), "$argon2id$nonsense"));
    assert_false(hash_matches(bytes_text("correct horse"), ""));
}

static void test_requests(void **state)
{
    (void)state;
    struct hash_pool *pool = make(8);
    char phc[128];
    assert_int_equal(hash_password(bytes_text("correct horse"), phc), STATUS_OK);
    assert_int_equal(hash_pool_start(pool), STATUS_OK);
    assert_true(verify(pool, 0, "correct horse", phc));
    assert_true(verify(pool, 1, "wrong", phc));
    assert_true(verify(pool, 2, "correct horse", NULL)); /* nobody */
    struct hash_request create = {HASH_CREATE, bytes_text("battery staple"), {NULL, 0}};
    assert_true(hash_pool_submit(pool, (struct origin){.ticket = 3}, &create));
    await(4);
    assert_true(heard.outcomes[0].matched);
    assert_false(heard.outcomes[1].matched);
    assert_false(heard.outcomes[2].matched);
    assert_true(hash_matches(bytes_text("battery staple"), heard.outcomes[3].phc));
    assert_false(heard.outcomes[3].busy);
    hash_pool_free(pool);
}

/* An unknown name costs what a wrong password costs. */
static void test_dummy_cost(void **state)
{
    (void)state;
    struct hash_pool *pool = make(8);
    char phc[128];
    struct timespec times[3];
    clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
    assert_int_equal(hash_password(bytes_text("correct horse"), phc), STATUS_OK);
    assert_int_equal(hash_pool_start(pool), STATUS_OK);
    clock_gettime(clock, &times[0]);
    assert_true(verify(pool, 0, "wrong", phc));
    await(1);
    clock_gettime(clock, &times[1]);
    assert_true(verify(pool, 1, "wrong", NULL));
    await(2);
    clock_gettime(clock, &times[2]);
    double known = (double)(times[1].tv_sec - times[0].tv_sec) +
                   (double)(times[1].tv_nsec - times[0].tv_nsec) / 1e9;
    double unknown = (double)(times[2].tv_sec - times[1].tv_sec) +
                     (double)(times[2].tv_nsec - times[1].tv_nsec) / 1e9;
    /* Far apart would be a hash left out; anything closer is for a statistician. */
    assert_true(unknown > known / 4 && known > unknown / 4);
    hash_pool_free(pool);
}

static void test_full_and_stop(void **state)
{
    (void)state;
    struct hash_pool *pool = make(2);
    assert_true(verify(pool, 0, "one", NULL));
    assert_true(verify(pool, 1, "two", NULL));
    assert_false(verify(pool, 2, "three", NULL));
    struct hash_request strange = {HASH_VERIFY, bytes_text("x"), {NULL, 0}};
    char huge[200];
    memset(huge, 'x', sizeof huge);
    strange.phc = bytes_of(huge, sizeof huge);
    assert_false(hash_pool_submit(pool, (struct origin){.ticket = 3}, &strange));
    /* Never started: stopping it has no thread that could answer. */
    hash_pool_free(pool);
    assert_int_equal(heard.count, 0);
    /* Started and stopped at once: each that was taken is answered, computed or busy. */
    pool = make(4);
    for (uint64_t i = 0; i < 4; i++)
        assert_true(verify(pool, i, "secret", NULL));
    assert_int_equal(hash_pool_start(pool), STATUS_OK);
    hash_pool_stop(pool);
    assert_int_equal(heard.count, 4);
    assert_true(heard.outcomes[3].busy);
    assert_false(verify(pool, 4, "late", NULL));
    hash_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_dummy_cost),
        cmocka_unit_test(test_full_and_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Letters from several threads: none lost, those of one sender in order, and never a sleeper with
 * letters: a wake-up is asked for whenever the inbox was empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "protocol/memory.h"
#include "server/net/inbox.h"

#define SENDERS 4
#define LETTERS 20000

static struct inbox inbox;
static atomic_uint wakes;

static void *send_all(void *argument)
{
    uint64_t sender = (uint64_t)(uintptr_t)argument;
    for (uint64_t i = 1; i <= LETTERS; i++) {
        struct letter letter = {.kind = LETTER_HASHED, .as.hashed.connection = sender << 32 | i};
        if (inbox_put(&inbox, &letter) == INBOX_WAKE)
            atomic_fetch_add(&wakes, 1);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t senders[SENDERS];
    uint64_t last[SENDERS] = {0};
    struct letter *letters = NULL;
    size_t capacity = 0, taken = 0, nonempty = 0;
    inbox_init(&inbox);
    for (size_t i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&senders[i], NULL, send_all, (void *)(uintptr_t)i), 0);
    while (taken < SENDERS * LETTERS) {
        bool lost;
        size_t count = inbox_take(&inbox, &letters, &capacity, &lost);
        assert_false(lost);
        nonempty += count > 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t sender = letters[i].as.hashed.connection >> 32;
            assert_int_equal(letters[i].as.hashed.connection & UINT32_MAX, ++last[sender]);
        }
        taken += count;
    }
    for (size_t i = 0; i < SENDERS; i++)
        pthread_join(senders[i], NULL);
    assert_int_equal(atomic_load(&wakes), nonempty);
    memory_free(letters);
    inbox_release(&inbox);
}

/* What nobody opened is released with the inbox (the sanitizers watch). */
static void test_release(void **state)
{
    (void)state;
    inbox_init(&inbox);
    struct effects effects = {.seq = 1};
    struct notice *notice = notice_new(&effects);
    struct letter one = {.kind = LETTER_NOTICE, .as.notice = notice_share(notice)};
    struct letter two = {.kind = LETTER_ANSWER, .as.answer = {.data = memory_copy("x", 1), .size = 1}};
    assert_int_equal(inbox_put(&inbox, &one), INBOX_WAKE);
    assert_int_equal(inbox_put(&inbox, &two), INBOX_QUEUED);
    inbox_release(&inbox);
    assert_int_equal(atomic_load(&notice->references), 1);
    notice_drop(notice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

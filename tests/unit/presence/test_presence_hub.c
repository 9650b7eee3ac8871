/* Threads that come, move and leave on one board at the same time, while commits have them check:
 * whoever loses a race hears the newer list next, so that in the end everybody knows how it ended.
 * For ThreadSanitizer above all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/net/inbox.h"
#include "server/net/presence_hub.h"

#define THREADS 4u
#define MEMBERS 12u /* of each thread */
#define PEOPLE (THREADS * MEMBERS)
#define ROUNDS 1500u
#define FINAL 1000u /* and a member's number: where its cursor is at last */

struct person {
    struct presence_member *handle;
    unsigned thread, number;
    char name[16];
    struct buffer heard; /* of the thing at which all meet at last */
};

struct worker {
    unsigned index;
    struct inbox inbox;
    struct letter *letters;
    size_t capacity;
    unsigned random;
};

static struct presence_hub hub;
static struct worker workers[THREADS];
static struct person people[PEOPLE];
static pthread_barrier_t all;

static struct id thing(unsigned number)
{
    struct id id = {{0}};
    id.octet[0] = (uint8_t)(1 + number);
    return id;
}

static void wake(void *context, struct session *session)
{
    const struct person *person = (const struct person *)(const void *)session;
    const struct letter letter = {.kind = LETTER_PRESENCE, .as.present = person->number};
    (void)context;
    assert_int_not_equal(inbox_put(&workers[person->thread].inbox, &letter), INBOX_LOST);
}

static const struct presence_side company = {.partner = false};

static void announce(struct person *person, unsigned at, uint64_t head)
{
    const struct presence_person who = {.user = bytes_text(person->name), .side = company};
    const struct presence_thing where = {thing(at), {SCOPE_ACCOUNT, thing(at)}, 1};
    const struct presence_doing doing = {.has_cursor = true, .anchor = head, .head = head};
    struct presence *board = presence_hub_begin(&hub);
    const enum status status = presence_announce(board, person->handle, &who, &where, &doing);
    presence_hub_end(&hub);
    assert_int_equal(status, STATUS_OK);
}

/* What is to be checked passes, or is left now and then. */
static void check(struct person *person, unsigned random)
{
    struct id about;
    for (bool found = true; found;) {
        found = presence_next_check(presence_hub_begin(&hub), person->handle, &about);
        presence_hub_end(&hub);
        if (!found)
            return;
        const struct presence_thing where = {about, {SCOPE_ACCOUNT, about}, 1};
        struct presence *board = presence_hub_begin(&hub);
        if (random % 8 == 0)
            presence_leave(board, person->handle, about);
        else
            assert_int_equal(presence_still(board, person->handle, &where), STATUS_OK);
        presence_hub_end(&hub);
    }
}

static void hear(struct person *person)
{
    struct id about;
    for (bool owed = true; owed;) {
        struct buffer list = {0};
        struct presence *board = presence_hub_begin(&hub);
        owed = presence_next_owed(person->handle, &about);
        const bool news = owed && presence_list(board, person->handle, about, &company, &list);
        presence_hub_end(&hub);
        if (news && id_equal(about, thing(0))) {
            buffer_clear(&person->heard);
            buffer_append(&person->heard, list.data, list.size);
        }
        buffer_release(&list);
    }
}

/* False when no letter was there. */
static bool open_letters(struct worker *worker, unsigned random)
{
    bool lost;
    const size_t count = inbox_take(&worker->inbox, &worker->letters, &worker->capacity, &lost);
    for (size_t i = 0; i < count; i++) {
        struct person *person = &people[worker->letters[i].as.present];
        presence_take(presence_hub_begin(&hub), person->handle);
        presence_hub_end(&hub);
        check(person, random);
        hear(person);
    }
    return count > 0;
}

static unsigned choose(struct worker *worker)
{
    worker->random = worker->random * 1664525u + 1013904223u;
    return worker->random >> 8;
}

static void act(struct worker *worker, unsigned round)
{
    struct person *person = &people[worker->index * MEMBERS + choose(worker) % MEMBERS];
    const unsigned at = choose(worker) % 3;
    if (choose(worker) % 4 > 0) {
        announce(person, at, round);
        hear(person);
    } else {
        presence_leave(presence_hub_begin(&hub), person->handle, thing(at));
        presence_hub_end(&hub);
    }
    if (choose(worker) % 16 == 0) {
        struct touched_lane lane = {{SCOPE_ACCOUNT, thing(at)}, {.kind = TAG_INTERNAL}};
        const struct notice notice = {.seq = 1, .lane_count = 1, .lanes = &lane};
        presence_hub_touched(&hub, &notice);
    }
    (void)open_letters(worker, choose(worker));
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (unsigned round = 0; round < ROUNDS; round++)
        act(worker, round);
    pthread_barrier_wait(&all);
    while (open_letters(worker, 1))
        continue;
    pthread_barrier_wait(&all);
    for (unsigned i = 0; i < MEMBERS; i++) {
        struct person *person = &people[worker->index * MEMBERS + i];
        announce(person, 0, FINAL + person->number);
        hear(person);
        (void)open_letters(worker, 1);
    }
    pthread_barrier_wait(&all); /* every letter that is owed has been posted */
    (void)open_letters(worker, 1);
    return NULL;
}

static void knows_all(const struct person *person)
{
    struct wire_reader reader = wire_read(buffer_bytes(&person->heard));
    uint32_t count = 0, parts;
    uint64_t number = 0, sum = 0, expected = 0;
    assert_true(wire_get_array(&reader, &count));
    assert_int_equal(count, PEOPLE - 1);
    while (count-- > 0) {
        assert_true(wire_get_array(&reader, &parts));
        for (unsigned i = 0; i < 5; i++)
            assert_true(wire_skip(&reader, NULL));
        assert_true(wire_get_uint(&reader, &number) && wire_skip(&reader, NULL));
        sum += number;
    }
    for (unsigned i = 0; i < PEOPLE; i++)
        expected += i != person->number ? FINAL + i : 0;
    assert_int_equal(sum, expected);
}

static void set_up_people(void)
{
    assert_true(presence_hub_init(&hub, wake, NULL));
    for (unsigned i = 0; i < PEOPLE; i++) {
        people[i] = (struct person){.thread = i / MEMBERS, .number = i};
        memcpy(people[i].name, "somebody", sizeof "somebody");
        people[i].handle =
            presence_enter(presence_hub_begin(&hub), (struct session *)(void *)&people[i], i);
        presence_hub_end(&hub);
        assert_non_null(people[i].handle);
    }
}

static void test_the_last_list_is_right(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    set_up_people();
    assert_int_equal(pthread_barrier_init(&all, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.index = i, .random = i + 1};
        inbox_init(&workers[i].inbox);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < PEOPLE; i++)
        knows_all(&people[i]);
    for (unsigned i = 0; i < PEOPLE; i++) {
        presence_exit(presence_hub_begin(&hub), people[i].handle);
        presence_hub_end(&hub);
        buffer_release(&people[i].heard);
    }
    presence_hub_release(&hub);
    for (unsigned i = 0; i < THREADS; i++) {
        memory_free(workers[i].letters);
        inbox_release(&workers[i].inbox);
    }
    pthread_barrier_destroy(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_last_list_is_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

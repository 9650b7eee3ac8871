/* A server that has no file descriptors left: those who are in are served, those who come are told
 * by a closed connection, the log says it once, no processor time is burnt, and when some leave,
 * others get in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "protocol/bytes.h"
#include "tests/survival/common/talk.h"

#define MOST_PEERS 200
#define REFUSED 10 /* connections that meet the shortage */
#define LEAVING 12
#define MOST_ATTEMPTS 200
#define PATIENCE_MS 60000u

struct peers {
    struct load *load;
    struct load_client *client[MOST_PEERS];
    size_t count;
};

static size_t closed(const struct peers *peers)
{
    return load_in_phase(peers->load, LOAD_CLOSED);
}

static bool all_settled(void *context)
{
    const struct peers *peers = context;
    return load_in_phase(peers->load, LOAD_LIVE) + closed(peers) == peers->count;
}

static bool add_peer(struct peers *peers, const struct seed_user *user)
{
    const struct load_client_options options = {.user = user->name, .token = user->token};
    struct load_client *client = load_add(peers->load, &options);
    peers->client[peers->count] = client;
    peers->count += client != NULL;
    return client != NULL && load_connect(client);
}

/* One after another until the server has no room, and then all the rest at once. */
static void exhaust(struct peers *peers, const struct stand *stand)
{
    while (closed(peers) == 0) {
        assert_true(peers->count < MOST_PEERS - REFUSED);
        assert_true(add_peer(peers, &stand->seeded->users[0]));
        assert_true(load_until(peers->load, all_settled, peers, PATIENCE_MS));
    }
    for (unsigned i = 1; i < REFUSED; i++) {
        assert_true(add_peer(peers, &stand->seeded->users[0]));
    }
}

static uint64_t elapsed_ms(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool has_news(const struct talk *talk)
{
    return talk->records > 0;
}

/* A change is taken and told, by connections that were there before. */
static void still_serves(struct talk *writer, struct talk *watcher, const struct stand *stand,
                         unsigned number)
{
    struct buffer changes = {.data = NULL};
    const uint8_t random[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, (uint8_t)number};
    seed_create_interaction(&changes, id_make(1, random), stand->seeded->accounts[0], 100, NULL);
    talk_listen(watcher);
    assert_int_equal(talk_mutate(writer, buffer_bytes(&changes)), STATUS_OK);
    assert_true(talk_hears(watcher, has_news));
    buffer_release(&changes);
}

/* Those who left are gone when the server has noticed; until then a new one may be refused. */
static bool gets_in(const struct stand *stand, const struct talk_person *person)
{
    bool in = false;
    for (unsigned i = 0; i < MOST_ATTEMPTS && !in; i++) {
        struct talk talk;
        in = talk_open(&talk, stand, person);
        talk_close(&talk);
    }
    return in;
}

static void test_no_descriptors(void **state)
{
    static const char *const wrapper[] = {"sh", "-c", "ulimit -n 100; exec \"$@\"", "sh", NULL};
    static const char *const flags[] = {"--threads", "2", NULL};
    struct stand stand;
    struct talk writer, watcher;
    (void)state;
    assert_true(stand_begin(&stand) && stand_seed(&stand, 1));
    stand.server.wrapper = wrapper;
    assert_true(stand_start(&stand, flags));
    assert_int_equal(stand_logged(&stand, "only 100 files may be open"), 1);
    const struct seed_user *user = &stand.seeded->users[1];
    const struct talk_person person = {.name = user->name, .token = user->token};
    const struct talk_person watching = {.name = user->name, .token = user->token, .watches = true};
    assert_true(talk_open(&writer, &stand, &person) && talk_open(&watcher, &stand, &watching));

    const struct load_options options = {.address = stand.server.address,
                                         .ca_file = stand.server.ca};
    struct peers peers = {.load = load_new(&options)};
    assert_non_null(peers.load);
    exhaust(&peers, &stand);
    still_serves(&writer, &watcher, &stand, 1);

    /* The server takes its time over refusing, and does nothing meanwhile. */
    uint64_t cpu = talk_cpu_ms(stand.server.pid), since = elapsed_ms();
    assert_true(load_until(peers.load, all_settled, &peers, PATIENCE_MS));
    cpu = talk_cpu_ms(stand.server.pid) - cpu;
    since = elapsed_ms() - since;
    print_message("%zu peers, %zu refused; %llu ms of processor time in %llu ms\n", peers.count,
                  closed(&peers), (unsigned long long)cpu, (unsigned long long)since);
    assert_true(cpu * 4 < since + 200);
    assert_true(closed(&peers) >= REFUSED);
    assert_int_equal(stand_logged(&stand, "out of file descriptors"), 1);
    still_serves(&writer, &watcher, &stand, 2);

    for (unsigned i = 0; i < LEAVING; i++) {
        load_drop(peers.client[i], false);
    }
    assert_true(gets_in(&stand, &person));
    still_serves(&writer, &watcher, &stand, 3);
    load_free(peers.load);
    talk_close(&writer);
    talk_close(&watcher);
    assert_true(server_process_stop(&stand.server));
    assert_true(server_process_check(&stand.server));
    assert_true(stand_end(&stand));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_descriptors)};
    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}

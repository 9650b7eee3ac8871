/* Processes that share a folder: who leads, what they hear of each other, and what is left when one
 * of them is killed, is stopped or writes nonsense. */
#include "peer_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/peers/peers.h"
#include "tests/support/child.h"

#define PEERS 3

struct world {
    char *folder;
    struct peer peer[PEERS];
};

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    world.folder = folder_new();
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < PEERS; i++)
        peer_end(&world->peer[i], SIGKILL);
    folder_remove(world->folder);
    return 0;
}

static struct peer *start(struct world *world, unsigned index)
{
    peer_start(&world->peer[index], world->folder, NULL);
    return &world->peer[index];
}

static struct peer *start_blind(struct world *world, unsigned index)
{
    static const char *const blind[] = {"PEER_BLIND=1", NULL};
    peer_start(&world->peer[index], world->folder, blind);
    return &world->peer[index];
}

static void set_value(const struct world *world, const char *value)
{
    char path[1024], part[1024];
    (void)snprintf(path, sizeof path, "%s/value", world->folder);
    (void)snprintf(part, sizeof part, "%s/value.part", world->folder);
    FILE *file = fopen(part, "w");
    assert_non_null(file);
    assert_true(fputs(value, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(part, path), 0);
}

static int open_lock(const struct world *world)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/lock", world->folder);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    return file;
}

/* ---- Leading ---- */

static void one_leads_and_when_it_goes_another_does(void **state)
{
    struct world *world = *state;
    struct peer *first = start(world, 0), *second = start(world, 1);
    peer_ask(first, "lead", "leading");
    peer_ask(second, "lead", "following");
    peer_ask(second, "lead", "following");
    peer_say(first, "close");
    assert_int_equal(child_wait(first->pid), 0);
    first->pid = 0;
    peer_expect(second, "leads");
    /* It left in good order, so nothing is lost; and the newcomer finds a leader. */
    peer_ask(second, "others", "alone");
    first = start(world, 0);
    peer_ask(first, "lead", "following");
    peer_ask(second, "yield\nothers", "others");
    peer_expect(first, "leads");
}

static void a_killed_leader_is_followed_by_exactly_one_and_all_read_again(void **state)
{
    struct world *world = *state;
    struct peer *first = start(world, 0), *two[2] = {start(world, 1), start(world, 2)};
    struct pollfd polled[2];
    char line[64];
    peer_ask(first, "lead", "leading");
    peer_ask(two[0], "lead", "following");
    peer_ask(two[1], "lead", "following");
    peer_end(first, SIGKILL);
    for (unsigned i = 0; i < 2; i++)
        polled[i] = (struct pollfd){.fd = two[i]->out, .events = POLLIN};
    unsigned leaders = 0;
    for (unsigned lines = 0; lines < 3;) {
        assert_true(poll(polled, 2, PEER_PATIENCE_MS) > 0);
        for (unsigned i = 0; i < 2; i++) {
            if (polled[i].revents == 0)
                continue;
            peer_read_some(two[i]);
            for (; peer_has_line(two[i]); lines++) {
                peer_next_line(two[i], line);
                leaders += strcmp(line, "leads") == 0;
                assert_true(strcmp(line, "leads") == 0 || strcmp(line, "lost") == 0);
            }
        }
    }
    assert_int_equal(leaders, 1);
    first = start(world, 0);
    peer_ask(first, "lead", "following");
}

static void a_leader_killed_while_it_tells_leaves_a_file_that_serves(void **state)
{
    struct world *world = *state;
    char line[64];
    struct peer *second = start(world, 1);
    for (unsigned round = 0; round < 15; round++) {
        struct peer *first = start(world, 0);
        peer_ask(first, "lead", "leading");
        peer_ask(second, "lead", "following");
        peer_say(first, "storm");
        /* A little of the storm, for as long as a few questions take. */
        for (unsigned i = 0; i < 3 + round; i++) {
            peer_say(second, "others");
            do {
                peer_next_line(second, line);
            } while (strcmp(line, "others") != 0);
        }
        peer_end(first, SIGKILL);
        do {
            peer_next_line(second, line);
        } while (strcmp(line, "leads") != 0);
        unsigned lost = 0;
        for (peer_say(second, "yield\nothers"); strcmp(line, "alone") != 0;
             peer_next_line(second, line))
            lost += strcmp(line, "lost") == 0;
        assert_true(lost > 0);
    }
}

static void nobody_shares_with_a_second_handle_of_the_process_or_an_older_library(void **state)
{
    struct world *world = *state;
    const struct peers_port port = {0};
    struct peers *one = NULL, *two = NULL;
    tandem_fault fault;
    assert_ok(peers_open(world->folder, port_system(), &port, &one, &fault));
    assert_int_equal(peers_open(world->folder, port_system(), &port, &two, &fault), STATUS_LOCKED);
    assert_null(two);
    assert_non_null(strstr(fault.detail, world->folder));
    /* The refusal did not take anything from the first. */
    assert_ok(peers_lead(one));
    struct peer *other = start(world, 0);
    peer_ask(other, "lead", "following");
    peers_close(one);
    peer_expect(other, "leads");
    peer_end(other, SIGKILL);
    int old = open_lock(world);
    assert_int_equal(flock(old, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(peers_open(world->folder, port_system(), &port, &two, &fault), STATUS_LOCKED);
    assert_int_equal(close(old), 0);
    assert_ok(peers_open(world->folder, port_system(), &port, &two, &fault));
    peers_abandon(two);
}

static void a_deleted_folder_is_led_by_nobody(void **state)
{
    struct world *world = *state;
    const struct peers_port port = {0};
    struct peers *peers = NULL;
    char path[1024];
    assert_ok(peers_open(world->folder, port_system(), &port, &peers, NULL));
    (void)snprintf(path, sizeof path, "%s/lock", world->folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(peers_lead(peers), STATUS_IO);
    peers_close(peers);
}

/* ---- Telling ---- */

static void what_one_does_the_others_hear_in_order(void **state)
{
    struct world *world = *state;
    struct peer *one = start(world, 0), *two = start(world, 1), *three = start(world, 2);
    peer_ask(one, "lead", "leading");
    peer_say(one, "note 1 5\nnote 2 6\ntell");
    for (unsigned i = 1; i < 3; i++) {
        peer_expect(&world->peer[i], "news 1 5");
        peer_expect(&world->peer[i], "news 2 6");
    }
    peer_say(two, "note 3 7\ntell");
    peer_expect(one, "news 3 7");
    peer_expect(three, "news 3 7");
    set_value(world, "written");
    peer_say(three, "tell");
    for (unsigned i = 0; i < 3; i++)
        peer_expect(&world->peer[i], "value written");
    /* Nobody heard news of its own, not even when those of others came first. */
    assert_int_equal(kill(one->pid, SIGSTOP), 0);
    peer_ask(two, "note 4 8\ntell\nothers", "others");
    peer_say(one, "note 5 9\ntell");
    assert_int_equal(kill(one->pid, SIGCONT), 0);
    peer_expect(one, "news 4 8");
    peer_ask(one, "others", "others");
    peer_expect(three, "news 4 8");
    peer_expect(three, "news 5 9");
    peer_ask(three, "others", "others");
}

static void those_who_work_offline_hear_of_each_other_without_a_leader(void **state)
{
    struct world *world = *state;
    struct peer *one = start(world, 0), *two = start(world, 1);
    peer_say(one, "note 1 5\ntell");
    peer_expect(two, "news 1 5");
}

static void without_a_watch_they_hear_all_the_same(void **state)
{
    struct world *world = *state;
    struct peer *one = start_blind(world, 0), *two = start_blind(world, 1);
    peer_ask(one, "lead", "leading");
    peer_ask(two, "lead", "following");
    peer_say(one, "note 1 5\ntell");
    peer_expect(two, "news 1 5");
    peer_end(one, SIGKILL);
    peer_expect(two, "leads");
    peer_expect(two, "lost");
}

static void one_that_was_stopped_reads_on_or_learns_that_it_lost_something(void **state)
{
    struct world *world = *state;
    char line[64];
    struct peer *one = start(world, 0), *two = start(world, 1);
    peer_ask(one, "lead", "leading");
    assert_int_equal(kill(two->pid, SIGSTOP), 0);
    peer_ask(one, "notes 2040 17\nothers", "others");
    assert_int_equal(kill(two->pid, SIGCONT), 0);
    for (unsigned i = 1; i <= 2040; i++) {
        (void)snprintf(line, sizeof line, "news %u 1", i);
        peer_expect(two, line);
    }
    assert_int_equal(kill(two->pid, SIGSTOP), 0);
    peer_ask(one, "notes 2041 17\nothers", "others");
    assert_int_equal(kill(two->pid, SIGCONT), 0);
    peer_expect(two, "lost");
    /* More at once than there is room for. */
    peer_say(one, "notes 2041 5000");
    peer_expect(two, "lost");
    peer_say(one, "note 9 9\ntell");
    peer_expect(two, "news 9 9");
    peer_ask(one, "others", "others");
}

static bool file_has(int file, unsigned number)
{
    static uint8_t bytes[1 << 17];
    uint8_t id[4];
    put_u32(id, number);
    ssize_t size = pread(file, bytes, sizeof bytes, 0);
    assert_true(size > 0);
    return memmem(bytes, (size_t)size, id, sizeof id) != NULL;
}

static void what_is_forgotten_is_gone_from_the_file(void **state)
{
    struct world *world = *state;
    struct peer *one = start(world, 0), *two = start(world, 1);
    int file = open_lock(world);
    peer_ask(one, "lead", "leading");
    peer_say(one, "note 305419896 5\ntell");
    peer_expect(two, "news 305419896 5");
    assert_true(file_has(file, 305419896));
    /* Also what was noted, and not told yet. */
    assert_int_equal(kill(two->pid, SIGSTOP), 0);
    peer_ask(one, "note 305419896 6\nforget\nothers", "others");
    assert_false(file_has(file, 305419896));
    peer_ask(one, "note 7 8\ntell\nothers", "others");
    assert_int_equal(kill(two->pid, SIGCONT), 0);
    peer_expect(two, "lost");
    peer_say(one, "note 305419896 9\ntell");
    peer_expect(two, "news 305419896 9");
    /* Once there is nobody to tell, nothing stays. */
    peer_end(two, SIGKILL);
    peer_ask(one, "tell\nothers", "alone");
    assert_false(file_has(file, 305419896));
    assert_int_equal(close(file), 0);
}

/* As a process that was stopped while it wrote. */
static void hold_up_writers(int file, bool hold)
{
    struct flock lock = {.l_type = hold ? F_WRLCK : F_UNLCK,
                         .l_whence = SEEK_SET,
                         .l_start = ((off_t)1 << 40) + 1,
                         .l_len = 1};
    assert_int_equal(fcntl(file, F_OFD_SETLK, &lock), 0);
}

static void what_is_forgotten_is_gone_although_a_writer_was_stopped(void **state)
{
    struct world *world = *state;
    struct peer *one = start(world, 0), *two = start(world, 1);
    int file = open_lock(world);
    peer_ask(one, "lead", "leading");
    peer_say(one, "note 305419896 5\ntell");
    peer_expect(two, "news 305419896 5");
    assert_int_equal(kill(two->pid, SIGSTOP), 0);
    peer_ask(one, "note 305419896 6\ntell\nothers", "others");
    hold_up_writers(file, true);
    peer_ask(one, "forget\nothers", "others");
    assert_false(file_has(file, 305419896));
    /* Nobody takes the empty place of a row for news that was heard. */
    assert_int_equal(kill(two->pid, SIGCONT), 0);
    peer_expect(two, "lost");
    hold_up_writers(file, false);
    peer_say(one, "tell");
    peer_expect(two, "lost");
    peer_say(one, "note 7 8\ntell");
    peer_expect(two, "news 7 8");
    assert_int_equal(close(file), 0);
}

/* It could have been overwritten by another leader meanwhile. */
static void what_could_not_be_told_is_not_told_after_leading(void **state)
{
    struct world *world = *state;
    struct peer *one = start(world, 0), *two = start(world, 1);
    int file = open_lock(world);
    peer_ask(one, "lead", "leading");
    peer_ask(two, "lead", "following");
    hold_up_writers(file, true);
    peer_ask(one, "note 305419896 5\ntell\nyield\nothers", "others");
    peer_expect(two, "leads");
    hold_up_writers(file, false);
    peer_expect(two, "lost");
    peer_say(one, "tell");
    peer_ask(one, "others", "others");
    assert_false(file_has(file, 305419896));
    assert_int_equal(close(file), 0);
}

static void what_a_killed_leader_told_is_gone_when_the_next_leads_or_comes(void **state)
{
    struct world *world = *state;
    struct peer *one = start(world, 0), *two = start(world, 1);
    int file = open_lock(world);
    peer_ask(one, "lead", "leading");
    peer_ask(two, "lead", "following");
    peer_say(one, "note 305419896 5\ntell");
    peer_expect(two, "news 305419896 5");
    peer_end(one, SIGKILL);
    peer_expect(two, "leads");
    peer_expect(two, "lost");
    assert_false(file_has(file, 305419896));
    one = start(world, 0);
    peer_say(two, "note 305419896 6\ntell");
    peer_expect(one, "news 305419896 6");
    peer_end(one, SIGKILL);
    peer_end(two, SIGKILL);
    assert_true(file_has(file, 305419896));
    (void)start(world, 2);
    assert_false(file_has(file, 305419896));
    assert_int_equal(close(file), 0);
}

/* ---- Alone ---- */

static void who_excludes_others_is_alone_until_it_admits_them(void **state)
{
    struct world *world = *state;
    const struct peers_port port = {0};
    struct peers *peers = NULL;
    assert_ok(peers_open(world->folder, port_system(), &port, &peers, NULL));
    struct peer *other = start(world, 0);
    assert_false(peers_exclude(peers));
    peer_ask(other, "others", "others");
    peer_end(other, SIGKILL);
    assert_true(peers_exclude(peers));
    peer_is_refused(world->folder);
    peers_admit(peers);
    other = start(world, 0);
    peer_ask(other, "others", "others");
    assert_true(peers_has_others(peers));
    /* It is still one of them itself. */
    struct peers *second = NULL;
    assert_int_equal(peers_open(world->folder, port_system(), &port, &second, NULL), STATUS_LOCKED);
    peers_close(peers);
    peer_ask(other, "others", "alone");
}

/* ---- What others may do ---- */

static uint64_t random_of(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void spoil(int file, uint64_t *seed)
{
    uint8_t bytes[96];
    bool header = random_of(seed) % 2 == 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(random_of(seed) % 3 == 0 ? 0xff : random_of(seed));
    size_t size = random_of(seed) % sizeof bytes;
    off_t at = (off_t)(header ? random_of(seed) % 64 : random_of(seed) % 70000);
    if (random_of(seed) % 8 == 0)
        assert_int_equal(ftruncate(file, at), 0);
    else
        assert_int_equal(pwrite(file, bytes, size, at), (ssize_t)size);
}

static void nonsense_in_the_file_harms_nobody(void **state)
{
    struct world *world = *state;
    char line[64], wanted[64];
    uint64_t seed = 88172645463325252u;
    struct peer *one = start(world, 0), *two = start(world, 1);
    int file = open_lock(world);
    print_message("seed %llu\n", (unsigned long long)seed);
    peer_ask(one, "lead", "leading");
    for (unsigned round = 0; round < 300; round++) {
        spoil(file, &seed);
        peer_say(one, "note 1 5\ntell");
        (void)snprintf(wanted, sizeof wanted, "%u", round);
        set_value(world, wanted);
        peer_say(one, "tell");
        (void)snprintf(wanted, sizeof wanted, "value %u", round);
        do {
            peer_next_line(two, line);
        } while (strcmp(line, wanted) != 0);
    }
    /* And it serves again as soon as it is left alone. */
    peer_say(one, "note 2 6\ntell");
    do {
        peer_next_line(two, line);
    } while (strcmp(line, "news 2 6") != 0 && strcmp(line, "lost") != 0);
    peer_say(one, "note 3 7\ntell");
    peer_expect(two, "news 3 7");
    assert_int_equal(close(file), 0);
}

static void the_file_is_for_its_owner_and_no_link_is_followed(void **state)
{
    struct world *world = *state;
    const struct peers_port port = {0};
    struct peers *peers = NULL;
    struct stat found;
    char path[1024], victim[1024];
    (void)snprintf(path, sizeof path, "%s/lock", world->folder);
    (void)snprintf(victim, sizeof victim, "%s/value", world->folder);
    set_value(world, "precious");
    assert_int_equal(symlink("value", path), 0);
    assert_int_equal(peers_open(world->folder, port_system(), &port, &peers, NULL), STATUS_DENIED);
    assert_int_equal(stat(victim, &found), 0);
    assert_int_equal(found.st_size, strlen("precious"));
    assert_int_equal(unlink(path), 0);
    assert_ok(peers_open(world->folder, port_system(), &port, &peers, NULL));
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    peers_close(peers);
}

static void a_folder_far_down_is_made_and_shared(void **state)
{
    struct world *world = *state;
    char *top = world->folder;
    char part[101], path[1024];
    memset(part, 'x', 100);
    part[100] = 0;
    (void)snprintf(path, sizeof path, "%s/%s/%s/%s", top, part, part, part);
    world->folder = path;
    struct peer *one = start(world, 0), *two = start(world, 1);
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    peer_say(one, "note 1 5\ntell");
    peer_expect(two, "news 1 5");
    peer_end(one, SIGKILL);
    peer_end(two, SIGKILL);
    folder_remove(strdup(path));
    for (unsigned i = 0; i < 2; i++) {
        *strrchr(path, '/') = 0;
        assert_int_equal(rmdir(path), 0);
    }
    world->folder = top;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_leads_and_when_it_goes_another_does),
        TEST(a_killed_leader_is_followed_by_exactly_one_and_all_read_again),
        TEST(a_leader_killed_while_it_tells_leaves_a_file_that_serves),
        TEST(nobody_shares_with_a_second_handle_of_the_process_or_an_older_library),
        TEST(a_deleted_folder_is_led_by_nobody),
        TEST(what_one_does_the_others_hear_in_order),
        TEST(those_who_work_offline_hear_of_each_other_without_a_leader),
        TEST(without_a_watch_they_hear_all_the_same),
        TEST(one_that_was_stopped_reads_on_or_learns_that_it_lost_something),
        TEST(what_is_forgotten_is_gone_from_the_file),
        TEST(what_is_forgotten_is_gone_although_a_writer_was_stopped),
        TEST(what_could_not_be_told_is_not_told_after_leading),
        TEST(what_a_killed_leader_told_is_gone_when_the_next_leads_or_comes),
        TEST(who_excludes_others_is_alone_until_it_admits_them),
        TEST(nonsense_in_the_file_harms_nobody),
        TEST(the_file_is_for_its_owner_and_no_link_is_followed),
        TEST(a_folder_far_down_is_made_and_shared),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

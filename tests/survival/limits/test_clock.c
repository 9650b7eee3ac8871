/* The server's clock is set forward and back by a day, and by a century, while it serves. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "protocol/wire.h"
#include "tests/survival/common/talk.h"

#define DAY INT64_C(86400) /* seconds */
#define CENTURY (36525 * DAY)
#define LONGEST_PAUSE_MS 600000u /* after a sign-in that failed: minutes, never a day */
#define MOST_GUESSES 100
#define IDLE_MS 400u

/* A server whose clock stands at noon of tomorrow, and follows `shift` from there. */
struct scene {
    struct stand stand;
    _Atomic int64_t *shift; /* seconds, seen by the server */
    char told[SCRATCH_PATH + 64];
    const char *wrapper[6];
    struct talk admin, staff, partner; /* connected all the time */
    struct talk_person administrator, member, outsider;
    struct id assignment;
    char until[16]; /* the day that the server believes to have today, at the beginning */
    unsigned records;
};

static int64_t real_seconds(void)
{
    return (int64_t)time(NULL);
}

static void share_clock(struct scene *scene)
{
    char path[SCRATCH_PATH + 32];
    int64_t shift = (real_seconds() / DAY + 1) * DAY + DAY / 2 - real_seconds();
    (void)snprintf(path, sizeof path, "%s/clock", scene->stand.folder);
    assert_true(scratch_write(path, &shift, sizeof shift));
    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    scene->shift = mmap(NULL, sizeof shift, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_ptr_not_equal(scene->shift, MAP_FAILED);
    (void)close(file);
    (void)snprintf(scene->told, sizeof scene->told, "TANDEM_TEST_CLOCK_FILE=%s", path);
    const char *const wrapper[] = {"env", "LD_PRELOAD=" CLOCK_SHIFT_LIBRARY,
                                   "ASAN_OPTIONS=verify_asan_link_order=0", scene->told};
    for (size_t i = 0; i < sizeof wrapper / sizeof *wrapper; i++) {
        scene->wrapper[i] = wrapper[i];
    }
    scene->stand.server.wrapper = scene->wrapper;
    time_t noon = (time_t)(real_seconds() + shift);
    struct tm day;
    assert_non_null(gmtime_r(&noon, &day));
    assert_true(strftime(scene->until, sizeof scene->until, "%Y-%m-%d", &day) > 0);
}

static void connect_all(struct scene *scene)
{
    assert_true(talk_open(&scene->admin, &scene->stand, &scene->administrator));
    assert_true(talk_open(&scene->staff, &scene->stand, &scene->member));
    assert_true(talk_open(&scene->partner, &scene->stand, &scene->outsider));
}

static void close_all(struct scene *scene)
{
    talk_close(&scene->admin);
    talk_close(&scene->staff);
    talk_close(&scene->partner);
}

static void open_scene(struct scene *scene)
{
    *scene = (struct scene){.records = 0};
    assert_true(stand_begin(&scene->stand) && stand_seed(&scene->stand, 1));
    share_clock(scene);
    assert_true(stand_start(&scene->stand, NULL));
    const struct seeded *seeded = scene->stand.seeded;
    const struct seed_user *member = &seeded->users[0], *outsider = &seeded->users[seeded->staff];
    scene->administrator =
        (struct talk_person){.name = seeded->admin, .token = seeded->admin_token};
    scene->member =
        (struct talk_person){.name = member->name, .token = member->token, .watches = true};
    scene->outsider =
        (struct talk_person){.name = outsider->name, .token = outsider->token, .watches = true};
    connect_all(scene);
}

static void close_scene(struct scene *scene)
{
    close_all(scene);
    assert_true(server_process_stop(&scene->stand.server));
    assert_true(server_process_check(&scene->stand.server));
    (void)munmap((void *)(uintptr_t)scene->shift, sizeof *scene->shift);
    assert_true(stand_end(&scene->stand));
}

static struct id new_id(struct scene *scene)
{
    const uint8_t random[10] = {9, 9, 9, 9, 9, 9, 9, 9, 9, (uint8_t)++scene->records};
    return id_make(1, random);
}

/* ---- What is done -------------------------------------------------------------------------- */

static struct id unassigned_account(const struct seeded *seeded, const struct seed_user *user)
{
    for (size_t i = 0; i < seeded->account_count; i++) {
        bool assigned = false;
        for (size_t j = 0; j < user->assigned_count; j++) {
            assigned |= id_equal(user->assigned[j], seeded->accounts[i]);
        }
        if (!assigned) {
            return seeded->accounts[i];
        }
    }
    fail_msg("the partner has all accounts");
    return (struct id){.octet = {0}};
}

static void put_field(struct buffer *out, const char *name, const char *text)
{
    wire_put_text(out, name);
    wire_put_text(out, text);
}

static bool has_entered(const struct talk *talk)
{
    return talk->entered > 0;
}

static bool has_left(const struct talk *talk)
{
    return talk->purged > 0;
}

static bool has_news(const struct talk *talk)
{
    return talk->records > 0;
}

/* Assigns an account to the partner until the end of today. */
static void assign(struct scene *scene)
{
    const struct seeded *seeded = scene->stand.seeded;
    const struct seed_user *user = &seeded->users[seeded->staff];
    struct buffer changes = {.data = NULL};
    scene->assignment = new_id(scene);
    wire_put_array(&changes, 1);
    wire_put_map(&changes, 4);
    put_field(&changes, "op", "create");
    put_field(&changes, "entity", "assignment");
    wire_put_text(&changes, "id");
    wire_put_id(&changes, scene->assignment);
    wire_put_text(&changes, "fields");
    wire_put_map(&changes, 4);
    wire_put_text(&changes, "party");
    wire_put_id(&changes, user->party);
    wire_put_text(&changes, "account");
    wire_put_id(&changes, unassigned_account(seeded, user));
    put_field(&changes, "level", "view");
    put_field(&changes, "until", scene->until);
    talk_listen(&scene->partner);
    assert_int_equal(talk_mutate(&scene->admin, buffer_bytes(&changes)), STATUS_OK);
    assert_true(talk_hears(&scene->partner, has_entered));
    buffer_release(&changes);
}

static void assert_assignment(struct scene *scene, const char *expected)
{
    char status[32];
    assert_true(
        talk_fetch(&scene->admin, scene->assignment, "status", status, sizeof status, NULL));
    assert_string_equal(status, expected);
}

/* A change in an account that the partner shares: taken, and told to the partner and to the staff.
 * Its stamp is not before that of the change before it. */
static void write_and_tell(struct scene *scene, uint64_t *seq, int64_t *modified_at)
{
    const struct seeded *seeded = scene->stand.seeded;
    struct buffer changes = {.data = NULL};
    struct id id = new_id(scene);
    char channel[32];
    int64_t at = 0;
    seed_create_interaction(&changes, id, seeded->users[seeded->staff].assigned[0], 100,
                            "partners");
    scene->partner.records = scene->staff.records = 0;
    assert_int_equal(talk_mutate(&scene->admin, buffer_bytes(&changes)), STATUS_OK);
    assert_true(talk_hears(&scene->partner, has_news));
    assert_true(talk_hears(&scene->staff, has_news));
    assert_true(scene->admin.seq > *seq);
    *seq = scene->admin.seq;
    assert_true(talk_fetch(&scene->admin, id, "channel", channel, sizeof channel, &at));
    assert_true(at >= *modified_at);
    *modified_at = at;
    buffer_release(&changes);
}

static uint64_t elapsed_ms(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The very clock that the server reads: time() can be some milliseconds behind it. */
static int64_t real_ms(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

/* Sets the clock; the server tells the new time, keeps its connections, and has nothing to do. */
static void set_clock(struct scene *scene, int64_t by)
{
    *scene->shift += by;
    int64_t shift_ms = *scene->shift * 1000, before = real_ms();
    assert_true(talk_ping(&scene->staff));
    assert_in_range(scene->staff.time, (uint64_t)(before + shift_ms),
                    (uint64_t)(real_ms() + shift_ms));

    uint64_t cpu = talk_cpu_ms(scene->stand.server.pid), since = elapsed_ms();
    (void)load_until(scene->partner.load, never, NULL, IDLE_MS);
    cpu = talk_cpu_ms(scene->stand.server.pid) - cpu;
    since = elapsed_ms() - since;
    print_message("set by %lld s: %llu ms of processor time in %llu ms\n", (long long)by,
                  (unsigned long long)cpu, (unsigned long long)since);
    assert_true(cpu * 4 < since);
    assert_true(talk_ping(&scene->admin) && talk_ping(&scene->partner));
}

/* ---- The tests ----------------------------------------------------------------------------- */

static void test_forth_and_back(void **state)
{
    struct scene scene;
    uint64_t seq = 0;
    int64_t modified_at = 0;
    (void)state;
    open_scene(&scene);
    assign(&scene);
    assert_assignment(&scene, "Active");
    write_and_tell(&scene, &seq, &modified_at);

    /* What was due is done with the first change at the latest, as a mutation of its own. */
    talk_listen(&scene.partner);
    set_clock(&scene, DAY);
    write_and_tell(&scene, &seq, &modified_at);
    assert_true(talk_hears(&scene.partner, has_left));
    assert_assignment(&scene, "Ended");

    /* Whatever the clock says then, it stays done. */
    talk_listen(&scene.partner);
    for (unsigned i = 0; i < 2; i++) {
        set_clock(&scene, -DAY);
        write_and_tell(&scene, &seq, &modified_at);
        assert_int_equal(scene.partner.entered, 0);
        assert_assignment(&scene, "Ended");
    }

    /* Also for a server that starts with that clock, and does not know of the other. */
    close_all(&scene);
    assert_true(server_process_stop(&scene.stand.server));
    assert_true(stand_start(&scene.stand, NULL));
    connect_all(&scene);
    modified_at = 0;
    write_and_tell(&scene, &seq, &modified_at);
    assert_assignment(&scene, "Ended");
    close_scene(&scene);
}

/* Guesses until the server will hear no more for now; how long "now" is. */
static uint64_t guess(const struct scene *scene, unsigned most)
{
    static const char wrong[] = "0000000000000000000000000000000000000000000000000000000000000000";
    const struct talk_person person = {.name = "nobody", .token = wrong, .source = "127.0.0.9"};
    struct talk talk;
    for (unsigned i = 0; i < most; i++) {
        assert_false(talk_open(&talk, &scene->stand, &person));
        enum status status = talk.status;
        uint64_t retry_after = talk.retry_after;
        talk_close(&talk);
        if (status == STATUS_TOO_MANY_ATTEMPTS) {
            return retry_after;
        }
        assert_int_equal(status, STATUS_SIGN_IN_FAILED);
    }
    fail_msg("nobody stops the guessing");
    return 0;
}

static void test_guessing(void **state)
{
    static const int64_t jumps[] = {DAY, -DAY, -DAY};
    struct scene scene;
    (void)state;
    open_scene(&scene);
    assert_in_range(guess(&scene, MOST_GUESSES), 1, LONGEST_PAUSE_MS);
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        set_clock(&scene, jumps[i]);
        assert_in_range(guess(&scene, MOST_GUESSES), 1, LONGEST_PAUSE_MS);
    }
    close_scene(&scene);
}

static void test_tokens(void **state)
{
    struct scene scene;
    struct talk talk;
    (void)state;
    open_scene(&scene);
    set_clock(&scene, DAY);
    assert_true(talk_open(&talk, &scene.stand, &scene.member));
    talk_close(&talk);
    set_clock(&scene, CENTURY);
    assert_false(talk_open(&talk, &scene.stand, &scene.member));
    assert_int_equal(talk.status, STATUS_SIGN_IN_FAILED);
    talk_close(&talk);
    set_clock(&scene, -CENTURY);
    assert_true(talk_open(&talk, &scene.stand, &scene.member));
    talk_close(&talk);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forth_and_back),
                                       cmocka_unit_test(test_guessing),
                                       cmocka_unit_test(test_tokens)};
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}

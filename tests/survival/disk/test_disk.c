/* A disk that is nearly full, and one that is full all of a sudden: what was acknowledged stays, no
 * answer is wrong, reading goes on, and changes are taken again when there is room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "protocol/status.h"
#include "tests/support/child.h"
#include "tests/survival/disk/small_disk.h"
#include "tests/survival/kill/crew.h"

#define MIB (UINT64_C(1) << 20)
#define DISK_MIB 512
#define SEED 20 /* of the writers' choices */

struct scene {
    struct stand stand;
    struct ledger ledger;
    struct crew crew;
    bool mounted;
};

/* With a small disk, or one that is said to be full. */
static void open_scene(struct scene *scene, bool small, const char *const *wrapper,
                       const char *const *flags)
{
    *scene = (struct scene){.ledger = {.random = SEED}};
    assert_true(stand_begin(&scene->stand));
    enum small_disk_made made =
        small ? small_disk_make(scene->stand.data, DISK_MIB) : SMALL_DISK_MADE;
    if (made == SMALL_DISK_NOT_PERMITTED) {
        scratch_remove(scene->stand.folder);
        (void)fprintf(stderr, "SKIPPED: nothing was tested\n");
        skip();
    }
    assert_int_equal(made, SMALL_DISK_MADE);
    scene->mounted = small;
    scene->stand.server.wrapper = wrapper;
    assert_true(stand_seed(&scene->stand, SEED) && stand_start(&scene->stand, flags));
    assert_true(crew_init(&scene->crew, &scene->stand, &scene->ledger));
}

static void close_scene(struct scene *scene)
{
    crew_release(&scene->crew);
    assert_true(server_process_stop(&scene->stand.server));
    assert_true(server_process_check(&scene->stand.server));
    assert_int_equal(scene->ledger.findings, 0);
    ledger_release(&scene->ledger);
    if (scene->mounted) {
        small_disk_remove(scene->stand.data);
    }
    assert_true(stand_end(&scene->stand));
}

/* What a new replica shows before anything is sent again. */
static void look_back(struct scene *scene)
{
    struct sight sight = {.of = {NULL}};
    uint64_t seq;
    assert_true(crew_look(&scene->crew, &scene->stand.seeded->users[0], &sight, &seq));
    ledger_survived(&scene->ledger, &sight, seq);
    sight_release(&sight);
    assert_int_equal(scene->ledger.findings, 0);
}

static void recover(struct scene *scene)
{
    assert_true(crew_settle(&scene->crew));
    crew_compare(&scene->crew);
    assert_int_equal(scene->ledger.findings, 0);
    assert_int_equal(stand_health(&scene->stand), 200);
}

static void test_nearly_full(void **state)
{
    static const char *const flags[] = {"--reserve", "16", NULL};
    struct scene scene;
    (void)state;
    open_scene(&scene, true, NULL, flags);
    scene.crew.text_bytes = 2000;
    assert_int_equal(stand_health(&scene.stand), 200);
    assert_true(small_disk_fill(scene.stand.data, 20 * MIB));

    assert_int_equal(crew_write_until_read_only(&scene.crew, NULL, NULL), CREW_READ_ONLY);
    assert_true(scene.ledger.acknowledged > 0);
    assert_true(small_disk_free(scene.stand.data) < 16 * MIB);
    assert_true(small_disk_free(scene.stand.data) > 8 * MIB);
    assert_int_equal(stand_health(&scene.stand), 503);
    look_back(&scene);

    assert_true(small_disk_clear(scene.stand.data));
    recover(&scene);
    close_scene(&scene);
}

struct filling {
    struct scene *scene;
    size_t after;       /* acknowledgements */
    const char *letter; /* how the disk says so, see full_disk.c; NULL: it is full */
    bool done;
};

static void full_path(const struct scene *scene, char out[SCRATCH_PATH + 32])
{
    (void)snprintf(out, SCRATCH_PATH + 32, "%s/full", scene->stand.folder);
}

static void fill_at_once(void *context)
{
    struct filling *filling = context;
    if (filling->done || filling->scene->ledger.acknowledged < filling->after) {
        return;
    }
    filling->done = true;
    if (filling->letter != NULL) {
        char path[SCRATCH_PATH + 32];
        full_path(filling->scene, path);
        assert_true(scratch_write(path, filling->letter, 1));
    } else { /* the next writes may use up what is left while they are under way */
        assert_true(small_disk_fill(filling->scene->stand.data, MIB + 64 * 1024));
    }
}

static enum crew_end write_until_full(struct scene *scene, const char *letter)
{
    struct filling filling = {.scene = scene,
                              .after = scene->ledger.acknowledged + 1 +
                                       ledger_random(&scene->ledger, 50),
                              .letter = letter};
    enum crew_end end = crew_write_until_read_only(&scene->crew, fill_at_once, &filling);
    assert_true(filling.done);
    return end;
}

/* The server ended by itself: with words, and with a store that is as it should be. */
static void ended_well(struct scene *scene)
{
    struct server_process *server = &scene->stand.server;
    assert_int_equal(child_wait(server->pid), 1);
    server->pid = 0;
    assert_true(stand_logged(&scene->stand, "the store failed") > 0);
}

static const char *const least_reserve[] = {"--reserve", "1", NULL};

static void test_full_at_once(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, true, NULL, least_reserve);
    scene.crew.text_bytes = 60000;
    for (unsigned i = 0; i < 2; i++) {
        enum crew_end end = write_until_full(&scene, NULL);
        assert_true(end == CREW_READ_ONLY || end == CREW_LEFT);
        if (end == CREW_LEFT) {
            ended_well(&scene);
        }
        server_process_kill(&scene.stand.server);
        assert_true(crew_read_out(&scene.crew));
        /* Not a byte is needed to check it, or to serve those who only read. */
        assert_true(small_disk_fill(scene.stand.data, 0));
        assert_true(server_process_check(&scene.stand.server));
        assert_true(stand_start(&scene.stand, least_reserve));
        look_back(&scene);
        assert_true(small_disk_clear(scene.stand.data));
        recover(&scene);
    }
    close_scene(&scene);
}

/* Needs no disk of its own. What the store looks like when a write failed half way is decided by
 * what can be read back. */
static void test_write_fails(void **state)
{
    static const char *const letters[] = {"w", "s", "f"};
    struct scene scene = {.mounted = false};
    char path[SCRATCH_PATH + 32], told[SCRATCH_PATH + 64];
    const char *const wrapper[] = {"env", "LD_PRELOAD=" FULL_DISK_LIBRARY,
                                   "ASAN_OPTIONS=verify_asan_link_order=0", told, NULL};
    (void)state;
    told[0] = '\0';
    open_scene(&scene, false, NULL, NULL);
    full_path(&scene, path);
    (void)snprintf(told, sizeof told, "TANDEM_TEST_FULL_DISK=%s", path);
    scene.stand.server.wrapper = wrapper;
    for (unsigned i = 0; i < sizeof letters / sizeof *letters; i++) {
        server_process_kill(&scene.stand.server);
        assert_true(crew_read_out(&scene.crew));
        assert_true(stand_start(&scene.stand, NULL));
        assert_int_equal(write_until_full(&scene, letters[i]), CREW_LEFT);
        ended_well(&scene);
        assert_int_equal(unlink(path), 0);
        assert_true(server_process_check(&scene.stand.server));
        assert_true(stand_start(&scene.stand, NULL));
        look_back(&scene);
        recover(&scene);
    }
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nearly_full),
                                       cmocka_unit_test(test_full_at_once),
                                       cmocka_unit_test(test_write_fails)};
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}

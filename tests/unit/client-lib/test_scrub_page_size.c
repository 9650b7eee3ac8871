/* Files whose pages are larger than the system's, as other machines write them: LMDB takes the size
 * that the system tells as it makes a file. */
#include "scrub_world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dlfcn.h>

static long told; /* 0: the truth */

typedef long tell_fn(int name);

/* In the place of the C library's. */
long sysconf(int name)
{
    static tell_fn *tell;
    if (told != 0 && name == _SC_PAGESIZE)
        return told;
    if (tell == NULL) {
        void *found = dlsym(RTLD_NEXT, "sysconf");
        memcpy(&tell, &found, sizeof tell);
    }
    return tell(name);
}

static struct scrub scrub(struct world *world, bool whole)
{
    struct scrub scrub = {.whole = whole};
    bool done = false;
    assert_ok(environment_scrub(&world->environment, &scrub, SIZE_MAX, &done));
    assert_true(done);
    return scrub;
}

static void it_is_scrubbed(struct world *world, long size)
{
    MDB_stat stat;
    environment_close(&world->environment);
    folder_remove(world->folder);
    world->folder = folder_new();
    told = size;
    assert_ok(environment_open(world->folder, &world_layout, &world->environment));
    told = 0;
    environment_close(&world->environment);
    assert_ok(environment_open(world->folder, &world_layout, &world->environment));
    assert_int_equal(mdb_env_stat(world->environment.env, &stat), 0);
    assert_int_equal(stat.ms_psize, size);
    world_add(world, 1000);
    for (unsigned round = 0; round < 4; round++) {
        world_transactions(world, 5);
        world_remove_scope(world, round);
        assert_int_equal(scrub(world, false).partial, round > 0);
        assert_int_equal(scrub(world, true).cleared, 0);
        world_expect_clean(world);
        world_expect_model(world);
    }
}

static void pages_of_8_kib(void **state)
{
    it_is_scrubbed(*state, 8192);
}

static void pages_of_16_kib(void **state)
{
    it_is_scrubbed(*state, 16384);
}

/* LMDB has no larger ones. */
static void pages_of_32_kib(void **state)
{
    it_is_scrubbed(*state, 32768);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_of_8_kib),
        TEST(pages_of_16_kib),
        TEST(pages_of_32_kib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

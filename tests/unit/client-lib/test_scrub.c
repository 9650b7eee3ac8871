/* A scrub: nothing of what was deleted is in the file, nothing of what was not is lost. */
#include "scrub_world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static void scrub(struct world *world, size_t budget)
{
    struct scrub scrub = {0};
    bool done = false;
    for (unsigned turns = 0; !done; turns++) {
        assert_true(turns < 100000);
        assert_ok(environment_scrub(&world->environment, &scrub, budget, &done));
    }
}

/* ---- Tests ---- */

static void nothing_deleted_is_left_and_nothing_else_is_lost(void **state)
{
    struct world *world = *state;
    world_transactions(world, 90);
    for (unsigned round = 0; round < 4; round++) {
        world_transactions(world, 15);
        world_remove_scope(world, world_pick(world, WORLD_SCOPES));
        assert_true(traces_find(&world->gone, world->folder, false) > 0);
        scrub(world, round % 2 == 0 ? 20 * PAGE : SIZE_MAX);
        world_expect_clean(world);
        world_expect_model(world);
    }
}

/* Buffers that LMDB reuses could bring back what was deleted before the scrub. */
static void what_is_written_later_brings_nothing_back(void **state)
{
    struct world *world = *state;
    struct traces later;
    world_transactions(world, 90);
    world_remove_scope(world, 1);
    world_remove_scope(world, 2);
    scrub(world, SIZE_MAX);
    world_expect_clean(world);
    struct traces before = world->gone;
    traces_init(&later);
    world->gone = later;
    world_transactions(world, 200);
    assert_int_equal(traces_find(&before, world->folder, true), 0);
    world_expect_model(world);
    assert_true(traces_find(&world->gone, world->folder, false) > 0);
    scrub(world, SIZE_MAX);
    world_expect_clean(world);
    traces_release(&before);
}

static void an_emptied_environment_is_clean(void **state)
{
    struct world *world = *state;
    world_transactions(world, 60);
    for (unsigned i = 0; i < WORLD_SCOPES; i++)
        world_remove_scope(world, i);
    scrub(world, SIZE_MAX);
    world_expect_clean(world);
    world_expect_model(world);
}

/* Without free pages twenty transactions take from sixty to ninety. */
#define IN_A_ROW 16u

static void free_pages_are_used_again(void **state)
{
    struct world *world = *state;
    world_transactions(world, 90);
    for (unsigned i = 0; i < WORLD_SCOPES / 2; i++)
        world_remove_scope(world, i);
    scrub(world, SIZE_MAX);
    uint64_t before = world_last_page(world);
    world_transactions(world, 20);
    /* A long value needs several in a row, which are not always free. */
    assert_in_range(world_last_page(world), before, before + IN_A_ROW);
    world_expect_model(world);
}

static void a_commit_between_two_slices_starts_it_over(void **state)
{
    struct world *world = *state;
    struct scrub progress = {0};
    bool done = false;
    world_transactions(world, 60);
    world_remove_scope(world, 1);
    assert_ok(environment_scrub(&world->environment, &progress, 40 * PAGE, &done));
    assert_false(done);
    assert_true(progress.page > 2);
    world_transactions(world, 5);
    for (unsigned turns = 0; !done; turns++) {
        assert_true(turns < 10000);
        assert_ok(environment_scrub(&world->environment, &progress, 40 * PAGE, &done));
    }
    world_expect_clean(world);
    world_expect_model(world);
}

static void a_second_scrub_has_nothing_to_do(void **state)
{
    struct world *world = *state;
    struct scrub progress = {0};
    bool done = false;
    world_transactions(world, 60);
    world_remove_scope(world, 1);
    scrub(world, SIZE_MAX);
    assert_ok(environment_scrub(&world->environment, &progress, SIZE_MAX, &done));
    assert_true(done);
    assert_int_equal(progress.cleared, 0);
}

/* Another process that reads until it is told to end, by the end of its input. */
struct other {
    pid_t process;
    int tell, hear;
};

static void read_until_told(const char *folder, int told, int ready)
{
    struct environment environment;
    struct environment_reading reading;
    char byte = 'r';
    if (environment_open(folder, &world_layout, &environment) != STATUS_OK ||
        environment_read(&environment, &reading) != STATUS_OK || write(ready, &byte, 1) != 1)
        _exit(1);
    if (read(told, &byte, 1) != 0)
        _exit(1);
    environment_read_end(&environment, &reading);
    environment_close(&environment);
    _exit(0);
}

/* Its own environment is closed meanwhile: a process may not take one over from its parent. */
static void start_reader(struct world *world, struct other *other)
{
    int tell[2], hear[2];
    char byte;
    assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
    assert_int_equal(pipe2(hear, O_CLOEXEC), 0);
    environment_close(&world->environment);
    other->process = fork();
    assert_true(other->process >= 0);
    if (other->process == 0) {
        close(tell[1]);
        close(hear[0]);
        read_until_told(world->folder, tell[0], hear[1]);
    }
    close(tell[0]);
    close(hear[1]);
    other->tell = tell[1];
    other->hear = hear[0];
    assert_int_equal(read(other->hear, &byte, 1), 1);
    assert_ok(environment_open(world->folder, &world_layout, &world->environment));
}

static void end_reader(struct other *other, bool killed)
{
    int status;
    if (killed)
        assert_int_equal(kill(other->process, SIGKILL), 0);
    close(other->tell);
    assert_int_equal(waitpid(other->process, &status, 0), other->process);
    if (!killed)
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(other->hear);
}

static void a_reader_elsewhere_keeps_it_waiting(struct world *world, bool killed)
{
    struct environment_reading reading;
    struct scrub progress = {0};
    struct other other;
    bool done = true;
    world_transactions(world, 60);
    start_reader(world, &other);
    world_remove_scope(world, 1);
    assert_ok(environment_read(&world->environment, &reading));
    environment_read_end(&world->environment, &reading);
    assert_int_equal(environment_scrub(&world->environment, &progress, SIZE_MAX, &done),
                     STATUS_BUSY);
    assert_false(done);
    assert_ptr_equal(world->environment.reader, reading.txn); /* it was not opened anew for that */
    end_reader(&other, killed);
    assert_ok(environment_scrub(&world->environment, &progress, SIZE_MAX, &done));
    assert_true(done);
    world_expect_clean(world);
    world_expect_model(world);
}

static void it_waits_for_a_reader_of_another_process(void **state)
{
    a_reader_elsewhere_keeps_it_waiting(*state, false);
}

static void it_does_not_wait_for_one_that_died(void **state)
{
    a_reader_elsewhere_keeps_it_waiting(*state, true);
}

static void it_does_not_begin_inside_a_read(void **state)
{
    struct world *world = *state;
    struct environment_reading reading;
    struct scrub progress = {0};
    bool done = true;
    world_transactions(world, 20);
    assert_ok(environment_read(&world->environment, &reading));
    assert_int_equal(environment_scrub(&world->environment, &progress, SIZE_MAX, &done),
                     STATUS_BUSY);
    assert_false(done);
    environment_read_end(&world->environment, &reading);
    scrub(world, SIZE_MAX);
}

/* ---- Damaged files ---- */

struct image {
    uint8_t *bytes;
    size_t size;
};

static void load(struct world *world, struct image *image)
{
    char path[512];
    snprintf(path, sizeof path, "%s/data.mdb", world->folder);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    image->size = (size_t)ftell(file);
    rewind(file);
    image->bytes = malloc(image->size);
    assert_non_null(image->bytes);
    assert_int_equal(fread(image->bytes, 1, image->size, file), image->size);
    fclose(file);
}

static unsigned u16_at(const struct image *image, size_t at)
{
    return image->bytes[at] | (unsigned)image->bytes[at + 1] << 8;
}

/* A page of a table of ours, of this kind: those of LMDB's own tables have short keys. `*end` is
 * set to where the next search goes on. */
static size_t find_page(const struct image *image, unsigned kind, size_t *from)
{
    for (size_t at = *from; at + PAGE <= image->size; at += PAGE) {
        unsigned lower = u16_at(image, at + 12);
        if (u16_at(image, at + 10) != kind || lower < 18 || lower > PAGE)
            continue;
        unsigned node = u16_at(image, at + 16 + (kind == 1 && lower > 18 ? 2 : 0));
        if (node < 18 || node + 8 > PAGE || u16_at(image, at + node + 6) < 16)
            continue;
        *from = at + PAGE;
        return at;
    }
    return 0;
}

/* Scrubs a copy of the image. */
static enum status scrub_image(const struct image *image)
{
    char path[512];
    struct environment environment;
    struct scrub progress = {0};
    bool done;
    char *folder = folder_new();
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(image->bytes, 1, image->size, file), image->size);
    fclose(file);
    assert_ok(environment_open(folder, &world_layout, &environment));
    enum status status = environment_scrub(&environment, &progress, SIZE_MAX, &done);
    assert_int_equal(done, status == STATUS_OK);
    environment_close(&environment);
    folder_remove(folder);
    return status;
}

static void prepare_image(struct world *world, struct image *image)
{
    world_transactions(world, 90);
    world_remove_scope(world, 1);
    scrub(world, SIZE_MAX); /* leaves no page of old times to be found */
    load(world, image);
    assert_ok(scrub_image(image));
}

static void expect_refused(struct image *image, size_t at, uint8_t value)
{
    uint8_t was = image->bytes[at];
    assert_int_not_equal(was, value);
    image->bytes[at] = value;
    assert_int_equal(scrub_image(image), STATUS_CORRUPT);
    image->bytes[at] = was;
}

static void a_page_that_is_not_what_it_should_be_is_refused(void **state)
{
    struct world *world = *state;
    struct image image;
    size_t from = 2 * PAGE;
    prepare_image(world, &image);
    size_t leaf = find_page(&image, 2, &from);
    from = 2 * PAGE;
    size_t branch = find_page(&image, 1, &from);
    assert_true(leaf != 0 && branch != 0);
    expect_refused(&image, leaf, (uint8_t)(image.bytes[leaf] + 1)); /* number */
    expect_refused(&image, leaf + 10, 3);                           /* kind */
    expect_refused(&image, leaf + 13, 0x7f);                        /* lower */
    expect_refused(&image, leaf + 15, 0x7f);                        /* upper */
    expect_refused(&image, leaf + 17, 0x7f);                        /* a node's place */
    size_t node = leaf + u16_at(&image, leaf + 16);
    expect_refused(&image, node + 7, 0x7f); /* size of its key */
    expect_refused(&image, node + 2, 0x7f); /* size of its data */
    node = branch + u16_at(&image, branch + 18);
    expect_refused(&image, node + 3, 0x7f); /* page below */
    memset(image.bytes + node + 8, 0xff, 1);
    assert_int_equal(scrub_image(&image), STATUS_CORRUPT); /* a key above what is below it */
    free(image.bytes);
}

/* An overflow page of one page. */
static void put_page_header(struct image *image, uint64_t number)
{
    uint8_t *at = image->bytes + number * PAGE;
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> (8 * i));
    at[10] = 4;
    at[12] = 1;
}

/* A page that is neither free nor in a tree could keep anything. */
static void a_page_that_is_nowhere_is_refused(void **state)
{
    struct world *world = *state;
    struct image image;
    MDB_envinfo info;
    prepare_image(world, &image);
    assert_int_equal(mdb_env_info(world->environment.env, &info), 0);
    /* The newer of the two pages that tell where everything is: the last page's number. */
    size_t at = (info.me_last_txnid & 1) * PAGE + 16 + 24 + 2 * 48;
    assert_int_equal(get_u64((uint8_t[]){0, 0, 0, 0, 0, 0, image.bytes[at + 1], image.bytes[at]}),
                     info.me_last_pgno & 0xffff);
    image.size = (info.me_last_pgno + 2) * PAGE;
    image.bytes = realloc(image.bytes, image.size);
    assert_non_null(image.bytes);
    memset(image.bytes + image.size - PAGE, 0, PAGE);
    put_page_header(&image, info.me_last_pgno + 1);
    image.bytes[at]++;
    assert_int_equal(scrub_image(&image), STATUS_CORRUPT);
    free(image.bytes);
}

/* Whatever is in the pages of our tables, it ends; the sanitizers see what it reads. */
static void damage_of_any_kind_is_survived(void **state)
{
    struct world *world = *state;
    struct image image;
    uint8_t was[PAGE];
    unsigned refused = 0;
    prepare_image(world, &image);
    for (unsigned round = 0; round < 150; round++) {
        size_t from = (2 + world_pick(world, (unsigned)(image.size / PAGE) - 2)) * PAGE;
        size_t at = find_page(&image, 1 + world_pick(world, 2), &from);
        if (at == 0)
            continue;
        memcpy(was, image.bytes + at, PAGE);
        for (unsigned n = 1 + world_pick(world, 4); n > 0; n--)
            image.bytes[at + world_pick(world, world_pick(world, 2) == 0 ? 64 : PAGE)] =
                (uint8_t)world_pick(world, 256);
        enum status status = scrub_image(&image);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
        refused += status == STATUS_CORRUPT;
        memcpy(image.bytes + at, was, PAGE);
    }
    assert_true(refused > 0);
    free(image.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_deleted_is_left_and_nothing_else_is_lost),
        TEST(what_is_written_later_brings_nothing_back),
        TEST(an_emptied_environment_is_clean),
        TEST(free_pages_are_used_again),
        TEST(a_commit_between_two_slices_starts_it_over),
        TEST(a_second_scrub_has_nothing_to_do),
        TEST(it_waits_for_a_reader_of_another_process),
        TEST(it_does_not_wait_for_one_that_died),
        TEST(it_does_not_begin_inside_a_read),
        TEST(a_page_that_is_not_what_it_should_be_is_refused),
        TEST(a_page_that_is_nowhere_is_refused),
        TEST(damage_of_any_kind_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

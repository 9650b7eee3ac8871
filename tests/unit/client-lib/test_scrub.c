/* A scrub: nothing of what was deleted is in the file, nothing of what was not is lost.
 *
 * Tables like a replica's are filled, changed and emptied at random beside a model in memory. Every
 * name, id and value carries strings of its own, 8 bytes each; those that no record has any more
 * must not be anywhere in the folder. */
#include "support.h"
#include "traces.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client-lib/environment.h"

#define RECORDS 4000
#define SCOPES 12
#define VALUE_MOST 12400
#define KEY_MOST 128
#define PAGE 4096

enum table { RECORDS_TABLE, NAMES_TABLE, TIMES_TABLE, TABLES };

static const char *const names[TABLES] = {"records", "names", "times"};
static const struct environment_layout layout = {
    .file = "data.mdb", .tables = names, .table_count = TABLES, .map_bytes = (size_t)1 << 30};

struct row {
    bool alive;
    uint8_t id[16]; /* 6 bytes that many share, 2 in order, 8 of its own */
    uint8_t name[48];
    size_t name_size;
    unsigned scope;
    uint64_t time;
    uint8_t trace[TRACE_SIZE]; /* of which the value is made */
    size_t value_size;
};

struct world {
    char *folder;
    struct environment environment;
    uint64_t seed;
    struct row row[RECORDS];
    size_t row_count;
    uint8_t scope[SCOPES][16];
    struct traces gone;
};

/* ---- Chance ---- */

static uint64_t chance(struct world *world)
{
    world->seed ^= world->seed << 13;
    world->seed ^= world->seed >> 7;
    world->seed ^= world->seed << 17;
    return world->seed * UINT64_C(2685821657736338717);
}

static unsigned pick(struct world *world, unsigned below)
{
    return (unsigned)(chance(world) >> 33) % below;
}

static void pick_bytes(struct world *world, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(1 + pick(world, 255));
}

static void pick_letters(struct world *world, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)('a' + pick(world, 26));
}

static uint64_t first_seed(void)
{
    const char *given = getenv("TANDEM_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("seed %llu (TANDEM_SEED=%llu repeats it)\n", (unsigned long long)seed,
                  (unsigned long long)seed);
    return seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* Sizes of values: mostly small, some around what fits into a page or into one, two, three overflow
 * pages. */
static size_t pick_size(struct world *world)
{
    static const size_t edges[] = {2000, 2032, 2048, 4064, 4080, 8176, 12272};
    unsigned kind = pick(world, 10);
    if (kind == 0)
        return edges[pick(world, 7)] - 8 + pick(world, 16);
    if (kind == 1)
        return 1000 + pick(world, VALUE_MOST - 1000);
    return 1 + pick(world, 600);
}

/* ---- Rows ---- */

static size_t record_key(const struct row *row, uint8_t out[KEY_MOST])
{
    memcpy(out, row->id, 16);
    return 16;
}

static size_t name_key(const struct row *row, uint8_t out[KEY_MOST])
{
    memcpy(out, "contact", 8);
    memcpy(out + 8, row->name, row->name_size);
    memcpy(out + 8 + row->name_size, row->id, 16);
    return 8 + row->name_size + 16;
}

static size_t time_key(const struct world *world, const struct row *row, uint8_t out[KEY_MOST])
{
    memcpy(out, world->scope[row->scope], 16);
    put_u64(out + 16, row->time);
    memcpy(out + 24, row->id, 16);
    return 40;
}

static struct bytes value_of(const struct row *row)
{
    static uint8_t value[VALUE_MOST + 16];
    for (size_t i = 0; i < row->value_size; i++)
        value[i] = row->trace[i % TRACE_SIZE];
    return bytes_of(value, row->value_size);
}

static void put_value(struct world *world, MDB_txn *txn, struct row *row)
{
    uint8_t key[KEY_MOST];
    size_t size = record_key(row, key);
    pick_letters(world, row->trace, TRACE_SIZE);
    row->value_size = pick_size(world);
    assert_ok(environment_put(txn, world->environment.table[RECORDS_TABLE], bytes_of(key, size),
                              value_of(row), 0));
}

static void put_indexes(struct world *world, MDB_txn *txn, struct row *row)
{
    uint8_t key[KEY_MOST];
    row->name_size = TRACE_SIZE + pick(world, 32);
    pick_letters(world, row->name, row->name_size);
    row->scope = pick(world, SCOPES);
    row->time = pick(world, 1000);
    size_t size = name_key(row, key);
    assert_ok(environment_put(txn, world->environment.table[NAMES_TABLE], bytes_of(key, size),
                              bytes_of("", 0), 0));
    size = time_key(world, row, key);
    assert_ok(environment_put(txn, world->environment.table[TIMES_TABLE], bytes_of(key, size),
                              bytes_of("", 0), 0));
}

static void drop_indexes(struct world *world, MDB_txn *txn, const struct row *row)
{
    uint8_t key[KEY_MOST];
    size_t size = name_key(row, key);
    assert_ok(environment_del(txn, world->environment.table[NAMES_TABLE], bytes_of(key, size)));
    size = time_key(world, row, key);
    assert_ok(environment_del(txn, world->environment.table[TIMES_TABLE], bytes_of(key, size)));
    traces_add(&world->gone, row->name);
}

static void add_row(struct world *world, MDB_txn *txn)
{
    struct row *row = &world->row[world->row_count];
    if (world->row_count == RECORDS)
        return;
    memset(row, 0, sizeof *row);
    memcpy(row->id, "\1\2\3\4\5\6", 6);
    /* Mostly in order, as ids made one after the other are. */
    put_u16(row->id + 6, (uint16_t)(world->row_count * 8 + pick(world, 64)));
    pick_bytes(world, row->id + 8, 8);
    put_value(world, txn, row);
    put_indexes(world, txn, row);
    row->alive = true;
    world->row_count++;
}

static void remove_row(struct world *world, MDB_txn *txn, struct row *row)
{
    uint8_t key[KEY_MOST];
    size_t size = record_key(row, key);
    drop_indexes(world, txn, row);
    assert_ok(environment_del(txn, world->environment.table[RECORDS_TABLE], bytes_of(key, size)));
    traces_add(&world->gone, row->id + 8);
    if (row->value_size >= TRACE_SIZE)
        traces_add(&world->gone, row->trace);
    row->alive = false;
}

static void change_row(struct world *world, MDB_txn *txn)
{
    struct row *row =
        world->row_count > 0 ? &world->row[pick(world, (unsigned)world->row_count)] : NULL;
    if (row == NULL || !row->alive)
        return;
    switch (pick(world, 4)) {
    case 0:
        remove_row(world, txn, row);
        break;
    case 1:
        drop_indexes(world, txn, row);
        put_indexes(world, txn, row);
        break;
    default:
        if (row->value_size >= TRACE_SIZE)
            traces_add(&world->gone, row->trace);
        put_value(world, txn, row);
    }
}

static void transactions(struct world *world, unsigned count)
{
    /* No power is lost here. */
    assert_int_equal(mdb_env_set_flags(world->environment.env, MDB_NOSYNC, 1), 0);
    for (unsigned i = 0; i < count; i++) {
        MDB_txn *txn;
        assert_ok(environment_write(&world->environment, &txn));
        for (unsigned n = 1 + pick(world, 32); n > 0; n--) {
            if (pick(world, 5) < 3)
                add_row(world, txn);
            else
                change_row(world, txn);
        }
        assert_ok(environment_commit(txn));
    }
}

static void remove_scope(struct world *world, unsigned scope)
{
    MDB_txn *txn;
    assert_ok(environment_write(&world->environment, &txn));
    for (size_t i = 0; i < world->row_count; i++)
        if (world->row[i].alive && world->row[i].scope == scope)
            remove_row(world, txn, &world->row[i]);
    assert_ok(environment_commit(txn));
    traces_add(&world->gone, world->scope[scope]);
    pick_bytes(world, world->scope[scope], 16); /* another one from now on */
}

/* ---- What must hold ---- */

static void expect_row(struct world *world, MDB_txn *txn, const struct row *row)
{
    uint8_t key[KEY_MOST];
    struct bytes value;
    size_t size = record_key(row, key);
    enum status status =
        environment_get(txn, world->environment.table[RECORDS_TABLE], bytes_of(key, size), &value);
    assert_int_equal(status, row->alive ? STATUS_OK : STATUS_NOT_FOUND);
    if (row->alive)
        assert_true(bytes_equal(value, value_of(row)));
    size = name_key(row, key);
    status =
        environment_get(txn, world->environment.table[NAMES_TABLE], bytes_of(key, size), &value);
    assert_int_equal(status, row->alive ? STATUS_OK : STATUS_NOT_FOUND);
    size = time_key(world, row, key);
    status =
        environment_get(txn, world->environment.table[TIMES_TABLE], bytes_of(key, size), &value);
    assert_int_equal(status, row->alive ? STATUS_OK : STATUS_NOT_FOUND);
}

/* Every key in its order, and as many as there are rows. */
static void expect_order(struct world *world, MDB_txn *txn, enum table table, size_t count)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    struct bytes last = {0};
    size_t met = 0;
    assert_int_equal(mdb_cursor_open(txn, world->environment.table[table], &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        assert_true(met == 0 || bytes_compare(last, bytes_of(key.mv_data, key.mv_size)) < 0);
        last = bytes_of(key.mv_data, key.mv_size);
        met++;
    }
    mdb_cursor_close(cursor);
    assert_int_equal(met, count);
}

static void expect_model(struct world *world)
{
    struct environment_reading reading;
    size_t alive = 0;
    assert_ok(environment_read(&world->environment, &reading));
    for (size_t i = 0; i < world->row_count; i++) {
        expect_row(world, reading.txn, &world->row[i]);
        alive += world->row[i].alive;
    }
    for (enum table table = 0; table < TABLES; table++)
        expect_order(world, reading.txn, table, alive);
    environment_read_end(&world->environment, &reading);
}

static void scrub(struct world *world, size_t budget)
{
    struct scrub scrub = {0};
    bool done = false;
    for (unsigned turns = 0; !done; turns++) {
        assert_true(turns < 100000);
        assert_ok(environment_scrub(&world->environment, &scrub, budget, &done));
    }
}

static void expect_clean(struct world *world)
{
    assert_int_equal(traces_find(&world->gone, world->folder, true), 0);
}

static uint64_t pages_of(struct world *world)
{
    MDB_envinfo info;
    assert_int_equal(mdb_env_info(world->environment.env, &info), 0);
    return info.me_last_pgno;
}

/* ---- Fixture ---- */

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->folder = folder_new();
    world->seed = first_seed();
    traces_init(&world->gone);
    for (unsigned i = 0; i < SCOPES; i++)
        pick_bytes(world, world->scope[i], 16);
    assert_ok(environment_open(world->folder, &layout, &world->environment));
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    environment_close(&world->environment);
    traces_release(&world->gone);
    folder_remove(world->folder);
    free(world);
    return 0;
}

/* ---- Tests ---- */

static void nothing_deleted_is_left_and_nothing_else_is_lost(void **state)
{
    struct world *world = *state;
    transactions(world, 90);
    for (unsigned round = 0; round < 4; round++) {
        transactions(world, 15);
        remove_scope(world, pick(world, SCOPES));
        assert_true(traces_find(&world->gone, world->folder, false) > 0);
        scrub(world, round % 2 == 0 ? 20 * PAGE : SIZE_MAX);
        expect_clean(world);
        expect_model(world);
    }
}

/* Buffers that LMDB reuses could bring back what was deleted before the scrub. */
static void what_is_written_later_brings_nothing_back(void **state)
{
    struct world *world = *state;
    struct traces later;
    transactions(world, 90);
    remove_scope(world, 1);
    remove_scope(world, 2);
    scrub(world, SIZE_MAX);
    expect_clean(world);
    struct traces before = world->gone;
    traces_init(&later);
    world->gone = later;
    transactions(world, 200);
    assert_int_equal(traces_find(&before, world->folder, true), 0);
    expect_model(world);
    assert_true(traces_find(&world->gone, world->folder, false) > 0);
    scrub(world, SIZE_MAX);
    expect_clean(world);
    traces_release(&before);
}

static void an_emptied_environment_is_clean(void **state)
{
    struct world *world = *state;
    transactions(world, 60);
    for (unsigned i = 0; i < SCOPES; i++)
        remove_scope(world, i);
    scrub(world, SIZE_MAX);
    expect_clean(world);
    expect_model(world);
}

static void free_pages_are_used_again(void **state)
{
    struct world *world = *state;
    transactions(world, 90);
    for (unsigned i = 0; i < SCOPES / 2; i++)
        remove_scope(world, i);
    scrub(world, SIZE_MAX);
    uint64_t before = pages_of(world);
    transactions(world, 20);
    assert_int_equal(pages_of(world), before);
    expect_model(world);
}

static void a_commit_between_two_slices_starts_it_over(void **state)
{
    struct world *world = *state;
    struct scrub progress = {0};
    bool done = false;
    transactions(world, 60);
    remove_scope(world, 1);
    assert_ok(environment_scrub(&world->environment, &progress, 40 * PAGE, &done));
    assert_false(done);
    assert_true(progress.page > 2);
    transactions(world, 5);
    for (unsigned turns = 0; !done; turns++) {
        assert_true(turns < 10000);
        assert_ok(environment_scrub(&world->environment, &progress, 40 * PAGE, &done));
    }
    expect_clean(world);
    expect_model(world);
}

static void a_second_scrub_has_nothing_to_do(void **state)
{
    struct world *world = *state;
    struct scrub progress = {0};
    bool done = false;
    transactions(world, 60);
    remove_scope(world, 1);
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
    if (environment_open(folder, &layout, &environment) != STATUS_OK ||
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
    assert_ok(environment_open(world->folder, &layout, &world->environment));
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
    struct scrub progress = {0};
    struct other other;
    bool done = true;
    transactions(world, 60);
    start_reader(world, &other);
    remove_scope(world, 1);
    assert_int_equal(environment_scrub(&world->environment, &progress, SIZE_MAX, &done),
                     STATUS_BUSY);
    assert_false(done);
    end_reader(&other, killed);
    assert_ok(environment_scrub(&world->environment, &progress, SIZE_MAX, &done));
    assert_true(done);
    expect_clean(world);
    expect_model(world);
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
    transactions(world, 20);
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
    assert_ok(environment_open(folder, &layout, &environment));
    enum status status = environment_scrub(&environment, &progress, SIZE_MAX, &done);
    assert_int_equal(done, status == STATUS_OK);
    environment_close(&environment);
    folder_remove(folder);
    return status;
}

static void prepare_image(struct world *world, struct image *image)
{
    transactions(world, 90);
    remove_scope(world, 1);
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
        size_t from = (2 + pick(world, (unsigned)(image.size / PAGE) - 2)) * PAGE;
        size_t at = find_page(&image, 1 + pick(world, 2), &from);
        if (at == 0)
            continue;
        memcpy(was, image.bytes + at, PAGE);
        for (unsigned n = 1 + pick(world, 4); n > 0; n--)
            image.bytes[at + pick(world, pick(world, 2) == 0 ? 64 : PAGE)] =
                (uint8_t)pick(world, 256);
        enum status status = scrub_image(&image);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
        refused += status == STATUS_CORRUPT;
        memcpy(image.bytes + at, was, PAGE);
    }
    assert_true(refused > 0);
    free(image.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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

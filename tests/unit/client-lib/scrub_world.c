#include "scrub_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALUE_MOST 12400
#define KEY_MOST 128

enum table { RECORDS_TABLE, NAMES_TABLE, TIMES_TABLE, TABLES };

static const char *const names[TABLES] = {"records", "names", "times"};
const struct environment_layout world_layout = {
    .file = "data.mdb", .tables = names, .table_count = TABLES, .map_bytes = (size_t)1 << 30};

/* ---- Chance ---- */

static uint64_t chance(struct world *world)
{
    world->seed ^= world->seed << 13;
    world->seed ^= world->seed >> 7;
    world->seed ^= world->seed << 17;
    return world->seed * UINT64_C(2685821657736338717);
}

unsigned world_pick(struct world *world, unsigned below)
{
    return (unsigned)(chance(world) >> 33) % below;
}

static void pick_bytes(struct world *world, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(1 + world_pick(world, 255));
}

static void pick_letters(struct world *world, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)('a' + world_pick(world, 26));
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
    unsigned kind = world_pick(world, 10);
    if (kind == 0)
        return edges[world_pick(world, 7)] - 8 + world_pick(world, 16);
    if (kind == 1)
        return 1000 + world_pick(world, VALUE_MOST - 1000);
    return 1 + world_pick(world, 600);
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
    row->name_size = TRACE_SIZE + world_pick(world, 32);
    pick_letters(world, row->name, row->name_size);
    row->scope = world_pick(world, WORLD_SCOPES);
    row->time = world_pick(world, 1000);
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

/* In order; when all have been used, one that was removed is taken again. */
static struct row *unused_row(struct world *world)
{
    if (world->row_count < WORLD_RECORDS)
        return &world->row[world->row_count++];
    size_t from = world_pick(world, WORLD_RECORDS);
    for (size_t i = 0; i < WORLD_RECORDS; i++) {
        struct row *row = &world->row[(from + i) % WORLD_RECORDS];
        if (!row->alive)
            return row;
    }
    return NULL;
}

static void add_row(struct world *world, MDB_txn *txn)
{
    struct row *row = unused_row(world);
    if (row == NULL)
        return;
    memset(row, 0, sizeof *row);
    memcpy(row->id, "\1\2\3\4\5\6", 6);
    /* Mostly in order, as ids made one after the other are. */
    put_u16(row->id + 6, (uint16_t)((size_t)(row - world->row) * 8 + world_pick(world, 64)));
    pick_bytes(world, row->id + 8, 8);
    put_value(world, txn, row);
    put_indexes(world, txn, row);
    row->alive = true;
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
        world->row_count > 0 ? &world->row[world_pick(world, (unsigned)world->row_count)] : NULL;
    if (row == NULL || !row->alive)
        return;
    switch (world_pick(world, 4)) {
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

void world_transactions(struct world *world, unsigned count)
{
    /* No power is lost here. */
    assert_int_equal(mdb_env_set_flags(world->environment.env, MDB_NOSYNC, 1), 0);
    for (unsigned i = 0; i < count; i++) {
        MDB_txn *txn;
        assert_ok(environment_write(&world->environment, &txn));
        for (unsigned n = 1 + world_pick(world, 32); n > 0; n--) {
            if (world_pick(world, 5) < 3)
                add_row(world, txn);
            else
                change_row(world, txn);
        }
        assert_ok(environment_commit(txn));
    }
}

void world_remove_scope(struct world *world, unsigned scope)
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

void world_add(struct world *world, unsigned count)
{
    MDB_txn *txn;
    assert_ok(environment_write(&world->environment, &txn));
    for (; count > 0; count--)
        add_row(world, txn);
    assert_ok(environment_commit(txn));
}

void world_abort(struct world *world, unsigned count)
{
    static uint8_t value[VALUE_MOST];
    uint8_t key[16];
    MDB_txn *txn;
    assert_ok(environment_write(&world->environment, &txn));
    for (; count > 0; count--) {
        pick_bytes(world, key, sizeof key);
        assert_ok(environment_put(txn, world->environment.table[RECORDS_TABLE],
                                  bytes_of(key, sizeof key),
                                  bytes_of(value, world_pick(world, VALUE_MOST)), 0));
    }
    mdb_txn_abort(txn);
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

void world_expect_model(struct world *world)
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

void world_expect_clean(struct world *world)
{
    assert_int_equal(traces_find(&world->gone, world->folder, true), 0);
}

uint64_t world_last_page(struct world *world)
{
    MDB_envinfo info;
    assert_int_equal(mdb_env_info(world->environment.env, &info), 0);
    return info.me_last_pgno;
}

/* ---- Fixture ---- */

int world_set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->folder = folder_new();
    world->seed = first_seed();
    traces_init(&world->gone);
    for (unsigned i = 0; i < WORLD_SCOPES; i++)
        pick_bytes(world, world->scope[i], 16);
    assert_ok(environment_open(world->folder, &world_layout, &world->environment));
    *state = world;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    environment_close(&world->environment);
    traces_release(&world->gone);
    folder_remove(world->folder);
    free(world);
    return 0;
}

/* Indexes of fields: when they are built, what of them is read, and when they go. */
#include "index_world.h"

#include <lmdb.h>
#include <stdio.h>

#include "tests/survival/faults/failing_memory.h"

/* How often building goes on for so many records. */
#define SLICES_OF(records) (((records) + REPLICA_INDEX_SLICE - 1) / REPLICA_INDEX_SLICE)

/* ---- When one is built ---- */

static void hold_contacts(struct laid_world *world, unsigned from, unsigned to)
{
    assert_ok(replica_begin(replica_of(world)));
    for (unsigned i = from; i < to; i++) {
        char text[16];
        struct buffer values = {0};
        snprintf(text, sizeof text, "%05u", i * 7919 % 100003);
        wire_put_map(&values, 1);
        wire_put_text(&values, "description");
        wire_put_text(&values, text);
        const struct made made = {.id = i + 1,
                                  .entity = "contact",
                                  .scope = scope_of(1),
                                  .seq = 1,
                                  .fields = buffer_bytes(&values)};
        put_encoded(world, &made);
        buffer_release(&values);
    }
    assert_ok(replica_commit(replica_of(world)));
}

static const tandem_find sorted = {.entity = "contact", .sort = "description", .limit = 3};

static void expect_contacts(struct laid_world *world, enum replica_index_state state)
{
    assert_int_equal(state_of(world, "contact", "description", KIND_LONG_TEXT), state);
}

/* By the loop of the program, between other things. */
static void the_loop_builds_what_a_query_has_missed(void **state)
{
    struct laid_world *world = *state;
    static struct found found;
    sign_in(world->world, 0);
    hold_contacts(world, 0, REPLICA_INDEX_FROM);
    assert_ok(find_records(world, &sorted, false, &found));
    assert_int_not_equal(tandem_timeout(client_of(world)), 0); /* so few are walked */
    hold_contacts(world, REPLICA_INDEX_FROM, 2 * REPLICA_INDEX_SLICE + 1);
    assert_ok(find_records(world, &sorted, false, &found));
    for (unsigned slices = 0; slices < 3; slices++) {
        assert_int_equal(tandem_timeout(client_of(world)), 0);
        assert_ok(find_records(world, &sorted, false, &found));
        assert_int_equal(watch.walks, 0);
        assert_ok(tandem_service(client_of(world)));
    }
    assert_int_not_equal(tandem_timeout(client_of(world)), 0);
    expect_contacts(world, REPLICA_INDEX_WHOLE);
    expect_same(world, &sorted, 0);
    assert_int_equal(watch.walks, 1);
}

/* What ends soon by itself is no reason, nor is what an index could not have spared. */
static void a_short_walk_has_none_built(void **state)
{
    struct laid_world *world = *state;
    static struct found found;
    const tandem_condition some[] = {{"description", ">", "00000", NULL},
                                     {"description", "contains", "0", NULL},
                                     {"description", "!=", "0", NULL}};
    hold_contacts(world, 0, 600);
    tandem_find asked = {.entity = "contact", .where = some, .where_count = 1, .limit = 5};
    assert_ok(find_records(world, &asked, false, &found));
    assert_int_equal(found.count, 5);
    asked = (tandem_find){.entity = "contact", .where = &some[1], .where_count = 2};
    assert_ok(find_records(world, &asked, false, &found));
    asked = (tandem_find){.entity = "contact"};
    assert_ok(find_records(world, &asked, false, &found));
    assert_int_equal(replica_index_due(replica_of(world)), UINT64_MAX);
    asked = (tandem_find){.entity = "contact", .where = some, .where_count = 1};
    assert_ok(find_records(world, &asked, false, &found));
    assert_int_equal(replica_index_due(replica_of(world)), 0);
}

/* Reads only the range: how many records a query comes to is what it costs. */
static void a_query_reads_what_can_meet_it(void **state)
{
    struct laid_world *world = *state;
    const tandem_condition one = {"description", "=", "07919", NULL};
    const tandem_condition few[] = {{"description", ">=", "00100", NULL},
                                    {"description", "<", "00200", NULL},
                                    {"description", "contains", "9", NULL}};
    const tandem_condition half = {"description", "<", "50000", NULL};
    hold_contacts(world, 0, 3000);
    want(world, "contact", "description", KIND_LONG_TEXT);
    (void)run_all(world);
    tandem_find asked = {.entity = "contact", .where = &one, .where_count = 1};
    expect_same(world, &asked, 0);
    asked.where = few;
    asked.where_count = 3;
    expect_same(world, &asked, 0);
    asked.descending = true;
    asked.limit = 1;
    expect_same(world, &asked, 0);
    assert_int_equal(watch.walks, 3);
    /* The first by id of the many are found sooner by walking. */
    asked = (tandem_find){.entity = "contact", .where = &half, .where_count = 1, .limit = 4};
    expect_same(world, &asked, 0);
    assert_int_equal(watch.walks, 3);
    asked.limit = 0;
    expect_same(world, &asked, 0);
    asked.sort = "description";
    asked.limit = 4;
    expect_same(world, &asked, 0);
    assert_int_equal(watch.walks, 5);
}

static void building_goes_on_where_it_was_when_the_process_died(void **state)
{
    struct laid_world *world = *state;
    hold_contacts(world, 0, 3 * REPLICA_INDEX_SLICE - 10);
    want(world, "contact", "description", KIND_LONG_TEXT);
    assert_ok(replica_index_run(replica_of(world), 0));
    begin_anew(world); /* which does a slice too */
    expect_contacts(world, REPLICA_INDEX_UNFINISHED);
    assert_int_equal(run_all(world), 1);
    expect_contacts(world, REPLICA_INDEX_WHOLE);
    expect_same(world, &sorted, 0);
}

/* Its id must not stay as the place that building has come to. */
static void building_begins_again_when_the_record_it_came_to_goes(void **state)
{
    struct laid_world *world = *state;
    hold_contacts(world, 0, 2 * REPLICA_INDEX_SLICE - 10);
    want(world, "contact", "description", KIND_LONG_TEXT);
    assert_ok(replica_index_run(replica_of(world), 0));
    assert_ok(replica_begin(replica_of(world)));
    assert_ok(replica_remove(replica_of(world), id_of(REPLICA_INDEX_SLICE), NULL));
    assert_ok(replica_commit(replica_of(world)));
    assert_int_equal(run_all(world), 2);
    expect_contacts(world, REPLICA_INDEX_WHOLE);
    expect_same(world, &sorted, 0);
}

static void who_follows_uses_what_is_whole_and_builds_nothing(void **state)
{
    struct laid_world *world = *state;
    static struct found found;
    hold_contacts(world, 0, 600);
    replica_set_read_only(replica_of(world), true);
    assert_ok(find_records(world, &sorted, false, &found));
    assert_ok(replica_index_run(replica_of(world), 0));
    replica_set_read_only(replica_of(world), false);
    assert_int_equal(run_all(world), 0);
    assert_ok(find_records(world, &sorted, false, &found));
    assert_int_equal(run_all(world), SLICES_OF(600));
    replica_set_read_only(replica_of(world), true);
    expect_same(world, &sorted, 0);
    assert_int_equal(watch.walks, 1);
}

/* ---- When one goes ---- */

static void another_kind_of_field_drops_its_index(void **state)
{
    struct laid_world *world = *state;
    uint64_t seed = 3;
    hold_deals(world, 600, &seed);
    for (int way = 0; way < 2; way++) {
        want(world, "opportunity", "margin", KIND_DECIMAL);
        want(world, "opportunity", "margin", REPLICA_INDEX_BY_SHAPE);
        want(world, "opportunity", "name", KIND_TEXT);
        (void)run_all(world);
        define(world, "decimal"); /* as before */
        assert_int_equal(state_of(world, "opportunity", "margin", KIND_DECIMAL),
                         REPLICA_INDEX_WHOLE);
        if (way == 0) {
            define(world, "text");
        } else {
            assert_ok(replica_begin(replica_of(world)));
            assert_ok(replica_remove(replica_of(world), id_of(CUSTOM_RECORD), NULL));
            assert_ok(replica_commit(replica_of(world)));
        }
        assert_int_equal(state_of(world, "opportunity", "margin", KIND_DECIMAL),
                         REPLICA_INDEX_UNFINISHED);
        assert_int_equal(run_all(world), 2);
        assert_int_equal(state_of(world, "opportunity", "margin", KIND_DECIMAL),
                         REPLICA_INDEX_NONE);
        assert_int_equal(state_of(world, "opportunity", "margin", REPLICA_INDEX_BY_SHAPE),
                         REPLICA_INDEX_NONE);
        assert_int_equal(state_of(world, "opportunity", "name", KIND_TEXT), REPLICA_INDEX_WHOLE);
        define(world, "decimal");
    }
}

static void want_number(struct laid_world *world, unsigned number)
{
    char field[16];
    snprintf(field, sizeof field, "field%u", number);
    want(world, "contact", field, REPLICA_INDEX_BY_SHAPE);
    (void)run_all(world);
}

static unsigned count_numbered(struct laid_world *world, unsigned most)
{
    unsigned count = 0;
    for (unsigned number = 0; number < most; number++) {
        char field[16];
        snprintf(field, sizeof field, "field%u", number);
        count += state_of(world, "contact", field, REPLICA_INDEX_BY_SHAPE) == REPLICA_INDEX_WHOLE;
    }
    return count;
}

static void there_are_only_so_many_and_the_unused_gives_way(void **state)
{
    struct laid_world *world = *state;
    static struct found found;
    hold_contacts(world, 0, 40);
    for (unsigned number = 0; number < REPLICA_INDEX_MOST - 1; number++)
        want_number(world, number);
    want(world, "contact", "description", KIND_LONG_TEXT);
    (void)run_all(world);
    want_number(world, 20);
    assert_int_equal(count_numbered(world, 30), REPLICA_INDEX_MOST - 1);
    assert_int_equal(state_of(world, "contact", "field20", REPLICA_INDEX_BY_SHAPE),
                     REPLICA_INDEX_NONE);
    for (unsigned i = 0; i <= REPLICA_INDEX_PATIENCE; i++)
        assert_ok(find_records(world, &sorted, false, &found));
    want_number(world, 20);
    assert_int_equal(count_numbered(world, 30), REPLICA_INDEX_MOST - 1);
    assert_int_equal(state_of(world, "contact", "field20", REPLICA_INDEX_BY_SHAPE),
                     REPLICA_INDEX_WHOLE);
    expect_contacts(world, REPLICA_INDEX_WHOLE);
    /* What was given up last is not given up for the next at once. */
    want_number(world, 21);
    assert_int_equal(count_numbered(world, 30), REPLICA_INDEX_MOST - 1);
}

/* ---- Failures ---- */

static bool use_one(void *context)
{
    struct laid_world *world = context;
    const tandem_condition half = {"description", "<", "50000", NULL};
    const tandem_find asked = {
        .entity = "contact", .where = &half, .where_count = 1, .sort = "description"};
    static struct found found;
    watch.walks = 0;
    tandem_code code = find_records(world, &asked, false, &found);
    if (code != TANDEM_OK) {
        assert_int_equal(code, STATUS_NO_MEMORY);
        return false;
    }
    assert_int_equal(found.count, 26);
    assert_int_equal(watch.walks, 1);
    return true;
}

/* Whatever fails, nothing is half. */
static bool build_one(void *context)
{
    struct laid_world *world = context;
    enum status status = STATUS_OK;
    bool whole = true;
    failing_memory_pause(true);
    want(world, "contact", "description", KIND_LONG_TEXT);
    uint64_t now = replica_index_due(replica_of(world));
    failing_memory_pause(false);
    while (status == STATUS_OK && replica_index_due(replica_of(world)) <= now)
        status = replica_index_run(replica_of(world), now);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_NO_MEMORY);
        whole = false;
    }
    failing_memory_pause(true);
    expect_contacts(world, whole ? REPLICA_INDEX_WHOLE : REPLICA_INDEX_NONE);
    failing_memory_pause(false);
    return whole;
}

static void a_failure_leaves_all_as_it_was(void **state)
{
    struct laid_world *world = *state;
    hold_contacts(world, 0, 50);
    failing_memory_each(build_one, world);
    failing_memory_each(use_one, world);
    expect_same(world, &sorted, 0);
}

/* ---- Files ---- */

/* The replica's file behind its back, while nobody has it open. */
struct file {
    MDB_env *env;
    MDB_txn *txn;
};

static void open_file(const struct laid_world *world, struct file *file)
{
    assert_int_equal(mdb_env_create(&file->env), 0);
    assert_int_equal(mdb_env_set_maxdbs(file->env, 16), 0);
    assert_int_equal(mdb_env_open(file->env, world->world->folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(file->env, NULL, 0, &file->txn), 0);
}

static void close_file(struct file *file)
{
    assert_int_equal(mdb_txn_commit(file->txn), 0);
    mdb_env_close(file->env);
}

static MDB_dbi table(const struct file *file, const char *name)
{
    MDB_dbi found = 0;
    assert_int_equal(mdb_dbi_open(file->txn, name, 0, &found), 0);
    return found;
}

static size_t entries(const struct file *file, const char *name)
{
    MDB_stat stat;
    assert_int_equal(mdb_stat(file->txn, table(file, name), &stat), 0);
    return stat.ms_entries;
}

static void put_row(const struct file *file, const char *name, const void *key, size_t key_size,
                    const void *value, size_t value_size)
{
    MDB_val row = {key_size, (void *)(uintptr_t)key};
    MDB_val data = {value_size, (void *)(uintptr_t)value};
    assert_int_equal(mdb_put(file->txn, table(file, name), &row, &data, 0), 0);
}

/* The first or the last. */
static void delete_row(const struct file *file, const char *name, bool last)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    assert_int_equal(mdb_cursor_open(file->txn, table(file, name), &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &value, last ? MDB_LAST : MDB_FIRST), 0);
    assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    mdb_cursor_close(cursor);
}

static unsigned format_of(const struct file *file)
{
    MDB_val key = {6, (void *)(uintptr_t) "format"}, value;
    assert_int_equal(mdb_get(file->txn, table(file, "meta"), &key, &value), 0);
    assert_int_equal(value.mv_size, 4);
    return get_u32(value.mv_data);
}

static void close_world(struct laid_world *world)
{
    client_abandon(client_of(world));
    world->world->client = NULL;
}

static void open_world(struct laid_world *world)
{
    open_client(world->world, true);
    replica_set_read_only(replica_of(world), false);
}

static void expect_count(struct laid_world *world, size_t count)
{
    static struct found found;
    const tandem_find asked = {.entity = "contact", .sort = "description"};
    assert_ok(find_records(world, &asked, false, &found));
    assert_int_equal(found.count, count);
    expect_same(world, &asked, 0);
}

/* An older library made no tables for indexes, and may open again what has none. */
static void a_replica_without_the_tables_gets_them_and_keeps_what_it_has(void **state)
{
    struct laid_world *world = *state;
    struct file file;
    hold_contacts(world, 0, 700);
    close_world(world);
    open_file(world, &file);
    assert_int_equal(format_of(&file), 2);
    assert_int_equal(mdb_drop(file.txn, table(&file, "fields"), 1), 0);
    assert_int_equal(mdb_drop(file.txn, table(&file, "indexed"), 1), 0);
    close_file(&file);
    open_world(world);
    expect_count(world, 700);
    assert_int_equal(run_all(world), SLICES_OF(700));
    expect_contacts(world, REPLICA_INDEX_WHOLE);
    expect_count(world, 700);
    assert_true(watch.walks > 0);
    watch.walks = 0;
    close_world(world);
    /* From then on an older library, which would not keep it up, takes it for one it cannot read.
     */
    open_file(world, &file);
    assert_int_equal(format_of(&file), 4);
    close_file(&file);
    open_world(world);
    expect_count(world, 700);
    assert_true(watch.walks > 0);
}

/* ---- Indexes of a library that folded ASCII letters alone ---- */

static const tandem_condition named = {"description", "=", "ÅSE", NULL};
static const tandem_find by_name = {.entity = "contact", .where = &named, .where_count = 1};

static void hold_named(struct laid_world *world, unsigned number, const char *name)
{
    struct buffer values = {0};
    wire_put_map(&values, 1);
    wire_put_text(&values, "description");
    wire_put_text(&values, name);
    const struct made made = {.id = number,
                              .entity = "contact",
                              .scope = scope_of(1),
                              .seq = 1,
                              .fields = buffer_bytes(&values)};
    assert_ok(replica_begin(replica_of(world)));
    put_encoded(world, &made);
    assert_ok(replica_commit(replica_of(world)));
    buffer_release(&values);
}

/* Whole, with 600 contacts and two whose name differs in case; as that library would have it, and
 * perhaps another that it has not dropped yet. */
static void make_former(struct laid_world *world, bool another)
{
    static const uint8_t former_key[] = "\0\0\xc3\x85se\0\0\0\0\4";
    static const char row[18] = {0, 2}, dropping[18] = {1, 3};
    uint8_t key[64];
    const struct id id = id_of(1001);
    struct file file;
    hold_contacts(world, 0, 600);
    hold_named(world, 1001, "ÅSE");
    hold_named(world, 1002, "åse");
    want(world, "contact", "description", KIND_LONG_TEXT);
    (void)run_all(world);
    close_world(world);
    open_file(world, &file);
    put_row(&file, "meta", "format", 6, "\0\0\0\3", 4);
    put_row(&file, "indexed", "contact\0description\0\1", 21, row, sizeof row);
    if (another) {
        put_row(&file, "indexed", "contact\0mood\0\2", 14, dropping, sizeof dropping);
        put_row(&file, "fields", "\1\0of one that was being dropped", 32, "", 0);
    }
    memcpy(key, former_key, sizeof former_key - 1);
    memcpy(key + sizeof former_key - 1, id.octet, ID_SIZE);
    put_row(&file, "fields", key, sizeof former_key - 1 + ID_SIZE, "", 0);
    memcpy(key + 3, "\xa5", 1); /* where it is now */
    MDB_val now = {sizeof former_key - 1 + ID_SIZE, key};
    assert_int_equal(mdb_del(file.txn, table(&file, "fields"), &now, NULL), 0);
    close_file(&file);
    open_world(world);
}

static void expect_two(struct laid_world *world, unsigned walks)
{
    static struct found found;
    watch.walks = 0;
    assert_ok(find_records(world, &by_name, false, &found));
    assert_int_equal(found.count, 2);
    assert_int_equal(watch.walks, walks);
}

/* Nothing is read of them, and nothing that they held stays. */
static void indexes_with_former_keys_are_built_again(void **state)
{
    struct laid_world *world = *state;
    struct file file;
    make_former(world, false);
    assert_int_equal(state_of(world, "contact", "description", KIND_LONG_TEXT), REPLICA_INDEX_NONE);
    expect_two(world, 0);
    assert_ok(replica_index_run(replica_of(world), 0)); /* without a query's asking for it */
    assert_true(run_all(world) >= SLICES_OF(602) - 1);
    assert_int_equal(state_of(world, "contact", "description", KIND_LONG_TEXT),
                     REPLICA_INDEX_WHOLE);
    expect_two(world, 1);
    close_world(world);
    open_file(world, &file);
    assert_int_equal(format_of(&file), 4);
    assert_int_equal(entries(&file, "indexed"), 1);
    assert_int_equal(entries(&file, "fields"), 602);
    close_file(&file);
    open_world(world);
    expect_two(world, 1);
}

/* What is removed before they are built leaves no key behind, nor does a process that dies. */
static void former_keys_go_with_the_first_write(void **state)
{
    struct laid_world *world = *state;
    struct file file;
    make_former(world, true);
    assert_ok(replica_begin(replica_of(world)));
    assert_ok(replica_remove(replica_of(world), id_of(1001), NULL));
    assert_ok(replica_commit(replica_of(world)));
    close_world(world);
    open_file(world, &file);
    assert_int_equal(entries(&file, "fields"), 0);
    assert_int_equal(entries(&file, "indexed"), 1);
    close_file(&file);
    open_world(world);
    assert_ok(replica_index_run(replica_of(world), 0));
    begin_anew(world);
    (void)run_all(world);
    close_world(world);
    open_file(world, &file);
    assert_int_equal(entries(&file, "fields"), 601);
    close_file(&file);
    open_world(world);
}

/* Who does not write the replica looks at all records until somebody has. */
static void who_follows_does_not_read_former_keys(void **state)
{
    struct laid_world *world = *state;
    make_former(world, true);
    replica_set_read_only(replica_of(world), true);
    expect_two(world, 0);
    replica_set_read_only(replica_of(world), false);
}

/* Whatever stands there, queries answer, and the next write clears it away. */
static void rows_that_make_no_sense_are_no_indexes(void **state)
{
    static const char row[18] = {3, 0x12}, unknown[18] = {1, 0x19}, high[18] = {16, 0x12},
                      newer[18] = {1, 0x22};
    static const struct {
        const char *key;
        size_t key_size;
        const char *value;
        size_t value_size;
    } rows[] = {{"contact\0description\0\1", 21, "\0", 1},
                {"contact\0description\0\1", 21, unknown, 18},
                {"contact\0description\0\1", 21, high, 18},
                {"contact\0description\0\1", 21, newer, 18},
                {"contact\0description\0\x63", 21, row, 18},
                {"contact\0description", 19, row, 18},
                {"\0description\0\1", 14, row, 18},
                {"x", 1, row, 18},
                {"lead\0a\0\1", 8, "\0\x12\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18}};
    struct laid_world *world = *state;
    struct file file;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hold_contacts(world, 0, 20);
        want(world, "contact", "description", KIND_LONG_TEXT);
        (void)run_all(world);
        expect_contacts(world, REPLICA_INDEX_WHOLE);
        close_world(world);
        open_file(world, &file);
        put_row(&file, "indexed", rows[i].key, rows[i].key_size, rows[i].value, rows[i].value_size);
        close_file(&file);
        open_world(world);
        expect_count(world, 20);
        hold_contacts(world, 20, 21);
        expect_count(world, 21);
        assert_int_equal(state_of(world, "contact", "description", KIND_LONG_TEXT),
                         REPLICA_INDEX_NONE);
        assert_ok(replica_begin(replica_of(world)));
        assert_ok(replica_empty(replica_of(world), id_of(7), bytes_text("")));
        assert_ok(replica_commit(replica_of(world)));
    }
}

/* Of a library that had it as another kind. */
static void an_index_of_a_kind_that_a_field_no_longer_has_is_dropped(void **state)
{
    struct laid_world *world = *state;
    struct file file;
    static const char row[18] = {5, 0x12};
    hold_contacts(world, 0, 20);
    want(world, "contact", "mood", KIND_INTEGER);
    (void)run_all(world);
    close_world(world);
    open_file(world, &file);
    put_row(&file, "indexed", "contact\0description\0\2", 21, row, sizeof row);
    put_row(&file, "fields", "\5\0what was a number once", 24, "", 0);
    close_file(&file);
    open_world(world);
    assert_int_equal(state_of(world, "contact", "description", KIND_INTEGER), REPLICA_INDEX_WHOLE);
    assert_ok(replica_index_run(replica_of(world), 0));
    (void)run_all(world);
    assert_int_equal(state_of(world, "contact", "description", KIND_INTEGER), REPLICA_INDEX_NONE);
    assert_int_equal(state_of(world, "contact", "mood", KIND_INTEGER), REPLICA_INDEX_WHOLE);
    close_world(world);
    open_file(world, &file);
    assert_int_equal(entries(&file, "fields"), 20);
    assert_int_equal(entries(&file, "indexed"), 1);
    close_file(&file);
    open_world(world);
}

/* A value that cannot be told from the record any more must not stay in an index. */
static void damage_takes_all_indexes_with_it(void **state)
{
    struct laid_world *world = *state;
    struct file file;
    hold_contacts(world, 0, 20);
    want(world, "contact", "description", KIND_LONG_TEXT);
    (void)run_all(world);
    close_world(world);
    open_file(world, &file);
    const struct id id = id_of(5);
    put_row(&file, "records", id.octet, ID_SIZE, "damaged", 7);
    close_file(&file);
    open_world(world);
    size_t count = 0;
    assert_ok(replica_begin(replica_of(world)));
    assert_ok(replica_purge(replica_of(world), scope_of(1), &count));
    assert_ok(replica_commit(replica_of(world)));
    expect_contacts(world, REPLICA_INDEX_NONE);
    close_world(world);
    open_file(world, &file);
    assert_int_equal(entries(&file, "fields"), 0);
    close_file(&file);
    open_world(world);
}

/* An index of 20 contacts that names one behind them that is not there, and lacks the first or the
 * last that is. */
static void damage_index(struct laid_world *world, bool last)
{
    struct file file;
    hold_contacts(world, 0, 20);
    want(world, "contact", "description", KIND_LONG_TEXT);
    (void)run_all(world);
    close_world(world);
    open_file(world, &file);
    assert_int_equal(entries(&file, "fields"), 20);
    delete_row(&file, "fields", last);
    put_row(&file, "fields", "\0\0aaaaaaaa\10and an id of 16..", 27, "", 0);
    close_file(&file);
    open_world(world);
}

/* One that names what is not there is found out by the query, which does without it, and goes. */
static void an_index_that_names_a_missing_record_goes(void **state)
{
    struct laid_world *world = *state;
    static struct found found;
    const tandem_condition any = {"description", ">=", "0", NULL};
    const tandem_find all = {.entity = "contact", .where = &any, .where_count = 1};
    damage_index(world, false);
    assert_ok(find_records(world, &sorted, false, &found)); /* not that far */
    assert_int_equal(replica_index_due(replica_of(world)), UINT64_MAX);
    expect_same(world, &all, 0);
    assert_ok(find_records(world, &all, false, &found));
    assert_int_equal(found.count, 20);
    (void)run_all(world);
    expect_contacts(world, REPLICA_INDEX_NONE);
    expect_count(world, 20);
}

/* Who follows cannot have it built anew, and queries all the same: with all records as long as none
 * was handed over, else with those that the index has. */
static void who_follows_does_without_a_damaged_index(void **state)
{
    struct laid_world *world = *state;
    static struct found found;
    tandem_find asked = {.entity = "contact", .sort = "description", .descending = true};
    damage_index(world, true);
    replica_set_read_only(replica_of(world), true);
    for (int i = 0; i < 2; i++) {
        expect_same(world, &asked, 0);
        expect_same(world, &asked, 3);
    }
    asked.descending = false;
    assert_ok(find_records(world, &asked, false, &found));
    assert_int_equal(found.count, 19);
    expect_contacts(world, REPLICA_INDEX_WHOLE);
}

/* The map that the replica may fill is for records first. */
static void a_full_map_ends_building_and_leaves_the_rest(void **state)
{
    struct laid_world *world = *state;
    struct replica **replica = &client_of(world)->replica;
    enum status status = STATUS_OK;
    hold_contacts(world, 0, 1200);
    replica_close(*replica);
    /* A map is at least as large as what is in it. */
    assert_ok(replica_open(world->world->folder, 65536, &world->world->port.port, replica, NULL));
    want(world, "contact", "description", KIND_LONG_TEXT);
    while (status == STATUS_OK && replica_index_due(*replica) == 0)
        status = replica_index_run(*replica, 0);
    assert_int_equal(status, STATUS_LIMIT);
    assert_true(replica_index_due(*replica) >= REPLICA_INDEX_RETRY_MS);
    assert_ok(replica_index_run(*replica, 0));
    replica_close(*replica);
    assert_ok(replica_open(world->world->folder, 0, &world->world->port.port, replica, NULL));
    client_of(world)->sync.replica = *replica;
    expect_same(world, &sorted, 0);
    assert_int_equal(run_all(world), SLICES_OF(1200));
    expect_contacts(world, REPLICA_INDEX_WHOLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(the_loop_builds_what_a_query_has_missed),
        INDEX_TEST(a_short_walk_has_none_built),
        INDEX_TEST(a_query_reads_what_can_meet_it),
        INDEX_TEST(building_goes_on_where_it_was_when_the_process_died),
        INDEX_TEST(building_begins_again_when_the_record_it_came_to_goes),
        INDEX_TEST(who_follows_uses_what_is_whole_and_builds_nothing),
        INDEX_TEST(another_kind_of_field_drops_its_index),
        INDEX_TEST(there_are_only_so_many_and_the_unused_gives_way),
        INDEX_TEST(a_failure_leaves_all_as_it_was),
        INDEX_TEST(a_replica_without_the_tables_gets_them_and_keeps_what_it_has),
        INDEX_TEST(rows_that_make_no_sense_are_no_indexes),
        INDEX_TEST(indexes_with_former_keys_are_built_again),
        INDEX_TEST(former_keys_go_with_the_first_write),
        INDEX_TEST(who_follows_does_not_read_former_keys),
        INDEX_TEST(an_index_of_a_kind_that_a_field_no_longer_has_is_dropped),
        INDEX_TEST(damage_takes_all_indexes_with_it),
        INDEX_TEST(an_index_that_names_a_missing_record_goes),
        INDEX_TEST(who_follows_does_without_a_damaged_index),
        INDEX_TEST(a_full_map_ends_building_and_leaves_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

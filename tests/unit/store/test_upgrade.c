/* Stores whose index knew only ASCII capitals: raised, nothing is lost, and a crash leaves either.
 */
#include "fixture.h"

#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "server/store/entries.h"
#include "server/store/layout.h"

#define FORMAT_AT 8
#define META_CHECKED 76
#define LIVE 9u

/* ---- A store of format 2 ---- */

static const struct {
    const char *entity, *field, *value, *folded;
} contents[LIVE] = {
    {"account", "name", "ØYVIND", "øyvind"},
    {"account", "name", "øyvind", "øyvind"},
    {"account", "name", "Fjord Bruk", "fjord bruk"},
    {"account", "externalId", "КЛ-7", "кл-7"},
    {"machine", "name", "ȺȾ \u212a", "ⱥⱦ k"},
    {"party", "name", "ÅSE", "åse"},
    {"party", "name", "åse", "åse"},
    {"party", "name", "Ase", "ase"},
    {"user", "name", "Øystein", "øystein"},
};

/* Of the same entities, names of 200 bytes: the first and the last are alike. */
static void name_at_length(unsigned i, char out[201])
{
    for (unsigned at = 0; at < 200; at += 2)
        memcpy(out + at, "Ø", 2);
    memcpy(out + 198, i == 0 ? "Å" : i == 1 ? "é" : "å", 2);
    out[200] = '\0';
}

static void make_contents(struct made *made[LIVE + 4])
{
    char name[201];
    for (unsigned i = 0; i < LIVE; i++) {
        made[i] = made_new(i + 1, contents[i].entity, account_scope(1), i + 1);
        made_text(made[i], contents[i].field, contents[i].value);
    }
    for (unsigned i = 0; i < 3; i++) {
        made[LIVE + i] = made_new(LIVE + i + 1, "party", account_scope(1), LIVE + i + 1);
        name_at_length(i, name);
        made_text(made[LIVE + i], "name", name);
    }
    made[LIVE + 3] = made_new(LIVE + 4, "party", account_scope(1), LIVE + 4);
    made_text(made[LIVE + 3], "name", "ÅSE");
    made[LIVE + 3]->record.deleted = true;
    for (unsigned i = 0; i < LIVE + 4; i++)
        made_place(made[i], account_scope(1), tag_internal, i + 1);
}

static void lower_format(uint8_t *value, size_t size)
{
    assert_int_equal(size, META_CHECKED + LAYOUT_CHECKSUM_SIZE);
    put_u32(value + FORMAT_AT, 2);
    put_u64(value + META_CHECKED,
            sealed_checksum(bytes_text("store"), bytes_of(value, META_CHECKED)));
}

static void put_row(MDB_txn *txn, MDB_dbi dbi, const struct key *key)
{
    MDB_val at = {key->size, (void *)(uintptr_t)key->data}, value = {0, NULL};
    assert_int_equal(mdb_put(txn, dbi, &at, &value, MDB_NOOVERWRITE), 0);
}

/* The index as it was; what a text was there is told by its bytes, not by how keys are made now. */
static void write_former_index(const struct fixture *fixture, struct made *const made[LIVE + 4])
{
    static struct entries entries;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, TABLE_COUNT), 0);
    assert_int_equal(mdb_env_open(env, fixture->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table_name(TABLE_INDEX), 0, &dbi), 0);
    assert_int_equal(mdb_drop(txn, dbi, 0), 0);
    entries.ascii = true;
    for (unsigned i = 0; i < LIVE + 4; i++) {
        assert_ok(entries_of(&made[i]->record, &entries));
        for (size_t k = 0; k < entries.count; k++)
            if (entries.entry[k].table == TABLE_INDEX)
                put_row(txn, dbi, &entries.entry[k].key);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    entries_release(&entries);
}

/* Closed. */
static void make_former(struct fixture *fixture)
{
    const struct meta meta = {.epoch = id_number(999), .seq = LIVE + 4};
    struct made *made[LIVE + 4];
    make_contents(made);
    fixture_begin(fixture);
    for (unsigned i = 0; i < LIVE + 4; i++)
        put(fixture->write, NULL, made[i]);
    assert_ok(fixture->write.ops->put_meta(fixture->write.self, &meta));
    fixture_commit(fixture);
    fixture_close(fixture);
    write_former_index(fixture, made);
    fixture_tamper(fixture, "meta", "store", 5, lower_format);
    for (unsigned i = 0; i < LIVE + 4; i++)
        made_free(made[i]);
}

/* ---- What is told ---- */

#define MOST_LINES 16u

struct told {
    char lines[MOST_LINES][256];
    size_t count;
};

static void hear(void *context, const char *line)
{
    struct told *told = context;
    assert_true(told->count < MOST_LINES);
    snprintf(told->lines[told->count++], sizeof *told->lines, "%s", line);
}

static void expect_line(const struct told *told, const char *entity, unsigned one, unsigned other)
{
    char wanted[256], first[ID_TEXT_SIZE], second[ID_TEXT_SIZE];
    size_t i = 0;
    snprintf(wanted, sizeof wanted, "%s %s and %s have the same name but for capitals", entity,
             id_to_text(id_number(one), first), id_to_text(id_number(other), second));
    while (i < told->count && strcmp(told->lines[i], wanted) != 0)
        i++;
    if (i == told->count)
        fail_msg("not told: %s", wanted);
}

static void open_telling(struct fixture *fixture, struct told *told)
{
    struct store_options options = fixture_options(fixture);
    *told = (struct told){.count = 0};
    options.tell = hear;
    options.tell_context = told;
    assert_ok(store_open(&options, &fixture->store, NULL));
    assert_ok(store_reader_new(fixture->store, &fixture->reader));
}

static void complain(void *context, const char *line)
{
    (void)context;
    print_error("%s\n", line);
}

/* ---- What is in it ---- */

static bool finds(struct fixture *fixture, unsigned i)
{
    const char *value = contents[i].folded;
    struct buffer place = {0};
    struct id id;
    bool found = false;
    while (!found &&
           fixture->read.ops->index_next(fixture->read.self, bytes_text(contents[i].entity),
                                         bytes_text(contents[i].field), bytes_text(value), false,
                                         &place, &id) == STATUS_OK)
        found = id_equal(id, id_number(i + 1));
    buffer_release(&place);
    return found;
}

static void expect_raised(struct fixture *fixture)
{
    struct bytes stored;
    uint64_t records = 0, alike = 0;
    fixture_look(fixture);
    for (unsigned i = 0; i < LIVE + 4; i++) {
        assert_ok(fixture->read.ops->record(fixture->read.self, id_number(i + 1), &stored));
        if (i < LIVE && !finds(fixture, i))
            fail_msg("%s is not found as %s", contents[i].value, contents[i].folded);
    }
    fixture_done(fixture);
    assert_ok(store_check(fixture->store, complain, NULL, &records));
    assert_int_equal(records, LIVE + 4);
    assert_ok(store_alike(fixture->store, NULL, NULL, &alike));
    assert_int_equal(alike, 2);
}

static void a_store_of_format_2_is_raised_and_keeps_everything(void **state)
{
    struct fixture *fixture = *state;
    struct told told;
    make_former(fixture);
    open_telling(fixture, &told);
    expect_raised(fixture);
    assert_int_equal(told.count, 3);
    assert_string_equal(told.lines[0], "raising the store from format 2 to 3: 13 records");
    expect_line(&told, "party", 6, 7);
    expect_line(&told, "party", LIVE + 1, LIVE + 3);
    fixture_close(fixture);
    open_telling(fixture, &told); /* and is a store like any other from then on */
    assert_int_equal(told.count, 0);
    expect_raised(fixture);
    assert_ok(store_alike(fixture->store, hear, &told, NULL));
    expect_line(&told, "party", 6, 7);
    expect_line(&told, "party", LIVE + 1, LIVE + 3);
}

static void one_that_is_left_as_it_is_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    uint64_t alike = 9;
    options.as_it_is = true;
    make_former(fixture);
    assert_ok(store_open(&options, &fixture->store, NULL));
    assert_ok(store_check(fixture->store, complain, NULL, NULL));
    assert_ok(store_alike(fixture->store, complain, NULL, &alike));
    assert_int_equal(alike, 0);
    fixture_close(fixture);
    fixture_open(fixture, false);
    expect_raised(fixture);
}

static void a_backup_is_raised_where_it_is_restored(void **state)
{
    struct fixture *fixture = *state, *copy = fixture_new();
    struct store_options options = fixture_options(fixture);
    struct told told = {.count = 0};
    options.as_it_is = true;
    options.tell = hear;
    options.tell_context = &told;
    make_former(fixture);
    assert_ok(store_open(&options, &fixture->store, NULL));
    assert_ok(store_restore(fixture->store, copy->path, id_number(77), NULL));
    assert_int_equal(told.count, 3);
    fixture_open(copy, false);
    expect_raised(copy);
    fixture_free(copy);
}

/* ---- As a server of format 2 wrote it ---- */

/* The file is a `tandemd backup` of accounts, contacts, leads, parties and users. */
static void unpack(const struct fixture *fixture)
{
    char path[80];
    static char bytes[1 << 17];
    snprintf(path, sizeof path, "%s/data.mdb", fixture->path);
    const gzFile from = gzopen(FORMAT_2, "rb");
    FILE *to = fopen(path, "wb");
    assert_true(from != NULL && to != NULL);
    const int size = gzread(from, bytes, sizeof bytes);
    assert_true(size > 0 && (size_t)size < sizeof bytes);
    assert_int_equal(fwrite(bytes, 1, (size_t)size, to), size);
    assert_int_equal(gzclose(from), Z_OK);
    assert_int_equal(fclose(to), 0);
}

static size_t count_found(struct fixture *fixture, const char *entity, const char *field,
                          const char *folded)
{
    struct buffer place = {0};
    struct id id;
    size_t count = 0;
    while (fixture->read.ops->index_next(fixture->read.self, bytes_text(entity), bytes_text(field),
                                         bytes_text(folded), false, &place, &id) == STATUS_OK)
        count++;
    buffer_release(&place);
    return count;
}

static void a_store_that_a_former_server_wrote_is_raised(void **state)
{
    struct fixture *fixture;
    struct told told;
    uint64_t records = 0, alike = 0;
    (void)state;
    if (sysconf(_SC_PAGESIZE) != 4096)
        skip(); /* it is of such a machine */
    fixture = fixture_new();
    unpack(fixture);
    open_telling(fixture, &told);
    assert_int_equal(told.count, 3);
    assert_non_null(strstr(told.lines[1], "party "));
    assert_non_null(strstr(told.lines[2], "user "));
    assert_ok(store_check(fixture->store, complain, NULL, &records));
    assert_int_equal(records, 17);
    assert_ok(store_alike(fixture->store, NULL, NULL, &alike));
    assert_int_equal(alike, 2);
    fixture_look(fixture);
    assert_int_equal(count_found(fixture, "account", "name", "øyvind bruk"), 1);
    assert_int_equal(count_found(fixture, "account", "name", "москва"), 1);
    assert_int_equal(count_found(fixture, "account", "externalId", "æøå-1"), 1);
    assert_int_equal(count_found(fixture, "contact", "lastName", "ødegård"), 1);
    assert_int_equal(count_found(fixture, "contact", "emailAddress", "øde@example.no"), 1);
    assert_int_equal(count_found(fixture, "lead", "lastName", "škoda"), 1);
    assert_int_equal(count_found(fixture, "lead", "lastName", "žižek"), 0); /* removed */
    assert_int_equal(count_found(fixture, "party", "name", "åse as"), 2);
    assert_int_equal(count_found(fixture, "user", "name", "øystein"), 2);
    fixture_done(fixture);
    fixture_free(fixture);
}

/* ---- Crashes and damage ---- */

static void die(void *context, const char *line)
{
    unsigned *left = context;
    (void)line;
    if (--*left == 0)
        (void)raise(SIGKILL);
}

/* Killed at each line that is told, the last of them with all rows written and not committed. */
static void a_crash_leaves_the_former_store(void **state)
{
    struct fixture *fixture = *state;
    make_former(fixture);
    for (unsigned lines = 1; lines <= 3; lines++) {
        struct store_options options = fixture_options(fixture);
        struct store *store;
        unsigned left = lines;
        int ended;
        options.tell = die;
        options.tell_context = &left;
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit((int)store_open(&options, &store, NULL));
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
        options.as_it_is = true;
        assert_ok(store_open(&options, &fixture->store, NULL));
        assert_ok(store_check(fixture->store, complain, NULL, NULL));
        assert_status(store_write_begin(fixture->store, &fixture->write), FORMAT_VERSION);
        fixture_close(fixture);
    }
    fixture_open(fixture, false);
    expect_raised(fixture);
}

static void flip_last(uint8_t *value, size_t size)
{
    value[size - 1] ^= 1;
}

static void count_finding(void *context, const char *line)
{
    unsigned *count = context;
    (void)line;
    (*count)++;
}

/* Damage of one record, or of a row of the index, is no reason to serve nothing. */
static void what_is_damaged_is_left_and_named(void **state)
{
    struct fixture *fixture = *state;
    struct told told;
    struct key row;
    unsigned findings = 0;
    make_former(fixture);
    const struct id spoilt = id_number(1);
    fixture_tamper(fixture, "record", spoilt.octet, ID_SIZE, flip_last);
    assert_true(key_begin_index(&row, bytes_text("party"), bytes_text("name")));
    key_add_ordered(&row, bytes_text("\xc3\x85se"));
    key_add_id(&row, id_number(6));
    fixture_tamper(fixture, "index", row.data, row.size, NULL);
    open_telling(fixture, &told);
    assert_int_equal(told.count, 4);
    assert_string_equal(told.lines[1],
                        "a record cannot be read and is left as it is: see tandemd check");
    expect_line(&told, "party", 6, 7); /* its row is there again */
    assert_status(store_check(fixture->store, count_finding, &findings, NULL), CORRUPT);
    assert_true(findings > 0);
    fixture_look(fixture);
    assert_true(finds(fixture, 1) && finds(fixture, 5) && finds(fixture, 6));
    fixture_done(fixture);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_store_of_format_2_is_raised_and_keeps_everything),
        TEST(one_that_is_left_as_it_is_is_whole),
        cmocka_unit_test(a_store_that_a_former_server_wrote_is_raised),
        TEST(a_backup_is_raised_where_it_is_restored),
        TEST(a_crash_leaves_the_former_store),
        TEST(what_is_damaged_is_left_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

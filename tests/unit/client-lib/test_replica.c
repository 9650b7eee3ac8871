/* The replica's tables: what is held, in which order, and what is left after each kind of failure.
 */
#include "support.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client-lib/replica/replica.h"

struct world {
    char *folder;
    struct fake_port port;
    struct replica *replica;
};

static void reopen(struct world *world, size_t map_bytes)
{
    replica_close(world->replica);
    world->replica = NULL;
    assert_ok(replica_open(world->folder, map_bytes, &world->port.port, &world->replica, NULL));
}

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    fake_port_init(&world.port);
    world.folder = folder_new();
    reopen(&world, 0);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    replica_close(world->replica);
    folder_remove(world->folder);
    return 0;
}

static enum status put(struct world *world, const struct made *made)
{
    struct buffer encoded = {0};
    struct record_view view;
    put_record(&encoded, made);
    assert_true(record_view_read(buffer_bytes(&encoded), &view));
    enum status status = replica_put(world->replica, &view, buffer_bytes(&encoded));
    buffer_release(&encoded);
    return status;
}

static void store(struct world *world, const struct made *made, size_t count, uint64_t cursor)
{
    assert_ok(replica_begin(world->replica));
    for (size_t i = 0; i < count; i++)
        assert_ok(put(world, &made[i]));
    assert_ok(replica_set_cursor(world->replica, cursor));
    assert_ok(replica_commit(world->replica));
}

/* The last bytes of the ids met, as text: "1 2 3". */
static bool note_id(void *context, struct bytes encoded)
{
    char *out = context;
    struct record_view view;
    assert_true(record_view_read(encoded, &view));
    size_t used = strlen(out);
    snprintf(out + used, 256 - used, "%s%d", used > 0 ? " " : "", view.id.octet[15]);
    return true;
}

static void expect_each(struct world *world, const char *entity, const char *expected)
{
    char met[256] = "";
    assert_ok(replica_each(world->replica, bytes_text(entity), note_id, met));
    assert_string_equal(met, expected);
}

static void expect_timeline(struct world *world, unsigned account, const char *expected)
{
    char met[256] = "";
    assert_ok(replica_timeline(world->replica, account_of(account), note_id, met));
    assert_string_equal(met, expected);
}

static void records_are_met_by_id_and_by_entity(void **state)
{
    struct world *world = *state;
    const struct made made[] = {{.id = 3, .entity = "account"},
                                {.id = 1, .entity = "note"},
                                {.id = 2, .entity = "account"},
                                {.id = 4, .entity = "accountant"}};
    store(world, made, 4, 1);
    expect_each(world, NULL, "1 2 3 4");
    expect_each(world, "account", "2 3");
    expect_each(world, "accountant", "4");
    expect_each(world, "acc", "");
}

static void a_timeline_is_newest_first_and_of_one_account(void **state)
{
    struct world *world = *state;
    const struct made made[] = {
        {.id = 1, .created_at = 500},
        {.id = 2, .created_at = -500}, /* before 1970 */
        {.id = 3, .created_at = 1000},
        {.id = 4, .created_at = 700, .scope = account_of(2)},
        {.id = 5, .created_at = 900, .entity = "account"}, /* in no timeline */
        {.id = 6, .created_at = 800, .scope = {SCOPE_LIBRARY, {{0}}}},
    };
    store(world, made, 6, 1);
    expect_timeline(world, 1, "3 1 2");
    expect_timeline(world, 2, "4");
    expect_timeline(world, 3, "");
}

static void a_timeline_goes_by_the_entitys_own_time(void **state)
{
    struct world *world = *state;
    struct buffer fields = {0};
    wire_put_map(&fields, 1);
    wire_put_text(&fields, "dateStart");
    wire_put_int(&fields, 50);
    const struct made made[] = {
        {.id = 1, .entity = "interaction", .created_at = 900, .fields = buffer_bytes(&fields)},
        {.id = 2, .created_at = 100}};
    store(world, made, 2, 1);
    expect_timeline(world, 1, "2 1");
    buffer_release(&fields);
}

/* Every index follows a record that changes its scope and time. */
static void a_record_that_moves_leaves_nothing_behind(void **state)
{
    struct world *world = *state;
    const struct made before[] = {{.id = 1, .seq = 1, .created_at = 10},
                                  {.id = 2, .created_at = 20}};
    const struct made after = {.id = 1, .seq = 2, .created_at = 30, .scope = account_of(2)};
    size_t purged = 0;
    store(world, before, 2, 1);
    store(world, &after, 1, 2);
    expect_timeline(world, 1, "2");
    expect_timeline(world, 2, "1");
    assert_ok(replica_begin(world->replica));
    assert_ok(replica_purge(world->replica, account_of(1), &purged));
    assert_int_equal(purged, 1);
    assert_ok(replica_commit(world->replica));
    expect_each(world, NULL, "1");
    assert_ok(replica_begin(world->replica));
    assert_ok(replica_remove(world->replica, id_of(1), NULL));
    assert_int_equal(replica_remove(world->replica, id_of(1), NULL), STATUS_NOT_FOUND);
    assert_ok(replica_commit(world->replica));
    expect_each(world, NULL, "");
    expect_each(world, "note", "");
    expect_timeline(world, 2, "");
    struct scope scope;
    assert_int_equal(replica_next_scope(world->replica, NULL, &scope), STATUS_NOT_FOUND);
}

static void an_abort_leaves_everything_as_it_was(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 1, .seq = 1};
    const struct replica_backfill backfill = {account_of(7), 1, 2};
    struct replica_backfill found;
    store(world, &made, 1, 5);
    assert_ok(replica_begin(world->replica));
    assert_ok(put(world, &(struct made){.id = 2}));
    assert_ok(replica_remove(world->replica, id_of(1), NULL));
    assert_ok(replica_put_backfill(world->replica, &backfill));
    assert_ok(replica_set_cursor(world->replica, 9));
    replica_abort(world->replica);
    for (int opened = 0; opened < 2; opened++) {
        assert_int_equal(replica_cursor(world->replica), 5);
        expect_each(world, NULL, "1");
        assert_int_equal(replica_next_backfill(world->replica, NULL, &found), STATUS_NOT_FOUND);
        reopen(world, 0);
    }
}

/* A process that dies inside a transaction, as it is. */
static void a_process_that_dies_in_the_middle_loses_only_the_middle(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 1, .seq = 1};
    store(world, &made, 1, 5);
    replica_close(world->replica);
    world->replica = NULL;
    pid_t child = fork();
    if (child == 0) {
        struct replica *replica = NULL;
        if (replica_open(world->folder, 0, &world->port.port, &replica, NULL) == STATUS_OK &&
            replica_begin(replica) == STATUS_OK && replica_set_cursor(replica, 9) == STATUS_OK &&
            replica_remove(replica, id_of(1), NULL) == STATUS_OK)
            abort();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    reopen(world, 0);
    assert_int_equal(replica_cursor(world->replica), 5);
    expect_each(world, NULL, "1");
}

static void the_clients_id_lasts(void **state)
{
    struct world *world = *state;
    struct id id = replica_client(world->replica);
    assert_false(id_is_zero(id));
    reopen(world, 0);
    assert_true(id_equal(id, replica_client(world->replica)));
}

/* Overwrites one meta entry behind the replica's back. */
static void write_meta(const struct world *world, const char *name, const void *data, size_t size)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    MDB_val key = {strlen(name), (void *)(uintptr_t)name};
    MDB_val value = {size, (void *)(uintptr_t)data};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, world->folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &table), 0);
    assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void expect_fresh(struct world *world)
{
    assert_int_equal(replica_cursor(world->replica), 0);
    expect_each(world, NULL, "");
    store(world, &(struct made){.id = 4}, 1, 3); /* and it works */
    expect_each(world, NULL, "4");
}

static void another_format_or_a_damaged_file_is_begun_anew(void **state)
{
    struct world *world = *state;
    const struct made made = {.id = 1, .seq = 1};
    store(world, &made, 1, 5);
    replica_close(world->replica);
    world->replica = NULL;
    write_meta(world, "format", "\0\0\0\x63", 4);
    reopen(world, 0);
    expect_fresh(world);
    replica_close(world->replica);
    world->replica = NULL;
    write_meta(world, "cursor", "short", 5);
    reopen(world, 0);
    expect_fresh(world);
    replica_close(world->replica);
    world->replica = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/data.mdb", world->folder);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    for (int i = 0; i < 4096; i++)
        assert_int_equal(write(fd, "garbage", 7), 7);
    close(fd);
    reopen(world, 0);
    expect_fresh(world);
}

static void a_full_map_refuses_and_a_larger_one_goes_on(void **state)
{
    struct world *world = *state;
    enum status status = STATUS_OK;
    unsigned count = 0;
    reopen(world, 256 * 1024);
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    while (status == STATUS_OK && count < 10000) {
        assert_ok(replica_begin(world->replica));
        status = put(world, &(struct made){.id = count + 1, .name = text});
        if (status == STATUS_OK)
            status = replica_set_cursor(world->replica, count + 1);
        if (status == STATUS_OK)
            status = replica_commit(world->replica);
        else
            replica_abort(world->replica);
        if (status == STATUS_OK)
            count++;
    }
    assert_int_equal(status, STATUS_LIMIT);
    assert_true(count > 10);
    assert_int_equal(replica_cursor(world->replica), count);
    reopen(world, 4 * 1024 * 1024);
    assert_int_equal(replica_cursor(world->replica), count);
    for (unsigned i = 0; i < 200; i++)
        store(world, &(struct made){.id = 20000 + i, .name = text}, 1, 20000 + i);
}

struct nested {
    struct world *world;
    unsigned outer;
};

static bool walk_again(void *context, struct bytes encoded)
{
    struct nested *nested = context;
    (void)encoded;
    nested->outer++;
    expect_each(nested->world, "note", nested->outer < 3 ? "1 2 3" : "1 2 3 9");
    if (nested->outer == 2) /* a write while a walk is under way */
        store(nested->world, &(struct made){.id = 9}, 1, 77);
    return true;
}

static void a_walk_sees_its_own_moment_and_may_be_nested(void **state)
{
    struct world *world = *state;
    const struct made made[] = {{.id = 1}, {.id = 2}, {.id = 3}};
    struct nested nested = {.world = world};
    store(world, made, 3, 1);
    assert_ok(replica_each(world->replica, (struct bytes){0}, walk_again, &nested));
    assert_int_equal(nested.outer, 3);
    expect_each(world, NULL, "1 2 3 9");
}

static bool stop_at_once(void *context, struct bytes encoded)
{
    (void)encoded;
    (*(unsigned *)context)++;
    return false;
}

static void a_walk_ends_when_the_caller_has_enough(void **state)
{
    struct world *world = *state;
    const struct made made[] = {{.id = 1}, {.id = 2}};
    unsigned calls = 0;
    store(world, made, 2, 1);
    assert_ok(replica_each(world->replica, bytes_text("note"), stop_at_once, &calls));
    assert_int_equal(calls, 1);
}

static void scopes_and_backfills_are_met_in_order_each_once(void **state)
{
    struct world *world = *state;
    const struct scope last = {SCOPE_ACCOUNT,
                               {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                 0xff, 0xff, 0xff, 0xff, 0xff}}};
    const struct made made[] = {{.id = 1, .scope = last},
                                {.id = 2, .scope = account_of(2)},
                                {.id = 3, .scope = account_of(2)},
                                {.id = 4, .scope = {SCOPE_LIBRARY, {{0}}}}};
    const struct scope expected[] = {account_of(2), last, {SCOPE_LIBRARY, {{0}}}};
    struct scope scope;
    struct replica_backfill backfill;
    store(world, made, 4, 1);
    assert_ok(replica_begin(world->replica));
    for (size_t i = 0; i < 3; i++)
        assert_ok(
            replica_put_backfill(world->replica, &(struct replica_backfill){expected[i], i, 100}));
    assert_ok(replica_commit(world->replica));
    for (size_t i = 0; i < 3; i++) {
        assert_ok(replica_next_scope(world->replica, i > 0 ? &scope : NULL, &scope));
        assert_true(scope_equal(scope, expected[i]));
        assert_ok(replica_next_backfill(world->replica, i > 0 ? &backfill.scope : NULL, &backfill));
        assert_true(scope_equal(backfill.scope, expected[i]));
        assert_int_equal(backfill.from, i);
    }
    assert_int_equal(replica_next_scope(world->replica, &scope, &scope), STATUS_NOT_FOUND);
    assert_int_equal(replica_next_backfill(world->replica, &backfill.scope, &backfill),
                     STATUS_NOT_FOUND);
}

static void the_folder_is_for_its_owner_alone(void **state)
{
    struct world *world = *state;
    char path[512];
    struct stat info;
    snprintf(path, sizeof path, "%s/deep/er", world->folder);
    struct replica *replica = NULL;
    assert_ok(replica_open(path, 0, &world->port.port, &replica, NULL));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    replica_close(replica);
    folder_remove(strdup(path));
    snprintf(path, sizeof path, "%s/deep", world->folder);
    folder_remove(strdup(path));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(records_are_met_by_id_and_by_entity),
        TEST(a_timeline_is_newest_first_and_of_one_account),
        TEST(a_timeline_goes_by_the_entitys_own_time),
        TEST(a_record_that_moves_leaves_nothing_behind),
        TEST(an_abort_leaves_everything_as_it_was),
        TEST(a_process_that_dies_in_the_middle_loses_only_the_middle),
        TEST(the_clients_id_lasts),
        TEST(another_format_or_a_damaged_file_is_begun_anew),
        TEST(a_full_map_refuses_and_a_larger_one_goes_on),
        TEST(a_walk_sees_its_own_moment_and_may_be_nested),
        TEST(a_walk_ends_when_the_caller_has_enough),
        TEST(scopes_and_backfills_are_met_in_order_each_once),
        TEST(the_folder_is_for_its_owner_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

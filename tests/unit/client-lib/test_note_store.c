/* Live notes in the outbox's file: rows, who stands where, and what leaves. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include <lmdb.h>

#include "client-lib/note/note_store.h"
#include "traces.h"

#define NOTE id_of(40)

struct world {
    struct fake_port port;
    char *folder;
    struct outbox_store *store;
};

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    fake_port_init(&world.port);
    world.folder = folder_new();
    *state = &world;
    assert_ok(outbox_store_open(world.folder, &world.port.port, &world.store, NULL, NULL));
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    outbox_store_close(world->store);
    folder_remove(world->folder);
    return 0;
}

static void open_again(struct world *world)
{
    outbox_store_close(world->store);
    world->store = NULL;
    assert_ok(outbox_store_open(world->folder, &world->port.port, &world->store, NULL, NULL));
}

/* ---- Words ---- */

static void save(struct world *world, struct note_head *head, const char *text, bool seen)
{
    struct note_writing *writing = NULL;
    assert_ok(note_store_begin(world->store, NOTE, head, &writing));
    assert_ok(note_store_save(writing, bytes_text(text), seen));
    assert_ok(note_store_end(writing, head, STATUS_OK));
}

static enum status add(struct world *world, struct note_head *head, const char *row)
{
    struct note_writing *writing = NULL;
    enum status status = note_store_begin(world->store, NOTE, head, &writing);
    if (status != STATUS_OK)
        return status;
    return note_store_end(writing, head, note_store_add(writing, bytes_text(row)));
}

static enum status take_saved(void *context, struct bytes saved)
{
    buffer_append_byte(context, '[');
    buffer_append(context, saved.data, saved.size);
    buffer_append_byte(context, ']');
    return STATUS_OK;
}

static enum status take_row(void *context, struct bytes row)
{
    buffer_append_byte(context, '/');
    buffer_append(context, row.data, row.size);
    return STATUS_OK;
}

/* What a reader who stands there gets. */
static void expect(struct world *world, uint64_t from, const char *text)
{
    struct buffer out = {0};
    struct note_head head;
    const struct note_reader reader = {&out, take_saved, take_row};
    assert_ok(note_store_read(world->store, NOTE, from, &head, &reader));
    buffer_append_byte(&out, 0);
    assert_string_equal((const char *)out.data, text);
    buffer_release(&out);
}

static unsigned format_of(struct world *world)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi table = 0;
    MDB_val key = {6, "format"}, value;
    char path[1200];
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    outbox_store_close(world->store);
    world->store = NULL;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &table), 0);
    assert_int_equal(mdb_get(txn, table, &key, &value), 0);
    unsigned format = get_u32(value.mv_data);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    assert_ok(outbox_store_open(world->folder, &world->port.port, &world->store, NULL, NULL));
    return format;
}

/* ---- Tests ---- */

static void rows_follow_what_was_saved(void **state)
{
    struct world *world = *state;
    struct note_head head = {
        .version = 3, .scope = account_of(1), .held = true, .client = id_of(9)};
    head.wanted_ms = 7;
    head.acked_ms = 5;
    save(world, &head, "text", true);
    uint64_t first = head.next;
    assert_ok(add(world, &head, "a"));
    assert_ok(add(world, &head, "b"));
    expect(world, 0, "[text]/a/b");
    expect(world, first, "/a/b");
    expect(world, first + 1, "/b");
    expect(world, head.next, "");
    open_again(world);
    struct note_head found;
    assert_ok(note_store_head(world->store, NOTE, &found));
    assert_int_equal(found.next, first + 2);
    assert_int_equal(found.version, 3);
    assert_int_equal(found.row_bytes, 2);
    assert_true(found.held);
    assert_int_equal(found.wanted_ms, 7);
    assert_int_equal(found.acked_ms, 5);
    assert_true(scope_equal(found.scope, account_of(1)));
    assert_true(id_equal(found.client, id_of(9)));
    expect(world, 0, "[text]/a/b");
}

/* Whoever has not seen the rows of another may not add any. */
static void who_is_behind_writes_nothing(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0}, other;
    save(world, &head, "text", true);
    other = head;
    assert_ok(add(world, &head, "a"));
    assert_int_equal(add(world, &other, "b"), STATUS_BEHIND);
    expect(world, 0, "[text]/a");
    other = (struct note_head){.version = 0};
    assert_int_equal(add(world, &other, "b"), STATUS_BEHIND);
    assert_ok(add(world, &head, "b"));
    expect(world, 0, "[text]/a/b");
}

static void what_is_saved_anew_is_read_by_those_who_missed_something(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0};
    save(world, &head, "text", true);
    uint64_t first = head.next;
    assert_ok(add(world, &head, "a"));
    save(world, &head, "text a", true); /* the same as before, in fewer rows */
    expect(world, head.next, "");
    expect(world, first, "[text a]");
    uint64_t before = head.next;
    save(world, &head, "other", false);
    expect(world, before, "[other]");
    assert_ok(add(world, &head, "b"));
    expect(world, head.next - 1, "/b");
    assert_false(note_store_is_outgrown(&head));
    head.row_bytes = head.saved_bytes + NOTE_STORE_SLACK + 1;
    assert_true(note_store_is_outgrown(&head));
}

static void what_failed_is_not_there(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0};
    struct note_writing *writing = NULL;
    save(world, &head, "text", true);
    struct note_head before = head;
    assert_ok(note_store_begin(world->store, NOTE, &head, &writing));
    assert_ok(note_store_add(writing, bytes_text("a")));
    assert_int_equal(note_store_end(writing, &head, STATUS_TOO_LARGE), STATUS_TOO_LARGE);
    assert_int_equal(head.next, before.next);
    expect(world, 0, "[text]");
    assert_ok(add(world, &head, "b"));
    expect(world, 0, "[text]/b");
}

/* One that is kept again begins above all that anybody has seen of it. */
static void what_is_dropped_leaves_the_file(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0}, found;
    struct note_writing *writing = NULL;
    save(world, &head, "secret text of others", true);
    assert_ok(add(world, &head, "and a row of them"));
    uint64_t seen = head.next;
    assert_true(traces_left(world->folder, "secret t") > 0);
    assert_true(traces_left(world->folder, "and a ro") > 0);
    assert_ok(note_store_begin(world->store, NOTE, &head, &writing));
    assert_ok(note_store_end(writing, &head, note_store_drop(writing)));
    assert_int_equal(head.next, 0);
    assert_int_equal(note_store_head(world->store, NOTE, &found), STATUS_NOT_FOUND);
    assert_true(outbox_store_is_stale(world->store));
    assert_ok(outbox_store_rest(world->store));
    assert_int_equal(traces_left(world->folder, "secret t"), 0);
    assert_int_equal(traces_left(world->folder, "and a ro"), 0);
    save(world, &head, "again", true);
    assert_true(head.next > seen);
}

/* Long documents lie in pages of their own. */
static void a_long_text_that_was_replaced_leaves_the_file(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0};
    static char text[150001];
    memset(text, 'x', sizeof text - 1);
    memcpy(text + 140000, "longtext", 8);
    save(world, &head, text, true);
    assert_true(traces_left(world->folder, "longtext") > 0);
    save(world, &head, "short", false);
    assert_ok(outbox_store_rest(world->store));
    assert_int_equal(traces_left(world->folder, "longtext"), 0);
    expect(world, 0, "[short]");
}

static void the_format_is_raised_with_the_first_note(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0};
    assert_int_equal(format_of(world), 1);
    save(world, &head, "text", true);
    assert_int_equal(format_of(world), 2);
    expect(world, 0, "[text]");
}

/* As an older library left it: without the tables of notes. */
static void a_file_of_an_older_library_opens(void **state)
{
    struct world *world = *state;
    static const char *const tables[] = {"notes", "note saved", "note rows"};
    struct note_head head = {.version = 0};
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    char path[1200];
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    outbox_store_close(world->store);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    for (size_t i = 0; i < 3; i++) {
        MDB_dbi table = 0;
        assert_int_equal(mdb_dbi_open(txn, tables[i], 0, &table), 0);
        assert_int_equal(mdb_drop(txn, table, 1), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    world->store = NULL;
    assert_ok(outbox_store_open(world->folder, &world->port.port, &world->store, NULL, NULL));
    assert_int_equal(note_store_head(world->store, NOTE, &head), STATUS_NOT_FOUND);
    save(world, &head, "text", true);
    expect(world, 0, "[text]");
}

static void another_user_finds_no_note(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0};
    assert_ok(outbox_store_set_user(world->store, id_of(1), bytes_text("kari")));
    save(world, &head, "text", true);
    assert_ok(outbox_store_set_user(world->store, id_of(1), bytes_text("kari l")));
    expect(world, 0, "[text]");
    assert_ok(outbox_store_set_user(world->store, id_of(2), bytes_text("ola")));
    assert_int_equal(note_store_head(world->store, NOTE, &head), STATUS_NOT_FOUND);
}

/* ---- Bytes that no library wrote ---- */

/* Works on a table behind the store's back. */
static void damage(struct world *world, const char *name, void (*work)(MDB_txn *txn, MDB_dbi table))
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi table = 0;
    char path[1200];
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    outbox_store_close(world->store);
    world->store = NULL;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, name, 0, &table), 0);
    work(txn, table);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    assert_ok(outbox_store_open(world->folder, &world->port.port, &world->store, NULL, NULL));
}

static void put_garbage(MDB_txn *txn, MDB_dbi table)
{
    struct id id = NOTE;
    MDB_val key = {ID_SIZE, id.octet}, value = {7, "garbage"};
    assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
}

/* It can be dropped, and the note begun anew. */
static void expect_corrupt(struct world *world)
{
    struct buffer out = {0};
    struct note_head head = {.next = 0};
    struct note_writing *writing = NULL;
    const struct note_reader reader = {&out, take_saved, take_row};
    assert_int_equal(note_store_read(world->store, NOTE, 0, &head, &reader), STATUS_CORRUPT);
    assert_ok(note_store_begin(world->store, NOTE, NULL, &writing));
    assert_ok(note_store_end(writing, NULL, note_store_drop(writing)));
    head = (struct note_head){.version = 0};
    save(world, &head, "anew", true);
    expect(world, 0, "[anew]");
    buffer_release(&out);
}

static void a_damaged_head_is_corrupt_and_can_be_dropped(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0};
    struct note_writing *writing = NULL;
    save(world, &head, "text", true);
    damage(world, "notes", put_garbage);
    assert_int_equal(note_store_head(world->store, NOTE, &head), STATUS_CORRUPT);
    head.next = 0;
    assert_int_equal(note_store_begin(world->store, NOTE, &head, &writing), STATUS_CORRUPT);
    expect_corrupt(world);
}

/* Numbers that do not go together, or from which could not be counted on. */
static void put_far_numbers(MDB_txn *txn, MDB_dbi table)
{
    struct id id = NOTE;
    MDB_val key = {ID_SIZE, id.octet}, value;
    uint8_t head[256];
    assert_int_equal(mdb_get(txn, table, &key, &value), 0);
    assert_true(value.mv_size <= sizeof head);
    memcpy(head, value.mv_data, value.mv_size);
    value.mv_data = head;
    put_u64(head + 12, UINT64_MAX - 1); /* next */
    assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
}

static void a_head_of_rows_without_end_is_corrupt(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0};
    save(world, &head, "text", true);
    damage(world, "notes", put_far_numbers);
    assert_int_equal(note_store_head(world->store, NOTE, &head), STATUS_CORRUPT);
    expect_corrupt(world);
}

static void drop_all(MDB_txn *txn, MDB_dbi table)
{
    assert_int_equal(mdb_drop(txn, table, 0), 0);
}

static void rows_that_are_missing_are_no_end_of_them(void **state)
{
    struct world *world = *state;
    static const char *const tables[] = {"note rows", "note saved"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct note_head head;
        enum status status = note_store_head(world->store, NOTE, &head);
        assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
        save(world, &head, "text", true);
        assert_ok(add(world, &head, "row"));
        damage(world, tables[i], drop_all);
        expect_corrupt(world);
    }
}

/* As many as there may be, of which nothing can be read. */
static void fill(MDB_txn *txn, MDB_dbi table)
{
    struct id id = {{0xff}};
    MDB_val key = {ID_SIZE, id.octet}, value = {1, "x"};
    for (uint32_t i = 0; i < NOTE_STORE_MOST; i++) {
        put_u32(id.octet + 8, i);
        assert_int_equal(mdb_put(txn, table, &key, &value, 0), 0);
    }
}

static bool count_note(void *context, struct id id, const struct note_head *head)
{
    (void)id;
    (void)head;
    ++*(unsigned *)context;
    return true;
}

static void there_is_room_for_so_many(void **state)
{
    struct world *world = *state;
    struct note_head head = {.version = 0};
    struct note_writing *writing = NULL;
    unsigned count = 0;
    save(world, &head, "text", true);
    damage(world, "notes", fill);
    assert_ok(add(world, &head, "a row of one that is there"));
    assert_ok(note_store_each(world->store, count_note, &count));
    assert_int_equal(count, 1); /* those that cannot be read are passed over */
    head = (struct note_head){.version = 0};
    assert_int_equal(note_store_begin(world->store, id_of(41), &head, &writing), STATUS_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_follow_what_was_saved),
        TEST(who_is_behind_writes_nothing),
        TEST(what_is_saved_anew_is_read_by_those_who_missed_something),
        TEST(what_failed_is_not_there),
        TEST(what_is_dropped_leaves_the_file),
        TEST(a_long_text_that_was_replaced_leaves_the_file),
        TEST(the_format_is_raised_with_the_first_note),
        TEST(a_file_of_an_older_library_opens),
        TEST(another_user_finds_no_note),
        TEST(a_damaged_head_is_corrupt_and_can_be_dropped),
        TEST(a_head_of_rows_without_end_is_corrupt),
        TEST(rows_that_are_missing_are_no_end_of_them),
        TEST(there_is_room_for_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

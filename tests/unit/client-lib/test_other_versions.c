/* Folders that another version of the library wrote: a replica opens or is filled again, and what
 * was typed is lost in neither direction. The files are put together here, byte by byte, as those
 * versions write them. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/outbox/outbox_entry.h"
#include "durable_server.h"

#define NOTES 3u

static struct durable_server shop;
static struct outcome outcomes[NOTES];

static int set_up_shop(void **state)
{
    durable_server_init(&shop);
    memset(outcomes, 0, sizeof outcomes);
    return set_up(state);
}

static int tear_down_shop(void **state)
{
    durable_server_release(&shop);
    return tear_down(state);
}

/* ---- Files ---- */

struct raw {
    MDB_env *env;
    MDB_txn *txn;
};

static const char *path_in(const struct world *world, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    return path;
}

/* Opens a file of the folder, or makes it. */
static struct raw raw_begin(const struct world *world, const char *name)
{
    struct raw raw;
    const bool replica = strcmp(name, "data.mdb") == 0;
    assert_int_equal(mdb_env_create(&raw.env), 0);
    assert_int_equal(mdb_env_set_maxdbs(raw.env, 20), 0);
    assert_int_equal(mdb_env_open(raw.env, replica ? world->folder : path_in(world, name),
                                  replica ? 0 : MDB_NOSUBDIR, 0600),
                     0);
    assert_int_equal(mdb_txn_begin(raw.env, NULL, 0, &raw.txn), 0);
    return raw;
}

static void raw_end(struct raw *raw)
{
    assert_int_equal(mdb_txn_commit(raw->txn), 0);
    mdb_env_close(raw->env);
}

static void raw_put(struct raw *raw, const char *table, struct bytes key, struct bytes value)
{
    MDB_dbi dbi;
    MDB_val at = {key.size, (void *)(uintptr_t)key.data};
    MDB_val data = {value.size, (void *)(uintptr_t)value.data};
    assert_int_equal(mdb_dbi_open(raw->txn, table, MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(raw->txn, dbi, &at, &data, 0), 0);
}

/* Valid until the transaction ends; none when it is not there. */
static struct bytes raw_get(struct raw *raw, const char *table, struct bytes key)
{
    MDB_dbi dbi;
    MDB_val at = {key.size, (void *)(uintptr_t)key.data}, data;
    assert_int_equal(mdb_dbi_open(raw->txn, table, 0, &dbi), 0);
    if (mdb_get(raw->txn, dbi, &at, &data) != 0)
        return (struct bytes){0};
    return bytes_of(data.mv_data, data.mv_size);
}

static void raw_put_number(struct raw *raw, const char *name, uint32_t number)
{
    uint8_t octets[4];
    put_u32(octets, number);
    raw_put(raw, "meta", bytes_text(name), bytes_of(octets, sizeof octets));
}

/* All bytes of a file; the caller frees. */
static char *contents(const struct world *world, const char *name, size_t *size)
{
    struct stat stat_of;
    FILE *file = fopen(path_in(world, name), "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &stat_of), 0);
    *size = (size_t)stat_of.st_size;
    char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static bool file_has(const struct world *world, const char *name, const char *text)
{
    size_t size;
    char *bytes = contents(world, name, &size);
    const bool found = memmem(bytes, size, text, strlen(text)) != NULL;
    free(bytes);
    return found;
}

/* ---- Replicas ---- */

#define HELD "what the former library held"
#define HELD_SEQ 60

static void put_index(struct raw *raw, const char *table, struct bytes key)
{
    raw_put(raw, table, key, bytes_of("", 0));
}

/* One note of account 1, in all tables that imply it. */
static void put_note(struct raw *raw)
{
    struct buffer record = {0}, fields = {0}, key = {0};
    uint8_t octets[SCOPE_SIZE], time[8];
    const struct id id = id_of(1);
    wire_put_map(&fields, 1);
    wire_put_text(&fields, "text");
    wire_put_text(&fields, HELD);
    put_record(&record, &(struct made){.id = 1, .seq = HELD_SEQ, .fields = buffer_bytes(&fields)});
    scope_put(account_of(1), octets);
    raw_put(raw, "records", bytes_of(id.octet, ID_SIZE), buffer_bytes(&record));
    buffer_append(&key, "note", 5);
    buffer_append(&key, id.octet, ID_SIZE);
    put_index(raw, "entities", buffer_bytes(&key));
    buffer_clear(&key);
    buffer_append(&key, octets, sizeof octets);
    buffer_append(&key, id.octet, ID_SIZE);
    put_index(raw, "scopes", buffer_bytes(&key));
    put_u64(time, UINT64_C(1) << 63);
    buffer_clear(&key);
    buffer_append(&key, octets, sizeof octets);
    buffer_append(&key, time, sizeof time);
    buffer_append(&key, id.octet, ID_SIZE);
    put_index(raw, "timeline", buffer_bytes(&key));
    buffer_release(&record);
    buffer_release(&fields);
    buffer_release(&key);
}

/* A replica of the first format, or one that says that it is of a later. */
static void make_replica(const struct world *world, uint32_t format)
{
    const struct id some = id_of(900), client = id_of(901);
    uint8_t cursor[8];
    (void)unlink(path_in(world, "data.mdb"));
    struct raw raw = raw_begin(world, "data.mdb");
    put_u64(cursor, HELD_SEQ);
    raw_put_number(&raw, "format", format);
    raw_put(&raw, "meta", bytes_text("cursor"), bytes_of(cursor, sizeof cursor));
    raw_put(&raw, "meta", bytes_text("epoch"), bytes_of(some.octet, ID_SIZE));
    raw_put(&raw, "meta", bytes_text("client"), bytes_of(client.octet, ID_SIZE));
    raw_put(&raw, "meta", bytes_text("subscription"), bytes_text("all"));
    put_note(&raw);
    if (format > 1) {
        raw_put(&raw, "meta", bytes_text("remains"), bytes_of("", 1));
        raw_put(&raw, "pictures", bytes_text("one"), bytes_text("of a kind that is not known yet"));
    }
    raw_end(&raw);
    FILE *lock = fopen(path_in(world, "lock"), "w"); /* which the first version had */
    assert_non_null(lock);
    fclose(lock);
}

static bool see(void *context, const tandem_record *record)
{
    *(bool *)context = strcmp(tandem_record_text(record, "text"), HELD) == 0;
    return false;
}

static bool note_is_held(struct world *world)
{
    bool held = false;
    const tandem_code code = tandem_get(world->client, id_text(1), see, &held);
    assert_true(code == TANDEM_OK || code == STATUS_NOT_FOUND);
    return held;
}

/* ---- What waits ---- */

static void leave(struct world *world)
{
    tandem_close(world->client);
    world->client = NULL;
    durable_forget_frames();
}

/* Notes typed without a network, and the folder closed. */
static void type_notes(struct world *world)
{
    open_client(world, true);
    for (unsigned i = 0; i < NOTES; i++) {
        char text[TEXT_MOST];
        snprintf(text, sizeof text, "note %u", i);
        assert_ok(send_note(world, text, &outcomes[i]));
    }
    leave(world);
}

/* They wait now, and each is applied once when there is a network. */
static void expect_notes(struct world *world)
{
    assert_int_equal(tandem_outbox_count(world->client, 0), NOTES);
    assert_int_equal(tandem_outbox_count(world->client, 1u << TANDEM_ENTRY_WAITING), NOTES);
    assert_ok(tandem_connect(world->client, &usual, NULL));
    durable_settle(world, &shop);
    assert_int_equal(shop.text_count, NOTES);
    for (unsigned i = 0; i < NOTES; i++) {
        char text[TEXT_MOST];
        snprintf(text, sizeof text, "note %u", i);
        assert_string_equal(shop.texts[i], text);
    }
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
}

/* ---- Replicas of other versions ---- */

/* The first version had no outbox. */
static void a_folder_of_the_first_version_is_filled_anew(void **state)
{
    struct world *world = *state;
    make_replica(world, 1);
    assert_true(file_has(world, "data.mdb", HELD));
    open_client(world, true);
    assert_int_equal(tandem_cursor(world->client), 0);
    assert_false(note_is_held(world));
    assert_false(file_has(world, "data.mdb", HELD));
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
    leave(world);
    type_notes(world);
    open_client(world, true);
    expect_notes(world);
}

static void an_older_replica_takes_no_outbox_with_it(void **state)
{
    struct world *world = *state;
    type_notes(world);
    make_replica(world, 1);
    open_client(world, true);
    assert_int_equal(tandem_cursor(world->client), 0);
    assert_false(note_is_held(world));
    expect_notes(world);
}

/* Whoever goes back to an older library finds what a newer one has left. */
static void a_newer_replica_takes_no_outbox_with_it(void **state)
{
    struct world *world = *state;
    type_notes(world);
    make_replica(world, 99);
    open_client(world, true);
    assert_int_equal(tandem_cursor(world->client), 0);
    assert_false(note_is_held(world));
    expect_notes(world);
}

/* Formats change only when what is in them means something else. */
static void what_a_newer_library_adds_to_a_replica_does_not_matter(void **state)
{
    struct world *world = *state;
    make_replica(world, 2);
    struct raw raw = raw_begin(world, "data.mdb");
    raw_put(&raw, "meta", bytes_text("colours"), bytes_text("many"));
    raw_end(&raw);
    open_client(world, true);
    assert_int_equal(tandem_cursor(world->client), HELD_SEQ);
    assert_true(note_is_held(world));
    leave(world);
    raw = raw_begin(world, "data.mdb");
    assert_true(bytes_is(raw_get(&raw, "meta", bytes_text("colours")), "many"));
    assert_int_not_equal(raw_get(&raw, "pictures", bytes_text("one")).size, 0);
    raw_end(&raw);
}

/* ---- Outboxes of other versions ---- */

static struct bytes key_of(uint64_t order)
{
    static uint8_t octets[8];
    put_u64(octets, order);
    return bytes_of(octets, sizeof octets);
}

/* Adds {"shade": ["blue", 7]} to an entry, and an entry to meta. */
static void add_unknown(const struct world *world, uint64_t order)
{
    struct raw raw = raw_begin(world, "outbox.mdb");
    struct buffer larger = {0};
    struct bytes entry = raw_get(&raw, "entries", key_of(order)), key, value;
    struct wire_reader reader = wire_read(entry);
    uint32_t count = 0;
    assert_true(wire_get_map(&reader, &count));
    wire_put_map(&larger, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(wire_skip(&reader, &key) && wire_skip(&reader, &value));
        wire_put_raw(&larger, key);
        wire_put_raw(&larger, value);
    }
    wire_put_text(&larger, "shade");
    wire_put_array(&larger, 2);
    wire_put_text(&larger, "blue");
    wire_put_uint(&larger, 7);
    raw_put(&raw, "entries", key_of(order), buffer_bytes(&larger));
    raw_put(&raw, "meta", bytes_text("palette"), bytes_text("wide"));
    raw_put(&raw, "pictures", bytes_text("one"), bytes_text("of a kind that is not known yet"));
    raw_end(&raw);
    buffer_release(&larger);
}

/* The state of the entry as stored, which has what was added to it. */
static uint64_t stored_state(const struct world *world, uint64_t order)
{
    struct raw raw = raw_begin(world, "outbox.mdb");
    struct bytes entry = raw_get(&raw, "entries", key_of(order)), shade, text;
    uint64_t state = UINT64_MAX, number = 0;
    uint32_t count = 0;
    assert_true(wire_map_find(entry, "shade", &shade));
    struct wire_reader reader = wire_read(shade);
    assert_true(wire_get_array(&reader, &count) && count == 2);
    assert_true(wire_get_str(&reader, &text) && bytes_is(text, "blue"));
    assert_true(wire_get_uint(&reader, &number) && number == 7);
    assert_true(wire_map_uint(entry, "state", &state));
    assert_true(bytes_is(raw_get(&raw, "meta", bytes_text("palette")), "wide"));
    assert_int_not_equal(raw_get(&raw, "pictures", bytes_text("one")).size, 0);
    raw_end(&raw);
    return state;
}

/* Through numbering, sending and a refusal, each of which writes the entry anew. */
static void what_a_newer_library_adds_to_an_outbox_is_kept(void **state)
{
    struct world *world = *state;
    type_notes(world);
    add_unknown(world, 1);
    assert_int_equal(stored_state(world, 1), TANDEM_ENTRY_WAITING);
    durable_start(world);
    for (int turn = 0;
         turn < 20 && tandem_outbox_count(world->client, 1u << TANDEM_ENTRY_SENT) == 0; turn++) {
        assert_ok(tandem_service(world->client));
        if (server.sent_seen < server.sent_count &&
            server.sent[server.sent_seen].message.type == MESSAGE_HELLO)
            durable_serve(&shop);
    }
    durable_crash(world);
    assert_int_equal(stored_state(world, 1), TANDEM_ENTRY_SENT);
    shop.refuse = "denied";
    durable_start(world);
    durable_settle(world, &shop);
    leave(world);
    assert_int_equal(stored_state(world, 1), TANDEM_ENTRY_REFUSED);
    assert_int_equal(shop.text_count, NOTES - 1);
}

static void an_outbox_that_only_a_newer_library_can_read_is_left_alone(void **state)
{
    struct world *world = *state;
    const tandem_options options = {.replica = world->folder};
    tandem_fault fault = {0};
    tandem_client *none = NULL;
    size_t size = 0, size_after = 0;
    type_notes(world);
    struct raw raw = raw_begin(world, "outbox.mdb");
    raw_put_number(&raw, "format", 3);
    raw_end(&raw);
    char *before = contents(world, "outbox.mdb", &size);
    assert_int_equal(tandem_open(&options, &none, &fault), TANDEM_CODE_FORMAT_VERSION);
    assert_null(none);
    assert_non_null(strstr(fault.detail, "3 changes wait"));
    assert_non_null(strstr(fault.detail, "newer version"));
    char *after = contents(world, "outbox.mdb", &size_after);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
    /* The newer library is installed again. */
    raw = raw_begin(world, "outbox.mdb");
    raw_put_number(&raw, "format", 1);
    raw_end(&raw);
    open_client(world, true);
    expect_notes(world);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_shop, tear_down_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_folder_of_the_first_version_is_filled_anew),
        TEST(an_older_replica_takes_no_outbox_with_it),
        TEST(a_newer_replica_takes_no_outbox_with_it),
        TEST(what_a_newer_library_adds_to_a_replica_does_not_matter),
        TEST(what_a_newer_library_adds_to_an_outbox_is_kept),
        TEST(an_outbox_that_only_a_newer_library_can_read_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

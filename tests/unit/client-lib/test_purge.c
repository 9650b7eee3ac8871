/* What access to has ended is in no file of the folder when the program is told so: seen by a whole
 * client, whose folder is searched from inside the callback. */
#include "client_world.h"
#include "reader_process.h"
#include "traces.h"

#include "client-lib/replica/replica_index.h"

#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ACCOUNTS 3
#define EACH 120 /* records of an account */
#define TEXT_MOST 9000

/* What may not be found any more when `kind` is told, and how often it was then. */
static struct {
    struct traces gone;
    tandem_event_kind kind;
    bool on;
    unsigned told;
    size_t found;
} search;

/* From now on. */
static void search_at(tandem_event_kind kind)
{
    search.kind = kind;
    search.on = true;
}

static void watch(struct world *world, const tandem_event *event)
{
    world->told_count = 0;
    if (!search.on || event->kind != search.kind)
        return;
    search.told++;
    search.found += traces_find(&search.gone, world->folder, true);
}

static int set_up_search(void **state)
{
    memset(&search, 0, sizeof search);
    traces_init(&search.gone);
    int result = set_up(state);
    ((struct world *)*state)->watch = watch;
    return result;
}

static int tear_down_search(void **state)
{
    int result = tear_down(state);
    traces_release(&search.gone);
    return result;
}

/* ---- Records that can be told apart ---- */

static unsigned account_number(unsigned account)
{
    return 0x5bd1e995u * (account + 1);
}

static unsigned record_number(unsigned account, unsigned n)
{
    return 0x9e3779b1u * (account * 1000 + n + 1);
}

/* Eight letters that are of one version of one record alone. */
static void trace_of(unsigned account, unsigned n, unsigned version, char out[TRACE_SIZE + 1])
{
    uint64_t value = (account * 1000 + n + 1) * UINT64_C(0x9e3779b97f4a7c15) + version * 77;
    for (int i = 0; i < TRACE_SIZE; i++, value /= 26)
        out[i] = (char)('a' + value % 26);
    out[TRACE_SIZE] = 0;
}

/* Some texts are long: up to three pages of the file. */
static size_t length_of(unsigned n)
{
    return n % 9 == 0 ? 1500 + n * 60 : 16 + n % 200;
}

static const char *text_of(unsigned account, unsigned n, unsigned version)
{
    static char text[TEXT_MOST + 1];
    char trace[TRACE_SIZE + 1];
    size_t length = length_of(n);
    assert_true(length <= TEXT_MOST);
    trace_of(account, n, version, trace);
    for (size_t i = 0; i < length; i++)
        text[i] = trace[i % TRACE_SIZE];
    text[length] = 0;
    return text;
}

static struct scope scope_of(unsigned account)
{
    return account_of(account_number(account));
}

static void id_is_gone(struct id id)
{
    char text[ID_TEXT_SIZE];
    id_to_text(id, text);
    traces_add(&search.gone, id.octet + ID_SIZE - TRACE_SIZE);
    traces_add(&search.gone, text + ID_TEXT_SIZE - 1 - TRACE_SIZE);
}

static void version_is_gone(unsigned account, unsigned n, unsigned version)
{
    char trace[TRACE_SIZE + 1];
    trace_of(account, n, version, trace);
    traces_add(&search.gone, trace);
}

static void account_is_gone(unsigned account)
{
    for (unsigned n = 0; n < EACH; n++) {
        id_is_gone(id_of(record_number(account, n)));
        version_is_gone(account, n, 0);
    }
}

/* ---- What the server says ---- */

static struct message changes_to(struct world *world, uint64_t to)
{
    struct message message = {.type = MESSAGE_CHANGES};
    message.as.changes.from = tandem_cursor(world->client);
    message.as.changes.to = to;
    return message;
}

static void tell(struct world *world, const struct message *message)
{
    for (size_t i = 0; i < server.inbox_count; i++)
        buffer_release(&server.inbox[i]);
    server.inbox_count = server.inbox_used = 0;
    say(message);
    assert_ok(tandem_service(world->client));
}

static void put_one(struct buffer *list, uint64_t seq, unsigned account, unsigned n,
                    unsigned version)
{
    const struct made made = {.id = record_number(account, n),
                              .entity = n % 3 == 0 ? "note" : "contact",
                              .scope = scope_of(account),
                              .seq = seq,
                              .created_at = 1000 * n,
                              .name = text_of(account, n, version)};
    put_record(list, &made);
}

static void say_record(struct world *world, unsigned account, unsigned n, unsigned version)
{
    struct buffer list = {0};
    struct message message = changes_to(world, tandem_cursor(world->client) + 1);
    wire_put_array(&list, 1);
    put_one(&list, message.as.changes.to, account, n, version);
    message.as.changes.records = buffer_bytes(&list);
    message_mark(&message, "records");
    tell(world, &message);
    buffer_release(&list);
}

/* Twelve records of each account, in an order of their own. */
static void say_some(struct world *world, unsigned from)
{
    struct buffer list = {0};
    struct message message = changes_to(world, tandem_cursor(world->client) + 1);
    wire_put_array(&list, 12 * ACCOUNTS);
    for (unsigned n = from; n < from + 12; n++)
        for (unsigned account = 0; account < ACCOUNTS; account++)
            put_one(&list, message.as.changes.to, account, n * 7 % EACH, 0);
    message.as.changes.records = buffer_bytes(&list);
    message_mark(&message, "records");
    tell(world, &message);
    buffer_release(&list);
}

static void say_purged(struct world *world, unsigned account)
{
    struct buffer list = {0};
    const struct scope scope = scope_of(account);
    struct message message = changes_to(world, tandem_cursor(world->client) + 1);
    message.as.changes.purged = scopes_of(&list, &scope, 1);
    message_mark(&message, "purged");
    tell(world, &message);
    buffer_release(&list);
}

static void say_entered(struct world *world, unsigned account)
{
    struct buffer list = {0};
    const struct scope scope = scope_of(account);
    struct message message = changes_to(world, tandem_cursor(world->client) + 1);
    message.as.changes.entered = scopes_of(&list, &scope, 1);
    message_mark(&message, "entered");
    tell(world, &message);
    buffer_release(&list);
}

static void say_removed(struct world *world, unsigned account, unsigned n)
{
    struct buffer list = {0};
    const unsigned number = record_number(account, n);
    struct message message = changes_to(world, tandem_cursor(world->client) + 1);
    message.as.changes.removed = ids_of(&list, &number, 1);
    message_mark(&message, "removed");
    tell(world, &message);
    buffer_release(&list);
}

static void say_caught_up(struct world *world)
{
    struct message message = {.type = MESSAGE_CAUGHT_UP};
    message.as.caught_up.seq = tandem_cursor(world->client);
    tell(world, &message);
}

static const struct {
    const char *entity, *field;
    uint8_t kind;
} indexed[] = {{"contact", "name", REPLICA_INDEX_BY_SHAPE}, {"note", "text", KIND_LONG_TEXT}};

/* Indexes of the fields that have the texts. */
static void make_indexes(struct world *world)
{
    struct replica *replica = world->client->replica;
    for (size_t i = 0; i < 2; i++) {
        const struct replica_index_name name = {bytes_text(indexed[i].entity),
                                                bytes_text(indexed[i].field), indexed[i].kind};
        enum replica_index_state made = REPLICA_INDEX_NONE;
        replica_index_want(replica, &name);
        for (int turns = 0; turns < 10 && made != REPLICA_INDEX_WHOLE; turns++) {
            assert_ok(tandem_service(world->client));
            assert_ok(replica_index_look(replica, &name, &made));
        }
        assert_int_equal(made, REPLICA_INDEX_WHOLE);
    }
}

/* A client that holds three accounts, their records in a mixed order, and indexes of what is in
 * them: made when there are some, and kept up with the rest. */
static void open_full(struct world *world)
{
    open_client(world, true);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    sign_in(world, 0);
    for (unsigned n = 0; n < EACH; n += 12) {
        say_some(world, n);
        if (n == 48)
            make_indexes(world);
    }
    say_caught_up(world);
}

/* ---- What the client holds ---- */

struct found {
    unsigned count;
    const char *text;
};

static bool take_record(void *context, const tandem_record *record)
{
    struct found *found = context;
    const char *text = tandem_record_text(record, "text");
    if (text == NULL)
        text = tandem_record_text(record, "name");
    found->count++;
    if (found->text != NULL)
        assert_string_equal(text, found->text);
    return true;
}

static void expect_account(struct world *world, unsigned account, bool held)
{
    for (unsigned n = 0; n < EACH; n++) {
        struct found found = {.text = text_of(account, n, 0)};
        assert_int_equal(
            tandem_get(world->client, id_text(record_number(account, n)), take_record, &found),
            held ? STATUS_OK : STATUS_NOT_FOUND);
        assert_int_equal(found.count, held);
    }
}

static void expect_nothing_found(struct world *world)
{
    assert_int_equal(traces_find(&search.gone, world->folder, true), 0);
}

/* ---- Purged, entered, reset ---- */

static void nothing_of_a_purged_account_is_left_when_it_is_told(void **state)
{
    struct world *world = *state;
    open_full(world);
    account_is_gone(1);
    assert_true(traces_find(&search.gone, world->folder, false) > EACH);
    search_at(TANDEM_EVENT_PURGED);
    say_purged(world, 1);
    assert_int_equal(search.told, 1);
    assert_int_equal(search.found, 0);
    expect_account(world, 0, true);
    expect_account(world, 1, false);
    expect_account(world, 2, true);
    /* Nor does anything bring it back. */
    for (unsigned n = 0; n < 40; n++)
        say_record(world, 0, n, 1);
    expect_nothing_found(world);
}

static void nothing_that_was_held_of_it_is_left_when_an_account_has_entered(void **state)
{
    struct world *world = *state;
    open_full(world);
    account_is_gone(2);
    search_at(TANDEM_EVENT_ENTERED);
    say_entered(world, 2);
    assert_int_equal(search.told, 1);
    assert_int_equal(search.found, 0);
    expect_account(world, 2, false);
    expect_account(world, 1, true);
}

static void nothing_at_all_is_left_after_a_reset(void **state)
{
    struct world *world = *state;
    struct message message = {.type = MESSAGE_RESET};
    open_full(world);
    for (unsigned account = 0; account < ACCOUNTS; account++)
        account_is_gone(account);
    search_at(TANDEM_EVENT_RESET);
    message.as.reset.epoch = id_of(4711);
    message.as.reset.reason = bytes_text("epoch");
    tell(world, &message);
    assert_int_equal(search.told, 1);
    assert_int_equal(search.found, 0);
}

static void nothing_is_left_of_what_another_user_held(void **state)
{
    struct world *world = *state;
    struct message welcome = {.type = MESSAGE_WELCOME};
    open_full(world);
    for (unsigned account = 0; account < ACCOUNTS; account++)
        account_is_gone(account);
    search_at(TANDEM_EVENT_RESET);
    assert_ok(tandem_connect(world->client, &usual, NULL));
    assert_ok(tandem_service(world->client)); /* connects and says hello */
    welcome.as.welcome.version = 1;
    welcome.as.welcome.user = id_of(501);
    welcome.as.welcome.name = bytes_text("nils");
    welcome.as.welcome.role = bytes_text("Member");
    welcome.as.welcome.epoch = id_of(4711);
    tell(world, &welcome);
    assert_int_equal(search.told, 1);
    assert_int_equal(search.found, 0);
    expect_account(world, 0, false);
}

/* An account whose records went one by one before leaves nothing either. */
static void a_purge_takes_what_was_removed_and_replaced_before(void **state)
{
    struct world *world = *state;
    open_full(world);
    account_is_gone(1);
    for (unsigned n = 0; n < EACH; n += 3) {
        say_record(world, 1, n, 1);
        version_is_gone(1, n, 1);
        say_removed(world, 1, n);
    }
    search_at(TANDEM_EVENT_PURGED);
    say_purged(world, 1);
    assert_int_equal(search.told, 1);
    assert_int_equal(search.found, 0);
}

/* ---- The outbox ---- */

static void edit(struct world *world, unsigned account, unsigned n, const char *text)
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    assert_ok(tandem_update(mutation, n % 3 == 0 ? "note" : "contact",
                            id_text(record_number(account, n))));
    assert_ok(tandem_set_text(mutation, n % 3 == 0 ? "text" : "name", text));
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    tandem_mutation_free(mutation);
}

/* What authors saw of it goes; what they wrote themselves, and of which record, stays theirs. */
static void what_was_seen_of_a_purged_account_leaves_the_outbox(void **state)
{
    struct world *world = *state;
    static const char mine[] = "what I typed myself";
    struct traces typed;
    open_full(world);
    edit(world, 1, 3, "taken, and done with");
    say_result(1, "ok", tandem_cursor(world->client) + 1);
    assert_ok(tandem_service(world->client));
    say_record(world, 1, 3, 1);
    assert_int_equal(tandem_outbox_count(world->client, 0), 0);
    edit(world, 1, 6, mine);
    version_is_gone(1, 3, 1);
    for (unsigned n = 0; n < EACH; n++)
        version_is_gone(1, n, 0);
    search_at(TANDEM_EVENT_PURGED);
    say_purged(world, 1);
    assert_int_equal(search.told, 1);
    assert_int_equal(search.found, 0);
    assert_int_equal(tandem_outbox_count(world->client, 0), 1);
    traces_init(&typed);
    traces_add(&typed, mine);
    assert_true(traces_find(&typed, world->folder, false) > 0);
    traces_release(&typed);
}

/* ---- Indexes ---- */

/* Takes the records' own bytes out of the search: what is then found is keys of indexes. */
static size_t count_keys(struct world *world, unsigned account)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    MDB_cursor *cursor;
    MDB_val key, value;
    char trace[TRACE_SIZE + 1];
    size_t count = 0;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, world->folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "fields", 0, &table), 0);
    assert_int_equal(mdb_cursor_open(txn, table, &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
        for (unsigned n = 0; n < EACH; n++) {
            trace_of(account, n, 0, trace);
            count += memmem(key.mv_data, key.mv_size, trace, TRACE_SIZE) != NULL;
        }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return count;
}

/* Keys of indexes hold values, and go as the records do: seen in the table, and in the files when
 * an index goes and the records stay elsewhere. */
static void keys_of_indexes_go_with_their_records(void **state)
{
    struct world *world = *state;
    open_full(world);
    account_is_gone(1);
    search_at(TANDEM_EVENT_PURGED);
    say_purged(world, 1);
    assert_int_equal(search.told, 1);
    assert_int_equal(search.found, 0);
    tandem_close(world->client);
    world->client = NULL;
    assert_int_equal(count_keys(world, 0), EACH);
    assert_int_equal(count_keys(world, 1), 0);
    assert_int_equal(count_keys(world, 2), EACH);
}

/* ---- Removed and replaced ---- */

static void remove_and_replace(struct world *world)
{
    for (unsigned n = 0; n < EACH; n += 3) {
        version_is_gone(0, n, 0);
        if (n % 2 == 0) {
            id_is_gone(id_of(record_number(0, n)));
            say_removed(world, 0, n);
        } else {
            say_record(world, 0, n, 1);
        }
    }
    assert_true(traces_find(&search.gone, world->folder, false) > 0);
}

static void removed_and_replaced_records_are_scrubbed_while_nothing_comes(void **state)
{
    struct world *world = *state;
    open_full(world);
    remove_and_replace(world);
    int wait = tandem_timeout(world->client);
    assert_true(wait > 0 && wait <= 2000);
    world->port.now += (uint64_t)wait;
    assert_ok(tandem_service(world->client));
    expect_nothing_found(world);
    expect_account(world, 1, true);
    assert_true(tandem_timeout(world->client) > 2000); /* and not again */
}

static void removed_and_replaced_records_are_scrubbed_when_it_is_closed(void **state)
{
    struct world *world = *state;
    open_full(world);
    remove_and_replace(world);
    tandem_close(world->client);
    world->client = NULL;
    expect_nothing_found(world);
}

/* ---- Other processes, and crashes ---- */

static size_t acks_sent(void)
{
    size_t count = 0;
    for (size_t i = 0; i < server.sent_count; i++)
        count += server.sent[i].message.type == MESSAGE_ACK;
    return count;
}

static void wait_for_it(struct world *world)
{
    for (int turns = 0; turns < 100 && search.told == 0; turns++) {
        world->port.now += (uint64_t)tandem_timeout(world->client);
        assert_ok(tandem_service(world->client));
    }
    assert_int_equal(search.told, 1);
    assert_int_equal(search.found, 0);
}

/* Tries come soon at first, and ever less often. */
static void expect_tries(struct world *world)
{
    for (int pause = 10; pause < 1000; pause *= 2) {
        assert_int_equal(tandem_timeout(world->client), pause);
        world->port.now += (uint64_t)pause;
        assert_ok(tandem_service(world->client));
    }
    assert_int_equal(search.told, 0);
}

static off_t outbox_size(struct world *world)
{
    char path[512];
    struct stat found;
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    assert_int_equal(stat(path, &found), 0);
    return found.st_size;
}

/* However long it takes: the outbox is to have room for what is typed meanwhile. */
static void expect_no_growth(struct world *world)
{
    const off_t size = outbox_size(world);
    const uint64_t begun = world->port.now;
    for (int turns = 0; turns < 50; turns++) {
        world->port.now += (uint64_t)tandem_timeout(world->client);
        assert_ok(tandem_service(world->client));
    }
    assert_int_equal(search.told, 0);
    assert_true(world->port.now - begun > 15000);
    assert_int_equal(outbox_size(world), size);
}

static tandem_event_kind order[8];
static size_t order_count;

static void note_order(struct world *world, const tandem_event *event)
{
    watch(world, event);
    if (order_count < sizeof order / sizeof *order)
        order[order_count++] = event->kind;
}

/* Neither the program nor the server hears of it while another process still sees it; all that
 * comes after it waits behind it. */
static void a_reader_elsewhere_holds_it_back(void **state)
{
    static const tandem_event_kind expected[] = {TANDEM_EVENT_PURGED, TANDEM_EVENT_CAUGHT_UP,
                                                 TANDEM_EVENT_CHANGED, TANDEM_EVENT_CAUGHT_UP,
                                                 TANDEM_EVENT_CAUGHT_UP};
    struct world *world = *state;
    struct reader reader;
    open_full(world);
    account_is_gone(1);
    search_at(TANDEM_EVENT_PURGED);
    world->watch = note_order;
    order_count = 0;
    start_reader(world->folder, &reader, false);
    size_t acks = acks_sent();
    say_purged(world, 1);
    say_record(world, 0, 1, 1);
    say_caught_up(world);
    expect_tries(world);
    /* The outbox rests in between, which may be due earlier than the next try. */
    assert_in_range(tandem_timeout(world->client), 1, 1000);
    assert_int_equal(order_count, 0);
    assert_int_equal(acks_sent(), acks);
    expect_account(world, 1, false); /* it is out of reach at once */
    end_reader(&reader);
    wait_for_it(world);
    assert_int_equal(acks_sent(), acks + 1);
    assert_int_equal(order_count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < order_count; i++)
        assert_int_equal(order[i], expected[i]);
}

static void a_reader_of_the_outbox_holds_it_back_too(void **state)
{
    struct world *world = *state;
    struct reader reader;
    open_full(world);
    edit(world, 1, 6, "mine");
    for (unsigned n = 0; n < EACH; n++)
        version_is_gone(1, n, 0);
    search_at(TANDEM_EVENT_PURGED);
    start_reader(world->folder, &reader, true);
    say_purged(world, 1);
    expect_tries(world);
    expect_no_growth(world);
    end_reader(&reader);
    wait_for_it(world);
}

/* ---- Large files ---- */

static unsigned slices;

static uint64_t large(const struct replica *replica)
{
    (void)replica;
    return UINT64_C(1) << 40;
}

static enum status scrub_a_little(struct replica *replica, size_t budget, bool *done)
{
    (void)budget;
    slices++;
    return replica_scrub(replica, 1u << 16, done);
}

/* What is too large to be scrubbed on the spot is scrubbed in turns; a message that comes in
 * between is applied, and told of behind it. */
static void a_large_file_is_scrubbed_in_turns(void **state)
{
    struct world *world = *state;
    open_full(world);
    struct sync_store store = *world->client->sync.store;
    store.scrub_bytes = large;
    store.scrub = scrub_a_little;
    slices = 0;
    world->client->sync.store = &store;
    account_is_gone(1);
    search_at(TANDEM_EVENT_PURGED);
    world->watch = note_order;
    order_count = 0;
    say_purged(world, 1);
    assert_int_equal(search.told, 0);
    assert_int_equal(tandem_timeout(world->client), 0);
    say_record(world, 0, 1, 1);
    assert_int_equal(search.told, 0);
    wait_for_it(world);
    assert_true(slices > 3);
    assert_int_equal(order[0], TANDEM_EVENT_PURGED);
    assert_int_equal(order[2], TANDEM_EVENT_CHANGED);
    expect_account(world, 2, true);
    world->client->sync.store = sync_store_replica();
}

/* The connection may end meanwhile. */
static void it_is_told_although_the_connection_was_lost(void **state)
{
    struct world *world = *state;
    struct reader reader;
    open_full(world);
    account_is_gone(1);
    search_at(TANDEM_EVENT_PURGED);
    start_reader(world->folder, &reader, false);
    say_purged(world, 1);
    hang_up(4004);
    assert_ok(tandem_service(world->client));
    assert_int_equal(search.told, 0);
    end_reader(&reader);
    server.refuse = true;
    wait_for_it(world);
    server.refuse = false;
}

static void a_crash_between_purge_and_scrub_is_made_good_when_it_is_opened(void **state)
{
    struct world *world = *state;
    struct reader reader;
    open_full(world);
    account_is_gone(1);
    start_reader(world->folder, &reader, false);
    say_purged(world, 1);
    client_abandon(world->client);
    world->client = NULL;
    end_reader(&reader);
    assert_true(traces_find(&search.gone, world->folder, false) > 0);
    open_client(world, true);
    expect_nothing_found(world);
    expect_account(world, 1, false);
    expect_account(world, 2, true);
}

/* ---- Files that are not ours to read ---- */

/* As an older library left it: what is in it is fetched again. */
static void a_replica_of_the_former_format_is_begun_anew(void **state)
{
    struct world *world = *state;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi meta;
    MDB_val key = {6, (void *)(uintptr_t) "format"}, value = {4, (void *)(uintptr_t) "\0\0\0\1"};
    open_full(world);
    tandem_close(world->client);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, world->folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &meta), 0);
    assert_int_equal(mdb_put(txn, meta, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    for (unsigned account = 0; account < ACCOUNTS; account++)
        account_is_gone(account);
    open_client(world, true);
    assert_int_equal(tandem_cursor(world->client), 0);
    expect_account(world, 0, false);
    expect_nothing_found(world);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_search, tear_down_search)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_of_a_purged_account_is_left_when_it_is_told),
        TEST(nothing_that_was_held_of_it_is_left_when_an_account_has_entered),
        TEST(nothing_at_all_is_left_after_a_reset),
        TEST(nothing_is_left_of_what_another_user_held),
        TEST(a_purge_takes_what_was_removed_and_replaced_before),
        TEST(what_was_seen_of_a_purged_account_leaves_the_outbox),
        TEST(keys_of_indexes_go_with_their_records),
        TEST(removed_and_replaced_records_are_scrubbed_while_nothing_comes),
        TEST(removed_and_replaced_records_are_scrubbed_when_it_is_closed),
        TEST(a_reader_elsewhere_holds_it_back),
        TEST(a_reader_of_the_outbox_holds_it_back_too),
        TEST(a_large_file_is_scrubbed_in_turns),
        TEST(it_is_told_although_the_connection_was_lost),
        TEST(a_crash_between_purge_and_scrub_is_made_good_when_it_is_opened),
        TEST(a_replica_of_the_former_format_is_begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

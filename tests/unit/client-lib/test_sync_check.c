/* Replicas that are damaged on purpose, with LMDB alone, and mended one scope at a time. The
 * server's sums are those of the records it is said to have. */
#include "sync_world.h"

#include <lmdb.h>
#include <stdlib.h>

#include "protocol/sum.h"
#include "protocol/wire.h"

/* What the server has: two records in each of the accounts 1 to 3, all of them notes. */
#define RECORDS 6u
#define HEAD 10u

static struct made record_of(unsigned number)
{
    return (struct made){.id = number,
                         .seq = number,
                         .scope = account_of(1 + (number - 1) / 2),
                         .name = "as it was",
                         .created_at = number * 1000};
}

static void offer(struct world *world, uint64_t check)
{
    struct buffer limits = {0};
    wire_put_map(&limits, 1);
    wire_put_text(&limits, "check");
    wire_put_uint(&limits, check);
    sync_offered(&world->sync, buffer_bytes(&limits));
    buffer_release(&limits);
}

/* Connects again, and drops what is owed from before. */
static void connect_again(struct world *world, uint64_t checks)
{
    sync_stop(&world->sync);
    offer(world, checks);
    assert_ok(sync_want(&world->sync, NULL, 0));
    assert_ok(sync_start(&world->sync, epoch, 16));
    (void)expect_sent(world, MESSAGE_SUBSCRIBE);
}

static void fill(struct world *world)
{
    struct made made[RECORDS];
    for (unsigned i = 0; i < RECORDS; i++)
        made[i] = record_of(i + 1);
    connect_again(world, 2);
    assert_ok(receive_records(world, 0, HEAD, made, RECORDS));
    assert_ok(receive_caught_up(world, HEAD));
    (void)expect_sent(world, MESSAGE_ACK);
    world->told_count = 0;
}

static void caught_up_again(struct world *world)
{
    connect_again(world, 2);
    assert_ok(receive_caught_up(world, HEAD));
    world->told_count = 0;
}

/* ---- Damage ---- */

struct damage {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi records, scopes, entities;
};

static void damage_begin(struct world *world, struct damage *damage)
{
    sync_world_close(world);
    assert_int_equal(mdb_env_create(&damage->env), 0);
    assert_int_equal(mdb_env_set_maxdbs(damage->env, 32), 0);
    assert_int_equal(mdb_env_open(damage->env, world->folder, MDB_NOTLS, 0600), 0);
    assert_int_equal(mdb_txn_begin(damage->env, NULL, 0, &damage->txn), 0);
    assert_int_equal(mdb_dbi_open(damage->txn, "records", 0, &damage->records), 0);
    assert_int_equal(mdb_dbi_open(damage->txn, "scopes", 0, &damage->scopes), 0);
    assert_int_equal(mdb_dbi_open(damage->txn, "entities", 0, &damage->entities), 0);
}

static void damage_end(struct world *world, struct damage *damage)
{
    assert_int_equal(mdb_txn_commit(damage->txn), 0);
    mdb_env_close(damage->env);
    sync_world_open(world);
}

static MDB_val val(const void *data, size_t size)
{
    return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)data};
}

static void put_bytes(struct damage *damage, struct id id, struct bytes bytes)
{
    MDB_val key = val(id.octet, ID_SIZE), data = val(bytes.data, bytes.size);
    assert_int_equal(mdb_put(damage->txn, damage->records, &key, &data, 0), 0);
}

static void alter(struct damage *damage, const struct made *made)
{
    struct buffer encoded = {0};
    put_record(&encoded, made);
    put_bytes(damage, id_of(made->id), buffer_bytes(&encoded));
    buffer_release(&encoded);
}

static void change_key(struct damage *damage, MDB_dbi table, const void *data, size_t size,
                       bool put)
{
    MDB_val key = val(data, size), nothing = val("", 0);
    assert_int_equal(put ? mdb_put(damage->txn, table, &key, &nothing, 0)
                         : mdb_del(damage->txn, table, &key, NULL),
                     0);
}

static void change_scope_key(struct damage *damage, struct scope scope, struct id id, bool put)
{
    uint8_t key[SCOPE_SIZE + ID_SIZE];
    scope_put(scope, key);
    memcpy(key + SCOPE_SIZE, id.octet, ID_SIZE);
    change_key(damage, damage->scopes, key, sizeof key, put);
}

static void change_entity_key(struct damage *damage, struct id id, bool put)
{
    uint8_t key[5 + ID_SIZE] = "note";
    memcpy(key + 5, id.octet, ID_SIZE);
    change_key(damage, damage->entities, key, sizeof key, put);
}

static void lose_a_field(struct damage *damage)
{
    struct made made = record_of(3);
    made.name = NULL;
    alter(damage, &made);
}

static void bend_a_value(struct damage *damage)
{
    struct made made = record_of(3);
    made.name = "as it vas";
    alter(damage, &made);
}

static void turn_back_a_seq(struct damage *damage)
{
    struct made made = record_of(4);
    made.seq = 2;
    alter(damage, &made);
}

static void lose_a_record(struct damage *damage)
{
    MDB_val key = val(id_of(3).octet, ID_SIZE);
    assert_int_equal(mdb_del(damage->txn, damage->records, &key, NULL), 0);
}

static void lose_a_record_everywhere(struct damage *damage)
{
    lose_a_record(damage);
    change_scope_key(damage, account_of(2), id_of(3), false);
    change_entity_key(damage, id_of(3), false);
}

static void add_a_record(struct damage *damage)
{
    struct made made = record_of(4);
    made.id = 99;
    alter(damage, &made);
    change_scope_key(damage, account_of(2), id_of(99), true);
    change_entity_key(damage, id_of(99), true);
}

/* Of one that the server has not, either: nothing that comes puts these right. */
static void add_keys_alone(struct damage *damage)
{
    change_scope_key(damage, account_of(2), id_of(99), true);
    change_entity_key(damage, id_of(99), true);
}

static void write_rubbish(struct damage *damage)
{
    put_bytes(damage, id_of(4), bytes_text("no record at all"));
}

static void move_a_record(struct damage *damage)
{
    struct made made = record_of(3);
    made.scope = account_of(9);
    alter(damage, &made);
}

/* ---- The server's part ---- */

static enum status receive_sums(struct world *world, uint64_t request, struct bytes scopes,
                                unsigned left_out)
{
    struct message message = {.type = MESSAGE_SUMS};
    struct wire_reader reader = wire_read(scopes);
    struct buffer *list = &world->lists[1], record = {0};
    uint32_t count, answered = 0;
    buffer_clear(list);
    size_t begin = wire_begin_array(list);
    assert_true(wire_get_array(&reader, &count));
    while (count-- > 0) {
        struct bytes octets;
        struct scope scope;
        struct sum sum = {0};
        uint8_t total[SUM_SIZE];
        unsigned account = 0;
        assert_true(wire_get_bin(&reader, &octets) && scope_from_bytes(octets, &scope));
        for (unsigned i = 1; i <= RECORDS; i++) {
            const struct made made = record_of(i);
            if (!scope_equal(made.scope, scope))
                continue;
            account = 1 + (i - 1) / 2;
            buffer_clear(&record);
            put_record(&record, &made);
            assert_true(sum_add_encoded(&sum, buffer_bytes(&record)));
        }
        if ((left_out & 1u << account) != 0)
            continue;
        sum_put(&sum, total);
        wire_put_map(list, 3);
        wire_put_text(list, "scope");
        wire_put_bin(list, octets);
        wire_put_text(list, "count");
        wire_put_uint(list, sum.count);
        wire_put_text(list, "sum");
        wire_put_bin(list, bytes_of(total, sizeof total));
        answered++;
    }
    wire_end(list, begin, answered);
    buffer_release(&record);
    message.as.sums.request = request;
    message.as.sums.sums = buffer_bytes(list);
    return receive(world, &message);
}

/* Answers the check that was sent last; returns how many scopes it asked for. */
static uint32_t answer_check(struct world *world, unsigned left_out)
{
    const struct message *check = expect_sent(world, MESSAGE_CHECK);
    uint32_t count = message_count(check->as.check.scopes);
    assert_ok(receive_sums(world, check->as.check.request, check->as.check.scopes, left_out));
    return count;
}

struct outcome {
    unsigned calls;
    uint64_t request;
    enum status status;
};

static void take_outcome(void *context, uint64_t request, enum status status)
{
    struct outcome *outcome = context;
    outcome->calls++;
    outcome->request = request;
    outcome->status = status;
}

static void expect_ended(const struct outcome *outcome, uint64_t request, enum status status)
{
    assert_int_equal(outcome->calls, 1);
    assert_int_equal(outcome->request, request);
    assert_int_equal(outcome->status, status);
}

/* Account 2 is being fetched anew: the subscription goes on, and its backfill brings everything. */
static void mend(struct world *world)
{
    const struct made made[] = {record_of(3), record_of(4)};
    struct replica_backfill noted;
    enum status status = STATUS_INTERNAL;
    (void)expect_sent(world, MESSAGE_UNSUBSCRIBE);
    uint64_t fence = expect_sent(world, MESSAGE_PING)->as.ping.request;
    expect_nothing_sent(world);
    assert_true(sync_pong(&world->sync, fence, &status));
    assert_ok(status);
    const struct message *subscribe = expect_sent(world, MESSAGE_SUBSCRIBE);
    assert_int_equal(subscribe->as.subscribe.cursor, HEAD);
    assert_int_equal(message_count(subscribe->as.subscribe.resume), 1);
    assert_ok(replica_next_backfill(world->replica, NULL, &noted));
    assert_true(scope_equal(noted.scope, account_of(2)));
    assert_int_equal(noted.from, 0);
    assert_int_equal(noted.until, HEAD);
    assert_ok(receive_backfill(world, (struct said_backfill){account_of(2), 0, HEAD, HEAD, true},
                               made, 2));
    assert_ok(receive_caught_up(world, HEAD));
    (void)expect_sent(world, MESSAGE_ACK);
}

static bool count_scope(void *context, struct bytes encoded)
{
    assert_true(encoded.size > 0);
    (*(size_t *)context)++;
    return true;
}

static void expect_whole(const struct world *world)
{
    size_t notes = 0;
    expect_held(world, RECORDS);
    assert_ok(replica_each(world->replica, bytes_text("note"), count_scope, &notes));
    assert_int_equal(notes, RECORDS);
    for (unsigned i = 1; i <= 3; i++) {
        size_t count = 0, timed = 0;
        assert_ok(replica_each_in(world->replica, account_of(i), count_scope, &count));
        assert_int_equal(count, 2);
        assert_ok(replica_timeline(world->replica, account_of(i), count_scope, &timed));
        assert_int_equal(timed, 2);
    }
    for (unsigned i = 1; i <= RECORDS; i++)
        assert_int_equal(held_seq(world, i), i);
}

/* ---- The stories ---- */

static void what_is_as_it_should_be_stays(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    fill(world);
    assert_ok(sync_check(&world->sync, NULL, take_outcome, &outcome, 7));
    assert_int_equal(answer_check(world, 0), 2); /* as many as the server takes */
    assert_int_equal(outcome.calls, 0);
    assert_int_equal(answer_check(world, 0), 1);
    expect_ended(&outcome, 7, STATUS_OK);
    expect_nothing_sent(world);
    assert_int_equal(world->told_count, 0);
    expect_whole(world);
    /* Sums are data, and are acknowledged. */
    assert_ok(receive_caught_up(world, HEAD));
    assert_int_equal(expect_sent(world, MESSAGE_ACK)->as.ack.frames, 3);
}

static void a_damaged_scope_is_mended_and_no_other(void **state)
{
    struct world *world = *state;
    void (*const damages[])(struct damage *) = {
        lose_a_field, bend_a_value,  turn_back_a_seq, lose_a_record, lose_a_record_everywhere,
        add_a_record, write_rubbish, add_keys_alone,  move_a_record};
    fill(world);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct damage damage;
        struct outcome outcome = {0};
        size_t others = 0;
        damage_begin(world, &damage);
        damages[i](&damage);
        damage_end(world, &damage);
        caught_up_again(world);
        assert_ok(sync_check(&world->sync, NULL, take_outcome, &outcome, i));
        (void)answer_check(world, 0);
        assert_int_equal(world->told_count, 1);
        const struct told *told = expect_told(world, 0, TANDEM_EVENT_REPAIRED);
        assert_true(scope_equal(told->event.scope, account_of(2)));
        assert_ok(replica_each_in(world->replica, account_of(2), count_scope, &others));
        assert_int_equal(others, 0);
        assert_int_equal(held_seq(world, 1), 1);
        assert_int_equal(held_seq(world, 6), 6);
        mend(world);
        expect_whole(world);
        assert_int_equal(outcome.calls, 0); /* account 3 is still to be looked at */
        assert_int_equal(answer_check(world, 0), 1);
        expect_ended(&outcome, i, STATUS_OK);
        expect_nothing_sent(world);
    }
}

/* What was damaged may still be read, so it is overwritten like anything else that was deleted. */
static void what_is_taken_out_damaged_is_still_to_be_scrubbed(void **state)
{
    struct world *world = *state;
    struct damage damage;
    fill(world);
    damage_begin(world, &damage);
    put_bytes(&damage, id_of(40), bytes_text("no record at all"));
    change_scope_key(&damage, account_of(9), id_of(40), true);
    damage_end(world, &damage);
    assert_int_equal(replica_remains(world->replica), REPLICA_CLEAN);
    assert_ok(replica_begin(world->replica));
    assert_ok(replica_clear(world->replica, account_of(9)));
    assert_ok(replica_commit(world->replica));
    assert_int_equal(replica_remains(world->replica), REPLICA_STALE);
}

/* It could not be purged, and all that comes after it would never be applied. */
static void damage_does_not_keep_a_scope_from_being_purged(void **state)
{
    struct world *world = *state;
    void (*const damages[])(struct damage *) = {lose_a_record, write_rubbish, add_keys_alone};
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct damage damage;
        size_t count = 0, left = 0;
        fill(world);
        damage_begin(world, &damage);
        damages[i](&damage);
        damage_end(world, &damage);
        assert_ok(replica_begin(world->replica));
        assert_ok(replica_purge(world->replica, account_of(2), &count));
        assert_ok(replica_commit(world->replica));
        assert_int_equal(replica_remains(world->replica), REPLICA_PURGED);
        assert_ok(replica_each_in(world->replica, account_of(2), count_scope, &left));
        assert_int_equal(left, 0);
        assert_int_equal(held_seq(world, 1), 1);
        assert_ok(replica_begin(world->replica));
        assert_ok(replica_empty(world->replica, (struct id){{0}}, (struct bytes){0}));
        assert_ok(replica_commit(world->replica));
    }
}

/* No check would ever find it: there is none before all has come. */
static void a_damaged_record_that_changes_makes_the_replica_begin_anew(void **state)
{
    struct world *world = *state;
    struct damage damage;
    enum status status = STATUS_INTERNAL;
    struct made made = record_of(4);
    made.seq = HEAD + 1;
    fill(world);
    damage_begin(world, &damage);
    write_rubbish(&damage);
    damage_end(world, &damage);
    caught_up_again(world);
    assert_ok(receive_records(world, HEAD, HEAD + 1, &made, 1));
    assert_string_equal(expect_told(world, 0, TANDEM_EVENT_RESET)->event.detail, "damaged");
    assert_int_equal(replica_cursor(world->replica), 0);
    (void)expect_sent(world, MESSAGE_UNSUBSCRIBE);
    uint64_t fence = expect_sent(world, MESSAGE_PING)->as.ping.request;
    assert_true(sync_pong(&world->sync, fence, &status));
    assert_ok(status);
    assert_int_equal(expect_sent(world, MESSAGE_SUBSCRIBE)->as.subscribe.cursor, 0);
}

static void one_scope_is_checked_alone(void **state)
{
    struct world *world = *state;
    const struct scope two = account_of(2);
    struct outcome outcome = {0};
    fill(world);
    assert_ok(sync_check(&world->sync, &two, take_outcome, &outcome, 1));
    assert_int_equal(answer_check(world, 0), 1);
    expect_ended(&outcome, 1, STATUS_OK);
}

/* Nothing may be compared before the replica shows what the server has. */
static void a_check_waits_until_all_is_there(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    const struct made made = record_of(1);
    connect_again(world, 2);
    assert_ok(receive_records(world, 0, HEAD, &made, 1));
    assert_ok(sync_check(&world->sync, NULL, take_outcome, &outcome, 1));
    expect_nothing_sent(world);
    assert_ok(receive_caught_up(world, HEAD));
    (void)expect_sent(world, MESSAGE_ACK);
    (void)expect_sent(world, MESSAGE_CHECK);
}

static void a_check_that_a_fence_cuts_off_is_asked_again(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    enum status status = STATUS_INTERNAL;
    fill(world);
    assert_ok(sync_check(&world->sync, NULL, take_outcome, &outcome, 1));
    const struct message *first = expect_sent(world, MESSAGE_CHECK);
    assert_ok(receive_records(world, HEAD + 5, HEAD + 6, NULL, 0)); /* does not follow */
    (void)expect_sent(world, MESSAGE_UNSUBSCRIBE);
    uint64_t fence = expect_sent(world, MESSAGE_PING)->as.ping.request;
    assert_true(sync_pong(&world->sync, fence, &status));
    (void)expect_sent(world, MESSAGE_SUBSCRIBE);
    assert_ok(receive_caught_up(world, HEAD));
    /* The answer to the former, should it come after all, is none to this one. */
    assert_ok(receive_sums(world, first->as.check.request, first->as.check.scopes, 0));
    assert_int_equal(answer_check(world, 0), 2);
    assert_int_equal(answer_check(world, 0), 1);
    expect_ended(&outcome, 1, STATUS_OK);
}

static void an_older_server_is_not_asked(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    connect_again(world, 0);
    assert_ok(receive_caught_up(world, 0));
    assert_ok(sync_check(&world->sync, NULL, take_outcome, &outcome, 1));
    expect_ended(&outcome, 1, STATUS_UNKNOWN_MESSAGE);
    expect_nothing_sent(world);
}

static void a_refusal_ends_a_check(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    enum status status = STATUS_INTERNAL;
    fill(world);
    assert_ok(sync_check(&world->sync, NULL, take_outcome, &outcome, 1));
    uint64_t request = expect_sent(world, MESSAGE_CHECK)->as.check.request;
    assert_false(sync_refused(&world->sync, 1, STATUS_BUSY, &status));
    assert_true(sync_refused(&world->sync, request, STATUS_BUSY, &status));
    assert_ok(status);
    expect_ended(&outcome, 1, STATUS_BUSY);
}

static void without_a_subscription_there_is_nothing_to_check(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    assert_int_equal(sync_check(&world->sync, NULL, take_outcome, &outcome, 1), STATUS_USAGE);
    assert_int_equal(outcome.calls, 0);
}

static void a_cancelled_check_says_nothing(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0}, other = {0};
    const struct scope two = account_of(2);
    fill(world);
    assert_ok(sync_check(&world->sync, &two, take_outcome, &outcome, 1));
    assert_ok(sync_check(&world->sync, &two, take_outcome, &other, 2));
    sync_check_cancel(&world->sync, 1);
    (void)answer_check(world, 0);
    (void)answer_check(world, 0);
    assert_int_equal(outcome.calls, 0);
    expect_ended(&other, 2, STATUS_OK);
}

static void a_scope_left_out_is_asked_for_again(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    fill(world);
    assert_ok(sync_check(&world->sync, NULL, take_outcome, &outcome, 1));
    assert_int_equal(answer_check(world, 1u << 2), 2);
    assert_int_equal(answer_check(world, 1u << 2), 1);
    assert_int_equal(answer_check(world, 0), 1);
    assert_int_equal(answer_check(world, 0), 1);
    expect_ended(&outcome, 1, STATUS_OK);
    assert_int_equal(world->told_count, 0);
}

/* If it is not open, nothing may be held of it; if it is, it comes again. */
static void a_scope_that_is_always_left_out_is_fetched_anew(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    const struct scope two = account_of(2);
    fill(world);
    assert_ok(sync_check(&world->sync, &two, take_outcome, &outcome, 1));
    for (unsigned i = 0; i < SYNC_CHECK_TRIES; i++)
        assert_int_equal(answer_check(world, 1u << 2), 1);
    expect_told(world, 0, TANDEM_EVENT_REPAIRED);
    mend(world);
    expect_ended(&outcome, 1, STATUS_OK);
    expect_whole(world);
}

static void a_scope_that_was_purged_meanwhile_is_not_mended(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    const struct scope two = account_of(2);
    fill(world);
    assert_ok(sync_check(&world->sync, &two, take_outcome, &outcome, 1));
    assert_ok(receive_purged(world, HEAD, HEAD + 1, two));
    assert_int_equal(answer_check(world, 1u << 2), 1);
    expect_ended(&outcome, 1, STATUS_OK);
    assert_int_equal(count_told(world, TANDEM_EVENT_REPAIRED), 0);
    expect_nothing_sent(world);
}

static enum status failing_clear(struct replica *replica, struct scope scope)
{
    (void)replica;
    (void)scope;
    return STATUS_IO;
}

static void what_cannot_be_cleared_stays_and_is_told_as_an_error(void **state)
{
    struct world *world = *state;
    struct damage damage;
    struct outcome outcome = {0};
    fill(world);
    damage_begin(world, &damage);
    bend_a_value(&damage);
    damage_end(world, &damage);
    caught_up_again(world);
    world->store.clear = failing_clear;
    assert_ok(sync_check(&world->sync, NULL, take_outcome, &outcome, 1));
    const struct message *check = expect_sent(world, MESSAGE_CHECK);
    assert_int_equal(receive_sums(world, check->as.check.request, check->as.check.scopes, 0),
                     STATUS_IO);
    expect_held(world, RECORDS);
    assert_int_equal(world->told_count, 0);
}

/* ---- Of its own accord ---- */

static void pass(struct world *world, uint64_t ms)
{
    sync_clock(&world->sync, world->sync.now_ms + ms);
    assert_ok(sync_run(&world->sync));
}

/* Leaves all out, each time the client asks; returns how many scopes it named, `first` the first.
 */
static uint32_t say_nothing(struct world *world, struct scope *first)
{
    struct message sums = {.type = MESSAGE_SUMS};
    uint32_t named = 0;
    unsigned asked = 0;
    while (world->sent_seen < world->sent_count) {
        const struct message *sent = &world->sent[world->sent_seen++].message;
        struct wire_reader reader = wire_read(sent->as.check.scopes);
        struct bytes octets;
        uint32_t count;
        if (sent->type == MESSAGE_ACK)
            continue;
        assert_int_equal(sent->type, MESSAGE_CHECK);
        assert_true(wire_get_array(&reader, &count) && wire_get_bin(&reader, &octets));
        if (asked == 0)
            assert_true(scope_from_bytes(octets, first));
        named += asked++ % SYNC_CHECK_TRIES == 0 ? count : 0;
        buffer_clear(&world->lists[1]);
        wire_put_array(&world->lists[1], 0);
        sums.as.sums.request = sent->as.check.request;
        sums.as.sums.sums = buffer_bytes(&world->lists[1]);
        assert_ok(receive(world, &sums));
    }
    return named;
}

static void what_is_checked_goes_on_where_it_ended(void **state)
{
    struct world *world = *state;
    struct made made[12];
    struct scope first[3];
    for (unsigned i = 0; i < 12; i++)
        made[i] = (struct made){.id = i + 20, .seq = i + 1, .scope = account_of(100 + i)};
    fill(world);
    assert_ok(receive_records(world, HEAD, HEAD + 12, made, 12)); /* 15 scopes by now */
    pass(world, SYNC_IDLE_MS);
    expect_nothing_sent(world);
    pass(world, SYNC_CHECK_MS);
    assert_int_equal(say_nothing(world, &first[0]), SYNC_CHECK_SCOPES);
    pass(world, SYNC_CHECK_MS);
    assert_int_equal(say_nothing(world, &first[1]), 15 - SYNC_CHECK_SCOPES);
    pass(world, SYNC_CHECK_MS);
    assert_int_equal(say_nothing(world, &first[2]), SYNC_CHECK_SCOPES);
    assert_false(scope_equal(first[0], first[1]));
    assert_true(scope_equal(first[0], first[2]));
    /* Nothing is fetched anew because a busy server leaves it out. */
    assert_int_equal(count_told(world, TANDEM_EVENT_REPAIRED), 0);
    expect_held(world, RECORDS + 12);
}

static void while_data_comes_nothing_is_checked(void **state)
{
    struct world *world = *state;
    fill(world);
    pass(world, 0);
    sync_clock(&world->sync, world->sync.now_ms + SYNC_CHECK_MS);
    assert_ok(receive_records(world, HEAD, HEAD + 1, NULL, 0));
    assert_ok(sync_run(&world->sync));
    expect_nothing_sent(world);
    pass(world, SYNC_IDLE_MS);
    (void)expect_sent(world, MESSAGE_CHECK);
}

/* After a crash all of it is checked at once. */
static void what_was_not_closed_is_checked_as_a_whole(void **state)
{
    struct world *world = *state;
    fill(world);
    pass(world, 1);
    sync_close(&world->sync);
    sync_world_close(world);
    sync_world_open(world);
    caught_up_again(world);
    pass(world, SYNC_IDLE_MS);
    expect_nothing_sent(world); /* it was closed */
    sync_world_close(world);
    sync_world_open(world);
    caught_up_again(world);
    pass(world, SYNC_IDLE_MS);
    assert_int_equal(answer_check(world, 0), 2);
    assert_int_equal(answer_check(world, 0), 1);
    expect_nothing_sent(world);
    /* And that once. */
    sync_close(&world->sync);
    sync_world_close(world);
    sync_world_open(world);
    caught_up_again(world);
    pass(world, SYNC_IDLE_MS);
    expect_nothing_sent(world);
}

static void what_differs_again_after_it_was_mended_is_let_be(void **state)
{
    struct world *world = *state;
    struct made wrong = record_of(3);
    fill(world);
    pass(world, 0);
    wrong.name = "as the server sends it";
    assert_ok(receive_records(world, HEAD, HEAD, &wrong, 1));
    for (unsigned round = 0; round < 2; round++) {
        pass(world, SYNC_CHECK_MS);
        assert_int_equal(answer_check(world, 0), round == 0 ? 2 : 2);
        if (round == 0) {
            expect_told(world, 1, TANDEM_EVENT_CAUGHT_UP);
            mend(world);
            assert_ok(receive_records(world, HEAD, HEAD, &wrong, 1));
            (void)answer_check(world, 0);
        }
    }
    assert_int_equal(count_told(world, TANDEM_EVENT_REPAIRED), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, sync_world_set_up, sync_world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_as_it_should_be_stays),
        TEST(a_damaged_scope_is_mended_and_no_other),
        TEST(what_is_taken_out_damaged_is_still_to_be_scrubbed),
        TEST(damage_does_not_keep_a_scope_from_being_purged),
        TEST(a_damaged_record_that_changes_makes_the_replica_begin_anew),
        TEST(one_scope_is_checked_alone),
        TEST(a_check_waits_until_all_is_there),
        TEST(a_check_that_a_fence_cuts_off_is_asked_again),
        TEST(an_older_server_is_not_asked),
        TEST(a_refusal_ends_a_check),
        TEST(without_a_subscription_there_is_nothing_to_check),
        TEST(a_cancelled_check_says_nothing),
        TEST(a_scope_left_out_is_asked_for_again),
        TEST(a_scope_that_is_always_left_out_is_fetched_anew),
        TEST(a_scope_that_was_purged_meanwhile_is_not_mended),
        TEST(what_cannot_be_cleared_stays_and_is_told_as_an_error),
        TEST(what_is_checked_goes_on_where_it_ended),
        TEST(while_data_comes_nothing_is_checked),
        TEST(what_was_not_closed_is_checked_as_a_whole),
        TEST(what_differs_again_after_it_was_mended_is_let_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

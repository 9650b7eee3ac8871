/* What the program and its observers are told of records: changes of the server, and what waits.
 * The random tests print their seed and take another from TANDEM_SEED. */
#include "laid_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "client-lib/base/id_table.h"
#include "tests/survival/faults/failing_memory.h"

/* What an observer was told: "C1" a record changed, with a letter when it is not synced and a star
 * for a change of one's own; "R2" it is gone, "R2!" with no record; other events by their kind. */
struct log {
    char text[512];
    void (*then)(struct log *log, const tandem_event *event);
    struct laid_world *world;
    tandem_observer *observer, *other;
    unsigned calls;
};

static void note(void *context, const tandem_event *event)
{
    static const char *const states[] = {"", "p", "c", "r"};
    static const char *const kinds[] = {
        [TANDEM_EVENT_CHANGED] = "C",     [TANDEM_EVENT_REMOVED] = "R",
        [TANDEM_EVENT_PURGED] = "purged", [TANDEM_EVENT_ENTERED] = "entered",
        [TANDEM_EVENT_RESET] = "reset",   [TANDEM_EVENT_RELOAD] = "reload"};
    struct log *log = context;
    size_t used = strlen(log->text);
    bool changed = event->kind == TANDEM_EVENT_CHANGED;
    struct id id = {{0}};
    assert_non_null(kinds[event->kind]);
    assert_non_null(event->detail);
    snprintf(log->text + used, sizeof log->text - used, "%s%s", used > 0 ? " " : "",
             kinds[event->kind]);
    used = strlen(log->text);
    if (changed || event->kind == TANDEM_EVENT_REMOVED) {
        assert_true(id_from_text(bytes_text(event->id), &id));
        assert_true(event->record == NULL || id_equal(event->record->view.id, id));
        snprintf(log->text + used, sizeof log->text - used, "%u%s%s%s", id.octet[15],
                 changed ? states[tandem_record_state(event->record)] : "",
                 event->entry != 0 ? "*" : "", event->record == NULL ? "!" : "");
    }
    log->calls++;
    if (log->then != NULL)
        log->then(log, event);
}

static tandem_client *client_of(const struct laid_world *world)
{
    return world->world->client;
}

static void expect_log(struct log *log, const char *expected)
{
    assert_string_equal(log->text, expected);
    log->text[0] = 0;
}

static void observe(struct laid_world *world, struct log *log, const tandem_find *find, unsigned id)
{
    *log = (struct log){.world = world};
    assert_ok(tandem_observe(client_of(world), find, id != 0 ? id_text(id) : NULL, note, log,
                             &log->observer));
}

/* ---- The server ---- */

static bool copy_record(void *context, struct bytes encoded)
{
    buffer_append(context, encoded.data, encoded.size);
    return false;
}

static void server_changes(struct laid_world *world, const struct said *said, uint64_t cursor)
{
    struct buffer record = {0};
    hold_records(world, said, 1, cursor);
    assert_ok(replica_get(client_of(world)->replica, id_of(said->id), copy_record, &record));
    const struct sync_event event = {.kind = TANDEM_EVENT_CHANGED,
                                     .seq = said->seq,
                                     .id = id_of(said->id),
                                     .record = buffer_bytes(&record),
                                     .detail = ""};
    client_sync_event(client_of(world), &event);
    buffer_release(&record);
}

static void server_removes(struct laid_world *world, unsigned id)
{
    struct replica *replica = client_of(world)->replica;
    struct buffer record = {0};
    assert_ok(replica_begin(replica));
    assert_ok(replica_remove(replica, id_of(id), &record));
    assert_ok(replica_commit(replica));
    const struct sync_event event = {.kind = TANDEM_EVENT_REMOVED,
                                     .seq = 9,
                                     .id = id_of(id),
                                     .record = buffer_bytes(&record),
                                     .detail = ""};
    client_sync_event(client_of(world), &event);
    buffer_release(&record);
}

static void tell(struct laid_world *world, tandem_event_kind kind, unsigned account)
{
    const struct sync_event event = {.kind = kind, .scope = account_of(account), .detail = ""};
    client_sync_event(client_of(world), &event);
}

static void server_purges(struct laid_world *world, unsigned account)
{
    struct replica *replica = client_of(world)->replica;
    size_t count = 0;
    assert_ok(replica_begin(replica));
    assert_ok(replica_purge(replica, account_of(account), &count));
    assert_ok(replica_commit(replica));
    tell(world, TANDEM_EVENT_PURGED, account);
}

/* ---- Queries ---- */

static const tandem_condition is_red = {.field = "description", .op = "=", .text = "red"};
static const tandem_find red = {.entity = "contact", .where = &is_red, .where_count = 1};

static void a_query_is_told_what_begins_to_meet_it_and_what_ends_to(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1, .description = "red"}, {.id = 2, .description = "blue"}};
    struct log log;
    hold_records(world, held, 2, 5);
    observe(world, &log, &red, 0);
    expect_log(&log, "");
    server_changes(world, &(struct said){.id = 2, .description = "red", .seq = 6}, 6);
    expect_log(&log, "C2");
    server_changes(world, &(struct said){.id = 1, .description = "red", .seq = 7}, 7);
    expect_log(&log, "C1");
    server_changes(world, &(struct said){.id = 1, .description = "green", .seq = 8}, 8);
    expect_log(&log, "R1");
    server_changes(world, &(struct said){.id = 1, .description = "blue", .seq = 9}, 9);
    server_changes(world, &(struct said){.id = 3, .description = "blue", .seq = 9}, 9);
    expect_log(&log, "");
    server_removes(world, 2);
    server_removes(world, 1);
    expect_log(&log, "R2");
    tandem_unobserve(log.observer);
    server_changes(world, &(struct said){.id = 4, .description = "red", .seq = 10}, 10);
    expect_log(&log, "");
}

static void a_query_is_told_of_what_is_pending(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1, .description = "red"}, {.id = 2, .description = "blue"}};
    struct log log;
    hold_records(world, held, 2, 5);
    observe(world, &log, &red, 0);
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 3, .description = "red"});
    expect_log(&log, "C3p*");
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "blue"});
    expect_log(&log, "R1*");
    (void)queue_edit(world, EDIT_REMOVE, &(struct said){.id = 3});
    expect_log(&log, "R3*");
    assert_true(answer_next(world, STATUS_DENIED, 0)); /* of the new record */
    expect_log(&log, "");
    assert_true(answer_next(world, STATUS_CONFLICT, 0)); /* of the update */
    expect_log(&log, "C1c");
}

static void what_the_server_made_of_it_is_told_when_it_comes(void **state)
{
    struct laid_world *world = *state;
    const struct said held = {.id = 1, .description = "old", .seq = 5};
    struct log log;
    hold_records(world, &held, 1, 5);
    observe(world, &log, NULL, 1);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "mine"});
    expect_log(&log, "C1p*");
    /* Somebody else's change meanwhile: what is told is what reads show. */
    server_changes(world, &(struct said){.id = 1, .description = "theirs", .seq = 6}, 6);
    expect_log(&log, "C1p");
    assert_true(answer_next(world, STATUS_OK, 8));
    log.text[0] = 0;
    server_changes(world, &(struct said){.id = 1, .description = "mine", .seq = 8}, 8);
    expect_log(&log, "C1");
}

static void an_answer_behind_its_changes_ends_what_is_pending(void **state)
{
    struct laid_world *world = *state;
    const struct said held = {.id = 1, .description = "old", .seq = 5};
    struct log log;
    hold_records(world, &held, 1, 5);
    observe(world, &log, NULL, 1);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "mine"});
    server_changes(world, &(struct said){.id = 1, .description = "mine", .seq = 8}, 8);
    expect_log(&log, "C1p* C1p");
    assert_true(answer_next(world, STATUS_OK, 8));
    expect_log(&log, "C1");
}

/* An update that made no difference, and a new record that its author may not see: the server sends
 * nothing but how far it has come. */
static void what_was_taken_and_not_sent_is_told_when_it_is_past(void **state)
{
    struct laid_world *world = *state;
    const struct said held = {.id = 1, .description = "same", .seq = 5};
    struct log log;
    struct sync_event caught_up = {.kind = TANDEM_EVENT_CAUGHT_UP, .detail = ""};
    client_of(world)->sync.wanted = true;
    hold_records(world, &held, 1, 5);
    observe(world, &log, NULL, 0);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "same"});
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 2});
    expect_log(&log, "C1p* C2p*");
    assert_true(answer_next(world, STATUS_OK, 8));
    assert_true(answer_next(world, STATUS_OK, 9));
    log.text[0] = 0;
    hold_records(world, &held, 1, 8);
    client_sync_event(client_of(world), &caught_up);
    expect_log(&log, "C1");
    hold_records(world, &held, 1, 9);
    client_sync_event(client_of(world), &caught_up);
    expect_log(&log, "R2!");
    client_sync_event(client_of(world), &caught_up);
    expect_log(&log, "");
}

static bool keep_item(void *context, const struct outbox_item *item)
{
    struct outbox_item *out = context;
    *out = *item;
    static struct buffer changes;
    buffer_clear(&changes);
    buffer_append(&changes, item->changes.data, item->changes.size);
    out->changes = buffer_bytes(&changes);
    return true;
}

static void drop(struct laid_world *world, uint64_t order)
{
    struct outbox_item item;
    assert_ok(outbox_store_get(client_of(world)->store, order, keep_item, &item));
    assert_ok(outbox_store_drop(client_of(world)->store, order));
    client_outbox_changed(client_of(world), &item);
}

static void what_is_given_up_is_told_with_what_it_was(void **state)
{
    struct laid_world *world = *state;
    const struct said held = {.id = 1, .description = "red"};
    struct log log, all;
    hold_records(world, &held, 1, 5);
    observe(world, &log, &red, 0);
    observe(world, &all, NULL, 0);
    uint64_t removal = queue_edit(world, EDIT_REMOVE, &(struct said){.id = 1});
    uint64_t created = queue_edit(world, EDIT_CREATE, &(struct said){.id = 2});
    uint64_t nothing = queue_edit(world, EDIT_UPDATE, &(struct said){.id = 7});
    expect_log(&all, "R1* C2p*");
    drop(world, removal);
    drop(world, created);
    drop(world, nothing);
    expect_log(&all, "C1* R2*");
    expect_log(&log, "R1* C1*");
}

static void a_removal_by_the_server_is_told_whatever_waits(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1}, {.id = 2}};
    struct log log;
    hold_records(world, held, 2, 5);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "mine"});
    observe(world, &log, NULL, 0);
    server_removes(world, 2);
    server_removes(world, 1);
    expect_log(&log, "R2 R1");
}

static void put_update(struct buffer *out, const char *text)
{
    wire_put_map(out, 3);
    wire_put_text(out, "op");
    wire_put_text(out, "update");
    wire_put_text(out, "id");
    wire_put_id(out, id_of(1));
    wire_put_text(out, "fields");
    wire_put_map(out, 1);
    wire_put_text(out, "description");
    wire_put_text(out, text);
}

static void a_record_that_an_entry_changes_twice_is_told_once(void **state)
{
    struct laid_world *world = *state;
    const struct said held = {.id = 1};
    struct buffer changes = {0};
    struct log log;
    hold_records(world, &held, 1, 5);
    observe(world, &log, NULL, 0);
    wire_put_array(&changes, 2);
    put_update(&changes, "one");
    put_update(&changes, "two");
    const struct outbox_item item = {.order = 7, .changes = buffer_bytes(&changes)};
    client_outbox_changed(client_of(world), &item);
    expect_log(&log, "C1*");
    buffer_release(&changes);
}

/* ---- One record, and everything ---- */

static void one_record_is_followed_wherever_it_goes(void **state)
{
    struct laid_world *world = *state;
    struct log log;
    observe(world, &log, NULL, 1);
    server_changes(world, &(struct said){.id = 2, .seq = 6}, 6);
    const struct sync_event gone = {.kind = TANDEM_EVENT_REMOVED, .id = id_of(1), .detail = ""};
    client_sync_event(client_of(world), &gone);
    expect_log(&log, "");
    server_changes(world, &(struct said){.id = 1, .account = 1, .seq = 6}, 6);
    server_changes(world, &(struct said){.id = 1, .account = 2, .seq = 7}, 7);
    server_purges(world, 1);
    expect_log(&log, "C1 C1");
    server_purges(world, 2);
    server_purges(world, 2);
    expect_log(&log, "R1!");
    server_changes(world, &(struct said){.id = 1, .seq = 8}, 8);
    server_removes(world, 1);
    expect_log(&log, "C1 R1");
}

static void an_observer_of_everything_is_told_what_the_program_is(void **state)
{
    struct laid_world *world = *state;
    struct log log;
    observe(world, &log, NULL, 0);
    server_changes(world, &(struct said){.id = 1, .account = 1, .seq = 6}, 6);
    server_purges(world, 1);
    tell(world, TANDEM_EVENT_ENTERED, 1);
    tell(world, TANDEM_EVENT_CAUGHT_UP, 0);
    (void)queue_edit(world, EDIT_CREATE, &(struct said){.id = 3});
    expect_log(&log, "C1 purged entered C3p*");
    assert_int_equal(world->world->told_count, 5);
    assert_int_equal(last_told(world->world)->kind, TANDEM_EVENT_CHANGED);
    assert_string_equal(last_told(world->world)->id, id_text(3));
}

/* ---- Many records at once ---- */

static void a_purge_tells_of_each_record_that_met_the_query(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1, .account = 1, .description = "red"},
                                {.id = 2, .account = 2, .description = "red"},
                                {.id = 3, .account = 1, .description = "blue"},
                                {.id = 4, .account = 1, .description = "red"}};
    struct log log;
    hold_records(world, held, 4, 5);
    /* What was typed into the account stays with its author. */
    (void)queue_edit(world, EDIT_CREATE,
                     &(struct said){.id = 5, .account = 1, .description = "red"});
    observe(world, &log, &red, 0);
    server_purges(world, 1);
    assert_true(strcmp(log.text, "R1! R4!") == 0 || strcmp(log.text, "R4! R1!") == 0);
    log.text[0] = 0;
    tell(world, TANDEM_EVENT_RESET, 0);
    expect_log(&log, "");
    server_purges(world, 2);
    expect_log(&log, "R2!");
    server_changes(world, &(struct said){.id = 5, .account = 1, .description = "red", .seq = 7}, 7);
    expect_log(&log, "C5p");
}

static void after_a_reload_everything_is_asked_again(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1, .description = "red"}, {.id = 2, .description = "red"}};
    const struct said later[] = {{.id = 2, .description = "blue"}, {.id = 3, .description = "red"}};
    struct log log, one, other;
    hold_records(world, held, 2, 5);
    observe(world, &log, &red, 0);
    observe(world, &one, NULL, 3);
    observe(world, &other, NULL, 9);
    hold_records(world, later, 2, 6);
    client_outbox_changed(client_of(world), NULL);
    expect_log(&log, "C1 C3 R2!");
    expect_log(&one, "C3");
    expect_log(&other, "");
    assert_int_equal(last_told(world->world)->kind, TANDEM_EVENT_RELOAD);
    server_changes(world, &(struct said){.id = 2, .description = "blue", .seq = 7}, 7);
    expect_log(&log, "");
    server_changes(world, &(struct said){.id = 3, .description = "blue", .seq = 7}, 7);
    expect_log(&log, "R3");
}

/* ---- Callbacks that do something ---- */

static void end_both(struct log *log, const tandem_event *event)
{
    (void)event;
    tandem_unobserve(log->other);
    tandem_unobserve(log->observer);
}

static void observing_ends_from_inside_a_callback(void **state)
{
    struct laid_world *world = *state;
    struct log first, second, third;
    observe(world, &first, NULL, 0);
    observe(world, &second, NULL, 0);
    observe(world, &third, NULL, 0);
    second.then = end_both;
    second.other = first.observer;
    server_changes(world, &(struct said){.id = 1, .seq = 6}, 6);
    server_changes(world, &(struct said){.id = 1, .seq = 7}, 7);
    assert_int_equal(second.calls, 1);
    assert_int_equal(third.calls, 2);
    assert_true(first.calls <= 1); /* it may have had its turn before */
    tandem_unobserve(third.observer);
    assert_null(client_of(world)->observers);
    tandem_unobserve(NULL);
}

static void edit_once(struct log *log, const tandem_event *event)
{
    unsigned calls = log->calls;
    if (calls == 1)
        (void)queue_edit(
            log->world, EDIT_UPDATE,
            &(struct said){.id = event->record->view.id.octet[15], .description = "blue"});
    if (calls == 2)
        observe(log->world, log + 1, &red, 0);
}

static void a_callback_may_change_what_it_is_told_of(void **state)
{
    struct laid_world *world = *state;
    struct log logs[2];
    memset(logs, 0, sizeof logs);
    observe(world, &logs[0], &red, 0);
    logs[0].then = edit_once;
    server_changes(world, &(struct said){.id = 1, .description = "red", .seq = 6}, 6);
    expect_log(&logs[0], "C1 R1*");
    server_changes(world, &(struct said){.id = 2, .description = "red", .seq = 7}, 7);
    expect_log(&logs[0], "C2");
    expect_log(&logs[1], "C2");
}

/* A limit is for asking: whatever meets the query is told. */
static void an_observer_has_no_limit(void **state)
{
    struct laid_world *world = *state;
    const struct said held[] = {{.id = 1, .description = "red"}, {.id = 2, .description = "red"}};
    tandem_find first = red;
    struct log log;
    first.limit = 1;
    hold_records(world, held, 2, 5);
    observe(world, &log, &first, 0);
    server_removes(world, 2);
    server_removes(world, 1);
    expect_log(&log, "R2 R1");
}

static void what_cannot_be_observed_is_refused(void **state)
{
    struct laid_world *world = *state;
    tandem_observer *observer = NULL;
    const tandem_find bad = {.entity = "contact", .sort = "nosuch"};
    assert_int_equal(tandem_observe(client_of(world), &bad, NULL, note, NULL, &observer),
                     STATUS_UNKNOWN_FIELD);
    assert_int_equal(tandem_observe(client_of(world), NULL, "x", note, NULL, &observer),
                     STATUS_INVALID_VALUE);
    assert_int_equal(tandem_observe(client_of(world), &red, id_text(1), note, NULL, &observer),
                     STATUS_USAGE);
    assert_null(observer);
    assert_null(client_of(world)->observers);
}

/* ---- Short memory ---- */

static bool observe_red(void *context)
{
    struct laid_world *world = context;
    struct log log = {.world = world};
    tandem_code code = tandem_observe(client_of(world), &red, NULL, note, &log, &log.observer);
    if (code != TANDEM_OK) {
        assert_int_equal(code, STATUS_NO_MEMORY);
        assert_null(client_of(world)->observers);
        return false;
    }
    tandem_unobserve(log.observer);
    return true;
}

/* Tells of changes while memory is short: whatever is lost of what an observer knows, it hears of
 * every record that leaves. */
static bool tell_of_leaving(void *context)
{
    struct laid_world *world = context;
    struct replica *replica = client_of(world)->replica;
    struct log log;
    struct said held[14]; /* more than the table begins with */
    for (unsigned i = 0; i < 14; i++)
        held[i] = (struct said){.id = i + 1, .description = "red", .seq = 6};
    failing_memory_pause(true);
    observe(world, &log, &red, 0);
    hold_records(world, held, 14, 6);
    failing_memory_pause(false);
    client_outbox_changed(client_of(world), NULL);
    failing_memory_pause(true);
    log.text[0] = 0;
    server_removes(world, 1);
    expect_log(&log, "R1");
    tandem_unobserve(log.observer);
    assert_ok(replica_begin(replica));
    for (unsigned i = 2; i <= 14; i++)
        assert_ok(replica_remove(replica, id_of(i), NULL));
    assert_ok(replica_commit(replica));
    world->world->told_count = 0;
    return true;
}

static void an_observer_is_whole_or_is_not_made(void **state)
{
    struct laid_world *world = *state;
    struct said held[20];
    for (unsigned i = 0; i < 20; i++)
        held[i] = (struct said){.id = i + 1, .description = "red"};
    hold_records(world, held, 20, 5);
    (void)queue_edit(world, EDIT_UPDATE, &(struct said){.id = 1, .description = "blue"});
    failing_memory_each(observe_red, world);
}

static void an_observer_that_forgot_still_tells_what_leaves(void **state)
{
    failing_memory_each(tell_of_leaving, *state);
}

/* ---- The table ---- */

#define IDS 60u

static struct id crowded_id(unsigned number)
{
    struct id id = {{0}};
    id.octet[15] = (uint8_t)number;
    return id;
}

static void a_table_holds_what_was_put_and_not_removed(void **state)
{
    uint64_t seed = seed_from(77);
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct id_table table = {0};
        unsigned scopes[IDS] = {0}, count = 0;
        struct buffer listed = {0};
        unsigned steps = below(&seed, 300);
        for (unsigned i = 0; i < steps; i++) {
            unsigned number = below(&seed, IDS);
            if (below(&seed, 3) > 0) {
                unsigned account = 1 + below(&seed, 3);
                assert_true(id_table_put(&table, crowded_id(number), account_of(account)));
                scopes[number] = account;
            } else {
                assert_int_equal(id_table_remove(&table, crowded_id(number)), scopes[number] != 0);
                scopes[number] = 0;
            }
        }
        for (unsigned i = 0; i < IDS; i++) {
            assert_int_equal(id_table_has(&table, crowded_id(i)), scopes[i] != 0);
            count += scopes[i] == 2;
        }
        const struct scope second = account_of(2);
        id_table_list(&table, &second, &listed);
        assert_int_equal(listed.size, count * ID_SIZE);
        for (size_t at = 0; at < listed.size; at += ID_SIZE)
            assert_int_equal(scopes[listed.data[at + 15]], 2);
        buffer_release(&listed);
        id_table_release(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAID_TEST(a_query_is_told_what_begins_to_meet_it_and_what_ends_to),
        LAID_TEST(a_query_is_told_of_what_is_pending),
        LAID_TEST(what_the_server_made_of_it_is_told_when_it_comes),
        LAID_TEST(an_answer_behind_its_changes_ends_what_is_pending),
        LAID_TEST(what_was_taken_and_not_sent_is_told_when_it_is_past),
        LAID_TEST(what_is_given_up_is_told_with_what_it_was),
        LAID_TEST(a_removal_by_the_server_is_told_whatever_waits),
        LAID_TEST(a_record_that_an_entry_changes_twice_is_told_once),
        LAID_TEST(an_observer_has_no_limit),
        LAID_TEST(one_record_is_followed_wherever_it_goes),
        LAID_TEST(an_observer_of_everything_is_told_what_the_program_is),
        LAID_TEST(a_purge_tells_of_each_record_that_met_the_query),
        LAID_TEST(after_a_reload_everything_is_asked_again),
        LAID_TEST(observing_ends_from_inside_a_callback),
        LAID_TEST(a_callback_may_change_what_it_is_told_of),
        LAID_TEST(what_cannot_be_observed_is_refused),
        LAID_TEST(an_observer_is_whole_or_is_not_made),
        LAID_TEST(an_observer_that_forgot_still_tells_what_leaves),
        cmocka_unit_test(a_table_holds_what_was_put_and_not_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The outbox's file: what is queued survives, numbers and answers are stored, and nothing that was
 * typed is lost by what happens to it. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client-lib/environment.h"
#include "client-lib/outbox_entry.h"
#include "client-lib/outbox_state.h"
#include "client-lib/outbox_store.h"

struct world {
    struct fake_port port;
    char *folder;
    struct outbox_store *store;
    struct buffer damaged;
};

static enum status try_open(struct world *world, tandem_fault *fault)
{
    buffer_clear(&world->damaged);
    return outbox_store_open(world->folder, &world->port.port, &world->store, &world->damaged,
                             fault);
}

static void open_again(struct world *world)
{
    outbox_store_close(world->store);
    assert_ok(try_open(world, NULL));
}

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    fake_port_init(&world.port);
    world.folder = folder_new();
    *state = &world;
    assert_ok(try_open(&world, NULL));
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    outbox_store_close(world->store);
    buffer_release(&world->damaged);
    folder_remove(world->folder);
    return 0;
}

/* ---- Entries ---- */

/* One change; `refers` (0: none) is put as a reference among the fields. */
static void put_change(struct buffer *out, const char *op, unsigned id, const char *text,
                       unsigned refers)
{
    bool creates = strcmp(op, "create") == 0;
    bool removes = strcmp(op, "remove") == 0;
    wire_put_array(out, 1);
    wire_put_map(out, removes ? 2u : creates ? 4u : 3u);
    wire_put_text(out, "op");
    wire_put_text(out, op);
    wire_put_text(out, "id");
    wire_put_id(out, id_of(id));
    if (removes)
        return;
    if (creates) {
        wire_put_text(out, "entity");
        wire_put_text(out, "note");
    }
    wire_put_text(out, "fields");
    wire_put_map(out, refers != 0 ? 2 : 1);
    wire_put_text(out, "text");
    wire_put_text(out, text);
    if (refers != 0) {
        wire_put_text(out, "account");
        wire_put_id(out, id_of(refers));
    }
}

static void put_seen(struct buffer *out, unsigned id, unsigned account, const char *text)
{
    struct buffer fields = {0};
    wire_put_map(&fields, 1);
    wire_put_text(&fields, "text");
    wire_put_text(&fields, text);
    const struct outbox_seen seen = {.id = id_of(id),
                                     .entity = bytes_text("note"),
                                     .scope = account_of(account),
                                     .seq = 7,
                                     .fields = buffer_bytes(&fields)};
    wire_put_array(out, 1);
    outbox_seen_put(out, &seen);
    buffer_release(&fields);
}

static uint64_t queue_as(struct world *world, tandem_entry_state state, const char *op, unsigned id,
                         const char *text, unsigned refers)
{
    struct buffer changes = {0}, seen = {0};
    uint64_t order = 0;
    put_change(&changes, op, id, text, refers);
    if (strcmp(op, "create") != 0)
        put_seen(&seen, id, 1, "what was there");
    const struct outbox_item item = {.state = state,
                                     .base = 40,
                                     .at_ms = 1234,
                                     .changes = buffer_bytes(&changes),
                                     .seen = buffer_bytes(&seen)};
    assert_ok(outbox_store_add(world->store, &item, &order));
    buffer_release(&changes);
    buffer_release(&seen);
    return order;
}

static uint64_t queue(struct world *world, const char *op, unsigned id, const char *text)
{
    return queue_as(world, TANDEM_ENTRY_WAITING, op, id, text, 0);
}

/* ---- What is there ---- */

struct copy {
    struct outbox_item item;
    char changes[512];
    char detail[64];
    struct outbox_seen seen;
    struct outbox_conflict conflict;
    bool has_theirs;
};

static bool copy_item(void *context, const struct outbox_item *item)
{
    struct copy *copy = context;
    memset(copy, 0, sizeof *copy);
    copy->item = *item;
    assert_true(item->changes.size < sizeof copy->changes);
    memcpy(copy->changes, item->changes.data, item->changes.size);
    bytes_to_text(item->detail, copy->detail, sizeof copy->detail);
    struct wire_reader seen = outbox_list(item->seen);
    (void)outbox_seen_next(&seen, &copy->seen);
    struct wire_reader conflicts = outbox_list(item->conflicts);
    copy->has_theirs =
        outbox_conflict_next(&conflicts, &copy->conflict) && copy->conflict.theirs.size > 0;
    return true;
}

static struct copy entry(struct world *world, uint64_t order)
{
    struct copy copy;
    assert_ok(outbox_store_get(world->store, order, copy_item, &copy));
    return copy;
}

#define ORDERS_MOST 16
struct orders {
    uint64_t order[ORDERS_MOST];
    size_t count;
};

static bool note_order(void *context, const struct outbox_item *item)
{
    struct orders *orders = context;
    assert_true(orders->count < ORDERS_MOST);
    orders->order[orders->count++] = item->order;
    return true;
}

static struct orders all(struct world *world, unsigned states)
{
    struct orders orders = {.count = 0};
    assert_ok(outbox_store_each(world->store, states, note_order, &orders));
    return orders;
}

struct frames {
    uint64_t number[80], answered[80];
    size_t count, stop_at;
    struct buffer frame[80];
};

static bool take_frame(void *context, uint64_t number, struct bytes frame)
{
    struct frames *frames = context;
    struct message message;
    assert_true(frames->count < 80);
    assert_ok(message_decode(frame, &message, NULL));
    assert_int_equal(message.as.mutate.number, number);
    frames->answered[frames->count] = message.as.mutate.answered;
    buffer_append(&frames->frame[frames->count], frame.data, frame.size);
    frames->number[frames->count++] = number;
    return frames->count != frames->stop_at;
}

static struct frames send_from(struct world *world, uint64_t from)
{
    struct frames frames = {.count = 0};
    assert_ok(outbox_store_send(world->store, from, LIMIT_IN_FLIGHT, take_frame, &frames));
    return frames;
}

static void release(struct frames *frames)
{
    for (size_t i = 0; i < frames->count; i++)
        buffer_release(&frames->frame[i]);
}

static size_t send_all(struct world *world)
{
    struct frames frames = send_from(world, 1);
    release(&frames);
    return frames.count;
}

static struct orders answer(struct world *world, uint64_t number, enum status status, uint64_t seq)
{
    struct orders told = {.count = 0};
    const struct outbox_answer one = {
        .number = number, .seq = seq, .status = status, .change = -1, .detail = bytes_text("why")};
    assert_ok(outbox_store_record(world->store, &one, 1, 999, note_order, &told));
    return told;
}

static size_t count(struct world *world, tandem_entry_state state)
{
    return outbox_store_count(world->store, 1u << state);
}

/* ---- Tests ---- */

static void what_was_queued_is_there_again(void **state)
{
    struct world *world = *state;
    struct id client = outbox_store_client(world->store);
    uint64_t first = queue(world, "create", 1, "one");
    uint64_t second = queue(world, "update", 2, "two");
    struct copy before = entry(world, second);
    assert_true(second > first);
    open_again(world);
    assert_true(id_equal(client, outbox_store_client(world->store)));
    assert_int_equal(count(world, TANDEM_ENTRY_WAITING), 2);
    struct copy after = entry(world, second);
    assert_string_equal(before.changes, after.changes);
    assert_int_equal(after.item.base, 40);
    assert_int_equal(after.item.at_ms, 1234);
    assert_int_equal(after.seen.seq, 7);
    assert_true(after.seen.fields.size > 0);
    struct orders orders = all(world, 0);
    assert_int_equal(orders.count, 2);
    assert_int_equal(orders.order[0], first);
    assert_int_equal(orders.order[1], second);
    /* A number is never given again, also when the entry it named is gone. */
    assert_ok(outbox_store_drop(world->store, second));
    open_again(world);
    assert_true(queue(world, "create", 3, "three") > second);
}

static void numbers_are_stored_before_they_are_sent(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 3; i++)
        queue(world, "create", i, "text");
    assert_ok(outbox_store_start(world->store, 41));
    struct frames first = {.stop_at = 1};
    assert_ok(outbox_store_send(world->store, 1, LIMIT_IN_FLIGHT, take_frame, &first));
    assert_int_equal(first.count, 1); /* the link broke after one */
    open_again(world);                /* and the process ended */
    assert_int_equal(count(world, TANDEM_ENTRY_SENT), 3);
    assert_ok(outbox_store_start(world->store, 42)); /* the server has it */
    struct frames again = send_from(world, 1);
    assert_int_equal(again.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(again.number[i], 42 + i);
    assert_true(bytes_equal(buffer_bytes(&first.frame[0]), buffer_bytes(&again.frame[0])));
    assert_int_equal(again.answered[0], 41);
    release(&first);
    release(&again);
    /* From a number on: what is not sent yet on this connection. */
    again = send_from(world, 44);
    assert_int_equal(again.count, 1);
    release(&again);
}

static void a_number_is_given_at_once_when_nothing_waits_before(void **state)
{
    struct world *world = *state;
    uint64_t order = queue_as(world, TANDEM_ENTRY_SENT, "create", 1, "text", 0);
    assert_int_equal(entry(world, order).item.state, TANDEM_ENTRY_WAITING); /* never signed in */
    assert_ok(outbox_store_start(world->store, 0));
    order = queue_as(world, TANDEM_ENTRY_SENT, "create", 2, "text", 0);
    assert_int_equal(entry(world, order).item.state, TANDEM_ENTRY_WAITING); /* behind the first */
    assert_int_equal(send_all(world), 2);
    order = queue_as(world, TANDEM_ENTRY_SENT, "create", 3, "text", 0);
    assert_int_equal(entry(world, order).item.number, 3);
}

static void no_more_than_a_window_is_under_way(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= LIMIT_IN_FLIGHT + 5; i++)
        queue(world, "create", i, "text");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), LIMIT_IN_FLIGHT);
    assert_int_equal(count(world, TANDEM_ENTRY_WAITING), 5);
    (void)answer(world, 1, STATUS_OK, 100);
    (void)answer(world, 2, STATUS_OK, 101);
    struct frames more = send_from(world, LIMIT_IN_FLIGHT + 1);
    assert_int_equal(more.count, 2);
    assert_int_equal(more.number[0], LIMIT_IN_FLIGHT + 1);
    assert_int_equal(more.answered[0], 2);
    release(&more);
}

static void an_answer_is_recorded_once(void **state)
{
    struct world *world = *state;
    uint64_t first = queue(world, "create", 1, "text");
    uint64_t second = queue(world, "update", 2, "text");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    assert_int_equal(answer(world, 1, STATUS_OK, 50).count, 1);
    open_again(world);
    assert_int_equal(answer(world, 1, STATUS_OK, 50).count, 0);
    assert_int_equal(answer(world, 77, STATUS_OK, 50).count, 0);
    assert_int_equal(entry(world, first).item.state, TANDEM_ENTRY_ACCEPTED);
    assert_int_equal(entry(world, first).item.seq, 50);
    assert_int_equal(answer(world, 2, STATUS_INVALID_VALUE, 0).count, 1);
    open_again(world);
    struct copy refused = entry(world, second);
    assert_int_equal(refused.item.state, TANDEM_ENTRY_REFUSED);
    assert_int_equal(refused.item.status, STATUS_INVALID_VALUE);
    assert_string_equal(refused.detail, "why");
    /* What the replica shows is done with; what was refused stays. */
    assert_ok(outbox_store_shown(world->store, 49));
    assert_int_equal(outbox_store_count(world->store, 0), 2);
    assert_ok(outbox_store_shown(world->store, 50));
    assert_int_equal(outbox_store_count(world->store, 0), 1);
    struct orders over = {.count = 0};
    assert_ok(outbox_store_over(world->store, id_of(1), note_order, &over));
    assert_int_equal(over.count, 0);
    assert_ok(outbox_store_over(world->store, id_of(2), note_order, &over));
    assert_int_equal(over.count, 1);
}

static void what_the_server_did_not_note_waits_again(void **state)
{
    struct world *world = *state;
    for (unsigned i = 1; i <= 3; i++)
        queue(world, "create", i, "text");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 3);
    const struct outbox_answer answers[] = {
        {.number = 1, .status = STATUS_OK, .seq = 9, .change = -1},
        {.number = 2, .status = STATUS_BUSY, .change = -1, .detail = bytes_text("hold on")},
        {.number = 3, .status = STATUS_NUMBER_GAP, .change = -1}};
    struct orders told = {.count = 0};
    assert_ok(outbox_store_record(world->store, answers, 3, 1, note_order, &told));
    assert_int_equal(told.count, 2);
    struct copy busy = entry(world, 2);
    assert_int_equal(busy.item.state, TANDEM_ENTRY_WAITING);
    assert_int_equal(busy.item.status, STATUS_BUSY);
    assert_string_equal(busy.detail, "hold on");
    assert_int_equal(entry(world, 3).item.number, 0);
    assert_ok(outbox_store_drop(world->store, 2)); /* the server does not have it */
    struct frames again = send_from(world, 1);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.number[0], 2);
    release(&again);
}

static void a_restored_server_gets_new_numbers(void **state)
{
    struct world *world = *state;
    assert_ok(outbox_store_start(world->store, 10));
    queue(world, "create", 1, "text");
    queue(world, "create", 2, "text");
    assert_int_equal(send_all(world), 2);
    open_again(world);
    assert_ok(outbox_store_start(world->store, 4));
    struct frames again = send_from(world, 1);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.number[0], 5);
    assert_int_equal(again.number[1], 6);
    assert_int_equal(again.answered[0], 4);
    release(&again);
}

static void another_client_id_numbers_from_the_start(void **state)
{
    struct world *world = *state;
    struct id before = outbox_store_client(world->store);
    queue(world, "create", 1, "text");
    assert_ok(outbox_store_start(world->store, 10));
    assert_int_equal(send_all(world), 1);
    world->port.now++;
    assert_ok(outbox_store_new_client(world->store, &world->port.port));
    assert_false(id_equal(before, outbox_store_client(world->store)));
    open_again(world);
    assert_int_equal(count(world, TANDEM_ENTRY_WAITING), 1);
    assert_ok(outbox_store_start(world->store, 0));
    struct frames again = send_from(world, 1);
    assert_int_equal(again.number[0], 1);
    release(&again);
}

static void what_is_under_way_cannot_be_dropped(void **state)
{
    struct world *world = *state;
    uint64_t order = queue(world, "create", 1, "text");
    assert_int_equal(outbox_store_drop(world->store, 99), STATUS_NOT_FOUND);
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 1);
    assert_int_equal(outbox_store_drop(world->store, order), STATUS_BUSY);
    assert_int_equal(outbox_store_replace(world->store, order, NULL, 0, NULL), STATUS_BUSY);
    (void)answer(world, 1, STATUS_DENIED, 0);
    assert_ok(outbox_store_drop(world->store, order));
    open_again(world);
    assert_int_equal(outbox_store_count(world->store, 0), 0);
}

/* Account 1 is made, then note 2 in it, then note 2 is edited; and note 9, which has nothing to do
 * with it. */
static void what_depends_on_a_refused_creation_waits_for_it(void **state)
{
    struct world *world = *state;
    uint64_t made = queue(world, "create", 1, "account");
    uint64_t other = queue(world, "create", 9, "other");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    uint64_t edit = queue(world, "update", 1, "edited");
    struct orders told = answer(world, 1, STATUS_EXISTS, 0);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.order[1], edit);
    assert_int_equal(entry(world, edit).item.behind, made);
    (void)answer(world, 2, STATUS_OK, 5);
    /* What is queued from now on is held at once, by a reference too. */
    uint64_t note = queue_as(world, TANDEM_ENTRY_SENT, "create", 2, "note", 1);
    assert_int_equal(entry(world, note).item.behind, made);
    uint64_t note_edit = queue(world, "update", 2, "note edited");
    assert_int_equal(entry(world, note_edit).item.behind, made);
    assert_int_equal(send_all(world), 0);
    (void)other;
    /* Replaced: everything follows, in order. */
    struct buffer changes = {0};
    uint64_t again = 0;
    put_change(&changes, "create", 1, "with another name", 0);
    const struct outbox_item item = {.changes = buffer_bytes(&changes), .at_ms = 5};
    assert_ok(outbox_store_replace(world->store, made, &item, 1, &again));
    buffer_release(&changes);
    assert_int_equal(outbox_store_get(world->store, made, copy_item, NULL), STATUS_NOT_FOUND);
    struct orders waiting = all(world, 1u << TANDEM_ENTRY_WAITING);
    assert_int_equal(waiting.count, 4);
    assert_int_equal(waiting.order[0], again);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(entry(world, waiting.order[i]).item.behind, 0);
    assert_int_equal(send_all(world), 4);
}

static void what_was_sent_with_a_refused_creation_joins_it(void **state)
{
    struct world *world = *state;
    uint64_t made = queue(world, "create", 1, "account");
    uint64_t note = queue_as(world, TANDEM_ENTRY_WAITING, "create", 2, "note", 1);
    uint64_t edit = queue(world, "update", 2, "edited");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 3);
    (void)answer(world, 1, STATUS_EXISTS, 0);
    (void)answer(world, 2, STATUS_NOT_FOUND, 0);
    (void)answer(world, 3, STATUS_NOT_FOUND, 0);
    assert_int_equal(entry(world, note).item.behind, made);
    assert_int_equal(entry(world, edit).item.behind, made);
    assert_int_equal(count(world, TANDEM_ENTRY_REFUSED), 1);
    /* The creation is given up: the others are tried on their own, and are not lost. */
    assert_ok(outbox_store_drop(world->store, made));
    assert_int_equal(send_all(world), 2);
    (void)answer(world, 4, STATUS_NOT_FOUND, 0);
    assert_int_equal(entry(world, note).item.state, TANDEM_ENTRY_REFUSED);
    (void)answer(world, 5, STATUS_NOT_FOUND, 0);
    assert_int_equal(entry(world, edit).item.behind, note);
}

static struct bytes conflict_about(struct buffer *out, unsigned id, const char *theirs)
{
    struct buffer value = {0};
    wire_put_text(&value, theirs);
    const struct outbox_conflict conflict = {.id = id_of(id),
                                             .field = bytes_text("text"),
                                             .theirs = buffer_bytes(&value),
                                             .by = bytes_text("nils"),
                                             .at_ms = 3,
                                             .seq = 60};
    wire_put_array(out, 1);
    outbox_conflict_put(out, &conflict);
    buffer_release(&value);
    return buffer_bytes(out);
}

static void refuse_with_conflict(struct world *world, uint64_t number, unsigned id)
{
    struct buffer conflicts = {0};
    struct orders told = {.count = 0};
    const struct outbox_answer conflict = {.number = number,
                                           .status = STATUS_CONFLICT,
                                           .change = 0,
                                           .conflicts = conflict_about(&conflicts, id, "theirs")};
    assert_ok(outbox_store_record(world->store, &conflict, 1, 1, note_order, &told));
    buffer_release(&conflicts);
}

static bool file_has(struct world *world, const char *name, const char *text)
{
    char path[512];
    struct stat stat;
    bool found = false;
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &stat) == 0);
    char *contents = malloc((size_t)stat.st_size);
    assert_non_null(contents);
    assert_int_equal(read(fd, contents, (size_t)stat.st_size), stat.st_size);
    found = memmem(contents, (size_t)stat.st_size, text, strlen(text)) != NULL;
    free(contents);
    close(fd);
    return found;
}

static void others_values_go_with_their_scope_and_mine_stays(void **state)
{
    struct world *world = *state;
    uint64_t waiting = queue(world, "update", 2, "mine waiting");
    uint64_t conflict = queue(world, "update", 3, "mine in conflict");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    refuse_with_conflict(world, 2, 3);
    assert_true(entry(world, conflict).has_theirs);
    assert_ok(outbox_store_forget_scope(world->store, account_of(8)));
    assert_true(entry(world, conflict).has_theirs);
    assert_true(file_has(world, "outbox.mdb", "what was there"));
    assert_ok(outbox_store_forget_scope(world->store, account_of(1)));
    struct copy stripped = entry(world, conflict);
    assert_false(stripped.has_theirs);
    assert_int_equal(stripped.conflict.by.size, 0);
    assert_int_equal(stripped.conflict.seq, 60);
    assert_int_equal(stripped.seen.fields.size, 0);
    assert_true(stripped.seen.lost);
    /* The answer to what was under way says why. */
    (void)answer(world, 1, STATUS_NOT_FOUND, 0);
    assert_true(entry(world, waiting).item.access_ended);
    bool done = false;
    for (int turn = 0; turn < 100 && !done; turn++)
        assert_ok(outbox_store_scrub(world->store, 1u << 20, &done));
    assert_true(done);
    assert_false(file_has(world, "outbox.mdb", "what was there"));
    assert_false(file_has(world, "outbox.mdb", "theirs\xa2"));
    assert_true(file_has(world, "outbox.mdb", "mine waiting"));
    assert_true(file_has(world, "outbox.mdb", "mine in conflict"));
}

static void a_purge_after_the_refusal_tells_why_as_well(void **state)
{
    struct world *world = *state;
    uint64_t order = queue(world, "update", 2, "mine");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 1);
    (void)answer(world, 1, STATUS_NOT_FOUND, 0);
    assert_false(entry(world, order).item.access_ended);
    assert_ok(outbox_store_forget_scope(world->store, account_of(1)));
    assert_true(entry(world, order).item.access_ended);
}

static void a_removed_record_keeps_its_base_until_the_answer(void **state)
{
    struct world *world = *state;
    uint64_t deleted = queue(world, "update", 2, "mine");
    uint64_t hidden = queue(world, "update", 3, "mine");
    assert_ok(outbox_store_start(world->store, 0));
    assert_int_equal(send_all(world), 2);
    assert_ok(outbox_store_forget_record(world->store, id_of(2)));
    assert_ok(outbox_store_forget_record(world->store, id_of(3)));
    assert_true(entry(world, deleted).seen.fields.size > 0);
    refuse_with_conflict(world, 1, 2);
    (void)answer(world, 2, STATUS_NOT_FOUND, 0);
    assert_true(entry(world, deleted).seen.fields.size > 0);
    assert_int_equal(entry(world, hidden).seen.fields.size, 0);
    assert_true(entry(world, hidden).item.access_ended);
}

static bool judge(void *context, const struct outbox_item *item, uint64_t *base,
                  struct buffer *conflicts)
{
    (void)context;
    *base = 3;
    if (item->order != 2)
        return true;
    (void)conflict_about(conflicts, 2, "theirs");
    return false;
}

static void another_history_makes_bases_anew(void **state)
{
    struct world *world = *state;
    assert_ok(outbox_store_set_epoch(world->store, id_of(100)));
    assert_false(outbox_store_rebasing(world->store));
    assert_ok(outbox_store_start(world->store, 0));
    queue(world, "update", 1, "accepted");
    assert_int_equal(send_all(world), 1);
    (void)answer(world, 1, STATUS_OK, 500);
    queue(world, "update", 2, "sent");
    assert_int_equal(send_all(world), 1);
    queue(world, "update", 3, "waiting");
    assert_ok(outbox_store_set_epoch(world->store, id_of(100)));
    assert_int_equal(count(world, TANDEM_ENTRY_ACCEPTED), 1);
    assert_ok(outbox_store_set_epoch(world->store, id_of(101)));
    assert_int_equal(count(world, TANDEM_ENTRY_ACCEPTED), 0);
    assert_ok(outbox_store_start(world->store, 1));
    assert_int_equal(count(world, TANDEM_ENTRY_WAITING), 2); /* the server has not had number 2 */
    open_again(world);
    assert_true(outbox_store_rebasing(world->store));
    struct orders told = {.count = 0};
    assert_ok(outbox_store_rebase(world->store, judge, note_order, &told));
    assert_false(outbox_store_rebasing(world->store));
    assert_int_equal(told.count, 1);
    assert_int_equal(entry(world, 2).item.state, TANDEM_ENTRY_CONFLICT);
    assert_true(entry(world, 2).has_theirs);
    assert_int_equal(entry(world, 3).item.base, 3);
    assert_int_equal(send_all(world), 1);
}

static void notes_and_settings_are_kept(void **state)
{
    struct world *world = *state;
    struct buffer text = {0};
    assert_int_equal(outbox_store_note(world->store, "wish", &text), STATUS_NOT_FOUND);
    assert_ok(outbox_store_set_note(world->store, "wish", bytes_text("all")));
    assert_ok(outbox_store_set_paused(world->store, true));
    assert_ok(outbox_store_set_user(world->store, id_of(5), bytes_text("kari")));
    open_again(world);
    assert_ok(outbox_store_note(world->store, "wish", &text));
    assert_true(bytes_is(buffer_bytes(&text), "all"));
    buffer_clear(&text);
    assert_ok(outbox_store_user_name(world->store, &text));
    assert_true(bytes_is(buffer_bytes(&text), "kari"));
    assert_true(outbox_store_paused(world->store));
    assert_true(id_equal(outbox_store_user(world->store), id_of(5)));
    buffer_release(&text);
}

/* ---- Files that are not as they should be ---- */

static void spoil(struct world *world, const char *with, size_t size)
{
    char path[512];
    outbox_store_close(world->store);
    world->store = NULL;
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, with, size, 0), size);
    assert_int_equal(pwrite(fd, with, size, 4096), size);
    close(fd);
}

static void a_damaged_file_is_set_aside(void **state)
{
    struct world *world = *state;
    queue(world, "create", 1, "typed by hand");
    for (int i = 1; i <= 2; i++) {
        char expected[32];
        spoil(world, "this is no database at all, and never was one", 45);
        assert_ok(try_open(world, NULL));
        snprintf(expected, sizeof expected, "outbox.mdb.damaged-%d", i);
        assert_true(bytes_is(buffer_bytes(&world->damaged), expected));
        assert_int_equal(outbox_store_count(world->store, 0), 0);
    }
    assert_true(file_has(world, "outbox.mdb.damaged-1", "typed by hand"));
    queue(world, "create", 2, "goes on");
    open_again(world);
    assert_int_equal(world->damaged.size, 0);
    assert_int_equal(outbox_store_count(world->store, 0), 1);
}

/* Puts a value into a table behind the store's back. */
static void put_raw(struct world *world, unsigned table, struct bytes key, struct bytes value)
{
    static const char *const tables[] = {"meta", "entries", "touched", "states"};
    const struct environment_layout layout = {
        .file = "outbox.mdb", .tables = tables, .table_count = 4, .map_bytes = (size_t)1 << 30};
    struct environment environment;
    MDB_txn *txn;
    outbox_store_close(world->store);
    world->store = NULL;
    assert_ok(environment_open(world->folder, &layout, &environment));
    assert_ok(environment_write(&environment, &txn));
    assert_ok(environment_put(txn, environment.table[table], key, value, 0));
    assert_ok(environment_commit(txn));
    environment_close(&environment);
}

static void an_entry_that_is_none_makes_it_damaged(void **state)
{
    struct world *world = *state;
    uint8_t key[8];
    put_u64(key, queue(world, "create", 1, "text"));
    put_raw(world, 1, bytes_of(key, sizeof key), bytes_text("nonsense"));
    assert_ok(try_open(world, NULL));
    assert_true(world->damaged.size > 0);
    assert_int_equal(outbox_store_count(world->store, 0), 0);
}

static void a_newer_file_is_left_alone(void **state)
{
    struct world *world = *state;
    tandem_fault fault;
    uint8_t format[4];
    queue(world, "create", 1, "text");
    queue(world, "create", 2, "text");
    put_u32(format, 2);
    put_raw(world, 0, bytes_text("format"), bytes_of(format, 4));
    assert_int_equal(try_open(world, &fault), STATUS_FORMAT_VERSION);
    assert_int_equal(world->damaged.size, 0);
    assert_non_null(strstr(fault.detail, "2 changes wait"));
    put_u32(format, 1);
    put_raw(world, 0, bytes_text("format"), bytes_of(format, 4));
    assert_ok(try_open(world, NULL));
    assert_int_equal(outbox_store_count(world->store, 0), 2);
}

static void keys_of_a_later_library_are_kept(void **state)
{
    struct world *world = *state;
    struct buffer changes = {0}, before = {0}, after = {0};
    struct outbox_item item = {.state = TANDEM_ENTRY_WAITING, .change = -1};
    struct bytes value;
    put_change(&changes, "create", 1, "text", 0);
    item.changes = buffer_bytes(&changes);
    outbox_entry_encode(&before, &item, (struct bytes){0});
    /* One pair more. */
    put_u32(before.data + 1, get_u32(before.data + 1) + 1);
    wire_put_text(&before, "later");
    wire_put_uint(&before, 77);
    assert_true(outbox_entry_decode(buffer_bytes(&before), 1, &item));
    item.state = TANDEM_ENTRY_SENT;
    item.number = 5;
    outbox_entry_encode(&after, &item, buffer_bytes(&before));
    assert_true(outbox_entry_decode(buffer_bytes(&after), 1, &item));
    assert_true(wire_map_find(buffer_bytes(&after), "later", &value));
    assert_int_equal(item.number, 5);
    buffer_release(&changes);
    buffer_release(&before);
    buffer_release(&after);
    (void)world;
}

/* ---- Other processes ---- */

static bool queue_inside(void *context, const struct outbox_item *item)
{
    struct world *world = context;
    if (item->order == 1) {
        queue(world, "create", 50, "while somebody reads");
        assert_ok(outbox_store_drop(world->store, 2));
    }
    return true;
}

static void what_is_held_stays_the_same(void **state)
{
    struct world *world = *state;
    queue(world, "create", 1, "one");
    queue(world, "create", 2, "two");
    assert_ok(outbox_store_hold(world->store));
    assert_ok(outbox_store_each(world->store, 0, queue_inside, world));
    assert_int_equal(all(world, 0).count, 2);
    assert_int_equal(entry(world, 2).item.order, 2);
    outbox_store_release(world->store);
    struct orders now = all(world, 0);
    assert_int_equal(now.count, 2);
    assert_int_equal(now.order[1], 3);
}

static void another_process_is_noticed(void **state)
{
    struct world *world = *state;
    bool changed = true;
    queue(world, "create", 1, "ours");
    assert_ok(outbox_store_look(world->store, &changed));
    assert_false(changed);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct outbox_store *theirs = NULL;
        struct buffer damaged = {0};
        if (outbox_store_open(world->folder, &world->port.port, &theirs, &damaged, NULL) !=
            STATUS_OK)
            _exit(1);
        world->store = theirs;
        queue(world, "create", 2, "theirs");
        outbox_store_close(theirs);
        _exit(0);
    }
    int ended = 1;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    queue(world, "create", 3, "ours");
    assert_ok(outbox_store_look(world->store, &changed));
    assert_true(changed);
    assert_ok(outbox_store_look(world->store, &changed));
    assert_false(changed);
    assert_int_equal(outbox_store_count(world->store, 0), 3);
}

/* ---- States ---- */

static void states_move_as_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(outbox_state_answered(STATUS_OK), TANDEM_ENTRY_ACCEPTED);
    assert_int_equal(outbox_state_answered(STATUS_CONFLICT), TANDEM_ENTRY_CONFLICT);
    assert_int_equal(outbox_state_answered(STATUS_READ_ONLY), TANDEM_ENTRY_WAITING);
    assert_int_equal(outbox_state_answered(STATUS_NUMBER_GAP), TANDEM_ENTRY_WAITING);
    assert_int_equal(outbox_state_answered(STATUS_NUMBER_FORGOTTEN), TANDEM_ENTRY_REFUSED);
    assert_false(outbox_state_may(TANDEM_ENTRY_SENT, OUTBOX_GONE));
    assert_false(outbox_state_may(TANDEM_ENTRY_ACCEPTED, TANDEM_ENTRY_WAITING));
    assert_false(outbox_state_may(TANDEM_ENTRY_REFUSED, TANDEM_ENTRY_WAITING));
    assert_true(outbox_state_may(TANDEM_ENTRY_WAITING, OUTBOX_GONE));
    assert_false(outbox_state_may(-1, 0));
    assert_false(outbox_state_may(0, OUTBOX_GONE + 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_queued_is_there_again),
        TEST(numbers_are_stored_before_they_are_sent),
        TEST(a_number_is_given_at_once_when_nothing_waits_before),
        TEST(no_more_than_a_window_is_under_way),
        TEST(an_answer_is_recorded_once),
        TEST(what_the_server_did_not_note_waits_again),
        TEST(a_restored_server_gets_new_numbers),
        TEST(another_client_id_numbers_from_the_start),
        TEST(what_is_under_way_cannot_be_dropped),
        TEST(what_depends_on_a_refused_creation_waits_for_it),
        TEST(what_was_sent_with_a_refused_creation_joins_it),
        TEST(others_values_go_with_their_scope_and_mine_stays),
        TEST(a_purge_after_the_refusal_tells_why_as_well),
        TEST(a_removed_record_keeps_its_base_until_the_answer),
        TEST(another_history_makes_bases_anew),
        TEST(notes_and_settings_are_kept),
        TEST(a_damaged_file_is_set_aside),
        TEST(an_entry_that_is_none_makes_it_damaged),
        TEST(a_newer_file_is_left_alone),
        TEST(keys_of_a_later_library_are_kept),
        TEST(what_is_held_stays_the_same),
        TEST(another_process_is_noticed),
        cmocka_unit_test(states_move_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

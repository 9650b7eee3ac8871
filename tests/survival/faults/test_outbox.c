/* The outbox, with the n-th allocation, write or flush failing, for every n.
 *
 * After each failure the program goes on with the same handle, or is started again with whatever of
 * the writes a loss of power left. Either way: what was queued with OK is sent, once, whatever was
 * recorded with OK is still so, and an entry that was refused is there until its author did
 * something about it. What failed may have happened or not, and is never halfway. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/outbox/outbox_entry.h"
#include "client-lib/outbox/outbox_store.h"
#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/lost_writes.h"
#include "tests/survival/faults/sweep.h"
#include "tests/unit/client-lib/support.h"

#define TEXTS 6u
#define NUMBERS_MOST 64u
#define IN_STATE(state) (1u << (state))
#define QUARANTINE (IN_STATE(TANDEM_ENTRY_CONFLICT) | IN_STATE(TANDEM_ENTRY_REFUSED))

/* The texts that are typed; the fifth takes the place of the second, which is in conflict, and the
 * sixth is typed in the end. */
enum { ACCEPTED, CONFLICTING, BUSY, REFUSED, REPLACING, LAST };

struct typist {
    char *folder;
    struct fake_port port;
    struct outbox_store *store;
    bool made;             /* the file was opened with OK */
    bool typed[TEXTS];     /* queued with OK */
    bool dropped, settled; /* tried, whatever came of it */
    bool accepted_known;   /* that the first was accepted was recorded with OK */
    /* The server: which text came with which number, and how it answers. */
    unsigned came[NUMBERS_MOST];
    uint64_t last;
    bool was_busy;
};

struct course {
    bool reopens;
    int error;
    enum failing_way way;
    enum lost_writes lost;
};

/* ---- Texts ---- */

static void put_text(struct buffer *out, unsigned text)
{
    wire_put_array(out, 1);
    wire_put_map(out, 4);
    wire_put_text(out, "op");
    wire_put_text(out, "create");
    wire_put_text(out, "id");
    wire_put_id(out, id_of(100 + text));
    wire_put_text(out, "entity");
    wire_put_text(out, "note");
    wire_put_text(out, "fields");
    wire_put_map(out, 1);
    wire_put_text(out, "text");
    wire_put_uint(out, text);
}

static unsigned text_of(struct bytes changes)
{
    struct wire_reader reader = outbox_list(changes);
    struct outbox_change change;
    assert_true(outbox_change_next(&reader, &change));
    const unsigned text = change.id.octet[15] - 100u;
    assert_true(text < TEXTS);
    return text;
}

/* ---- The server ---- */

static bool take_frame(void *context, uint64_t number, struct bytes frame)
{
    struct typist *typist = context;
    struct message message;
    assert_ok(message_decode(frame, &message, NULL));
    assert_true(number < NUMBERS_MOST && message.as.mutate.answered < number);
    const unsigned text = text_of(message.as.mutate.changes);
    if (number <= typist->last) {
        assert_int_equal(typist->came[number], text);
    } else if (number == typist->last + 1 && (text != BUSY || typist->was_busy)) {
        typist->came[number] = text;
        typist->last = number;
    }
    return true;
}

static enum status status_of(unsigned text)
{
    return text == CONFLICTING ? STATUS_CONFLICT : text == REFUSED ? STATUS_DENIED : STATUS_OK;
}

/* All that it has to say, to what came and to what did not fit. */
static size_t say_all(struct typist *typist, struct outbox_answer *out)
{
    size_t count = 0;
    for (uint64_t number = 1; number <= typist->last; number++) {
        const enum status status = status_of(typist->came[number]);
        out[count++] = (struct outbox_answer){.number = number,
                                              .status = status,
                                              .seq = status == STATUS_OK ? 10 + number : 0,
                                              .change = 0,
                                              .detail = bytes_text("words")};
    }
    out[count++] = (struct outbox_answer){
        .number = typist->last + 1, .status = STATUS_BUSY, .change = -1, .detail = bytes_text("")};
    typist->was_busy = true;
    return count;
}

/* ---- The program ---- */

/* A file of which the first pages were lost before anything was committed may be taken for damaged;
 * one that holds something never is. */
static enum status open_it(struct typist *typist)
{
    struct buffer damaged = {0};
    const enum status status =
        outbox_store_open(typist->folder, &typist->port.port, &typist->store, &damaged, NULL);
    assert_true(damaged.size == 0 || !typist->made);
    typist->made = typist->made || status == STATUS_OK;
    buffer_release(&damaged);
    return status;
}

static void close_it(struct typist *typist)
{
    outbox_store_close(typist->store);
    typist->store = NULL;
}

static enum status type(struct typist *typist, unsigned text)
{
    struct buffer changes = {0};
    uint64_t order = 0;
    put_text(&changes, text);
    const struct outbox_item item = {
        .state = TANDEM_ENTRY_SENT, .at_ms = 1, .changes = buffer_bytes(&changes)};
    const enum status status =
        changes.failed ? STATUS_NO_MEMORY : outbox_store_add(typist->store, &item, &order);
    buffer_release(&changes);
    typist->typed[text] = typist->typed[text] || status == STATUS_OK;
    return status;
}

static bool ignore(void *context, const struct outbox_item *item)
{
    (void)context;
    (void)item;
    return true;
}

static enum status answer_all(struct typist *typist)
{
    struct outbox_answer answers[NUMBERS_MOST];
    const size_t count = say_all(typist, answers);
    return outbox_store_record(typist->store, answers, count, 5, ignore, NULL);
}

struct search {
    unsigned text;
    uint64_t order;
    tandem_entry_state state;
    unsigned found;
};

static bool look_at(void *context, const struct outbox_item *item)
{
    struct search *search = context;
    if (text_of(item->changes) == search->text) {
        search->order = item->order;
        search->state = item->state;
        search->found++;
    }
    return true;
}

static enum status find(struct typist *typist, struct search *search)
{
    return outbox_store_each(typist->store, 0, look_at, search);
}

/* The conflict is settled by another text, and the refusal given up. */
static enum status settle(struct typist *typist)
{
    struct search conflict = {.text = CONFLICTING}, refused = {.text = REFUSED};
    struct buffer changes = {0};
    enum status status = find(typist, &conflict);
    if (status == STATUS_OK)
        status = find(typist, &refused);
    put_text(&changes, REPLACING);
    if (changes.failed)
        status = STATUS_NO_MEMORY;
    const struct outbox_item item = {.at_ms = 2, .changes = buffer_bytes(&changes)};
    if (status == STATUS_OK && conflict.found > 0) {
        typist->settled = true;
        status = outbox_store_replace(typist->store, conflict.order, &item, 1, NULL);
    }
    buffer_release(&changes);
    if (status == STATUS_OK && refused.found > 0) {
        typist->dropped = true;
        status = outbox_store_drop(typist->store, refused.order);
    }
    return status;
}

static enum status send_all(struct typist *typist)
{
    return outbox_store_send(typist->store, 1, LIMIT_IN_FLIGHT, take_frame, typist);
}

/* The day, as far as it goes. */
static enum status work(struct typist *typist)
{
    enum status status = outbox_store_set_user(typist->store, id_of(1), bytes_text("kari"));
    if (status == STATUS_OK)
        status = outbox_store_start(typist->store, 0);
    for (unsigned text = ACCEPTED; text <= REFUSED && status == STATUS_OK; text++)
        status = type(typist, text);
    if (status == STATUS_OK)
        status = send_all(typist);
    if (status == STATUS_OK)
        status = answer_all(typist);
    if (status == STATUS_OK)
        status = send_all(typist);
    if (status == STATUS_OK)
        status = answer_all(typist);
    if (status == STATUS_OK) {
        typist->accepted_known = true;
        status = outbox_store_shown(typist->store, 11);
    }
    if (status == STATUS_OK)
        status = settle(typist);
    if (status == STATUS_OK)
        status = outbox_store_forget_record(typist->store, id_of(100));
    return status;
}

/* The next day nothing fails. */
static void finish(struct typist *typist)
{
    bool another = typist->store == NULL;
    if (another)
        assert_ok(open_it(typist));
    assert_ok(outbox_store_start(typist->store, typist->last));
    assert_ok(type(typist, LAST));
    for (int turn = 0; turn < 4; turn++) {
        assert_ok(send_all(typist));
        assert_ok(answer_all(typist));
    }
    assert_int_equal(outbox_store_count(typist->store, IN_STATE(TANDEM_ENTRY_WAITING) |
                                                           IN_STATE(TANDEM_ENTRY_SENT)),
                     0);
    assert_ok(outbox_store_shown(typist->store, 1000));
    close_it(typist);
    assert_ok(open_it(typist));
}

/* How often the server has taken a text. */
static unsigned times(const struct typist *typist, unsigned text)
{
    unsigned count = 0;
    for (uint64_t number = 1; number <= typist->last; number++)
        count += typist->came[number] == text;
    return count;
}

static void judge(struct typist *typist)
{
    for (unsigned text = 0; text < TEXTS; text++) {
        assert_true(times(typist, text) <= 1);
        if (typist->typed[text])
            assert_int_equal(times(typist, text), 1);
    }
    struct search conflict = {.text = CONFLICTING}, refused = {.text = REFUSED};
    assert_ok(find(typist, &conflict));
    assert_ok(find(typist, &refused));
    assert_true(conflict.found <= 1 && refused.found <= 1);
    if (typist->typed[CONFLICTING])
        assert_int_equal(conflict.found + times(typist, REPLACING), 1);
    if (typist->typed[REFUSED] && !typist->dropped)
        assert_int_equal(refused.found, 1);
    assert_int_equal(outbox_store_count(typist->store, 0),
                     outbox_store_count(typist->store, QUARANTINE));
}

/* ---- The sweeps ---- */

static void typist_make(struct typist *typist)
{
    memset(typist, 0, sizeof *typist);
    typist->folder = folder_new();
    fake_port_init(&typist->port);
}

static void typist_release(struct typist *typist)
{
    close_it(typist);
    folder_remove(typist->folder);
}

/* Works until something fails. */
static void work_on(struct typist *typist)
{
    enum status status = STATUS_OK;
    if (typist->store == NULL)
        status = open_it(typist);
    if (status == STATUS_OK)
        (void)work(typist);
}

static bool without_memory(void *context, uint64_t n, bool onwards)
{
    const struct course *course = context;
    struct typist typist;
    typist_make(&typist);
    failing_memory_arm(n, onwards);
    work_on(&typist);
    const bool met = failing_memory_disarm() > 0;
    if (course->reopens)
        close_it(&typist);
    finish(&typist);
    judge(&typist);
    typist_release(&typist);
    return met;
}

static void allocations(void **state)
{
    struct course course = {.reopens = false};
    (void)state;
    sweep("allocation, outbox that goes on", 1, without_memory, &course);
    course.reopens = true;
    sweep("allocation, outbox opened again", 1, without_memory, &course);
    assert_int_equal(failing_memory_held(), 0);
}

static bool without_disk(void *context, uint64_t n, bool onwards)
{
    const struct course *course = context;
    struct typist typist;
    typist_make(&typist);
    lost_writes_watch(typist.folder);
    failing_calls_arm_disk(course->way, course->error, n, onwards);
    work_on(&typist);
    const bool met = failing_calls_disarm(failing_plan()) > 0;
    if (course->reopens)
        close_it(&typist);
    lost_writes_take(course->reopens ? course->lost : LOST_NONE, n + sweep_seed());
    finish(&typist);
    judge(&typist);
    typist_release(&typist);
    return met;
}

static void each_disk(struct course *course, const char *what)
{
    static const char *const names[] = {"restart", "power lost", "power lost halfway"};
    char kind[96];
    course->reopens = false;
    (void)snprintf(kind, sizeof kind, "write and flush, outbox, %s, goes on", what);
    sweep(kind, 3, without_disk, course);
    course->reopens = true;
    for (unsigned lost = LOST_NONE; lost <= LOST_SOME; lost++) {
        course->lost = (enum lost_writes)lost;
        (void)snprintf(kind, sizeof kind, "write and flush, outbox, %s, %s", what, names[lost]);
        sweep(kind, 3, without_disk, course);
    }
}

static void writes_and_flushes(void **state)
{
    struct course course = {.error = EIO};
    (void)state;
    each_disk(&course, "EIO");
    course.way = FAILING_ALL_DONE;
    each_disk(&course, "EIO with the data in the cache");
    course.way = FAILING_HALF_DONE;
    course.error = ENOSPC;
    each_disk(&course, "half written");
}

int main(void)
{
    failing_plan()->skip_flush = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations),
        cmocka_unit_test(writes_and_flushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Commands that are much work: how many the committer takes into a transaction, and whom it tells
 * what they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/change_set.h"
#include "protocol/message.h"
#include "protocol/wire.h"
#include "server/commit/commit.h"
#include "server/core/access/principal.h"
#include "server/core/work.h"

#define NOTE ((struct id){{1, 2, 3, 4}})
#define MAX_TOLD 256u
/* As of BATCH_WORK in commit.c: units for each command of a batch. */
#define BATCH 64u
#define MOST_WORK (2 * BATCH)

struct told {
    enum { TOLD_NOTICE, TOLD_WORK, TOLD_ANSWER } what;
    uint64_t ticket;
    uint32_t units;
    char result[33];
};

struct fixture {
    char path[64];
    struct store *store;
    struct committer *committer;
    uint64_t now_ms, version;
    uint8_t random;
    struct id admin;
    struct told told[MAX_TOLD];
    size_t told_count;
};

static uint64_t now(void *self)
{
    return ((struct fixture *)self)->now_ms;
}

static void fill_random(void *self, void *out, size_t size)
{
    memset(out, ++((struct fixture *)self)->random, size);
}

static struct told *tell(struct fixture *f)
{
    assert_true(f->told_count < MAX_TOLD);
    f->told[f->told_count] = (struct told){.what = TOLD_NOTICE};
    return &f->told[f->told_count++];
}

static void answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    struct message message;
    struct told *told = tell(self);
    told->what = TOLD_ANSWER;
    told->ticket = origin.ticket;
    assert_int_equal(status, STATUS_OK);
    if (answer.size > 0 && message_decode(answer, &message, NULL) == STATUS_OK) {
        bytes_to_text(message.type == MESSAGE_RESULT ? message.as.result.status
                                                     : message.as.note_result.status,
                      told->result, sizeof told->result);
    }
}

static void announce(void *self, struct notice *notice)
{
    (void)notice;
    tell(self)->what = TOLD_NOTICE;
}

static void failed(void *self, enum status status)
{
    (void)self;
    fail_msg("the committer failed: %s", status_name(status));
}

static void worked(void *self, struct id actor, uint32_t units)
{
    struct fixture *f = self;
    struct told *told = tell(f);
    told->what = TOLD_WORK;
    told->units = units;
    assert_true(id_equal(actor, f->admin));
}

static void submit(struct fixture *f, enum command_kind kind, const struct buffer *body,
                   uint64_t ticket)
{
    struct origin origin = {0, 1, ticket};
    struct command command = {.kind = kind, .actor = f->admin, .body = buffer_bytes(body)};
    command.client.octet[0] = 9;
    assert_false(body->failed);
    assert_true(committer_submit(f->committer, origin, &command));
}

static void put(struct buffer *out, const char *key, const char *value)
{
    wire_put_text(out, key);
    wire_put_text(out, value);
}

static void found(struct fixture *f)
{
    struct buffer body = {0};
    struct store_reader *reader;
    struct state state;
    wire_put_map(&body, 2);
    put(&body, "name", "admin");
    put(&body, "credential", "hash");
    submit(f, COMMAND_FOUND, &body, 0);
    buffer_release(&body);
    assert_int_not_equal(committer_run_batch(f->committer), 0);
    assert_int_equal(store_reader_new(f->store, &reader), STATUS_OK);
    assert_int_equal(store_read_begin(reader, &state), STATUS_OK);
    assert_int_equal(principal_find_user(&state, bytes_text("admin"), &f->admin), STATUS_OK);
    store_read_end(reader);
    store_reader_free(reader);
}

/* A mutation that makes one record with a text; `number` is also the ticket. */
static void create(struct fixture *f, const char *entity, struct id id, const char *field,
                   uint64_t number)
{
    struct buffer changes = {0}, body = {0};
    struct message message = {.type = MESSAGE_MUTATE};
    wire_put_array(&changes, 1);
    wire_put_map(&changes, 4);
    put(&changes, "op", "create");
    put(&changes, "entity", entity);
    wire_put_text(&changes, "id");
    wire_put_id(&changes, id);
    wire_put_text(&changes, "fields");
    wire_put_map(&changes, 1);
    put(&changes, field, "Fjord Bruk");
    message.as.mutate.number = number;
    message.as.mutate.changes = buffer_bytes(&changes);
    message_encode(&body, &message);
    submit(f, COMMAND_MUTATE, &body, number);
    buffer_release(&changes);
    buffer_release(&body);
}

/* `sets` change sets that each put `words` in front of the `units` that there are. */
static void push(struct fixture *f, uint64_t base, uint32_t units, uint32_t sets,
                 struct bytes words, uint64_t ticket)
{
    struct buffer changes = {0}, body = {0};
    struct change_set set = {0};
    struct message message = {.type = MESSAGE_NOTE_PUSH};
    wire_put_array(&changes, sets);
    for (uint32_t i = 0; i < sets; i++) {
        change_set_clear(&set);
        change_set_replace(&set, 0, words, false);
        change_set_keep(&set, units + i * (uint32_t)words.size);
        change_set_write(&set, &changes);
    }
    change_set_release(&set);
    message.as.note_push.note = NOTE;
    message.as.note_push.base = base;
    message.as.note_push.changes = buffer_bytes(&changes);
    message_encode(&body, &message);
    submit(f, COMMAND_NOTE, &body, ticket);
    buffer_release(&changes);
    buffer_release(&body);
}

static void run(struct fixture *f)
{
    f->told_count = 0;
    while (committer_run_batch(f->committer) > 0) {
    }
}

static uint32_t first_units(void)
{
    return (uint32_t)strlen("Fjord Bruk");
}

/* The note, which has `size` bytes more then than at first. */
static void lengthen(struct fixture *f, size_t size)
{
    struct buffer words = {0};
    memset(buffer_extend(&words, size), 'w', size);
    push(f, 0, first_units(), 1, buffer_bytes(&words), 1);
    buffer_release(&words);
    run(f);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->path, sizeof f->path, "/tmp/tandem-work-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    f->now_ms = UINT64_C(1780000000000);
    struct store_options options = {
        .path = f->path, .create = true, .no_sync = true, .map_bytes = 1u << 28};
    options.epoch.octet[0] = 7;
    assert_int_equal(store_open(&options, &f->store, NULL), STATUS_OK);
    const struct commit_port port = {f, now, fill_random, answered, announce, failed};
    const struct commit_options commit_options = {.queue_commands = 256, .batch_commands = BATCH};
    f->committer = committer_new(f->store, &port, &commit_options);
    assert_non_null(f->committer);
    found(f);
    create(f, "note", NOTE, "text", 1);
    run(f);
    committer_tell_work(f->committer, f, worked);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    committer_free(f->committer);
    store_close(f->store);
    snprintf(command, sizeof command, "rm -rf '%s'", f->path);
    int removed = system(command);
    free(f);
    return removed;
}

static size_t count(const struct fixture *f, int what)
{
    size_t counted = 0;
    for (size_t i = 0; i < f->told_count; i++) {
        counted += (int)f->told[i].what == what;
    }
    return counted;
}

static uint32_t units_of_only_push(struct fixture *f)
{
    uint32_t units = 0;
    run(f);
    assert_int_equal(count(f, TOLD_WORK), 1);
    for (size_t i = 0; i < f->told_count; i++) {
        units += f->told[i].what == TOLD_WORK ? f->told[i].units : 0;
    }
    return units;
}

/* By its sets, and by the text that each of them changes. */
static void test_a_push_is_weighed(void **state)
{
    struct fixture *f = *state;
    const size_t longer = 150000;
    push(f, 0, first_units(), 1, bytes_text("x"), 1);
    assert_int_equal(units_of_only_push(f), 3);
    push(f, 1, first_units() + 1, 4, bytes_text("x"), 2);
    assert_int_equal(units_of_only_push(f), 6);
    struct buffer words = {0};
    memset(buffer_extend(&words, longer), 'w', longer);
    push(f, 5, first_units() + 5, 1, buffer_bytes(&words), 3);
    buffer_release(&words);
    (void)units_of_only_push(f);
    push(f, 6, first_units() + 5 + (uint32_t)longer, 1, bytes_text("x"), 4);
    const uint32_t one = units_of_only_push(f);
    assert_int_equal(one, 3 + 2 * (longer / WORK_BYTES));
    push(f, 7, first_units() + 6 + (uint32_t)longer, 11, bytes_text("x"), 5);
    assert_int_equal(units_of_only_push(f), one + 10 * (1 + longer / WORK_BYTES));
}

/* Also what comes of it nothing. */
static void test_a_push_that_is_refused_is_weighed(void **state)
{
    struct fixture *f = *state;
    const size_t longer = 150000;
    lengthen(f, longer);
    push(f, 0, first_units(), 1, bytes_text("x"), 2); /* behind */
    assert_true(units_of_only_push(f) >= 1 + longer / WORK_BYTES);
    push(f, 1, 7, 1, bytes_text("x"), 3); /* not of this text */
    assert_true(units_of_only_push(f) >= 2 * (longer / WORK_BYTES));
    push(f, 1, first_units() + (uint32_t)longer, LIMIT_NOTE_PUSH + 1, bytes_text("x"), 4);
    assert_true(units_of_only_push(f) >= 1);
    push(f, 1, 7, 0, bytes_text("x"), 5);
    assert_true(units_of_only_push(f) >= 1);
}

/* Nobody is told of others' commands. */
static void test_mutations_are_not_charged(void **state)
{
    struct fixture *f = *state;
    create(f, "account", (struct id){{1, 2, 3, 5}}, "name", 2);
    run(f);
    assert_int_equal(count(f, TOLD_ANSWER), 1);
    assert_int_equal(count(f, TOLD_WORK), 0);
}

/* A mutation that stands among pushes that are much work is answered when those before it and a
 * few more are done, not when all are. */
static void test_a_batch_is_bounded_by_its_work(void **state)
{
    struct fixture *f = *state;
    const uint32_t longer = 150000, pushes = 40;
    uint64_t base = 1;
    size_t answered_before = 0, notices = 0;
    lengthen(f, longer);
    for (uint32_t i = 0; i < pushes; i++, base++) {
        if (i == 1) {
            create(f, "account", (struct id){{1, 2, 3, 5}}, "name", 2);
        }
        push(f, base, first_units() + longer + i, 1, bytes_text("x"), 100 + i);
    }
    run(f);
    for (size_t i = 0; i < f->told_count; i++) {
        if (f->told[i].what == TOLD_ANSWER) {
            assert_string_equal(f->told[i].result, "ok");
        }
        notices += f->told[i].what == TOLD_NOTICE;
        answered_before += notices == 1 && f->told[i].what == TOLD_ANSWER;
    }
    const uint32_t units = 3 + 2 * (longer / WORK_BYTES);
    assert_int_equal(count(f, TOLD_ANSWER), pushes + 1);
    assert_true(answered_before >= 2);
    assert_true((answered_before - 2) * units < MOST_WORK);
    assert_true(notices > pushes * units / (MOST_WORK + units));
    for (size_t i = 0; i < f->told_count; i++) {
        if (f->told[i].what == TOLD_ANSWER && f->told[i].ticket == 2) {
            assert_true(i < 2 * answered_before + 1);
        }
    }
}

/* As many as a batch may have come together when they are short. */
static void test_short_commands_fill_a_batch(void **state)
{
    struct fixture *f = *state;
    for (uint8_t i = 0; i < BATCH; i++) {
        create(f, "account", (struct id){{1, 2, 4, i}}, "name", 2 + i);
    }
    run(f);
    assert_int_equal(count(f, TOLD_NOTICE), 1);
    assert_int_equal(count(f, TOLD_ANSWER), BATCH);
}

#define COMMIT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMIT_TEST(test_a_push_is_weighed),
        COMMIT_TEST(test_a_push_that_is_refused_is_weighed),
        COMMIT_TEST(test_mutations_are_not_charged),
        COMMIT_TEST(test_a_batch_is_bounded_by_its_work),
        COMMIT_TEST(test_short_commands_fill_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

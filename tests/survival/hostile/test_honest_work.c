/* Who works hard is not taken for somebody who means no good: on a real server that allows a single
 * error a second, an import, thousands of changes sent without waiting for an answer, people who
 * type in one note as fast as the server takes it, and a first sync that has to be acknowledged all
 * along are charged nothing, and wait for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/tandem_command.h"
#include "tests/survival/hostile/company.h"
#include "tests/survival/hostile/honest.h"
#include "tests/survival/hostile/typing.h"

#define BALLAST 1500u /* records to sync */
#define BALLAST_BYTES 4096u
#define ROWS 3000u
#define CHANGES 3000u
#define BAD_CHANGE 10u /* every so many */
#define IN_FLIGHT 64u
#define TYPISTS 5u
#define KEYSTROKES 800u
#define PATH (SCRATCH_PATH + 64)

struct fixture {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct company company;
    struct honest honest;
};

static int set_up(void **state)
{
    static const char *const flags[] = {"--user-errors", "1", NULL};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    return fixture != NULL && scratch_make(fixture->folder) &&
                   server_process_make(&fixture->server, fixture->folder, COMPANY_ADMIN,
                                       COMPANY_PASSWORD) &&
                   server_process_start(&fixture->server, flags, 0) &&
                   company_make(&fixture->company, &fixture->server, BALLAST) &&
                   honest_begin(&fixture->honest, &fixture->server, &fixture->company)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    honest_end(&fixture->honest);
    bool ended = server_process_stop(&fixture->server);
    scratch_remove(fixture->folder);
    free(fixture);
    return ended ? 0 : -1;
}

static void check_nothing_charged(struct fixture *fixture)
{
    struct message message = {.type = MESSAGE_STATUS};
    uint64_t errors = 1, pauses = 1;
    assert_true(talk_ask(&fixture->honest.talk, &message, &message.as.status.request));
    struct bytes info = fixture->honest.talk.last.as.answer.info;
    assert_true(wire_map_uint(info, "errors", &errors));
    assert_true(wire_map_uint(info, "pauses", &pauses));
    assert_int_equal(errors, 0);
    assert_int_equal(pauses, 0);
}

static struct tandem_output run(const struct fixture *fixture, const char *profile,
                                const char *const *arguments)
{
    char folder[PATH];
    (void)snprintf(folder, sizeof folder, "%s/%s", fixture->folder, profile);
    const struct tandem_command command = {.profile = folder, .password = COMPANY_PASSWORD};
    return tandem_command_run(&command, arguments);
}

static void sign_in(const struct fixture *fixture, const char *profile)
{
    const char *const arguments[] = {"login", fixture->server.url, "--user", COMPANY_ADMIN,
                                     "--ca",  fixture->server.ca,  NULL};
    struct tandem_output output = run(fixture, profile, arguments);
    if (output.status != 0) {
        fail_msg("login: %s%s", output.out, output.err);
    }
    tandem_output_release(&output);
}

static void write_rows(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "name\n");
    for (unsigned i = 0; i < ROWS; i++) {
        (void)fprintf(file, "Customer %u\n", i);
    }
    assert_int_equal(fclose(file), 0);
}

static void test_import(void **state)
{
    struct fixture *fixture = *state;
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/customers.csv", fixture->folder);
    write_rows(path);
    sign_in(fixture, "importer");
    const char *const arguments[] = {"import", path, "--as", "account", "--json", NULL};
    struct tandem_output output = run(fixture, "importer", arguments);
    if (tandem_output_number(&output, "created") != ROWS) {
        fail_msg("import: %s%s", output.out, output.err);
    }
    tandem_output_release(&output);
    check_nothing_charged(fixture);
}

static void say_change(struct talk *talk, struct id record)
{
    struct message message = {.type = MESSAGE_MUTATE};
    struct buffer changes = {0};
    message.as.mutate.number = ++talk->number;
    company_put_update(&changes, record, talk->number);
    assert_false(changes.failed);
    message.as.mutate.changes = buffer_bytes(&changes);
    assert_true(talk_say(talk, &message));
    buffer_release(&changes);
}

/* Always as many unanswered as may be, and some of them for records that nobody has. */
static void test_bulk_writer(void **state)
{
    struct fixture *fixture = *state;
    struct talk *talk = &fixture->honest.talk;
    const uint64_t first = talk->number + 1, end = first + CHANGES;
    for (uint64_t answered = first; answered < end; answered++) {
        while (talk->number + 1 < end && talk->number < answered + IN_FLIGHT - 1) {
            bool good = (talk->number + 1) % BAD_CHANGE != 0;
            say_change(talk, good ? fixture->company.honest : talk_id());
        }
        do {
            assert_true(talk_hear(talk));
        } while (talk->last.type != MESSAGE_RESULT);
        assert_int_equal(talk->last.as.result.number, answered);
        assert_int_equal(bytes_is(talk->last.as.result.status, "ok"), answered % BAD_CHANGE != 0);
    }
    check_nothing_charged(fixture);
}

static void open_note(struct talk *talk, struct id note)
{
    struct message message = {.type = MESSAGE_NOTE_OPEN};
    message.as.note_open.note = note;
    assert_true(talk_ask(talk, &message, &message.as.note_open.request));
    assert_int_equal(talk->last.type, MESSAGE_NOTE);
}

static void be_present(struct talk *talk, struct id note, uint64_t at)
{
    struct message message = {.type = MESSAGE_PRESENT};
    message.as.present.about = note;
    message.as.present.typing = true;
    message.as.present.head = at;
    message_mark(&message, "typing");
    message_mark(&message, "head");
    assert_true(talk_say(talk, &message));
}

/* One user at five windows, which is harder than five users: all have the note open, and tell where
 * they are with each keystroke. */
static void test_typists(void **state)
{
    struct fixture *fixture = *state;
    const struct talk_hello hello = {.method = "token", .secret = fixture->company.token};
    static struct talk talks[TYPISTS];
    char refusal[TALK_NAME] = "";
    struct id note;
    assert_true(typing_make_note(&fixture->honest.talk, fixture->company.account, &note));
    for (unsigned i = 0; i < TYPISTS; i++) {
        assert_true(talk_open(&talks[i], fixture->server.address, fixture->server.ca, NULL));
        assert_true(talk_sign_in(&talks[i], &hello, refusal));
        open_note(&talks[i], note);
    }
    for (unsigned i = 0; i < KEYSTROKES; i++) {
        struct talk *talk = &talks[i % TYPISTS];
        be_present(talk, note, i);
        assert_true(typing_say_push(talk, note, i, i));
        assert_true(typing_hear_result(talk));
    }
    check_nothing_charged(fixture);
    for (unsigned i = 0; i < TYPISTS; i++) {
        talk_close(&talks[i]);
    }
}

/* Each frame is acknowledged by itself, which is the most that can be. */
static void test_first_sync(void **state)
{
    struct fixture *fixture = *state;
    struct talk *talk = &fixture->honest.talk;
    const struct message subscribe = {.type = MESSAGE_SUBSCRIBE};
    struct message ack = {.type = MESSAGE_ACK};
    size_t bytes = 0;
    assert_true(talk_say(talk, &subscribe));
    for (;;) {
        assert_true(talk_hear(talk));
        if (talk->last.type == MESSAGE_CAUGHT_UP) {
            break;
        }
        assert_int_equal(talk->last.type, MESSAGE_CHANGES);
        bytes += talk->net.size;
        ack.as.ack.frames++;
        assert_true(talk_say(talk, &ack));
    }
    assert_true(bytes > BALLAST * BALLAST_BYTES && ack.as.ack.frames > 10);
    check_nothing_charged(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import),
        cmocka_unit_test(test_bulk_writer),
        cmocka_unit_test(test_typists),
        cmocka_unit_test(test_first_sync),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

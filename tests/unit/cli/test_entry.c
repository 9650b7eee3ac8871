/* Entries of the outbox as objects and in words. */
#include "prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

#define FJORD "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e"
#define VEST "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9f"

static const tandem_fault no_fault = {.change = -1};

static const tandem_entry_change phone = {.op = "update",
                                          .entity = "account",
                                          .id = FJORD,
                                          .field = "phoneNumber",
                                          .base = "+4722334455",
                                          .mine = "+4711111111",
                                          .by = ""};

static json_t *object_of(tandem_entry_state state, const tandem_fault *fault,
                         const tandem_entry_change *changes, size_t count)
{
    const tandem_entry entry = {.entry = 12,
                                .state = state,
                                .since_ms = 1772357400000,
                                .fault = fault,
                                .change_count = count,
                                .changes = changes,
                                .json = "{}"};
    json_t *object = entry_object(&entry);
    assert_non_null(object);
    return object;
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

typedef void add_fn(const json_t *entry, struct buffer *out);
static void expect_words(add_fn *add, const json_t *entry, const char *wanted)
{
    struct buffer words = {0};
    add(entry, &words);
    assert_string_equal(text_of(&words), wanted);
    buffer_release(&words);
}

static void expect_why(const json_t *entry, bool paused, const char *wanted)
{
    struct buffer words = {0};
    entry_add_why(entry, paused, &words);
    assert_string_equal(text_of(&words), wanted);
    buffer_release(&words);
}

static void an_entry_that_waits(void **state)
{
    (void)state;
    json_t *entry = object_of(TANDEM_ENTRY_WAITING, &no_fault, &phone, 1);
    const json_t *change = json_array_get(json_object_get(entry, "changes"), 0);
    assert_int_equal(entry_number(entry), 12);
    assert_true(entry_is(entry, TANDEM_ENTRY_WAITING));
    assert_false(entry_is(entry, TANDEM_ENTRY_CONFLICT));
    assert_string_equal(text(entry, "since"), "2026-03-01T09:30:00.000Z");
    assert_null(json_object_get(entry, "reason"));
    assert_null(json_object_get(entry, "behind"));
    assert_string_equal(text(change, "base"), "+4722334455");
    assert_string_equal(text(change, "mine"), "+4711111111");
    assert_null(json_object_get(change, "theirs"));
    assert_true(entry_changes(entry, FJORD));
    assert_false(entry_changes(entry, VEST));
    expect_words(entry_add_line, entry, "edit account " FJORD ": phoneNumber=+4711111111");
    expect_why(entry, true, "offline");
    expect_why(entry, false, "not sent yet");
    json_decref(entry);
}

static void why_an_entry_is_not_with_the_server(void **state)
{
    (void)state;
    const tandem_fault busy = {.code = STATUS_BUSY, .change = -1};
    const tandem_fault kept = {.code = STATUS_KEPT, .change = -1};
    const tandem_fault denied = {
        .code = STATUS_DENIED, .change = 0, .field = "rating", .detail = "it is for sales"};
    json_t *entry = object_of(TANDEM_ENTRY_WAITING, &busy, &phone, 1);
    expect_why(entry, false, "the server is busy, try again shortly");
    expect_why(entry, true, "offline");
    assert_string_equal(text(entry, "code"), "busy");
    assert_int_equal(json_object_set_new(entry, "behind", json_integer(11)), 0);
    expect_why(entry, true, "waits for entry 11");
    json_decref(entry);

    entry = object_of(TANDEM_ENTRY_WAITING, &kept, &phone, 1); /* to be kept is no reason to wait */
    assert_null(json_object_get(entry, "code"));
    expect_why(entry, false, "not sent yet");
    json_decref(entry);

    entry = object_of(TANDEM_ENTRY_SENT, &no_fault, &phone, 1);
    expect_why(entry, true, "not answered yet");
    json_decref(entry);

    entry = object_of(TANDEM_ENTRY_REFUSED, &denied, &phone, 1);
    expect_why(entry, false, "refused: you may not do this (rating): it is for sales");
    /* It was out of sight once, and is not any more. */
    assert_int_equal(json_object_set_new(entry, "accessEnded", json_true()), 0);
    expect_why(entry, false, "refused: you may not do this (rating): it is for sales");
    assert_int_equal(json_object_set_new(entry, "code", json_string("not-found")), 0);
    expect_why(entry, false, "refused: it was removed, or is no longer yours to see");
    json_decref(entry);
}

static char *printed(void (*print)(const json_t *, FILE *), const json_t *entry)
{
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);
    assert_non_null(file);
    print(entry, file);
    (void)fclose(file);
    return out;
}

static void a_conflict_shows_all_three_values(void **state)
{
    (void)state;
    const tandem_fault conflict = {.code = STATUS_CONFLICT, .change = 0};
    tandem_entry_change changes[2] = {phone, phone};
    changes[0].conflict = true;
    changes[0].theirs = "+4722222222";
    changes[0].by = "nils";
    changes[0].at_ms = 1772357400000;
    changes[0].seq = 7;
    changes[1].field = "rating";
    changes[1].base = NULL;
    changes[1].mine = "Hot";
    json_t *entry = object_of(TANDEM_ENTRY_CONFLICT, &conflict, changes, 2);
    const json_t *change = json_array_get(json_object_get(entry, "changes"), 0);
    assert_string_equal(text(change, "theirs"), "+4722222222");
    assert_string_equal(text(change, "by"), "nils");
    assert_string_equal(text(change, "at"), "2026-03-01T09:30:00.000Z");
    assert_int_equal(json_integer_value(json_object_get(change, "seq")), 7);
    change = json_array_get(json_object_get(entry, "changes"), 1);
    assert_true(json_is_null(json_object_get(change, "base")));
    assert_null(json_object_get(change, "conflict"));
    expect_why(entry, false, "in conflict with nils");
    expect_words(entry_add_values, entry, "phoneNumber=+4711111111, rating=Hot");

    char *out = printed(entry_print_conflicts, entry);
    assert_non_null(strstr(out, "base    \"+4722334455\""));
    assert_non_null(strstr(out, "mine    \"+4711111111\""));
    assert_non_null(strstr(out, "theirs  \"+4722222222\"  (nils, "));
    assert_null(strstr(out, "rating")); /* it is not in conflict */
    free(out);
    out = printed(entry_print_changes, entry);
    assert_non_null(strstr(out, "rating"));
    assert_non_null(strstr(out, "base    nothing"));
    free(out);
    out = printed(entry_print_next_step, entry);
    assert_non_null(strstr(out, "tandem resolve 12 --mine, --theirs or --set FIELD=VALUE"));
    free(out);
    json_decref(entry);
}

static void a_text_is_shown_whole_to_who_decides(void **state)
{
    (void)state;
    char line[301];
    const tandem_fault conflict = {.code = STATUS_CONFLICT, .change = 0};
    tandem_entry_change change = phone;
    memset(line, 'x', 300);
    line[300] = '\0';
    change.field = "description";
    change.base = line;
    change.mine = "q2 one\nKARI";
    change.theirs = "q2 one\n\x1B[2Jtheirs  \"q2 one\"\n";
    change.conflict = true;
    change.by = "nils";
    json_t *entry = object_of(TANDEM_ENTRY_CONFLICT, &conflict, &change, 1);
    char *out = printed(entry_print_conflicts, entry);
    assert_non_null(strstr(out, line));
    assert_non_null(strstr(out, "    mine    2 lines\n      | q2 one\n      | KARI\n"));
    assert_non_null(strstr(out, "    theirs  3 lines  (nils, "));
    assert_non_null(strstr(out, ")\n      | q2 one\n      | \xC2\xB7[2Jtheirs  \"q2 one\"\n"
                                "      | \n"));
    free(out);
    out = printed(entry_print_changes, entry);
    assert_non_null(strstr(out, "    mine    2 lines\n      | q2 one\n      | KARI\n"));
    free(out);
    expect_words(entry_add_values, entry, "description=q2 one\xE2\x80\xA6 (1 more line)");
    out = printed(entry_print_long_values, entry);
    assert_string_equal(out, "  description\n    mine    2 lines\n      | q2 one\n      | KARI\n");
    free(out);
    json_decref(entry);

    /* Of a record that was deleted all that was written is to be seen. */
    tandem_entry_change changes[] = {change, change};
    changes[0].conflict = false;
    changes[1].field = "";
    entry = object_of(TANDEM_ENTRY_CONFLICT, &conflict, changes, 2);
    out = printed(entry_print_conflicts, entry);
    assert_non_null(strstr(out, "mine    changed: description=q2 one\xE2\x80\xA6 (1 more line)\n"));
    assert_non_null(strstr(out, "    mine    2 lines\n      | q2 one\n      | KARI\n"));
    free(out);
    json_decref(entry);
}

static void a_deletion_on_either_side(void **state)
{
    (void)state;
    const tandem_fault conflict = {.code = STATUS_CONFLICT, .change = 0};
    tandem_entry_change change = {.op = "update",
                                  .entity = "account",
                                  .id = FJORD,
                                  .field = "",
                                  .conflict = true,
                                  .by = "nils",
                                  .at_ms = 1772357400000};
    const tandem_entry_change changes[] = {phone, change};
    json_t *entry = object_of(TANDEM_ENTRY_CONFLICT, &conflict, changes, 2);
    char *out = printed(entry_print_conflicts, entry);
    assert_non_null(strstr(out, "mine    changed: phoneNumber=+4711111111\n"));
    free(out);
    out = printed(entry_print_next_step, entry); /* no value would be of use */
    assert_non_null(strstr(out, "tandem resolve 12 --mine or --theirs\n"));
    free(out);
    out = printed(entry_print_conflicts, entry);
    assert_non_null(strstr(out, "theirs  deleted  (nils, "));
    free(out);
    json_decref(entry);
    change.op = "remove";
    entry = object_of(TANDEM_ENTRY_CONFLICT, &conflict, &change, 1);
    out = printed(entry_print_conflicts, entry);
    assert_non_null(strstr(out, "mine    deleted"));
    assert_non_null(strstr(out, "theirs  changed  (nils, "));
    free(out);
    json_decref(entry);
    change.field = "title"; /* what exactly they changed, where it is known */
    change.theirs = "Director";
    entry = object_of(TANDEM_ENTRY_CONFLICT, &conflict, &change, 1);
    out = printed(entry_print_conflicts, entry);
    assert_non_null(strstr(out, "title"));
    assert_non_null(strstr(out, "mine    deleted"));
    assert_non_null(strstr(out, "theirs  \"Director\"  (nils, "));
    free(out);
    json_decref(entry);
}

static void an_entry_of_several_records(void **state)
{
    (void)state;
    tandem_entry_change changes[3] = {phone, phone, phone};
    changes[0].op = changes[1].op = "create";
    changes[1].field = "name";
    changes[1].mine = "Vestland Papir";
    changes[2].id = VEST;
    json_t *entry = object_of(TANDEM_ENTRY_WAITING, &no_fault, changes, 3);
    json_t *first = json_array_get(json_object_get(entry, "changes"), 0);
    assert_int_equal(json_object_set_new(first, "title", json_string("Fjord Bruk AS")), 0);
    expect_words(entry_add_what, entry, "add account Fjord Bruk AS and 1 more");
    expect_words(entry_add_values, entry, "phoneNumber=+4711111111, name=Vestland Papir");
    json_decref(entry);
    changes[0].op = "update";
    changes[0].mine = NULL; /* cleared */
    entry = object_of(TANDEM_ENTRY_WAITING, &no_fault, changes, 1);
    expect_words(entry_add_values, entry, "phoneNumber=");
    json_decref(entry);
}

static void conflicts_with_several_people(void **state)
{
    (void)state;
    const tandem_fault conflict = {.code = STATUS_CONFLICT, .change = 0};
    tandem_entry_change changes[2] = {phone, phone};
    changes[0].conflict = changes[1].conflict = true;
    changes[0].by = "nils";
    changes[1].by = "siri";
    json_t *entry = object_of(TANDEM_ENTRY_CONFLICT, &conflict, changes, 2);
    expect_why(entry, false, "in conflict with others");
    json_decref(entry);
}

/* What goes first is what the account holds; what is meant is the account. */
static void an_account_that_is_removed_with_all_in_it_comes_first(void **state)
{
    (void)state;
    tandem_entry_change changes[3] = {
        {.op = "remove", .entity = "contact", .id = VEST, .field = "", .by = "", .title = "Berg"},
        {.op = "remove", .entity = "account", .id = FJORD, .field = "", .by = "", .title = "Fjord"},
        {.op = "remove", .entity = "account", .id = FJORD, .field = "name", .by = "nils"}};
    json_t *entry = object_of(TANDEM_ENTRY_WAITING, &no_fault, changes, 3);
    const json_t *lines = json_object_get(entry, "changes");
    assert_string_equal(text(json_array_get(lines, 0), "id"), FJORD);
    assert_string_equal(text(json_array_get(lines, 0), "field"), "");
    assert_string_equal(text(json_array_get(lines, 1), "field"), "name");
    assert_string_equal(text(json_array_get(lines, 2), "id"), VEST);
    expect_words(entry_add_line, entry, "remove account Fjord and 1 more");
    json_decref(entry);
    changes[1].op = "update"; /* then the order is the author's */
    changes[2].op = "update";
    entry = object_of(TANDEM_ENTRY_WAITING, &no_fault, changes, 3);
    expect_words(entry_add_what, entry, "remove contact Berg and 1 more");
    json_decref(entry);
}

static void a_record_that_is_gone_keeps_its_name(void **state)
{
    (void)state;
    tandem_entry_change change = phone;
    change.title = "Fjord Bruk AS";
    json_t *entry = object_of(TANDEM_ENTRY_CONFLICT, &no_fault, &change, 1);
    json_t *line = json_array_get(json_object_get(entry, "changes"), 0);
    expect_words(entry_add_what, entry, "edit account Fjord Bruk AS");
    assert_int_equal(json_object_set_new(line, "gone", json_true()), 0);
    expect_words(entry_add_what, entry, "edit account Fjord Bruk AS (removed)");
    assert_int_equal(json_object_del(line, "title"), 0); /* not theirs to see, perhaps */
    expect_words(entry_add_what, entry, "edit account " FJORD);
    json_decref(entry);
    change.op = "remove"; /* it is the removal itself that waits */
    change.field = "";
    entry = object_of(TANDEM_ENTRY_WAITING, &no_fault, &change, 1);
    line = json_array_get(json_object_get(entry, "changes"), 0);
    assert_int_equal(json_object_set_new(line, "gone", json_true()), 0);
    expect_words(entry_add_what, entry, "remove account Fjord Bruk AS");
    json_decref(entry);
}

static void names_stand_for_ids(void **state)
{
    (void)state;
    const tandem_entry_change parent = {.op = "update",
                                        .entity = "account",
                                        .id = FJORD,
                                        .field = "parent",
                                        .mine = VEST,
                                        .by = ""};
    json_t *entry = object_of(TANDEM_ENTRY_WAITING, &no_fault, &parent, 1);
    json_t *line = json_array_get(json_object_get(entry, "changes"), 0);
    expect_words(entry_add_values, entry, "parent=" VEST);
    json_t *names = json_pack("{s:s}", VEST, "Vestland Papir");
    assert_int_equal(json_object_set_new(line, "names", names), 0);
    expect_words(entry_add_values, entry, "parent=Vestland Papir");
    char *out = printed(entry_print_changes, entry); /* with the id: names need not be unique */
    assert_non_null(strstr(out, "mine    \"Vestland Papir\"  " VEST "\n"));
    assert_non_null(strstr(out, "base    nothing\n"));
    free(out);
    json_decref(entry);
}

static void with_whom_a_record_is_shared(void **state)
{
    (void)state;
    const tandem_entry_change share = {
        .op = "share", .entity = "note", .id = FJORD, .field = "", .by = "", .title = "Prices"};
    const tandem_entry entry_of = {
        .entry = 12,
        .fault = &no_fault,
        .change_count = 1,
        .changes = &share,
        .json = "{\"changes\":[{\"op\":\"share\",\"id\":\"" FJORD "\",\"add\":[\"suppliers\",\"partner:"
                VEST "\"],\"remove\":[\"partners\"]}]}"};
    json_t *entry = entry_object(&entry_of);
    json_t *line = json_array_get(json_object_get(entry, "changes"), 0);
    json_t *names = json_pack("{s:s}", VEST, "Vestland Papir");
    assert_int_equal(json_array_size(json_object_get(line, "with")), 2);
    assert_int_equal(json_array_size(json_object_get(line, "without")), 1);
    assert_int_equal(json_object_set_new(line, "names", names), 0);
    expect_words(entry_add_line, entry,
                 "share note Prices: with suppliers, partner:Vestland Papir, no longer with "
                 "partners");
    char *out = printed(entry_print_changes, entry);
    assert_non_null(strstr(out, "  with suppliers, partner:Vestland Papir"));
    free(out);
    json_decref(entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_that_is_removed_with_all_in_it_comes_first),
        cmocka_unit_test(a_record_that_is_gone_keeps_its_name),
        cmocka_unit_test(names_stand_for_ids),
        cmocka_unit_test(with_whom_a_record_is_shared),
        cmocka_unit_test(an_entry_that_waits),
        cmocka_unit_test(why_an_entry_is_not_with_the_server),
        cmocka_unit_test(a_conflict_shows_all_three_values),
        cmocka_unit_test(a_text_is_shown_whole_to_who_decides),
        cmocka_unit_test(a_deletion_on_either_side),
        cmocka_unit_test(an_entry_of_several_records),
        cmocka_unit_test(conflicts_with_several_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

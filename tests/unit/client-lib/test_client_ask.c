/* Requests: pages, errors, histories, and callbacks that change the connection. */
#include "client_world.h"

#include <stdio.h>

#include "client-lib/base/json.h"

/* ---- Requests ---- */

struct pages {
    struct world *world;
    unsigned calls, last, failed;
    size_t records;
    tandem_code code;
    bool drop;   /* connect anew from inside the callback */
    bool cancel; /* the request from inside the callback */
};

static bool count_record(void *context, const tandem_record *record)
{
    struct pages *pages = context;
    assert_non_null(tandem_record_id(record));
    pages->records++;
    return true;
}

static void take_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct pages *pages = context;
    pages->calls++;
    pages->code = fault->code;
    if (answer == NULL) {
        pages->failed++;
        return;
    }
    if (tandem_answer_last(answer))
        pages->last++;
    assert_ok(tandem_answer_records(answer, count_record, pages));
    if (pages->drop)
        assert_ok(tandem_connect(pages->world->client, &usual, NULL));
    if (pages->cancel) {
        uint64_t request = tandem_last_request(pages->world->client);
        bool last = tandem_answer_last(answer);
        assert_int_equal(tandem_cancel(pages->world->client, request),
                         last ? STATUS_NOT_FOUND : STATUS_OK);
        assert_int_equal(tandem_cancel(pages->world->client, request), STATUS_NOT_FOUND);
    }
}

static void say_page(uint64_t request, const struct made *made, size_t count, const char *next)
{
    struct message answer = {.type = MESSAGE_ANSWER};
    static struct buffer list;
    answer.as.answer.request = request;
    answer.as.answer.records = records_of(&list, made, count);
    message_mark(&answer, "records");
    if (next != NULL) {
        answer.as.answer.next = bytes_text(next);
        message_mark(&answer, "next");
    }
    say(&answer);
}

static const struct made two[] = {{.id = 1, .entity = "account", .seq = 1, .name = "A"},
                                  {.id = 2, .entity = "account", .seq = 2, .name = "B"}};

static void a_query_asks_for_page_after_page(void **state)
{
    struct world *world = *state;
    struct pages pages = {.world = world};
    const tandem_condition where[] = {{.field = "industry", .op = "=", .text = "Forestry"}};
    const tandem_query query = {
        .entity = "account", .where = where, .where_count = 1, .sort = "name", .limit = 3};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_query(world->client, &query, take_answer, &pages, NULL));
    const struct message *first = expect_sent(MESSAGE_QUERY);
    assert_true(bytes_is(first->as.query.entity, "account"));
    assert_true(bytes_is(first->as.query.sort, "name"));
    assert_int_equal(first->as.query.limit, 3);
    assert_int_equal(message_count(first->as.query.where), 1);
    say_page(first->as.query.request, two, 2, "here");
    assert_ok(tandem_service(world->client));
    const struct message *second = expect_sent(MESSAGE_QUERY);
    assert_true(bytes_is(second->as.query.after, "here"));
    assert_int_equal(second->as.query.limit, 1);
    assert_true(bytes_equal(first->as.query.where, second->as.query.where));
    say_page(second->as.query.request, two, 1, "there");
    assert_ok(tandem_service(world->client));
    expect_nothing_sent(); /* three are had */
    assert_int_equal(pages.calls, 2);
    assert_int_equal(pages.last, 1);
    assert_int_equal(pages.records, 3);
}

static void an_error_answers_its_request_and_leaves_the_connection(void **state)
{
    struct world *world = *state;
    struct pages pages = {.world = world}, other = {.world = world};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_fetch(world->client, id_text(1), take_answer, &pages));
    assert_ok(tandem_ask_status(world->client, take_answer, &other));
    say_error("not-found", expect_sent(MESSAGE_FETCH)->as.fetch.request, 0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(pages.failed, 1);
    assert_int_equal(pages.code, STATUS_NOT_FOUND);
    assert_int_equal(other.calls, 0);
    assert_true(tandem_connected(world->client));
    hang_up(4003);
    assert_ok(tandem_service(world->client));
    assert_int_equal(other.failed, 1);
    assert_int_equal(other.code, STATUS_UNREACHABLE);
    assert_int_equal(tandem_ask_status(world->client, take_answer, &other), STATUS_NOT_SIGNED_IN);
}

static void a_callback_may_drop_the_connection(void **state)
{
    struct world *world = *state;
    struct pages pages = {.world = world, .drop = true};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_timeline(world->client, id_text(1), 0, take_answer, &pages));
    say_page(expect_sent(MESSAGE_TIMELINE)->as.timeline.request, two, 2, "here");
    assert_ok(tandem_service(world->client));
    assert_int_equal(pages.calls, 2); /* the page, and that there will be no more */
    assert_int_equal(pages.failed, 1);
    (void)expect_sent(MESSAGE_GOODBYE);
    assert_ok(tandem_service(world->client));
    (void)expect_sent(MESSAGE_HELLO);
}

/* ---- Cancelling ---- */

static void a_cancelled_request_is_answered_so_once_and_its_answer_passed_over(void **state)
{
    struct world *world = *state;
    struct pages pages = {.world = world}, other = {.world = world};
    open_client(world, false);
    sign_in(world, 0);
    assert_int_equal(tandem_cancel(world->client, 0), STATUS_NOT_FOUND);
    assert_ok(tandem_ask_timeline(world->client, id_text(1), 0, take_answer, &pages));
    uint64_t request = tandem_last_request(world->client);
    assert_ok(tandem_ask_status(world->client, take_answer, &other));
    assert_int_not_equal(tandem_last_request(world->client), request);
    uint64_t sent = expect_sent(MESSAGE_TIMELINE)->as.timeline.request;
    assert_ok(tandem_cancel(world->client, request));
    assert_int_equal(pages.failed, 1);
    assert_int_equal(pages.code, STATUS_CANCELLED);
    assert_int_equal(tandem_cancel(world->client, request), STATUS_NOT_FOUND);
    say_page(sent, two, 2, "here");
    say_error("not-found", sent, 0);
    hang_up(0);
    assert_ok(tandem_service(world->client));
    assert_int_equal(pages.calls, 1);
    /* What was said of it is not why the connection ended, which the other is told. */
    assert_int_equal(other.failed, 1);
    assert_string_equal(last_told(world)->detail, "gone");
}

static void pages_can_be_cancelled_between_and_while_they_come(void **state)
{
    struct world *world = *state;
    struct pages between = {.world = world}, inside = {.world = world, .cancel = true};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_timeline(world->client, id_text(1), 0, take_answer, &between));
    uint64_t request = tandem_last_request(world->client);
    say_page(expect_sent(MESSAGE_TIMELINE)->as.timeline.request, two, 2, "here");
    assert_ok(tandem_service(world->client));
    (void)expect_sent(MESSAGE_TIMELINE); /* which has a number of its own */
    assert_int_equal(tandem_last_request(world->client), request);
    assert_ok(tandem_cancel(world->client, request));
    assert_int_equal(between.calls, 2);
    assert_int_equal(between.failed, 1);
    assert_ok(tandem_ask_timeline(world->client, id_text(1), 0, take_answer, &inside));
    say_page(expect_sent(MESSAGE_TIMELINE)->as.timeline.request, two, 2, "here");
    assert_ok(tandem_service(world->client));
    expect_nothing_sent();
    assert_int_equal(inside.calls, 2);
    assert_int_equal(inside.code, STATUS_CANCELLED);
    /* The last page is an answer, and nothing is left to cancel. */
    assert_ok(tandem_ask_timeline(world->client, id_text(1), 0, take_answer, &inside));
    say_page(expect_sent(MESSAGE_TIMELINE)->as.timeline.request, two, 2, NULL);
    assert_ok(tandem_service(world->client));
    assert_int_equal(inside.last, 1);
    assert_int_equal(inside.failed, 1);
}

static void a_query_of_an_unknown_field_hints_at_near_ones(void **state)
{
    struct world *world = *state;
    const tandem_condition where[] = {{.field = "phonNumber", .op = "=", .text = "1"}};
    const tandem_query query = {.entity = "account", .where = where, .where_count = 1};
    tandem_fault fault;
    open_client(world, false);
    sign_in(world, 0);
    assert_int_equal(tandem_ask_query(world->client, &query, take_answer, NULL, &fault),
                     STATUS_UNKNOWN_FIELD);
    assert_non_null(strstr(fault.detail, "did you mean phoneNumber?"));
}

static void conditions_are_read_by_the_kind_of_their_field(void **state)
{
    struct world *world = *state;
    static const tandem_condition where[] = {
        {.field = "name", .op = "contains", .text = "bruk"},
        {.field = "tags", .op = "contains", .text = "vip"},
        {.field = "numberOfEmployees", .op = ">=", .text = "50"},
        {.field = "shoeSize", .op = "<", .text = "44", .kind = "integer"},
        {.field = "colour", .op = "=", .text = "red", .kind = "enum"},
    };
    const tandem_query query = {.entity = "account", .where = where, .where_count = 5};
    struct buffer json = {0};
    tandem_condition wrong = {.field = "shoeSize", .op = "=", .text = "1", .kind = "length"};
    const tandem_query refused = {.entity = "account", .where = &wrong, .where_count = 1};
    tandem_fault fault;
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_query(world->client, &query, NULL, NULL, NULL));
    json_value(&json, expect_sent(MESSAGE_QUERY)->as.query.where, false);
    buffer_append_byte(&json, 0);
    assert_string_equal((const char *)json.data,
                        "[[\"name\",\"contains\",\"bruk\"],[\"tags\",\"contains\",\"vip\"],"
                        "[\"numberOfEmployees\",\">=\",50],[\"shoeSize\",\"<\",44],"
                        "[\"colour\",\"=\",\"red\"]]");
    buffer_release(&json);
    assert_int_equal(tandem_ask_query(world->client, &refused, NULL, NULL, &fault),
                     STATUS_WRONG_KIND);
    wrong.op = "like";
    assert_int_equal(tandem_ask_query(world->client, &refused, NULL, NULL, &fault), STATUS_USAGE);
}

struct entries {
    unsigned count;
    char text[256];
    char json[512];
};

static bool take_entry(void *context, const tandem_history_entry *entry)
{
    struct entries *entries = context;
    entries->count++;
    snprintf(entries->text, sizeof entries->text, "%llu %s %s %s: %s -> %s",
             (unsigned long long)entry->seq, entry->by, entry->op, entry->fields[0], entry->from[0],
             entry->to[0]);
    snprintf(entries->json, sizeof entries->json, "%s", entry->json);
    return true;
}

static void take_history(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    assert_ok(fault->code);
    assert_ok(tandem_answer_history(answer, take_entry, context));
}

static void a_history_is_told_in_words(void **state)
{
    struct world *world = *state;
    struct entries entries = {0};
    struct message answer = {.type = MESSAGE_ANSWER};
    struct buffer list = {0};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_history(world->client, id_text(1), 10, take_history, &entries));
    wire_put_array(&list, 1);
    wire_put_map(&list, 5);
    wire_put_text(&list, "seq");
    wire_put_uint(&list, 12);
    wire_put_text(&list, "at");
    wire_put_int(&list, 1000);
    wire_put_text(&list, "by");
    wire_put_text(&list, "kari");
    wire_put_text(&list, "op");
    wire_put_text(&list, "update");
    wire_put_text(&list, "changes");
    wire_put_array(&list, 1);
    wire_put_map(&list, 3);
    wire_put_text(&list, "field");
    wire_put_text(&list, "assignedUser");
    wire_put_text(&list, "from");
    wire_put_nil(&list);
    wire_put_text(&list, "to");
    wire_put_id(&list, id_of(9));
    answer.as.answer.request = expect_sent(MESSAGE_HISTORY)->as.history.request;
    answer.as.answer.entries = buffer_bytes(&list);
    message_mark(&answer, "entries");
    say(&answer);
    assert_ok(tandem_service(world->client));
    char expected[256];
    snprintf(expected, sizeof expected, "12 kari update assignedUser:  -> %s", id_text(9));
    assert_int_equal(entries.count, 1);
    assert_string_equal(entries.text, expected);
    snprintf(expected, sizeof expected,
             "{\"seq\":12,\"at\":1000,\"by\":\"kari\",\"op\":\"update\",\"changes\":["
             "{\"field\":\"assignedUser\",\"from\":null,\"to\":\"%s\"}]}",
             id_text(9));
    assert_string_equal(entries.json, expected);
    buffer_release(&list);
}

static void take_invite(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    assert_ok(fault->code);
    assert_true(tandem_answer_last(answer));
    assert_int_equal(tandem_answer_expires(answer), 123456);
    assert_null(tandem_answer_info(answer));
    snprintf(context, 32, "%s", tandem_answer_code(answer));
}

static void an_invitation_gives_a_code(void **state)
{
    struct world *world = *state;
    char code[32] = "";
    struct message answer = {.type = MESSAGE_ANSWER};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_invite(world->client, id_text(4), take_invite, code));
    const struct message *invite = expect_sent(MESSAGE_INVITE);
    assert_true(id_equal(invite->as.invite.user, id_of(4)));
    answer.as.answer.request = invite->as.invite.request;
    answer.as.answer.code = bytes_text("abcd-efgh");
    message_mark(&answer, "code");
    answer.as.answer.expires = 123456;
    message_mark(&answer, "expires");
    say(&answer);
    assert_ok(tandem_service(world->client));
    assert_string_equal(code, "abcd-efgh");
}

static void go_on_from_inside(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct pages *pages = context;
    static struct outcome outcome;
    assert_null(answer);
    pages->calls++;
    pages->code = fault->code;
    assert_false(tandem_connected(pages->world->client));
    assert_int_equal(tandem_ask_status(pages->world->client, go_on_from_inside, pages),
                     STATUS_NOT_SIGNED_IN);
    assert_ok(send_note(pages->world, "kept for the next connection", &outcome));
}

static void who_is_told_of_a_dropped_connection_may_go_on(void **state)
{
    struct world *world = *state;
    struct pages pages = {.world = world};
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_ask_status(world->client, go_on_from_inside, &pages));
    assert_ok(tandem_connect(world->client, &usual, NULL));
    assert_int_equal(pages.calls, 1);
    assert_int_equal(pages.code, STATUS_UNREACHABLE);
    assert_int_equal(tandem_unanswered(world->client), 1);
}

static void ask_from_inside(void *context, const tandem_result *result)
{
    struct pages *pages = context;
    assert_int_equal(result->code, STATUS_CANCELLED);
    pages->calls++;
    assert_false(tandem_connected(pages->world->client));
    assert_int_equal(tandem_ask_status(pages->world->client, take_answer, pages),
                     STATUS_NOT_SIGNED_IN);
}

static void who_is_told_of_closing_may_ask_in_vain(void **state)
{
    struct world *world = *state;
    struct pages pages = {.world = world};
    tandem_mutation *mutation = tandem_mutation_new();
    open_client(world, false);
    sign_in(world, 0);
    assert_ok(tandem_create(mutation, "note", NULL));
    assert_ok(tandem_send(world->client, mutation, ask_from_inside, &pages));
    tandem_mutation_free(mutation);
    tandem_close(world->client);
    world->client = NULL;
    assert_int_equal(pages.calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_told_of_closing_may_ask_in_vain),
        TEST(who_is_told_of_a_dropped_connection_may_go_on),
        TEST(a_query_asks_for_page_after_page),
        TEST(an_error_answers_its_request_and_leaves_the_connection),
        TEST(a_callback_may_drop_the_connection),
        TEST(a_cancelled_request_is_answered_so_once_and_its_answer_passed_over),
        TEST(pages_can_be_cancelled_between_and_while_they_come),
        TEST(a_query_of_an_unknown_field_hints_at_near_ones),
        TEST(conditions_are_read_by_the_kind_of_their_field),
        TEST(a_history_is_told_in_words),
        TEST(an_invitation_gives_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

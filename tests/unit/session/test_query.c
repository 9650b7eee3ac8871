/* Asking: pages, orders and conditions, and that an outsider learns nothing by asking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "server/core/query/query.h"
#include "server/core/query/query_where.h"
#include "tests/fixture/world.h"

struct fixture {
    struct world *world;
    struct id admin, supplier, other, member, eva, open_account, closed_account;
    struct record *scratch;
    struct page page;
};

static void must(enum status status)
{
    assert_string_equal(status_name(status), "ok");
}

static struct id make_user(struct fixture *f, const char *name, const char *role, const char *field,
                           struct id party)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "user", id, "name", name, "role", role, field,
                      world_id_text(f->world, party), NULL));
    return id;
}

static struct id make_partner(struct fixture *f, const char *name)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "party", id, "name", name, "kind", "supplier", NULL));
    return id;
}

static struct id make_account(struct fixture *f, const char *name, const char *industry)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "account", id, "name", name, "industry", industry, NULL));
    return id;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->world = world_new(5);
    f->admin = world_admin(f->world);
    f->scratch = calloc(1, sizeof *f->scratch);
    f->supplier = make_partner(f, "Nordic Paper");
    f->other = make_partner(f, "Baltic Timber");
    f->member = make_user(f, "kari", "Member", "departments", world_department(f->world, "sales"));
    f->eva = make_user(f, "eva", "Partner", "partner", f->supplier);
    f->open_account = make_account(f, "Fjord Bruk", "Forestry");
    f->closed_account = make_account(f, "Hidden Hytter", "Tourism");
    must(world_create(f->world, f->admin, "assignment", world_id(f->world), "party",
                      world_id_text(f->world, f->supplier), "account",
                      world_id_text(f->world, f->open_account), "level", "view", NULL));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    page_release(&f->page);
    world_free(f->world);
    free(f->scratch);
    free(f);
    return 0;
}

static void clear_page(struct fixture *f)
{
    buffer_clear(&f->page.items);
    buffer_clear(&f->page.next);
    f->page.count = 0;
}

struct asked {
    const char *entity, *field, *op, *text, *sort;
    bool descending;
    unsigned limit;
};

static enum status run(struct fixture *f, struct id user, const struct asked *asked,
                       struct bytes after, struct fault *fault)
{
    struct state state = world_state(f->world);
    struct principal who;
    struct buffer where = {0};
    must(principal_load(&state, user, &who));
    struct msg_query query = {.entity = bytes_text(asked->entity),
                              .sort = bytes_text(asked->sort),
                              .descending = asked->descending,
                              .limit = asked->limit,
                              .after = after};
    if (asked->field != NULL) {
        wire_put_array(&where, 1);
        wire_put_array(&where, 3);
        wire_put_text(&where, asked->field);
        wire_put_text(&where, asked->op);
        wire_put_text(&where, asked->text);
        query.where = buffer_bytes(&where);
    }
    clear_page(f);
    fault_clear(fault);
    enum status status = query_run(&state, &who, &query, f->scratch, &f->page, fault);
    buffer_release(&where);
    return status;
}

/* The value of a text field of the page's records, joined by commas. */
static const char *names(struct fixture *f, const char *field)
{
    static char out[2000];
    out[0] = '\0';
    struct wire_reader reader = wire_read(buffer_bytes(&f->page.items));
    for (uint32_t i = 0; i < f->page.count; i++) {
        struct bytes record, fields, value, text = {NULL, 0};
        assert_true(wire_skip(&reader, &record));
        assert_true(wire_map_find(record, "fields", &fields));
        if (wire_map_find(fields, field, &value)) {
            struct wire_reader at = wire_read(value);
            wire_get_str(&at, &text);
        }
        size_t used = strlen(out);
        snprintf(out + used, sizeof out - used, "%s%.*s", i > 0 ? "," : "", (int)text.size,
                 (const char *)text.data);
    }
    return out;
}

static const char *all_pages(struct fixture *f, struct id user, const struct asked *asked)
{
    static char out[2000];
    struct buffer after = {0};
    struct fault fault;
    out[0] = '\0';
    for (unsigned pages = 0; pages < 50; pages++) {
        must(run(f, user, asked, buffer_bytes(&after), &fault));
        size_t used = strlen(out);
        snprintf(out + used, sizeof out - used, "%s%s", names(f, "name"),
                 f->page.next.size > 0 ? "|" : "");
        if (f->page.next.size == 0) {
            break;
        }
        buffer_clear(&after);
        buffer_append(&after, f->page.next.data, f->page.next.size);
    }
    buffer_release(&after);
    return out;
}

static void test_lists_are_sorted_and_what_has_no_value_comes_last(void **state)
{
    struct fixture *f = *state;
    make_account(f, "alfa", "Mining");
    make_account(f, "Beta", "");
    struct asked asked = {.entity = "account", .sort = "industry"};
    assert_string_equal(all_pages(f, f->member, &asked), "Fjord Bruk,alfa,Hidden Hytter,Beta");
    asked.descending = true;
    assert_string_equal(all_pages(f, f->member, &asked), "Hidden Hytter,alfa,Fjord Bruk,Beta");
    asked.sort = "name";
    assert_string_equal(all_pages(f, f->member, &asked), "Hidden Hytter,Fjord Bruk,Beta,alfa");
}

static void test_pages_go_on_where_they_ended(void **state)
{
    struct fixture *f = *state;
    make_account(f, "alfa", "Mining");
    make_account(f, "Beta", "");
    struct asked asked = {.entity = "account", .sort = "industry", .limit = 1};
    assert_string_equal(all_pages(f, f->member, &asked), "Fjord Bruk|alfa|Hidden Hytter|Beta|");
    asked.sort = NULL;
    assert_string_equal(all_pages(f, f->member, &asked), "Fjord Bruk|Hidden Hytter|alfa|Beta|");
}

static void test_conditions(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *field, *op, *text, *expected;
    } cases[] = {
        {"industry", "=", "Forestry", "Fjord Bruk"},
        {"industry", "!=", "Forestry", "Hidden Hytter"},
        {"name", ">", "Fjord Bruk", "Hidden Hytter"},
        {"name", "<=", "Fjord Bruk", "Fjord Bruk"},
        {"name", "contains", "HYTT", "Hidden Hytter"},
        {"name", "contains", "zzz", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asked asked = {
            .entity = "account", .field = cases[i].field, .op = cases[i].op, .text = cases[i].text};
        assert_string_equal(all_pages(f, f->member, &asked), cases[i].expected);
    }
}

static void test_what_cannot_be_asked_is_refused_with_the_field(void **state)
{
    struct fixture *f = *state;
    struct fault fault;
    struct bytes none = {NULL, 0};
    struct asked sort = {.entity = "account", .sort = "website"};
    assert_int_equal(run(f, f->member, &sort, none, &fault), STATUS_INVALID_VALUE);
    assert_string_equal(fault.field, "website");
    struct asked unknown = {.entity = "account", .sort = "colour"};
    assert_int_equal(run(f, f->member, &unknown, none, &fault), STATUS_UNKNOWN_FIELD);
    struct asked op = {.entity = "account", .field = "name", .op = "~~", .text = "x"};
    assert_int_equal(run(f, f->member, &op, none, &fault), STATUS_INVALID_VALUE);
    struct asked plain = {.entity = "account"};
    const uint8_t hostile[] = {'i', 0xff, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    assert_int_equal(run(f, f->member, &plain, bytes_of(hostile, 5), &fault), STATUS_INVALID_VALUE);
    assert_int_equal(run(f, f->eva, &plain, bytes_of(hostile, 3), &fault), STATUS_INVALID_VALUE);
}

static void test_names_that_do_not_exist_for_the_viewer_are_refused(void **state)
{
    struct fixture *f = *state;
    struct fault fault;
    struct bytes none = {NULL, 0};
    must(world_create(f->world, f->admin, "customField", world_id(f->world), "key",
                      "account.margin", "entity", "account", "name", "margin", "kind", "text",
                      "class", "internal", NULL));
    must(world_create(f->world, f->admin, "customEntity", world_id(f->world), "name", "vehicle",
                      "home", "account", "audience", "internal", NULL));
    struct asked margin = {.entity = "account", .field = "margin", .op = "=", .text = "x"};
    struct asked colour = {.entity = "account", .field = "colour", .op = "=", .text = "x"};
    struct asked vehicle = {.entity = "vehicle", .field = "name", .op = "=", .text = "x"};
    struct asked nothing = {.entity = "nothing"};
    must(run(f, f->member, &margin, none, &fault));
    must(run(f, f->member, &vehicle, none, &fault));
    assert_int_equal(run(f, f->member, &colour, none, &fault), STATUS_UNKNOWN_FIELD);
    assert_int_equal(run(f, f->member, &nothing, none, &fault), STATUS_UNKNOWN_ENTITY);
    assert_int_equal(run(f, f->eva, &margin, none, &fault), STATUS_UNKNOWN_FIELD);
    assert_int_equal(run(f, f->eva, &vehicle, none, &fault), STATUS_UNKNOWN_ENTITY);
}

static void test_a_partner_lists_only_what_is_theirs(void **state)
{
    struct fixture *f = *state;
    struct asked asked = {.entity = "account", .sort = "name"};
    assert_string_equal(all_pages(f, f->eva, &asked), "Fjord Bruk");
    asked.limit = 1;
    assert_string_equal(all_pages(f, f->eva, &asked), "Fjord Bruk");
    struct asked users = {.entity = "user"};
    assert_string_equal(all_pages(f, f->eva, &users), "eva");
    struct asked parties = {.entity = "party"};
    assert_string_equal(all_pages(f, f->eva, &parties), "Nordic Paper");
}

static void test_a_hidden_field_is_one_that_is_not_set(void **state)
{
    struct fixture *f = *state;
    must(world_update(f->world, f->admin, "account", f->open_account, "rating", "Hot", NULL));
    struct asked asked = {.entity = "account", .field = "rating", .op = "=", .text = "Hot"};
    assert_string_equal(all_pages(f, f->member, &asked), "Fjord Bruk");
    assert_string_equal(all_pages(f, f->eva, &asked), "");
    asked.op = "!=";
    assert_string_equal(all_pages(f, f->eva, &asked), "Fjord Bruk");
}

static void test_naming_an_account_opens_no_other(void **state)
{
    struct fixture *f = *state;
    struct id ids[2] = {f->open_account, f->closed_account};
    const char *const expected[2] = {"Berg", ""};
    for (size_t i = 0; i < 2; i++) {
        must(world_create(f->world, f->admin, "contact", world_id(f->world), "lastName", "Berg",
                          "account", world_id_text(f->world, ids[i]), NULL));
    }
    for (size_t i = 0; i < 2; i++) {
        struct state view = world_state(f->world);
        struct principal who;
        struct buffer where = {0};
        must(principal_load(&view, f->eva, &who));
        wire_put_array(&where, 1);
        wire_put_array(&where, 3);
        wire_put_text(&where, "account");
        wire_put_text(&where, "=");
        wire_put_id(&where, ids[i]);
        struct msg_query query = {.entity = bytes_text("contact"), .where = buffer_bytes(&where)};
        clear_page(f);
        must(query_run(&view, &who, &query, f->scratch, &f->page, NULL));
        assert_string_equal(names(f, "lastName"), expected[i]);
        buffer_release(&where);
    }
}

static struct id log_call(struct fixture *f, const char *subject, const char *at)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "interaction", id, "subject", subject, "channel", "Call",
                      "dateStart", at, "account", world_id_text(f->world, f->open_account), NULL));
    return id;
}

static enum status timeline(struct fixture *f, struct id user, struct id account)
{
    struct state state = world_state(f->world);
    struct principal who;
    struct msg_timeline request = {.account = account};
    must(principal_load(&state, user, &who));
    clear_page(f);
    return query_timeline(&state, &who, &request, f->scratch, &f->page, NULL);
}

static void test_a_timeline_is_newest_first_and_the_viewers_own(void **state)
{
    struct fixture *f = *state;
    log_call(f, "old", "1969-05-01T10:00:00Z");
    log_call(f, "new", "2026-05-01T10:00:00Z");
    struct id shared = log_call(f, "shared", "2026-03-01T10:00:00Z");
    must(world_share(f->world, f->admin, shared, "suppliers", NULL));
    must(timeline(f, f->member, f->open_account));
    assert_string_equal(names(f, "subject"), "new,shared,old");
    must(timeline(f, f->eva, f->open_account));
    assert_string_equal(names(f, "subject"), "shared");
    assert_int_equal(timeline(f, f->eva, f->closed_account), STATUS_NOT_FOUND);
    assert_int_equal(timeline(f, f->eva, world_id(f->world)), STATUS_NOT_FOUND);
    /* What has left the account has left its timeline, also for who still sees it elsewhere. */
    must(world_update(f->world, f->admin, "interaction", shared, "account", "", NULL));
    must(timeline(f, f->eva, f->open_account));
    assert_int_equal(f->page.count, 0);
    must(timeline(f, f->member, f->open_account));
    assert_string_equal(names(f, "subject"), "new,old");
}

static enum status history(struct fixture *f, struct id user, struct id id)
{
    struct state state = world_state(f->world);
    struct principal who;
    struct msg_history request = {.id = id};
    must(principal_load(&state, user, &who));
    clear_page(f);
    return query_history(&state, &who, &request, f->scratch, &f->page, NULL);
}

static bool page_says(const struct fixture *f, const char *text)
{
    return f->page.items.size > 0 &&
           memmem(f->page.items.data, f->page.items.size, text, strlen(text)) != NULL;
}

static void test_history_before_sharing_is_not_for_outsiders(void **state)
{
    struct fixture *f = *state;
    struct id note = world_id(f->world);
    must(world_create(f->world, f->admin, "note", note, "text", "they never pay", "account",
                      world_id_text(f->world, f->open_account), NULL));
    must(world_update(f->world, f->admin, "note", note, "text", "they are careful", NULL));
    assert_int_equal(history(f, f->eva, note), STATUS_NOT_FOUND);
    must(world_share(f->world, f->admin, note, "suppliers", NULL));
    must(history(f, f->eva, note));
    assert_int_equal(f->page.count, 0);
    must(world_update(f->world, f->admin, "note", note, "text", "they are kind", "externalId",
                      "secret-7", NULL));
    must(history(f, f->eva, note));
    assert_int_equal(f->page.count, 1);
    assert_true(page_says(f, "they are kind"));
    assert_false(page_says(f, "never pay"));
    assert_false(page_says(f, "secret-7"));
    must(history(f, f->member, note));
    assert_int_equal(f->page.count, 4);
    assert_true(page_says(f, "never pay"));
    assert_true(page_says(f, "secret-7"));
}

static void test_history_names_no_account_that_is_not_theirs(void **state)
{
    struct fixture *f = *state;
    struct id contact = world_id(f->world);
    must(world_create(f->world, f->admin, "contact", contact, "lastName", "Berg", "account",
                      world_id_text(f->world, f->closed_account), NULL));
    must(world_update(f->world, f->admin, "contact", contact, "account",
                      world_id_text(f->world, f->open_account), NULL));
    must(history(f, f->eva, contact));
    assert_int_equal(f->page.count, 1);
    struct bytes page = buffer_bytes(&f->page.items);
    assert_null(memmem(page.data, page.size, f->closed_account.octet, ID_SIZE));
    assert_non_null(memmem(page.data, page.size, f->open_account.octet, ID_SIZE));
    must(history(f, f->member, contact));
    page = buffer_bytes(&f->page.items);
    assert_non_null(memmem(page.data, page.size, f->closed_account.octet, ID_SIZE));
}

static void test_history_does_not_tell_what_the_first_change_replaced(void **state)
{
    struct fixture *f = *state;
    struct id contact = world_id(f->world);
    must(world_create(f->world, f->admin, "contact", contact, "lastName", "Berg", "title",
                      "bankrupt", "account", world_id_text(f->world, f->closed_account), NULL));
    must(world_update(f->world, f->admin, "contact", contact, "title", "Owner", "account",
                      world_id_text(f->world, f->open_account), NULL));
    must(history(f, f->eva, contact));
    assert_true(page_says(f, "Owner"));
    assert_false(page_says(f, "bankrupt"));
    must(history(f, f->member, contact));
    assert_true(page_says(f, "bankrupt"));
}

#define LARGE 60000u

static void make_large_notes(struct fixture *f, struct id *ids, size_t count)
{
    char *words = malloc(LARGE + 1);
    memset(words, 'a', LARGE);
    words[LARGE] = '\0';
    for (size_t i = 0; i < count; i++) {
        ids[i] = world_id(f->world);
        must(world_create(f->world, f->admin, "note", ids[i], "text", words, "account",
                          world_id_text(f->world, f->open_account), NULL));
        must(world_share(f->world, f->admin, ids[i], "suppliers", NULL));
    }
    free(words);
}

static unsigned count_in_pages(struct fixture *f, struct id user, const struct asked *asked)
{
    struct buffer after = {0};
    struct fault fault;
    unsigned count = 0;
    for (unsigned pages = 0; pages < 50; pages++) {
        must(run(f, user, asked, buffer_bytes(&after), &fault));
        assert_true(f->page.items.size <= LIMIT_MESSAGE_BYTES);
        count += f->page.count;
        if (f->page.next.size == 0) {
            break;
        }
        buffer_clear(&after);
        buffer_append(&after, f->page.next.data, f->page.next.size);
    }
    buffer_release(&after);
    return count;
}

static void test_an_answer_is_no_larger_than_a_message(void **state)
{
    struct fixture *f = *state;
    struct id ids[20];
    make_large_notes(f, ids, 20);
    struct asked asked = {.entity = "note"};
    assert_int_equal(count_in_pages(f, f->member, &asked), 20);
    assert_int_equal(count_in_pages(f, f->eva, &asked), 20);
    struct buffer list = {0};
    wire_put_array(&list, 20);
    for (size_t i = 0; i < 20; i++) {
        wire_put_id(&list, ids[i]);
    }
    struct state view = world_state(f->world);
    struct principal who;
    struct fault fault;
    must(principal_load(&view, f->eva, &who));
    struct msg_fetch fetch = {.ids = buffer_bytes(&list)};
    clear_page(f);
    fault_clear(&fault);
    assert_int_equal(query_fetch(&view, &who, &fetch, f->scratch, &f->page, &fault), STATUS_LIMIT);
    buffer_release(&list);
}

static void test_looking_into_text_has_an_end(void **state)
{
    struct fixture *f = *state;
    struct id ids[1];
    struct fault fault;
    struct bytes none = {NULL, 0};
    char wanted[CONDITION_CONTAINS_MAX + 2];
    make_large_notes(f, ids, 1);
    must(world_update(f->world, f->admin, "account", f->open_account, "name", "aabaaabaac", NULL));
    struct asked overlap = {
        .entity = "account", .field = "name", .op = "contains", .text = "ABAAC"};
    assert_string_equal(all_pages(f, f->member, &overlap), "aabaaabaac");
    overlap.text = "aaba";
    assert_string_equal(all_pages(f, f->member, &overlap), "aabaaabaac");
    overlap.text = "abac";
    assert_string_equal(all_pages(f, f->member, &overlap), "");
    memset(wanted, 'a', sizeof wanted);
    wanted[CONDITION_CONTAINS_MAX + 1] = '\0';
    struct asked asked = {.entity = "note", .field = "text", .op = "contains", .text = wanted};
    assert_int_equal(run(f, f->eva, &asked, none, &fault), STATUS_LIMIT);
    wanted[CONDITION_CONTAINS_MAX] = '\0';
    must(run(f, f->eva, &asked, none, &fault));
    assert_int_equal(f->page.count, 1);
    wanted[CONDITION_CONTAINS_MAX - 1] = 'b';
    must(run(f, f->eva, &asked, none, &fault));
    assert_int_equal(f->page.count, 0);
}

static void test_the_history_of_the_deleted_stays_with_staff(void **state)
{
    struct fixture *f = *state;
    must(world_remove(f->world, f->admin, f->closed_account));
    must(history(f, f->member, f->closed_account));
    assert_true(f->page.count >= 2);
    assert_int_equal(history(f, f->eva, f->closed_account), STATUS_NOT_FOUND);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_lists_are_sorted_and_what_has_no_value_comes_last),
        T(test_pages_go_on_where_they_ended),
        T(test_conditions),
        T(test_what_cannot_be_asked_is_refused_with_the_field),
        T(test_names_that_do_not_exist_for_the_viewer_are_refused),
        T(test_a_partner_lists_only_what_is_theirs),
        T(test_a_hidden_field_is_one_that_is_not_set),
        T(test_naming_an_account_opens_no_other),
        T(test_a_timeline_is_newest_first_and_the_viewers_own),
        T(test_history_before_sharing_is_not_for_outsiders),
        T(test_history_names_no_account_that_is_not_theirs),
        T(test_history_does_not_tell_what_the_first_change_replaced),
        T(test_an_answer_is_no_larger_than_a_message),
        T(test_looking_into_text_has_an_end),
        T(test_the_history_of_the_deleted_stays_with_staff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

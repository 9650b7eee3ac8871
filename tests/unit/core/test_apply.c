/* Founding, numbers and answers, create, update, remove, values, conflicts. */
#include <string.h>

#include "protocol/wire.h"
#include "tests/unit/core/world.h"

static void founding_makes_departments_and_an_administrator(void **state)
{
    struct world *w = *state;
    struct principal ada;
    struct bytes phc;
    assert_int_equal(head(w), 1);
    assert_string_equal(value_of(w, department(w, "sales"), "kind"), "department");
    department(w, "support");
    department(w, "community");
    assert_int_equal(principal_load(&w->state, w->ada, &ada), STATUS_OK);
    assert_int_equal(ada.role, ROLE_ADMINISTRATOR);
    assert_int_equal(credential_password(&w->state, w->ada, &phc), STATUS_OK);
    assert_true(phc.size > 10 && memcmp(phc.data, "$argon2id$", 10) == 0);
}

static void a_second_founding_is_refused(void **state)
{
    struct world *w = *state;
    struct buffer body = {0};
    wire_put_map(&body, 2);
    wire_put_text(&body, "name");
    wire_put_text(&body, "eve");
    wire_put_text(&body, "credential");
    wire_put_text(&body, "$argon2id$x");
    const struct id none = {{0}};
    assert_int_equal(order(w, COMMAND_FOUND, none, buffer_bytes(&body)), STATUS_EXISTS);
    buffer_release(&body);
}

static void a_record_is_made_with_stamps_and_scope(void **state)
{
    struct world *w = *state;
    struct reply reply = create(w, w->ada, "account", nid(1), "name=Fjord Bruk AS|phone=+47 22");
    assert_ok(reply);
    assert_int_equal(reply.seq, 2);
    const struct record *record = stored(w, nid(1));
    assert_int_equal(record->seq, 2);
    assert_int_equal(record->shared_seq, 2);
    assert_int_equal(record->created.at_ms, w->now);
    assert_true(bytes_is(record->created.by, "ada"));
    assert_int_equal(record->stamp_count, 1);
    assert_string_equal(value_of(w, nid(1), "phoneNumber"), "+47 22");
    assert_string_equal(scope_text(w, nid(1)), fmt("account:%s", tx(nid(1))));
    assert_string_equal(audience_of(w, nid(1)), "internal partners");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(founding_makes_departments_and_an_administrator),
        WORLD_TEST(a_second_founding_is_refused),
        WORLD_TEST(a_record_is_made_with_stamps_and_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

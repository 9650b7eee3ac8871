/* Founding, mutation numbers and answers, and other commands of the log. */
#include <string.h>

#include "protocol/wire.h"
#include "tests/unit/core/world.h"

static const struct id nobody = {{0}};

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

static struct buffer founding_body(const char *name, const char *credential)
{
    struct buffer body = {0};
    wire_put_map(&body, 2);
    wire_put_text(&body, "name");
    wire_put_text(&body, name);
    wire_put_text(&body, "credential");
    wire_put_text(&body, credential);
    return body;
}

static void a_second_founding_is_refused(void **state)
{
    struct world *w = *state;
    struct buffer body = founding_body("eve", "$argon2id$x");
    assert_int_equal(order(w, COMMAND_FOUND, nobody, buffer_bytes(&body)), STATUS_EXISTS);
    assert_int_equal(head(w), 1);
    buffer_release(&body);
}

static void a_founding_needs_a_name_and_a_credential(void **state)
{
    (void)state;
    struct world w = {.memory = memory_state_new(), .now = WORLD_START};
    w.state = memory_state_view(w.memory);
    struct buffer body = founding_body("eve", "");
    assert_int_equal(order(&w, COMMAND_FOUND, nobody, buffer_bytes(&body)), STATUS_MISSING_FIELD);
    buffer_release(&body);
    body = founding_body(" eve", "$argon2id$x");
    assert_int_equal(order(&w, COMMAND_FOUND, nobody, buffer_bytes(&body)), STATUS_INVALID_VALUE);
    buffer_release(&body);
    assert_int_equal(head(&w), 0);
    world_release(&w);
}

static struct reply send_account(struct world *w, struct id user, uint64_t number, unsigned n,
                                 const char *name)
{
    struct changes changes = {.count = 0};
    add_create(&changes, "account", nid(n), fmt("name=%s", name));
    return send_numbered(w, user, client_of(w->ada), number, &changes);
}

static void a_number_sent_again_gets_the_same_answer(void **state)
{
    struct world *w = *state;
    struct reply first = send_account(w, w->ada, 1, 1, "Fjord");
    assert_ok(first);
    assert_ok(send_account(w, w->ada, 2, 2, "Berg"));
    w->answered = 0;
    struct reply again = send_account(w, w->ada, 1, 1, "Fjord");
    assert_ok(again);
    assert_int_equal(again.seq, first.seq);
    assert_int_equal(head(w), 3);
}

static void a_refusal_is_remembered_too(void **state)
{
    struct world *w = *state;
    struct reply first = send_account(w, w->ada, 1, 1, "");
    assert_reply(first, STATUS_MISSING_FIELD);
    assert_int_equal(first.change, 0);
    assert_string_equal(first.field, "name");
    struct reply again = send_account(w, w->ada, 1, 1, "");
    assert_reply(again, STATUS_MISSING_FIELD);
    assert_string_equal(again.detail, first.detail);
    assert_ok(send_account(w, w->ada, 2, 1, "Fjord"));
}

static void answered_is_no_part_of_the_contents(void **state)
{
    struct world *w = *state;
    assert_ok(send_account(w, w->ada, 1, 1, "Fjord"));
    assert_ok(send_account(w, w->ada, 2, 2, "Berg"));
    w->answered = 1;
    assert_ok(send_account(w, w->ada, 2, 2, "Berg"));
}

static void a_number_with_other_contents_is_refused(void **state)
{
    struct world *w = *state;
    assert_ok(send_account(w, w->ada, 1, 1, "Fjord"));
    assert_reply(send_account(w, w->ada, 1, 1, "Fjell"), STATUS_NUMBER_REUSED);
    w->mode = "overwrite";
    assert_reply(send_account(w, w->ada, 1, 1, "Fjord"), STATUS_NUMBER_REUSED);
    w->mode = NULL;
    assert_ok(send_account(w, w->ada, 1, 1, "Fjord"));
}

static void a_gap_is_refused_and_leaves_nothing(void **state)
{
    struct world *w = *state;
    assert_reply(send_account(w, w->ada, 2, 1, "Fjord"), STATUS_NUMBER_GAP);
    assert_reply(send_account(w, w->ada, 0, 1, "Fjord"), STATUS_INVALID_VALUE);
    assert_int_equal(memory_state_client_count(w->memory), 0);
    assert_ok(send_account(w, w->ada, 1, 1, "Fjord"));
}

static void a_client_belongs_to_its_first_user(void **state)
{
    struct world *w = *state;
    add_staff(w, nid(9), "kari", "Member", "sales");
    assert_ok(send_account(w, w->ada, 2, 1, "Fjord"));
    assert_reply(send_account(w, nid(9), 1, 1, "Fjord"), STATUS_DENIED);
    assert_reply(send_account(w, nid(9), 3, 2, "Berg"), STATUS_DENIED);
    assert_false(is_there(w, nid(2)));
}

static void acknowledged_answers_are_forgotten(void **state)
{
    struct world *w = *state;
    assert_ok(send_account(w, w->ada, 1, 1, "A"));
    assert_ok(send_account(w, w->ada, 2, 2, "B"));
    w->answered = 1;
    assert_ok(send_account(w, w->ada, 3, 3, "C"));
    w->answered = 0;
    assert_reply(send_account(w, w->ada, 1, 1, "A"), STATUS_NUMBER_FORGOTTEN);
    assert_ok(send_account(w, w->ada, 2, 2, "B"));
    /* Nobody can acknowledge what was not answered yet. */
    w->answered = 1000;
    assert_ok(send_account(w, w->ada, 4, 4, "D"));
    assert_ok(send_account(w, w->ada, 4, 4, "D"));
    assert_int_equal(memory_state_client_count(w->memory), 2);
}

static void at_most_256_answers_are_kept(void **state)
{
    struct world *w = *state;
    for (unsigned i = 1; i <= 300; i++)
        assert_ok(send_account(w, w->ada, i, i, "A"));
    assert_int_equal(memory_state_client_count(w->memory), 257);
    assert_reply(send_account(w, w->ada, 44, 44, "A"), STATUS_NUMBER_FORGOTTEN);
    assert_ok(send_account(w, w->ada, 45, 45, "A"));
}

static void a_client_that_left_for_good_begins_anew(void **state)
{
    struct world *w = *state;
    assert_ok(send_account(w, w->ada, 1, 1, "A"));
    assert_ok(send_account(w, w->ada, 2, 2, "B"));
    struct command command = {.kind = COMMAND_FORGET_CLIENT,
                              .actor = nid(99),
                              .client = client_of(w->ada),
                              .at_ms = ++w->now};
    assert_int_equal(apply_command(&w->state, &command, &w->effects), STATUS_OK);
    assert_int_equal(memory_state_client_count(w->memory), 3);
    command.actor = w->ada;
    assert_int_equal(apply_command(&w->state, &command, &w->effects), STATUS_OK);
    assert_int_equal(memory_state_client_count(w->memory), 0);
    assert_ok(send_account(w, w->ada, 1, 3, "C"));
}

static void a_refused_mutation_leaves_only_its_answer(void **state)
{
    struct world *w = *state;
    struct changes changes = {.count = 0};
    struct buffer before = {0}, after = {0};
    assert_ok(create(w, w->ada, "account", nid(1), "name=A"));
    memory_state_dump(w->memory, false, &before);
    add_update(&changes, "account", nid(1), "name=B", 0);
    add_create(&changes, "note", nid(2), fmt("account=%s|text=hello", tx(nid(1))));
    add_create(&changes, "party", nid(4), "name=Papir|kind=supplier");
    add_create(&changes, "user", nid(5), fmt("name=per|role=Partner|partner=%s", tx(nid(4))));
    add_create(&changes, "assignment", nid(6),
               fmt("party=%s|account=%s|level=view", tx(nid(4)), tx(nid(1))));
    add_create(&changes, "note", nid(3), fmt("account=%s|text=hello", tx(nid(77))));
    struct reply reply = send(w, w->ada, &changes);
    assert_reply(reply, STATUS_NOT_FOUND);
    assert_int_equal(reply.change, 5);
    assert_string_equal(reply.field, "account");
    memory_state_dump(w->memory, false, &after);
    assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    buffer_release(&before);
    buffer_release(&after);
}

static void a_mutation_has_one_seq_and_a_bounded_length(void **state)
{
    struct world *w = *state;
    struct changes changes = {.count = 0};
    uint64_t before = head(w);
    for (unsigned i = 1; i <= LIMIT_CHANGES; i++)
        add_create(&changes, "lead", nid(i), "lastName=A");
    assert_ok(send(w, w->ada, &changes));
    assert_int_equal(head(w), before + 1);
    assert_int_equal(stored(w, nid(1))->seq, before + 1);
    assert_int_equal(stored(w, nid(500))->seq, before + 1);
    for (unsigned i = 1; i <= LIMIT_CHANGES + 1; i++)
        add_create(&changes, "lead", nid(1000 + i), "lastName=A");
    assert_reply(send(w, w->ada, &changes), STATUS_LIMIT);
}

static void a_disabled_user_is_denied(void **state)
{
    struct world *w = *state;
    add_staff(w, nid(9), "kari", "Member", "sales");
    assert_ok(create(w, nid(9), "account", nid(1), "name=A"));
    assert_ok(update(w, w->ada, "user", nid(9), "disabled=true"));
    assert_reply(create(w, nid(9), "account", nid(2), "name=B"), STATUS_DENIED);
    assert_false(is_there(w, nid(2)));
}

static void nonsense_is_answered_as_malformed(void **state)
{
    struct world *w = *state;
    assert_int_equal(order(w, COMMAND_MUTATE, w->ada, bytes_text("nonsense")), STATUS_MALFORMED);
    struct changes changes = {.count = 1};
    wire_put_map(&changes.list, 0);
    assert_reply(send(w, w->ada, &changes), STATUS_MISSING_FIELD);
    changes.count = 1;
    wire_put_map(&changes.list, 2);
    wire_put_text(&changes.list, "op");
    wire_put_text(&changes.list, "explode");
    wire_put_text(&changes.list, "id");
    wire_put_id(&changes.list, nid(1));
    assert_reply(send(w, w->ada, &changes), STATUS_INVALID_VALUE);
    changes.count = 1;
    wire_put_nil(&changes.list);
    assert_reply(send(w, w->ada, &changes), STATUS_WRONG_KIND);
    w->mode = "perhaps";
    assert_reply(create(w, w->ada, "account", nid(1), "name=A"), STATUS_INVALID_VALUE);
}

static struct buffer prune_body(uint64_t before)
{
    struct buffer body = {0};
    wire_put_map(&body, 1);
    wire_put_text(&body, "before");
    wire_put_uint(&body, before);
    return body;
}

static uint64_t horizon(struct world *w)
{
    struct meta meta;
    assert_int_equal(w->state.ops->meta(w->state.self, &meta), STATUS_OK);
    return meta.horizon;
}

static void pruning_forgets_old_deletions_only(void **state)
{
    struct world *w = *state;
    struct bytes unused;
    assert_ok(create(w, w->ada, "lead", nid(1), "lastName=A"));
    assert_ok(create(w, w->ada, "lead", nid(2), "lastName=B"));
    assert_ok(create(w, w->ada, "lead", nid(3), "lastName=C"));
    struct reply gone = erase(w, w->ada, nid(1));
    w->now += 30 * DAY;
    uint64_t limit = w->now;
    struct reply later = erase(w, w->ada, nid(2));
    struct buffer body = prune_body(limit);
    assert_int_equal(order(w, COMMAND_PRUNE, nobody, buffer_bytes(&body)), STATUS_OK);
    assert_int_equal(horizon(w), gone.seq);
    assert_int_equal(w->state.ops->record(w->state.self, nid(1), &unused), STATUS_NOT_FOUND);
    assert_int_equal(stored(w, nid(2))->seq, later.seq);
    assert_true(is_there(w, nid(3)));
    assert_int_equal(order(w, COMMAND_PRUNE, nobody, buffer_bytes(&body)), STATUS_OK);
    assert_int_equal(horizon(w), gone.seq);
    buffer_release(&body);
}

static void pruning_goes_on_where_it_stopped(void **state)
{
    struct world *w = *state;
    struct changes changes = {.count = 0};
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 450; i++)
            add_create(&changes, "lead", nid(1000 * round + i + 1), "lastName=A");
        assert_ok(send(w, w->ada, &changes));
        for (unsigned i = 0; i < 450; i++)
            add_remove(&changes, nid(1000 * round + i + 1), 0);
        assert_ok(send(w, w->ada, &changes));
    }
    struct buffer body = prune_body(w->now + 1);
    uint64_t first = head(w);
    assert_int_equal(order(w, COMMAND_PRUNE, nobody, buffer_bytes(&body)), STATUS_OK);
    /* 1,000 is passed within the third mutation, which is finished. */
    assert_int_equal(horizon(w), first);
    struct bytes unused;
    assert_int_equal(w->state.ops->record(w->state.self, nid(2001), &unused), STATUS_NOT_FOUND);
    buffer_release(&body);
}

static struct buffer credential(struct id user, enum credential_kind kind, const char *value,
                                size_t size, uint64_t expires)
{
    struct buffer body = {0};
    credential_body(&body, user, kind, bytes_of(value, size), expires);
    return body;
}

static enum status set_credential(struct world *w, struct id actor, struct id user,
                                  enum credential_kind kind, const char *value)
{
    struct buffer body = credential(user, kind, value, strlen(value), w->now + DAY);
    enum status status = order(w, COMMAND_CREDENTIAL, actor, buffer_bytes(&body));
    buffer_release(&body);
    return status;
}

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void credentials_are_each_ones_own(void **state)
{
    struct world *w = *state;
    add_staff(w, nid(1), "kari", "Manager", "sales");
    add_staff(w, nid(2), "nils", "Member", "sales");
    size_t audited = memory_state_audit_count(w->memory);
    assert_int_equal(set_credential(w, nid(2), nid(2), CREDENTIAL_PASSWORD, "$a"), STATUS_OK);
    assert_int_equal(set_credential(w, nid(1), nid(2), CREDENTIAL_PASSWORD, "$b"), STATUS_DENIED);
    assert_int_equal(set_credential(w, nid(1), nid(2), CREDENTIAL_CODE, HASH_A), STATUS_DENIED);
    assert_int_equal(set_credential(w, nid(2), nid(2), CREDENTIAL_CODE, HASH_A), STATUS_DENIED);
    assert_int_equal(set_credential(w, w->ada, nid(2), CREDENTIAL_CODE, HASH_A), STATUS_OK);
    assert_int_equal(set_credential(w, nobody, nid(2), CREDENTIAL_TOKEN, HASH_A), STATUS_OK);
    assert_int_equal(set_credential(w, w->ada, nid(77), CREDENTIAL_CODE, HASH_A),
                     STATUS_NOT_FOUND);
    assert_int_equal(set_credential(w, w->ada, nid(2), CREDENTIAL_CODE, "short"),
                     STATUS_INVALID_VALUE);
    assert_int_equal(memory_state_audit_count(w->memory), audited + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(founding_makes_departments_and_an_administrator),
        WORLD_TEST(a_second_founding_is_refused),
        cmocka_unit_test(a_founding_needs_a_name_and_a_credential),
        WORLD_TEST(a_number_sent_again_gets_the_same_answer),
        WORLD_TEST(a_refusal_is_remembered_too),
        WORLD_TEST(answered_is_no_part_of_the_contents),
        WORLD_TEST(a_number_with_other_contents_is_refused),
        WORLD_TEST(a_gap_is_refused_and_leaves_nothing),
        WORLD_TEST(a_client_belongs_to_its_first_user),
        WORLD_TEST(acknowledged_answers_are_forgotten),
        WORLD_TEST(at_most_256_answers_are_kept),
        WORLD_TEST(a_client_that_left_for_good_begins_anew),
        WORLD_TEST(a_refused_mutation_leaves_only_its_answer),
        WORLD_TEST(a_mutation_has_one_seq_and_a_bounded_length),
        WORLD_TEST(a_disabled_user_is_denied),
        WORLD_TEST(nonsense_is_answered_as_malformed),
        WORLD_TEST(pruning_forgets_old_deletions_only),
        WORLD_TEST(pruning_goes_on_where_it_stopped),
        WORLD_TEST(credentials_are_each_ones_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

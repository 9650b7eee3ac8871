/* Passwords, codes, tokens, certificates and names. */
#include <string.h>

#include "tests/unit/core/world.h"

#define KARI nid(1)
#define NILS nid(2)

static struct state fresh(void **state)
{
    *state = memory_state_new();
    return memory_state_view(*state);
}

static int teardown(void **state)
{
    memory_state_free(*state);
    return 0;
}

static enum status set(const struct state *s, struct id user, enum credential_kind kind,
                       struct bytes value, uint64_t now, uint64_t expires)
{
    struct buffer body = {0};
    credential_body(&body, user, kind, value, expires);
    enum status status = credential_apply(s, buffer_bytes(&body), now);
    buffer_release(&body);
    return status;
}

static struct bytes hash_of(uint8_t n)
{
    static uint8_t hashes[256][32];
    memset(hashes[n], n, 32);
    return bytes_of(hashes[n], 32);
}

static const struct bytes nothing = {NULL, 0};

static void a_password_replaces_and_ends_code_and_tokens(void **state)
{
    struct state s = fresh(state);
    struct bytes phc;
    struct id user;
    assert_int_equal(credential_password(&s, KARI, &phc), STATUS_NOT_FOUND);
    assert_int_equal(set(&s, KARI, CREDENTIAL_CODE, hash_of(1), 10, 100), STATUS_OK);
    assert_int_equal(set(&s, KARI, CREDENTIAL_TOKEN, hash_of(2), 10, 100), STATUS_OK);
    assert_int_equal(set(&s, NILS, CREDENTIAL_TOKEN, hash_of(3), 10, 100), STATUS_OK);
    assert_int_equal(set(&s, KARI, CREDENTIAL_PASSWORD, bytes_text("$a"), 10, 0), STATUS_OK);
    assert_int_equal(credential_password(&s, KARI, &phc), STATUS_OK);
    assert_true(bytes_is(phc, "$a"));
    assert_int_equal(credential_code_valid(&s, KARI, hash_of(1).data, 20), STATUS_NOT_FOUND);
    assert_int_equal(credential_token_user(&s, hash_of(2).data, 20, &user), STATUS_NOT_FOUND);
    assert_int_equal(credential_token_user(&s, hash_of(3).data, 20, &user), STATUS_OK);
}

static void a_code_is_good_for_its_user_until_it_expires(void **state)
{
    struct state s = fresh(state);
    assert_int_equal(set(&s, KARI, CREDENTIAL_CODE, hash_of(1), 10, 100), STATUS_OK);
    assert_int_equal(credential_code_valid(&s, KARI, hash_of(1).data, 99), STATUS_OK);
    assert_int_equal(credential_code_valid(&s, KARI, hash_of(1).data, 100), STATUS_NOT_FOUND);
    assert_int_equal(credential_code_valid(&s, KARI, hash_of(2).data, 99), STATUS_NOT_FOUND);
    assert_int_equal(credential_code_valid(&s, NILS, hash_of(1).data, 99), STATUS_NOT_FOUND);
    assert_int_equal(set(&s, KARI, CREDENTIAL_CODE, hash_of(2), 10, 100), STATUS_OK);
    assert_int_equal(credential_code_valid(&s, KARI, hash_of(1).data, 99), STATUS_NOT_FOUND);
}

static void tokens_end_alone_together_and_with_time(void **state)
{
    struct state s = fresh(state);
    struct id user;
    for (uint8_t i = 1; i <= 3; i++)
        assert_int_equal(set(&s, KARI, CREDENTIAL_TOKEN, hash_of(i), 10, 100), STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(1).data, 99, &user), STATUS_OK);
    assert_true(id_equal(user, KARI));
    assert_int_equal(credential_token_user(&s, hash_of(1).data, 100, &user), STATUS_NOT_FOUND);
    /* Nobody ends another's. */
    assert_int_equal(set(&s, NILS, CREDENTIAL_END_TOKEN, hash_of(1), 20, 0), STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(1).data, 20, &user), STATUS_OK);
    assert_int_equal(set(&s, KARI, CREDENTIAL_END_TOKEN, hash_of(1), 20, 0), STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(1).data, 20, &user), STATUS_NOT_FOUND);
    assert_int_equal(set(&s, NILS, CREDENTIAL_TOKEN, hash_of(2), 20, 100), STATUS_EXISTS);
    assert_int_equal(set(&s, KARI, CREDENTIAL_END_TOKENS, nothing, 20, 0), STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(2).data, 20, &user), STATUS_NOT_FOUND);
    assert_int_equal(credential_token_user(&s, hash_of(3).data, 20, &user), STATUS_NOT_FOUND);
}

static void the_oldest_token_makes_room(void **state)
{
    struct state s = fresh(state);
    struct id user;
    for (uint8_t i = 0; i < CREDENTIAL_MAX_TOKENS; i++)
        assert_int_equal(set(&s, KARI, CREDENTIAL_TOKEN, hash_of((uint8_t)(200 - i)), 10u + i, 1000),
                         STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(200).data, 100, &user), STATUS_OK);
    assert_int_equal(set(&s, KARI, CREDENTIAL_TOKEN, hash_of(1), 100, 1000), STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(200).data, 100, &user), STATUS_NOT_FOUND);
    assert_int_equal(credential_token_user(&s, hash_of(199).data, 100, &user), STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(1).data, 100, &user), STATUS_OK);
}

static void expired_tokens_make_room_first(void **state)
{
    struct state s = fresh(state);
    struct id user;
    for (uint8_t i = 0; i < CREDENTIAL_MAX_TOKENS; i++)
        assert_int_equal(set(&s, KARI, CREDENTIAL_TOKEN, hash_of((uint8_t)(i + 1)), 10u + i,
                             i == 40 ? 90 : 1000),
                         STATUS_OK);
    assert_int_equal(set(&s, KARI, CREDENTIAL_TOKEN, hash_of(100), 100, 1000), STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(1).data, 100, &user), STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(41).data, 80, &user), STATUS_NOT_FOUND);
}

static void a_certificate_is_bound_to_one_user(void **state)
{
    struct state s = fresh(state);
    struct id user;
    assert_int_equal(set(&s, KARI, CREDENTIAL_CERTIFICATE, hash_of(1), 10, 0), STATUS_OK);
    assert_int_equal(set(&s, KARI, CREDENTIAL_CERTIFICATE, hash_of(1), 10, 0), STATUS_OK);
    assert_int_equal(set(&s, NILS, CREDENTIAL_CERTIFICATE, hash_of(1), 10, 0), STATUS_EXISTS);
    assert_int_equal(credential_certificate_user(&s, hash_of(1).data, &user), STATUS_OK);
    assert_true(id_equal(user, KARI));
    assert_int_equal(credential_certificate_user(&s, hash_of(2).data, &user), STATUS_NOT_FOUND);
}

static void forgetting_a_user_forgets_theirs_alone(void **state)
{
    struct state s = fresh(state);
    struct bytes phc;
    struct id user;
    const struct id both[] = {KARI, NILS};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(set(&s, both[i], CREDENTIAL_PASSWORD, bytes_text("$a"), 10, 0), STATUS_OK);
        assert_int_equal(set(&s, both[i], CREDENTIAL_TOKEN, hash_of((uint8_t)i), 10, 99),
                         STATUS_OK);
        assert_int_equal(set(&s, both[i], CREDENTIAL_CERTIFICATE, hash_of((uint8_t)i), 10, 0),
                         STATUS_OK);
    }
    assert_int_equal(credential_forget_user(&s, KARI), STATUS_OK);
    assert_int_equal(credential_password(&s, KARI, &phc), STATUS_NOT_FOUND);
    assert_int_equal(credential_token_user(&s, hash_of(0).data, 20, &user), STATUS_NOT_FOUND);
    assert_int_equal(credential_certificate_user(&s, hash_of(0).data, &user), STATUS_NOT_FOUND);
    assert_int_equal(credential_password(&s, NILS, &phc), STATUS_OK);
    assert_int_equal(credential_token_user(&s, hash_of(1).data, 20, &user), STATUS_OK);
    assert_int_equal(credential_certificate_user(&s, hash_of(1).data, &user), STATUS_OK);
}

static void what_is_no_credential_is_refused(void **state)
{
    struct state s = fresh(state);
    assert_int_equal(credential_apply(&s, bytes_text("nonsense"), 10), STATUS_INVALID_VALUE);
    assert_int_equal(credential_apply(&s, nothing, 10), STATUS_INVALID_VALUE);
    assert_int_equal(set(&s, KARI, (enum credential_kind)0, hash_of(1), 10, 0),
                     STATUS_INVALID_VALUE);
    assert_int_equal(set(&s, KARI, (enum credential_kind)7, hash_of(1), 10, 0),
                     STATUS_INVALID_VALUE);
    assert_int_equal(set(&s, KARI, CREDENTIAL_PASSWORD, nothing, 10, 0), STATUS_INVALID_VALUE);
    assert_int_equal(set(&s, KARI, CREDENTIAL_TOKEN, bytes_of("short", 5), 10, 0),
                     STATUS_INVALID_VALUE);
}

static void names_are_kept_without_case(void **state)
{
    struct state s = fresh(state);
    bool taken;
    assert_int_equal(credential_name_taken(&s, bytes_text("Kari"), &taken), STATUS_OK);
    assert_false(taken);
    assert_int_equal(credential_take_name(&s, bytes_text("Kari"), KARI), STATUS_OK);
    assert_int_equal(credential_name_taken(&s, bytes_text("kARI"), &taken), STATUS_OK);
    assert_true(taken);
    assert_int_equal(credential_name_taken(&s, bytes_text("karin"), &taken), STATUS_OK);
    assert_false(taken);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_password_replaces_and_ends_code_and_tokens),
        TEST(a_code_is_good_for_its_user_until_it_expires),
        TEST(tokens_end_alone_together_and_with_time),
        TEST(the_oldest_token_makes_room),
        TEST(expired_tokens_make_room_first),
        TEST(a_certificate_is_bound_to_one_user),
        TEST(forgetting_a_user_forgets_theirs_alone),
        TEST(what_is_no_credential_is_refused),
        TEST(names_are_kept_without_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

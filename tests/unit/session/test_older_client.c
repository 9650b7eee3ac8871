/* A client of the first version, which knows neither `prefer` nor `check`, beside one that uses
 * both on the same scopes, so that frames made for one are there to be sent to the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "tests/unit/session/feed_fixture.h"

#define MANY 60u

struct looking {
    const struct world_client *older;
    size_t messages, head;
};

static bool is_known(enum message_type type)
{
    static const enum message_type known[] = {MESSAGE_WELCOME, MESSAGE_CHANGES, MESSAGE_BACKFILL,
                                              MESSAGE_CAUGHT_UP, MESSAGE_RESET};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i] == type) {
            return true;
        }
    }
    return false;
}

/* A key that is new may be there only where passing it over changes nothing. */
static void look(void *context, const struct world_client *client, struct bytes bytes)
{
    struct looking *looking = context;
    struct message message;
    if (client != looking->older) {
        return;
    }
    assert_int_equal(message_decode(bytes, &message, NULL), STATUS_OK);
    assert_true(is_known(message.type));
    assert_false(message.type == MESSAGE_BACKFILL && message_has(&message, "ahead"));
    looking->head += message.type == MESSAGE_CHANGES && message_has(&message, "head");
    looking->messages++;
}

static struct scope account(struct id id)
{
    return (struct scope){SCOPE_ACCOUNT, id};
}

static void many_notes(struct fixture *f, struct id of)
{
    char words[1001];
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    for (unsigned i = 0; i < MANY; i++) {
        make_note(f, of, words, "partners");
    }
}

/* In turn, message by message, until both have all. */
static void settle_both(struct fixture *f, struct world_client *one, struct world_client *other)
{
    world_deliver(f->world, 1000);
    for (size_t turn = 0, came = 1; came > 0; turn++) {
        assert_true(turn < 2000);
        came = client_pump(one, 1, true);
        came += client_pump(other, 1, true);
        if (turn % 3 == 0) {
            world_forget_frames(f->world);
        }
    }
    assert_true(client_caught_up(one));
    assert_true(client_caught_up(other));
}

static void share_with_both(struct fixture *f, struct id user)
{
    struct looking looking = {0};
    struct world_watch watch = {.context = &looking, .received = look};
    struct world_client *older = watcher(f, user), *newer = watcher(f, user);
    const struct scope scopes[] = {account(f->hytte), account(f->fjord)};
    looking.older = older;
    world_watch(f->world, &watch);
    client_disconnect(older);
    client_disconnect(newer);
    many_notes(f, f->fjord);
    many_notes(f, f->hytte);
    assign(f, f->supplier, f->hytte);
    client_connect(older);
    client_connect(newer);
    client_prefer(newer, scopes, 1);
    client_check(newer, 1, scopes, 2);
    settle_both(f, older, newer);
    make_note(f, f->hytte, "live", "partners");
    settle_both(f, older, newer);
    assert_int_equal(client_received(newer, MESSAGE_SUMS), 1);
    assert_true(looking.messages > 4);
    assert_true(looking.head > 0);
    world_check_view(f->world, older);
    world_check_view(f->world, newer);
}

static void test_staff_with_an_older_client_is_sent_what_it_knows(void **state)
{
    struct fixture *f = *state;
    share_with_both(f, f->kari);
}

static void test_a_partner_with_an_older_client_is_sent_what_it_knows(void **state)
{
    struct fixture *f = *state;
    share_with_both(f, f->eva);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, feed_set_up, feed_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_staff_with_an_older_client_is_sent_what_it_knows),
        TEST(test_a_partner_with_an_older_client_is_sent_what_it_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

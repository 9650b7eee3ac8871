/* Directed cases of what is sent to whom, and of how a session refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "server/core/credential.h"
#include "tests/unit/session/feed_fixture.h"

static size_t frames_now(struct world_client *client)
{
    size_t before = client_received(client, MESSAGE_CHANGES) +
                    client_received(client, MESSAGE_BACKFILL) +
                    client_received(client, MESSAGE_CAUGHT_UP);
    client_settle(client);
    return client_received(client, MESSAGE_CHANGES) + client_received(client, MESSAGE_BACKFILL) +
           client_received(client, MESSAGE_CAUGHT_UP) - before;
}

static void test_what_outsiders_may_not_see_moves_nothing_for_them(void **state)
{
    struct fixture *f = *state;
    assign(f, f->supplier, f->fjord);
    struct world_client *eva = watcher(f, f->eva), *kari = watcher(f, f->kari);
    const struct held *account = client_find(eva, f->fjord);
    uint64_t seq = account->seq;
    make_note(f, f->fjord, "internal", NULL);
    must(world_update(f->world, f->admin, "account", f->fjord, "rating", "Hot", NULL));
    make_account(f, "Elsewhere");
    assert_int_equal(frames_now(eva), 0);
    assert_int_equal(frames_now(kari), 1);
    must(world_update(f->world, f->admin, "account", f->fjord, "phoneNumber", "+47 22", NULL));
    assert_int_equal(frames_now(eva), 1);
    assert_true(client_find(eva, f->fjord)->seq > seq + 2);
    assert_null(memmem(client_find(eva, f->fjord)->encoded.data,
                       client_find(eva, f->fjord)->encoded.size, "Hot", 3));
}

static void test_a_partner_reads_no_tag_but_their_own(void **state)
{
    struct fixture *f = *state;
    assign(f, f->supplier, f->fjord);
    struct id note = make_note(f, f->fjord, "words", "suppliers");
    char other[TAG_TEXT_SIZE], mine[TAG_TEXT_SIZE];
    snprintf(other, sizeof other, "partner:%s", text(f, f->other));
    snprintf(mine, sizeof mine, "partner:%s", text(f, f->supplier));
    must(world_share(f->world, f->admin, note, other, NULL));
    struct world_client *eva = watcher(f, f->eva), *kari = watcher(f, f->kari);
    assert_int_equal(message_count(held_part(eva, note, "audience")), 1);
    assert_int_equal(message_count(held_part(kari, note, "audience")), 3);
    must(world_share(f->world, f->admin, note, NULL, other));
    assert_int_equal(frames_now(eva), 0);
    client_settle(kari);
    assert_int_equal(message_count(held_part(kari, note, "audience")), 2);
    must(world_share(f->world, f->admin, note, mine, NULL));
    client_settle(eva);
    assert_int_equal(message_count(held_part(eva, note, "audience")), 2);
}

static void test_a_restricted_account_is_for_its_team_however_frames_are_shared(void **state)
{
    struct fixture *f = *state;
    must(world_update(f->world, f->admin, "account", f->fjord, "team", text(f, f->kari),
                      "restricted", "true", NULL));
    for (unsigned round = 0; round < 2; round++) {
        struct world_client *in = watcher(f, f->kari), *out = watcher(f, f->ola);
        struct id secret = world_id(f->world);
        must(world_create(f->world, f->kari, "note", secret, "text", "secret", "account",
                          text(f, f->fjord), NULL));
        make_note(f, f->hytte, "open", NULL);
        client_settle(round == 0 ? in : out);
        client_settle(round == 0 ? out : in);
        assert_non_null(client_find(in, secret));
        assert_null(client_find(out, secret));
        assert_null(client_find(out, f->fjord));
        assert_int_equal(client_cursor(in), client_cursor(out));
        client_disconnect(in);
        client_disconnect(out);
    }
}

static void test_the_removal_of_what_was_never_theirs_is_not_told(void **state)
{
    struct fixture *f = *state;
    assign(f, f->supplier, f->fjord);
    struct id internal = make_note(f, f->fjord, "internal", NULL);
    struct id shared = make_note(f, f->fjord, "shared", "suppliers");
    struct world_client *eva = watcher(f, f->eva);
    must(world_remove(f->world, f->admin, internal));
    assert_int_equal(frames_now(eva), 0);
    must(world_remove(f->world, f->admin, shared));
    assert_int_equal(frames_now(eva), 1);
    assert_null(client_find(eva, shared));
}

static void test_who_was_away_gets_what_one_who_watched_got(void **state)
{
    struct fixture *f = *state;
    struct id fjord = assign(f, f->supplier, f->fjord);
    struct id note = make_note(f, f->fjord, "shared", "suppliers");
    struct world_client *watched = watcher(f, f->eva), *away = watcher(f, f->eva);
    client_disconnect(away);
    must(world_remove(f->world, f->admin, fjord));
    assign(f, f->supplier, f->hytte);
    make_note(f, f->hytte, "for suppliers", "suppliers");
    client_settle(watched);
    client_connect(away);
    client_settle(away);
    assert_null(client_find(away, note));
    assert_null(client_find(away, f->fjord));
    assert_non_null(client_find(away, f->hytte));
    assert_int_equal(client_held_count(away), client_held_count(watched));
    world_check_view(f->world, away);
    world_check_view(f->world, watched);
}

static void expect_reset(struct fixture *f, uint64_t cursor, struct id epoch, const char *reason)
{
    struct world_client *client = watcher(f, f->kari);
    struct message subscribe = {.type = MESSAGE_SUBSCRIBE}, reset;
    subscribe.as.subscribe.cursor = cursor;
    subscribe.as.subscribe.epoch = epoch;
    client_say(client, &subscribe);
    client_settle(client);
    assert_int_equal(message_decode(client_last(client, MESSAGE_RESET), &reset, NULL), STATUS_OK);
    assert_true(bytes_is(reset.as.reset.reason, reason));
    client_settle(client);
    world_check_view(f->world, client);
}

static void test_a_cursor_that_cannot_be_continued_is_reset(void **state)
{
    struct fixture *f = *state;
    struct state view = world_state(f->world);
    struct meta meta;
    must(view.ops->meta(view.self, &meta));
    expect_reset(f, meta.seq + 1, meta.epoch, "ahead");
    expect_reset(f, 1, (struct id){{9, 9, 9}}, "epoch");
    expect_reset(f, 1, meta.epoch, "access");
}

static void expect_error(struct world_client *client, const char *name)
{
    struct message error;
    client_settle(client);
    while (client_pump(client, 10, false) > 0) {
    }
    assert_int_equal(message_decode(client_last(client, MESSAGE_ERROR), &error, NULL), STATUS_OK);
    char text_of[33];
    assert_string_equal(bytes_to_text(error.as.error.name, text_of, sizeof text_of), name);
}

static void test_a_cursor_older_than_what_is_remembered_is_reset(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "gone", NULL);
    struct world_client *slow = watcher(f, f->kari);
    must(world_remove(f->world, f->admin, note));
    world_pass_time(f->world, 1000);
    struct buffer body = {0};
    wire_put_map(&body, 1);
    wire_put_text(&body, "before");
    wire_put_uint(&body, UINT64_MAX);
    must(world_apply(f->world, COMMAND_PRUNE, (struct id){{0}}, buffer_bytes(&body)));
    buffer_release(&body);
    struct state view = world_state(f->world);
    struct meta meta;
    must(view.ops->meta(view.self, &meta));
    assert_true(meta.horizon > 1);
    expect_reset(f, meta.horizon - 1, meta.epoch, "horizon");
    /* Also for who was connected all the time, and read nothing. */
    assert_non_null(client_find(slow, note));
    client_settle(slow);
    assert_int_equal(client_received(slow, MESSAGE_RESET), 1);
    world_check_view(f->world, slow);
}

static void test_a_subscription_that_makes_no_sense_is_refused(void **state)
{
    struct fixture *f = *state;
    struct world_client *kari = watcher(f, f->kari);
    struct state view = world_state(f->world);
    struct meta meta;
    struct buffer resume = {0};
    uint8_t scope[SCOPE_SIZE];
    must(view.ops->meta(view.self, &meta));
    scope_put((struct scope){SCOPE_ACCOUNT, f->fjord}, scope);
    wire_put_array(&resume, 1);
    wire_put_map(&resume, 3);
    wire_put_text(&resume, "scope");
    wire_put_bin(&resume, bytes_of(scope, sizeof scope));
    wire_put_text(&resume, "from");
    wire_put_uint(&resume, 0);
    wire_put_text(&resume, "until");
    wire_put_uint(&resume, meta.seq + 5);
    struct message subscribe = {.type = MESSAGE_SUBSCRIBE};
    subscribe.as.subscribe.cursor = meta.seq;
    subscribe.as.subscribe.epoch = meta.epoch;
    subscribe.as.subscribe.resume = buffer_bytes(&resume);
    message_mark(&subscribe, "resume");
    client_say(kari, &subscribe);
    expect_error(kari, "invalid-value");
    assert_true(client_connected(kari));
    struct message ack = {.type = MESSAGE_ACK};
    client_connect(kari);
    client_settle(kari);
    ack.as.ack.frames = 1000;
    client_say(kari, &ack);
    expect_error(kari, "invalid-value");
    buffer_release(&resume);
}

/* Whose lists each record would be compared with, or each other: they would hold up the thread. */
static void test_long_lists_in_a_subscription_are_refused(void **state)
{
    struct fixture *f = *state;
    struct world_client *eva = watcher(f, f->eva), *kari = watcher(f, f->kari);
    struct state view = world_state(f->world);
    struct meta meta;
    struct buffer names = {0}, resume = {0};
    must(view.ops->meta(view.self, &meta));
    wire_put_array(&names, 257);
    for (unsigned i = 0; i < 257; i++) {
        wire_put_text(&names, "a");
    }
    struct message subscribe = {.type = MESSAGE_SUBSCRIBE};
    subscribe.as.subscribe.entities = buffer_bytes(&names);
    message_mark(&subscribe, "entities");
    client_say(eva, &subscribe);
    expect_error(eva, "limit");
    wire_put_array(&resume, LIMIT_SCOPES + 1);
    for (unsigned i = 0; i <= LIMIT_SCOPES; i++) {
        uint8_t scope[SCOPE_SIZE];
        scope_put((struct scope){SCOPE_ACCOUNT, world_id(f->world)}, scope);
        wire_put_map(&resume, 3);
        wire_put_text(&resume, "scope");
        wire_put_bin(&resume, bytes_of(scope, sizeof scope));
        wire_put_text(&resume, "from");
        wire_put_uint(&resume, 0);
        wire_put_text(&resume, "until");
        wire_put_uint(&resume, 1);
    }
    subscribe = (struct message){.type = MESSAGE_SUBSCRIBE};
    subscribe.as.subscribe.cursor = meta.seq;
    subscribe.as.subscribe.epoch = meta.epoch;
    subscribe.as.subscribe.resume = buffer_bytes(&resume);
    message_mark(&subscribe, "resume");
    client_say(kari, &subscribe);
    expect_error(kari, "limit");
    buffer_release(&names);
    buffer_release(&resume);
}

static void test_what_went_before_the_scope_entered_is_not_told(void **state)
{
    struct fixture *f = *state;
    struct world_client *eva = watcher(f, f->eva);
    struct id before = make_note(f, f->fjord, "gone before", "suppliers");
    must(world_remove(f->world, f->admin, before));
    struct id after = make_note(f, f->fjord, "taken back before", "suppliers");
    must(world_share(f->world, f->admin, after, NULL, "suppliers"));
    assign(f, f->supplier, f->fjord);
    client_settle(eva);
    assert_non_null(client_find(eva, f->fjord));
    struct message changes;
    assert_int_equal(message_decode(client_last(eva, MESSAGE_CHANGES), &changes, NULL), STATUS_OK);
    assert_int_equal(changes.as.changes.removed.size, 0);
}

static void test_who_holds_nothing_is_not_told_what_is_gone(void **state)
{
    struct fixture *f = *state;
    static const char *const library[] = {"library"};
    assign(f, f->supplier, f->fjord);
    struct id note = make_note(f, f->fjord, "for all of you", "partners");
    struct world_client *kari = watcher(f, f->kari);
    struct world_client *early = world_client_new(f->world, f->kari, NULL, 0);
    client_connect(early);
    must(world_remove(f->world, f->admin, note));
    must(world_share(f->world, f->admin, f->hytte, NULL, "partners"));
    struct world_client *new_ones[] = {world_client_new(f->world, f->kari, NULL, 0),
                                       world_client_new(f->world, f->eva, NULL, 0),
                                       world_client_new(f->world, f->kari, library, 1), early};
    for (size_t i = 0; i < 4; i++) {
        struct message first;
        if (new_ones[i] != early) {
            client_connect(new_ones[i]);
        }
        client_pump(new_ones[i], 1, true);
        must(message_decode(client_last(new_ones[i], MESSAGE_CHANGES), &first, NULL));
        assert_false(message_has(&first, "removed"));
        client_settle(new_ones[i]);
    }
    /* Whoever held it is. */
    client_settle(kari);
    assert_null(client_find(kari, note));
}

/* The world's own way of updating knows built-in fields only. */
static void set_secret(struct fixture *f, struct id id)
{
    struct buffer changes = {0}, body = {0};
    wire_put_array(&changes, 1);
    wire_put_map(&changes, 3);
    wire_put_text(&changes, "op");
    wire_put_text(&changes, "update");
    wire_put_text(&changes, "id");
    wire_put_id(&changes, id);
    wire_put_text(&changes, "fields");
    wire_put_map(&changes, 1);
    wire_put_text(&changes, "secret");
    wire_put_text(&changes, "for support alone");
    struct message message = {.type = MESSAGE_MUTATE};
    message.as.mutate.number = 1;
    message.as.mutate.changes = buffer_bytes(&changes);
    message_encode(&body, &message);
    world_new_client_id(f->world);
    must(world_apply(f->world, COMMAND_MUTATE, f->kari, buffer_bytes(&body)));
    buffer_release(&changes);
    buffer_release(&body);
}

static void make_large_notes(struct fixture *f, struct id account)
{
    char words[4000];
    memset(words, 'a', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    for (unsigned i = 0; i < 8; i++) {
        make_note(f, account, words, NULL);
    }
}

static void make_secret_field(struct fixture *f)
{
    must(world_create(f->world, f->admin, "customField", world_id(f->world), "key", "case.secret",
                      "entity", "case", "name", "secret", "kind", "text", "class", "restricted",
                      "departments", "support", NULL));
}

static void hand_to_support(struct fixture *f, struct id id)
{
    char tag[TAG_TEXT_SIZE];
    tag_to_text((struct tag){TAG_DEPARTMENT, world_department(f->world, "support")}, tag);
    must(world_share(f->world, f->admin, id, tag, NULL));
}

static void test_what_was_gone_before_a_reset_is_not_told_after_it(void **state)
{
    struct fixture *f = *state;
    struct id nils =
        make_user(f, "nils", "Member", "departments", world_department(f->world, "sales"));
    struct id goes = world_id(f->world);
    make_secret_field(f);
    must(world_create(f->world, f->admin, "case", goes, "name", "two", NULL));
    hand_to_support(f, goes);
    must(world_share(f->world, f->admin, goes, NULL, "internal"));
    must(world_update(f->world, f->admin, "user", nils, "departments",
                      text(f, world_department(f->world, "community")), NULL));
    struct world_client *client = watcher(f, nils);
    client_disconnect(client);
    set_secret(f, goes);
    client_connect(client);
    client_settle(client);
    struct message newest;
    must(message_decode(client_last(client, MESSAGE_CHANGES), &newest, NULL));
    assert_false(message_has(&newest, "removed"));
}

/* The cursor of who begins anew lies behind the closing until they have caught up. */
static void test_what_closed_before_a_replica_was_filled_is_not_purged_from_it(void **state)
{
    struct fixture *f = *state;
    make_large_notes(f, f->hytte);
    must(world_update(f->world, f->admin, "account", f->fjord, "team", text(f, f->kari),
                      "restricted", "true", NULL));
    struct world_client *empty = world_client_new(f->world, f->ola, NULL, 0);
    client_connect(empty);
    client_pump(empty, 1, true);
    struct message changes;
    must(message_decode(client_last(empty, MESSAGE_CHANGES), &changes, NULL));
    assert_true(changes.as.changes.more);
    assign(f, f->supplier, f->hytte); /* whose access it is does not matter */
    while (client_pump(empty, 1, true) > 0) {
        must(message_decode(client_last(empty, MESSAGE_CHANGES), &changes, NULL));
        assert_false(message_has(&changes, "purged"));
    }
    must(world_update(f->world, f->admin, "account", f->hytte, "team", text(f, f->kari),
                      "restricted", "true", NULL));
    client_settle(empty);
    must(message_decode(client_last(empty, MESSAGE_CHANGES), &changes, NULL));
    assert_true(message_has(&changes, "purged"));
    world_check_view(f->world, empty);
}

/* What they see of a record is older than where a frame ends, and it stands behind that end because
 * of a change they do not see: it arrives all the same, and so does that it is gone. */
static void test_a_hidden_change_hides_no_older_one(void **state)
{
    struct fixture *f = *state;
    struct id sales = world_department(f->world, "sales");
    struct id nils = make_user(f, "nils", "Member", "departments", sales);
    make_secret_field(f);
    struct id stays = world_id(f->world), goes = world_id(f->world);
    must(world_create(f->world, f->admin, "case", stays, "name", "one", NULL));
    must(world_create(f->world, f->admin, "case", goes, "name", "two", NULL));
    hand_to_support(f, goes);
    struct world_client *away = watcher(f, nils);
    client_disconnect(away);
    must(world_update(f->world, f->admin, "case", stays, "name", "one and a half", NULL));
    must(world_share(f->world, f->admin, goes, NULL, "internal"));
    make_large_notes(f, f->fjord);
    set_secret(f, stays);
    set_secret(f, goes);
    client_connect(away);
    client_settle(away);
    world_check_view(f->world, away);
    assert_null(client_find(away, goes));
    world_check_view(f->world, watcher(f, nils));
}

/* While older records of a scope are still to come, a change that the viewer does not see moves one
 * of them behind where they end: it arrives all the same. */
static void test_a_hidden_change_takes_nothing_from_a_backfill(void **state)
{
    struct fixture *f = *state;
    struct id nils =
        make_user(f, "nils", "Member", "departments", world_department(f->world, "sales"));
    struct id moved = world_id(f->world);
    make_secret_field(f);
    make_large_notes(f, f->fjord);
    must(world_create(f->world, f->admin, "case", moved, "name", "one", "account",
                      text(f, f->fjord), NULL));
    must(world_update(f->world, f->admin, "account", f->fjord, "restricted", "true", "team",
                      text(f, f->kari), NULL));
    struct world_client *client = watcher(f, nils);
    assert_null(client_find(client, moved));
    must(world_update(f->world, f->kari, "account", f->fjord, "restricted", "false", NULL));
    world_deliver(f->world, 64);
    assert_int_equal(client_pump(client, 2, true), 2);
    assert_int_equal(client_received(client, MESSAGE_BACKFILL), 1);
    assert_null(client_find(client, moved));
    set_secret(f, moved);
    client_settle(client);
    world_check_view(f->world, client);
    assert_non_null(client_find(client, moved));
}

/* A record that was in the account before is read from where it is now. */
static void test_a_backfill_holds_what_is_in_its_scope(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "moves away", NULL);
    must(world_update(f->world, f->admin, "note", note, "account", text(f, f->hytte), NULL));
    must(world_update(f->world, f->admin, "account", f->fjord, "restricted", "true", "team",
                      text(f, f->ola), NULL));
    struct world_client *kari = watcher(f, f->kari);
    assert_non_null(client_find(kari, note));
    must(world_update(f->world, f->admin, "note", note, "text", "and back?", NULL));
    client_settle(kari);
    must(world_update(f->world, f->ola, "account", f->fjord, "restricted", "false", NULL));
    client_settle(kari);
    struct message backfill;
    must(message_decode(client_last(kari, MESSAGE_BACKFILL), &backfill, NULL));
    assert_true(id_equal(backfill.as.backfill.scope.id, f->fjord));
    assert_int_equal(message_count(backfill.as.backfill.records), 0);
    assert_non_null(client_find(kari, note));
    assert_non_null(client_find(kari, f->fjord));
}

static void test_a_disabled_user_is_cut_off_at_once(void **state)
{
    struct fixture *f = *state;
    struct world_client *ola = watcher(f, f->ola);
    must(world_update(f->world, f->admin, "user", f->ola, "disabled", "true", NULL));
    world_deliver(f->world, 64);
    assert_int_equal(client_closed(ola), 4002);
    client_connect(ola);
    assert_int_equal(client_closed(ola), 4001);
}

static void end_tokens(struct fixture *f, struct id user)
{
    struct buffer body = {0};
    credential_body(&body, user, CREDENTIAL_END_TOKENS, bytes_of(NULL, 0), 0);
    must(world_apply(f->world, COMMAND_CREDENTIAL, user, buffer_bytes(&body)));
    world_deliver(f->world, 64);
    buffer_release(&body);
}

static void test_who_lives_by_a_token_that_ended_is_cut_off(void **state)
{
    struct fixture *f = *state;
    struct world_client *ola = watcher(f, f->ola), *kari = watcher(f, f->kari);
    end_tokens(f, f->ola);
    assert_int_equal(client_closed(ola), 4002);
    assert_int_equal(client_closed(kari), 0);
}

/* The notice comes before the answer, which must still reach whoever signs out. */
static void test_who_signs_out_everywhere_is_not_cut_off_unanswered(void **state)
{
    struct fixture *f = *state;
    struct world_client *here = watcher(f, f->ola), *elsewhere = watcher(f, f->ola);
    struct message sign_out = {.type = MESSAGE_SIGN_OUT};
    sign_out.as.sign_out.everywhere = true;
    message_mark(&sign_out, "everywhere");
    client_say(here, &sign_out);
    end_tokens(f, f->ola);
    assert_int_equal(client_closed(here), 0);
    assert_int_equal(client_closed(elsewhere), 4002);
}

static void test_who_changes_departments_starts_over(void **state)
{
    struct fixture *f = *state;
    char support[TAG_TEXT_SIZE];
    snprintf(support, sizeof support, "dept:%s", text(f, world_department(f->world, "support")));
    struct id note = make_note(f, f->fjord, "for support", support);
    must(world_share(f->world, f->admin, note, NULL, "internal"));
    struct world_client *ola = watcher(f, f->ola);
    assert_non_null(client_find(ola, note));
    must(world_update(f->world, f->admin, "user", f->ola, "departments",
                      text(f, world_department(f->world, "sales")), NULL));
    client_settle(ola);
    assert_int_equal(client_received(ola, MESSAGE_RESET), 1);
    assert_null(client_find(ola, note));
    world_check_view(f->world, ola);
}

static void test_who_gets_values_gets_what_says_how_to_read_them(void **state)
{
    struct fixture *f = *state;
    struct id shared = world_id(f->world), internal = world_id(f->world),
              vehicle = world_id(f->world);
    must(world_create(f->world, f->admin, "customField", shared, "key", "account.fleetSize",
                      "entity", "account", "name", "fleetSize", "kind", "integer", "class",
                      "shared", NULL));
    must(world_create(f->world, f->admin, "customField", internal, "key", "account.margin",
                      "entity", "account", "name", "margin", "kind", "integer", "class", "internal",
                      NULL));
    must(world_create(f->world, f->admin, "customEntity", vehicle, "name", "vehicle", "home",
                      "account", "audience", "partners", NULL));
    struct world_client *eva = watcher(f, f->eva);
    assert_non_null(client_find(eva, shared));
    assert_null(client_find(eva, internal));
    assert_non_null(client_find(eva, vehicle));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, feed_set_up, feed_tear_down)
    const struct CMUnitTest tests[] = {
        T(test_what_outsiders_may_not_see_moves_nothing_for_them),
        T(test_a_partner_reads_no_tag_but_their_own),
        T(test_a_restricted_account_is_for_its_team_however_frames_are_shared),
        T(test_the_removal_of_what_was_never_theirs_is_not_told),
        T(test_who_was_away_gets_what_one_who_watched_got),
        T(test_a_cursor_that_cannot_be_continued_is_reset),
        T(test_a_cursor_older_than_what_is_remembered_is_reset),
        T(test_a_subscription_that_makes_no_sense_is_refused),
        T(test_long_lists_in_a_subscription_are_refused),
        T(test_what_went_before_the_scope_entered_is_not_told),
        T(test_who_holds_nothing_is_not_told_what_is_gone),
        T(test_what_was_gone_before_a_reset_is_not_told_after_it),
        T(test_what_closed_before_a_replica_was_filled_is_not_purged_from_it),
        T(test_a_hidden_change_hides_no_older_one),
        T(test_a_hidden_change_takes_nothing_from_a_backfill),
        T(test_a_backfill_holds_what_is_in_its_scope),
        T(test_a_disabled_user_is_cut_off_at_once),
        T(test_who_lives_by_a_token_that_ended_is_cut_off),
        T(test_who_signs_out_everywhere_is_not_cut_off_unanswered),
        T(test_who_changes_departments_starts_over),
        T(test_who_gets_values_gets_what_says_how_to_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

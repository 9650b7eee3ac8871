/* What is stored of a note is damaged: who needs what is lost is told so, or goes on from the
 * newest text; nobody's connection ends, and everything else goes on. */
#include "tests/unit/session/note_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Whatever rows there are, none of them can be read any more. */
static void damage_rows(struct fixture *f, enum note_rows rows, struct id note)
{
    const struct state state = world_state(f->world);
    struct bytes row;
    uint64_t version = 0;
    unsigned damaged = 0;
    while (state.ops->note_next(state.self, rows, note, version, &version, &row) == STATUS_OK) {
        assert_int_equal(
            state.ops->put_note_row(state.self, rows, note, version, bytes_text("\xff?")),
            STATUS_OK);
        damaged++;
    }
    assert_true(damaged > 0);
}

static void damage_head(struct fixture *f, struct id note)
{
    const struct state state = world_state(f->world);
    assert_int_equal(state.ops->put_note_head(state.self, note, bytes_text("\xff?")), STATUS_OK);
}

/* They are still connected, and hear of what others do elsewhere. */
static void assert_goes_on(struct fixture *f, struct world_client *client)
{
    struct id other = make_note(f, f->fjord, "elsewhere", NULL);
    settle_all(f);
    assert_true(client_connected(client));
    assert_non_null(client_find(client, other));
    client_open_note(client, other, false);
    settle_all(f);
    assert_string_equal(client_note_text(client, other), "elsewhere");
}

static void test_who_has_it_open_goes_on_from_the_text(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    type_at_end(f, kari, note, "one");
    client_type(kari, note, 3, 0, " two");
    damage_rows(f, NOTE_LOG, note);
    settle_all(f);
    assert_true(client_connected(kari) && client_connected(ola));
    assert_int_equal(client_note(ola, note)->end, STATUS_RESET_REQUIRED);
    client_open_note(ola, note, true);
    client_open_note(kari, note, true);
    settle_all(f);
    assert_string_equal(client_note_text(ola, note), "one two");
    assert_string_equal(client_note_text(kari, note), "one two");
    assert_true(world_damage(f->world) > 0);
    assert_goes_on(f, ola);
}

static void test_other_versions_are_refused_by_name(void **state)
{
    struct fixture *f = *state;
    const uint64_t version = 1;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    type_at_end(f, kari, note, "a");
    type_at_end(f, kari, note, "b");
    damage_rows(f, NOTE_LOG, note);
    client_read_note(kari, note, &version);
    settle_all(f);
    assert_string_equal(error_name(kari), "corrupt");
    client_list_versions(kari, note, 2, 10);
    settle_all(f);
    assert_int_equal(client_received(kari, MESSAGE_ERROR), 2);
    assert_string_equal(error_name(kari), "corrupt");
    client_read_note(kari, note, NULL);
    settle_all(f);
    assert_int_equal(client_received(kari, MESSAGE_ERROR), 2);
    assert_int_equal(world_damage(f->world), 2);
    assert_goes_on(f, kari);
}

/* What is theirs begins with a version that cannot be told any more: the newest, then. */
static void test_a_partner_is_given_the_newest(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    type_at_end(f, kari, note, "a");
    type_at_end(f, kari, note, "b");
    assign_at(f, f->supplier, f->fjord, "comment");
    must(world_share(f->world, f->kari, note, "suppliers", NULL));
    damage_rows(f, NOTE_LOG, note);
    struct world_client *eva = opener(f, f->eva, note);
    assert_string_equal(client_note_text(eva, note), "ab");
    assert_int_equal(client_note(eva, note)->oldest, 2);
}

static void test_without_its_text_it_cannot_be_opened(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    type_at_end(f, kari, note, "a");
    damage_head(f, note);
    damage_rows(f, NOTE_LOG, note);
    client_open_note(ola, note, true);
    settle_all(f);
    assert_string_equal(error_name(ola), "corrupt");
    world_trouble(f->world, false, STATUS_CORRUPT); /* as the committer says then */
    client_type(kari, note, 1, 0, "b");
    settle_all(f);
    assert_int_equal(client_push_status(kari), STATUS_CORRUPT);
    world_trouble(f->world, false, STATUS_OK);
    assert_int_equal(world_damage(f->world), 2);
    assert_goes_on(f, ola);
    assert_goes_on(f, kari);
}

#define NOTE_TEST(function) cmocka_unit_test_setup_teardown(function, feed_set_up, feed_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(test_who_has_it_open_goes_on_from_the_text),
        NOTE_TEST(test_other_versions_are_refused_by_name),
        NOTE_TEST(test_a_partner_is_given_the_newest),
        NOTE_TEST(test_without_its_text_it_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

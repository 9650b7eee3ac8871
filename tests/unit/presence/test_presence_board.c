/* Who is woken, and what they hear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/message.h"
#include "protocol/wire.h"
#include "tests/unit/presence/board_stage.h"

static const struct presence_doing typing = {.typing = true};

static void test_who_comes_hears_at_once_and_others_are_woken(void **state)
{
    struct stage *stage = *state;
    struct stage_member *a = stage_enter(stage, stage_company());
    struct stage_member *b = stage_enter(stage, stage_company());
    stage_come(stage, a, 1);
    assert_int_equal(a->wakes, 0);
    stage_hears(stage, a, "1:");
    stage_come(stage, b, 1);
    assert_int_equal(b->wakes, 0);
    stage_hears(stage, b, "1:u1");
    assert_int_equal(a->wakes, 1);
    stage_hears(stage, a, "1:u2");
    stage_exit(stage, b);
    assert_int_equal(a->wakes, 2);
    stage_hears(stage, a, "1:");
}

/* What a step comes to are those who must come and look for it: nobody who is about to anyway, nor
 * who may not know of it. */
static void test_those_who_are_told_are_counted(void **state)
{
    struct stage *stage = *state;
    struct stage_member *one = stage_enter(stage, stage_company());
    struct stage_member *two = stage_enter(stage, stage_company());
    struct stage_member *three = stage_enter(stage, stage_company());
    struct stage_member *eva = stage_enter(stage, stage_partner(1));
    struct stage_member *fred = stage_enter(stage, stage_partner(2));
    stage_come(stage, one, 1);
    assert_int_equal(presence_told(stage->board), 0);
    stage_come(stage, two, 1);
    assert_int_equal(presence_told(stage->board), 1);
    stage_come(stage, three, 1);
    assert_int_equal(presence_told(stage->board), 2); /* `one` has not looked yet */
    stage_come(stage, eva, 1);
    stage_quiet(stage);
    uint64_t told = presence_told(stage->board);
    stage_come(stage, fred, 1);
    assert_int_equal(presence_told(stage->board), told + 3);
    stage_quiet(stage);
    told = presence_told(stage->board);
    assert_int_equal(stage_at(stage, two, 1, &typing), STATUS_OK);
    assert_int_equal(presence_told(stage->board), told + 4);
    stage_come(stage, two, 1);
    assert_int_equal(stage_at(stage, two, 1, &typing), STATUS_OK);
    assert_int_equal(presence_told(stage->board), told + 4);
    stage_quiet(stage);
    stage_leave(stage, two, 1);
    assert_int_equal(presence_told(stage->board), told + 8);
}

static void test_only_what_changes_is_told(void **state)
{
    struct stage *stage = *state;
    struct stage_member *a = stage_enter(stage, stage_company());
    struct stage_member *b = stage_enter(stage, stage_company());
    struct stage_member *c = stage_enter(stage, stage_company());
    stage_come(stage, a, 1);
    stage_come(stage, b, 1);
    stage_come(stage, c, 2);
    stage_quiet(stage);
    const unsigned before = a->wakes;
    stage_come(stage, b, 1); /* again */
    assert_int_equal(a->wakes, before);
    assert_int_equal(stage_at(stage, b, 1, &typing), STATUS_OK);
    assert_int_equal(a->wakes, before + 1);
    stage_come(stage, b, 1); /* stopped typing before anybody looked */
    assert_int_equal(a->wakes, before + 1);
    stage_hears(stage, a, "");
    assert_int_equal(stage_at(stage, b, 1, &typing), STATUS_OK);
    stage_hears(stage, a, "1:u2!");
    stage_hears(stage, b, ""); /* nothing of themselves */
    assert_int_equal(c->wakes, 0);
}

static void test_cursors_are_told_whole(void **state)
{
    struct stage *stage = *state;
    struct stage_member *a = stage_enter(stage, stage_company());
    struct stage_member *b = stage_enter(stage, stage_company());
    const struct presence_doing doing = {.typing = true,
                                         .has_cursor = true,
                                         .has_version = true,
                                         .anchor = 3,
                                         .head = 70000,
                                         .version = 9};
    stage_come(stage, a, 1);
    b->person.name = bytes_text("B\xc3\xa5rd Berg");
    assert_int_equal(stage_at(stage, b, 1, &doing), STATUS_OK);
    struct buffer list = {0}, expected = {0};
    presence_take(stage->board, a->handle);
    assert_true(presence_list(stage->board, a->handle, stage_id(1), &a->person.side, &list));
    size_t begin = wire_begin_array(&expected);
    wire_put_array(&expected, 7);
    wire_put_uint(&expected, 2);
    wire_put_text(&expected, "u2");
    wire_put_text(&expected, "B\xc3\xa5rd Berg");
    wire_put_bool(&expected, true);
    wire_put_uint(&expected, 3);
    wire_put_uint(&expected, 70000);
    wire_put_uint(&expected, 9);
    wire_end(&expected, begin, 1);
    assert_true(bytes_equal(buffer_bytes(&list), buffer_bytes(&expected)));
    buffer_release(&list);
    buffer_release(&expected);
}

static void test_long_names_end_at_a_character(void **state)
{
    struct stage *stage = *state;
    struct stage_member *a = stage_enter(stage, stage_company());
    struct stage_member *b = stage_enter(stage, stage_company());
    char name[201];
    struct buffer list = {0};
    for (unsigned i = 0; i < 201; i++)
        name[i] = "\xe2\x82\xac"[i % 3]; /* 67 euro signs: byte 128 is within one */
    stage_come(stage, a, 1);
    b->person.name = bytes_of(name, sizeof name);
    stage_come(stage, b, 1);
    assert_true(presence_list(stage->board, a->handle, stage_id(1), &a->person.side, &list));
    assert_int_equal(wire_validate(buffer_bytes(&list), NULL), STATUS_OK);
    buffer_release(&list);
    stage_quiet(stage);
}

static void test_partners_know_nothing_of_each_other(void **state)
{
    struct stage *stage = *state;
    struct stage_member *staff = stage_enter(stage, stage_company());
    struct stage_member *north = stage_enter(stage, stage_partner(1));
    struct stage_member *north_too = stage_enter(stage, stage_partner(1));
    struct stage_member *south = stage_enter(stage, stage_partner(2));
    stage_come(stage, staff, 1);
    stage_come(stage, north, 1);
    stage_quiet(stage);
    const unsigned before = north->wakes;
    stage_come(stage, south, 1);
    assert_int_equal(stage_at(stage, south, 1, &typing), STATUS_OK);
    stage_leave(stage, south, 1);
    assert_int_equal(north->wakes, before);
    stage_come(stage, south, 1);
    stage_come(stage, north_too, 1);
    stage_hears(stage, north, "1:u3,u1");
    stage_hears(stage, south, "1:u1");
    stage_hears(stage, staff, "1:u3,u4,u2");
}

static void name_of_first(struct stage *stage, struct stage_member *viewer, char out[32])
{
    struct buffer list = {0};
    struct bytes name;
    uint32_t count;
    assert_true(
        presence_list(stage->board, viewer->handle, stage_id(1), &viewer->person.side, &list));
    struct wire_reader reader = wire_read(buffer_bytes(&list));
    assert_true(wire_get_array(&reader, &count) && count == 1 && wire_get_array(&reader, &count));
    assert_true(wire_skip(&reader, NULL) && wire_skip(&reader, NULL));
    assert_true(wire_get_str(&reader, &name));
    (void)bytes_to_text(name, out, 32);
    buffer_release(&list);
}

static void test_full_names_are_for_those_who_may_read_them(void **state)
{
    struct stage *stage = *state;
    struct stage_member *staff = stage_enter(stage, stage_company());
    struct stage_member *north = stage_enter(stage, stage_partner(1));
    char name[32];
    staff->person.name = bytes_text("Kari Nord");
    north->person.name = bytes_text("Eva Berg");
    stage_come(stage, staff, 1);
    stage_come(stage, north, 1);
    name_of_first(stage, north, name);
    assert_string_equal(name, "u1");
    name_of_first(stage, staff, name);
    assert_string_equal(name, "Eva Berg");
    stage_leave(stage, staff, 1);
    stage_quiet(stage);
    struct stage_member *colleague = stage_enter(stage, stage_partner(1));
    stage_come(stage, colleague, 1);
    name_of_first(stage, colleague, name);
    assert_string_equal(name, "Eva Berg");
}

static void test_a_crowd_pushes_off_its_own_who_are_silent(void **state)
{
    struct stage *stage = *state;
    struct stage_member *staff = stage_enter(stage, stage_company());
    struct stage_member *south = stage_enter(stage, stage_partner(2));
    stage_come(stage, staff, 1);
    stage_come(stage, south, 1);
    struct stage_member *crowd[PRESENCE_CROWD + 1];
    for (unsigned i = 0; i <= PRESENCE_CROWD; i++)
        crowd[i] = stage_enter(stage, stage_partner(1));
    for (unsigned i = 0; i < PRESENCE_CROWD; i++)
        stage_come(stage, crowd[i], 1);
    stage_come(stage, crowd[0], 1); /* speaks again: the second is the most silent now */
    stage_quiet(stage);
    const unsigned before = south->wakes;
    stage_come(stage, crowd[PRESENCE_CROWD], 1);
    assert_int_equal(south->wakes, before);
    stage_hears(stage, south, "");
    stage_hears(stage, crowd[1], "1:");
    struct buffer list = {0};
    presence_take(stage->board, staff->handle);
    staff->woken = false;
    assert_true(
        presence_list(stage->board, staff->handle, stage_id(1), &staff->person.side, &list));
    assert_int_equal(message_count(buffer_bytes(&list)), PRESENCE_CROWD + 1);
    buffer_release(&list);
    stage_quiet(stage);
    stage_come(stage, staff, 1);
    assert_int_equal(stage_at(stage, staff, 1, &typing), STATUS_OK);
    stage_hears(stage, crowd[1], ""); /* it is there no more */
    stage_come(stage, crowd[1], 1);   /* until it comes again */
    char heard[4096];
    stage_hear(stage, crowd[1], heard, sizeof heard);
    assert_non_null(strstr(heard, "u1!"));
}

static void test_a_side_has_so_many_places_on_the_board(void **state)
{
    struct stage *stage = *state;
    struct stage_member *staff = stage_enter(stage, stage_company());
    struct stage_member *south = stage_enter(stage, stage_partner(2));
    struct stage_member *first = stage_enter(stage, stage_partner(1));
    stage_come(stage, staff, 200);
    stage_come(stage, south, 200);
    stage_come(stage, first, 200);
    stage_come(stage, first, 201);
    stage_quiet(stage);
    const unsigned before = south->wakes;
    for (unsigned i = 0; i < PRESENCE_OUTSIDE - 2; i++)
        stage_come(stage, stage_enter(stage, stage_partner(1)), (uint8_t)(1 + i % 100));
    stage_hears(stage, staff, "");
    stage_come(stage, stage_enter(stage, stage_partner(1)), 99);
    stage_hears(stage, first, "200:"); /* where it has been silent longest */
    stage_hears(stage, staff, "200:u2");
    assert_int_equal(south->wakes, before);
}

static void test_a_connection_is_at_so_many_things(void **state)
{
    struct stage *stage = *state;
    struct stage_member *a = stage_enter(stage, stage_company());
    const struct presence_doing nothing = {.typing = false};
    for (unsigned i = 1; i <= LIMIT_PRESENT; i++)
        stage_come(stage, a, (uint8_t)i);
    assert_int_equal(stage_at(stage, a, LIMIT_PRESENT + 1, &nothing), STATUS_LIMIT);
    stage_come(stage, a, 1);
    stage_leave(stage, a, 1);
    stage_come(stage, a, LIMIT_PRESENT + 1);
}

static unsigned checks(struct stage *stage, struct stage_member *member)
{
    struct id about;
    unsigned count = 0;
    member->woken = false;
    presence_take(stage->board, member->handle);
    while (presence_next_check(stage->board, member->handle, &about))
        count++;
    return count;
}

static void test_a_commit_has_those_check_who_are_there(void **state)
{
    struct stage *stage = *state;
    struct stage_member *a = stage_enter(stage, stage_company());
    struct stage_member *b = stage_enter(stage, stage_company());
    stage_come(stage, a, 1);
    stage_come(stage, a, 2);
    stage_come(stage, b, 2);
    stage_quiet(stage);
    const unsigned before = b->wakes;
    stage_touch(stage, 1, 5);
    assert_int_equal(b->wakes, before);
    assert_true(a->woken);
    assert_int_equal(checks(stage, a), 1);
    assert_int_equal(checks(stage, b), 0);
    stage_hears(stage, a, ""); /* who stays hears nothing of it */
    stage_come(stage, b, 3);   /* judged as of seq 1, but 5 was told: perhaps it took it away */
    assert_true(b->woken);
    assert_int_equal(checks(stage, b), 1);
}

static void test_a_thing_that_moves_is_found_where_it_is(void **state)
{
    struct stage *stage = *state;
    struct stage_member *a = stage_enter(stage, stage_company());
    stage_come(stage, a, 1);
    stage_quiet(stage);
    struct presence_thing moved = {stage_id(1), {SCOPE_ACCOUNT, stage_id(7)}, 5};
    assert_int_equal(presence_still(stage->board, a->handle, &moved), STATUS_OK);
    moved = (struct presence_thing){stage_id(1), {SCOPE_ACCOUNT, stage_id(1)}, 4};
    assert_int_equal(presence_still(stage->board, a->handle, &moved), STATUS_OK); /* old news */
    stage_touch(stage, 1, 6);
    assert_false(a->woken);
    stage_touch(stage, 7, 7);
    assert_true(a->woken);
    assert_int_equal(checks(stage, a), 1);
}

static void test_who_changes_sides_is_known_to_others(void **state)
{
    struct stage *stage = *state;
    struct stage_member *staff = stage_enter(stage, stage_company());
    struct stage_member *north = stage_enter(stage, stage_partner(1));
    struct stage_member *south = stage_enter(stage, stage_partner(2));
    struct stage_member *mover = stage_enter(stage, stage_partner(1));
    stage_come(stage, staff, 1);
    stage_come(stage, north, 1);
    stage_come(stage, south, 1);
    stage_come(stage, mover, 1);
    stage_quiet(stage);
    const unsigned before = staff->wakes;
    mover->person.side = stage_partner(2);
    presence_identify(stage->board, mover->handle, &mover->person);
    stage_hears(stage, north, "1:u1");
    stage_hears(stage, south, "1:u4,u1");
    stage_hears(stage, mover, "1:u3,u1");
    stage_hears(stage, staff, ""); /* they see the same people as before */
    assert_true(staff->wakes > before);
    assert_int_equal(checks(stage, mover), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_who_comes_hears_at_once_and_others_are_woken),
        TEST(test_those_who_are_told_are_counted),
        TEST(test_only_what_changes_is_told),
        TEST(test_cursors_are_told_whole),
        TEST(test_long_names_end_at_a_character),
        TEST(test_partners_know_nothing_of_each_other),
        TEST(test_full_names_are_for_those_who_may_read_them),
        TEST(test_a_crowd_pushes_off_its_own_who_are_silent),
        TEST(test_a_side_has_so_many_places_on_the_board),
        TEST(test_a_connection_is_at_so_many_things),
        TEST(test_a_commit_has_those_check_who_are_there),
        TEST(test_a_thing_that_moves_is_found_where_it_is),
        TEST(test_who_changes_sides_is_known_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

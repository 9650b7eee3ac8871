/* The stored form of records, lane positions and small questions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka wants those first */
#include <cmocka.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/record/record.h"

static const uint8_t nil[] = {0xc0}, text_a[] = {0xa1, 'a'}, yes[] = {0xc3};

static struct id some_id(uint8_t n)
{
    struct id id = {{n}};
    return id;
}

static struct record *sample(void)
{
    struct record *record = memory_new(sizeof *record);
    assert_non_null(record);
    struct id account = some_id(7);
    record->id = some_id(1);
    record->entity = bytes_text("note");
    record->scope = (struct scope){SCOPE_ACCOUNT, account};
    record->seq = 20;
    record->shared_seq = 12;
    record->created = (struct stamp){5, 1000, bytes_text("ada")};
    record->stamps[0] = record->created;
    record->stamps[1] = (struct stamp){20, 2000, bytes_text("kari")};
    record->stamp_count = 2;
    record->restrictions[0] = bytes_of("\x91\xa5sales", 7);
    record->restriction_count = 1;
    record->fields[0] = (struct record_field){bytes_text("text"), bytes_of(text_a, 2), 0,
                                              CLASS_SHARED, 0};
    record->fields[1] = (struct record_field){bytes_text("pinned"), bytes_of(yes, 1), 1,
                                              CLASS_RESTRICTED, 1};
    record->fields[2] = (struct record_field){bytes_text("type"), bytes_of(nil, 1), 1,
                                              CLASS_INTERNAL, 0};
    record->field_count = 3;
    record->placements[0] = (struct placement){record->scope, {.kind = TAG_INTERNAL}, 5, 0};
    record->placements[1] = (struct placement){record->scope, {TAG_PARTNER, some_id(9)}, 15, 0};
    record->placements[2] = (struct placement){
        {SCOPE_ACCOUNT, some_id(8)}, {.kind = TAG_PARTNERS}, 5, 9};
    record->placements[3] = (struct placement){record->scope, {.kind = TAG_SUPPLIERS}, 6, 0};
    record->placement_count = 4;
    return record;
}

static void a_record_comes_back_as_it_was(void **state)
{
    (void)state;
    struct record *record = sample(), *back = memory_new(sizeof *back);
    struct buffer first = {0}, second = {0};
    record->deleted = true;
    record_encode(&first, record);
    assert_int_equal(record_decode(buffer_bytes(&first), back), STATUS_OK);
    assert_true(back->deleted);
    assert_true(id_equal(back->id, record->id));
    assert_true(scope_equal(back->scope, record->scope));
    assert_true(bytes_is(back->entity, "note"));
    assert_int_equal(back->seq, 20);
    assert_int_equal(back->shared_seq, 12);
    assert_true(bytes_is(back->created.by, "ada"));
    assert_int_equal(back->stamps[1].at_ms, 2000);
    assert_int_equal(back->fields[1].restricted, 1);
    assert_int_equal(back->fields[2].class, CLASS_INTERNAL);
    assert_true(bytes_equal(back->restrictions[0], record->restrictions[0]));
    assert_int_equal(back->placements[2].removed, 9);
    assert_true(id_equal(back->placements[2].scope.id, some_id(8)));
    assert_true(id_equal(back->placements[1].tag.id, some_id(9)));
    record_encode(&second, back);
    assert_true(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    buffer_release(&first);
    buffer_release(&second);
    memory_free(record);
    memory_free(back);
}

static void lanes_of_outsiders_move_by_what_they_can_see(void **state)
{
    (void)state;
    struct record *record = sample();
    assert_int_equal(record_lane_seq(record, &record->placements[0]), 20);
    assert_int_equal(record_lane_seq(record, &record->placements[1]), 15);
    assert_int_equal(record_lane_seq(record, &record->placements[2]), 9);
    assert_int_equal(record_lane_seq(record, &record->placements[3]), 12);
    memory_free(record);
}

static void fields_are_found_by_name(void **state)
{
    (void)state;
    struct record *record = sample();
    assert_true(bytes_is(record_text(record, "text"), "a"));
    assert_int_equal(record_text(record, "pinned").size, 0);
    assert_true(record_boolean(record, "pinned"));
    assert_false(record_boolean(record, "text"));
    assert_null(record_field(record, "type"));
    assert_non_null(record_field_any(record, bytes_text("type")));
    assert_null(record_field_any(record, bytes_text("typ")));
    assert_true(id_is_zero(record_reference(record, "text")));
    memory_free(record);
}

static void references_are_found_alone_and_in_lists(void **state)
{
    (void)state;
    struct record *record = sample();
    struct buffer one = {0}, many = {0};
    wire_put_id(&one, some_id(3));
    wire_put_array(&many, 2);
    wire_put_id(&many, some_id(4));
    wire_put_id(&many, some_id(5));
    record->fields[0].value = buffer_bytes(&one);
    record->fields[1].value = buffer_bytes(&many);
    assert_true(id_equal(record_reference(record, "text"), some_id(3)));
    assert_true(record_has_reference(record, "text", some_id(3)));
    assert_false(record_has_reference(record, "text", some_id(4)));
    assert_true(record_has_reference(record, "pinned", some_id(5)));
    assert_false(record_has_reference(record, "pinned", some_id(3)));
    assert_false(record_has_reference(record, "nothing", some_id(3)));
    record->fields[1].value = bytes_of("\x92\x01\x02", 3); /* a list of something else */
    assert_false(record_has_reference(record, "pinned", some_id(5)));
    assert_int_equal(record_decode(bytes_of(NULL, 0), record), STATUS_CORRUPT);
    buffer_release(&one);
    buffer_release(&many);
    memory_free(record);
}

static void a_placement_lives_in_its_scope_until_it_ends(void **state)
{
    (void)state;
    struct record *record = sample();
    struct scope other = {SCOPE_ACCOUNT, some_id(8)};
    assert_true(record_is_live(record, NULL, (struct tag){.kind = TAG_INTERNAL}));
    assert_false(record_is_live(record, &other, (struct tag){.kind = TAG_INTERNAL}));
    assert_false(record_is_live(record, &other, (struct tag){.kind = TAG_PARTNERS}));
    assert_false(record_is_live(record, NULL, (struct tag){TAG_PARTNER, some_id(8)}));
    memory_free(record);
}

/* Every cut is refused, and no damage makes the decoder leave its bytes or its arrays. */
static void damaged_bytes_are_refused_or_harmless(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    struct record *record = sample(), *back = memory_new(sizeof *back);
    struct buffer good = {0}, again = {0};
    record_encode(&good, record);
    for (size_t size = 0; size < good.size; size++) {
        uint8_t *cut = malloc(size ? size : 1); /* exact, so that a sanitizer sees the end */
        memcpy(cut, good.data, size);
        assert_int_equal(record_decode(bytes_of(cut, size), back), STATUS_CORRUPT);
        free(cut);
    }
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t *bad = malloc(good.size);
        memcpy(bad, good.data, good.size);
        for (int flips = 1 + rand() % 3; flips > 0; flips--)
            bad[(size_t)rand() % good.size] = (uint8_t)rand();
        if (record_decode(bytes_of(bad, good.size), back) == STATUS_OK) {
            buffer_clear(&again);
            record_encode(&again, back);
            assert_false(again.failed);
        }
        free(bad);
    }
    buffer_append_byte(&good, 0);
    assert_int_equal(record_decode(buffer_bytes(&good), back), STATUS_CORRUPT);
    buffer_release(&good);
    buffer_release(&again);
    memory_free(record);
    memory_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_back_as_it_was),
        cmocka_unit_test(lanes_of_outsiders_move_by_what_they_can_see),
        cmocka_unit_test(fields_are_found_by_name),
        cmocka_unit_test(references_are_found_alone_and_in_lists),
        cmocka_unit_test(a_placement_lives_in_its_scope_until_it_ends),
        cmocka_unit_test(damaged_bytes_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "support.h"

#include <string.h>

#include "protocol/id.h"

static const char sample[] = "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e";

static struct id random_id(struct random *random)
{
    struct id id;
    put_u64(id.octet, random_next(random));
    put_u64(id.octet + 8, random_next(random));
    return id;
}

static void text_has_the_form_of_a_uuid(void **state)
{
    struct id id;
    char text[ID_TEXT_SIZE];
    (void)state;
    assert_true(id_from_text(bytes_text(sample), &id));
    assert_memory_equal(id.octet, "\x01\x92\xf0\xc1\x5a\x3e\x7c\x41\x9d\x0e\x3b\x1f\x6a\x7c\x8d\x9e", 16);
    assert_string_equal(id_to_text(id, text), sample);
}

static void text_without_dashes_and_in_capitals_is_read(void **state)
{
    struct id plain, id;
    (void)state;
    assert_true(id_from_text(bytes_text(sample), &plain));
    assert_true(id_from_text(bytes_text("0192F0C15A3E7C419D0E3B1F6A7C8D9E"), &id));
    assert_true(id_equal(id, plain));
    assert_true(id_from_text(bytes_text("0192F0C1-5A3E-7C41-9D0E-3B1F6A7C8D9E"), &id));
    assert_true(id_equal(id, plain));
}

static void other_text_is_no_id(void **state)
{
    static const char *const bad[] = {
        "", "0192f0c1", "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9", "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9ee",
        "0192f0c15-a3e-7c41-9d0e-3b1f6a7c8d9e", "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9g",
        "{192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9}", "0192f0c15a3e7c419d0e3b1f6a7c8d9 ",
        "-0192f0c1-5a3e-7c41-9d0e3b1f6a7c8d9e"};
    struct id id = {{42}};
    const struct id before = id;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(id_from_text(bytes_text(bad[i]), &id));
    assert_true(id_equal(id, before));
}

static void every_id_survives_its_text(void **state)
{
    struct random random = random_begin("ids");
    (void)state;
    for (int i = 0; i < 10000; i++) {
        const struct id id = random_id(&random);
        struct id again;
        char text[ID_TEXT_SIZE];
        assert_true(id_from_text(bytes_text(id_to_text(id, text)), &again));
        assert_true(id_equal(id, again));
    }
}

static void made_ids_are_uuids_that_sort_by_time(void **state)
{
    const uint8_t ones[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t zeros[10] = {0};
    char text[ID_TEXT_SIZE];
    (void)state;
    assert_string_equal(id_to_text(id_make(0x0192f0c15a3e, ones), text),
                        "0192f0c1-5a3e-7fff-bfff-ffffffffffff");
    assert_string_equal(id_to_text(id_make(0x0192f0c15a3e, zeros), text),
                        "0192f0c1-5a3e-7000-8000-000000000000");
    assert_true(id_compare(id_make(1700000000000, ones), id_make(1700000000001, zeros)) < 0);
    assert_true(id_is_zero((struct id){{0}}));
    assert_false(id_is_zero(id_make(1, zeros)));
}

static void ids_are_sixteen_bytes(void **state)
{
    uint8_t bytes[17] = {1};
    struct id id;
    (void)state;
    assert_true(id_from_bytes(bytes_of(bytes, 16), &id));
    assert_int_equal(id.octet[0], 1);
    assert_false(id_from_bytes(bytes_of(bytes, 15), &id));
    assert_false(id_from_bytes(bytes_of(bytes, 17), &id));
    assert_false(id_from_bytes(bytes_of(NULL, 0), &id));
}

static void scopes_survive_bytes_and_text(void **state)
{
    struct random random = random_begin("scopes");
    (void)state;
    for (int i = 0; i < 4000; i++) {
        struct scope scope = {(uint8_t)(1 + i % 4), random_id(&random)}, again;
        if (scope.kind == SCOPE_LIBRARY)
            scope.id = (struct id){{0}};
        uint8_t bytes[SCOPE_SIZE];
        char text[SCOPE_TEXT_SIZE];
        scope_put(scope, bytes);
        assert_true(scope_from_bytes(bytes_of(bytes, sizeof bytes), &again));
        assert_true(scope_equal(scope, again));
        assert_true(scope_from_text(bytes_text(scope_to_text(scope, text)), &again));
        assert_true(scope_equal(scope, again));
    }
}

static void scopes_have_their_documented_text(void **state)
{
    struct scope scope = {SCOPE_ACCOUNT, {{0}}};
    char text[SCOPE_TEXT_SIZE];
    (void)state;
    assert_true(id_from_text(bytes_text(sample), &scope.id));
    assert_string_equal(scope_to_text(scope, text), "account:0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e");
    scope = (struct scope){SCOPE_LIBRARY, {{0}}};
    assert_string_equal(scope_to_text(scope, text), "library");
}

static void other_things_are_no_scope(void **state)
{
    static const char *const bad[] = {"", "account", "account:", "library:", "account:x", ":",
                                      "library:0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e",
                                      "Account:0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e",
                                      "account:0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e ",
                                      "partner:0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e"};
    uint8_t bytes[SCOPE_SIZE + 1] = {SCOPE_LIBRARY};
    struct scope scope;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(scope_from_text(bytes_text(bad[i]), &scope));
    assert_true(scope_from_bytes(bytes_of(bytes, SCOPE_SIZE), &scope));
    assert_false(scope_from_bytes(bytes_of(bytes, SCOPE_SIZE - 1), &scope));
    assert_false(scope_from_bytes(bytes_of(bytes, SCOPE_SIZE + 1), &scope));
    assert_false(scope_from_bytes(bytes_of(NULL, 0), &scope));
    bytes[16] = 1;
    assert_false(scope_from_bytes(bytes_of(bytes, SCOPE_SIZE), &scope));
    bytes[16] = 0;
    for (unsigned kind = 0; kind < 256; kind++) {
        bytes[0] = (uint8_t)kind;
        assert_int_equal(scope_from_bytes(bytes_of(bytes, SCOPE_SIZE), &scope),
                         kind >= SCOPE_ACCOUNT && kind <= SCOPE_LIBRARY);
    }
}

static void tags_survive_bytes_and_text(void **state)
{
    static const char *const words[] = {"", "internal", "dept:", "partners", "suppliers",
                                        "distributors", "partner:"};
    struct random random = random_begin("tags");
    (void)state;
    for (int i = 0; i < 6000; i++) {
        struct tag tag = {(uint8_t)(1 + i % 6), random_id(&random)}, again;
        if (tag.kind != TAG_DEPARTMENT && tag.kind != TAG_PARTNER)
            tag.id = (struct id){{0}};
        uint8_t bytes[TAG_SIZE];
        char text[TAG_TEXT_SIZE];
        tag_put(tag, bytes);
        assert_true(tag_from_bytes(bytes_of(bytes, sizeof bytes), &again));
        assert_true(tag_equal(tag, again));
        assert_true(tag_from_text(bytes_text(tag_to_text(tag, text)), &again));
        assert_true(tag_equal(tag, again));
        assert_memory_equal(text, words[tag.kind], strlen(words[tag.kind]));
    }
}

static void other_things_are_no_tag(void **state)
{
    uint8_t bytes[TAG_SIZE] = {0};
    struct tag tag;
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        bytes[0] = (uint8_t)kind;
        bytes[16] = 0;
        assert_int_equal(tag_from_bytes(bytes_of(bytes, sizeof bytes), &tag), kind >= 1 && kind <= 6);
        bytes[16] = 1;
        assert_int_equal(tag_from_bytes(bytes_of(bytes, sizeof bytes), &tag), kind == 2 || kind == 6);
    }
    assert_false(tag_from_text(bytes_text("everyone"), &tag));
    assert_false(tag_from_text(bytes_text("dept"), &tag));
    assert_false(tag_from_text(bytes_text("internal:"), &tag));
    assert_false(tag_from_text(bytes_text("internal\n"), &tag));
}

static void outside_tags_speak_to_partners(void **state)
{
    (void)state;
    assert_false(tag_is_outside((struct tag){TAG_INTERNAL, {{0}}}));
    assert_false(tag_is_outside((struct tag){TAG_DEPARTMENT, {{1}}}));
    assert_true(tag_is_outside((struct tag){TAG_PARTNERS, {{0}}}));
    assert_true(tag_is_outside((struct tag){TAG_SUPPLIERS, {{0}}}));
    assert_true(tag_is_outside((struct tag){TAG_DISTRIBUTORS, {{0}}}));
    assert_true(tag_is_outside((struct tag){TAG_PARTNER, {{1}}}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_the_form_of_a_uuid),
        cmocka_unit_test(text_without_dashes_and_in_capitals_is_read),
        cmocka_unit_test(other_text_is_no_id),
        cmocka_unit_test(every_id_survives_its_text),
        cmocka_unit_test(made_ids_are_uuids_that_sort_by_time),
        cmocka_unit_test(ids_are_sixteen_bytes),
        cmocka_unit_test(scopes_survive_bytes_and_text),
        cmocka_unit_test(scopes_have_their_documented_text),
        cmocka_unit_test(other_things_are_no_scope),
        cmocka_unit_test(tags_survive_bytes_and_text),
        cmocka_unit_test(other_things_are_no_tag),
        cmocka_unit_test(outside_tags_speak_to_partners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

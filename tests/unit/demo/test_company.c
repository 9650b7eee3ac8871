/* The demo company: the same each time, and nothing in it that a server would refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "demo/generate.h"
#include "demo/names.h"
#include "protocol/schema.h"

#define TODAY 20514 /* 2026-03-01 */

static struct company made_at(int64_t today)
{
    struct company company = {.failed = false};
    assert_true(generate_company(&company, today));
    return company;
}

static const struct field_def *field_of(const struct item *item, const char *name)
{
    const struct entity_def *entity = schema_entity(bytes_text(item->entity));
    const struct field_def *field = entity != NULL ? schema_field(entity, bytes_text(name)) : NULL;
    if (field == NULL)
        fail_msg("%s has no field %s", item->entity, name);
    return field;
}

static void same_day_gives_the_same_company(void **state)
{
    (void)state;
    struct company a = made_at(TODAY), b = made_at(TODAY);
    assert_int_equal(a.item_count, b.item_count);
    assert_int_equal(a.setting_count, b.setting_count);
    assert_int_equal(a.reference_count, b.reference_count);
    assert_memory_equal(a.references, b.references, a.reference_count * sizeof *a.references);
    for (uint32_t i = 0; i < a.setting_count; i++) {
        assert_string_equal(a.settings[i].field, b.settings[i].field);
        if (a.settings[i].text != NULL)
            assert_string_equal(a.settings[i].text, b.settings[i].text);
    }
    company_release(&a);
    company_release(&b);
}

/* FNV-1a over all that is said, to notice when the sequence of choices changes by accident: with
 * another compiler, or when a table is read in another order. */
static uint64_t fingerprint(const struct company *company)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (uint32_t i = 0; i < company->setting_count; i++) {
        const char *text = company->settings[i].text;
        for (; text != NULL && *text != '\0'; text++)
            hash = (hash ^ (uint8_t)*text) * UINT64_C(1099511628211);
    }
    return hash;
}

static void a_known_day_gives_the_known_company(void **state)
{
    (void)state;
    struct company company = made_at(TODAY);
    assert_true(fingerprint(&company) == UINT64_C(0x4e2dd231437b1c48));
    company_release(&company);
}

static void another_day_moves_only_dates(void **state)
{
    (void)state;
    struct company a = made_at(TODAY), b = made_at(TODAY + 7);
    unsigned moved = 0;
    assert_int_equal(a.item_count, b.item_count);
    for (uint32_t i = 0; i < a.item_count; i++)
        for (uint32_t f = 0; f < a.items[i].setting_count; f++) {
            const struct setting *one = &a.settings[a.items[i].first_setting + f];
            const struct setting *two = &b.settings[b.items[i].first_setting + f];
            if (one->text == NULL || strcmp(one->text, two->text) == 0)
                continue;
            const enum field_kind kind = field_of(&a.items[i], one->field)->kind;
            assert_true(kind == KIND_DATE || kind == KIND_TIME ||
                        strcmp(one->field, "status") == 0);
            moved++;
        }
    assert_true(moved > 1000);
    company_release(&a);
    company_release(&b);
}

static void every_value_is_one_of_its_field(void **state)
{
    (void)state;
    struct company company = made_at(TODAY);
    struct buffer value = {0};
    for (uint32_t i = 0; i < company.item_count; i++) {
        const struct item *item = &company.items[i];
        for (uint32_t f = 0; f < item->setting_count; f++) {
            const struct setting *setting = &company.settings[item->first_setting + f];
            const struct field_def *field = field_of(item, setting->field);
            struct fault fault;
            assert_false(field->flags & FIELD_SYSTEM);
            if (setting->text == NULL)
                continue;
            buffer_clear(&value);
            if (schema_parse(field, bytes_text(setting->text), &value, &fault) != STATUS_OK)
                fail_msg("%s.%s: %s", item->entity, setting->field, setting->text);
            assert_int_not_equal(value.data[0], 0xc0); /* nil, which would clear it */
        }
    }
    buffer_release(&value);
    company_release(&company);
}

static void check_references(const struct company *company, uint32_t index,
                             const struct setting *setting)
{
    const struct field_def *field = field_of(&company->items[index], setting->field);
    assert_true(field->kind == KIND_REFERENCES ||
                (field->kind == KIND_REFERENCE && setting->reference_count == 1));
    for (uint32_t r = 0; r < setting->reference_count; r++) {
        const uint32_t target = company->references[setting->first_reference + r];
        assert_true(target < index);
        if (field->target != NULL)
            assert_string_equal(company->items[target].entity, field->target);
        for (uint32_t other = 0; other < r; other++)
            assert_true(company->references[setting->first_reference + other] != target);
    }
}

static void references_point_back_to_records_of_their_kind(void **state)
{
    (void)state;
    struct company company = made_at(TODAY);
    for (uint32_t i = 0; i < company.item_count; i++) {
        const struct item *item = &company.items[i];
        assert_true(item->author == NOWHERE ||
                    (item->author < i && strcmp(company.items[item->author].entity, "user") == 0));
        for (uint32_t f = 0; f < item->setting_count; f++) {
            const struct setting *setting = &company.settings[item->first_setting + f];
            if (setting->text == NULL)
                check_references(&company, i, setting);
        }
    }
    company_release(&company);
}

static bool is_set(const struct company *company, const struct item *item, const char *field)
{
    for (uint32_t f = 0; f < item->setting_count; f++)
        if (strcmp(company->settings[item->first_setting + f].field, field) == 0)
            return true;
    return false;
}

static void required_fields_are_set_and_none_twice(void **state)
{
    (void)state;
    struct company company = made_at(TODAY);
    for (uint32_t i = 0; i < company.item_count; i++) {
        const struct item *item = &company.items[i];
        const struct entity_def *entity = schema_entity(bytes_text(item->entity));
        for (size_t f = 0; f < entity->field_count; f++)
            if (entity->fields[f].flags & FIELD_REQUIRED)
                assert_true(is_set(&company, item, entity->fields[f].name));
        for (uint32_t f = 0; f < item->setting_count; f++)
            for (uint32_t other = 0; other < f; other++)
                assert_string_not_equal(company.settings[item->first_setting + f].field,
                                        company.settings[item->first_setting + other].field);
    }
    company_release(&company);
}

static void accounts_differ_in_name_and_parties_see_every_level(void **state)
{
    (void)state;
    struct company company = made_at(TODAY);
    unsigned accounts = 0, levels[3] = {0}, ending = 0;
    for (uint32_t i = 0; i < company.item_count; i++) {
        if (strcmp(company.items[i].entity, "assignment") == 0) {
            const char *level = company_text(&company, i, "level");
            levels[level[0] == 'v' ? 0 : level[0] == 'c' ? 1 : 2]++;
            ending += is_set(&company, &company.items[i], "until");
        }
        if (strcmp(company.items[i].entity, "account") != 0)
            continue;
        accounts++;
        for (uint32_t other = 0; other < i; other++)
            if (strcmp(company.items[other].entity, "account") == 0)
                assert_string_not_equal(company_text(&company, i, "name"),
                                        company_text(&company, other, "name"));
    }
    assert_int_equal(accounts, 120);
    assert_true(levels[0] > 0 && levels[1] > 0 && levels[2] > 0 && ending > 0);
    company_release(&company);
}

static void names_fold_to_web_addresses(void **state)
{
    static const char *const cases[][2] = {
        {"Blåfjell Handel AS", "blaafjell-handel-as"},
        {"Hõbekuu Kontor OÜ", "hobekuu-kontor-ou"},
        {"Šimkutė & Søn A/S", "simkute-son-a-s"},
        {"  Øy  ", "oy"},
    };
    (void)state;
    char out[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        names_fold(cases[i][0], out, sizeof out);
        assert_string_equal(out, cases[i][1]);
    }
    names_fold("Åse", out, 3);
    assert_string_equal(out, "aa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_day_gives_the_same_company),
        cmocka_unit_test(a_known_day_gives_the_known_company),
        cmocka_unit_test(another_day_moves_only_dates),
        cmocka_unit_test(every_value_is_one_of_its_field),
        cmocka_unit_test(references_point_back_to_records_of_their_kind),
        cmocka_unit_test(required_fields_are_set_and_none_twice),
        cmocka_unit_test(accounts_differ_in_name_and_parties_see_every_level),
        cmocka_unit_test(names_fold_to_web_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

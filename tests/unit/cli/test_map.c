#include "prelude.h"

#include <string.h>

#include "cli/cli_index.h"
#include "cli/cli_map.h"
#include "cli/cli_text.h"

static void specifications_are_read(void **state)
{
    (void)state;
    struct map map = {.count = 0};
    char problem[256];
    assert_true(map_add(&map, "name=Company Name, phone = Phone,billingAddress.city=City", problem));
    assert_int_equal(map.count, 3);
    assert_string_equal(map.entries[0].column, "Company Name");
    assert_string_equal(map.entries[1].field, "phone");
    assert_string_equal(map.entries[1].column, "Phone");
    assert_string_equal(map.entries[2].field, "billingAddress");
    assert_string_equal(map.entries[2].part, "city");
    assert_true(map_add(&map, "title=Last\\, first", problem));
    assert_string_equal(map.entries[3].column, "Last, first");
    assert_true(map_add_constant(&map, "type=Customer, really", problem));
    assert_string_equal(map.entries[4].column, "Customer, really");
    assert_true(map_add_lookup(&map, "account", "externalId=CustomerID", problem));
    assert_string_equal(map.entries[5].field, "account");
    assert_string_equal(map.entries[5].by, "externalId");
    assert_true(map_add_lookup(&map, NULL, "supplier.name=Vendor", problem));
    assert_string_equal(map.entries[6].field, "supplier");
    assert_string_equal(map.entries[6].by, "name");
    assert_string_equal(map.entries[6].column, "Vendor");
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"name",           "=Column",      "name=",
                                        "a=b,c",          "x.colour=Red", "name=A,name=B",
                                        "b.city=A,b.city=B"};
    static const char *const lookups[] = {"supplier", "supplier.name", "supplier.=X", "name=X",
                                          ".name=", "supplier.name="};
    char problem[256];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct map map = {.count = 0};
        problem[0] = '\0';
        assert_false(map_add(&map, wrong[i], problem));
        assert_true(problem[0] != '\0');
    }
    for (size_t i = 0; i < sizeof lookups / sizeof lookups[0]; i++) {
        struct map map = {.count = 0};
        assert_false(map_add_lookup(&map, NULL, lookups[i], problem));
    }
    struct map map = {.count = 0};
    assert_false(map_add_constant(&map, "no equals sign", problem));
    for (size_t i = 0; i < MAP_MOST; i++) {
        char one[32];
        (void)snprintf(one, sizeof one, "f%zu=C", i);
        assert_true(map_add(&map, one, problem));
    }
    assert_false(map_add(&map, "more=C", problem));
}

static const char *const header[] = {"CompanyName", "City", "First", "Last", "Twice", "twice"};

static void columns_are_found(void **state)
{
    (void)state;
    struct map map = {.count = 0};
    char problem[512];
    assert_true(map_add(&map, "name=companyname,c=City", problem));
    assert_true(map_resolve(&map, header, 6, problem));
    assert_int_equal(map.entries[0].index, 0);
    assert_int_equal(map.entries[1].index, 1);
    assert_true(map_add(&map, "x=Nowhere", problem));
    assert_false(map_resolve(&map, header, 6, problem));
    assert_non_null(strstr(problem, "Nowhere"));
    assert_non_null(strstr(problem, "CompanyName, City"));
    struct map twice = {.count = 0};
    assert_true(map_add(&twice, "x=Twice", problem));
    assert_false(map_resolve(&twice, header, 6, problem));
    assert_non_null(strstr(problem, "two columns"));
    static const char *const semicolons[] = {"CompanyName;City"};
    assert_false(map_resolve(&map, semicolons, 1, problem));
    assert_non_null(strstr(problem, "--delimiter"));
}

static void expect_text(const struct map_entry *entry, const char *const *cells, const char *text)
{
    struct buffer out = {0};
    map_text(entry, header, cells, 6, &out);
    assert_string_equal(text_of(&out), text);
    buffer_release(&out);
}

static void templates_are_filled(void **state)
{
    (void)state;
    static const char *const cells[] = {"Fjord", "Bergen", "Kari", "Moe", "", ""};
    static const char *const empty[] = {"Fjord", "Bergen", "", "", "", ""};
    struct map map = {.count = 0};
    char problem[512];
    assert_true(map_add(&map, "name={First} {Last}!,city=City,odd=City{", problem));
    assert_false(map_resolve(&map, header, 6, problem));
    map.count = 2;
    assert_true(map_resolve(&map, header, 6, problem));
    expect_text(&map.entries[0], cells, "Kari Moe!");
    expect_text(&map.entries[0], empty, "");
    expect_text(&map.entries[1], cells, "Bergen");
    static const bool used[] = {false, true, true, true, false, false};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(map_uses(&map, header, 6, i), used[i]);
    }
    struct map missing = {.count = 0};
    assert_true(map_add(&missing, "name={First} {Middle}", problem));
    assert_false(map_resolve(&missing, header, 6, problem));
    assert_non_null(strstr(problem, "Middle"));
}

static void an_index_finds_what_was_put_in(void **state)
{
    (void)state;
    struct index index;
    char key[32];
    bool fresh = false;
    index_init(&index);
    assert_null(index_find(&index, "x"));
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof key, "Key-%d", i);
        struct index_entry *entry = index_add(&index, key, &fresh);
        assert_non_null(entry);
        assert_true(fresh);
        entry->line = (unsigned long)i;
    }
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof key, "kEY-%d", i);
        assert_int_equal(index_find(&index, key)->line, i);
        assert_int_equal(index_add(&index, key, &fresh)->line, i);
        assert_false(fresh);
    }
    assert_null(index_find(&index, "Key-5000"));
    assert_int_equal(index.count, 5000);
    index_release(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specifications_are_read), cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(columns_are_found),       cmocka_unit_test(templates_are_filled),
        cmocka_unit_test(an_index_finds_what_was_put_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Users as the gate sees them. */
#include <string.h>

#include "tests/unit/core/world.h"

#define KARI nid(900)
#define PAPIR nid(50)
#define EVA nid(910)

static bool has_tag(const struct principal *who, enum tag_kind kind, struct id id)
{
    for (unsigned i = 0; i < who->tag_count; i++)
        if (tag_equal(who->tags[i], (struct tag){(uint8_t)kind, id}))
            return true;
    return false;
}

static const struct id none = {{0}};

static void staff_have_the_tags_of_their_departments(void **state)
{
    struct world *w = *state;
    struct principal who;
    struct id sales = department(w, "sales"), support = department(w, "support");
    assert_ok(create(w, w->ada, "user", KARI,
                     fmt("name=Kari|role=Manager|departments=%s,%s", tx(sales), tx(support))));
    assert_int_equal(principal_load(&w->state, KARI, &who), STATUS_OK);
    assert_string_equal(who.name, "Kari");
    assert_int_equal(who.role, ROLE_MANAGER);
    assert_false(who.partner);
    assert_int_equal(who.tag_count, 3);
    assert_true(has_tag(&who, TAG_INTERNAL, none));
    assert_true(has_tag(&who, TAG_DEPARTMENT, sales));
    assert_true(has_tag(&who, TAG_DEPARTMENT, support));
    assert_string_equal(who.department_names[1], "support");
    assert_int_equal(who.subject_count, 2);
    assert_true(id_equal(who.subjects[0], SUBJECT_DEPARTMENTS));
    assert_true(id_equal(who.subjects[1], KARI));
    assert_int_equal(who.since, head(w));
}

static void partners_have_the_tags_of_their_kind(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *kind;
        bool suppliers, distributors;
    } kinds[] = {{"supplier", true, false},
                 {"distributor", false, true},
                 {"reseller", false, true},
                 {"agency", false, false},
                 {"other", false, false}};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct principal who;
        add_partner(w, nid(50 + i), fmt("P%u", i), kinds[i].kind);
        add_partner_user(w, nid(70 + i), fmt("u%u", i), nid(50 + i));
        assert_int_equal(principal_load(&w->state, nid(70 + i), &who), STATUS_OK);
        assert_true(who.partner && id_equal(who.party, nid(50 + i)));
        assert_int_equal(who.role, ROLE_PARTNER);
        assert_true(has_tag(&who, TAG_PARTNERS, none));
        assert_true(has_tag(&who, TAG_PARTNER, nid(50 + i)));
        assert_false(has_tag(&who, TAG_INTERNAL, none));
        assert_int_equal(has_tag(&who, TAG_SUPPLIERS, none), kinds[i].suppliers);
        assert_int_equal(has_tag(&who, TAG_DISTRIBUTORS, none), kinds[i].distributors);
        assert_int_equal(who.subject_count, 1);
        assert_true(id_equal(who.subjects[0], nid(50 + i)));
    }
}

static void who_may_not_sign_in_is_not_found(void **state)
{
    struct world *w = *state;
    struct principal who;
    add_staff(w, KARI, "kari", "Member", "sales");
    assert_int_equal(principal_load(&w->state, nid(77), &who), STATUS_NOT_FOUND);
    assert_int_equal(principal_load(&w->state, department(w, "sales"), &who), STATUS_NOT_FOUND);
    assert_ok(update(w, w->ada, "user", KARI, "disabled=true"));
    assert_int_equal(principal_load(&w->state, KARI, &who), STATUS_NOT_FOUND);
    assert_ok(update(w, w->ada, "user", KARI, "disabled=false"));
    assert_int_equal(principal_load(&w->state, KARI, &who), STATUS_OK);
    assert_int_equal(who.since, head(w));
    assert_ok(erase(w, w->ada, KARI));
    assert_int_equal(principal_load(&w->state, KARI, &who), STATUS_NOT_FOUND);
}

static void users_are_found_by_name_in_any_case(void **state)
{
    struct world *w = *state;
    struct id id;
    char almost[64], name[64];
    memset(name, 'n', 63);
    name[63] = '\0';
    memcpy(almost, name, 64);
    almost[62] = 'm';
    assert_ok(create(w, w->ada, "user", KARI, fmt("name=%s|role=Member", name)));
    name[0] = 'N';
    assert_int_equal(principal_find_user(&w->state, bytes_text(name), &id), STATUS_OK);
    assert_true(id_equal(id, KARI));
    assert_int_equal(principal_find_user(&w->state, bytes_text(almost), &id), STATUS_NOT_FOUND);
    assert_int_equal(principal_find_user(&w->state, bytes_text(""), &id), STATUS_NOT_FOUND);
    assert_ok(erase(w, w->ada, KARI));
    assert_int_equal(principal_find_user(&w->state, bytes_text(name), &id), STATUS_NOT_FOUND);
}

static void the_server_is_the_system(void **state)
{
    (void)state;
    struct principal who;
    principal_system(&who);
    assert_true(who.system);
    assert_string_equal(who.name, "system");
    assert_string_equal(role_name(ROLE_VIEWER), "Viewer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(staff_have_the_tags_of_their_departments),
        WORLD_TEST(partners_have_the_tags_of_their_kind),
        WORLD_TEST(who_may_not_sign_in_is_not_found),
        WORLD_TEST(users_are_found_by_name_in_any_case),
        cmocka_unit_test(the_server_is_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

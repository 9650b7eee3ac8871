/* Users as the gate sees them. */
#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/record/record.h"
#include "tests/survival/faults/failing_memory.h"
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

/* A record as no client can write it: straight into the state. */
static void put_straight(struct world *w, struct id id, const char *entity, const char *role,
                         struct bytes more_name, struct bytes more)
{
    struct record *record = memory_new(sizeof *record);
    struct buffer name = {0}, role_value = {0};
    assert_non_null(record);
    wire_put_text(&name, "odd");
    wire_put_text(&role_value, role);
    record->id = id;
    record->entity = bytes_text(entity);
    record->scope = (struct scope){.kind = SCOPE_LIBRARY};
    record->seq = record->shared_seq = head(w) + 1;
    record->created = record->stamps[0] = (struct stamp){record->seq, w->now, bytes_text("ada")};
    record->stamp_count = 1;
    record->fields[record->field_count++] =
        (struct record_field){.name = bytes_text("name"), .value = buffer_bytes(&name)};
    record->fields[record->field_count++] =
        (struct record_field){.name = bytes_text("role"), .value = buffer_bytes(&role_value)};
    if (more.size > 0)
        record->fields[record->field_count++] = (struct record_field){.name = more_name, .value = more};
    record->placements[record->placement_count++] =
        (struct placement){record->scope, {.kind = TAG_INTERNAL}, record->seq, 0};
    assert_int_equal(w->state.ops->put_record(w->state.self, NULL, record), STATUS_OK);
    buffer_release(&name);
    buffer_release(&role_value);
    memory_free(record);
}

static void a_role_that_is_none_signs_nobody_in(void **state)
{
    struct world *w = *state;
    struct principal who;
    put_straight(w, nid(800), "user", "Emperor", bytes_text(""), bytes_of(NULL, 0));
    assert_int_equal(principal_load(&w->state, nid(800), &who), STATUS_NOT_FOUND);
    put_straight(w, nid(801), "user", "Member", bytes_text(""), bytes_of(NULL, 0));
    assert_int_equal(principal_load(&w->state, nid(801), &who), STATUS_OK);
}

/* The party decides who is an outsider, whatever the role says. */
static void who_belongs_to_a_partner_is_an_outsider(void **state)
{
    struct world *w = *state;
    struct principal who;
    struct buffer party = {0};
    add_partner(w, PAPIR, "papir", "supplier");
    wire_put_id(&party, PAPIR);
    put_straight(w, nid(800), "user", "Administrator", bytes_text("partner"), buffer_bytes(&party));
    assert_int_equal(principal_load(&w->state, nid(800), &who), STATUS_OK);
    assert_true(who.partner);
    assert_false(has_tag(&who, TAG_INTERNAL, none));
    assert_true(has_tag(&who, TAG_PARTNER, PAPIR));
    buffer_release(&party);
}

static void a_partner_without_its_record_is_none(void **state)
{
    struct world *w = *state;
    struct principal who;
    struct buffer party = {0};
    wire_put_id(&party, nid(803)); /* an account, not a party */
    assert_ok(create(w, w->ada, "account", nid(803), "name=Fjord"));
    put_straight(w, nid(800), "user", "Partner", bytes_text("partner"), buffer_bytes(&party));
    assert_int_equal(principal_load(&w->state, nid(800), &who), STATUS_NOT_FOUND);
    buffer_clear(&party);
    wire_put_id(&party, nid(804)); /* nothing at all */
    put_straight(w, nid(801), "user", "Partner", bytes_text("partner"), buffer_bytes(&party));
    assert_int_equal(principal_load(&w->state, nid(801), &who), STATUS_NOT_FOUND);
    buffer_release(&party);
}

static void a_deleted_partner_is_none(void **state)
{
    struct world *w = *state;
    struct principal who;
    struct bytes encoded;
    struct buffer copy = {0};
    struct record *old = memory_new(sizeof *old), *record = memory_new(sizeof *record);
    add_partner(w, PAPIR, "papir", "supplier");
    add_partner_user(w, EVA, "eva", PAPIR);
    assert_int_equal(w->state.ops->record(w->state.self, PAPIR, &encoded), STATUS_OK);
    buffer_append(&copy, encoded.data, encoded.size);
    assert_int_equal(record_decode(buffer_bytes(&copy), old), STATUS_OK);
    *record = *old;
    record->deleted = true;
    for (unsigned i = 0; i < record->placement_count; i++)
        record->placements[i].removed = record->seq;
    assert_int_equal(principal_load(&w->state, EVA, &who), STATUS_OK);
    assert_int_equal(w->state.ops->put_record(w->state.self, old, record), STATUS_OK);
    assert_int_equal(principal_load(&w->state, EVA, &who), STATUS_NOT_FOUND);
    buffer_release(&copy);
    memory_free(record);
    memory_free(old);
}

static void memory_that_is_short_is_told(void **state)
{
    struct world *w = *state;
    struct principal who;
    struct id id;
    add_staff(w, KARI, "kari", "Member", "sales");
    bool met = true;
    unsigned told = 0;
    for (uint64_t n = 1; met; n++) {
        failing_memory_arm(n, false);
        const enum status status = principal_find_user(&w->state, bytes_text("kari"), &id);
        met = failing_memory_disarm() > 0;
        /* What only a further step would have needed is no loss. */
        assert_true(status == STATUS_NO_MEMORY || (status == STATUS_OK && id_equal(id, KARI)));
        assert_true(met || status == STATUS_OK);
        told += status == STATUS_NO_MEMORY;
        assert_true(n < 20);
    }
    assert_true(told >= 3);
    failing_memory_arm(1, false);
    assert_int_equal(principal_load(&w->state, KARI, &who), STATUS_NO_MEMORY);
    failing_memory_disarm();
}

static void departments_that_are_not_there_give_nothing(void **state)
{
    struct world *w = *state;
    struct principal who;
    struct buffer list = {0};
    assert_ok(create(w, w->ada, "account", nid(803), "name=Fjord"));
    wire_put_array(&list, 4);
    wire_put_id(&list, nid(803)); /* an account */
    wire_put_id(&list, nid(804)); /* nothing */
    wire_put_id(&list, department(w, "sales"));
    wire_put_text(&list, "support"); /* no id: the list ends here */
    put_straight(w, nid(800), "user", "Member", bytes_text("departments"), buffer_bytes(&list));
    assert_int_equal(principal_load(&w->state, nid(800), &who), STATUS_OK);
    assert_int_equal(who.tag_count, 2);
    assert_true(has_tag(&who, TAG_DEPARTMENT, department(w, "sales")));
    buffer_clear(&list);
    wire_put_array(&list, PRINCIPAL_MAX_DEPARTMENTS + 1);
    for (unsigned i = 0; i <= PRINCIPAL_MAX_DEPARTMENTS; i++)
        wire_put_id(&list, nid(810 + i));
    put_straight(w, nid(801), "user", "Member", bytes_text("departments"), buffer_bytes(&list));
    assert_int_equal(principal_load(&w->state, nid(801), &who), STATUS_OK);
    assert_int_equal(who.department_count, PRINCIPAL_MAX_DEPARTMENTS);
    buffer_release(&list);
}

static void a_state_that_cannot_be_read_is_told(void **state)
{
    struct world *w = *state;
    struct principal who;
    struct id id;
    unsigned failures[3] = {0};
    add_staff(w, KARI, "kari", "Member", "sales");
    add_partner(w, PAPIR, "papir", "supplier");
    add_partner_user(w, EVA, "eva", PAPIR);
    for (unsigned n = 1; n <= 9; n++) {
        enum status status[3];
        memory_state_fail(w->memory, n, STATUS_IO);
        status[0] = principal_load(&w->state, KARI, &who);
        memory_state_fail(w->memory, n, STATUS_IO);
        status[1] = principal_load(&w->state, EVA, &who);
        memory_state_fail(w->memory, n, STATUS_IO);
        status[2] = principal_find_user(&w->state, bytes_text("kari"), &id);
        for (unsigned i = 0; i < 3; i++) {
            assert_true(status[i] == STATUS_IO || status[i] == STATUS_OK);
            failures[i] += status[i] == STATUS_IO;
        }
    }
    memory_state_fail(w->memory, 0, STATUS_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(failures[i], 2);
}

/* A state whose index and records are not what they should be. */
struct odd_state {
    struct state real;
    struct state_ops ops;
    struct id listed[4];
    unsigned count;
    bool damaged;
};

static enum status odd_record(void *self, struct id id, struct bytes *encoded)
{
    struct odd_state *odd = self;
    *encoded = bytes_text("damaged");
    return odd->damaged ? STATUS_OK : odd->real.ops->record(odd->real.self, id, encoded);
}

static enum status odd_index_next(void *self, struct bytes entity, struct bytes field,
                                  struct bytes exact, bool descending, struct buffer *place,
                                  struct id *id)
{
    struct odd_state *odd = self;
    (void)entity, (void)field, (void)exact, (void)descending;
    if (place->size == odd->count)
        return STATUS_NOT_FOUND;
    *id = odd->listed[place->size];
    buffer_append_byte(place, 0);
    return STATUS_OK;
}

static struct state odd_view(struct odd_state *odd, struct world *w)
{
    *odd = (struct odd_state){.real = w->state, .ops = *w->state.ops};
    odd->ops.record = odd_record;
    odd->ops.index_next = odd_index_next;
    return (struct state){odd, &odd->ops};
}

static void a_user_is_found_by_the_whole_name_whatever_the_index_says(void **state)
{
    struct world *w = *state;
    struct odd_state odd;
    struct principal who;
    struct id id;
    add_staff(w, KARI, "Kari.2_Z", "Member", "sales");
    add_staff(w, nid(901), "kari.2_zz", "Member", "sales");
    add_staff(w, nid(902), "kari.2_y", "Member", "sales");
    add_staff(w, nid(903), "gone", "Member", "sales");
    assert_ok(erase(w, w->ada, nid(903)));
    const struct state view = odd_view(&odd, w);
    odd.listed[0] = nid(903);
    odd.listed[1] = nid(901);
    odd.listed[2] = nid(902);
    odd.listed[3] = KARI;
    odd.count = 4;
    assert_int_equal(principal_find_user(&view, bytes_text("kARI.2_z"), &id), STATUS_OK);
    assert_true(id_equal(id, KARI));
    assert_int_equal(principal_find_user(&view, bytes_text("gone"), &id), STATUS_NOT_FOUND);
    odd.damaged = true;
    assert_int_equal(principal_find_user(&view, bytes_text("kari.2_z"), &id), STATUS_CORRUPT);
    assert_int_equal(principal_load(&view, KARI, &who), STATUS_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(staff_have_the_tags_of_their_departments),
        WORLD_TEST(partners_have_the_tags_of_their_kind),
        WORLD_TEST(who_may_not_sign_in_is_not_found),
        WORLD_TEST(users_are_found_by_name_in_any_case),
        WORLD_TEST(a_role_that_is_none_signs_nobody_in),
        WORLD_TEST(who_belongs_to_a_partner_is_an_outsider),
        WORLD_TEST(a_partner_without_its_record_is_none),
        WORLD_TEST(a_deleted_partner_is_none),
        WORLD_TEST(memory_that_is_short_is_told),
        WORLD_TEST(departments_that_are_not_there_give_nothing),
        WORLD_TEST(a_state_that_cannot_be_read_is_told),
        WORLD_TEST(a_user_is_found_by_the_whole_name_whatever_the_index_says),
        cmocka_unit_test(the_server_is_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The company and its people: who comes, moves, is locked out and goes; and fields of its own. */
#include <stdio.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/oracle/act.h"

static const char *const staff_roles[] = {"Manager", "Member", "Member", "Viewer", "Administrator"};

static struct id some_party(struct oracle *oracle, bool department)
{
    const struct model_record *party = oracle_pick(oracle, "party");
    for (unsigned i = 0; i < 20; i++) {
        if (bytes_is(model_text(party->newest, "kind"), "department") == department) {
            break;
        }
        party = oracle_pick(oracle, "party");
    }
    return party->id;
}

static void put_place(struct oracle *oracle, bool partner, struct act_fields *fields)
{
    struct id departments[2] = {some_party(oracle, true), some_party(oracle, true)};
    uint32_t count = (uint32_t)oracle_random(oracle, 3);
    if (partner) {
        act_field_id(fields, "partner", some_party(oracle, false));
        return;
    }
    if (count == 2 && id_equal(departments[0], departments[1])) {
        count = 1;
    }
    act_field_ids(fields, "departments", departments, count);
}

static void add_user(struct oracle *oracle, bool partner)
{
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    struct id id = world_id(oracle->world);
    char name[32];
    if (oracle->user_count == ORACLE_MAX_USERS) {
        return;
    }
    snprintf(name, sizeof name, "%s%u", partner ? "guest" : "staff", ++oracle->names);
    act_field_text(&fields, "name", name);
    act_field_text(&fields, "role", partner ? "Partner" : staff_roles[oracle_random(oracle, 5)]);
    put_place(oracle, partner, &fields);
    oracle_doing(oracle, "admin adds the user %s", name);
    act_put_create(&changes, id, "user", &fields, NULL, NULL, 0);
    if (act_apply(oracle, world_admin(oracle->world), &changes) == STATUS_OK) {
        oracle->users[oracle->user_count++] = id;
    }
}

static void add_party(struct oracle *oracle, const char *kind)
{
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    char name[32];
    snprintf(name, sizeof name, "%s %u", kind, ++oracle->names);
    act_field_text(&fields, "name", name);
    act_field_text(&fields, "kind", kind);
    oracle_doing(oracle, "admin adds the party %s", name);
    act_put_create(&changes, world_id(oracle->world), "party", &fields, NULL, NULL, 0);
    act_apply(oracle, world_admin(oracle->world), &changes);
}

/* Moves within the company or from partner to partner, or across. */
static void move_user(struct oracle *oracle, struct id user, struct act_fields *fields)
{
    const struct model_record *record = model_find(oracle->model, user);
    bool partner = bytes_is(model_text(record->newest, "role"), "Partner");
    if (oracle_chance(oracle, 15)) {
        partner = !partner;
        act_field_text(fields, "role", partner ? "Partner" : "Member");
        act_field_nil(fields, partner ? "departments" : "partner");
    } else if (!partner && oracle_chance(oracle, 25)) {
        act_field_text(fields, "role", staff_roles[oracle_random(oracle, 4)]);
    }
    put_place(oracle, partner, fields);
}

void act_user(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    struct id user = oracle_user(oracle, false);
    struct id actor =
        oracle_chance(oracle, 85) ? world_admin(oracle->world) : oracle_user(oracle, false);
    uint64_t choice = oracle_random(oracle, 10);
    if (choice == 0) {
        add_user(oracle, oracle_chance(oracle, 50));
        return;
    }
    if (choice == 1 && !id_equal(user, world_admin(oracle->world))) {
        oracle_doing(oracle, "%s removes %s", oracle_user_name(oracle, actor),
                     oracle_user_name(oracle, user));
        act_put_remove(&changes, user);
    } else if (choice < 5) {
        const struct model_record *record = model_find(oracle->model, user);
        bool disabled =
            !model_truth(record->newest, "disabled") && !id_equal(user, world_admin(oracle->world));
        oracle_doing(oracle, "%s %s %s", oracle_user_name(oracle, actor),
                     disabled ? "locks out" : "lets in", oracle_user_name(oracle, user));
        act_field_truth(&fields, "disabled", disabled);
        act_put_update(&changes, user, &fields);
    } else {
        oracle_doing(oracle, "%s moves %s", oracle_user_name(oracle, actor),
                     oracle_user_name(oracle, user));
        move_user(oracle, user, &fields);
        act_put_update(&changes, user, &fields);
    }
    act_apply(oracle, actor, &changes);
}

void act_party(struct oracle *oracle)
{
    static const char *const kinds[] = {"department", "supplier", "distributor", "reseller"};
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    struct id party = oracle_pick(oracle, "party")->id;
    struct id actor = oracle_user(oracle, true);
    char name[32];
    switch (oracle_random(oracle, 3)) {
    case 0:
        add_party(oracle, kinds[oracle_random(oracle, 4)]);
        return;
    case 1:
        oracle_doing(oracle, "%s renames %s", oracle_user_name(oracle, actor),
                     oracle_name(oracle, party));
        snprintf(name, sizeof name, "renamed %u", ++oracle->names);
        act_field_text(&fields, "name", name);
        act_put_update(&changes, party, &fields);
        break;
    default:
        oracle_doing(oracle, "%s removes %s", oracle_user_name(oracle, actor),
                     oracle_name(oracle, party));
        act_put_remove(&changes, party);
    }
    act_apply(oracle, actor, &changes);
}

/* A text field of the company's own, restricted ones to the department of this moment's name. */
static void add_field(struct oracle *oracle, struct id actor, const char *entity)
{
    static const char *const classes[] = {"shared", "internal", "restricted", "restricted", NULL};
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    const char *class = classes[oracle_random(oracle, 5)];
    char name[32], key[100];
    snprintf(name, sizeof name, "own%u", ++oracle->names);
    snprintf(key, sizeof key, "%s.%s", entity, name);
    act_field_text(&fields, "key", key);
    act_field_text(&fields, "entity", entity);
    act_field_text(&fields, "name", name);
    act_field_text(&fields, "kind", "text");
    if (class != NULL) {
        act_field_text(&fields, "class", class);
    }
    if (class != NULL && strcmp(class, "restricted") == 0) {
        const struct model_record *party = model_find(oracle->model, some_party(oracle, true));
        struct buffer list = {0};
        wire_put_array(&list, 1);
        wire_put_str(&list, model_text(party->newest, "name"));
        act_field_value(&fields, "departments", buffer_bytes(&list));
        buffer_release(&list);
    }
    oracle_doing(oracle, "%s adds the %s field %s", oracle_user_name(oracle, actor),
                 class != NULL ? class : "plain", key);
    act_put_create(&changes, world_id(oracle->world), "customField", &fields, NULL, NULL, 0);
    act_apply(oracle, actor, &changes);
}

void act_schema(struct oracle *oracle)
{
    static const char *const entities[] = {"account", "contact", "note", "product"};
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    struct id actor = oracle_user(oracle, true);
    char name[32];
    if (oracle_chance(oracle, 75)) {
        add_field(oracle, actor, entities[oracle_random(oracle, 4)]);
        return;
    }
    snprintf(name, sizeof name, "thing%u", ++oracle->names);
    act_field_text(&fields, "name", name);
    act_field_text(&fields, "home", oracle_chance(oracle, 70) ? "account" : "library");
    act_field_text(&fields, "audience", oracle_chance(oracle, 50) ? "partners" : "internal");
    oracle_doing(oracle, "%s adds the entity %s", oracle_user_name(oracle, actor), name);
    act_put_create(&changes, world_id(oracle->world), "customEntity", &fields, NULL, NULL, 0);
    act_apply(oracle, actor, &changes);
}

void act_set_up(struct oracle *oracle)
{
    static const char *const partners[] = {"supplier", "distributor", "reseller"};
    oracle->users[oracle->user_count++] = world_admin(oracle->world);
    for (unsigned i = 0; i < 3; i++) {
        add_party(oracle, partners[i]);
    }
    for (unsigned i = 0; i < 5; i++) {
        add_user(oracle, false);
        add_user(oracle, i < 4);
    }
    for (unsigned i = 0; i < 3; i++) {
        struct act_changes changes = {.count = 0};
        struct act_fields fields = {.count = 0};
        act_field_text(&fields, "name", i == 0 ? "Fjord Bruk" : i == 1 ? "Vestland" : "Oslo Trykk");
        act_put_create(&changes, world_id(oracle->world), "account", &fields, NULL, NULL, 0);
        act_must(oracle, world_admin(oracle->world), &changes);
        act_assign(oracle);
    }
    for (unsigned i = 0; i < 8; i++) {
        act_create(oracle);
    }
    for (unsigned i = 0; i < 5; i++) {
        act_device_new(oracle);
    }
}

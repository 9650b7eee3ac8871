/* Users, parties, and the custom fields and entities of the company. */
#include <string.h>

#include "protocol/wire.h"
#include "server/core/record/record.h"
#include "tests/unit/core/world.h"

#define KARI nid(900)
#define PAPIR nid(50)
#define NORD nid(51)
#define EVA nid(910)

static void a_user_is_of_departments_or_of_one_partner(void **state)
{
    struct world *w = *state;
    const char *sales = tx(department(w, "sales"));
    add_partner(w, PAPIR, "Papir", "supplier");
    assert_reply(create(w, w->ada, "user", EVA, "name=eva|role=Partner"), STATUS_INVALID_VALUE);
    assert_reply(create(w, w->ada, "user", EVA, fmt("name=eva|role=Partner|partner=%s", sales)),
                 STATUS_INVALID_VALUE);
    assert_reply(create(w, w->ada, "user", EVA,
                        fmt("name=eva|role=Partner|partner=%s|departments=%s", tx(PAPIR), sales)),
                 STATUS_INVALID_VALUE);
    assert_reply(create(w, w->ada, "user", EVA, fmt("name=eva|role=Member|partner=%s", tx(PAPIR))),
                 STATUS_INVALID_VALUE);
    assert_reply(create(w, w->ada, "user", EVA,
                        fmt("name=eva|role=Member|departments=%s", tx(PAPIR))),
                 STATUS_INVALID_VALUE);
    assert_reply(create(w, w->ada, "user", EVA, fmt("name=eva|partner=%s", tx(PAPIR))),
                 STATUS_MISSING_FIELD);
    assert_ok(create(w, w->ada, "user", EVA, fmt("name=eva|role=Partner|partner=%s", tx(PAPIR))));
    assert_string_equal(audience_of(w, EVA), fmt("internal partner:%s", tx(PAPIR)));
    assert_string_equal(audience_of(w, PAPIR), fmt("internal partner:%s", tx(PAPIR)));
    assert_true(sees(w, EVA, EVA));
    assert_true(sees(w, EVA, PAPIR));
    assert_false(sees(w, EVA, w->ada));
}

static void a_user_changes_sides(void **state)
{
    struct world *w = *state;
    struct principal eva;
    add_partner(w, PAPIR, "Papir", "supplier");
    add_partner(w, NORD, "Nord", "reseller");
    add_partner_user(w, EVA, "eva", PAPIR);
    effects_clear(&w->effects);
    struct reply moved = update(w, w->ada, "user", EVA, fmt("partner=%s", tx(NORD)));
    assert_ok(moved);
    assert_int_equal(w->effects.user_count, 1);
    assert_string_equal(audience_of(w, EVA), fmt("internal partner:%s", tx(NORD)));
    assert_int_equal(principal_load(&w->state, EVA, &eva), STATUS_OK);
    assert_int_equal(eva.since, moved.seq);
    moved = update(w, w->ada, "user", EVA,
                   fmt("partner=|role=Viewer|departments=%s", tx(department(w, "sales"))));
    assert_ok(moved);
    assert_string_equal(audience_of(w, EVA), "internal");
    assert_int_equal(principal_load(&w->state, EVA, &eva), STATUS_OK);
    assert_false(eva.partner);
    effects_clear(&w->effects);
    assert_ok(update(w, w->ada, "user", EVA, "fullName=Eva"));
    assert_int_equal(w->effects.user_count, 0);
}

static void names_are_never_given_again(void **state)
{
    struct world *w = *state;
    add_staff(w, KARI, "kari", "Member", "sales");
    assert_reply(create(w, w->ada, "user", nid(1), "name=Kari|role=Member"), STATUS_EXISTS);
    assert_ok(erase(w, w->ada, KARI));
    struct reply reply = create(w, w->ada, "user", nid(1), "name=KARI|role=Member");
    assert_reply(reply, STATUS_EXISTS);
    assert_string_equal(reply.field, "name");
    assert_reply(create(w, w->ada, "user", nid(1), "name=System|role=Member"), STATUS_EXISTS);
    assert_reply(create(w, w->ada, "user", nid(1), "name=per |role=Member"), STATUS_INVALID_VALUE);
    struct changes changes = {.count = 0};
    add_create(&changes, "user", nid(1), "name=per|role=Member");
    add_create(&changes, "user", nid(2), "name=Per|role=Member");
    assert_reply(send(w, w->ada, &changes), STATUS_EXISTS);
    assert_ok(create(w, w->ada, "user", nid(1), "name=per|role=Member"));
    assert_reply(update(w, w->ada, "user", nid(1), "name=paul"), STATUS_INVALID_VALUE);
}

static void an_administrator_always_remains(void **state)
{
    struct world *w = *state;
    assert_reply(update(w, w->ada, "user", w->ada, "disabled=true"), STATUS_DENIED);
    assert_reply(update(w, w->ada, "user", w->ada, "role=Member"), STATUS_DENIED);
    struct reply reply = erase(w, w->ada, w->ada);
    assert_reply(reply, STATUS_DENIED);
    assert_string_equal(reply.detail, "this is the last administrator");
    add_staff(w, KARI, "kari", "Administrator", "sales");
    assert_ok(update(w, w->ada, "user", KARI, "disabled=true"));
    assert_reply(update(w, w->ada, "user", w->ada, "role=Member"), STATUS_DENIED);
    assert_ok(update(w, w->ada, "user", KARI, "disabled=false"));
    assert_ok(update(w, w->ada, "user", w->ada, "role=Member"));
    assert_reply(erase(w, KARI, KARI), STATUS_DENIED);
}

static uint8_t token_a[32] = {1}, token_b[32] = {2};

static void give_token(struct world *w, struct id user, const uint8_t token[32])
{
    const struct id server = {{0}};
    struct buffer body = {0};
    credential_body(&body, user, CREDENTIAL_TOKEN, bytes_of(token, 32), w->now + DAY);
    assert_int_equal(order(w, COMMAND_CREDENTIAL, server, buffer_bytes(&body)), STATUS_OK);
    buffer_release(&body);
}

static void disabling_ends_tokens_and_removing_ends_all(void **state)
{
    struct world *w = *state;
    struct id user;
    add_staff(w, KARI, "kari", "Member", "sales");
    give_token(w, KARI, token_a);
    give_token(w, w->ada, token_b);
    assert_ok(update(w, w->ada, "user", KARI, "fullName=Kari"));
    assert_int_equal(credential_token_user(&w->state, token_a, w->now, &user), STATUS_OK);
    effects_clear(&w->effects);
    assert_ok(update(w, w->ada, "user", KARI, "disabled=true"));
    assert_int_equal(w->effects.user_count, 1);
    assert_true(id_equal(w->effects.users[0], KARI));
    assert_int_equal(credential_token_user(&w->state, token_a, w->now, &user), STATUS_NOT_FOUND);
    assert_int_equal(credential_token_user(&w->state, token_b, w->now, &user), STATUS_OK);
    assert_true(id_equal(user, w->ada));

    const struct id server = {{0}};
    struct bytes phc;
    struct buffer body = {0};
    credential_body(&body, KARI, CREDENTIAL_PASSWORD, bytes_text("$argon"), 0);
    assert_int_equal(order(w, COMMAND_CREDENTIAL, server, buffer_bytes(&body)), STATUS_OK);
    buffer_clear(&body);
    credential_body(&body, KARI, CREDENTIAL_CERTIFICATE, bytes_of(token_a, 32), 0);
    assert_int_equal(order(w, COMMAND_CREDENTIAL, w->ada, buffer_bytes(&body)), STATUS_OK);
    buffer_release(&body);
    assert_ok(erase(w, w->ada, KARI));
    assert_int_equal(credential_password(&w->state, KARI, &phc), STATUS_NOT_FOUND);
    assert_int_equal(credential_certificate_user(&w->state, token_a, &user), STATUS_NOT_FOUND);
}

static void a_party_goes_only_when_nobody_is_of_it(void **state)
{
    struct world *w = *state;
    add_partner(w, PAPIR, "Papir", "supplier");
    add_partner_user(w, EVA, "eva", PAPIR);
    assert_ok(create(w, w->ada, "account", nid(1), "name=A"));
    assign(w, nid(2), PAPIR, nid(1), "view");
    assert_reply(erase(w, w->ada, PAPIR), STATUS_REFERENCED);
    assert_ok(erase(w, w->ada, EVA));
    struct reply reply = erase(w, w->ada, PAPIR);
    assert_reply(reply, STATUS_REFERENCED);
    assert_string_equal(reply.detail, "this party is still assigned to an account");
    assert_ok(erase(w, w->ada, nid(2)));
    assert_ok(erase(w, w->ada, PAPIR));
    add_staff(w, KARI, "kari", "Member", "sales");
    assert_ok(create_in(w, KARI, "note", nid(3), "text=x",
                        fmt("party:%s", tx(department(w, "sales"))), NULL));
    assert_ok(update(w, w->ada, "user", KARI, "departments="));
    assert_reply(erase(w, w->ada, department(w, "sales")), STATUS_REFERENCED);
    assert_ok(erase(w, w->ada, department(w, "community")));
}

static void names_of_parties_are_unique_without_case(void **state)
{
    struct world *w = *state;
    add_partner(w, PAPIR, "Nordic Paper", "supplier");
    assert_reply(create(w, w->ada, "party", NORD, "name=nordic PAPER|kind=supplier"),
                 STATUS_EXISTS);
    assert_ok(update(w, w->ada, "party", PAPIR, "name=NORDIC Paper"));
    assert_ok(erase(w, w->ada, PAPIR));
    assert_ok(create(w, w->ada, "party", NORD, "name=nordic paper|kind=supplier"));
    assert_reply(update(w, w->ada, "party", NORD, "kind=department"), STATUS_INVALID_VALUE);
    add_partner(w, nid(2), "ÅSE ØST", "supplier");
    assert_reply(create(w, w->ada, "party", nid(1), "name=åse øst|kind=supplier"), STATUS_EXISTS);
    assert_reply(update(w, w->ada, "party", NORD, "name=Åse Øst"), STATUS_EXISTS);
    assert_ok(update(w, w->ada, "party", nid(2), "name=Åse Øst"));
    assert_ok(create(w, w->ada, "party", nid(1), "name=ase ost|kind=supplier"));
}

static enum status find_user(const struct world *w, const char *name)
{
    struct id user;
    return principal_find_user(&w->state, bytes_text(name), &user);
}

/* Who signs in is told by ASCII alone; a new name must differ in more than capitals of any kind. */
static void sign_in_names_fold_ascii(void **state)
{
    struct world *w = *state;
    add_staff(w, KARI, "Åse", "Member", "sales");
    assert_int_equal(find_user(w, "Åse"), STATUS_OK);
    assert_int_equal(find_user(w, "ÅSE"), STATUS_OK);
    assert_int_equal(find_user(w, "åse"), STATUS_NOT_FOUND);
    assert_reply(create(w, w->ada, "user", nid(1), "name=åse|role=Member"), STATUS_EXISTS);
}

static void renaming_a_department_concerns_its_members(void **state)
{
    struct world *w = *state;
    struct principal kari;
    add_staff(w, KARI, "kari", "Member", "sales");
    effects_clear(&w->effects);
    struct reply reply = update(w, w->ada, "party", department(w, "sales"), "name=Sales and more");
    assert_ok(reply);
    assert_int_equal(w->effects.user_count, 1);
    assert_true(id_equal(w->effects.users[0], KARI));
    assert_int_equal(principal_load(&w->state, KARI, &kari), STATUS_OK);
    assert_int_equal(kari.since, reply.seq);
    assert_string_equal(kari.department_names[0], "Sales and more");
}

static void what_is_about_access_is_audited(void **state)
{
    struct world *w = *state;
    size_t before = memory_state_audit_count(w->memory);
    assert_ok(create(w, w->ada, "account", nid(1), "name=A"));
    assert_int_equal(memory_state_audit_count(w->memory), before);
    assert_ok(share(w, w->ada, nid(1), "suppliers", NULL));
    add_partner(w, PAPIR, "Papir", "supplier");
    assign(w, nid(2), PAPIR, nid(1), "view");
    assert_int_equal(memory_state_audit_count(w->memory), before + 3);
    struct bytes value, text;
    assert_true(wire_map_find(memory_state_audit(w->memory, before), "action", &value));
    struct wire_reader reader = wire_read(value);
    assert_true(wire_get_str(&reader, &text) && bytes_is(text, "share"));
}

static void meta_tells_when_people_and_access_changed(void **state)
{
    struct world *w = *state;
    struct meta meta;
    add_partner(w, PAPIR, "Papir", "supplier");
    uint64_t people = head(w);
    assert_ok(create(w, w->ada, "account", nid(1), "name=A"));
    assign(w, nid(2), PAPIR, nid(1), "view");
    uint64_t access = head(w);
    assert_ok(update(w, w->ada, "account", nid(1), "name=B"));
    assert_int_equal(w->state.ops->meta(w->state.self, &meta), STATUS_OK);
    assert_int_equal(meta.people_seq, people);
    assert_int_equal(meta.access_seq, access);
    assert_int_equal(meta.seq, access + 1);
}

static void custom_fields_are_fields(void **state)
{
    struct world *w = *state;
    add_staff(w, KARI, "kari", "Member", "sales");
    add_partner(w, PAPIR, "Papir", "supplier");
    add_partner_user(w, EVA, "eva", PAPIR);
    assert_ok(create(w, w->ada, "account", nid(1), "name=A"));
    assign(w, nid(2), PAPIR, nid(1), "edit");
    assert_reply(update(w, KARI, "account", nid(1), "berths=big"), STATUS_UNKNOWN_FIELD);
    assert_ok(create(w, w->ada, "customField", nid(3),
                     "key=account.berths|entity=account|name=berths|kind=enum|values=big,small|"
                     "class=shared"));
    assert_ok(create(w, w->ada, "customField", nid(4),
                     "key=account.secret|entity=account|name=secret|kind=text"));
    assert_ok(create(w, w->ada, "customField", nid(5),
                     "key=account.margin|entity=account|name=margin|kind=text|class=restricted|"
                     "departments=support"));
    assert_ok(update(w, KARI, "account", nid(1), "berths=big|secret=x"));
    assert_reply(update(w, KARI, "account", nid(1), "berths=huge"), STATUS_INVALID_VALUE);
    assert_reply(update(w, KARI, "account", nid(1), "margin=5"), STATUS_DENIED);
    assert_ok(update(w, EVA, "account", nid(1), "berths=small"));
    /* An internal one of the company's own making is not even there. */
    struct reply hidden = update(w, EVA, "account", nid(1), "secret=y");
    struct reply absent = update(w, EVA, "account", nid(1), "nothing=y");
    assert_reply(hidden, STATUS_UNKNOWN_FIELD);
    assert_reply(absent, STATUS_UNKNOWN_FIELD);
    assert_string_equal(hidden.detail, absent.detail);
    assert_ok(update(w, w->ada, "account", nid(1), "margin=5"));
    const struct record *record = stored(w, nid(1));
    const struct record_field *margin = record_field(record, "margin");
    assert_int_equal(margin->class, CLASS_RESTRICTED);
    struct principal kari, ada;
    principal_load(&w->state, KARI, &kari);
    principal_load(&w->state, w->ada, &ada);
    assert_false(access_sees_field(&kari, record, margin));
    assert_true(access_sees_field(&ada, record, margin));
    /* Without its definition a field cannot be written any more. */
    assert_ok(erase(w, w->ada, nid(3)));
    assert_reply(update(w, KARI, "account", nid(1), "berths=big"), STATUS_UNKNOWN_FIELD);
}

static void custom_fields_are_checked_themselves(void **state)
{
    struct world *w = *state;
    assert_reply(create(w, w->ada, "customField", nid(3),
                        "key=ship.berths|entity=ship|name=berths|kind=text"),
                 STATUS_UNKNOWN_ENTITY);
    assert_reply(create(w, w->ada, "customField", nid(3),
                        "key=account.other|entity=account|name=berths|kind=text"),
                 STATUS_INVALID_VALUE);
    assert_reply(create(w, w->ada, "customField", nid(3),
                        "key=account.industry|entity=account|name=industry|kind=text"),
                 STATUS_INVALID_VALUE);
    assert_ok(create(w, w->ada, "customField", nid(3),
                     "key=account.berths|entity=account|name=berths|kind=text"));
    assert_reply(create(w, w->ada, "customField", nid(4),
                        "key=account.berths|entity=account|name=berths|kind=integer"),
                 STATUS_EXISTS);
    struct changes changes = {.count = 0};
    add_create(&changes, "customField", nid(5),
               "key=lead.mood|entity=lead|name=mood|kind=text|required=true");
    add_create(&changes, "lead", nid(6), "lastName=A|mood=good");
    assert_ok(send(w, w->ada, &changes));
    struct reply reply = create(w, w->ada, "lead", nid(7), "lastName=A");
    assert_reply(reply, STATUS_MISSING_FIELD);
    assert_string_equal(reply.field, "mood");
    assert_reply(update(w, w->ada, "lead", nid(6), "mood="), STATUS_MISSING_FIELD);
}

static void custom_entities_are_entities(void **state)
{
    struct world *w = *state;
    assert_reply(create(w, w->ada, "ship", nid(1), "name=Fram"), STATUS_UNKNOWN_ENTITY);
    assert_reply(create(w, w->ada, "customEntity", nid(2), "name=account|home=library"),
                 STATUS_INVALID_VALUE);
    assert_ok(create(w, w->ada, "customEntity", nid(2), "name=ship|home=account|audience=partners"));
    assert_ok(create(w, w->ada, "customField", nid(3),
                     "key=ship.length|entity=ship|name=length|kind=text"));
    assert_ok(create(w, w->ada, "account", nid(4), "name=A"));
    assert_reply(create(w, w->ada, "ship", nid(1), "name=Fram"), STATUS_MISSING_FIELD);
    struct changes changes = {.count = 1};
    wire_put_map(&changes.list, 4);
    wire_put_text(&changes.list, "op");
    wire_put_text(&changes.list, "create");
    wire_put_text(&changes.list, "id");
    wire_put_id(&changes.list, nid(1));
    wire_put_text(&changes.list, "entity");
    wire_put_text(&changes.list, "ship");
    wire_put_text(&changes.list, "fields");
    wire_put_map(&changes.list, 3);
    wire_put_text(&changes.list, "name");
    wire_put_text(&changes.list, "Fram");
    wire_put_text(&changes.list, "length");
    wire_put_text(&changes.list, "39 m");
    wire_put_text(&changes.list, "account");
    wire_put_id(&changes.list, nid(4));
    assert_ok(send(w, w->ada, &changes));
    assert_string_equal(scope_text(w, nid(1)), fmt("account:%s", tx(nid(4))));
    assert_string_equal(audience_of(w, nid(1)), "internal partners");
    assert_ok(update(w, w->ada, "ship", nid(1), "length=38 m"));
    assert_reply(erase(w, w->ada, nid(2)), STATUS_REFERENCED);
    assert_ok(erase(w, w->ada, nid(1)));
    assert_ok(erase(w, w->ada, nid(2)));
    assert_reply(update(w, w->ada, "ship", nid(1), "length=38 m"), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_user_is_of_departments_or_of_one_partner),
        WORLD_TEST(a_user_changes_sides),
        WORLD_TEST(names_are_never_given_again),
        WORLD_TEST(an_administrator_always_remains),
        WORLD_TEST(disabling_ends_tokens_and_removing_ends_all),
        WORLD_TEST(a_party_goes_only_when_nobody_is_of_it),
        WORLD_TEST(names_of_parties_are_unique_without_case),
        WORLD_TEST(sign_in_names_fold_ascii),
        WORLD_TEST(renaming_a_department_concerns_its_members),
        WORLD_TEST(what_is_about_access_is_audited),
        WORLD_TEST(meta_tells_when_people_and_access_changed),
        WORLD_TEST(custom_fields_are_fields),
        WORLD_TEST(custom_fields_are_checked_themselves),
        WORLD_TEST(custom_entities_are_entities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

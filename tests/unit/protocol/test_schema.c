/* The table itself: what other layers rely on without looking. */
#include "support.h"

#include <string.h>

#include "protocol/message.h"
#include "protocol/schema.h"

static const struct field_def *field_of(const char *entity, const char *field)
{
    const struct entity_def *def = schema_entity(bytes_text(entity));
    assert_non_null(def);
    return schema_field(def, bytes_text(field));
}

static void every_entity_of_the_design_is_there(void **state)
{
    static const char *const names[] = {
        "account", "contact", "lead", "opportunity", "case", "task", "interaction", "note",
        "profile", "document", "product", "order", "campaign", "party", "user", "assignment",
        "customField", "customEntity", "mention"};
    (void)state;
    assert_int_equal(schema_entity_count(), sizeof names / sizeof names[0]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_non_null(schema_entity(bytes_text(names[i])));
        assert_string_equal(schema_entity(bytes_text(names[i]))->name, names[i]);
    }
    assert_null(schema_entity(bytes_text("Account")));
    assert_null(schema_entity(bytes_text("")));
}

/* The standard fields of the vocabulary, those every record has left out. */
static void every_standard_field_is_there(void **state)
{
    static const char *const fields[][24] = {
        {"account", "name", "website", "emailAddress", "phoneNumber", "type", "industry", "sicCode",
         "billingAddress", "shippingAddress", "parent", "annualRevenue", "numberOfEmployees",
         "rating", "restricted", "team", NULL},
        {"contact", "salutation", "firstName", "lastName", "account", "title", "department",
         "reportsTo", "emailAddress", "phoneNumber", "mobilePhone", "doNotCall", "doNotEmail",
         "address", "birthdate", "leadSource", "role", "preferredChannel", "language", NULL},
        {"lead", "status", "source", "rating", "firstName", "lastName", "accountName", "title",
         "industry", "website", "emailAddress", "phoneNumber", "opportunityAmount", "convertedAt",
         "createdAccount", "createdContact", "createdOpportunity", NULL},
        {"opportunity", "name", "account", "amount", "stage", "lastStage", "probability",
         "leadSource", "closeDate", "type", "nextStep", "forecastCategory", "lostReason",
         "campaign", "contacts", NULL},
        {"case", "number", "name", "status", "priority", "type", "account", "contact",
         "description", "resolvedAt", NULL},
        {"task", "name", "status", "priority", "dateStart", "dateDue", "dateCompleted", "parent",
         "assignedUser", NULL},
        {"interaction", "channel", "direction", "status", "subject", "body", "dateStart", "dateEnd",
         "duration", "account", "contacts", "users", "parent", "outcome", "sentiment", "externalId",
         NULL},
        {"campaign", "name", "status", "type", "startDate", "endDate", "budget", "expectedRevenue",
         "sentCount", "openedCount", "clickedCount", "bouncedCount", NULL},
        {"document", "name", "kind", "status", "publishDate", "validFrom", "expires", "folder",
         "parties", "versions", NULL},
        {"note", "text", "type", "parent", "pinned", NULL},
        {"profile", "goals", "preferences", "preferredChannel", "language", "contactHours",
         "keyPeople", "health", "healthReason", "relationshipOwner", "importantDates",
         "howWeWorkTogether", NULL},
        {"product", "name", "code", "price", "unit", "supplier", "family", "active", NULL},
        {"order", "number", "account", "date", "lines", "amount", "status", NULL},
        {"party", "name", "kind", "emailDomain", NULL},
        {"assignment", "party", "account", "level", "from", "until", "status", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        for (size_t j = 1; fields[i][j] != NULL; j++)
            if (field_of(fields[i][0], fields[i][j]) == NULL)
                fail_msg("%s has no %s", fields[i][0], fields[i][j]);
}

static void check_definition(const struct entity_def *entity, const struct field_def *field)
{
    assert_true(field->kind < KIND_COUNT);
    assert_true(strlen(field->name) < 64);
    if ((field->kind == KIND_ENUM) != (field->values != NULL && field->values[0] != NULL))
        fail_msg("%s.%s: values", entity->name, field->name);
    if (field->target != NULL) {
        assert_true(field->kind == KIND_REFERENCE || field->kind == KIND_REFERENCES);
        assert_non_null(schema_entity(bytes_text(field->target)));
    }
    if ((field->flags & FIELD_UNIQUE) != 0)
        assert_true((field->flags & FIELD_INDEXED) != 0);
    assert_false((field->flags & FIELD_SYSTEM) != 0 && (field->flags & FIELD_REQUIRED) != 0);
    if (field->class == CLASS_RESTRICTED)
        assert_non_null(field->departments);
}

static void every_definition_is_sound(void **state)
{
    size_t common_count;
    const struct field_def *common = schema_common_fields(&common_count);
    (void)state;
    for (size_t i = 0; i < schema_entity_count(); i++) {
        const struct entity_def *entity = schema_entity_at(i);
        assert_true(entity->field_count + common_count <= LIMIT_FIELDS);
        assert_non_null(schema_field(entity, bytes_text(entity->title_field)));
        for (size_t j = 0; j < entity->field_count; j++) {
            const struct field_def *field = &entity->fields[j];
            check_definition(entity, field);
            for (size_t k = 0; k < j; k++)
                assert_string_not_equal(field->name, entity->fields[k].name);
            for (size_t k = 0; k < common_count; k++)
                assert_string_not_equal(field->name, common[k].name);
        }
    }
}

static void homes_have_what_they_need(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_entity_count(); i++) {
        const struct entity_def *entity = schema_entity_at(i);
        const struct field_def *account = schema_field(entity, bytes_text("account"));
        if (entity->home == HOME_ACCOUNT || entity->home == HOME_ANY) {
            assert_non_null(account);
            assert_int_equal(account->kind, KIND_REFERENCE);
            assert_string_equal(account->target, "account");
            assert_int_equal((account->flags & FIELD_REQUIRED) != 0, entity->home == HOME_ACCOUNT);
        } else if (entity->home == HOME_USER) {
            /* Where it came from, which moves nothing: nobody but the server sets it. */
            assert_true(account == NULL || (account->flags & FIELD_SYSTEM) != 0);
        } else {
            assert_null(account);
        }
        assert_int_equal(entity->home == HOME_SELF, strcmp(entity->name, "account") == 0);
        if (entity->timeline_field != NULL && strcmp(entity->timeline_field, "createdAt") != 0) {
            const struct field_def *when = schema_field(entity, bytes_text(entity->timeline_field));
            assert_non_null(when);
            assert_true(when->kind == KIND_TIME || when->kind == KIND_DATE);
        }
    }
}

static void only_what_is_meant_for_partners_starts_shared(void **state)
{
    static const char *const shared[] = {"account", "contact", "case", "order", "product"};
    unsigned count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
        assert_int_equal(schema_entity(bytes_text(shared[i]))->audience, AUDIENCE_PARTNERS);
    for (size_t i = 0; i < schema_entity_count(); i++)
        count += schema_entity_at(i)->audience == AUDIENCE_PARTNERS;
    assert_int_equal(count, sizeof shared / sizeof shared[0]);
}

static bool is_reference(const struct field_def *field)
{
    return field->kind == KIND_REFERENCE || field->kind == KIND_REFERENCES;
}

/* An id tells an outsider that something exists: only of what they know anyway. */
static void references_are_internal_but_for_what_an_outsider_knows(void **state)
{
    static const char *const known[] = {"account", "party", "partner", "versions", "note"};
    (void)state;
    assert_int_equal(field_of("account", "assignedUser")->class, CLASS_INTERNAL);
    for (size_t i = 0; i < schema_entity_count(); i++) {
        for (size_t j = 0; j < schema_entity_at(i)->field_count; j++) {
            const struct field_def *field = &schema_entity_at(i)->fields[j];
            bool shared = false;
            for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
                shared = shared || strcmp(field->name, known[k]) == 0;
            if (is_reference(field))
                assert_int_equal(field->class, shared ? CLASS_SHARED : CLASS_INTERNAL);
        }
    }
}

static void what_the_company_keeps_to_itself_is_internal(void **state)
{
    static const char *const internal[][2] = {
        {"account", "annualRevenue"}, {"account", "rating"}, {"account", "restricted"},
        {"account", "externalId"}, {"opportunity", "probability"},
        {"opportunity", "forecastCategory"}, {"opportunity", "lostReason"}, {"profile", "health"},
        {"profile", "healthReason"}, {"interaction", "sentiment"}, {"contact", "leadSource"},
        {"user", "role"}, {"user", "disabled"}};
    unsigned count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof internal / sizeof internal[0]; i++)
        assert_int_equal(field_of(internal[i][0], internal[i][1])->class, CLASS_INTERNAL);
    for (size_t i = 0; i < schema_entity_count(); i++)
        for (size_t j = 0; j < schema_entity_at(i)->field_count; j++)
            count += schema_entity_at(i)->fields[j].class != CLASS_SHARED &&
                     !is_reference(&schema_entity_at(i)->fields[j]);
    /* externalId is common, not among an entity's own. */
    assert_int_equal(count, sizeof internal / sizeof internal[0] - 1);
}

static void every_record_has_the_common_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_entity_count(); i++) {
        const struct entity_def *entity = schema_entity_at(i);
        assert_string_equal(schema_field(entity, bytes_text("assignedUser"))->target, "user");
        assert_int_equal(schema_field(entity, bytes_text("tags"))->kind, KIND_TAGS);
        assert_int_equal(schema_field(entity, bytes_text("description"))->kind, KIND_LONG_TEXT);
        assert_int_equal(schema_field(entity, bytes_text("externalId"))->flags, FIELD_INDEXED);
    }
}

static void short_names_stand_for_long_ones(void **state)
{
    (void)state;
    assert_string_equal(field_of("account", "phone")->name, "phoneNumber");
    assert_string_equal(field_of("contact", "email")->name, "emailAddress");
    assert_null(field_of("note", "phone"));
    assert_null(field_of("account", "Name"));
    assert_null(field_of("account", ""));
}

static void kinds_have_names(void **state)
{
    enum field_kind kind;
    (void)state;
    for (int i = 0; i < KIND_COUNT; i++) {
        assert_true(schema_kind_from_name(bytes_text(schema_kind_name((enum field_kind)i)), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(schema_kind_from_name(bytes_text("Text"), &kind));
    /* Whoever defines a custom field can choose any of them. */
    const struct field_def *choice = field_of("customField", "kind");
    for (int i = 0; i < KIND_COUNT; i++)
        assert_string_equal(choice->values[i], schema_kind_name((enum field_kind)i));
    assert_null(choice->values[KIND_COUNT]);
}

static void identity_is_unique_and_fixed(void **state)
{
    static const char *const keys[][2] = {
        {"user", "name"}, {"customField", "key"}, {"customEntity", "name"}};
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_equal(field_of(keys[i][0], keys[i][1])->flags,
                         FIELD_REQUIRED | FIELD_UNIQUE | FIELD_INDEXED | FIELD_FIXED);
    assert_int_equal(field_of("assignment", "status")->flags, FIELD_SYSTEM);
    assert_true((field_of("assignment", "party")->flags & FIELD_FIXED) != 0);
    assert_true((field_of("party", "kind")->flags & FIELD_FIXED) != 0);
    assert_int_equal(field_of("user", "partner")->flags & FIELD_FIXED, 0);
    assert_int_equal(field_of("customField", "values")->flags & FIELD_FIXED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entity_of_the_design_is_there),
        cmocka_unit_test(every_standard_field_is_there),
        cmocka_unit_test(every_definition_is_sound),
        cmocka_unit_test(homes_have_what_they_need),
        cmocka_unit_test(only_what_is_meant_for_partners_starts_shared),
        cmocka_unit_test(what_the_company_keeps_to_itself_is_internal),
        cmocka_unit_test(references_are_internal_but_for_what_an_outsider_knows),
        cmocka_unit_test(every_record_has_the_common_fields),
        cmocka_unit_test(short_names_stand_for_long_ones),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(identity_is_unique_and_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

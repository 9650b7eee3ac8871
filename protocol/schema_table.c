#include "protocol/schema_table.h"

#include <assert.h>

const char *const schema_ratings[] = {"Cold", "Warm", "Hot", NULL};
const char *const schema_lead_sources[] = {
    "Call",        "Cold Call",  "Email",             "Web Site", "Advertisement",
    "Campaign",    "Conference", "Trade Show",        "Direct Mail", "Partner",
    "Existing Customer", "Employee", "Self Generated", "Public Relations", "Word of mouth",
    "Purchased List", "Social",  "Other",             NULL};
const char *const schema_priorities[] = {"Low", "Normal", "High", "Urgent", NULL};
const char *const schema_channels[] = {"Call",   "Email",  "Meeting", "Chat",  "Visit", "Letter",
                                       "Portal", "Social", "Web",     "Order", "Event", NULL};

static const struct entity_def *const entities[] = {
    &schema_account,     &schema_contact,  &schema_lead,     &schema_opportunity,
    &schema_case,        &schema_task,     &schema_interaction, &schema_note,
    &schema_mention,     &schema_profile,  &schema_document, &schema_product,
    &schema_order,       &schema_campaign, &schema_party,    &schema_user,
    &schema_assignment,  &schema_custom_field_def, &schema_custom_entity_def,
};

static const struct field_def common_fields[] = {
    LINK(REFERENCE, "assignedUser", "user", INTERNAL, NONE),
    FIELD(TAGS, "tags", SHARED, NONE),
    FIELD(LONG_TEXT, "description", SHARED, NONE),
    FIELD(TEXT, "externalId", INTERNAL, INDEXED),
};

size_t schema_entity_count(void)
{
    return sizeof entities / sizeof entities[0];
}

const struct entity_def *schema_entity_at(size_t index)
{
    assert(index < schema_entity_count());
    return entities[index];
}

const struct field_def *schema_common_fields(size_t *count)
{
    *count = sizeof common_fields / sizeof common_fields[0];
    return common_fields;
}

/* Accounts and the people in them: account, contact, lead, profile. */
#include "protocol/schema_table.h"

static const char *const account_types[] = {"Customer", "Prospect",    "Partner",  "Supplier",
                                            "Distributor", "Reseller", "Investor", "Competitor",
                                            "Analyst",  "Press",       "Integrator", "Other",
                                            NULL};
static const char *const contact_roles[] = {"Decision Maker", "Evaluator", "Influencer",
                                            "Champion",       "User",      NULL};
static const char *const lead_statuses[] = {"New",      "Assigned", "In Process", "Converted",
                                            "Recycled", "Dead",     NULL};
static const char *const healths[] = {"Healthy", "Neutral", "At Risk", NULL};

static const struct field_def account_fields[] = {
    FIELD(TEXT, "name", SHARED, REQUIRED | INDEXED),
    FIELD(URL, "website", SHARED, NONE),
    FIELD(EMAIL, "emailAddress", SHARED, NONE),
    FIELD(PHONE, "phoneNumber", SHARED, NONE),
    ENUM("type", account_types, SHARED, INDEXED),
    FIELD(TEXT, "industry", SHARED, INDEXED),
    FIELD(TEXT, "sicCode", SHARED, NONE),
    FIELD(ADDRESS, "billingAddress", SHARED, NONE),
    FIELD(ADDRESS, "shippingAddress", SHARED, NONE),
    LINK(REFERENCE, "parent", "account", INTERNAL, NONE),
    FIELD(MONEY, "annualRevenue", INTERNAL, NONE),
    FIELD(INTEGER, "numberOfEmployees", SHARED, NONE),
    ENUM("rating", schema_ratings, INTERNAL, NONE),
    FIELD(BOOLEAN, "restricted", INTERNAL, NONE), /* seen by its team only */
    LINK(REFERENCES, "team", "user", INTERNAL, NONE),
};

const struct entity_def schema_account = {
    .name = "account",
    .title_field = "name",
    .home = HOME_SELF,
    .audience = AUDIENCE_PARTNERS,
    FIELDS(account_fields),
};

static const struct field_def contact_fields[] = {
    FIELD(TEXT, "salutation", SHARED, NONE),
    FIELD(TEXT, "firstName", SHARED, NONE),
    FIELD(TEXT, "lastName", SHARED, INDEXED),
    LINK(REFERENCE, "account", "account", SHARED, INDEXED),
    FIELD(TEXT, "title", SHARED, NONE),
    FIELD(TEXT, "department", SHARED, NONE),
    LINK(REFERENCE, "reportsTo", "contact", INTERNAL, NONE),
    FIELD(EMAIL, "emailAddress", SHARED, INDEXED),
    FIELD(PHONE, "phoneNumber", SHARED, NONE),
    FIELD(PHONE, "mobilePhone", SHARED, NONE),
    FIELD(BOOLEAN, "doNotCall", SHARED, NONE),
    FIELD(BOOLEAN, "doNotEmail", SHARED, NONE),
    FIELD(ADDRESS, "address", SHARED, NONE),
    FIELD(DATE, "birthdate", SHARED, NONE),
    ENUM("leadSource", schema_lead_sources, INTERNAL, NONE),
    ENUM("role", contact_roles, SHARED, NONE),
    ENUM("preferredChannel", schema_channels, SHARED, NONE),
    FIELD(TEXT, "language", SHARED, NONE),
};

const struct entity_def schema_contact = {
    .name = "contact",
    .title_field = "lastName",
    .home = HOME_ANY,
    .audience = AUDIENCE_PARTNERS,
    FIELDS(contact_fields),
};

static const struct field_def lead_fields[] = {
    ENUM("status", lead_statuses, SHARED, INDEXED),
    ENUM("source", schema_lead_sources, SHARED, NONE),
    ENUM("rating", schema_ratings, SHARED, NONE),
    FIELD(TEXT, "firstName", SHARED, NONE),
    FIELD(TEXT, "lastName", SHARED, INDEXED),
    FIELD(TEXT, "accountName", SHARED, NONE),
    FIELD(TEXT, "title", SHARED, NONE),
    FIELD(TEXT, "industry", SHARED, NONE),
    FIELD(URL, "website", SHARED, NONE),
    FIELD(EMAIL, "emailAddress", SHARED, INDEXED),
    FIELD(PHONE, "phoneNumber", SHARED, NONE),
    FIELD(ADDRESS, "address", SHARED, NONE),
    FIELD(MONEY, "opportunityAmount", SHARED, NONE),
    FIELD(TIME, "convertedAt", SHARED, NONE),
    LINK(REFERENCE, "createdAccount", "account", INTERNAL, NONE),
    LINK(REFERENCE, "createdContact", "contact", INTERNAL, NONE),
    LINK(REFERENCE, "createdOpportunity", "opportunity", INTERNAL, NONE),
};

const struct entity_def schema_lead = {
    .name = "lead",
    .title_field = "lastName",
    .home = HOME_LIBRARY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(lead_fields),
};

static const struct field_def profile_fields[] = {
    LINK(REFERENCE, "account", "account", SHARED, REQUIRED | FIXED),
    FIELD(LONG_TEXT, "goals", SHARED, NONE),
    FIELD(LONG_TEXT, "preferences", SHARED, NONE),
    ENUM("preferredChannel", schema_channels, SHARED, NONE),
    FIELD(TEXT, "language", SHARED, NONE),
    FIELD(TEXT, "contactHours", SHARED, NONE),
    LINK(REFERENCES, "keyPeople", "contact", INTERNAL, NONE),
    ENUM("health", healths, INTERNAL, NONE),
    FIELD(LONG_TEXT, "healthReason", INTERNAL, NONE),
    LINK(REFERENCE, "relationshipOwner", "user", INTERNAL, NONE),
    FIELD(LONG_TEXT, "importantDates", SHARED, NONE),
    FIELD(LONG_TEXT, "howWeWorkTogether", SHARED, NONE),
};

const struct entity_def schema_profile = {
    .name = "profile",
    .title_field = "account",
    .home = HOME_ACCOUNT,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(profile_fields),
};

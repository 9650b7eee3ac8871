/* Selling: opportunity, campaign, product, order. */
#include "protocol/schema_table.h"

static const char *const stages[] = {"Prospecting",  "Qualification", "Needs Analysis",
                                     "Value Proposition", "Proposal", "Negotiation",
                                     "Closed Won",   "Closed Lost",   NULL};
static const char *const forecasts[] = {"Omitted", "Pipeline", "Best Case", "Commit", "Closed",
                                        NULL};
static const char *const campaign_statuses[] = {"Planning", "Active", "Inactive", "Complete", NULL};
static const char *const order_statuses[] = {"Draft",     "Confirmed", "Shipped",
                                             "Delivered", "Canceled",  NULL};

static const struct field_def opportunity_fields[] = {
    FIELD(TEXT, "name", SHARED, REQUIRED),
    LINK(REFERENCE, "account", "account", SHARED, INDEXED),
    FIELD(MONEY, "amount", SHARED, NONE),
    ENUM("stage", stages, SHARED, INDEXED),
    ENUM("lastStage", stages, SHARED, NONE),
    FIELD(INTEGER, "probability", INTERNAL, NONE), /* percent, 0 to 100 */
    ENUM("leadSource", schema_lead_sources, SHARED, NONE),
    FIELD(DATE, "closeDate", SHARED, INDEXED),
    FIELD(TEXT, "type", SHARED, NONE),
    FIELD(TEXT, "nextStep", SHARED, NONE),
    ENUM("forecastCategory", forecasts, INTERNAL, NONE),
    FIELD(TEXT, "lostReason", INTERNAL, NONE),
    LINK(REFERENCE, "campaign", "campaign", INTERNAL, NONE),
    LINK(REFERENCES, "contacts", "contact", INTERNAL, NONE),
};

const struct entity_def schema_opportunity = {
    .name = "opportunity",
    .title_field = "name",
    .home = HOME_ANY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(opportunity_fields),
};

static const struct field_def campaign_fields[] = {
    FIELD(TEXT, "name", SHARED, REQUIRED | INDEXED),
    ENUM("status", campaign_statuses, SHARED, NONE),
    FIELD(TEXT, "type", SHARED, NONE),
    FIELD(DATE, "startDate", SHARED, NONE),
    FIELD(DATE, "endDate", SHARED, NONE),
    FIELD(MONEY, "budget", SHARED, NONE),
    FIELD(MONEY, "expectedRevenue", SHARED, NONE),
    FIELD(INTEGER, "sentCount", SHARED, NONE),
    FIELD(INTEGER, "openedCount", SHARED, NONE),
    FIELD(INTEGER, "clickedCount", SHARED, NONE),
    FIELD(INTEGER, "bouncedCount", SHARED, NONE),
};

const struct entity_def schema_campaign = {
    .name = "campaign",
    .title_field = "name",
    .home = HOME_LIBRARY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(campaign_fields),
};

static const struct field_def product_fields[] = {
    FIELD(TEXT, "name", SHARED, REQUIRED | INDEXED),
    FIELD(TEXT, "code", SHARED, INDEXED),
    FIELD(MONEY, "price", SHARED, NONE),
    FIELD(TEXT, "unit", SHARED, NONE),
    LINK(REFERENCE, "supplier", "party", INTERNAL, INDEXED),
    FIELD(TEXT, "family", SHARED, NONE),
    FIELD(BOOLEAN, "active", SHARED, NONE),
};

const struct entity_def schema_product = {
    .name = "product",
    .title_field = "name",
    .home = HOME_LIBRARY,
    .audience = AUDIENCE_PARTNERS,
    FIELDS(product_fields),
};

static const struct field_def order_fields[] = {
    FIELD(TEXT, "number", SHARED, REQUIRED | INDEXED),
    LINK(REFERENCE, "account", "account", SHARED, NONE),
    FIELD(DATE, "date", SHARED, NONE),
    FIELD(LONG_TEXT, "lines", SHARED, NONE), /* one a line: quantity x product @ price */
    FIELD(MONEY, "amount", SHARED, NONE),
    ENUM("status", order_statuses, SHARED, NONE),
};

const struct entity_def schema_order = {
    .name = "order",
    .title_field = "number",
    .timeline_field = "date",
    .home = HOME_ANY,
    .audience = AUDIENCE_PARTNERS,
    FIELDS(order_fields),
};

/* What Tandem itself runs on: party, user, assignment, and the schema's own additions,
 * customField and customEntity. */
#include "protocol/schema_table.h"

static const char *const party_kinds[] = {"department", "supplier", "distributor", "reseller",
                                          "agency",     "other",    NULL};
static const char *const roles[] = {"Administrator", "Manager", "Member", "Viewer", "Partner",
                                    NULL};
static const char *const levels[] = {"view", "comment", "edit", NULL};
static const char *const assignment_statuses[] = {"Scheduled", "Active", "Ended", NULL};
static const char *const kinds[] = {"text",  "longText", "integer", "decimal",   "boolean",
                                    "enum",  "date",     "time",    "money",     "email",
                                    "phone", "url",      "address", "reference", "references",
                                    "tags",  "blob",     NULL};
static const char *const classes[] = {"shared", "internal", "restricted", NULL};
static const char *const homes[] = {"account", "library", NULL};
static const char *const audiences[] = {"internal", "partners", NULL};

static const struct field_def party_fields[] = {
    FIELD(TEXT, "name", SHARED, REQUIRED | UNIQUE),
    ENUM("kind", party_kinds, SHARED, REQUIRED | FIXED | INDEXED),
    FIELD(TEXT, "emailDomain", SHARED, NONE),
    FIELD(PHONE, "phoneNumber", SHARED, NONE),
    FIELD(ADDRESS, "address", SHARED, NONE),
    FIELD(URL, "website", SHARED, NONE),
};

const struct entity_def schema_party = {
    .name = "party",
    .title_field = "name",
    .home = HOME_LIBRARY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(party_fields),
};

static const struct field_def user_fields[] = {
    FIELD(TEXT, "name", SHARED, REQUIRED | UNIQUE | FIXED), /* with which they sign in */
    FIELD(TEXT, "fullName", SHARED, NONE),
    FIELD(EMAIL, "emailAddress", SHARED, NONE),
    FIELD(PHONE, "phoneNumber", SHARED, NONE),
    ENUM("role", roles, INTERNAL, REQUIRED),
    LINK(REFERENCES, "departments", "party", INTERNAL, NONE),
    LINK(REFERENCE, "partner", "party", SHARED, NONE),
    FIELD(BOOLEAN, "disabled", INTERNAL, NONE),
    FIELD(TEXT, "language", SHARED, NONE),
    FIELD(TEXT, "title", SHARED, NONE),
};

const struct entity_def schema_user = {
    .name = "user",
    .title_field = "name",
    .home = HOME_LIBRARY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(user_fields),
};

static const struct field_def assignment_fields[] = {
    LINK(REFERENCE, "party", "party", SHARED, REQUIRED | FIXED | INDEXED),
    LINK(REFERENCE, "account", "account", SHARED, REQUIRED | FIXED | INDEXED),
    ENUM("level", levels, SHARED, REQUIRED),
    FIELD(DATE, "from", SHARED, NONE),
    FIELD(DATE, "until", SHARED, NONE),
    ENUM("status", assignment_statuses, SHARED, SYSTEM),
};

const struct entity_def schema_assignment = {
    .name = "assignment",
    .title_field = "party",
    .home = HOME_ACCOUNT,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(assignment_fields),
};

static const struct field_def custom_field_fields[] = {
    FIELD(TEXT, "key", SHARED, REQUIRED | UNIQUE | FIXED), /* "entity.name" */
    FIELD(TEXT, "entity", SHARED, REQUIRED | FIXED),
    FIELD(TEXT, "name", SHARED, REQUIRED | FIXED),
    FIELD(TEXT, "label", SHARED, NONE),
    ENUM("kind", kinds, SHARED, REQUIRED | FIXED),
    ENUM("class", classes, SHARED, FIXED),
    FIELD(TAGS, "values", SHARED, NONE),
    FIELD(TEXT, "target", SHARED, FIXED),
    FIELD(TAGS, "departments", SHARED, FIXED),
    FIELD(BOOLEAN, "required", SHARED, FIXED),
};

const struct entity_def schema_custom_field_def = {
    .name = "customField",
    .title_field = "label",
    .home = HOME_LIBRARY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(custom_field_fields),
};

static const struct field_def custom_entity_fields[] = {
    FIELD(TEXT, "name", SHARED, REQUIRED | UNIQUE | FIXED),
    FIELD(TEXT, "label", SHARED, NONE),
    ENUM("home", homes, SHARED, REQUIRED | FIXED),
    ENUM("audience", audiences, SHARED, FIXED),
    FIELD(TEXT, "titleField", SHARED, NONE),
};

const struct entity_def schema_custom_entity_def = {
    .name = "customEntity",
    .title_field = "name",
    .home = HOME_LIBRARY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(custom_entity_fields),
};

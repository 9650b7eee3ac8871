/* Working with an account: case, task, interaction, note, mention, document. */
#include "protocol/schema_table.h"

static const char *const case_statuses[] = {"New",      "Assigned",  "Pending", "Closed",
                                            "Rejected", "Duplicate", NULL};
static const char *const task_statuses[] = {"Not Started", "In Progress", "Pending Input",
                                            "Deferred",    "Completed",   "Canceled", NULL};
static const char *const directions[] = {"Inbound", "Outbound", "Internal", NULL};
static const char *const interaction_statuses[] = {"Planned", "Held", "Not Held", NULL};
static const char *const sentiments[] = {"Positive", "Neutral", "Negative", NULL};
static const char *const document_kinds[] = {"Contract",  "NDA",     "Proposal",
                                             "Price List", "Technical", "License Agreement",
                                             "Invoice",   "Other",   NULL};
static const char *const document_statuses[] = {"Draft", "Active", "Expired", "Canceled", NULL};

static const struct field_def case_fields[] = {
    FIELD(TEXT, "number", SHARED, INDEXED),
    FIELD(TEXT, "name", SHARED, REQUIRED),
    ENUM("status", case_statuses, SHARED, INDEXED),
    ENUM("priority", schema_priorities, SHARED, NONE),
    FIELD(TEXT, "type", SHARED, NONE),
    LINK(REFERENCE, "account", "account", SHARED, INDEXED),
    LINK(REFERENCE, "contact", "contact", INTERNAL, NONE),
    FIELD(TIME, "resolvedAt", SHARED, NONE),
};

const struct entity_def schema_case = {
    .name = "case",
    .title_field = "name",
    .timeline_field = "createdAt",
    .home = HOME_ANY,
    .audience = AUDIENCE_PARTNERS,
    FIELDS(case_fields),
};

static const struct field_def task_fields[] = {
    FIELD(TEXT, "name", SHARED, REQUIRED),
    ENUM("status", task_statuses, SHARED, INDEXED),
    ENUM("priority", schema_priorities, SHARED, NONE),
    FIELD(TIME, "dateStart", SHARED, NONE),
    FIELD(TIME, "dateDue", SHARED, INDEXED),
    FIELD(TIME, "dateCompleted", SHARED, NONE),
    LINK(REFERENCE, "parent", ANY, INTERNAL, NONE),
    LINK(REFERENCE, "account", "account", SHARED, NONE),
};

const struct entity_def schema_task = {
    .name = "task",
    .title_field = "name",
    .home = HOME_ANY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(task_fields),
};

static const struct field_def interaction_fields[] = {
    ENUM("channel", schema_channels, SHARED, REQUIRED),
    ENUM("direction", directions, SHARED, NONE),
    ENUM("status", interaction_statuses, SHARED, NONE),
    FIELD(TEXT, "subject", SHARED, NONE),
    FIELD(LONG_TEXT, "body", SHARED, NONE),
    FIELD(TIME, "dateStart", SHARED, NONE),
    FIELD(TIME, "dateEnd", SHARED, NONE),
    FIELD(INTEGER, "duration", SHARED, NONE), /* seconds */
    LINK(REFERENCE, "account", "account", SHARED, NONE),
    LINK(REFERENCES, "contacts", "contact", INTERNAL, NONE),
    LINK(REFERENCES, "users", "user", INTERNAL, NONE),
    LINK(REFERENCE, "parent", ANY, INTERNAL, NONE),
    FIELD(TEXT, "outcome", SHARED, NONE),
    ENUM("sentiment", sentiments, INTERNAL, NONE),
};

const struct entity_def schema_interaction = {
    .name = "interaction",
    .title_field = "subject",
    .timeline_field = "dateStart",
    .home = HOME_ANY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(interaction_fields),
};

static const struct field_def note_fields[] = {
    FIELD(LONG_TEXT, "text", SHARED, NONE),
    FIELD(TEXT, "type", SHARED, NONE),
    LINK(REFERENCE, "parent", ANY, INTERNAL, NONE),
    LINK(REFERENCE, "account", "account", SHARED, NONE),
    FIELD(BOOLEAN, "pinned", SHARED, NONE),
    FIELD(INTEGER, "version", SHARED, SYSTEM), /* of the text, once it was edited live */
};

const struct entity_def schema_note = {
    .name = "note",
    .title_field = "text",
    .timeline_field = "createdAt",
    .home = HOME_ANY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(note_fields),
};

static const struct field_def mention_fields[] = {
    LINK(REFERENCE, "note", "note", SHARED, SYSTEM),
    LINK(REFERENCE, "account", "account", SHARED, SYSTEM),
    FIELD(BOOLEAN, "read", SHARED, NONE),
};

const struct entity_def schema_mention = {
    .name = "mention",
    .title_field = "note", /* none of its words: they go with the note */
    .home = HOME_USER,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(mention_fields),
};

static const struct field_def document_fields[] = {
    FIELD(TEXT, "name", SHARED, REQUIRED),
    ENUM("kind", document_kinds, SHARED, INDEXED),
    ENUM("status", document_statuses, SHARED, NONE),
    FIELD(DATE, "publishDate", SHARED, NONE),
    FIELD(DATE, "validFrom", SHARED, NONE),
    FIELD(DATE, "expires", SHARED, INDEXED),
    FIELD(TEXT, "folder", SHARED, NONE),
    LINK(REFERENCE, "account", "account", SHARED, NONE),
    LINK(REFERENCES, "parties", "party", INTERNAL, NONE),
    FIELD(BLOB, "file", SHARED, NONE), /* the newest version's contents */
    LINK(REFERENCES, "versions", "document", SHARED, NONE),
};

const struct entity_def schema_document = {
    .name = "document",
    .title_field = "name",
    .home = HOME_ANY,
    .audience = AUDIENCE_INTERNAL,
    FIELDS(document_fields),
};

/* The built-in entities, in the files of their areas. Internal to the schema module.
 *
 * A line of a table is read as: kind, name, class, flags; an enum's list of values or a
 * reference's target in addition.
 */
#ifndef TANDEM_PROTOCOL_SCHEMA_TABLE_H
#define TANDEM_PROTOCOL_SCHEMA_TABLE_H

#include "protocol/schema.h"

#define NONE 0
#define REQUIRED FIELD_REQUIRED
#define INDEXED FIELD_INDEXED
#define UNIQUE (FIELD_UNIQUE | FIELD_INDEXED)
#define FIXED FIELD_FIXED
#define SYSTEM FIELD_SYSTEM

#define FIELD(KIND, NAME, CLASS, FLAGS) \
    {.name = (NAME), .kind = KIND_##KIND, .class = CLASS_##CLASS, .flags = (FLAGS)}
#define ENUM(NAME, VALUES, CLASS, FLAGS) \
    {.name = (NAME), .values = (VALUES), .kind = KIND_ENUM, .class = CLASS_##CLASS, .flags = (FLAGS)}
#define LINK(KIND, NAME, TARGET, CLASS, FLAGS) \
    {.name = (NAME), .target = (TARGET), .kind = KIND_##KIND, .class = CLASS_##CLASS, .flags = (FLAGS)}
#define ANY NULL

#define FIELDS(TABLE) .fields = (TABLE), .field_count = sizeof(TABLE) / sizeof((TABLE)[0])

/* Lists of values that several entities share, NULL-terminated. */
extern const char *const schema_ratings[];
extern const char *const schema_lead_sources[];
extern const char *const schema_priorities[];
extern const char *const schema_channels[];

extern const struct entity_def schema_account, schema_contact, schema_lead, schema_profile;
extern const struct entity_def schema_opportunity, schema_campaign, schema_product, schema_order;
extern const struct entity_def schema_case, schema_task, schema_interaction, schema_note,
    schema_mention, schema_document;
extern const struct entity_def schema_party, schema_user, schema_assignment, schema_custom_field_def,
    schema_custom_entity_def;

#endif

/* The entities and fields as docs/SCHEMA.md lists them, read from the page itself. */
#ifndef TANDEM_TESTS_ORACLE_MODEL_SCHEMA_H
#define TANDEM_TESTS_ORACLE_MODEL_SCHEMA_H

#include <stdbool.h>

#include "protocol/bytes.h"

#define SCHEMA_PAGE_ENTITIES 32u
#define SCHEMA_PAGE_FIELDS 48u

enum model_home {
    MODEL_HOME_LIBRARY,
    MODEL_HOME_SELF,
    MODEL_HOME_ACCOUNT,
    MODEL_HOME_ANY,
    MODEL_HOME_USER
};

struct model_field_def {
    char name[40], kind[48], class[16], values[400];
    bool required, fixed;
};

struct model_entity_def {
    char name[40];
    enum model_home home;
    bool partners; /* the audience starts with partners too */
    struct model_field_def fields[SCHEMA_PAGE_FIELDS];
    unsigned field_count;
};

struct model_schema {
    struct model_entity_def entities[SCHEMA_PAGE_ENTITIES];
    unsigned count;
    struct model_entity_def every; /* the fields of every record */
};

/* False when the page cannot be read or is not laid out as it should be. */
bool model_schema_read(struct model_schema *schema, const char *path);
const struct model_entity_def *model_schema_entity(const struct model_schema *schema,
                                                   const char *name);
/* NULL when neither the entity nor every record has the field. */
const struct model_field_def *model_schema_field(const struct model_schema *schema,
                                                 const char *entity, const char *field);

#endif

/* Building mutations and having them applied. */
#ifndef TANDEM_TESTS_ORACLE_ACT_H
#define TANDEM_TESTS_ORACLE_ACT_H

#include "tests/oracle/oracle.h"

/* Fields under construction: zero-initialised is empty. */
struct act_fields {
    struct buffer pairs;
    uint32_t count;
};
void act_field_text(struct act_fields *fields, const char *name, const char *text);
void act_field_id(struct act_fields *fields, const char *name, struct id id);
void act_field_ids(struct act_fields *fields, const char *name, const struct id *ids,
                   uint32_t count);
void act_field_truth(struct act_fields *fields, const char *name, bool truth);
void act_field_nil(struct act_fields *fields, const char *name);
void act_field_value(struct act_fields *fields, const char *name, struct bytes value);

/* Changes under construction; the fields given are released. `scope` may be NULL. */
struct act_changes {
    struct buffer list;
    uint32_t count;
};
void act_put_create(struct act_changes *changes, struct id id, const char *entity,
                    struct act_fields *fields, const struct scope *scope, const struct tag *tags,
                    uint32_t tag_count);
void act_put_update(struct act_changes *changes, struct id id, struct act_fields *fields);
void act_put_remove(struct act_changes *changes, struct id id);
void act_put_share(struct act_changes *changes, struct id id, struct tag tag, bool add);

void act_put_mention(struct act_changes *changes, struct id id, struct id note, const char *user);

/* Applies them as one mutation, releases them, and compares the answer with what the model says of
 * it. */
enum status act_apply(struct oracle *oracle, struct id actor, struct act_changes *changes);
/* The same for what must be accepted. */
void act_must(struct oracle *oracle, struct id actor, struct act_changes *changes);

struct tag act_tag(struct oracle *oracle);
/* Date `days` from the world's today. */
void act_date(struct oracle *oracle, int days, char out[11]);

#endif

/* A made-up company as a list of records to be created, before any of them has an id.
 *
 * A builder fills it from front to back: company_add() starts a record, what follows sets its
 * fields and audience. A record refers to others by their place in the list, always to earlier
 * ones, so that whoever creates them in order knows the ids by then. Values are texts as a person
 * writes them. Building needs no check at each step: when memory runs out `failed` is set, and
 * everything after that does nothing.
 */
#ifndef TANDEM_DEMO_COMPANY_H
#define TANDEM_DEMO_COMPANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOWHERE UINT32_MAX /* no record */

/* A field, and either a text or the records it refers to. */
struct setting {
    const char *field;
    char *text;
    uint32_t first_reference, reference_count;
};

struct audience_tag {
    const char *name; /* "internal", "suppliers", ...; "partner" and "dept" with `party` */
    uint32_t party;
};

struct item {
    const char *entity;
    uint32_t author; /* the user who creates it; NOWHERE: the administrator */
    uint32_t scope;  /* the party it belongs to, or NOWHERE */
    bool exists;     /* there already, made with the store: found by its name */
    uint32_t first_setting, setting_count;
    uint32_t first_tag, tag_count; /* none: the entity's own audience */
};

/* Zero-initialised storage is an empty company. */
struct company {
    struct item *items;
    struct setting *settings;
    uint32_t *references;
    struct audience_tag *tags;
    uint32_t item_count, setting_count, reference_count, tag_count;
    uint32_t item_room, setting_room, reference_room, tag_room;
    bool failed;
};

void company_release(struct company *company);

/* Starts the next record and returns its place. `entity` and the names of fields and tags are
 * constants that outlive the company. */
uint32_t company_add(struct company *company, const char *entity, uint32_t author);
/* For the record just started. */
void company_set(struct company *company, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Repeated for the same field in a row, it lists several. */
void company_refer(struct company *company, const char *field, uint32_t item);
void company_tag(struct company *company, const char *name, uint32_t party);
void company_scope(struct company *company, uint32_t party);
void company_exists(struct company *company);

/* Text of a field of a record, or NULL when it is not set. */
const char *company_text(const struct company *company, uint32_t item, const char *field);

#endif

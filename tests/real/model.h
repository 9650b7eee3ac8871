/* A naive model of what everybody should see: a list of records, kept by the test's own account of
 * what it imported and did, and rules written down as plainly as the design states them. It asks
 * the server nothing, and knows records by their names, never by ids.
 *
 *     scope     "library", "account:NAME", "party:NAME"
 *     tag       "internal", "partners", "suppliers", "dept:NAME", "partner:NAME"
 *     viewer    of departments, or of one supplier
 *
 * A record is seen when its scope is open to the viewer and one of its tags is theirs. Departments
 * see every account that is not restricted, and restricted ones as its team; suppliers see accounts
 * with an Active assignment.
 */
#ifndef TANDEM_TESTS_REAL_MODEL_H
#define TANDEM_TESTS_REAL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/real/text_list.h"

#define MODEL_FIELDS 16
#define MODEL_TAGS 8

struct item {
    char *entity, *title, *scope; /* entity and title name it */
    struct {
        const char *name;
        char *value;
    } fields[MODEL_FIELDS];
    size_t field_count;
    char *tags[MODEL_TAGS];
    size_t tag_count;
    bool gone;
};

/* Zero-initialised storage is an empty model. */
struct model {
    struct item **items;
    size_t count, capacity;
};

void model_release(struct model *model);
/* A new record, seen by "internal" until item_tag() says more. */
struct item *model_add(struct model *model, const char *entity, const char *title,
                       const char *scope);
/* The live record of that name; ends the test when there is none. */
struct item *model_find(const struct model *model, const char *entity, const char *title);
/* Sets a field; NULL or "" clears it. `name` is kept, not copied. */
void item_set(struct item *item, const char *name, const char *value);
/* "" when it is not set. */
const char *item_get(const struct item *item, const char *name);
void item_tag(struct item *item, const char *tag);
void item_untag(struct item *item, const char *tag);
void item_move(struct item *item, const char *scope);

/* ---- What a viewer sees ---------------------------------------------------------------------- */

struct viewer {
    const char *user;
    const char *supplier;       /* the partner they are of; NULL for departments */
    const char *departments[2]; /* unused ones NULL */
};

bool viewer_holds_tag(const struct viewer *viewer, const char *tag);
/* Whether the field is for departments only. */
bool model_is_internal(const char *field);

/* What a viewer sees at one moment. Zero-initialised storage is empty. */
struct sight {
    struct text_list accounts; /* the scopes of all accounts there are, sorted */
    struct text_list open;     /* those of them that the viewer may look into, sorted */
    struct text_list as_team;  /* those of them that are restricted to a team with the viewer */
    /* What they should hold, a line for each record; with the place of each in the model, and its
     * scope. */
    struct text_list lines, scopes;
    size_t *places;
};

void sight_take(struct sight *sight, const struct model *model, const struct viewer *viewer);
void sight_release(struct sight *sight);

/* What the viewer should be told between two moments, each thing once:
 * "changed LINE", "removed LINE", "entered SCOPE", "purged SCOPE". Who sees an account for another
 * reason than before (as a department, as its team) is told of it anew: "entered". */
void sight_news(const struct sight *before, const struct sight *after, struct text_list *out);

/* How a record is written as a line: its parts, with tags and fields sorted by the function. */
char *line_make(const char *entity, const char *scope, struct text_list *tags,
                struct text_list *fields);

#endif

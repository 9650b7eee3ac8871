/* Names in place of ids, for people; beside the ids, for programs.
 *
 * An id says nothing to anybody. Where one is shown (a reference, whom something is shared with,
 * the account a change is about) its record is looked up, in the copy or, where there is none, on
 * the server, and what is found is kept in a table for the time of a command:
 *
 *     {"0192f0c1-...": "Fjord Bruk AS", ...}
 *
 * which `--json` prints beside the ids as `names`, and which the sentences are made with. A record
 * that is not this user's to see has no name; its id stays. Names are looked up anew by each
 * command and not kept across a sync, in which access may end.
 */
#ifndef TANDEM_CLI_NAMES_H
#define TANDEM_CLI_NAMES_H

#include <jansson.h>

#include "cli/cli.h"

struct names {
    struct cli *cli;
    bool asks;     /* the server, for what is in no copy */
    json_t *known; /* id -> name; "" for one that was looked for in vain */
    json_t *own;   /* "entity.field" of the company's own references; NULL before the first look */
};

/* Needs the copy open, or with `asks` the connection. Out of memory it goes without names. */
void names_begin(struct names *names, struct cli *cli, bool asks);
void names_release(struct names *names);
/* The name of a record that may be gone by now: told where it cannot be looked up any more. */
void names_note(struct names *names, const char *id, const char *name);
/* "" when there is none. Valid until names_release(). */
const char *names_of(struct names *names, const char *id);
/* The field by which records of the entity are called, where it points to another record, after which
 * they are called then; else NULL. */
const char *names_title_field(const char *entity);
/* Whether the field points to records. */
bool names_refers(struct names *names, const char *entity, const char *field);
/* Looks up each id of a comma-separated list, or of a tag or a scope ("partner:ID"), and puts what
 * it finds into the table `into`. */
void names_take(struct names *names, const char *list, json_t *into);
/* The list with names for the ids that the table has; the table may be NULL. */
void names_put(const json_t *table, const char *list, struct buffer *out);
/* What an entry of a history did, in a word: "added", "unshared" for a share that only takes
 * away; `op` itself when there is none. `entry` is the whole of it, or NULL. */
const char *names_verb(const char *op, const json_t *entry);
/* Of a scope: "account Fjord Bruk AS", "the library". */
void names_put_scope(const json_t *table, const char *scope, struct buffer *out);

#endif

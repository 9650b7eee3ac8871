/* Conditions as --where takes them: "field=value", "field!=value", "<", "<=", ">", ">=", and
 * "field~part" for contains; and --sort, --limit. */
#ifndef TANDEM_CLI_WHERE_H
#define TANDEM_CLI_WHERE_H

#include "cli/cli_fields.h"

#define WHERE_MOST 16u

struct where {
    tandem_condition conditions[WHERE_MOST];
    char *fields[WHERE_MOST]; /* owned */
    char *texts[WHERE_MOST];  /* owned */
    struct field_facts facts[WHERE_MOST]; /* of each field, once resolved */
    size_t count;
    char sort[72];
    tandem_query query;
};

/* Finds the operator. False when there is none. `value` points into `text`. */
bool where_split(const char *text, char *field, size_t size, const char **op, const char **value);

/* Fills `out` from the options; nothing is asked. Release it in any case. */
enum tandem_failure where_read(struct cli *cli, const char *entity,
                               const struct arguments *arguments, struct where *out);
/* Names in conditions on references become ids; needs the connection. */
enum tandem_failure where_resolve(struct cli *cli, struct where *where);
void where_release(struct where *where);

#endif

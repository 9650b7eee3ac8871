/* Field values as people write them: "phone=+47...", "account=Fjord Bruk AS", "status=in process". */
#ifndef TANDEM_CLI_FIELDS_H
#define TANDEM_CLI_FIELDS_H

#include "cli/cli.h"

#define FIELDS_NAME 72

/* Splits "field=value"; false when there is no field or no "=". `value` points into `text`. */
bool fields_split(const char *text, char name[FIELDS_NAME], const char **value);

/* What is known of a field: its proper name, its kind, what a reference points to. */
struct field_facts {
    char name[FIELDS_NAME];
    char kind[16];
    char target[FIELDS_NAME];
    const char *const *values; /* of a built-in enum */
    bool custom;
};
/* Told of a field. */
typedef void custom_field_fn(void *context, const struct field_facts *facts);
/* Built-in fields at once, custom ones by asking the server. Tells when there is none. */
enum tandem_failure fields_facts(struct cli *cli, const char *entity, const char *name,
                                 struct field_facts *out);

/* Calls `each` for the proper names of comma-separated fields; "id" is left out. Refused when one
 * is no field of the entity: nothing is shown for a name that was mistyped. */
enum tandem_failure fields_each_column(struct cli *cli, const char *entity, const char *columns,
                                       custom_field_fn *each, void *context);

/* Tells when there is no such entity, built in or custom, as far as this user can see. */
enum tandem_failure fields_check_entity(struct cli *cli, const char *entity);

/* The field that a record of the entity is called by; "name" where nothing says otherwise. */
enum tandem_failure fields_title(struct cli *cli, const char *entity, char out[FIELDS_NAME]);

/* Calls `each` for every custom field of the entity. */
enum tandem_failure fields_each_custom(struct cli *cli, const char *entity, custom_field_fn *each,
                                       void *context);

/* References by name become ids (accounts, parties, users); everything else stays. `out` is
 * replaced. */
enum tandem_failure fields_resolve(struct cli *cli, const struct field_facts *facts,
                                   const char *text, struct buffer *out);

/* Sets a field of the change just started. `what` as for cli_fault. */
enum tandem_failure fields_set(struct cli *cli, tandem_mutation *mutation, const char *entity,
                               const char *name, const char *value, const char *what);
/* As fields_set for each pair of field and text up to a NULL field; a NULL text is left out. */
enum tandem_failure fields_set_pairs(struct cli *cli, tandem_mutation *mutation,
                                     const char *entity, const char *pairs[][2],
                                     const char *what);
/* The same for "field=value". */
enum tandem_failure fields_assign(struct cli *cli, tandem_mutation *mutation, const char *entity,
                                  const char *assignment, const char *what);

/* Adds comma-separated audience tags to the change just started. */
enum tandem_failure fields_audience(struct cli *cli, tandem_mutation *mutation, const char *tags,
                                    bool remove);

#endif

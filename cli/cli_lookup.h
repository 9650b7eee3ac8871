/* From what a person writes to what the server knows: ids, and names where names are unique.
 *
 * All of these ask the server, tell when they find nothing, and then say what there is. */
#ifndef TANDEM_CLI_LOOKUP_H
#define TANDEM_CLI_LOOKUP_H

#include "cli/cli.h"

#define LOOKUP_NAME 128
#define LOOKUP_TAG 64

/* What a command needs of a record after the answer is gone. */
struct sighting {
    char id[TANDEM_ID_TEXT];
    char entity[72];
    char scope[64];
    char account[TANDEM_ID_TEXT]; /* its field "account", or "" */
    char kind[32];                /* of a party; of a user the role; else "" */
    char title[LOOKUP_NAME];
    uint64_t seq;
};

bool lookup_is_id(const char *text);
/* Takes the record's parts. */
void lookup_take(struct sighting *out, const tandem_record *record);
/* The record of this id. */
enum tandem_failure lookup_record(struct cli *cli, const char *id, struct sighting *out);
/* A record by its id, or an account by its exact name, when only one has it. */
enum tandem_failure lookup_account(struct cli *cli, const char *text, struct sighting *out);

enum party_choice { PARTY_ANY, PARTY_DEPARTMENT, PARTY_PARTNER };
/* A party by id or name, whatever the case of its letters. */
enum tandem_failure lookup_party(struct cli *cli, const char *text, enum party_choice choice,
                                 struct sighting *out);
/* A user by id or sign-in name. */
enum tandem_failure lookup_user(struct cli *cli, const char *text, struct sighting *out);
/* An audience tag: internal, partners, suppliers, distributors, dept:NAME, partner:NAME, or the
 * name of a party. `out` receives the tag's text with ids. */
enum tandem_failure lookup_tag(struct cli *cli, const char *text, char out[LOOKUP_TAG]);

/* Calls `each` for the names, tags or ids of a list, until it fails: for the whole text when a
 * record of the entity is called so ("Pavlova, Ltd."), else for what stands between the commas. A
 * backslash before a comma makes it part of a name. */
typedef enum tandem_failure lookup_name_fn(struct cli *cli, const char *name, void *context);
enum tandem_failure lookup_each_name(struct cli *cli, const char *entity, const char *list,
                                     lookup_name_fn *each, void *context);

#endif

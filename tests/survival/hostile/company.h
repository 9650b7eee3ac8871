/* A small company on a server, made by its administrator over the wire: who is attacked, and a user
 * in whose name the attackers come. */
#ifndef TANDEM_TESTS_SURVIVAL_HOSTILE_COMPANY_H
#define TANDEM_TESTS_SURVIVAL_HOSTILE_COMPANY_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/support/server_process.h"
#include "tests/survival/hostile/talk.h"

#define COMPANY_ADMIN "admin"
#define COMPANY_PASSWORD "admin-password-1"
#define COMPANY_TOKEN 129
#define COMPANY_RECORDS 8 /* interactions that attackers know of */

struct company {
    struct id honest;                   /* an interaction that only the honest client changes */
    struct id account;                  /* what attackers play with */
    struct id records[COMPANY_RECORDS]; /* in it */
    char user[32];                      /* a member of a department */
    struct id user_id;
    char token[COMPANY_TOKEN]; /* of theirs */
    char newcomer[COMPANY_TOKEN]; /* of another user, who is honest */
};

/* Makes it on a server that runs, with `ballast` interactions of 4 KiB besides, which a subscriber
 * gets to read. False after saying why. */
bool company_make(struct company *company, const struct server_process *server, unsigned ballast);

/* Another user of a department, who has the password; their token too unless NULL. Used by tests
 * that need several. The administrator has signed in on `admin`. */
bool company_add_user(struct talk *admin, const struct server_process *server, const char *name,
                      const char *password, struct id *id, char token[COMPANY_TOKEN]);

/* The list of changes that sets the subject of an interaction to the number. */
void company_put_update(struct buffer *out, struct id id, uint64_t number);

#endif

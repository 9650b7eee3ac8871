/* A small company on a real server, and the programs of the guide, built against the installed
 * library.
 *
 * kari and nils are of the sales department, vera may only look, eva is of the supplier Nordic
 * Paper. Made once, for all tests of the program; a test that fails says why and ends. */
#ifndef TANDEM_TESTS_INTEGRATION_COMPANY_H
#define TANDEM_TESTS_INTEGRATION_COMPANY_H

#include <stddef.h>

#include "tests/support/server_process.h"
#include "tests/support/tandem_command.h"

struct company {
    char folder[SCRATCH_PATH];
    struct server_process server;
};

#define COMPANY_PASSWORD "nordlys-password" /* of everybody but the administrator */
#define COMPANY_ID 40                       /* room for a record's id */
#define COMPANY_WORDS 16                    /* of a command, at most */

/* 0 when it stands. */
int company_make(struct company *company);
void company_end(struct company *company);

/* Runs a command as a user, words separated by '|'. It must succeed; release the output. */
struct tandem_output company_run(const struct company *company, const char *user,
                                 const char *words);
/* The same, when only success counts. */
void company_do(const struct company *company, const char *user, const char *words);
/* The same, and the id of the record that it made. */
void company_add(const struct company *company, const char *user, const char *words,
                 char id[COMPANY_ID]);

#endif

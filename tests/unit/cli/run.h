/* Running a command line inside the test, with a profile of its own. */
#ifndef TANDEM_TESTS_CLI_RUN_H
#define TANDEM_TESTS_CLI_RUN_H

#include <stddef.h>

struct run {
    int status;
    char *out;
    char *err;
};

/* Splits nothing: the words are given one by one, ended by NULL. The first is not the program. */
struct run run_tandem(const char *first, ...) __attribute__((sentinel));
void run_release(struct run *run);

/* A new folder; TANDEM_PROFILE is set to one inside it. */
const char *run_folder(char out[64]);
void run_delete(const char *folder);

#endif

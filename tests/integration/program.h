/* A program of the guide while it runs: what it is fed, and what it says. */
#ifndef TANDEM_TESTS_INTEGRATION_PROGRAM_H
#define TANDEM_TESTS_INTEGRATION_PROGRAM_H

#include "tests/integration/company.h"

#define PROGRAM_ROWS 24 /* of a terminal */

struct program {
    pid_t pid;
    int in;     /* its standard input; -1 when closed */
    int out;    /* its standard output and error */
    char *said; /* all of it so far, with a NUL */
    size_t size;
    size_t seen; /* what the test has dealt with */
};

/* Starts bin/NAME as `user`, in the user's own folder for it, with `last` (or NULL) as the last
 * argument. */
void program_start(struct program *program, const struct company *company, const char *name,
                   const char *user, const char *last);
/* The same in a terminal of 80 columns, which is `in` and `out`. */
void program_start_in_terminal(struct program *program, const struct company *company,
                               const char *name, const char *user);
void program_feed(struct program *program, const char *text, size_t size);
void program_close_input(struct program *program);
/* Waits until it says this, from where the test has come to, and goes there. */
void program_says(struct program *program, const char *text);
/* Reads what it says next; false when it has ended. */
bool program_hear(struct program *program);
/* The same if it says something within a moment. */
bool program_hear_soon(struct program *program);
/* kill -9, and what it still had said. */
void program_kill(struct program *program);
/* Waits for its end; the exit status. */
int program_end(struct program *program);
/* Frees what it said. */
void program_release(struct program *program);

#endif

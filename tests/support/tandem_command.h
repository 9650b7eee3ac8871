/* The `tandem` command as a user runs it, in a profile of their own. */
#ifndef TANDEM_TESTS_SUPPORT_TANDEM_COMMAND_H
#define TANDEM_TESTS_SUPPORT_TANDEM_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tandem_command {
    const char *profile;      /* folder: TANDEM_PROFILE */
    const char *password;     /* TANDEM_PASSWORD, or NULL */
    const char *new_password; /* TANDEM_NEW_PASSWORD, or NULL */
    const char *input;        /* file for standard input, or NULL */
};

struct tandem_output {
    int status;      /* exit status */
    char *out, *err; /* never NULL */
};

/* Runs it with `arguments` (NULL-terminated, without the program's name). A command that cannot be
 * run has a status of 126 or more. Release the output. */
struct tandem_output tandem_command_run(const struct tandem_command *command,
                                        const char *const *arguments);
void tandem_output_release(struct tandem_output *output);

/* The text of a member of the JSON object that was printed, copied to `out`: "" when it has none.
 */
void tandem_output_text(const struct tandem_output *output, const char *member, char *out,
                        size_t size);
/* A number of it, or -1. */
int64_t tandem_output_number(const struct tandem_output *output, const char *member);

#endif

/* Secrets from the person at the keyboard. */
#ifndef TANDEM_CLI_PROMPT_H
#define TANDEM_CLI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#define PROMPT_SECRET 1001

/* Asks on the terminal, without showing what is typed; where there is no terminal, reads a line of
 * standard input. False at the end of input or when the line is too long. */
bool prompt_secret(const char *question, char out[PROMPT_SECRET]);

/* Asks on the terminal, and reads one line; true for yes. */
bool prompt_yes(const char *question);

/* Whether a secret has the form of a one-time code: five groups of four capital letters and digits
 * (Crockford's alphabet), as "7QK2-M9XD-...". */
bool prompt_is_code(const char *secret);

#endif

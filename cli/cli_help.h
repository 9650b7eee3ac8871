/* Help, made from the table of commands. */
#ifndef TANDEM_CLI_HELP_H
#define TANDEM_CLI_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/cli_arguments.h"

/* All commands, one line each. */
void help_commands(FILE *out);
/* The commands whose name begins with this word ("user"); false when there are none. With
 * `out` NULL it only looks. */
bool help_group(FILE *out, const char *word);
/* One command: usage, what it does, options. */
void help_command(FILE *out, const struct command *command);

/* The same as an object in a line: command, arguments, summary, details, options. */
void help_print_json(FILE *out, const struct command *command);
/* Those whose name begins with the word, or with NULL all, a line each. False when there are none. */
bool help_print_json_each(FILE *out, const char *word);

#endif

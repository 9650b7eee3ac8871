/* Options and arguments of a command, read as its table says.
 *
 * Options may stand anywhere among the arguments; `--` ends them. Every command has --json and
 * --help besides its own. Values point into argv and live as long as it.
 */
#ifndef TANDEM_CLI_ARGUMENTS_H
#define TANDEM_CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "tandem/tandem.h"

struct cli;
struct arguments;

struct option_def {
    const char *name;  /* without dashes; NULL ends the table */
    const char *value; /* what its value is called in the help; NULL for a switch */
    const char *help;
};

struct command {
    const char *name;      /* "add", "user add" */
    const char *arguments; /* as the usage line shows them */
    const char *summary;   /* one line, for the list of commands */
    const char *details;   /* the rest of --help; may be NULL */
    const struct option_def *options; /* may be NULL */
    size_t least, most;    /* number of arguments */
    enum tandem_failure (*run)(struct cli *cli, const struct arguments *arguments);
};
#define ARGUMENTS_ANY ((size_t)-1)

struct given_option {
    const char *name;
    const char *value; /* NULL for a switch */
};

struct arguments {
    const char **positional;
    size_t count;
    struct given_option *given;
    size_t given_count;
};

/* Reads argv[0..argc) (without program and command names). False when wrong, with a sentence in
 * `problem`. Call arguments_release() in any case. */
bool arguments_read(const struct command *command, int argc, char *const *argv,
                    struct arguments *out, char problem[256]);
void arguments_release(struct arguments *arguments);

bool arguments_has(const struct arguments *arguments, const char *name);
/* The last value given, or NULL. */
const char *arguments_value(const struct arguments *arguments, const char *name);
size_t arguments_repeats(const struct arguments *arguments, const char *name);
/* The index-th value given for an option that may be repeated; NULL beyond the end. */
const char *arguments_nth(const struct arguments *arguments, const char *name, size_t index);
/* A whole number from `least` to `most`. False when it is not one. */
bool arguments_number(const char *text, unsigned long least, unsigned long most,
                      unsigned long *out);

/* ---- The table of commands (cli_commands.c) ------------------------------------------------- */

size_t commands_count(void);
const struct command *commands_at(size_t index);
/* Finds the command that argv begins with and how many words name it; NULL when none does. */
const struct command *commands_find(int argc, char *const *argv, int *words);
/* The command whose first word is at most two letters away; NULL when none is. */
const struct command *commands_near(const char *word);

#endif

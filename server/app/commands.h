/* The subcommands of tandemd, as a table. Exit status: 0 done, 1 failed or refused, 2 usage. */
#ifndef TANDEM_APP_COMMANDS_H
#define TANDEM_APP_COMMANDS_H

#include "server/app/options.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct app_command {
    const char *name;
    const char *synopsis;
    const char *about;
    const char *flags; /* for options_parse */
    bool word;
    int (*run)(const struct options *options);
};

/* Finds the command, parses and runs it; the process's exit status. */
int commands_main(int argc, char **argv);

int command_init(const struct options *options);           /* founding.c */
int command_run(const struct options *options);            /* run.c */
int command_check_config(const struct options *options);   /* run.c */
int command_check(const struct options *options);          /* maintenance.c */
int command_backup(const struct options *options);         /* maintenance.c */
int command_restore(const struct options *options);        /* restore.c */
int command_reset_password(const struct options *options); /* maintenance.c */

/* Says on standard error what went wrong; returns EXIT_FAILED. */
int command_failed(const char *what, enum status status, const struct fault *fault);
/* Says how it is used; returns EXIT_USAGE. */
int command_usage(const char *why);

#endif

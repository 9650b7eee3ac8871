/* The command line: "tandemd COMMAND [--flag value | --flag=value | word]...". Settings of the
 * configuration file are flags of the same name, and win over the file. */
#ifndef TANDEM_APP_OPTIONS_H
#define TANDEM_APP_OPTIONS_H

#include "server/app/config.h"

struct options {
    struct config config;
    const char *config_path; /* NULL: none */
    const char *admin, *to, *from;  /* NULL: not given */
    const char *word;        /* the one argument that is no flag; NULL: none */
    bool json, check_config, help;
};

/* `flags` names what the command takes, divided by spaces; "settings" stands for all of them.
 * `word`: whether it takes an argument. Reads the configuration file when one is named. Strings
 * point into `argv`. USAGE when the command line is wrong, what config_read says when the file is. */
enum status options_parse(int argc, char **argv, const char *flags, bool word,
                          struct options *out, struct fault *fault);

#endif

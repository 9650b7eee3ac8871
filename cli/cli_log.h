/* What log and note have in common: a new record with a text, about another. */
#ifndef TANDEM_CLI_LOG_H
#define TANDEM_CLI_LOG_H

#include "cli/cli.h"
#include "cli/cli_lookup.h"

/* Whether the text on the command line will do, before anything is connected. */
enum tandem_failure log_check_text(struct cli *cli, const struct arguments *arguments);
/* Makes the record, tied to what it is about, and tells. `pairs` ends with {NULL, NULL}; `what`
 * says what has not happened when it fails. */
enum tandem_failure log_make(struct cli *cli, const struct arguments *arguments,
                             const struct sighting *about, const char *entity,
                             const char *pairs[][2], const char *what);

#endif

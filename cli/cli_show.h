/* Parts of `tandem show`. */
#ifndef TANDEM_CLI_SHOW_H
#define TANDEM_CLI_SHOW_H

#include "cli/cli.h"

/* "  name                Fjord Bruk AS", with further lines of the text below each other. */
void show_line(FILE *out, const char *name, const char *text);
/* Shows the record of this id or name, as it was, when its removal waits in the outbox of the open
 * copy. False, and nothing is printed, when none does. */
bool show_removed(struct cli *cli, const char *text);

#endif

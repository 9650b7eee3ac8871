/* The outbox of the profile, as several commands open it. */
#ifndef TANDEM_CLI_OUTBOX_H
#define TANDEM_CLI_OUTBOX_H

#include <jansson.h>

#include "cli/cli.h"

/* Opens the copy, whether the profile is offline or not. *empty: there is none, so nothing waits.
 */
enum tandem_failure outbox_open(struct cli *cli, bool *empty);
/* The same, and finds the entry meant, as entry_find(). */
enum tandem_failure outbox_find(struct cli *cli, const char *text, unsigned states, json_t **out);
/* Refuses when entries wait that would be lost: `what` is not done ("not signed out"), and they are
 * listed. Nothing is open afterwards. */
enum tandem_failure outbox_refuse_to_lose(struct cli *cli, const char *what);
/* Lists what is about to be thrown away with the copy. Nothing is open afterwards. */
void outbox_tell_lost(struct cli *cli);

#endif

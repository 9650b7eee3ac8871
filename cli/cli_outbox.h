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
/* The entries as a table, or with --json as an object a line. */
void outbox_print(struct cli *cli, const json_t *entries, FILE *out);

/* Entries that change, or point to, what this one would have made, oldest first, as an array to
 * json_decref(): without it the server refuses them. The copy is open. */
json_t *outbox_behind(struct cli *cli, const json_t *entry);

/* ---- Leaving (cli_outbox_leave.c): the copy is about to be deleted; nothing is open afterwards ---- */

/* When something waits that would be lost, lists it, and asks whether it is to be thrown away: at a
 * terminal. Elsewhere, and without a yes, it refuses: `what` is not done ("not signed out"). */
enum tandem_failure outbox_agree_to_lose(struct cli *cli, const char *what);
/* Lists what is thrown away, which was agreed to beforehand by --discard. */
void outbox_tell_lost(struct cli *cli);

#endif

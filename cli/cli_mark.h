/* Marks of records that an entry of the outbox changes, wherever the records come from.
 *
 * A record of the copy carries its state. One the server has answered knows nothing of the outbox,
 * which also holds conflicts and refusals while the profile is online; so what is in it is noted
 * while the copy is open, before the command goes on to the server.
 */
#ifndef TANDEM_CLI_MARK_H
#define TANDEM_CLI_MARK_H

#include <jansson.h>

#include "cli/cli.h"

/* Notes what is in the outbox of the open copy, for as long as the command runs. When it cannot be
 * read the command goes on without marks. */
void mark_note(struct cli *cli);
void mark_release(struct cli *cli);
/* Whether records have a state to be told: they come from the copy, or something was noted. */
bool mark_known(const struct cli *cli);
/* "pending" and the like, "" for a record that no entry changes. */
const char *mark_of(const struct cli *cli, const tandem_record *record);
/* What is in the outbox, as entry_read_all(): an array to json_decref(), or NULL. */
json_t *mark_entries(struct cli *cli);
/* The newest entry in conflict that changes the record; 0 when there is none. */
uint64_t mark_conflict(struct cli *cli, const char *id);

#endif

/* What a change that was to win has won over: whose value it replaced, and when that was written.
 *
 * The server takes such a change without a word about it. The history of the record has both, so it
 * is asked afterwards; where it cannot be asked, nothing is said. What was replaced is an array,
 * which `--json` has as `overwrote`:
 *
 *     [{"field":"phoneNumber", "value":"+4722222222", "by":"nils", "at":"2026-03-01T09:30:00.000Z"}]
 */
#ifndef TANDEM_CLI_OVERWRITE_H
#define TANDEM_CLI_OVERWRITE_H

#include <jansson.h>

#include "cli/cli.h"

/* Of a change that the server took as `seq`, whose author had seen the record as of `seen`: an
 * array to json_decref(), empty when it replaced nothing; or NULL. */
json_t *overwrite_find(struct cli *cli, const char *id, uint64_t seen, uint64_t seq);
/* Of an entry of the outbox that was accepted: adds `overwrote` to it, if it was to win and did. */
void overwrite_note(struct cli *cli, json_t *entry);
/* The same of one in conflict that is settled with other values than theirs, before it is sent. */
void overwrite_note_theirs(json_t *object, const json_t *entry);
/* A line for each value of the object's `overwrote`; nothing when it has none. `verb`: "overwrote",
 * or "replaces" while the server has not taken it. */
void overwrite_print(const json_t *object, const char *verb, FILE *out);

#endif

/* Bringing what waits in the outbox to its end.
 *
 * The copy is open. What waits is noted, the connection is made, and the library sends; this waits
 * until everything that can be is answered (an entry behind one that was refused is held back by
 * the library) and, when asked to, until the copy is as the server has it. It gives up when nothing
 * moves for a while; what is not answered then waits on. Then each entry that was noted is looked
 * at again, and what became of it is told.
 */
#ifndef TANDEM_CLI_SETTLE_H
#define TANDEM_CLI_SETTLE_H

#include <jansson.h>

#include "cli/cli.h"

struct settled {
    size_t accepted, conflicts, refused, waiting;
    size_t dropped; /* by another process, which has given them up or settled them otherwise */
};

/* Connects and waits, telling nothing but the progress, for the entries noted by entry_read_all() and
 * whatever else waits. UNREACHABLE or REFUSED with the reason in
 * cli->fault, and cli->ever_connected, when it did not come to its end. `sync`: also until the copy
 * is whole; when that was is written beside it. */
enum tandem_failure settling_run(struct cli *cli, json_t *noted, bool sync);
/* Tells what became of the entries noted: a line for each on cli->out, of conflicts
 * with both values and the next step. */
void settling_tell(struct cli *cli, const json_t *noted, struct settled *out);
/* Before another command: the outcome in a remark or two. As settling_run(). */
enum tandem_failure settling_quietly(struct cli *cli, struct settled *out);
/* Sends what waits now and tells each outcome; for a profile that is offline, that it waits until
 * `tandem online`. For commands that have queued something again. */
enum tandem_failure settling_now(struct cli *cli);
/* Counts into `settled` everything that a person is to decide, also what was so before. */
void settling_count_aside(struct cli *cli, struct settled *settled);
/* Says that something is left to decide, and how to go on; nothing when nothing is. */
void settling_tell_left(struct cli *cli);
/* What the outcome is as an exit status. */
enum tandem_failure settling_status(const struct settled *settled);

#endif

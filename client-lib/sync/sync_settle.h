/* Telling of what was deleted only when it is gone. It stands between the rest of sync and its
 * port:
 *
 *     event, acknowledgement --> nothing of what was purged is left? --> out
 *                                  else: kept, in order, until the replica is scrubbed
 *
 * What has changed since the last scrub is mostly little, and scrubbed on the spot. A large file for
 * the first time, or one that somebody else reads, is scrubbed by sync_run() in slices; messages
 * that come meanwhile are applied, and what comes of them waits its turn. The server stops by
 * itself, since it hears no acknowledgements.
 *
 * What was merely removed or replaced is scrubbed when nothing has come for a while, and at the
 * end. Internal to sync. */
#ifndef TANDEM_CLIENT_LIB_SYNC_SETTLE_H
#define TANDEM_CLIENT_LIB_SYNC_SETTLE_H

#include "client-lib/sync/sync.h"

/* Puts itself before the port. */
void sync_settle_init(struct sync *sync, const struct sync_port *port);
void sync_settle_release(struct sync *sync);
/* The connection is gone, and the acknowledgement with it. What is to be told is still told. */
void sync_settle_stop(struct sync *sync);
/* Goes on: scrubs a slice if that is due, and tells what waited for it. The replica's error, after
 * which the connection is to be closed. */
enum status sync_settle(struct sync *sync);
/* When sync_settle() is to be called, in the time of sync_clock(); UINT64_MAX: not at all. */
uint64_t sync_settle_due(const struct sync *sync);
/* Scrubs what is left to be, before the replica is closed; nothing is told any more. */
void sync_settle_close(struct sync *sync);

#endif

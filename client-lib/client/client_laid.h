/* What lies over the records of the replica: changes of the outbox that the server has not answered
 * or the replica not received, and those it did not take.
 *
 * Everything that reads comes through here when there is something in the outbox, and not at all
 * when there is nothing. A record is looked up anew each time, the outbox before the replica: an
 * entry leaves the outbox when the replica shows it, so in this order it is always found in at
 * least one of them, and overlay_add() passes over what is in both. No transaction stays open
 * behind a call, so a callback that changes something reads it at once. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_LAID_H
#define TANDEM_CLIENT_LIB_CLIENT_LAID_H

#include "client-lib/outbox/overlay.h"

/* Whether some record may look different from what the replica holds. When false nothing else in
 * here needs to be called. */
bool laid_any(const tandem_client *client);
/* The record as its author left it, in `out` (see overlay.h), which the caller releases. *laid is
 * false when the outbox has nothing about it: then `out` is empty, and the replica holds what there
 * is. */
enum status laid_get(tandem_client *client, struct id id, struct overlay *out, bool *laid);
/* The record as it was before an entry came, or before it went: what is there without it, else with
 * it. `out` as above. */
enum status laid_before(tandem_client *client, struct id id, const struct outbox_item *item,
                        struct overlay *out);
/* The ids of all records that the outbox has something about, ID_SIZE bytes each, sorted, appended
 * to `out`. */
enum status laid_ids(tandem_client *client, struct buffer *out);
/* Whether the id is among sorted ids. */
bool laid_has(const struct buffer *ids, struct id id);

#endif

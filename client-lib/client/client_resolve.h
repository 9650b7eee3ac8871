/* What the parts of settling conflicts share.
 *
 *     client_resolve.c           mine, theirs, or other values
 *     client_resolve_order.c     what else of one's own is about the same fields
 *     client_resolve_renew.c     what a conflict is against by now
 *     client_resolve_together.c  several values of one's own for the same fields, settled as one
 *
 * Functions that return a status have filled the handle's fault when it is not OK. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_RESOLVE_H
#define TANDEM_CLIENT_LIB_CLIENT_RESOLVE_H

#include "client-lib/client/client.h"
#include "client-lib/client/client_queue.h"
#include "client-lib/outbox/resolve.h"

/* Puts the status into words. */
enum status resolve_refuse(tandem_client *client, enum status status);
/* The seq up to which the author has now seen a record: a resolve_seen_fn. */
uint64_t resolve_seen_now(void *client, struct id id);
/* A resolve_created_fn. */
bool resolve_is_created(void *client, const struct outbox_item *item, struct id id);
/* What a settled entry is queued again as: `changes`, with what was seen of its records put into
 * `seen`, both of which must outlive it. */
enum status resolve_item(tandem_client *client, const struct queue_copy *copy, struct bytes changes,
                         struct buffer *seen, struct outbox_item *out);

/* ---- client_resolve_order.c ---- */

/* USAGE when an older value of one's own for the same field is in conflict. */
enum status resolve_check_oldest(tandem_client *client, const struct outbox_item *item);
/* USAGE when a newer value of one's own for a field of these changes is in an entry of one of these
 * states (bits), and so would be replaced by the older. */
enum status resolve_check_newest(tandem_client *client, const struct outbox_item *item,
                                 struct bytes changes, unsigned states);

/* An entry of those that are settled together. */
struct resolve_one {
    uint64_t typed, order;
};
/* The entry, and those in conflict about nothing but fields that it sets as well, as struct
 * resolve_one in the order in which they were typed. One alone when it is in conflict about more
 * than fields. USAGE when an older one for the same field is in conflict about others, too. */
enum status resolve_group(tandem_client *client, const struct outbox_item *item,
                          struct buffer *out);

/* ---- client_resolve_renew.c ---- */

/* Somebody who chooses their own values has looked at what they replace. Where that is another by
 * now, also by a change of their own on another device, which the server would take without a word,
 * the conflict shows that from now on. *other: it does. */
enum status resolve_renew(tandem_client *client, struct queue_copy *copy, bool *other);
/* Before a refused entry is sent again. CONFLICT when something else than its author saw stands in
 * the place of its values by now, a newer one of their own included: it is in conflict from then
 * on. */
enum status resolve_contest(tandem_client *client, const struct queue_copy *copy);

/* ---- client_resolve_together.c ---- */

/* The author's values of all these entries once more, in the order in which they were typed, so
 * that the newest stands. CONFLICT as with one. */
enum status resolve_together(tandem_client *client, const struct resolve_one *ones, size_t count,
                             uint64_t entry);

#endif

/* Queueing a mutation: what its author saw is put down with it.
 *
 * Of each record that a mutation changes, the entry keeps what the replica held of it at the time:
 * for a person who settles a conflict, and to make the record again when somebody else deleted it.
 * Its base is the seq up to which the author had seen all of them; of a record of their own that is
 * not taken yet they have seen nothing that others do to it. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_QUEUE_H
#define TANDEM_CLIENT_LIB_CLIENT_QUEUE_H

#include "client-lib/outbox/outbox_store.h"

/* Bytes of fields that one entry keeps: of whole records up to the first, and beyond it only of the
 * fields that are changed, up to the second. */
#define QUEUE_WHOLE_BYTES (64u * 1024u)
#define QUEUE_FIELD_BYTES (1024u * 1024u)

/* What is known of the records that these encoded changes are about, and that the accounts and
 * scopes they go into were there: the list for an entry, appended to `seen`, and the base, 0 when
 * nothing is held of the records. */
enum status queue_look(tandem_client *client, struct bytes changes, struct buffer *seen,
                       uint64_t *base);

/* Queues the changes durably and, when that can be, sends them. *order receives the entry. */
enum status queue_add(tandem_client *client, struct bytes changes, uint64_t base, bool overwrite,
                      uint64_t *order);

/* An entry as it was, which outlives it. Zeroed storage is ready. */
struct queue_copy {
    struct outbox_item from;
    struct buffer bytes;
};
enum status queue_copy(tandem_client *client, uint64_t order, struct queue_copy *out);
void queue_copy_release(struct queue_copy *copy);

/* Tells the readers of the handle that this entry is new or has changed. */
void queue_tell(tandem_client *client, uint64_t order);

#endif

/* Pending changes laid over what the replica holds: a record as its author left it.
 *
 * Pure: an encoded record (or none) and the entries of the outbox over it, oldest first, give an
 * encoded record (or none). What the server would do with a change is done in the same way here as
 * far as a client can know it; what only the server knows (unique fields, whether the user may) is
 * found out when it answers. */
#ifndef TANDEM_CLIENT_LIB_OVERLAY_H
#define TANDEM_CLIENT_LIB_OVERLAY_H

#include "client-lib/outbox_store.h"
#include "client-lib/record.h"

/* Who makes the changes, for modifiedBy and createdBy. */
struct overlay_author {
    struct bytes name;
};

struct overlay {
    struct buffer record; /* encoded; empty: there is none */
    uint64_t entry;       /* the newest laid over it, 0: none */
    tandem_state state;   /* SYNCED when nothing was */
};

/* Zeroed storage is ready. Begins with what the replica holds ("none": nothing). */
enum status overlay_begin(struct overlay *overlay, struct bytes held);
/* Lays the changes of one entry to `id` over it. ACCEPTED entries whose seq is not above `shown`
 * (the replica's cursor, or the record's seq when that is higher) are passed over, and so are those
 * in quarantine, which only mark the state. MALFORMED when stored bytes make no sense. */
enum status overlay_add(struct overlay *overlay, const struct outbox_item *item, struct id id,
                        uint64_t shown, const struct overlay_author *author);
void overlay_release(struct overlay *overlay);

#endif

/* Pending changes laid over what the replica holds: a record as its author left it.
 *
 * Pure: an encoded record (or none) and the entries of the outbox over it, oldest first, give an
 * encoded record (or none). What the server would do with a change is done in the same way here as
 * far as a client can know it; what only the server knows (unique fields, whether the user may) is
 * found out when it answers.
 *
 * An entry that was not taken changes nothing and only marks the record. What such an entry
 * creates has no other place to be seen than with it: it is laid too, with whatever was changed of
 * it afterwards, and the result is marked as standing apart from what the replica can show. */
#ifndef TANDEM_CLIENT_LIB_OVERLAY_H
#define TANDEM_CLIENT_LIB_OVERLAY_H

#include "client-lib/base/record.h"
#include "client-lib/outbox/outbox_store.h"
#include "protocol/wire.h"

/* Who makes the changes, for modifiedBy and createdBy, and for the audience that a new record
 * starts with. */
struct overlay_author {
    struct bytes name;
    bool partner;             /* of an outside partner, which is then the only party */
    const struct id *parties; /* their departments, or partner */
    size_t party_count;
};

struct overlay {
    struct buffer record; /* encoded; empty: there is none */
    uint64_t entry;       /* the newest laid over it, 0: none */
    tandem_state state;   /* SYNCED when nothing was; of several the gravest: CONFLICT, REFUSED,
                             PENDING */
    bool apart;           /* the record is only in an entry that was not taken */
    struct buffer next;   /* where the next version is written */
};

/* Zeroed storage is ready. Begins with what the replica holds ("none": nothing). */
enum status overlay_begin(struct overlay *overlay, struct bytes held);
/* Lays the changes of one entry to `id` over it. ACCEPTED entries whose seq is not above `shown`
 * (the replica's cursor, or the record's seq when that is higher) are passed over, and so are those
 * in quarantine, which only mark the state. `item->changes` is wire-validated. MALFORMED when
 * stored bytes make no sense, NO_MEMORY: the record is then as it was or part of the way. */
enum status overlay_add(struct overlay *overlay, const struct outbox_item *item, struct id id,
                        uint64_t shown, const struct overlay_author *author);
void overlay_release(struct overlay *overlay);

/* The records that an encoded array of changes is about, in its order; one with several changes is
 * met several times. */
struct overlay_ids {
    struct wire_reader reader;
    uint32_t left;
};
struct overlay_ids overlay_ids(struct bytes changes);
/* False at the end, and at what is no change. */
bool overlay_ids_next(struct overlay_ids *ids, struct id *out);

#endif

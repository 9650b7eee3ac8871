/* What a settled conflict leaves to be sent: pure, from the entry to new changes. */
#ifndef TANDEM_CLIENT_LIB_RESOLVE_H
#define TANDEM_CLIENT_LIB_RESOLVE_H

#include "client-lib/outbox/outbox_entry.h"

/* The seq up to which its author has now seen a record of which the server told no conflict, though
 * there are some: what the replica holds. */
typedef uint64_t resolve_seen_fn(void *context, struct id id);

/* Whether an entry before this one makes the record: then the server cannot have it yet, and it is
 * not deleted, whatever the conflict tells. */
typedef bool resolve_created_fn(void *context, const struct outbox_item *item, struct id id);

struct resolve {
    const struct outbox_item *item;
    resolve_seen_fn *seen_now;
    resolve_created_fn *is_created;
    void *context;
    struct bytes own; /* sign-in name of the author: with whose own newer values there are conflicts
                         that tell nothing of what others have done until then */
    struct id new_id; /* for a record that is to be made again */
    struct id old_id; /* of that record */
    bool made;        /* it was needed */
    uint32_t count;   /* of the changes written */
    enum status status;
};

/* The author's changes once more, against what is there now; a record that was deleted is made
 * again under `new_id`, from what the author saw of it and their changes. NOT_FOUND when too little
 * of it is known to do that. */
enum status resolve_mine(struct resolve *resolve, struct buffer *out);
/* What of the changes is not in conflict. Removals are given up together when others have changed
 * one of the records: an account that stays is to stay with what is in it. */
enum status resolve_theirs(struct resolve *resolve, struct buffer *out);
/* A refusal that asks nothing: of removals alone, because somebody else deleted records of theirs
 * already. False when that is not all there is; else `out` has those that are still to be removed,
 * *left of them. */
bool resolve_removals(struct bytes changes, struct bytes conflicts, struct buffer *out,
                      uint32_t *left);
/* The newest seq of the conflicts. */
uint64_t resolve_newest(struct bytes conflicts);

#endif

/* The feed of everything, and the lanes: the feed of one (scope, tag).
 *
 * All of a row is in its key: [scope, tag,] seq, id. A mutation may change several records at one
 * seq; the id tells them apart. */
#include <string.h>

#include "server/store/tables.h"

#define PLACE_SIZE (8u + ID_SIZE)

/* Steps from the place (*seq, *id) to the next row whose key is `prefix` and a place. */
static enum status next_place(struct txn *txn, enum table table, struct key *prefix, uint64_t *seq,
                              struct id *id)
{
    const size_t size = prefix->size;
    struct bytes found;
    key_add_u64(prefix, *seq);
    key_add_id(prefix, *id);
    const enum status status = txn_behind(txn, table, key_bytes(prefix), false, &found, NULL);
    if (status != STATUS_OK)
        return status;
    if (!bytes_begin_with(found, bytes_of(prefix->data, size)))
        return STATUS_NOT_FOUND;
    if (found.size != size + PLACE_SIZE)
        return STATUS_CORRUPT;
    *seq = get_u64(found.data + size);
    memcpy(id->octet, found.data + size + 8, ID_SIZE);
    return STATUS_OK;
}

enum status table_feed_next(void *self, uint64_t *seq, struct id *id)
{
    struct key key = {0};
    return next_place(txn_from(self), TABLE_FEED, &key, seq, id);
}

enum status table_lane_next(void *self, struct scope scope, struct tag tag, uint64_t *seq,
                            struct id *id)
{
    struct key key = {0};
    key_add_scope(&key, scope);
    key_add_tag(&key, tag);
    return next_place(txn_from(self), TABLE_LANE, &key, seq, id);
}

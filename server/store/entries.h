/* The rows that a record stands in besides its own: feed, lanes, indexes, timeline.
 *
 * entries_of is the one definition of which they are. Putting a record removes and inserts the
 * difference between the rows of the old and of the new one; forgetting removes them; the check
 * asks for each and counts that there are no others. All of a row is in its key, which ends with
 * the id of the record; its value is empty.
 *
 *     feed      once, at its seq
 *     lane      once for each placement, former ones included, at record_lane_seq()
 *     index     live records: one row for the walk by id, one for each indexed field with a value
 *     timeline  live records of an entity with a timeline field, in the scope of an account
 */
#ifndef TANDEM_STORE_ENTRIES_H
#define TANDEM_STORE_ENTRIES_H

#include "server/core/record/record.h"
#include "server/store/layout.h"

#define ENTRIES_MAX (1u + LIMIT_PLACEMENTS + 1u + LIMIT_FIELDS + 1u)

struct entry {
    enum table table;
    struct key key;
};

/* About 55 KiB: keep one per writer. Zero-initialised storage is valid. */
struct entries {
    bool ascii; /* asked for: text in the index as stores before format 3 have it */
    size_t count;
    struct buffer value; /* scratch */
    struct entry entry[ENTRIES_MAX];
};

/* Replaces what is in `entries`. INVALID_VALUE when the entity's name cannot be part of a key,
 * LIMIT when the record has more indexed fields than a record may have fields. */
enum status entries_of(const struct record *record, struct entries *entries);
void entries_release(struct entries *entries);
bool entries_have(const struct entries *entries, const struct entry *entry);

#endif

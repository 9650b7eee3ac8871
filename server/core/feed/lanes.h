/* Several lanes read as one feed, in order of (seq, id).
 *
 * Each lane remembers its next entry, and a heap orders the lanes by it, so that a step costs one
 * look into the store whatever the number of lanes. Entries are remembered beyond the snapshot
 * they were read from; that is safe because a record that moves only moves to a later seq: what
 * is remembered is at worst a place where nothing stands any more, never one that skips something.
 */
#ifndef TANDEM_CORE_LANES_H
#define TANDEM_CORE_LANES_H

#include "server/core/state.h"

struct lane {
    struct scope scope;
    struct tag tag;
    uint64_t seq; /* of the next entry, while `ready` */
    struct id id;
    bool ready;
    bool unread; /* listed in lanes.unread */
};

/* Zero-initialised storage is a valid, empty set. */
struct lanes {
    struct lane *items;
    uint32_t *heap;   /* lanes that are ready, the first entry on top */
    uint32_t *unread; /* lanes that may hold something and must be looked into */
    uint32_t count, capacity, heap_count, unread_count;
};

void lanes_release(struct lanes *lanes);
void lanes_clear(struct lanes *lanes); /* keeps the memory */
/* A new lane, not yet looked into. False when out of memory. */
bool lanes_add(struct lanes *lanes, struct scope scope, struct tag tag);
/* Something in the lane moved. */
void lanes_mark(struct lanes *lanes, uint32_t index);

/* Whether one of `count` lanes from `first` on may hold something up to `seq`; true also when that
 * is not known. */
bool lanes_may_hold(const struct lanes *lanes, uint32_t first, uint32_t count, uint64_t seq);

/* The first entry behind `seq` of all lanes, as far as they have been marked. NOT_FOUND when there
 * is none, or an error of the store. */
enum status lanes_first(struct lanes *lanes, const struct state *state, uint64_t seq,
                        uint64_t *entry_seq, struct id *id);
/* Steps past the entry lanes_first gave. */
enum status lanes_step(struct lanes *lanes, const struct state *state);

#endif

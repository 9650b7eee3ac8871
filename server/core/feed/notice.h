/* What the committer tells the I/O threads after a batch is durable: how far, and what moved.
 * Made once a batch, shared by the threads through an atomic reference count. */
#ifndef TANDEM_CORE_NOTICE_H
#define TANDEM_CORE_NOTICE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/apply/apply.h"

struct notice {
    atomic_uint references;
    uint64_t seq;
    size_t lane_count, subject_count, user_count, note_count;
    struct touched_lane *lanes;
    struct id *subjects;
    struct id *users;
    struct id *notes;
};

/* Copies what `effects` gathered; one reference. NULL when out of memory. */
struct notice *notice_new(const struct effects *effects);
struct notice *notice_share(struct notice *notice);
void notice_drop(struct notice *notice);

#endif

/* The checksum of a scope: whether a replica holds of it what the server would let it have.
 *
 * A record is mixed to 128 bits out of its id, the seq its viewer sees, its fields and its
 * audience, and these are added up, so that the order in which a scope is walked does not matter,
 * nor that in which fields and tags are written. A value is mixed by what it means, not by its
 * encoding, so that a client may compute it from values it has decoded. PROTOCOL.md, section 9,
 * draws every bit.
 *
 *     struct sum_record mixed;
 *     sum_record_begin(&mixed, id, seq);
 *     sum_record_field(&mixed, name, value);     each field that is set
 *     sum_record_tag(&mixed, tag);               each tag the viewer may know
 *     sum_add(&sum, &mixed);
 *
 * It finds what was lost or bent by a mistake or a failing disk; it is no seal against somebody who
 * means to fool it. Nothing here allocates. A zeroed struct sum is that of no records.
 */
#ifndef TANDEM_PROTOCOL_SUM_H
#define TANDEM_PROTOCOL_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/mix.h"

#define SUM_SIZE MIX_SIZE

/* Two lanes, each added modulo 2^64. */
struct sum_lanes {
    uint64_t a, b;
};

struct sum {
    uint64_t count; /* records */
    struct sum_lanes lanes;
};

struct sum_record {
    struct id id;
    uint64_t seq;
    struct sum_lanes fields, tags;
};

void sum_record_begin(struct sum_record *record, struct id id, uint64_t seq);
/* `value` is encoded. A field that is nil is one that is not set, and adds nothing. False, with
 * nothing added, when `value` is not exactly one value, or nests deeper than WIRE_MAX_DEPTH: it
 * need not have been validated. */
bool sum_record_field(struct sum_record *record, struct bytes name, struct bytes value);
void sum_record_tag(struct sum_record *record, struct tag tag);

void sum_add(struct sum *sum, const struct sum_record *record);
/* Adds a record as it is sent (PROTOCOL.md, section 1): a map with `id`, `seq`, `fields` and
 * `audience`, of which the last two may be absent. It need not have been validated. False, with
 * nothing added, when it is no such thing. */
bool sum_add_encoded(struct sum *sum, struct bytes record);

/* By value: the same number of records with the same sum. */
bool sum_equal(const struct sum *a, const struct sum *b);
/* The sum alone, as `sums` carries it next to the count. */
void sum_put(const struct sum *sum, uint8_t out[SUM_SIZE]);
/* From a count and exactly SUM_SIZE bytes; false for another size. */
bool sum_from_bytes(uint64_t count, struct bytes bytes, struct sum *out);

#endif

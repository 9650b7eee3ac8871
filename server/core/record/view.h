/* What one viewer gets of one record: which of it, and in which words.
 *
 * Everything that leaves the server as a record goes through view_encode(), for a principal who
 * has passed the gate for that record.
 */
#ifndef TANDEM_CORE_VIEW_H
#define TANDEM_CORE_VIEW_H

#include "server/core/access/access.h"

/* Seq of the newest change the viewer can see: of a field visible to them, of the audience as
 * far as it speaks to them, or the creation. */
uint64_t view_seq(const struct principal *who, const struct record *record);

/* Appends the record as PROTOCOL.md describes it: only the fields, tags and stamps that are for
 * this viewer. */
void view_encode(struct buffer *out, const struct principal *who, const struct record *record);

/* Whether the record may be read at all: the gate with the opening of its scope, read from
 * `state`. OK, NOT_FOUND (also for a deleted one), or an error of the store. */
enum status view_allowed(const struct state *state, const struct principal *who,
                         const struct record *record);

/* Loads, decodes and judges. As view_allowed. */
enum status view_load(const struct state *state, const struct principal *who, struct id id,
                      struct record *out);

#endif

/* The bytes of what is kept of live notes besides the log (note_block.h), as docs/FORMAT.md draws
 * them.
 *
 * Each decode checks bounds and the order of the numbers and gives CORRUPT for anything else; its
 * slices point into `row`. Whether texts are UTF-8 and runs as long as their text it does not ask:
 * rows are sealed, and `tandemd check` looks. Each encode appends.
 */
#ifndef TANDEM_CORE_NOTE_ROW_H
#define TANDEM_CORE_NOTE_ROW_H

#include "server/core/note/note.h"

struct note_snapshot {
    uint64_t at_ms; /* of the newest change in it */
    struct bytes text, runs;
};

void note_head_encode(struct buffer *out, const struct note_head *head);
enum status note_head_decode(struct bytes row, struct note_head *out);

void note_snapshot_encode(struct buffer *out, const struct note_snapshot *snapshot);
enum status note_snapshot_decode(struct bytes row, struct note_snapshot *out);

/* The row under the id zero: what is older may be forgotten. */
void note_horizon_encode(struct buffer *out, uint64_t before_ms);
enum status note_horizon_decode(struct bytes row, uint64_t *before_ms);

#endif

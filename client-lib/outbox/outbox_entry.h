/* An entry of the outbox as bytes, and the lists inside it.
 *
 * An entry is a map; keys that are not set are left out:
 *
 *     state       integer, tandem_entry_state
 *     at          when it was queued
 *     changes     array, as mutate.changes
 *     number      once it has one
 *     base, overwrite
 *     typed       order of the entry as which its values were typed first, when that is another
 *     seen        array of {id, entity, scope, seq, fields?, lost?}: what its author saw of each
 *                 record it is about. No fields: nothing was held, or it was taken away again;
 * lost: access to it has ended since seq         ACCEPTED status, change, field, detail, conflicts,
 * answered     of a refusal, or of why it waits behind      order of the entry it depends on
 *     accessEnded
 *     renames     array of id before, id now, order of the maker, ...: to be done when the entry,
 *                 which was sent with the ids before, turns out not to be taken
 *
 * The file may have been written by a damaged disk or another program, so everything is checked
 * before it is believed. Keys of a later library are kept when an entry is written again. */
#ifndef TANDEM_CLIENT_LIB_OUTBOX_ENTRY_H
#define TANDEM_CLIENT_LIB_OUTBOX_ENTRY_H

#include "client-lib/outbox/outbox_store.h"
#include "protocol/wire.h"

/* Appends the entry. `before` ("none" for a new one) is what is stored of it now: its unknown keys
 * are kept. Check out->failed. */
void outbox_entry_encode(struct buffer *out, const struct outbox_item *item, struct bytes before);

/* Checks and decodes a stored entry, with the lists in it; slices point into `value`. False, and
 * nothing is to be used, when it is none. */
bool outbox_entry_decode(struct bytes value, uint64_t order, struct outbox_item *out);

/* ---- The lists of a decoded entry. Each function reads the next element, false at the end. ----
 */

struct outbox_change {
    struct bytes op, entity, fields; /* "none" when it has none */
    struct id id;
    struct bytes encoded;
};
/* A reader over the elements of an array; an empty one for "none". */
struct wire_reader outbox_list(struct bytes array);
bool outbox_change_next(struct wire_reader *reader, struct outbox_change *out);

struct outbox_seen {
    struct id id;
    struct bytes entity;
    struct scope scope; /* kind 0: not known */
    uint64_t seq;       /* 0: it was not held */
    struct bytes fields;
    bool lost;
};
bool outbox_seen_next(struct wire_reader *reader, struct outbox_seen *out);
void outbox_seen_put(struct buffer *out, const struct outbox_seen *seen);
/* What the author saw of this record; false when the entry does not say. */
bool outbox_seen_find(struct bytes list, struct id id, struct outbox_seen *out);

struct outbox_conflict {
    struct id id;
    struct bytes field;  /* "": about the whole record, which was deleted */
    struct bytes theirs; /* encoded; "none" when nil */
    struct bytes by;
    int64_t at_ms;
    uint64_t seq;
};
bool outbox_conflict_next(struct wire_reader *reader, struct outbox_conflict *out);
void outbox_conflict_put(struct buffer *out, const struct outbox_conflict *conflict);
/* Appends an array of what of this value, which a server sent, are conflicts. */
void outbox_conflicts_copy(struct bytes value, struct buffer *out);
/* The conflict about this field of the record; "": about the whole record. */
bool outbox_conflict_find(struct bytes list, struct id id, struct bytes field,
                          struct outbox_conflict *out);

/* Calls `each` with every id that the changes speak of: of the records themselves and of those
 * they refer to. False from `each` ends. */

void outbox_ids(struct bytes changes, outbox_id_fn *each, void *context);
/* Whether one of the changes creates this record. */
bool outbox_creates(struct bytes changes, struct id id);

#endif

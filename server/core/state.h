/* The port through which the pure rules see and change what is stored.
 *
 * A `struct state` is one snapshot: all reads through it agree with each other. The store
 * implements it over one LMDB transaction, and it must not be kept beyond that. Slices returned
 * by reads point into the snapshot and live as long as it does; in a writable state they are
 * valid only until the next write.
 *
 * The *_next functions walk ordered tables: each gives the first entry behind the place it is
 * told, and NOT_FOUND at the end.
 */
#ifndef TANDEM_CORE_STATE_H
#define TANDEM_CORE_STATE_H

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/status.h"

struct record;

/* What the access table knows of one (subject, scope): the newest grant and the newest
 * revocation. Open while granted > revoked. */
struct access_row {
    uint64_t granted;
    uint64_t revoked;
    uint8_t level;        /* enum level, of a partner's assignment */
    struct id assignment; /* the record it comes from; zero for rows of restricted accounts */
};

struct meta {
    struct id epoch;     /* made when the store is; a restored or new store has another */
    uint64_t seq;        /* of the last change */
    uint64_t horizon;    /* cursors below this are too old: tombstones up to it are gone */
    uint64_t people_seq; /* of the last change to any user or party record: a principal loaded
                            at or after it is still right */
    uint64_t access_seq; /* of the last change to any row of the access table */
    uint64_t log_epoch;
    uint64_t log_position; /* last log entry applied, committed together with its effects */
};


/* Rows of a live note behind its head; see server/core/note/note.h for what is in them. */
enum note_rows { NOTE_LOG, NOTE_SNAPSHOT };

struct state_ops {
    enum status (*meta)(void *self, struct meta *out);
    /* Stored form of a record, deleted ones included. */
    enum status (*record)(void *self, struct id id, struct bytes *encoded);

    enum status (*access)(void *self, struct id subject, struct scope scope, struct access_row *out);
    /* Rows of a subject in order of scope; begin with a zeroed scope. */
    enum status (*access_next)(void *self, struct id subject, struct scope after,
                               struct scope *scope, struct access_row *row);
    /* Changes of a subject's rows in order of (seq, scope): one mutation can change several. Steps
     * from the place in (*seq, *scope) to the next one. */
    enum status (*access_change_next)(void *self, struct id subject, uint64_t *seq,
                                      struct scope *scope);

    /* All records of one mutation share its seq, so a place in the feed or in a lane is a pair
     * (seq, id), in that order; keys are seq and id together. Both step from the place in
     * (*seq, *id) to the next one; {seq, all 0xff} is the place behind everything of seq. */
    enum status (*feed_next)(void *self, uint64_t *seq, struct id *id);
    enum status (*lane_next)(void *self, struct scope scope, struct tag tag, uint64_t *seq,
                             struct id *id);

    /* Live records of an entity in the order of one field's index key (and of id where keys are
     * equal). `field` none walks the entity by id. `exact`, when not none, limits to that key.
     * `place` is empty to begin and becomes the place of `id`: at most 256 bytes, which may be
     * kept beyond the snapshot and need not exist any more to go on from there. A place that is
     * no place of this index is INVALID_VALUE. */
    enum status (*index_next)(void *self, struct bytes entity, struct bytes field,
                              struct bytes exact, bool descending, struct buffer *place,
                              struct id *id);
    /* Newest first: entries of an account's timeline behind `place` (empty begins). */
    enum status (*timeline_next)(void *self, struct scope scope, struct buffer *place,
                                 struct id *id);
    /* Newest first: history entries of a record with seq below `before`. */
    enum status (*history_next)(void *self, struct id id, uint64_t before, uint64_t *seq,
                                struct bytes *entry);

    /* Rows that only their owners read: answers to mutations, credentials. Keys are at most 64
     * bytes, values are opaque here. */
    enum status (*client)(void *self, struct bytes key, struct bytes *value);
    enum status (*credential)(void *self, struct bytes key, struct bytes *value);
    /* What live notes keep, by note and version; opaque here. note_before gives the newest row
     * below `before`, note_next the oldest above `after`: its version also where it is CORRUPT. */
    enum status (*note_head)(void *self, struct id note, struct bytes *head);
    enum status (*note_row)(void *self, enum note_rows rows, struct id note, uint64_t version,
                            struct bytes *row);
    enum status (*note_before)(void *self, enum note_rows rows, struct id note, uint64_t before,
                               uint64_t *version, struct bytes *row);
    enum status (*note_next)(void *self, enum note_rows rows, struct id note, uint64_t after,
                             uint64_t *version, struct bytes *row);
    /* First due entry at all: when, and for which record. */
    enum status (*due_first)(void *self, uint64_t *at_ms, struct id *id);

    /* Writing; NULL in a snapshot for reading. */

    /* Replaces `old` (NULL for a new one) by `record`, in every table that it stands in. */
    enum status (*put_record)(void *self, const struct record *old, const struct record *record);
    /* Forgets a tombstone: the record, its lanes, its place in the feed, its history. */
    enum status (*forget_record)(void *self, const struct record *record);
    enum status (*put_history)(void *self, struct id id, uint64_t seq, struct bytes entry);
    enum status (*put_access)(void *self, struct id subject, struct scope scope,
                              const struct access_row *row);
    enum status (*put_client)(void *self, struct bytes key, struct bytes value); /* none deletes */
    enum status (*put_credential)(void *self, struct bytes key, struct bytes value);
    /* First credential whose key begins with `prefix` and is behind `after`. */
    enum status (*credential_next)(void *self, struct bytes prefix, struct buffer *key,
                                   struct bytes *value);
    enum status (*client_next)(void *self, struct bytes prefix, struct buffer *key,
                               struct bytes *value);
    enum status (*put_note_head)(void *self, struct id note, struct bytes head); /* none deletes */
    enum status (*put_note_row)(void *self, enum note_rows rows, struct id note, uint64_t version,
                                struct bytes row); /* none deletes */
    enum status (*put_due)(void *self, uint64_t at_ms, struct id id, bool present);
    enum status (*audit)(void *self, struct bytes entry);
    enum status (*put_meta)(void *self, const struct meta *meta);
};

struct state {
    void *self;
    const struct state_ops *ops;
};

#endif

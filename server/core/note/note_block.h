/* The rows of a note's log: versions that follow each other, in one row under the first of them.
 *
 *     row:     | format 1 (= 2) | at | seq | units | entry ... |
 *     entry:   | lead 1 | author | at | seq | place | removed | size | text |
 *              | lead 1 | author | at | seq | count | part ... |               when SEVERAL
 *     author:  | number 1 |, and behind a number that was not used before | client 16 | by 1+n |
 *     part:    | 2 * units |, kept    or    | 2 * units + 1 | size | text |, replaced
 *
 * Numbers without a size are those of note_place.h. A row begins with time and seq of its first
 * entry and the units of the text that this was made of; each entry has what was added since the
 * entry before, modulo 2^64. What is as in the entry before is left out, and the lead says what is
 * there:
 *
 *     0x80  seq       0x40  removed: units that went        0x08  SEVERAL parts
 *     0x20  place: where, from the end of the change before; 2 * n, or 2 * -n - 1 where negative
 *     0x10  author    0x07  bytes of the text; 7: size follows
 *
 * What is kept behind the last part is not written. So a keystroke takes about five bytes, and the
 * row with its key about half a byte more: the last row is written anew with each version until it
 * is full, which costs no more pages than another row would.
 *
 * Format 1 had a row for each version: | format 1 (= 1) | at 8 | seq 8 | client 16 | by 1+n |
 * change set as on the wire |. It is read, and no longer written.
 */
#ifndef TANDEM_CORE_NOTE_BLOCK_H
#define TANDEM_CORE_NOTE_BLOCK_H

#include "protocol/change_set.h"
#include "server/core/note/note.h"

/* A row beyond this has one entry only. Four rows with key and checksum fill a page of LMDB. */
#define NOTE_BLOCK_BYTES 976u
#define NOTE_BLOCK_AUTHORS 16u

/* A place in a row, behind the entry that was read last or added. */
struct note_block {
    struct bytes row;
    size_t at;
    uint64_t first;   /* version of its first entry */
    uint64_t version; /* first - 1 before any was read */
    uint64_t at_ms, seq;
    uint32_t units;  /* of the text of `version`; 0 in rows of format 1 */
    uint32_t cursor; /* where its change ended */
    unsigned author, author_count;
    uint32_t authors[NOTE_BLOCK_AUTHORS]; /* where in the row each was named first */
};

/* The beginning of a row. CORRUPT when it is none. */
enum status note_block_begin(struct bytes row, uint64_t first, struct note_block *out);

/* The next entry; its change set comes into `set`, unless that is NULL, and out->set is `set`.
 * Other slices point into the row. NOT_FOUND at the end; CORRUPT when the row does not go on as one
 * does, or NO_MEMORY: then nothing more can be read. */
enum status note_block_next(struct note_block *block, struct note_entry *out,
                            struct change_set *set);

/* Whether entries may be added to the row: it is of this format. */
bool note_block_grows(const struct note_block *block);

/* Begins a row in `row`, for the version that `entry` is going to be. */
void note_block_start(struct note_block *block, struct buffer *row, const struct note_entry *entry);

/* Adds an entry at the end, where `block` must stand. False when there is no room for it, and the
 * row is what it was. row->failed tells when memory was short. */
bool note_block_add(struct note_block *block, struct buffer *row, const struct note_entry *entry);

#endif

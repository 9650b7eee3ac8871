/* Live notes in the folder: what was typed and the server does not have, in tables of outbox.mdb.
 *
 * Of a note there is a document as it was saved at some time (note_doc_save), and rows behind it,
 * one for each keystroke or change of others, of which note_doc.h makes the document again. A
 * keystroke costs one small row; when the rows have outgrown what was saved, the document is saved
 * anew and they go. Rows are numbered on for ever, so that each process that has the folder knows
 * which of them it has not seen:
 *
 *     reader at 7 ---------------------+
 *     saved | row 5 | row 6 | row 7 | row 8 |        first 5, next 9: apply 7 and 8
 *
 * Who appends says where they stand. When another process has appended since, nothing is written
 * and they are BEHIND: they read on, and try again. So all processes make the same document.
 *
 * Notes with something that the server does not have are kept until it has it; a note whose text
 * others can be expected to show soon is dropped by whoever looks after it. What leaves is scrubbed
 * with the outbox.
 *
 *     notes        id 16        -> head, see note_store.c
 *     note saved   id 16        -> the document
 *     note rows    id 16, n 8   -> a row
 *
 * The first note that is kept raises the file's format: an older library, which would not take a
 * note's text away when access to it ends, does not open the file from then on.
 */
#ifndef TANDEM_CLIENT_LIB_NOTE_STORE_H
#define TANDEM_CLIENT_LIB_NOTE_STORE_H

#include "client-lib/outbox/outbox_store.h"

/* Notes kept at a time. */
#define NOTE_STORE_MOST 4096u
/* Rows may be so much larger than what was saved before it is saved anew. */
#define NOTE_STORE_SLACK 4096u

struct note_head {
    uint64_t first, next; /* rows that are there: [first, next); next 0: nothing is stored */
    uint64_t saved_bytes, row_bytes;
    uint64_t version;   /* of the server's that is in it */
    uint64_t waiting;   /* as note_doc_waiting() */
    uint64_t wanted_ms; /* wall clock, when a process that does not lead had it open last; 0 */
    uint64_t acked_ms;  /* as it said that when who leads had it open at the server last */
    enum status ended;  /* why it cannot be edited any more; the document is its author's words */
    bool held;          /* the replica held the record when it was looked at last */
    struct scope scope; /* of the record; kind 0: not known */
    struct id epoch;    /* of the history that the version is of; zero: of none */
    struct id client;   /* under which what is on its way was pushed */
};

/* Whether the document is to be saved anew. */
bool note_store_is_outgrown(const struct note_head *head);

/* ---- Reading ---- */

/* NOT_FOUND, CORRUPT, or the store's error. */
enum status note_store_head(struct outbox_store *store, struct id note, struct note_head *out);
/* In order of id; false from `each` ends. */
typedef bool note_store_head_fn(void *context, struct id note, const struct note_head *head);
enum status note_store_each(struct outbox_store *store, note_store_head_fn *each, void *context);

struct note_reader {
    void *context;
    enum status (*saved)(void *context, struct bytes saved);
    enum status (*row)(void *context, struct bytes row);
};
/* Hands over what a reader does not have who has all rows below `from` (0: who has nothing): rows
 * alone, or what was saved and all rows behind it. A failure of a function ends it and is returned.
 */
enum status note_store_read(struct outbox_store *store, struct id note, uint64_t from,
                            struct note_head *head, const struct note_reader *reader);

/* ---- Writing ---- */

/* One change of one note, between begin and end. */
struct note_writing;
/* `head` says where the caller stands, next 0 being that nothing is stored; it is filled with what
 * is stored. BEHIND when that is more, NOT_FOUND when it is nothing. NULL, with which it can only
 * be dropped: whatever is stored, readable or not. LIMIT: no room for another note. After a failure
 * there is nothing to end. */
enum status note_store_begin(struct outbox_store *store, struct id note, struct note_head *head,
                             struct note_writing **out);
enum status note_store_add(struct note_writing *writing, struct bytes row);
/* The document in the place of all that was stored. Others read it whole, unless they had `seen`
 * all rows: then it says nothing new to them. */
enum status note_store_save(struct note_writing *writing, struct bytes saved, bool seen);
/* Nothing is left of it. */
enum status note_store_drop(struct note_writing *writing);
/* What goes was others' and is not to be kept: other processes drop their buffers, too. */
void note_store_lose(struct note_writing *writing);
/* Commits when `status` is OK, with the head (NULL as above) as the caller has changed it; else
 * throws away what was done. Frees `writing` and returns the outcome; after IO it may have been
 * stored all the same. */
enum status note_store_end(struct note_writing *writing, struct note_head *head,
                           enum status status);

#endif

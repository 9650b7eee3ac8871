/* The live notes that a connection has open.
 *
 *     note-open  ->  gate, text or version  ->  `note`, and the note stands in a slot
 *     commit     ->  interest_tell marks the slots of those who have it open
 *     socket can be written  ->  gate, log rows behind the version the client has  ->  note-changes
 *
 * As with the feed there is no backlog: a slot holds the version the client has been sent, and a
 * frame is made from the log when it can be sent. Entries are for who could see the note all the
 * time from when they were made: whoever lost sight of it meanwhile starts over from the text.
 *
 * Whoever comes to write in a note that they have open, or ceases to, is told by having to open it
 * again.
 *
 * Where rows of the log are damaged, whoever needs them is given the newest text instead, or is
 * told so; whoever does not notices nothing. It ends no connection.
 *
 * Nothing of what the gate reads changes without a new seq, and pushes take none, so that a slot
 * asks it again only when the seq has moved.
 */
#ifndef TANDEM_CORE_SESSION_NOTE_H
#define TANDEM_CORE_SESSION_NOTE_H

#include "server/core/note/note.h"
#include "server/core/session/session_internal.h"

/* Log rows that follow an opened version are sent instead of the text up to this size. */
#define SESSION_NOTE_CATCH_UP (64u * 1024u)

struct note_slot {
    struct id note;
    uint64_t version; /* that the client has been sent */
    uint64_t allowed; /* seq at which the gate let them read it */
    bool writes;      /* and what they may do, as they were told: also write in it */
    bool open, due;
};

struct session_notes {
    struct note_slot slots[LIMIT_NOTES_OPEN];
    uint32_t turn; /* slot whose turn it is */
    bool unlisted; /* interests must be registered anew: the principal changed */
};

/* A note as the session's user may know it, for the length of one look. */
struct note_look {
    struct record *record; /* the cache's */
    struct buffer scratch;
    struct note_head head;
    uint64_t oldest; /* version they may read */
    uint64_t since;  /* seq since which they have seen it without a break */
    bool writes;     /* they may write in it */
};

/* Loads the record for them and, with session_note_look(), the head. OK, NOT_FOUND for whatever is
 * not theirs to read or no live note, or an error of the store. To be released in any case. */
enum status session_note_gate(const struct session *session, const struct state *state,
                              struct id note, struct note_look *out);
enum status session_note_look(const struct session *session, const struct state *state,
                              struct id note, struct note_look *out);
void note_look_release(struct note_look *look);

/* Charges for the look, and for so many bytes that were read besides. */
void session_note_weigh(struct session *session, const struct note_look *look, size_t bytes);

/* Tells of damage to the note, if that is what the status says; returns the status. */
enum status session_note_damage(const struct session *session, struct id note, enum status status);

#endif

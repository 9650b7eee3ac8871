/* Live notes of a client handle.
 *
 *     client_note.c         what programs call: open, edit, close
 *     client_note_keep.c    the document and the folder
 *     client_note_tell.c    events
 *     client_note_turn.c    what is due: opening at the server, pushing, closing
 *     client_note_came.c    what the server says
 *     client_note_lost.c    access that ended
 *     client_note_people.c  who else is there
 *     client_note_ask.c     versions, as requests
 *     client_note_whole.c   what differs between two texts
 *     client_note_mention.c mentions, which are sent behind what was typed
 *     client_note_rights.c  who may only read, before the server has said so
 *
 * Of each note there is one `struct tandem_note`: a program's, or one that is there because
 * something typed in it is to be sent, or another process that shares the folder has it open. In
 * between is note_doc.h's document, which knows what the server has; the folder has the same
 * (note_store.h), and is written before anything is shown or sent.
 *
 * The process that leads opens notes at the server and sends. In the others, changes come from the
 * folder as rows that the leader wrote, and what is typed goes there.
 *
 *            client_note_turn            `note`
 *     SHUT ------------------> ASKED ------------> LIVE --+  note-changes: rows
 *      ^                                            |  ^  |  waiting: row, push
 *      +---- connection lost, note-ended -----------+  +--+  note-result
 *
 * Any function that tells events may close, open and edit notes: notes are freed when nobody is
 * inside any of them (`busy`).
 */
#ifndef TANDEM_CLIENT_LIB_CLIENT_NOTE_H
#define TANDEM_CLIENT_LIB_CLIENT_NOTE_H

#include "client-lib/note/note_doc.h"
#include "client-lib/note/note_store.h"
#include "protocol/message.h"
#include "tandem/note.h"

struct sync_event;
struct outbox_item;

/* Milliseconds. */
#define NOTE_PRESENT_EVERY 100u         /* between two words about one's cursor */
#define NOTE_TYPING_SHOWN 6000u         /* somebody is believed to type who does nothing else */
#define NOTE_TYPING_PAUSE 1000u         /* of typing, after which another step of undo begins */
#define NOTE_WANTED_FOR (10u * 60000u)  /* a process that has it open is believed so long ... */
#define NOTE_WANTED_AGAIN (4u * 60000u) /* ... and says it again after this */
/* Versions are counted one by one: no note comes to so many, and the folder keeps no more. */
#define NOTE_VERSION_MOST (UINT64_MAX / 8)
/* How often to try when other processes write to the same note. */
#define NOTE_TRIES 32
/* Others that are known to be at one thing; a server tells of 64. */
#define NOTE_PEOPLE_MOST 256u

enum note_link { NOTE_SHUT, NOTE_ASKED, NOTE_LIVE };

/* Somebody else who is present, as the server told. */
struct note_person {
    uint64_t session, anchor, head, version;
    bool typing, has_cursor;
    bool stale;        /* said to type, and seen to do nothing for NOTE_TYPING_SHOWN */
    uint64_t moved_ms; /* when they were told of like this the first time */
    char user[RECORD_NAME_MAX + 1], name[129];
};

/* What is told, and heard, about one thing. */
struct note_presence {
    bool announced; /* on this connection */
    bool dirty;     /* there is something newer to say */
    bool has_cursor, typing;
    size_t anchor, at; /* bytes of the text shown */
    uint64_t sent_ms;
    struct buffer people; /* struct note_person each */
};

struct tandem_note {
    uint32_t magic;
    tandem_client *client;
    struct tandem_note *next;
    struct id id;
    bool program; /* has it open */
    tandem_note_event_fn *on_event;
    void *context;

    struct note_doc *doc;
    struct note_head head; /* next 0: not in the folder */
    enum status ended;
    bool reload; /* the document is not what is in the folder */
    bool stands; /* and the program is shown `before`: an edit of it failed */
    struct buffer before;
    bool pending;      /* its record waits in the outbox */
    bool waits;        /* as was told last: the server does not have everything */
    bool telling;      /* its events */
    size_t shown_size; /* of the text as the program knows it */
    uint64_t edited_ms;
    struct buffer news; /* struct note_news, to be told */
    struct buffer texts;
    bool too_much;       /* there is more to tell than is noted */
    unsigned kinds;      /* of what is to be told, as bits */
    enum status refused; /* why, last */

    enum note_link link;
    unsigned generation; /* of the connection that the rest is about */
    uint64_t asked;      /* number of the request to open it */
    uint64_t newest;     /* version that the server had then */
    bool anew;           /* it is to be asked for without a version */
    bool opened;         /* was told */
    bool read_only;      /* the server said so, when it was opened last */
    bool denied;         /* it had ended so, and is being opened again */
    uint64_t marked_ms;  /* when who leads was told last that it is open here; 0: never */
    uint64_t pushed;     /* number of the push that waits for its result; 0: none */
    uint64_t pushed_version;
    bool in_flight;    /* pushed, and neither confirmed nor refused */
    uint64_t behind;   /* the version to wait for before the next push */
    uint64_t again_ms; /* not before; 0: at once */
    unsigned failures;
    char by[RECORD_NAME_MAX + 1]; /* whose changes are being merged */

    struct note_presence presence;
};
#define NOTE_MAGIC 0x7a4d0731u

/* Somebody watches an account. */
struct note_watch {
    struct note_watch *next;
    struct id about;
    unsigned generation;
    tandem_people_fn *on_people;
    void *context;
    struct note_presence presence;
};

/* Of a client handle; zeroed storage is ready. */
struct client_notes {
    struct tandem_note *first;
    struct note_watch *watches;
    bool offered;  /* by the server of this connection */
    uint64_t most; /* notes that it lets us have open */
    struct id epoch;
    unsigned busy;
    bool look;                 /* the folder may have notes to be sent that nobody has open */
    bool stir;                 /* something may be due */
    uint64_t due_ms;           /* when else; 0: not known */
    uint64_t welcomed_ms;      /* when this connection began */
    struct buffer unsent;      /* ids of notes whose mentions wait: client_note_mention.c */
    uint64_t mention_until_ms; /* one does, until then at the latest; 0: none */
};

/* ---- client_note_turn.c: called by the files of the handle ---- */

void client_notes_welcome(tandem_client *client, const struct msg_welcome *welcome);
/* The end of a service call. */
void client_notes_turn(tandem_client *client);
uint64_t client_notes_due(const tandem_client *client);
/* Another process has written to the folder. */
void client_notes_look(tandem_client *client);
/* Notes in the folder with something that the server does not have. */
size_t client_notes_count(tandem_client *client);
/* The handle is closed: frees them all. */
void client_notes_close(tandem_client *client);

/* ---- client_note_came.c ---- */

/* Whether it was about a live note. */
bool client_notes_message(tandem_client *client, const struct message *message);
bool client_notes_error(tandem_client *client, const struct message *message);

/* ---- client_note_lost.c ---- */

/* Access has ended, as sync_losing_fn; a record was removed; all has come. */
enum status client_notes_losing(tandem_client *client, const struct sync_event *event);
void client_notes_removed(tandem_client *client, struct id id);
/* The folder became another user's, with nothing of the former one in it. */
void client_notes_change_user(tandem_client *client);
void client_notes_caught_up(tandem_client *client);

/* ---- client_note_mention.c ---- */

/* The outbox is about to be sent: looks which notes have to be sent before what mentions somebody
 * in them. */
void client_notes_look_unsent(tandem_client *client);
/* Whether this entry may go, as outbox_gate_fn. */
bool client_notes_may_go(void *client, const struct outbox_item *item);
/* Sends what may go by now. */
void client_notes_send_mentions(tandem_client *client);

/* ---- client_note_people.c ---- */

void client_notes_presence(tandem_client *client, const struct msg_presence *presence);
/* Frees the watches. */
void client_notes_forget_watches(tandem_client *client);

/* ---- Among the files of live notes ---- */

/* client_note_turn.c */
struct tandem_note *note_find(tandem_client *client, struct id id);
/* One that nobody has open; NULL without memory. */
struct tandem_note *note_new(tandem_client *client, struct id id);
void note_enter(tandem_client *client);
/* Frees what nobody needs when the last one leaves. */
void note_leave(tandem_client *client);
void note_stir(tandem_client *client);
/* Whether another process has it open. */
bool note_is_wanted(const tandem_client *client, const struct note_head *head);
/* Whether this process opens notes at a server now. */
bool note_may_send(const tandem_client *client);
/* Whether there is something to be pushed, and it may be. */
bool note_may_push(const struct tandem_note *note);
/* The server is to be asked again, from what we have or, `anew`, for its text. */
void note_reopen(struct tandem_note *note, bool anew);

/* client_note_keep.c */

/* Fills a new note from the folder, the replica or the outbox. NOT_FOUND: nothing is known of it.
 */
enum status note_load(struct tandem_note *note);
/* Sees to it that it is in the folder. */
enum status note_keep(struct tandem_note *note);
/* Takes over what other processes have written, and notes it as news. `places` (`count` of them)
 * are moved along. */
enum status note_catch_up(struct tandem_note *note, size_t *places, size_t count);
/* The document from the folder in the place of the one there is, the difference being news. */
enum status note_read_again(struct tandem_note *note, size_t *places, size_t count);
/* The text as the program has it, or is about to be told. */
struct bytes note_text_shown(const struct tandem_note *note);
/* Its place in the folder is free. */
enum status note_drop(struct tandem_note *note);

/* How far the news, and the cursors that move with them, were. */
struct note_mark {
    size_t news, texts, anchor, at;
};

/* A change of the document, and of the folder when the note is in it. */
struct note_change {
    struct tandem_note *note;
    struct note_writing *writing;
    bool whole;            /* the document is to be saved rather than rows */
    bool applied;          /* something was */
    bool own;              /* by this program: when it fails nothing has changed for it, */
    struct note_mark news; /* and these are the news of before */
};
/* `keep`: it is in the folder from now on, where there is one. BEHIND: note_catch_up() first. After
 * a failure there is nothing to end. */
enum status note_change_begin(struct tandem_note *note, bool keep, struct note_change *change);
/* `own`: what it shows is this program's doing. */
enum status note_change_apply(struct note_change *change, struct bytes row,
                              enum note_doc_origin origin, bool own);
enum status note_change_end(struct note_change *change, enum status status);

/* client_note_tell.c */

/* What the last note_doc_apply() has changed becomes news; cursors move along. */
void note_news_shown(struct tandem_note *note, bool own);
/* The same of the difference to what the text was; `places` move along. */
void note_news_difference(struct tandem_note *note, struct bytes before, size_t *places,
                          size_t count);
void note_news(struct tandem_note *note, tandem_note_event_kind kind, enum status code,
               const char *detail);
struct note_mark note_news_mark(const struct tandem_note *note);
/* What has become news since did not happen. */
void note_news_take_back(struct tandem_note *note, const struct note_mark *mark);
/* There is nothing to be told. */
void note_forget_news(struct tandem_note *note);
/* Tells the news there are, and whether all is saved. */
void note_tell(struct tandem_note *note);

/* client_note_lost.c */

/* It is no longer the user's to see: what is kept of it is what they typed. */
enum status note_lose(struct tandem_note *note, enum status code);
/* It may not be edited, and can be seen. */
void note_deny(struct tandem_note *note, enum status code, const char *detail);
/* The server is asked again, and may have another opinion of that by now. */
void note_try_denied(struct tandem_note *note);

/* client_note_rights.c */

/* The records that are held say that they may read it and not write in it. */
bool note_is_for_reading(const struct tandem_note *note);

/* client_note_people.c */
void note_presence_release(struct note_presence *presence);
void note_people_forget(struct tandem_note *note);
/* Says what is to be said; when that is due later, *due is moved. */
void note_present(struct tandem_note *note, uint64_t *due);
void note_present_watches(tandem_client *client, uint64_t *due);
void note_present_gone(tandem_client *client, struct id about, struct note_presence *presence);

#endif

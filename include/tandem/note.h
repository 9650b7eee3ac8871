/* Live notes: texts that several people edit at the same time, part of libtandem's API.
 *
 * tandem_note_open() gives the text as far as this device has it, at once, also offline; what
 * others type arrives as TANDEM_NOTE_CHANGED while tandem_service() runs. One's own edits show at
 * once, are durable when the call returns, and are sent as soon as there is a connection, one batch
 * at a time. The folder keeps what was typed until the server has it, for weeks if need be; what
 * others did meanwhile is merged. Several notes may be open; each handle belongs to its client, is
 * closed with it at the latest, and follows its rules for threads and callbacks. Processes that
 * share a folder share what is typed in it: one of them sends for all.
 *
 * Places in a text are byte offsets into its UTF-8, at the beginning of a character. Lines end
 * with \n. Without a folder (tandem_options.replica NULL) a note can be read and edited while
 * connected, and what was not sent is lost with the handle.
 */
#ifndef TANDEM_NOTE_H
#define TANDEM_NOTE_H

#include "tandem/tandem.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tandem_note tandem_note;

typedef enum tandem_note_event_kind {
    TANDEM_NOTE_OPENED,  /* the server has the note open for us: what it had has been merged; after
                            each reconnect again */
    TANDEM_NOTE_CHANGED, /* one replacement in the text: [from, from + removed) of the text before
                            became `inserted`. Of several, each is in terms of the text after the
                            one before; tandem_note_text() shows them all from the first on */
    TANDEM_NOTE_SAVED,   /* the server has everything that was typed here */
    TANDEM_NOTE_PEOPLE,  /* somebody came, left, typed or moved: tandem_note_each_person() */
    TANDEM_NOTE_KEPT, /* a passage was deleted on one side and rewritten on the other: both are in
                         the text from `from` on, `inserted` long, between marks; see `own` */
    TANDEM_NOTE_REFUSED, /* the server does not take what was typed (code: TOO_LARGE, ...), and
                            others do not see it; it is tried again together with the next edit */
    TANDEM_NOTE_ENDED, /* it cannot be edited any more (code: NOT_FOUND, DENIED, ...). When it is no
                         longer the user's to see, the text is from now on what they typed and
                         the server did not take, each passage on lines of its own */
    TANDEM_NOTE_RIGHTS /* tandem_note_read_only() says otherwise than before, or a note that had
                          ended with DENIED is open again: what waits in it is sent */
} tandem_note_event_kind;

typedef struct tandem_note_event {
    tandem_note_event_kind kind;
    size_t from, removed;
    const char *inserted; /* not NUL-terminated */
    size_t inserted_size;
    bool own; /* CHANGED: by undo, redo or another handle of ours; KEPT: the rewriting was ours */
    const char *by;     /* CHANGED: sign-in name of who did it, "" when not known; never NULL */
    tandem_code code;   /* REFUSED, ENDED */
    const char *detail; /* never NULL */
} tandem_note_event;

typedef void tandem_note_event_fn(void *context, tandem_note *note, const tandem_note_event *event);

#define TANDEM_NOTES_OPEN 24

/* Opens the note that the record `id` is, which may still wait in the outbox. NOT_FOUND when
 * nothing is known of it here and there is no connection to ask; with one the text is empty until
 * CHANGED and OPENED tell, or ENDED. LOCKED when this client has it open. LIMIT beyond
 * TANDEM_NOTES_OPEN notes. `on_event` may be NULL. */
tandem_code tandem_note_open(tandem_client *client, const char *id, tandem_note_event_fn *on_event,
                             void *context, tandem_note **out);
/* What was typed stays queued. NULL is fine. */
void tandem_note_close(tandem_note *note);

/* The text as it stands here, with a NUL behind it; valid until the next call that can change it.
 */
const char *tandem_note_text(const tandem_note *note, size_t *size);
/* Version of the server's that is merged into it. */
uint64_t tandem_note_version(const tandem_note *note);
/* Characters (UTF-16 units) typed or deleted that the server does not have yet; 0: all is saved. */
size_t tandem_note_waiting(const tandem_note *note);
/* OK, or why it has ended. */
tandem_code tandem_note_code(const tandem_note *note);
/* Whether the user may read it and not write in it, as with access at the level view: edits are
 * DENIED. It is what the server said when it opened the note last, and before that what the records
 * in the folder say, where they do. */
bool tandem_note_read_only(const tandem_note *note);

/* Edits. INVALID_VALUE for a place that is none, or text that is not UTF-8; TOO_LARGE beyond what a
 * note holds; DENIED or NOT_FOUND once it has ended; IO when the folder cannot be written: then
 * nothing has changed. `\r\n` and `\r` become `\n`. No event tells of the edit itself. When
 * another process that shares the folder has typed in between, CHANGED events tell of that from
 * within the call, and the places given are meant in the text before them. USAGE from within an
 * event of the same note. */
tandem_code tandem_note_insert(tandem_note *note, size_t at, const char *text, size_t size);
tandem_code tandem_note_delete(tandem_note *note, size_t from, size_t size);
tandem_code tandem_note_replace(tandem_note *note, size_t from, size_t removed, const char *text,
                                size_t size);
/* Makes the text this one by as few changes as there are between the two, all sent as one: what
 * both have stays with who wrote it. Its lines end with \n, else INVALID_VALUE. What another
 * process that shares the folder has typed in between goes, too. */
tandem_code tandem_note_set_text(tandem_note *note, const char *text, size_t size);
/* Takes back the newest of one's own edits of this handle that still stands, whatever others typed
 * since, or puts it back; CHANGED events tell. NOT_FOUND when there is none. What was typed letter
 * by letter in one place is taken back by words, by ends of lines and by what a pause of a second
 * divides; a longer text that was put in at once, as one. */
tandem_code tandem_note_undo(tandem_note *note);
tandem_code tandem_note_redo(tandem_note *note);

/* Gives up what was typed in this note, open or not, and the server does not have: the text is the
 * server's again, as CHANGED events tell; of a note that has ended nothing is left. What is on its
 * way may still be taken. Not from within an event of the note. */
tandem_code tandem_note_discard(tandem_client *client, const char *id);

typedef struct tandem_note_work {
    const char *id;
    size_t waiting;   /* as tandem_note_waiting() */
    tandem_code code; /* as tandem_note_code() */
} tandem_note_work;
typedef bool tandem_note_work_fn(void *context, const tandem_note_work *work);
/* Every note in the folder with something typed that the server does not have, open or not. */
tandem_code tandem_each_note_work(tandem_client *client, tandem_note_work_fn *each, void *context);

/* Where one's cursor is, for the others; `anchor` is the other end of what is selected, else the
 * same place. Sent when there is a connection, not kept. */
tandem_code tandem_note_cursor(tandem_note *note, size_t anchor, size_t at, bool typing);

typedef struct tandem_person {
    const char *user; /* sign-in name */
    const char *name; /* as people call them */
    uint64_t session; /* tells several windows of one person apart */
    bool typing;
    bool has_cursor;
    size_t anchor, at; /* in the text as it stands here; 0 where it is about an account */
} tandem_person;
typedef bool tandem_person_fn(void *context, const tandem_person *person);
/* The others who have the note open now. */
tandem_code tandem_note_each_person(const tandem_note *note, tandem_person_fn *each, void *context);

/* ---- Versions, asked of the server ---- */

/* The text that a note had before it was edited live the first time. */
#define TANDEM_NOTE_BEGINNING UINT64_MAX

/* A version of a note (0: the newest), answered with tandem_answer_note(), which calls
 * TANDEM_NOTE_BEGINNING version 0. */
tandem_code tandem_ask_note(tandem_client *client, const char *id, uint64_t version,
                            tandem_answer_fn *done, void *context);
/* Which versions there are, newest first and below `before` (0: from the newest on), at most
 * `limit` (0: as many as the server gives at a time), answered with tandem_answer_note_versions().
 */
tandem_code tandem_ask_note_versions(tandem_client *client, const char *id, uint64_t before,
                                     unsigned limit, tandem_answer_fn *done, void *context);

typedef struct tandem_note_passage {
    size_t from, size; /* bytes of the text */
    const char *by;    /* sign-in name; "": several, who took turns too often to be told apart */
    int64_t at_ms;
} tandem_note_passage;
typedef bool tandem_note_passage_fn(void *context, const tandem_note_passage *passage);
typedef struct tandem_note_version_text {
    uint64_t version, oldest, newest;
    const char *text;
    size_t size;
} tandem_note_version_text;
/* The text, and who wrote which passage of it, in order; `out` and `each` may be NULL. USAGE for
 * another kind of answer. Valid as long as the answer. */
tandem_code tandem_answer_note(const tandem_answer *answer, tandem_note_version_text *out,
                               tandem_note_passage_fn *each, void *context);

/* How one version was made of the one before. */
typedef struct tandem_note_version_info {
    uint64_t version;
    const char *by;
    int64_t at_ms;
    size_t removed, inserted; /* UTF-16 units */
} tandem_note_version_info;
typedef bool tandem_note_version_fn(void *context, const tandem_note_version_info *version);
tandem_code tandem_answer_note_versions(const tandem_answer *answer, tandem_note_version_fn *each,
                                        void *context);

/* ---- What differs between two texts ---- */

/* [from, from + removed) of the text before became `inserted`, which is not NUL-terminated. */
typedef struct tandem_note_difference {
    size_t from, removed;
    const char *inserted;
    size_t inserted_size;
} tandem_note_difference;
typedef bool tandem_note_difference_fn(void *context, const tandem_note_difference *difference);
/* The replacements that make `after` of `before`, in order, until `each` returns false; none when
 * they are the same. Both are UTF-8: INVALID_VALUE. TOO_LARGE beyond a million characters,
 * NO_MEMORY. */
tandem_code tandem_note_differences(const char *before, size_t before_size, const char *after,
                                    size_t after_size, tandem_note_difference_fn *each,
                                    void *context);

/* ---- Who looks at an account ---- */

/* Tells the others who may see the account that it is open here, and asks to be told of them:
 * `on_people` runs with each change, once for each of them, and once with NULL at the end. One
 * watch for each account; NULL for `on_people` ends it. */
typedef void tandem_people_fn(void *context, const tandem_person *person);
tandem_code tandem_watch_people(tandem_client *client, const char *account,
                                tandem_people_fn *on_people, void *context);

#ifdef __cplusplus
}
#endif

#endif

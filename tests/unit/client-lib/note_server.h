/* A server for tests of live notes: it orders the change sets of one note, refuses what is made of
 * an older version, and tells whoever has the note open. What others type is put in by the test.
 * The link is client_world's. */
#ifndef TANDEM_TESTS_CLIENT_LIB_NOTE_SERVER_H
#define TANDEM_TESTS_CLIENT_LIB_NOTE_SERVER_H

#include "client_world.h"

#include "protocol/change_set.h"
#include "tandem/note.h"

#define NOTE_NUMBER 40u
#define NOTE_VERSIONS_MOST 512

struct note_version {
    struct id client;
    char by[24];
    struct buffer changes;
};

struct note_server {
    uint64_t version, oldest;
    struct buffer text;
    struct note_version log[NOTE_VERSIONS_MOST]; /* by the version it made */
    struct id client;                            /* of the connection */
    struct id note;                              /* as it was asked for */
    uint64_t cursor;                             /* of who has it open */
    bool open;
    bool without;       /* it has no live notes */
    bool hidden;        /* nobody may see it */
    bool read_only;     /* as whoever opens it is told */
    bool mute;          /* results and entries get lost */
    const char *refuse; /* the next push; NULL: takes it */
    bool refuse_always;
    unsigned opens, pushes, taken, presents, gone;
    uint64_t asked_version; /* with the last note-open; UINT64_MAX: none */
    struct msg_present present;
    uint64_t mutations;
    unsigned taken_first, taken_before; /* pushes that had been when the first, the last one came */
};

void note_server_init(struct note_server *shop, const char *text);
void note_server_release(struct note_server *shop);
/* Answers what the client has sent since. */
void note_serve(struct note_server *shop);
/* Frames that both have read are done with. */
void note_forget_frames(void);
/* The client is served and services until nothing more happens. */
void note_settle(struct world *world, struct note_server *shop);
/* Somebody else replaces [from, from + removed), in units, of the newest text. */
void note_other(struct note_server *shop, const char *by, size_t from, size_t removed,
                const char *text);
/* Somebody else makes these changes of it. */
void note_other_set(struct note_server *shop, const char *by, const struct change_set *set);
/* It is not open any more, for this reason. */
void note_say_ended(struct note_server *shop, const char *status);
const char *note_server_text(struct note_server *shop);

/* The connection is gone without a word, and the process with it. */
void note_crash(struct world *world, struct note_server *shop);
void note_hang_up(struct world *world, struct note_server *shop);
void note_start(struct world *world);

/* ---- A program ---- */

struct mirror {
    struct buffer text; /* kept up by events and the program's own edits */
    unsigned opened, changed, saved, people, kept, refused, ended, rights;
    tandem_code code;
    char by[24];
    char detail[64];
    bool own;
};

void mirror_open(struct mirror *mirror, struct world *world, tandem_note **note);
void mirror_release(struct mirror *mirror);
/* Edits, and does the same to the mirror. */
void mirror_type(struct mirror *mirror, tandem_note *note, size_t at, const char *text);
void mirror_delete(struct mirror *mirror, tandem_note *note, size_t from, size_t size);
/* Takes over the text as it is, after an edit during which events came. */
void mirror_look(struct mirror *mirror, const tandem_note *note);
/* The note and the mirror have this text. */
void assert_text(const struct mirror *mirror, const tandem_note *note, const char *text);

#endif

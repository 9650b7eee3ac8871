/* The live editor, without a terminal: what is typed, what others type, and what is to be seen.
 *
 * The text is not held here. It is read through a port, and changed through it, because the note
 * that holds it also takes what others type. So everything here is places in it: the cursor, the
 * first row shown, others' cursors. One turn of the loop around it:
 *
 *     editor_key()       for each key: moves the cursor, or changes the text by the port
 *     editor_changed()   for each replacement that was not made by editor_key(), once it is made
 *     editor_people()    when others came, went or moved
 *     editor_draw()      what the terminal is to show
 *
 * The cursor always is at the beginning of a character and in sight. When others type, it stays in
 * the text where it was, and its row stays where it was on the screen, so that nothing jumps under
 * the eyes of who reads or writes there; only where the screen has room for the whole text is all
 * of it shown. Moving up and down keeps the column it began with.
 *
 * Fixed storage only; nothing allocates, nothing fails. What the port refuses becomes a message in
 * the last row, and nothing has changed then.
 */
#ifndef TANDEM_CLI_EDITOR_H
#define TANDEM_CLI_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/editor/editor_frame.h"
#include "cli/editor/editor_keys.h"
#include "cli/editor/editor_wrap.h"
#include "tandem/tandem.h"

#define EDITOR_PEOPLE 64u /* shown at most */
#define EDITOR_NAME 64u   /* bytes */
#define EDITOR_FIND_TEXT 128u
#define EDITOR_MESSAGE 200u

/* The text, and how to change it. UTF-8, lines ended by \n; what is put in has no \r. A change
 * refused leaves it as it was. undo and redo call editor_changed() for what they do. */
struct editor_port {
    void *context;
    const char *(*text)(void *context, size_t *size);
    tandem_code (*replace)(void *context, size_t from, size_t removed, const char *text,
                           size_t size);
    tandem_code (*undo)(void *context);
    tandem_code (*redo)(void *context);
};

/* Somebody else who has the note open. */
struct editor_person {
    char name[EDITOR_NAME];
    uint64_t session;
    bool typing;
    bool has_cursor;
    size_t at, anchor;
    unsigned colour; /* below EDITOR_COLOURS; given by editor_people(), kept while they are here */
};

enum editor_line {
    EDITOR_ONLINE,
    EDITOR_OFFLINE,   /* it connects again by itself */
    EDITOR_PAUSED,    /* the profile is offline */
    EDITOR_READ_ONLY, /* they may read the note and not change it; nothing is tried */
    EDITOR_ENDED      /* the note cannot be edited any more */
};

struct editor_finding {
    bool asking;  /* what to find is being typed */
    bool missing; /* it is nowhere */
    bool fresh;   /* what is there is of the last time: the first key replaces it */
    char text[EDITOR_FIND_TEXT];
    size_t size;
    size_t origin, origin_top; /* where to go back to */
};

struct editor {
    struct editor_port port;
    size_t rows, columns; /* of the screen */
    size_t cursor;
    size_t top;        /* where the first row shown begins */
    size_t cursor_row; /* of the screen, when it was last settled */
    size_t goal;       /* column to keep when moving up and down */
    bool has_goal;
    bool shifted; /* others have changed the text since it was settled */
    bool doing;   /* inside the port's undo or redo, whose changes the cursor follows */
    bool help;
    bool quit; /* was asked for */
    bool redraw;
    bool typed; /* the last key changed the text */
    struct editor_finding find;
    struct editor_person people[EDITOR_PEOPLE];
    size_t people_count;
    size_t people_more; /* beyond those */
    enum editor_line line;
    size_t waiting; /* of tandem_note_waiting() */
    char message[EDITOR_MESSAGE];
};

/* The caller sets nothing but `line` and `waiting` by hand. */
void editor_init(struct editor *editor, const struct editor_port *port);
/* At least 1 by 1. */
void editor_resize(struct editor *editor, size_t rows, size_t columns);
void editor_key(struct editor *editor, const struct editor_key *key);
/* [from, from + removed) of the text became `inserted` bytes, by somebody else, undo or redo. */
void editor_changed(struct editor *editor, size_t from, size_t removed, size_t inserted);
/* Everybody who is here now. Colours are the editor's business. */
void editor_people(struct editor *editor, const struct editor_person *people, size_t count);
/* A sentence in the last row, until the next key. */
void editor_say(struct editor *editor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Fills the frame, which has the size of the screen; settles first. */
void editor_draw(struct editor *editor, struct editor_frame *frame);

#endif

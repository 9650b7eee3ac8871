/* From the bytes a terminal sends to what the person means.
 *
 * Bytes are fed as they are read; whole keys come out: text to be typed, an action of the table in
 * editor_keys.c, or a paste. A key may come in several reads. A lone Escape looks like the
 * beginning of another key, so when editor_keys_waits() and nothing follows for a moment, the
 * caller calls editor_keys_flush(). Sequences that mean nothing here are swallowed whole.
 *
 * A bracketed paste is gathered until its end, with lines ended by \n and without control
 * characters; no key in it is obeyed.
 */
#ifndef TANDEM_CLI_EDITOR_KEYS_H
#define TANDEM_CLI_EDITOR_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/bytes.h"

enum editor_action {
    EDITOR_NOTHING,
    EDITOR_LEFT,
    EDITOR_RIGHT,
    EDITOR_UP,
    EDITOR_DOWN,
    EDITOR_WORD_LEFT,
    EDITOR_WORD_RIGHT,
    EDITOR_ROW_START,
    EDITOR_ROW_END,
    EDITOR_LINE_START,
    EDITOR_LINE_END,
    EDITOR_LINE_UP,
    EDITOR_LINE_DOWN,
    EDITOR_PAGE_UP,
    EDITOR_PAGE_DOWN,
    EDITOR_TEXT_START,
    EDITOR_TEXT_END,
    EDITOR_ENTER,
    EDITOR_BACKSPACE,
    EDITOR_DELETE,
    EDITOR_DELETE_WORD_LEFT,
    EDITOR_DELETE_WORD_RIGHT,
    EDITOR_DELETE_TO_START,
    EDITOR_DELETE_TO_END,
    EDITOR_UNDO,
    EDITOR_REDO,
    EDITOR_FIND,
    EDITOR_FIND_NEXT,
    EDITOR_FIND_PREVIOUS,
    EDITOR_CANCEL,
    EDITOR_HELP,
    EDITOR_SAVE, /* there is no saving: it says so */
    EDITOR_REDRAW,
    EDITOR_QUIT
};

enum editor_key_kind {
    EDITOR_KEY_ACTION,
    EDITOR_KEY_TEXT,
    EDITOR_KEY_PASTE,
    EDITOR_KEY_PASTE_TOO_LONG /* longer than EDITOR_PASTE; nothing of it was kept */
};

struct editor_key {
    enum editor_key_kind kind;
    enum editor_action action;
    const char *text; /* whole UTF-8 characters, valid until the handler returns */
    size_t size;
};
typedef void editor_key_fn(void *context, const struct editor_key *key);

#define EDITOR_PASTE (1u << 20) /* bytes; far more than a note holds */
#define EDITOR_SEQUENCE 32u     /* bytes of the longest key that is understood */

struct editor_keys {
    unsigned char pending[EDITOR_SEQUENCE]; /* a key that has begun */
    size_t pending_size;
    bool skipping; /* the rest of a sequence that was too long */
    bool pasting;
    bool paste_failed, paste_return; /* too long; the byte before was \r */
    struct buffer paste;
    struct buffer text; /* typed in one go */
};

/* Zeroed storage is ready for use. */
void editor_keys_release(struct editor_keys *keys);
void editor_keys_feed(struct editor_keys *keys, const char *bytes, size_t size,
                      editor_key_fn *on_key, void *context);
bool editor_keys_waits(const struct editor_keys *keys);
void editor_keys_flush(struct editor_keys *keys, editor_key_fn *on_key, void *context);

#endif

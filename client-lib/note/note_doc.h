/* A live note as one device has it: the server's newest version that arrived, what was typed here
 * and is on its way, and what was typed since.
 *
 *     text shown = base, then `theirs` and `sent` and `waiting` merged
 *
 *     base      text of a version of the server's
 *     theirs    while catching up after a gap: entries that came and are not merged yet
 *     sent      what was pushed, unchanged until its entry comes or the server refuses it
 *     waiting   what was typed since; the next push
 *
 * Nothing here reads a disk or a clock. Whoever keeps the note does so with rows: every operation
 * has a function note_doc_row_...() that writes what is to be done as a small row (bytes that only
 * this module understands; the text is not in it), and note_doc_apply() that does it.
 *
 *     a keystroke:  row_edit -> append the row to the note's rows (transaction open) -> apply ->
 *                   commit. When apply fails, nothing has changed: abort.
 *     at start:     load what was saved, then apply the rows behind it, in order
 *     now and then: when the rows have outgrown the text (note_doc_row_is_large, or their sum),
 *                   note_doc_save() in their place
 *
 * The same rows in the same order make the same document in every process: several processes that
 * share a folder apply each other's rows (origin ELSEWHERE), and hold the same `sent`.
 *
 *     opened, the answer has a text:     row_text      (first time, or behind the server's horizon)
 *     an entry of note-changes:          row_entry     (also our own: it confirms `sent`)
 *     may something be sent:             can_send -> row_take, then push note_doc_sent() at
 *                                        note_doc_version(); after a restart push it again as it is
 *     note-result is `behind`:           nothing; push again when the entries have come (nothing is
 *                                        left to push when others have done the same)
 *     note-result is another refusal:    row_refused
 *     note_doc_is_divided():             row_refused, and row_take again
 *
 * What was typed without the note being open at the server (entries with `away`, and row_text) is
 * merged as a whole, once the last of those entries is there. Where one side deleted a passage and
 * the other rewrote it within, the passage stays, with the rewriting, between NOTE_DOC_KEPT_BEGIN
 * and NOTE_DOC_KEPT_END; note_doc_shown() tells where.
 *
 * Places are bytes of the text shown unless called units (UTF-16). Every function that can fail
 * leaves the document as it was when it does.
 */
#ifndef TANDEM_CLIENT_NOTE_DOC_H
#define TANDEM_CLIENT_NOTE_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/change_set.h"
#include "protocol/status.h"

/* Around a passage that was deleted on one side and rewritten on the other. */
#define NOTE_DOC_KEPT_BEGIN "[[kept: "
#define NOTE_DOC_KEPT_END "]]"

/* Steps that can be taken back. */
#define NOTE_DOC_UNDO_MAX 500u

struct note_doc;

/* Version 0 of an empty text; NULL without memory. */
struct note_doc *note_doc_new(void);
void note_doc_free(struct note_doc *doc);
/* Begins at a version whose text is known, such as what the replica's record has, with nothing
 * typed. Undo is forgotten. INVALID_VALUE for a text that is not UTF-8, TOO_LARGE, NO_MEMORY. */
enum status note_doc_begin(struct note_doc *doc, uint64_t version, struct bytes text);

/* ---- Kept on disk ---- */

/* Everything but undo, appended; out->failed without memory. */
void note_doc_save(const struct note_doc *doc, struct buffer *out);
/* Takes back what was saved. CORRUPT for anything else, NO_MEMORY. */
enum status note_doc_load(struct note_doc *doc, struct bytes saved);

enum note_doc_origin {
    NOTE_DOC_TYPED,     /* made by this handle: an edit can be undone, an edit is not in `shown` */
    NOTE_DOC_UNDO,      /* the row is note_doc_row_undo()'s */
    NOTE_DOC_REDO,      /* the row is note_doc_row_redo()'s */
    NOTE_DOC_ELSEWHERE, /* made by another handle or process, or read back from disk */
};

/* Does what `row` says. For rows of the server's (entry, text, taken, refused) TYPED and ELSEWHERE
 * are the same. CORRUPT when it does not follow from where the document is (a row left out, or
 * damaged), NO_MEMORY, TOO_LARGE when the text would pass the bounds of change sets. */
enum status note_doc_apply(struct note_doc *doc, struct bytes row, enum note_doc_origin origin);
/* Whether a row holds a whole text, so that saving costs no more than appending it. */
bool note_doc_row_is_large(struct bytes row);

/* What the last note_doc_apply() changed in the text, in order, each in terms of the text after
 * the one before; then the passages that were kept, in terms of the text as it is now. */
struct note_doc_shown {
    size_t from, removed;  /* bytes */
    struct bytes inserted; /* what came, or the passage kept with its marks */
    bool kept;             /* tells of a passage that was kept: nothing is to be changed */
    bool own;              /* kept: the rewriting was ours, the deletion theirs */
};
/* Valid until the next call that changes the document. */
const struct note_doc_shown *note_doc_shown(const struct note_doc *doc, size_t *count);
/* Where the place `at` of the text before is now; a text that came just there lies before it when
 * `after`. */
size_t note_doc_shown_place(const struct note_doc *doc, size_t at, bool after);

/* ---- Rows; each is appended to `out`, and does nothing until it is applied ---- */

/* [from, from + removed) becomes `text`; \r\n and \r become \n. INVALID_VALUE for a place that is
 * none or within a character, or a text that is not UTF-8; TOO_LARGE when the note would grow
 * beyond LIMIT_NOTE_TEXT; NO_MEMORY. When it changes nothing, OK and no row. */
enum status note_doc_row_edit(struct note_doc *doc, size_t from, size_t removed, struct bytes text,
                              struct buffer *out);
/* The newest of this handle's edits that still stands, taken back or put back. NOT_FOUND when
 * there is none; TOO_LARGE, NO_MEMORY. */
enum status note_doc_row_undo(struct note_doc *doc, struct buffer *out);
enum status note_doc_row_redo(struct note_doc *doc, struct buffer *out);

/* Entry note_doc_version() + 1 of the server's: `encoded` as note-changes has it (validated),
 * `own`: its client id is ours. `away`: it was made before the server opened the note for us, that
 * is, its version is at most `newest` of the answer to note-open; `more`: another such follows.
 * Any error of change_set_read(); INVALID_VALUE when it does not fit the version before: then open
 * the note again without a version. */
enum status note_doc_row_entry(struct note_doc *doc, struct bytes encoded, bool own, bool away,
                               bool more, struct buffer *out);
/* The text of a version, when the entries up to it are not to be had. The difference to what we
 * have is what others did. INVALID_VALUE when it is not UTF-8, TOO_LARGE. */
enum status note_doc_row_text(struct note_doc *doc, uint64_t version, struct bytes text,
                              struct buffer *out);
/* What waits goes, or as much of it as one push may have: note_doc_can_send() must hold. */
void note_doc_row_take(const struct note_doc *doc, struct buffer *out);
/* The server refused `sent` for good (too-large, invalid-value, ...): it waits again, together with
 * what was typed since, until the next edit. Where it is divided it may go again at once. */
void note_doc_row_refused(const struct note_doc *doc, struct buffer *out);

/* ---- Reading ---- */

/* Zero-terminated; valid until the next call that changes the document. */
struct bytes note_doc_text(const struct note_doc *doc);
uint32_t note_doc_units(const struct note_doc *doc);
/* Newest version whose entry arrived: ask from here on. */
uint64_t note_doc_version(const struct note_doc *doc);
/* Entries with `more` came and their successor has not yet. */
bool note_doc_catching_up(const struct note_doc *doc);
/* Something waits, nothing is on its way, no entry is missing, and it was not just refused. */
bool note_doc_can_send(const struct note_doc *doc);
/* What is to be pushed at note_doc_version(); NULL when nothing is, or while catching up. Whether a
 * push is on its way just now is for the caller to know: one at a time. */
const struct change_set *note_doc_sent(const struct note_doc *doc);
/* Others have put so much into what was sent that it has more parts than a push may have. It cannot
 * have been pushed as it is. */
bool note_doc_is_divided(const struct note_doc *doc);
/* Units typed or deleted here that the server does not have; 0: it has everything. */
size_t note_doc_waiting(const struct note_doc *doc);
/* Ends a group of edits: the next one is undone by itself. For a pause in typing; a jump is seen.
 */
void note_doc_pause(struct note_doc *doc);
/* One's cursor is at this place: a jump away and back ends a group, too. */
void note_doc_cursor(struct note_doc *doc, size_t at);
/* The texts typed here that the server does not have, each followed by a line end. */
void note_doc_own_words(const struct note_doc *doc, struct buffer *out);

/* ---- Cursors ---- */

/* A place in units of `version` -> bytes of the text shown. False when that version has not
 * arrived yet, is older than what is remembered, or has no such place. */
bool note_doc_place_here(struct note_doc *doc, uint64_t version, uint64_t unit, size_t *at);
/* The other way: units in the text of *version, which the others have or will have. A place in
 * text that they cannot have yet is where that text stands. */
uint32_t note_doc_place_there(struct note_doc *doc, size_t at, uint64_t *version);

#endif

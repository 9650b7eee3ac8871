/* The text of a note, in one piece, with its places counted both ways: in bytes and in UTF-16
 * units. Between the two there is a mark, where the last change was, so that who types in one
 * place pays for the distance to it and not for the text.
 *
 * Changes are made in two steps: note_text_plan() finds out whether they can be, and gets all the
 * memory; note_text_change() makes them, and cannot fail.
 */
#ifndef TANDEM_CLIENT_NOTE_TEXT_H
#define TANDEM_CLIENT_NOTE_TEXT_H

#include "protocol/change_set.h"

/* Zero-initialised storage is an empty text. */
struct note_text {
    struct buffer bytes; /* one more is reserved, for the NUL behind it */
    uint32_t units;
    size_t mark_byte;
    uint32_t mark_unit;
};

/* One replacement: in terms of the text with the earlier ones made. */
struct note_piece {
    size_t from, removed;
    size_t text_at, inserted; /* bytes of the set's text that come */
};

/* What a change set comes to in a text. Zero-initialised storage is a plan of no change. */
struct note_plan {
    struct note_piece *pieces;
    size_t count, capacity;
    size_t size; /* of the text afterwards, */
    size_t most; /* and at most in between */
    uint32_t units;
    struct buffer spare; /* the text is made anew here when there are many pieces */
};

void note_text_release(struct note_text *text);
/* Takes over a copy of valid UTF-8. NO_MEMORY, and `text` as it was. TOO_LARGE. */
enum status note_text_set(struct note_text *text, struct bytes from);
struct bytes note_text_bytes(const struct note_text *text);

/* The byte where the unit `unit` begins; false beyond the end or within a character. */
bool note_text_byte(struct note_text *text, uint32_t unit, size_t *at);
/* The unit that begins at byte `at`, which begins a character or is the end. */
uint32_t note_text_unit(struct note_text *text, size_t at);
/* Whether `at` begins a character or is the end. */
bool note_text_is_place(const struct note_text *text, size_t at);

void note_plan_release(struct note_plan *plan);
/* INVALID_VALUE when `set` is for a text of another length, or cuts a character; NO_MEMORY. */
enum status note_text_plan(struct note_text *text, const struct change_set *set,
                           struct note_plan *plan);
/* `text` must not have changed since. */
void note_text_change(struct note_text *text, const struct change_set *set, struct note_plan *plan);
/* What undoes `set`, which the plan was made for and which has not been made yet. NO_MEMORY. */
enum status note_text_inverse(const struct note_text *text, const struct change_set *set,
                              const struct note_plan *plan, struct change_set *out);

#endif

/* Changes to a text, as several people who edit it at once exchange them.
 *
 * A change set describes one text in terms of another. Its parts follow each other through the old
 * text: each keeps a run of it, or puts new text in the place of a run (either may be empty). All
 * lengths are UTF-16 units. The form on the wire, the normal form and what the operations come to
 * are those of CodeMirror's collaborative editing (@codemirror/state, class ChangeSet), so that a
 * browser uses that module as it stands:
 *
 *     [3, [2], 4, [0, "one line", "and the next"]]
 *
 * keeps 3 units, deletes 2, keeps 4, and inserts a text of two lines at the end.
 *
 * Two sets A and B that were made of the same text meet by mapping one over the other, and it comes
 * to the same text which way round (TP1):
 *
 *     A then map(B over A, after)  =  B then map(A over B, before)
 *
 * A set owns its memory; zero-initialised storage is a valid set of a text of no length. Whoever
 * makes one releases it, also after a failure. No operation changes what it reads.
 */
#ifndef TANDEM_PROTOCOL_CHANGE_SET_H
#define TANDEM_PROTOCOL_CHANGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/status.h"
#include "protocol/wire.h"

/* Units of the longest text, before or after a change. */
#define CHANGE_TEXT_MAX (1u << 20)
/* Parts of one set that somebody else sent. */
#define CHANGE_PARTS_MAX (1u << 16)
/* Lines that one part puts in, on the wire: more than any note has, since a text that is set as a
 * whole comes as one part. */
#define CHANGE_LINES_MAX (1u << 18)

struct change_part {
    uint32_t length;   /* of the old text that is kept or goes */
    uint32_t inserted; /* units that come in its place; 0 where kept */
    bool kept;
    size_t text_size; /* bytes of the inserted text: they follow those of the parts before */
};

struct change_set {
    struct change_part *parts;
    size_t count, capacity;
    struct buffer text; /* UTF-8 that the parts insert, one behind the other */
    uint32_t before;    /* units of the text it applies to */
    uint32_t after;     /* units of what it makes of that */
    enum status state;  /* OK, or why building it failed: NO_MEMORY, TOO_LARGE */
};

void change_set_release(struct change_set *set);
/* Forgets the parts and any failure, keeps the memory. */
void change_set_clear(struct change_set *set);
/* Whether it changes nothing. */
bool change_set_is_empty(const struct change_set *set);
/* Whether both have the same parts. */
bool change_set_equal(const struct change_set *a, const struct change_set *b);
/* NO_MEMORY, or `from->state`; `out` is then empty or fails the same. */
enum status change_set_copy(const struct change_set *from, struct change_set *out);
/* Builds a set from left to right, in normal form. After a failure they do nothing. */
void change_set_keep(struct change_set *set, size_t units);
/* Puts `text` (valid UTF-8, lines end with \n) in the place of `units`; `joined`: the part goes on
 * with the one before even where both replace, because one change made them. */
void change_set_replace(struct change_set *set, size_t units, struct bytes text, bool joined);

/* Reads the value that `encoded` (validated) is; brought to normal form. WRONG_KIND for another
 * shape, INVALID_VALUE for a line that holds a line break, TOO_LARGE or LIMIT beyond the bounds
 * above, NO_MEMORY; `fault` tells the part. */
enum status change_set_read(struct bytes encoded, struct change_set *out, struct fault *fault);
/* The same of what was made and written here, which may have any number of parts: what others put
 * into a run that it takes divides it. */
enum status change_set_read_own(struct bytes encoded, struct change_set *out);
void change_set_write(const struct change_set *set, struct buffer *out);

/* The text that `set` makes of `text`, appended to `out`. INVALID_VALUE when `text` has another
 * length than the set was made for, or a part begins or ends within a character. `out` has then
 * what it had. */
enum status change_set_apply(const struct change_set *set, struct bytes text, struct buffer *out,
                             struct fault *fault);

/* What undoes `set`, which was made of `text`. Errors as change_set_apply(). */
enum status change_set_invert(const struct change_set *set, struct bytes text,
                              struct change_set *out, struct fault *fault);

/* First `first`, then `next`, as one. INVALID_VALUE when `next` is not of the length that `first`
 * leaves, or cuts a character that it inserted. `out` is none of the two. */
enum status change_set_compose(const struct change_set *first, const struct change_set *next,
                               struct change_set *out, struct fault *fault);

/* `set` as it applies after `over`, which was made of the same text. Where both insert at one
 * place, the text of `set` comes first when `before`. INVALID_VALUE when they are not of one
 * length. */
enum status change_set_map(const struct change_set *set, const struct change_set *over, bool before,
                           struct change_set *out, struct fault *fault);

/* Where the place `at` (units, at most set->before) lies after `set`. Text inserted just there
 * comes before the place when `after`; a place within what went moves to where that was. */
uint32_t change_set_map_place(const struct change_set *set, uint32_t at, bool after);

#endif

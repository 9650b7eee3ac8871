/* Change sets where there is often none: a set without parts changes nothing, whatever the length
 * of the text. What comes to no change is brought to that form. No result is one of the operands.
 */
#ifndef TANDEM_CLIENT_NOTE_SET_H
#define TANDEM_CLIENT_NOTE_SET_H

#include "protocol/change_set.h"

bool note_set_none(const struct change_set *set);
/* First `first`, then `next`. Errors as change_set_compose(). */
enum status note_set_compose(const struct change_set *first, const struct change_set *next,
                             struct change_set *out);
/* `set` as it applies after `over`. Errors as change_set_map(). */
enum status note_set_map(const struct change_set *set, const struct change_set *over, bool before,
                         struct change_set *out);
/* Both, mapped over each other: `ours` as it applies after `theirs`, and the reverse. Where both
 * insert at one place, theirs comes first. */
enum status note_set_meet(const struct change_set *ours, const struct change_set *theirs,
                          struct change_set *ours_out, struct change_set *theirs_out);
/* Two that come to the same, one after the other: `first` has the first `parts` parts of `set`, and
 * `rest` what is left, of the text that those make. NO_MEMORY. */
enum status note_set_split(const struct change_set *set, size_t parts, struct change_set *first,
                           struct change_set *rest);
void note_set_swap(struct change_set *a, struct change_set *b);
/* As change_set_map_place(). */
uint32_t note_set_place_after(const struct change_set *set, uint32_t at, bool after);
/* Where the place `at` of the text after `set` was before it: for a place in an inserted text,
 * where that stands. */
uint32_t note_set_place_before(const struct change_set *set, uint32_t at);
/* Units it takes and brings. */
size_t note_set_weight(const struct change_set *set);
/* Bytes of memory that it has. */
size_t note_set_bytes(const struct change_set *set);

#endif

/* Texts of notes: their line ends, and what makes one of another. */
#ifndef TANDEM_CORE_NOTE_TEXT_H
#define TANDEM_CORE_NOTE_TEXT_H

#include "protocol/bytes.h"
#include "protocol/change_set.h"

/* Whether it has a line end other than \n. */
bool note_text_is_foreign(struct bytes text);
/* Appends the text with \n for every \r\n and \r. */
void note_text_normalise(struct bytes text, struct buffer *out);

/* The replacement that makes `to` of `from`, both valid UTF-8: of what is between what they begin
 * and what they end with alike. set->state tells when memory was short. */
void note_text_difference(struct bytes from, struct bytes to, struct change_set *set);

#endif

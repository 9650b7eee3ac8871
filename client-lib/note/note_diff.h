/* What was done to a text of which only the two ends are known.
 *
 * First by lines, then by characters within the lines that differ: the shortest list of
 * replacements (Myers, "An O(ND) difference algorithm"), in which what two replacements leave
 * standing between them by accident, such as a lone letter, goes along with them. The work is
 * bounded: texts that differ in more than a few hundred lines, or a changed passage that differs
 * in more than a few hundred characters, are replaced from the first difference to the last.
 */
#ifndef TANDEM_CLIENT_NOTE_DIFF_H
#define TANDEM_CLIENT_NOTE_DIFF_H

#include "protocol/change_set.h"

/* The set that makes `new` of `old`, both valid UTF-8; without parts when they are the same.
 * TOO_LARGE beyond CHANGE_TEXT_MAX units, NO_MEMORY. */
enum status note_diff(struct bytes old, struct bytes new, struct change_set *out);

#endif

/* The line of a text in which somebody is mentioned: "@kari", or "@\"kari moe\"" for a sign-in name
 * with spaces in it. */
#ifndef TANDEM_CORE_MENTION_LINE_H
#define TANDEM_CORE_MENTION_LINE_H

#include "protocol/bytes.h"

#define MENTION_LINE_MAX 200u

/* Appends the first line of `text`, valid UTF-8, that mentions `name`; without one, the first that
 * is not blank. Of a longer line at most MENTION_LINE_MAX bytes, the name among them, cut between
 * characters. What a text of one line may not hold is a space in it. */
void mention_line(struct bytes text, struct bytes name, struct buffer *out);

/* Whether two sign-in names are the same one: ASCII letters count alike in either case. */
bool mention_same_name(struct bytes a, struct bytes b);

#endif

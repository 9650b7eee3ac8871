/* Values as a person reads them: JSON, and h'00ff' for bytes. */
#ifndef TANDEM_TESTS_PROTOCOL_NOTATION_H
#define TANDEM_TESTS_PROTOCOL_NOTATION_H

#include "protocol/bytes.h"

/* Appends the text of one validated value. */
void notation_print(struct bytes value, struct buffer *out);
/* Appends the encoding, in the shortest forms, of one value's text; false when it is none. A
 * number with a fraction, which has no encoding here, becomes its own text as a str. */
bool notation_parse(struct bytes text, struct buffer *out);

#endif

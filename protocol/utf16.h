/* Places in UTF-8 text, counted in UTF-16 units.
 *
 * Texts that people edit together are stored as UTF-8, and their changes are counted as editors in
 * browsers count: a character above U+FFFF is two units, every other one. The text given here has
 * been validated (wire_utf8_valid).
 */
#ifndef TANDEM_PROTOCOL_UTF16_H
#define TANDEM_PROTOCOL_UTF16_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/bytes.h"

/* Units of the whole text. */
size_t utf16_length(struct bytes text);

/* Goes `units` on from the byte `*at`. False, and `*at` unchanged, when the text has fewer left or
 * the place is within a character of two units. */
bool utf16_skip(struct bytes text, size_t units, size_t *at);

/* The same backwards, from the byte `*at`, which begins a character or is the end. */
bool utf16_skip_back(struct bytes text, size_t units, size_t *at);

#endif

/* Letters of either case made the same: Unicode's simple case folding.
 *
 * Text is looked for, sorted, and told apart where it must be unique, by its folded form: each
 * character is replaced by what it folds to, the lines C and S of CaseFolding.txt of Unicode 15 (in
 * fold.def, which fold_table.sh writes). So "ÅSE" and "åse" are the same; "ß" and "ss" are not, nor
 * a letter and the same with its accent as a character of its own. Languages play no part: "I"
 * folds to "i" for everybody, "İ" and "ı" stay what they are.
 *
 * Folded text has another number of bytes than the text: up to half as many more, and down to a
 * third. Bytes that are no UTF-8 stay as they are. What is folded stays so when it is folded again.
 *
 * Both ends must come to the same, and their files hold folded text: another table is another
 * format of the server's store and of the replica. Sign-in names are not compared so, but by ASCII
 * alone (bytes_equal_folded()): whose password it is must not hang on a table. */
#ifndef TANDEM_PROTOCOL_FOLD_H
#define TANDEM_PROTOCOL_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/bytes.h"

/* Bytes that a character folds to, at most. */
#define FOLD_CHARACTER_MAX 4u
/* Bytes that a text of so many bytes folds to, at most. */
#define FOLD_MAX(size) ((size) + (size) / 2)

/* What a code point folds to: itself, if it has no case or is small. */
uint32_t fold_code(uint32_t code);

/* Takes off `text` what folds to at most `room` bytes, at least FOLD_CHARACTER_MAX, and writes them to
 * `out`. Returns how many they are: 0 only when nothing is left. Piece by piece it is the same as at
 * once, but a character may be cut in two. */
size_t fold_next(struct bytes *text, uint8_t *out, size_t room);

/* Writes the first `room` bytes of the folded text, or all there are, and returns their number. The
 * last character may be cut. */
size_t fold_begin(struct bytes text, uint8_t *out, size_t room);

/* The order of the folded texts, as bytes_compare(): 0 where they differ in case only. */
int fold_compare(struct bytes a, struct bytes b);

#endif

/* Which bytes of a note's text were typed here, while others type in it too.
 *
 * The editor tells of each replacement in the text, in order, and whose it was. In the end the
 * names that were typed here can be told from those of others, who mention them themselves.
 */
#ifndef TANDEM_CLI_NOTE_TYPED_H
#define TANDEM_CLI_NOTE_TYPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct note_typed {
    uint8_t *marks; /* one a byte of the text: 1 for what was typed here */
    size_t size, capacity;
    bool failed; /* no memory was left, and nothing is known any more */
};

/* The text is `size` bytes now, none of them typed here. */
void note_typed_begin(struct note_typed *typed, size_t size);
/* [from, from + removed) became `inserted` bytes; what is not within the text is left out. */
void note_typed_change(struct note_typed *typed, size_t from, size_t removed, size_t inserted,
                       bool here);
/* A mark for each byte of a text of this size; NULL when that is not known. */
const uint8_t *note_typed_marks(const struct note_typed *typed, size_t size);
void note_typed_release(struct note_typed *typed);

#endif

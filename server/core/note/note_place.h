/* Taking rows of notes apart, and the numbers of varying length in them.
 *
 * A place is what is left of a row. Once something was not there as it should be it is `bad`, and
 * every take gives zeros, so that a reader asks once, at the end.
 *
 * A number is written seven bits a byte, the lowest first; the top bit says that more follow.
 */
#ifndef TANDEM_CORE_NOTE_PLACE_H
#define TANDEM_CORE_NOTE_PLACE_H

#include "protocol/bytes.h"

struct note_place {
    struct bytes left;
    bool bad;
};

/* The next `size` bytes. */
struct bytes note_take(struct note_place *place, size_t size);
uint8_t note_take_u8(struct note_place *place);
uint64_t note_take_u64(struct note_place *place);
/* Bad when it has more than 64 bits. */
uint64_t note_take_number(struct note_place *place);

void note_put_number(struct buffer *out, uint64_t number);

#endif

/* Which characters of a trace stand in the text of one client, in order.
 *
 * What the client types is known by its numbers (history.h). What comes from others is known by
 * whose it is, and takes their numbers once all have the same text: the characters of one author
 * never change their order.
 */
#ifndef TANDEM_TESTS_REPLAY_SLOTS_H
#define TANDEM_TESTS_REPLAY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_OF 0x80000000u /* and an agent: some character of theirs */

struct slots {
    uint32_t *slot;
    uint8_t *width; /* bytes of the character */
    size_t count, room;
    bool narrow; /* all are of one byte */
};

void slots_init(struct slots *slots);
void slots_release(struct slots *slots);
/* Place of a character, SIZE_MAX when it is not there. */
size_t slots_find(const struct slots *slots, uint32_t character);
/* Bytes before a place. */
size_t slots_bytes(const struct slots *slots, size_t place);
/* The place that so many bytes are before; SIZE_MAX when there is none. */
size_t slots_at(const struct slots *slots, size_t bytes);
/* [from, from + removed), in places, becomes the characters of `text`: `first` and those that
 * follow it, or all the same when it is SLOT_OF. False without memory. */
bool slots_replace(struct slots *slots, size_t from, size_t removed, const char *text, size_t size,
                   uint32_t first);

#endif

/* Typing in a live note in the words of the protocol. */
#ifndef TANDEM_SURVIVAL_TYPING_H
#define TANDEM_SURVIVAL_TYPING_H

#include "tests/survival/hostile/talk.h"

/* Makes an empty note in the account. False when it was refused. */
bool typing_make_note(struct talk *talk, struct id account, struct id *note);
/* Says that one letter is put in front of the note's `units`, which are those of version `base`. */
bool typing_say_push(struct talk *talk, struct id note, uint64_t base, uint32_t units);
/* Hears everything up to the next note-result, in talk->last; false when it is not `ok`. */
bool typing_hear_result(struct talk *talk);

#endif

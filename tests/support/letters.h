/* Letters of which each is typed once, so that it is known wherever it comes to stand, and missed
 * when it is lost. Those of even numbers are one UTF-16 unit and three bytes, the others two units
 * and four bytes. */
#ifndef TANDEM_TESTS_SUPPORT_LETTERS_H
#define TANDEM_TESTS_SUPPORT_LETTERS_H

#include <stddef.h>
#include <stdint.h>

#define LETTERS_MOST 40000u
#define LETTER_BYTES 4u

/* Writes letter `number`, below LETTERS_MOST, and returns its bytes. */
size_t letter_put(unsigned number, char out[LETTER_BYTES]);
/* The number of the letter that valid UTF-8 begins with; LETTERS_MOST for any other character. */
unsigned letter_at(const char *text);
/* Bytes of the character that valid UTF-8 begins with. */
size_t letter_width(const char *text);

#endif

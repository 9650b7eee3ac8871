/* Characters as a person sees them on a terminal.
 *
 * A character is a code point with the combining marks behind it; a cursor never stands between
 * them. Columns are those of wcwidth(), so a locale that knows Unicode must be set. Emoji that are
 * tied together (a family, a skin tone) are characters of their own here: whether a terminal draws
 * them as one differs, and a cursor must be where the terminal has it. For the same reason the
 * marks that ask for such a drawing are not sent to it.
 *
 * What a terminal would obey (control characters), what reorders text, and what it has no picture
 * of is shown by a code: ^X, <9B>, <202E>. Texts are UTF-8; a byte that is not counts as one such
 * character.
 */
#ifndef TANDEM_CLI_EDITOR_CHAR_H
#define TANDEM_CLI_EDITOR_CHAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum editor_char_kind {
    EDITOR_CHAR_PLAIN,
    EDITOR_CHAR_TAB,     /* its width depends on where it stands: see editor_char_width() */
    EDITOR_CHAR_NEWLINE, /* has no width */
    EDITOR_CHAR_CODED    /* shown by a code */
};

struct editor_char {
    enum editor_char_kind kind;
    size_t size;    /* bytes, marks included */
    unsigned width; /* columns; 0 for a tab and a newline */
    uint32_t code;  /* of its first code point */
};

/* The character at `at`, which is below `size` and at the beginning of one. */
struct editor_char editor_char_read(const char *text, size_t size, size_t at);
/* Where the character that ends at or spans `at` begins; 0 at the beginning. */
size_t editor_char_before(const char *text, size_t size, size_t at);
/* `at` itself when a character begins there or the text ends, else where the one it is in begins.
 */
size_t editor_char_floor(const char *text, size_t size, size_t at);
/* Columns it takes when it begins in this one. */
unsigned editor_char_width(const struct editor_char *character, size_t column);

#define EDITOR_TAB 8u    /* columns between tab stops */
#define EDITOR_SHOWN 24u /* bytes: a base and four marks, which is all that curses has room for */
/* What to write to the terminal for a plain or coded character, NUL-terminated. */
void editor_char_show(const char *at, const struct editor_char *character, char out[EDITOR_SHOWN]);

enum editor_class { EDITOR_SPACE, EDITOR_WORD, EDITOR_OTHER };
enum editor_class editor_char_class(uint32_t code);
/* The code point with the case of its letter taken off. */
uint32_t editor_char_fold(uint32_t code);

#endif

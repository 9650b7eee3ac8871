/* A terminal with a program in it: what is typed, and what stands on its screen.
 *
 * The program is told that it is a VT100, and what it writes is understood as far as programs that
 * ask terminfo for one go: moving, erasing, scrolling within margins. Characters are one column
 * wide.
 */
#ifndef TANDEM_TESTS_INTEGRATION_TERMINAL_H
#define TANDEM_TESTS_INTEGRATION_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#define TERMINAL_ROWS 12
#define TERMINAL_COLUMNS 80

struct terminal {
    pid_t pid;
    int master, slave; /* the test's end, and the program's, kept open for what it leaves behind */
    struct termios before;
    char cells[TERMINAL_ROWS][TERMINAL_COLUMNS][5]; /* a character each, UTF-8 */
    size_t row, column;
    size_t top, bottom; /* margins, both within */
    char sequence[64];  /* escape sequence or character that has begun */
    size_t sequence_size;
    char text[TERMINAL_COLUMNS * 4 + 1]; /* of terminal_row() */
};

/* Starts a program in it, with `environment` as child_start(). */
void terminal_start(struct terminal *terminal, const char *const *arguments,
                    const char *const *environment);
void terminal_type(struct terminal *terminal, const char *keys);
/* Waits until a row has this in it; on failure shows the screen. */
void terminal_shows(struct terminal *terminal, const char *text);
/* Waits until no row has. */
void terminal_lacks(struct terminal *terminal, const char *text);
/* Waits until this is all that the row has. */
void terminal_row_is(struct terminal *terminal, size_t row, const char *text);
/* A row of what is shown now, without the blanks at its end. */
const char *terminal_row(struct terminal *terminal, size_t row);
/* Waits for the program's end; its exit status. The terminal must be as it was. */
int terminal_end(struct terminal *terminal);
/* The terminal goes away under the program; waits for its end. */
int terminal_hang_up(struct terminal *terminal);

#endif

/* The terminal: what the editor's frames are shown on. The only file that knows curses.
 *
 * There is one terminal, and one screen at a time. It is given back as it was when the screen is
 * closed, and also when the program ends by a fault of its own (SIGSEGV, SIGABRT and the like),
 * which is why what is needed for that is kept where a signal handler finds it. Signals that end a
 * program from outside are the caller's: it reads them and closes the screen.
 *
 * The keyboard is read by the caller from standard input, which is set to hand over every key at
 * once; editor_keys.h makes sense of it.
 */
#ifndef TANDEM_CLI_EDITOR_SCREEN_H
#define TANDEM_CLI_EDITOR_SCREEN_H

#include <stdbool.h>

#include "cli/editor/editor_frame.h"

struct editor_screen;

/* Standard input and output are a terminal. NULL when it cannot be used, with a sentence in
 * `problem`. Colours are used where there are some and NO_COLOR does not say otherwise. */
struct editor_screen *editor_screen_open(char problem[256]);
/* NULL is fine. */
void editor_screen_close(struct editor_screen *screen);
/* As it is now; to be asked again after SIGWINCH. */
void editor_screen_size(struct editor_screen *screen, size_t *rows, size_t *columns);
/* Shows the frame, which has the screen's size. `anew`: whatever is there now was not ours. */
void editor_screen_show(struct editor_screen *screen, const struct editor_frame *frame, bool anew);
/* Gives the terminal back for a while; the next editor_screen_show() takes it again. */
void editor_screen_suspend(struct editor_screen *screen);

#endif

#include "cli/editor/editor_screen.h"

#include <curses.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "protocol/memory.h"

/* What is sent when a paste begins and ends is asked for, and asked not to be, by these. Terminals
 * that do not know them ignore them. */
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"

struct editor_screen {
    SCREEN *curses;
    bool colours;
};

/* ---- Ending by a fault ----------------------------------------------------------------------- */

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT};
#define FAULTS (sizeof faults / sizeof faults[0])

/* A signal handler is given nothing to find this by. */
static struct guard {
    struct termios before;
    struct sigaction others[FAULTS];
    char restore[256]; /* what puts the screen back */
    size_t restore_size;
} guard;

static void on_fault(int number)
{
    ssize_t written = write(STDOUT_FILENO, guard.restore, guard.restore_size);
    (void)written;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &guard.before);
    for (size_t i = 0; i < FAULTS; i++) {
        if (faults[i] == number) {
            (void)sigaction(number, &guard.others[i], NULL);
        }
    }
    (void)raise(number);
}

/* Without the pauses that terminals of long ago needed, as "$<5>". */
static void add_restore(const char *capability)
{
    const char *text = capability[0] == '\033' ? capability : tigetstr(capability);
    if (text == NULL || text == (const char *)-1) {
        return;
    }
    while (*text != '\0' && guard.restore_size < sizeof guard.restore) {
        if (text[0] == '$' && text[1] == '<') {
            text += strcspn(text, ">");
            text += *text == '>';
        } else {
            guard.restore[guard.restore_size++] = *text++;
        }
    }
}

static void guard_begin(void)
{
    const struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    guard.restore_size = 0;
    add_restore(PASTE_OFF);
    add_restore("sgr0");
    add_restore("cnorm");
    add_restore("rmcup");
    for (size_t i = 0; i < FAULTS; i++) {
        (void)sigaction(faults[i], &action, &guard.others[i]);
    }
}

static void guard_end(void)
{
    for (size_t i = 0; i < FAULTS; i++) {
        (void)sigaction(faults[i], &guard.others[i], NULL);
    }
}

/* ---- The screen ------------------------------------------------------------------------------ */

static const short person_colours[EDITOR_COLOURS] = {COLOR_GREEN,  COLOR_MAGENTA, COLOR_CYAN,
                                                     COLOR_YELLOW, COLOR_BLUE,    COLOR_RED};
/* Pairs: of a person's cursor, of a person's name, of a match. */
#define PAIR_CURSOR 1
#define PAIR_NAME (PAIR_CURSOR + (int)EDITOR_COLOURS)
#define PAIR_MATCH (PAIR_NAME + (int)EDITOR_COLOURS)

static bool begin_colours(void)
{
    const char *none = getenv("NO_COLOR");
    if ((none != NULL && none[0] != '\0') || !has_colors() || start_color() != OK ||
        COLOR_PAIRS <= PAIR_MATCH) {
        return false;
    }
    short back = use_default_colors() == OK ? -1 : COLOR_BLACK;
    for (int i = 0; i < (int)EDITOR_COLOURS; i++) {
        short on = person_colours[i] == COLOR_BLUE || person_colours[i] == COLOR_RED ? COLOR_WHITE
                                                                                     : COLOR_BLACK;
        (void)init_pair((short)(PAIR_CURSOR + i), on, person_colours[i]);
        (void)init_pair((short)(PAIR_NAME + i), person_colours[i], back);
    }
    (void)init_pair(PAIR_MATCH, COLOR_BLACK, COLOR_YELLOW);
    return true;
}

/* Every key at once and as it is; curses never reads it. */
static void begin_terminal(void)
{
    (void)raw();
    (void)noecho();
    (void)nonl();
    (void)typeahead(-1);
    (void)curs_set(1);
    (void)fputs(PASTE_ON, stdout);
    (void)fflush(stdout);
}

struct editor_screen *editor_screen_open(char problem[256])
{
    const char *name = getenv("TERM");
    struct editor_screen *screen = memory_new(sizeof *screen);
    if (screen == NULL) {
        (void)snprintf(problem, 256, "out of memory");
        return NULL;
    }
    (void)tcgetattr(STDIN_FILENO, &guard.before);
    screen->curses = name == NULL || name[0] == '\0' ? NULL : newterm(NULL, stdout, stdin);
    if (screen->curses == NULL || tigetstr("cup") == NULL || tigetstr("cup") == (char *)-1) {
        (void)snprintf(
            problem, 256, "a terminal of the kind \"%.60s\" (TERM) %s", name == NULL ? "" : name,
            screen->curses == NULL ? "is not known on this machine" : "cannot show a whole screen");
        editor_screen_close(screen);
        return NULL;
    }
    (void)set_term(screen->curses);
    begin_terminal();
    screen->colours = begin_colours();
    guard_begin();
    return screen;
}

void editor_screen_suspend(struct editor_screen *screen)
{
    (void)screen;
    /* Some terminals keep what was shown: what comes next gets a row of its own. */
    (void)move(LINES - 1, 0);
    (void)clrtoeol();
    (void)refresh();
    (void)fputs(PASTE_OFF, stdout);
    (void)endwin();
    (void)fflush(stdout);
}

void editor_screen_close(struct editor_screen *screen)
{
    if (screen != NULL && screen->curses != NULL) {
        editor_screen_suspend(screen);
        guard_end();
        delscreen(screen->curses);
    }
    memory_free(screen);
}

void editor_screen_size(struct editor_screen *screen, size_t *rows, size_t *columns)
{
    struct winsize size;
    (void)screen;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        int high = size.ws_row < EDITOR_ROWS ? size.ws_row : (int)EDITOR_ROWS;
        int wide = size.ws_col < EDITOR_COLUMNS ? size.ws_col : (int)EDITOR_COLUMNS;
        if (high != LINES || wide != COLS) {
            (void)resizeterm(high, wide);
        }
    }
    *rows = (size_t)LINES;
    *columns = (size_t)COLS;
}

/* ---- Showing --------------------------------------------------------------------------------- */

static attr_t attributes(const struct editor_screen *screen, const struct editor_cell *cell,
                         short *pair)
{
    bool colours = screen->colours;
    short cursor = (short)(PAIR_CURSOR + cell->colour);
    short name = (short)(PAIR_NAME + cell->colour);
    *pair = 0;
    switch ((enum editor_style)cell->style) {
    case EDITOR_PLAIN:
    case EDITOR_BAR:
        return A_NORMAL;
    case EDITOR_CODED:
        return A_BOLD;
    case EDITOR_MATCH:
        *pair = colours ? PAIR_MATCH : 0;
        return colours ? A_NORMAL : A_UNDERLINE | A_BOLD;
    case EDITOR_MATCH_HERE:
        *pair = colours ? PAIR_MATCH : 0;
        return colours ? A_BOLD | A_UNDERLINE : A_REVERSE;
    case EDITOR_SELECTED:
        *pair = colours ? name : 0;
        return A_UNDERLINE;
    case EDITOR_CURSOR:
        *pair = colours ? cursor : 0;
        return colours ? A_NORMAL : A_REVERSE | A_BOLD;
    case EDITOR_LABEL:
        *pair = colours ? name : 0;
        return A_BOLD;
    case EDITOR_STATUS:
        return A_REVERSE;
    case EDITOR_STATUS_PERSON:
        *pair = colours ? cursor : 0;
        return colours ? A_BOLD : A_REVERSE | A_BOLD;
    case EDITOR_STATUS_ALERT:
        return A_REVERSE | A_BOLD;
    }
    return A_NORMAL;
}

static void show_cell(const struct editor_screen *screen, int row, int column,
                      const struct editor_cell *cell)
{
    wchar_t wide[CCHARW_MAX + 1];
    cchar_t shown;
    short pair = 0;
    size_t count = mbstowcs(wide, cell->text, CCHARW_MAX);
    if (count == (size_t)-1 || count == 0) {
        return;
    }
    wide[count < CCHARW_MAX ? count : CCHARW_MAX] = L'\0';
    attr_t attribute = attributes(screen, cell, &pair);
    if (setcchar(&shown, wide, attribute, pair, NULL) == OK) {
        (void)mvadd_wch(row, column, &shown);
    }
}

void editor_screen_show(struct editor_screen *screen, const struct editor_frame *frame, bool anew)
{
    if (isendwin()) {
        begin_terminal();
        anew = true;
    }
    (void)erase();
    for (size_t y = 0; y < frame->rows && y < (size_t)LINES; y++) {
        for (size_t x = 0; x < frame->columns && x < (size_t)COLS; x++) {
            const struct editor_cell *cell = editor_frame_cell(frame, y, x);
            if (cell->width > 0) {
                show_cell(screen, (int)y, (int)x, cell);
            }
        }
    }
    (void)move((int)frame->cursor_row, (int)frame->cursor_column);
    (void)clearok(curscr, anew);
    (void)refresh();
}

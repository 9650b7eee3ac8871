#include "tests/integration/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/child.h"

#define PATIENCE_MS 30000 /* far longer than anything takes */

/* ---- The screen ------------------------------------------------------------------------------ */

static void blank(struct terminal *terminal, size_t row, size_t from, size_t to)
{
    for (size_t x = from; x < to; x++) {
        (void)strcpy(terminal->cells[row][x], " ");
    }
}

static void scroll(struct terminal *terminal, bool up)
{
    size_t count = terminal->bottom - terminal->top;
    void *first = terminal->cells[terminal->top];
    void *second = terminal->cells[terminal->top + 1];
    memmove(up ? first : second, up ? second : first, count * sizeof terminal->cells[0]);
    blank(terminal, up ? terminal->bottom : terminal->top, 0, TERMINAL_COLUMNS);
}

static void line_feed(struct terminal *terminal)
{
    if (terminal->row == terminal->bottom) {
        scroll(terminal, true);
    } else if (terminal->row + 1 < TERMINAL_ROWS) {
        terminal->row++;
    }
}

static void put(struct terminal *terminal, const char *character)
{
    if (terminal->column == TERMINAL_COLUMNS) { /* a full row goes on in the next */
        terminal->column = 0;
        line_feed(terminal);
    }
    (void)snprintf(terminal->cells[terminal->row][terminal->column++], 5, "%s", character);
}

static size_t within(size_t value, size_t limit)
{
    return value < limit ? value : limit - 1;
}

static void erase_screen(struct terminal *terminal, unsigned what)
{
    size_t from = what == 0 ? terminal->row + 1 : 0;
    size_t to = what == 1 ? terminal->row : TERMINAL_ROWS;
    for (size_t y = from; y < to; y++) {
        blank(terminal, y, 0, TERMINAL_COLUMNS);
    }
}

static void erase_row(struct terminal *terminal, unsigned what)
{
    size_t column = within(terminal->column, TERMINAL_COLUMNS);
    blank(terminal, terminal->row, what == 0 ? column : 0,
          what == 1 ? column + 1 : TERMINAL_COLUMNS);
}

/* ESC [ numbers final */
static void obey(struct terminal *terminal, unsigned first, unsigned second, char final)
{
    size_t by = first == 0 ? 1 : first;
    switch (final) {
    case 'H':
    case 'f':
        terminal->row = within(first == 0 ? 0 : first - 1, TERMINAL_ROWS);
        terminal->column = within(second == 0 ? 0 : second - 1, TERMINAL_COLUMNS);
        break;
    case 'A':
        terminal->row -= by < terminal->row ? by : terminal->row;
        break;
    case 'B':
        terminal->row = within(terminal->row + by, TERMINAL_ROWS);
        break;
    case 'C':
        terminal->column = within(terminal->column + by, TERMINAL_COLUMNS);
        break;
    case 'D':
        terminal->column -= by < terminal->column ? by : terminal->column;
        break;
    case 'J':
        erase_screen(terminal, first);
        erase_row(terminal, first);
        break;
    case 'K':
        erase_row(terminal, first);
        break;
    case 'r':
        terminal->top = first == 0 ? 0 : first - 1;
        terminal->bottom = second == 0 ? TERMINAL_ROWS - 1 : second - 1;
        terminal->row = terminal->column = 0;
        break;
    case 'm':
    case 'h':
    case 'l':
        break;
    default:
        fail_msg("the terminal knows no sequence that ends with %c", final);
    }
}

/* False while it goes on. */
static bool take_escape(struct terminal *terminal, char byte)
{
    const char *sequence = terminal->sequence;
    unsigned first = 0;
    unsigned second = 0;
    if (terminal->sequence_size == 2 && byte != '[' && byte != '(' && byte != ')') {
        if (byte == 'M' && terminal->row == terminal->top) {
            scroll(terminal, false);
        } else if (byte == 'M' && terminal->row > 0) {
            terminal->row--;
        } else if (byte == 'D') {
            line_feed(terminal);
        }
        return true;
    }
    if (sequence[1] != '[') { /* which characters are meant: it has but one set */
        return terminal->sequence_size == 3;
    }
    if (terminal->sequence_size == 2 || (byte >= 0x20 && byte < 0x40)) {
        return false;
    }
    (void)sscanf(sequence + 2, "%u;%u", &first, &second);
    obey(terminal, first, second, byte);
    return true;
}

static void take_byte(struct terminal *terminal, char byte)
{
    unsigned char first = (unsigned char)terminal->sequence[0];
    bool begun = terminal->sequence_size > 0;
    if (begun || byte == '\033' || (unsigned char)byte >= 0x80) {
        assert_true(terminal->sequence_size + 1 < sizeof terminal->sequence);
        terminal->sequence[terminal->sequence_size++] = byte;
        terminal->sequence[terminal->sequence_size] = '\0';
        first = (unsigned char)terminal->sequence[0];
        bool whole = first == '\033' ? terminal->sequence_size > 1 && take_escape(terminal, byte)
                                     : terminal->sequence_size == (first >= 0xF0   ? 4u
                                                                   : first >= 0xE0 ? 3u
                                                                                   : 2u);
        if (whole && first != '\033') {
            put(terminal, terminal->sequence);
        }
        terminal->sequence_size = whole ? 0 : terminal->sequence_size;
    } else if (byte == '\r') {
        terminal->column = 0;
    } else if (byte == '\n') {
        line_feed(terminal);
    } else if (byte == '\b') {
        terminal->column -= terminal->column > 0;
    } else if (byte == '\t') {
        terminal->column = within((terminal->column / 8 + 1) * 8, TERMINAL_COLUMNS);
    } else if ((unsigned char)byte >= 0x20) {
        put(terminal, (const char[]){byte, '\0'});
    } else {
        assert_true(byte == 0x0F || byte == 0); /* nothing else may reach a terminal */
    }
}

const char *terminal_row(struct terminal *terminal, size_t row)
{
    size_t used = 0;
    size_t kept = 0;
    for (size_t x = 0; x < TERMINAL_COLUMNS; x++) {
        size_t size = strlen(terminal->cells[row][x]);
        memcpy(terminal->text + used, terminal->cells[row][x], size);
        used += size;
        kept = strcmp(terminal->cells[row][x], " ") == 0 ? kept : used;
    }
    terminal->text[kept] = '\0';
    return terminal->text;
}

static void show(struct terminal *terminal)
{
    for (size_t y = 0; y < TERMINAL_ROWS; y++) {
        print_error("|%s\n", terminal_row(terminal, y));
    }
}

/* ---- The program ----------------------------------------------------------------------------- */

void terminal_start(struct terminal *terminal, const char *const *arguments,
                    const char *const *environment)
{
    const struct winsize size = {.ws_row = TERMINAL_ROWS, .ws_col = TERMINAL_COLUMNS};
    *terminal = (struct terminal){.bottom = TERMINAL_ROWS - 1};
    for (size_t y = 0; y < TERMINAL_ROWS; y++) {
        blank(terminal, y, 0, TERMINAL_COLUMNS);
    }
    terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal->master >= 0);
    assert_true(grantpt(terminal->master) == 0 && unlockpt(terminal->master) == 0);
    terminal->slave = open(ptsname(terminal->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal->slave >= 0 && ioctl(terminal->slave, TIOCSWINSZ, &size) == 0);
    assert_int_equal(tcgetattr(terminal->slave, &terminal->before), 0);
    const struct child_streams streams = {terminal->slave, terminal->slave, terminal->slave};
    terminal->pid = child_start(arguments, environment, &streams, CHILD_SECONDS);
    assert_true(terminal->pid > 0);
}

void terminal_type(struct terminal *terminal, const char *keys)
{
    size_t size = strlen(keys);
    assert_int_equal(write(terminal->master, keys, size), (ssize_t)size);
}

/* False when nothing came in so long. */
static bool hear(struct terminal *terminal, int most_ms)
{
    char bytes[4096];
    struct pollfd wait = {.fd = terminal->master, .events = POLLIN};
    if (poll(&wait, 1, most_ms) <= 0) {
        return false;
    }
    ssize_t got = read(terminal->master, bytes, sizeof bytes);
    assert_true(got > 0 || errno == EIO);
    for (ssize_t i = 0; i < got; i++) {
        take_byte(terminal, bytes[i]);
    }
    return got > 0;
}

static bool stands_there(struct terminal *terminal, const char *text)
{
    for (size_t y = 0; y < TERMINAL_ROWS; y++) {
        if (strstr(terminal_row(terminal, y), text) != NULL) {
            return true;
        }
    }
    return false;
}

static void wait_for(struct terminal *terminal, const char *text, bool there)
{
    while (stands_there(terminal, text) != there) {
        if (!hear(terminal, PATIENCE_MS)) {
            print_error("'%s' %s:\n", text, there ? "does not appear" : "does not go");
            show(terminal);
            fail();
        }
    }
}

void terminal_shows(struct terminal *terminal, const char *text)
{
    wait_for(terminal, text, true);
}

void terminal_lacks(struct terminal *terminal, const char *text)
{
    wait_for(terminal, text, false);
}

void terminal_row_is(struct terminal *terminal, size_t row, const char *text)
{
    while (strcmp(terminal_row(terminal, row), text) != 0) {
        if (!hear(terminal, PATIENCE_MS)) {
            print_error("row %zu is not '%s':\n", row, text);
            show(terminal);
            fail();
        }
    }
}

static void close_both(struct terminal *terminal)
{
    (void)close(terminal->slave);
    (void)close(terminal->master);
}

int terminal_end(struct terminal *terminal)
{
    struct termios after;
    int status = child_wait(terminal->pid); /* what it still writes fits the terminal's buffer */
    while (hear(terminal, 0)) {
    }
    assert_int_equal(tcgetattr(terminal->slave, &after), 0);
    assert_int_equal(after.c_lflag, terminal->before.c_lflag);
    assert_int_equal(after.c_iflag, terminal->before.c_iflag);
    assert_int_equal(after.c_oflag, terminal->before.c_oflag);
    close_both(terminal);
    return status;
}

int terminal_hang_up(struct terminal *terminal)
{
    close_both(terminal);
    return child_wait(terminal->pid);
}

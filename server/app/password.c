#include "server/app/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Reads one line from the terminal without showing it. */
static bool ask(int terminal, const char *prompt, char out[PASSWORD_SIZE])
{
    struct termios before, silent;
    if (tcgetattr(terminal, &before) != 0)
        return false;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(terminal, TCSAFLUSH, &silent) != 0)
        return false;
    size_t size = 0;
    char c = '\0';
    bool asked = write(terminal, prompt, strlen(prompt)) >= 0;
    while (asked && read(terminal, &c, 1) == 1 && c != '\n') {
        if (size < PASSWORD_SIZE - 1)
            out[size++] = c;
    }
    out[size] = '\0';
    tcsetattr(terminal, TCSAFLUSH, &before);
    return write(terminal, "\n", 1) == 1 && c == '\n';
}

static enum status from_terminal(const char *prompt, char out[PASSWORD_SIZE], struct fault *fault)
{
    char again[PASSWORD_SIZE] = "";
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0)
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_of(NULL, 0),
                         "no terminal to ask for a password: set TANDEM_PASSWORD");
    bool read_both = ask(terminal, prompt, out) && ask(terminal, "Once more: ", again);
    bool same = strcmp(out, again) == 0;
    explicit_bzero(again, sizeof again);
    close(terminal);
    if (!read_both)
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_of(NULL, 0),
                         "no password was given");
    if (!same)
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_of(NULL, 0),
                         "the two passwords differ");
    return STATUS_OK;
}

enum status password_choose(const char *prompt, char out[PASSWORD_SIZE], struct fault *fault)
{
    const char *given = getenv("TANDEM_PASSWORD");
    out[0] = '\0';
    if (given) {
        size_t size = strnlen(given, PASSWORD_SIZE - 1);
        memcpy(out, given, size);
        out[size] = '\0';
    } else {
        enum status status = from_terminal(prompt, out, fault);
        if (status != STATUS_OK)
            return status;
    }
    size_t size = strlen(out);
    if (size < PASSWORD_MIN || size > PASSWORD_MAX)
        return fault_set(fault, STATUS_WEAK_PASSWORD, bytes_of(NULL, 0), "%s",
                         status_text(STATUS_WEAK_PASSWORD));
    return STATUS_OK;
}

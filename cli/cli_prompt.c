#include "cli/cli_prompt.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

/* Reads up to the end of the line, byte by byte, so that nothing of a following line is taken. */
static bool read_line(int file, char out[PROMPT_SECRET])
{
    size_t size = 0;
    for (;;) {
        char byte = 0;
        ssize_t got = read(file, &byte, 1);
        if (got < 0 || (got == 0 && size == 0)) {
            return false;
        }
        if (got == 0 || byte == '\n') {
            break;
        }
        if (size + 1 >= PROMPT_SECRET) {
            return false;
        }
        out[size++] = byte;
    }
    if (size > 0 && out[size - 1] == '\r') {
        size--;
    }
    out[size] = '\0';
    return true;
}

/* `hidden`: what is typed is not shown. */
static bool ask_terminal(int file, const char *question, bool hidden, char out[PROMPT_SECRET])
{
    struct termios before;
    bool echo = hidden && tcgetattr(file, &before) == 0;
    if (echo) {
        struct termios quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(file, TCSAFLUSH, &quiet);
    }
    (void)dprintf(file, "%s", question);
    bool good = read_line(file, out);
    if (echo) {
        (void)tcsetattr(file, TCSAFLUSH, &before);
    }
    if (hidden) {
        (void)dprintf(file, "\n");
    }
    return good;
}

static bool ask(const char *question, bool hidden, char out[PROMPT_SECRET])
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        return ask_terminal(STDIN_FILENO, question, hidden, out);
    }
    bool good = ask_terminal(terminal, question, hidden, out);
    (void)close(terminal);
    return good;
}

bool prompt_secret(const char *question, char out[PROMPT_SECRET])
{
    out[0] = '\0';
    if (!isatty(STDIN_FILENO)) {
        return read_line(STDIN_FILENO, out);
    }
    return ask(question, true, out);
}

bool prompt_yes(const char *question)
{
    char answer[PROMPT_SECRET] = "";
    return ask(question, false, answer) &&
           (strcasecmp(answer, "yes") == 0 || strcasecmp(answer, "y") == 0);
}

bool prompt_is_code(const char *secret)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    if (strlen(secret) != 24) {
        return false;
    }
    for (size_t i = 0; i < 24; i++) {
        bool dash = i % 5 == 4;
        if (dash ? secret[i] != '-' : strchr(alphabet, secret[i]) == NULL) {
            return false;
        }
    }
    return true;
}

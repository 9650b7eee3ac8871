#include "tests/integration/program.h"

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

static void launch(struct program *program, const struct company *company, const char *name,
                   const char *user, const char *last, const struct child_streams *streams)
{
    static const char *const environment[] = {"TANDEM_PASSWORD=" COMPANY_PASSWORD, NULL};
    char path[SCRATCH_PATH + 64], folder[SCRATCH_PATH + 64];
    (void)snprintf(path, sizeof path, "%s/bin/%s", company->folder, name);
    (void)snprintf(folder, sizeof folder, "%s/%s-%s", company->folder, name, user);
    const char *const arguments[] = {
        path, company->server.url, company->server.ca, user, folder, last, NULL};
    program->pid = child_start(arguments, environment, streams, CHILD_SECONDS);
    assert_true(program->pid > 0);
}

void program_start(struct program *program, const struct company *company, const char *name,
                   const char *user, const char *last)
{
    int in[2], out[2];
    *program = (struct program){.said = calloc(1, 1)};
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    const struct child_streams streams = {in[0], out[1], out[1]};
    launch(program, company, name, user, last, &streams);
    (void)close(in[0]);
    (void)close(out[1]);
    program->in = in[1];
    program->out = out[0];
}

void program_start_in_terminal(struct program *program, const struct company *company,
                               const char *name, const char *user)
{
    const struct winsize size = {.ws_row = PROGRAM_ROWS, .ws_col = 80};
    *program = (struct program){.said = calloc(1, 1)};
    program->in = program->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(program->in >= 0 && grantpt(program->in) == 0 && unlockpt(program->in) == 0);
    int terminal = open(ptsname(program->in), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0 && ioctl(terminal, TIOCSWINSZ, &size) == 0);
    const struct child_streams streams = {terminal, terminal, terminal};
    launch(program, company, name, user, NULL, &streams);
    (void)close(terminal);
}

void program_feed(struct program *program, const char *text, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t written = write(program->in, text + done, size - done);
        assert_true(written > 0);
        done += (size_t)written;
    }
}

void program_close_input(struct program *program)
{
    (void)close(program->in);
    program->in = -1;
}

static bool wait_for_words(const struct program *program, int most_ms)
{
    struct pollfd wait = {.fd = program->out, .events = POLLIN};
    return poll(&wait, 1, most_ms) > 0;
}

bool program_hear_soon(struct program *program)
{
    return !wait_for_words(program, 1) || program_hear(program);
}

bool program_hear(struct program *program)
{
    char text[65536];
    if (!wait_for_words(program, PATIENCE_MS)) {
        print_error("the program says nothing. Before, it said:\n%s\n", program->said);
        fail();
    }
    ssize_t got = read(program->out, text, sizeof text);
    if (got <= 0) { /* EIO: a terminal that nobody uses any more */
        assert_true(got == 0 || errno == EIO);
        return false;
    }
    program->said = realloc(program->said, program->size + (size_t)got + 1);
    assert_non_null(program->said);
    memcpy(program->said + program->size, text, (size_t)got);
    program->size += (size_t)got;
    program->said[program->size] = '\0';
    return true;
}

void program_says(struct program *program, const char *text)
{
    const char *at = NULL;
    while ((at = strstr(program->said + program->seen, text)) == NULL) {
        if (!program_hear(program)) {
            print_error("the program ended without saying '%s', but:\n%s\n", text, program->said);
            fail();
        }
    }
    program->seen = (size_t)(at - program->said) + strlen(text);
}

int program_end(struct program *program)
{
    while (program_hear(program)) {
    }
    int status = child_wait(program->pid);
    program->pid = 0;
    if (program->in != program->out && program->in >= 0) {
        (void)close(program->in);
    }
    (void)close(program->out);
    return status;
}

void program_kill(struct program *program)
{
    assert_int_equal(kill(program->pid, SIGKILL), 0);
    assert_int_equal(program_end(program), 128 + SIGKILL);
}

void program_release(struct program *program)
{
    free(program->said);
    program->said = NULL;
}

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "tests/scenario/scenario.h"

/* In the child: what it sees of the world, then the program. */
static void become(const struct scenario *scenario, char *const argv[],
                   const char *const *settings, size_t count, int out, int err)
{
    const char *input = "/dev/null";
    bool ready = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && chdir(scenario->dir) == 0;
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(settings[i], '=');
        char name[64];
        if (!equals)
            continue;
        bytes_to_text(bytes_of(settings[i], (size_t)(equals - settings[i])), name, sizeof name);
        if (strcmp(name, "STDIN") == 0)
            input = equals + 1;
        else if (strcmp(name, "STDERR") == 0)
            err = open(equals + 1, O_WRONLY | O_CREAT | O_APPEND, 0600);
        else
            ready = ready && setenv(name, equals + 1, 1) == 0;
    }
    int in = open(input, O_RDONLY);
    ready = ready && in >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2;
    if (ready)
        execvp(argv[0], argv);
    dprintf(2, "%s: cannot be started: %s\n", argv[0], strerror(errno));
    _exit(126);
}

pid_t process_start(struct scenario *scenario, char *const argv[], const char *const *settings,
                    size_t count, int *out, int *err)
{
    int outs[2], errs[2];
    if (pipe2(outs, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(errs, O_CLOEXEC) != 0) {
        close(outs[0]), close(outs[1]);
        return -1;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(scenario, argv, settings, count, outs[1], errs[1]);
    close(outs[1]);
    close(errs[1]);
    *err = errs[0];
    *out = outs[0];
    return pid;
}

/* Reads what is there; false at the end. */
static bool drain(int fd, struct buffer *into)
{
    uint8_t piece[8192];
    ssize_t got = read(fd, piece, sizeof piece);
    if (got > 0)
        buffer_append(into, piece, (size_t)got);
    return got > 0 || (got < 0 && errno == EINTR);
}

static bool collect(struct outcome *outcome, int out, int err)
{
    struct pollfd polled[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    while (polled[0].fd >= 0 || polled[1].fd >= 0) {
        int ready = poll(polled, 2, SCENARIO_PATIENCE_MS);
        if (ready == 0)
            return false;
        if (polled[0].revents && !drain(out, &outcome->out))
            polled[0].fd = -1;
        if (polled[1].revents && !drain(err, &outcome->err))
            polled[1].fd = -1;
    }
    return true;
}

bool process_run(struct scenario *scenario, char *const argv[], const char *const *settings,
                 size_t count)
{
    struct outcome *last = &scenario->last;
    int out, err;
    buffer_clear(&last->out);
    buffer_clear(&last->err);
    pid_t pid = process_start(scenario, argv, settings, count, &out, &err);
    if (pid < 0)
        return scenario_fail(scenario, "%s cannot be started", argv[0]);
    bool ended = collect(last, out, err);
    if (!ended)
        kill(pid, SIGKILL);
    close(out);
    close(err);
    last->status = process_wait(pid);
    buffer_append_byte(&last->out, '\0');
    buffer_append_byte(&last->err, '\0');
    if (last->out.failed || last->err.failed)
        return scenario_fail(scenario, "out of memory");
    return ended || scenario_fail(scenario, "%s does not end", argv[0]);
}

int process_wait(pid_t pid)
{
    int handle = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd polled = {.fd = handle, .events = POLLIN};
    int ready = poll(&polled, 1, SCENARIO_PATIENCE_MS);
    if (ready != 1)
        kill(pid, SIGKILL);
    if (handle >= 0)
        close(handle);
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || ready != 1)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool process_line(int fd, struct buffer *text, char **line)
{
    for (;;) {
        uint8_t *end = text->size ? memchr(text->data, '\n', text->size) : NULL;
        if (end) {
            size_t length = (size_t)(end - text->data);
            *line = memory_copy(text->data, length);
            text->size -= length + 1;
            memmove(text->data, end + 1, text->size);
            return *line != NULL;
        }
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        if (poll(&polled, 1, SCENARIO_PATIENCE_MS) != 1 || !drain(fd, text))
            return false;
    }
}

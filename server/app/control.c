#include "server/app/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/memory.h"

/* For a caller to send its line; it is on the same machine. */
#define PATIENCE_MS 2000
/* Before a caller is accepted again after that failed, for want of descriptors or memory. */
#define PAUSE_MS 100

struct control {
    struct control_port port;
    struct sockaddr_un address;
    int listening, wake;
    pthread_t thread;
};

static bool make_address(const char *folder, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(out->sun_path, sizeof out->sun_path, "%s/control", folder);
    return length > 0 && (size_t)length < sizeof out->sun_path;
}

/* One line, without its end, within the patience; false when none came. */
static bool read_line(int fd, char *out, size_t size)
{
    size_t at = 0;
    while (at + 1 < size) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        if (poll(&polled, 1, PATIENCE_MS) != 1 || read(fd, out + at, 1) != 1)
            return false;
        if (out[at] == '\n') {
            out[at] = '\0';
            return true;
        }
        at++;
    }
    return false;
}

static void answer(const struct control *control, int fd)
{
    char line[CONTROL_LINE_MAX], reply[256];
    struct fault fault;
    fault_clear(&fault);
    if (!read_line(fd, line, sizeof line))
        return;
    if (strncmp(line, "backup ", 7) != 0)
        snprintf(reply, sizeof reply, "error: there is no such order\n");
    else if (control->port.backup(control->port.self, line + 7, &fault) == STATUS_OK)
        snprintf(reply, sizeof reply, "ok\n");
    else
        snprintf(reply, sizeof reply, "error: %s\n", fault.detail);
    /* A caller that has left does not need to know. */
    (void)!send(fd, reply, strlen(reply), MSG_NOSIGNAL);
}

static void *run(void *argument)
{
    const struct control *control = argument;
    struct pollfd polled[2] = {{.fd = control->wake, .events = POLLIN},
                               {.fd = control->listening, .events = POLLIN}};
    bool failed = false;
    for (;;) {
        /* Whoever waits to be accepted would not let us pause. */
        int ready = poll(polled, failed ? 1 : 2, failed ? PAUSE_MS : -1);
        if (polled[0].revents || (ready < 0 && errno != EINTR))
            return NULL;
        if (failed || ready <= 0) {
            failed = false;
            continue;
        }
        int fd = accept4(control->listening, NULL, NULL, SOCK_CLOEXEC);
        failed = fd < 0;
        if (failed)
            continue;
        answer(control, fd);
        close(fd);
    }
}

static bool listen_here(struct control *control)
{
    control->wake = eventfd(0, EFD_CLOEXEC);
    control->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (control->wake < 0 || control->listening < 0)
        return false;
    /* What a server that was killed left behind; the store's lock says that none is running. */
    unlink(control->address.sun_path);
    mode_t before = umask(0177);
    int bound = bind(control->listening, (struct sockaddr *)&control->address,
                     sizeof control->address);
    umask(before);
    return bound == 0 && listen(control->listening, 4) == 0;
}

static void release(struct control *control)
{
    if (control->listening >= 0)
        close(control->listening);
    if (control->wake >= 0)
        close(control->wake);
    memory_free(control);
}

enum status control_start(const char *folder, const struct control_port *port,
                          struct control **out, struct fault *fault)
{
    *out = NULL;
    struct control *control = memory_new(sizeof *control);
    if (!control)
        return fault_set(fault, STATUS_NO_MEMORY, bytes_of(NULL, 0), "out of memory");
    control->port = *port;
    control->wake = control->listening = -1;
    enum status status = STATUS_OK;
    if (!make_address(folder, &control->address))
        status = fault_set(fault, STATUS_INVALID_VALUE, bytes_of(NULL, 0),
                           "%s is too long a name for the control socket", folder);
    else if (!listen_here(control) ||
             pthread_create(&control->thread, NULL, run, control) != 0)
        status = fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "cannot make the control socket: %s",
                           strerror(errno));
    if (status == STATUS_OK)
        *out = control;
    else
        release(control);
    return status;
}

void control_stop(struct control *control)
{
    if (!control)
        return;
    eventfd_write(control->wake, 1);
    pthread_join(control->thread, NULL);
    unlink(control->address.sun_path);
    release(control);
}

static bool ask(int fd, const char *path, char *reply, size_t size)
{
    char line[CONTROL_LINE_MAX];
    int length = snprintf(line, sizeof line, "backup %s\n", path);
    if (length < 0 || (size_t)length >= sizeof line ||
        send(fd, line, (size_t)length, MSG_NOSIGNAL) != length)
        return false;
    size_t at = 0;
    ssize_t got = 1;
    /* As long as the copy takes. */
    while (at + 1 < size && got > 0) {
        got = TEMP_FAILURE_RETRY(read(fd, reply + at, size - at - 1));
        at += got > 0 ? (size_t)got : 0;
    }
    reply[at] = '\0';
    return at > 0 && reply[at - 1] == '\n' && strlen(reply) == at;
}

enum status control_backup(const char *folder, const char *path, struct fault *fault)
{
    const struct bytes none = {NULL, 0};
    struct sockaddr_un address;
    char reply[256];
    if (strchr(path, '\n') || !make_address(folder, &address))
        return fault_set(fault, STATUS_INVALID_VALUE, none, "not a usable path");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        if (fd >= 0)
            close(fd);
        return fault_set(fault, STATUS_UNREACHABLE, none, "no server of %s answers", folder);
    }
    bool asked = ask(fd, path, reply, sizeof reply);
    close(fd);
    if (!asked)
        return fault_set(fault, STATUS_UNREACHABLE, none, "the server of %s did not answer",
                         folder);
    if (strcmp(reply, "ok\n") == 0)
        return STATUS_OK;
    reply[strcspn(reply, "\n")] = '\0';
    const char *reason = strncmp(reply, "error: ", 7) == 0 ? reply + 7 : reply;
    return fault_set(fault, STATUS_INTERNAL, none, "%.150s", reason);
}

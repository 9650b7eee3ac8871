/* Runs a machine on a disk whose writes are recorded, and takes its power away in the middle.
 *
 *     power-machine DISK SOCKET EVENTS CUT SECONDS -- QEMU ARGUMENT...
 *
 * DISK is the disk before (it is not changed); the machine reaches it by NBD at SOCKET. What it
 * writes, flushes and prints on its standard output goes to EVENTS. While the CUT-th write since it
 * printed "ready" is under way it is killed; one that hardly writes, after as many lines.
 * One that is not as far after SECONDS has failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/survival/power/nbd.h"

#define LINE 256u

struct machine {
    pid_t pid;
    int listening, socket, printed; /* -1: closed */
    FILE *events;
    struct nbd_disk disk;
    char line[LINE];
    size_t line_size;
    bool ready, cut;
    unsigned long cut_after; /* writes since it was ready */
    unsigned long writes, lines;
    time_t deadline;
};

static bool happened(void *context, const struct event *event)
{
    struct machine *machine = context;
    if (!event_write(machine->events, event)) {
        perror("power-machine: the events cannot be written");
        return false;
    }
    if (machine->ready && event->kind == EVENT_WRITE && ++machine->writes == machine->cut_after) {
        machine->cut = true;
        return false;
    }
    return true;
}

static bool listen_at(struct machine *machine, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "power-machine: %s is too long for a socket\n", path);
        return false;
    }
    strcpy(address.sun_path, path); // NOLINT: the size is checked
    unlink(path);
    machine->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (machine->listening < 0 ||
        bind(machine->listening, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(machine->listening, 1) != 0) {
        perror("power-machine: socket");
        return false;
    }
    return true;
}

static bool start(struct machine *machine, char **arguments)
{
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        perror("power-machine: pipe");
        return false;
    }
    machine->printed = pipes[0];
    machine->pid = fork();
    if (machine->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_RDONLY);
        dup2(null, STDIN_FILENO);
        dup2(pipes[1], STDOUT_FILENO);
        execvp(arguments[0], arguments);
        perror(arguments[0]);
        _exit(127);
    }
    close(pipes[1]);
    return machine->pid > 0;
}

static bool take_line(struct machine *machine)
{
    struct event event = {.kind = EVENT_LINE,
                          .size = (uint32_t)machine->line_size,
                          .data = (const uint8_t *)machine->line};
    machine->cut = machine->ready && ++machine->lines >= machine->cut_after;
    machine->ready |= machine->line_size == 5 && memcmp(machine->line, "ready", 5) == 0;
    machine->line_size = 0;
    return event_write(machine->events, &event);
}

static bool take_printed(struct machine *machine)
{
    char text[4096];
    ssize_t size = read(machine->printed, text, sizeof text);
    if (size <= 0) {
        close(machine->printed);
        machine->printed = -1;
        return true;
    }
    for (ssize_t i = 0; i < size; i++) {
        if (text[i] == '\n' && !take_line(machine)) {
            return false;
        }
        if (text[i] != '\n' && text[i] != '\r' && machine->line_size < LINE) {
            machine->line[machine->line_size++] = text[i];
        }
    }
    return true;
}

static bool take_connection(struct machine *machine)
{
    machine->socket = accept4(machine->listening, NULL, NULL, SOCK_CLOEXEC);
    return machine->socket >= 0 && nbd_greet(machine->socket, &machine->disk);
}

/* Until the machine has left, or its power is to go: cut or too late. False when something is
 * wrong with us. */
static bool serve(struct machine *machine)
{
    while (!machine->cut && machine->printed >= 0) {
        struct pollfd fds[2] = {
            {.fd = machine->printed, .events = POLLIN},
            {.fd = machine->socket < 0 ? machine->listening : machine->socket, .events = POLLIN}};
        if (time(NULL) >= machine->deadline) {
            return true;
        }
        if (poll(fds, 2, 1000) < 0 && errno != EINTR) {
            return false;
        }
        if (fds[0].revents != 0 && !take_printed(machine)) {
            return false;
        }
        if (fds[1].revents == 0) {
            continue;
        }
        if (machine->socket < 0) {
            if (!take_connection(machine)) {
                return false;
            }
        } else if (!nbd_serve(machine->socket, &machine->disk) && !machine->cut) {
            /* It has closed its disk: what it still has to say, and its end, follow. */
            close(machine->socket);
            machine->socket = -1;
        }
    }
    return true;
}

static int run(struct machine *machine, char **argv)
{
    machine->disk = (struct nbd_disk){.context = machine, .happened = happened};
    machine->disk.data = events_read_file(argv[1], &machine->disk.size);
    machine->events = fopen(argv[3], "wb");
    machine->cut_after = strtoul(argv[4], NULL, 10);
    machine->deadline = time(NULL) + strtol(argv[5], NULL, 10);
    if (machine->disk.data == NULL || machine->events == NULL || !listen_at(machine, argv[2]) ||
        !start(machine, argv + 7)) {
        return 1;
    }
    bool fine = serve(machine), cut = machine->cut;
    if (machine->printed >= 0) {
        kill(machine->pid, SIGKILL);
        while (machine->printed >= 0 && take_printed(machine)) {
        }
    }
    int status = 0;
    waitpid(machine->pid, &status, 0);
    if (fclose(machine->events) != 0 || !fine || !machine->ready) {
        fprintf(stderr, "power-machine: %s\n",
                fine ? "the machine did not get ready" : "the disk could not be served");
        return 1;
    }
    if (!cut) {
        fprintf(stderr, "power-machine: the machine ended by itself, or was too slow\n");
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 8 || strcmp(argv[6], "--") != 0) {
        fputs("power-machine DISK SOCKET EVENTS CUT SECONDS -- QEMU ARGUMENT...\n", stderr);
        return 2;
    }
    struct machine machine = {.listening = -1, .socket = -1, .printed = -1};
    int status = run(&machine, argv);
    free(machine.disk.data);
    return status;
}

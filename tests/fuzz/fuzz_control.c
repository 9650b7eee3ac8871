/* The door in the store's folder, from both sides. The first byte chooses whether the rest is what
 * a caller sends to the server, or what a server answers to the command. */
#include "fuzz.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/bytes.h"
#include "server/app/control.h"

static struct {
    char folder[64];
    struct sockaddr_un address;
} held;

static void leave(void)
{
    (void)unlink(held.address.sun_path);
    (void)rmdir(held.folder);
}

static void begin(void)
{
    snprintf(held.folder, sizeof held.folder, "/tmp/tandem-fuzz-XXXXXX");
    MUST(mkdtemp(held.folder) != NULL);
    held.address.sun_family = AF_UNIX;
    snprintf(held.address.sun_path, sizeof held.address.sun_path, "%s/control", held.folder);
    atexit(leave);
}

/* Threads made meanwhile are not interrupted by the fuzzer's alarm. */
static void block_signals(bool block)
{
    sigset_t all;
    sigfillset(&all);
    MUST(pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &all, NULL) == 0);
}

static void send_all(int fd, struct bytes bytes)
{
    while (bytes.size > 0) {
        const ssize_t sent = TEMP_FAILURE_RETRY(send(fd, bytes.data, bytes.size, MSG_NOSIGNAL));
        if (sent <= 0)
            return; /* the other side has had enough */
        bytes = bytes_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
}

/* ---- A caller ---- */

struct asked {
    unsigned times;
    char path[CONTROL_LINE_MAX];
};

static enum status on_backup(void *self, const char *path, struct fault *fault)
{
    struct asked *asked = self;
    asked->times++;
    MUST(strlen(path) < sizeof asked->path && strchr(path, '\n') == NULL);
    memcpy(asked->path, path, strlen(path) + 1);
    return path[0] == '/' ? STATUS_OK
                          : fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "no: %s", path);
}

static size_t read_reply(int fd, char *out, size_t size)
{
    size_t at = 0;
    for (ssize_t got = 1; got > 0 && at<size; at += got> 0 ? (size_t)got : 0)
        got = TEMP_FAILURE_RETRY(read(fd, out + at, size - at));
    return at;
}

/* What the first line asks for, by another way than the server's. */
static bool asks_for(struct bytes sent, char path[CONTROL_LINE_MAX])
{
    const uint8_t *end = sent.size > 0 ? memchr(sent.data, '\n', sent.size) : NULL;
    const size_t length = end != NULL ? (size_t)(end - sent.data) : CONTROL_LINE_MAX;
    if (length + 1 >= CONTROL_LINE_MAX || length < 7 || memcmp(sent.data, "backup ", 7) != 0)
        return false;
    memcpy(path, sent.data + 7, length - 7);
    path[length - 7] = '\0';
    return true;
}

static void call_server(struct bytes sent)
{
    static struct asked asked;
    char path[CONTROL_LINE_MAX], reply[512];
    struct control *control;
    const struct control_port port = {&asked, on_backup};
    asked.times = 0;
    block_signals(true);
    MUST(control_start(held.folder, &port, &control, NULL) == STATUS_OK);
    block_signals(false);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&held.address, sizeof held.address) == 0);
    send_all(fd, sent);
    (void)shutdown(fd, SHUT_WR);
    const size_t size = read_reply(fd, reply, sizeof reply);
    (void)close(fd);
    control_stop(control);
    if (asks_for(sent, path)) {
        MUST(asked.times == 1 && strcmp(asked.path, path) == 0);
        MUST(size > 0 && (path[0] == '/') == (size == 3 && memcmp(reply, "ok\n", 3) == 0));
    } else {
        MUST(asked.times == 0 && (size == 0 || memcmp(reply, "error: ", 7) == 0));
    }
    MUST(size < sizeof reply && (size == 0 || memchr(reply, '\n', size) == reply + size - 1));
}

/* ---- A server ---- */

struct server {
    int listening;
    struct bytes answer;
};

static void *serve(void *argument)
{
    const struct server *server = argument;
    char line[CONTROL_LINE_MAX];
    const int fd = accept(server->listening, NULL, NULL);
    MUST(fd >= 0 && read(fd, line, sizeof line) > 0);
    send_all(fd, server->answer);
    (void)close(fd);
    return NULL;
}

static void answer_command(struct bytes answer)
{
    struct server server = {socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), answer};
    struct fault fault;
    pthread_t thread;
    MUST(server.listening >= 0);
    MUST(bind(server.listening, (struct sockaddr *)&held.address, sizeof held.address) == 0);
    MUST(listen(server.listening, 1) == 0);
    block_signals(true);
    MUST(pthread_create(&thread, NULL, serve, &server) == 0);
    block_signals(false);
    fault_clear(&fault);
    const enum status status = control_backup(held.folder, "/x", &fault);
    MUST(pthread_join(thread, NULL) == 0);
    (void)close(server.listening);
    (void)unlink(held.address.sun_path);
    MUST((status == STATUS_OK) == (answer.size == 3 && memcmp(answer.data, "ok\n", 3) == 0));
    MUST(status == STATUS_OK || strlen(fault.detail) < sizeof fault.detail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (held.folder[0] == '\0')
        begin();
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        call_server(bytes_of(data + 1, size - 1));
    else
        answer_command(bytes_of(data + 1, size - 1));
    return 0;
}

#include "tests/bench/limit_tls.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/child.h"

/* The line with its port. */
static bool read_port(struct limit_tls *limit, int descriptor)
{
    unsigned port = 0;
    FILE *stream = fdopen(descriptor, "re");
    bool read = stream != NULL && fscanf(stream, "%u", &port) == 1;
    if (stream != NULL)
        (void)fclose(stream);
    else
        (void)close(descriptor);
    (void)snprintf(limit->address, sizeof limit->address, "127.0.0.1:%u", port);
    return read;
}

bool limit_tls_start(struct limit_tls *limit, const char *cert, const char *key)
{
    const char *const arguments[] = {LIMIT_TLS_PROGRAM, cert, key, NULL};
    int in[2], out[2];
    *limit = (struct limit_tls){.pid = 0};
    if (pipe2(in, O_CLOEXEC) != 0) {
        perror("pipe");
        return false;
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        perror("pipe");
        (void)close(in[0]), (void)close(in[1]);
        return false;
    }
    const struct child_streams streams = {in[0], out[1], STDERR_FILENO};
    pid_t pid = child_start(arguments, NULL, &streams, 0);
    (void)close(in[0]), (void)close(out[1]);
    if (pid < 0) {
        (void)close(in[1]), (void)close(out[0]);
        return false;
    }
    limit->pid = pid;
    limit->commands = in[1];
    if (read_port(limit, out[0]))
        return true;
    (void)fprintf(stderr, "the bare TLS loop did not say its port\n");
    limit_tls_stop(limit);
    return false;
}

void limit_tls_stop(struct limit_tls *limit)
{
    if (limit->pid == 0)
        return;
    (void)close(limit->commands); /* the end of its input ends it */
    (void)child_wait(limit->pid);
    limit->pid = 0;
}

/* Pipes take this many bytes as a whole. */
static bool command(const struct limit_tls *limit, const struct buffer *bytes)
{
    return !bytes->failed &&
           write(limit->commands, bytes->data, bytes->size) == (ssize_t)bytes->size;
}

bool limit_tls_message(const struct limit_tls *limit, struct bytes message)
{
    uint8_t head[4] = {0x82, (uint8_t)message.size};
    size_t head_size = message.size < 126 ? 2 : 4;
    if (message.size > LIMIT_FRAME_MAX - sizeof head)
        return false;
    if (head_size == 4) {
        head[1] = 126;
        put_u16(head + 2, (uint16_t)message.size);
    }
    const struct limit_command what = {LIMIT_FRAME, (uint32_t)(head_size + message.size)};
    struct buffer out = {0};
    buffer_append(&out, &what, sizeof what);
    buffer_append(&out, head, head_size);
    buffer_append(&out, message.data, message.size);
    bool done = command(limit, &out);
    buffer_release(&out);
    return done;
}

bool limit_tls_send(const struct limit_tls *limit, uint32_t times)
{
    const struct limit_command what = {LIMIT_SEND, times};
    return write(limit->commands, &what, sizeof what) == (ssize_t)sizeof what;
}

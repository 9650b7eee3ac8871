#include "peer_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/child.h"

void peer_end(struct peer *peer, int signal)
{
    if (peer->pid == 0)
        return;
    (void)kill(peer->pid, signal);
    (void)child_wait(peer->pid);
    (void)close(peer->in);
    (void)close(peer->out);
    peer->pid = 0;
    peer->size = 0;
}

void peer_say(struct peer *peer, const char *line)
{
    char text[PEER_LINE_SIZE];
    int size = snprintf(text, sizeof text, "%s\n", line);
    assert_int_equal(write(peer->in, text, (size_t)size), size);
}

bool peer_has_line(const struct peer *peer)
{
    return memchr(peer->bytes, '\n', peer->size) != NULL;
}

void peer_read_some(struct peer *peer)
{
    assert_true(peer->size < sizeof peer->bytes);
    ssize_t got = read(peer->out, peer->bytes + peer->size, sizeof peer->bytes - peer->size);
    assert_true(got > 0);
    peer->size += (size_t)got;
}

void peer_next_line(struct peer *peer, char out[PEER_LINE_SIZE])
{
    struct pollfd polled = {.fd = peer->out, .events = POLLIN};
    while (!peer_has_line(peer)) {
        assert_int_equal(poll(&polled, 1, PEER_PATIENCE_MS), 1);
        peer_read_some(peer);
    }
    size_t length = (size_t)((char *)memchr(peer->bytes, '\n', peer->size) - peer->bytes);
    assert_true(length < PEER_LINE_SIZE);
    memcpy(out, peer->bytes, length);
    out[length] = 0;
    peer->size -= length + 1;
    memmove(peer->bytes, peer->bytes + length + 1, peer->size);
}

void peer_expect(struct peer *peer, const char *line)
{
    char heard[PEER_LINE_SIZE];
    peer_next_line(peer, heard);
    assert_string_equal(heard, line);
}

void peer_ask(struct peer *peer, const char *question, const char *answer)
{
    peer_say(peer, question);
    peer_expect(peer, answer);
}

void peer_is_refused(const char *folder)
{
    const char *const arguments[] = {PEER_PROGRAM, folder, NULL};
    const struct child_streams streams = {.in = -1, .out = -1, .err = -1};
    assert_int_equal(child_wait(child_start(arguments, NULL, &streams, CHILD_SECONDS)), 1);
}

void peer_start(struct peer *peer, const char *folder, const char *const *environment)
{
    const char *const arguments[] = {PEER_PROGRAM, folder, NULL};
    int in[2], out[2];
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    const struct child_streams streams = {.in = in[0], .out = out[1], .err = STDERR_FILENO};
    peer->pid = child_start(arguments, environment, &streams, CHILD_SECONDS);
    assert_true(peer->pid > 0);
    (void)close(in[0]);
    (void)close(out[1]);
    peer->in = in[1];
    peer->out = out[0];
    peer_expect(peer, "ready");
}

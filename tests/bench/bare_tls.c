/* The bare TLS loop (limit_tls.h): CERT KEY, commands on standard input, until that ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/bench/limit_tls.h"

#define EVENTS 256
#define RECORD (16u * 1024u)
/* As tandemd does, so that a socket takes as much here as there. */
#define SEND_BUFFER (64 * 1024)

struct connection {
    struct connection *next, *previous;
    SSL *ssl;
    uint64_t owed;   /* bytes still to be written */
    uint32_t offset; /* of the next one within the frame */
    int fd;
    bool ready, blocked;
};

struct loop {
    int epoll, listener;
    SSL_CTX *tls;
    struct connection *connections;
    uint8_t frames[RECORD + 2 * LIMIT_FRAME_MAX]; /* the frame, over and over */
    uint32_t frame_size;
    uint8_t commands[LIMIT_FRAME_MAX + sizeof(struct limit_command)];
    size_t command_size;
};

static _Noreturn void die(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void watch(struct loop *loop, int operation, int fd, void *data, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(loop->epoll, operation, fd, &event) != 0)
        die("epoll_ctl");
}

static void drop(struct loop *loop, struct connection *connection)
{
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        loop->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    SSL_free(connection->ssl);
    (void)close(connection->fd);
    free(connection);
}

/* Whole frames, as many as go into one record; from the middle of one when a write was cut. */
static size_t next_write(const struct loop *loop, const struct connection *connection)
{
    size_t whole = (RECORD + connection->offset) / loop->frame_size * loop->frame_size;
    size_t size = whole > connection->offset ? whole - connection->offset : loop->frame_size;
    return size < connection->owed ? size : (size_t)connection->owed;
}

/* False when the connection is broken. */
static bool pump(struct loop *loop, struct connection *connection)
{
    bool blocked = false;
    while (connection->owed > 0 && !blocked) {
        int done = SSL_write(connection->ssl, loop->frames + connection->offset,
                             (int)next_write(loop, connection));
        if (done > 0) {
            connection->owed -= (size_t)done;
            connection->offset = (connection->offset + (uint32_t)done) % loop->frame_size;
        } else if (SSL_get_error(connection->ssl, done) == SSL_ERROR_WANT_WRITE) {
            blocked = true;
        } else {
            return false;
        }
    }
    if (blocked != connection->blocked)
        watch(loop, EPOLL_CTL_MOD, connection->fd, connection,
              blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
    connection->blocked = blocked;
    return true;
}

static bool answer(struct loop *loop, struct connection *connection)
{
    connection->owed += loop->frame_size;
    return pump(loop, connection);
}

/* Each record that comes is one message: so the clients of tests/load write them. */
static bool receive(struct loop *loop, struct connection *connection)
{
    char message[RECORD];
    for (;;) {
        ERR_clear_error();
        int size = SSL_read(connection->ssl, message, sizeof message);
        if (size <= 0)
            return SSL_get_error(connection->ssl, size) == SSL_ERROR_WANT_READ;
        if (loop->frame_size > 0 && !answer(loop, connection))
            return false;
    }
}

static bool shake_hands(struct connection *connection)
{
    ERR_clear_error();
    int result = SSL_accept(connection->ssl);
    connection->ready = result == 1;
    return connection->ready || SSL_get_error(connection->ssl, result) == SSL_ERROR_WANT_READ;
}

static void serve(struct loop *loop, struct connection *connection, uint32_t events)
{
    bool alive = connection->ready || shake_hands(connection);
    if (alive && connection->ready && (events & EPOLLOUT) != 0)
        alive = pump(loop, connection);
    if (alive && connection->ready && (events & ~(uint32_t)EPOLLOUT) != 0)
        alive = receive(loop, connection);
    if (!alive)
        drop(loop, connection);
}

static void accept_all(struct loop *loop)
{
    const int one = 1, send_buffer = SEND_BUFFER;
    int fd;
    while ((fd = accept4(loop->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        SSL *ssl = SSL_new(loop->tls);
        if (connection == NULL || ssl == NULL || SSL_set_fd(ssl, fd) != 1)
            die("accept");
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
        *connection = (struct connection){.next = loop->connections, .ssl = ssl, .fd = fd};
        if (loop->connections != NULL)
            loop->connections->previous = connection;
        loop->connections = connection;
        watch(loop, EPOLL_CTL_ADD, fd, connection, EPOLLIN);
    }
}

/* ---- Commands ---- */

static void send_to_all(struct loop *loop, uint32_t times)
{
    struct connection *next;
    for (struct connection *at = loop->connections; at != NULL; at = next) {
        next = at->next;
        if (!at->ready)
            continue;
        at->owed += (uint64_t)times * loop->frame_size;
        if (!at->blocked && !pump(loop, at))
            drop(loop, at);
    }
}

static void set_frame(struct loop *loop, const uint8_t *frame, uint32_t size)
{
    loop->frame_size = size;
    for (size_t at = 0; at < sizeof loop->frames; at++)
        loop->frames[at] = frame[at % size];
}

/* False at the end of the input. */
static bool obey(struct loop *loop)
{
    struct limit_command command;
    ssize_t got = read(STDIN_FILENO, loop->commands + loop->command_size,
                       sizeof loop->commands - loop->command_size);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    loop->command_size += (size_t)got;
    for (;;) {
        size_t whole = sizeof command;
        if (loop->command_size < whole)
            return true;
        memcpy(&command, loop->commands, sizeof command);
        whole += command.what == LIMIT_FRAME ? command.number : 0;
        if (command.number == 0 || whole > sizeof loop->commands)
            return false;
        if (loop->command_size < whole)
            return true;
        if (command.what == LIMIT_FRAME)
            set_frame(loop, loop->commands + sizeof command, command.number);
        else
            send_to_all(loop, command.number);
        loop->command_size -= whole;
        memmove(loop->commands, loop->commands + whole, loop->command_size);
    }
}

/* ---- Start ---- */

static SSL_CTX *make_tls(const char *cert, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        die(cert);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(tls, 1);
    return tls;
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 1024) != 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    (void)printf("%u\n", ntohs(address.sin_port));
    (void)fclose(stdout);
    return fd;
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void run(struct loop *loop)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(loop->epoll, events, EVENTS, -1);
        bool commands = false;
        for (int i = 0; i < count; i++) {
            void *data = events[i].data.ptr;
            if (data == &loop->listener)
                accept_all(loop);
            else if (data == &loop->commands)
                commands = true;
            else
                serve(loop, data, events[i].events);
        }
        /* Last, since it can end connections of which an event is still to be looked at. */
        if (commands && !obey(loop))
            return;
    }
}

int main(int count, char **arguments)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (count != 3 || loop == NULL)
        return 2;
    raise_file_limit();
    loop->tls = make_tls(arguments[1], arguments[2]);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->listener = listen_anywhere();
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    watch(loop, EPOLL_CTL_ADD, loop->listener, &loop->listener, EPOLLIN);
    watch(loop, EPOLL_CTL_ADD, STDIN_FILENO, &loop->commands, EPOLLIN);
    run(loop);
    while (loop->connections != NULL)
        drop(loop, loop->connections);
    SSL_CTX_free(loop->tls);
    (void)close(loop->epoll), (void)close(loop->listener);
    free(loop);
    return 0;
}

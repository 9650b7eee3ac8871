#include "server/net/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "server/net/uptime.h"

#define MOST_SOCKETS 8
#define BACKLOG 1024
/* A stalled peer otherwise pins megabytes of the kernel's memory. */
#define SEND_BUFFER (64 * 1024)
/* Sent and not acknowledged for so long: the peer is gone. */
#define USER_TIMEOUT_MS 30000
/* Between attempts when descriptors or memory have run out. */
#define SHORTAGE_PAUSE_MS 100
#define REFUSAL_LOG_PAUSE_MS 10000u

struct acceptor {
    struct acceptor_port port;
    struct anteroom *anteroom;
    int sockets[MOST_SOCKETS];
    int socket_count;
    int wake;    /* eventfd: stop */
    int reserve; /* given up to accept, and thereby refuse, when descriptors have run out */
    pthread_t thread;
    bool running;
    uint64_t told_ms; /* when a refusal was last logged, so that a flood does not fill the log */
    uint64_t untold;
};

bool acceptor_split(const char *address, char host[256], char port[8])
{
    const char *colon = strrchr(address, ':');
    if (!colon || colon[1] == '\0' || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strtoul(colon + 1, NULL, 10) > UINT16_MAX)
        return false;
    struct bytes name = bytes_of(address, (size_t)(colon - address));
    bool bracketed = name.size >= 2 && name.data[0] == '[' && name.data[name.size - 1] == ']';
    if (bracketed)
        name = bytes_of(name.data + 1, name.size - 2);
    if (name.size > 255 || (!bracketed && memchr(name.data, ':', name.size)))
        return false;
    bytes_to_text(name, host, 256);
    bytes_to_text(bytes_text(colon + 1), port, 8);
    return true;
}

static int listen_on(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (at->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static enum status listen_all(struct acceptor *acceptor, const char *address, struct fault *fault)
{
    char host[256], port[8];
    if (!acceptor_split(address, host, port))
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_text("listen"),
                         "not an address and port: %s", address);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (error != 0)
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_text("listen"), "%s: %s", address,
                         gai_strerror(error));
    for (const struct addrinfo *at = found; at && acceptor->socket_count < MOST_SOCKETS;
         at = at->ai_next) {
        int fd = listen_on(at);
        if (fd >= 0)
            acceptor->sockets[acceptor->socket_count++] = fd;
    }
    error = errno;
    freeaddrinfo(found);
    if (acceptor->socket_count == 0)
        return fault_set(fault, STATUS_IO, bytes_text("listen"), "cannot listen on %s: %s", address,
                         strerror(error));
    return STATUS_OK;
}

static void deal(void *self, struct arrival arrival)
{
    const struct acceptor *acceptor = self;
    acceptor->port.deal(acceptor->port.self, arrival);
}

static void has_left(void *self, struct peer_address peer)
{
    const struct acceptor *acceptor = self;
    peers_leave(acceptor->port.peers, peer, false);
}

static bool is_suspect(void *self, struct peer_address peer)
{
    const struct acceptor *acceptor = self;
    return acceptor->port.suspect(acceptor->port.self, peer);
}

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

enum status acceptor_new(const char *address, const struct acceptor_port *port,
                         struct acceptor **out, struct fault *fault)
{
    *out = NULL;
    struct acceptor *acceptor = memory_new(sizeof *acceptor);
    if (!acceptor)
        return fault_set(fault, STATUS_NO_MEMORY, bytes_of(NULL, 0), "out of memory");
    acceptor->port = *port;
    acceptor->reserve = open_reserve();
    acceptor->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    acceptor->anteroom =
        anteroom_new(port->greeting_ms,
                     &(struct anteroom_port){.self = acceptor,
                                             .deal = deal,
                                             .left = has_left,
                                             .suspect = is_suspect,
                                             .suspects_per_second = port->suspects_per_second});
    enum status status = STATUS_OK;
    if (acceptor->wake < 0 || acceptor->reserve < 0 || !acceptor->anteroom)
        status = fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "%s", strerror(errno));
    if (status == STATUS_OK)
        status = listen_all(acceptor, address, fault);
    if (status == STATUS_OK)
        *out = acceptor;
    else
        acceptor_free(acceptor);
    return status;
}

void acceptor_address(const struct acceptor *acceptor, char *out, size_t size)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    out[0] = '\0';
    if (getsockname(acceptor->sockets[0], (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return;
    snprintf(out, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static void set_options(int fd)
{
    const int one = 1, buffer = SEND_BUFFER;
    const unsigned int timeout = USER_TIMEOUT_MS;
    /* Any of these failing costs speed or memory, not correctness. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

static void tell_refusal(struct acceptor *acceptor, const char *why, const char *who)
{
    uint64_t now_ms = net_uptime_ms();
    acceptor->untold++;
    if (acceptor->told_ms != 0 && now_ms < acceptor->told_ms + REFUSAL_LOG_PAUSE_MS)
        return;
    char line[192];
    snprintf(line, sizeof line, "refused %llu connection(s): %s (%s)",
             (unsigned long long)acceptor->untold, why, who);
    acceptor->port.log(acceptor->port.self, line);
    acceptor->told_ms = now_ms;
    acceptor->untold = 0;
}

static void admit(struct acceptor *acceptor, int fd, const struct sockaddr *address)
{
    static const char *const reasons[] = {[PEER_SERVER_FULL] = "the server is full",
                                          [PEER_ADDRESS_FULL] = "too many from this address",
                                          [PEER_ADDRESS_HALF_OPEN] =
                                              "too many from this address that have not signed in"};
    struct peer_address peer = peer_address_of(address);
    enum peer_verdict verdict = peers_enter(acceptor->port.peers, peer);
    if (verdict == PEER_SERVER_FULL && anteroom_make_room(acceptor->anteroom, net_uptime_ms()))
        verdict = peers_enter(acceptor->port.peers, peer);
    if (verdict != PEER_WELCOME) {
        char who[PEER_TEXT_SIZE];
        close(fd);
        tell_refusal(acceptor, reasons[verdict], peer_address_text(peer, who));
        return;
    }
    set_options(fd);
    anteroom_enter(acceptor->anteroom,
                   (struct arrival){.fd = fd, .peer = peer, .since_ms = net_uptime_ms()});
}

/* Out of descriptors: a waiting connection would keep poll() returning at once. Giving up the
 * reserve lets it be accepted and closed, which tells the peer. */
static void shed(struct acceptor *acceptor, int listening)
{
    if (acceptor->reserve >= 0) {
        close(acceptor->reserve);
        acceptor->reserve = -1;
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
    }
    acceptor->reserve = open_reserve();
    tell_refusal(acceptor, "out of file descriptors or memory", "raise the limit of open files");
    struct pollfd wake = {.fd = acceptor->wake, .events = POLLIN};
    poll(&wake, 1, SHORTAGE_PAUSE_MS);
}

static void accept_some(struct acceptor *acceptor, int listening)
{
    /* Bounded, so that one busy socket does not keep the others and the stop waiting. */
    for (int i = 0; i < 64; i++) {
        struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
        socklen_t length = sizeof address;
        int fd =
            accept4(listening, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(acceptor, fd, (struct sockaddr *)&address);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            shed(acceptor, listening);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

static void *run(void *argument)
{
    struct acceptor *acceptor = argument;
    struct pollfd polled[MOST_SOCKETS + 2];
    int count = acceptor->socket_count;
    for (int i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = acceptor->sockets[i], .events = POLLIN};
    polled[count] = (struct pollfd){.fd = acceptor->wake, .events = POLLIN};
    polled[count + 1] = (struct pollfd){.fd = anteroom_fd(acceptor->anteroom), .events = POLLIN};
    for (;;) {
        int timeout_ms = anteroom_timeout_ms(acceptor->anteroom, net_uptime_ms());
        int ready = poll(polled, (nfds_t)count + 2, timeout_ms);
        if (ready < 0 && errno != EINTR)
            break;
        if (ready > 0 && polled[count].revents)
            break;
        for (int i = 0; ready > 0 && i < count; i++) {
            if (polled[i].revents)
                accept_some(acceptor, polled[i].fd);
        }
        anteroom_look(acceptor->anteroom, net_uptime_ms());
    }
    return NULL;
}

enum status acceptor_start(struct acceptor *acceptor)
{
    acceptor->running = pthread_create(&acceptor->thread, NULL, run, acceptor) == 0;
    return acceptor->running ? STATUS_OK : STATUS_IO;
}

void acceptor_stop(struct acceptor *acceptor)
{
    if (acceptor->running) {
        eventfd_write(acceptor->wake, 1);
        pthread_join(acceptor->thread, NULL);
        acceptor->running = false;
    }
    for (int i = 0; i < acceptor->socket_count; i++)
        close(acceptor->sockets[i]);
    acceptor->socket_count = 0;
    anteroom_free(acceptor->anteroom);
    acceptor->anteroom = NULL;
}

void acceptor_free(struct acceptor *acceptor)
{
    if (!acceptor)
        return;
    acceptor_stop(acceptor);
    if (acceptor->wake >= 0)
        close(acceptor->wake);
    if (acceptor->reserve >= 0)
        close(acceptor->reserve);
    memory_free(acceptor);
}

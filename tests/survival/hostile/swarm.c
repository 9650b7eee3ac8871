#include "tests/survival/hostile/swarm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "protocol/memory.h"

#define SECOND_NS UINT64_C(1000000000)
/* After which a crowd that has tried as often as it wants to be many is at its full strength. */
#define GATHER_NS (12 * SECOND_NS)
#define DEAF_BUFFER 4096
#define MOST_EVENTS 512
#define MOST_WAITING (1u << 20) /* bytes a peer may have to write */

static uint64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- Set-up ---------------------------------------------------------------------------------- */

/* What a client says first, for those who never say more. */
static bool record_client_hello(struct swarm *swarm)
{
    SSL *ssl = SSL_new(swarm->tls);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    bool made = ssl != NULL && in != NULL && out != NULL;
    if (made) {
        char *data = NULL;
        SSL_set_bio(ssl, in, out);
        (void)SSL_connect(ssl);
        long size = BIO_get_mem_data(out, &data);
        made = size > 0;
        if (made) {
            buffer_append(&swarm->client_hello, data, (size_t)size);
        }
    } else {
        BIO_free(in);
        BIO_free(out);
    }
    SSL_free(ssl);
    return made && !swarm->client_hello.failed;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct swarm *swarm = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(swarm->session);
    swarm->session = session;
    return 1;
}

static bool make_tls(struct swarm *swarm)
{
    swarm->tls = SSL_CTX_new(TLS_client_method());
    if (swarm->tls == NULL) {
        return false;
    }
    (void)SSL_CTX_set_mode(swarm->tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                           SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                           SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(swarm->tls,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    (void)SSL_CTX_set_app_data(swarm->tls, swarm);
    SSL_CTX_sess_set_new_cb(swarm->tls, keep_session);
    return record_client_hello(swarm);
}

bool swarm_init(struct swarm *swarm, uint16_t port, uint32_t capacity, uint64_t seed,
                const struct material *material)
{
    struct rlimit files;
    *swarm = (struct swarm){.port = port,
                            .capacity = capacity,
                            .free_count = capacity,
                            .chance = {seed},
                            .material = *material,
                            .epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    swarm->peers = memory_new(capacity * sizeof *swarm->peers);
    swarm->free = memory_new(capacity * sizeof *swarm->free);
    if (swarm->epoll < 0 || swarm->peers == NULL || swarm->free == NULL || !make_tls(swarm)) {
        (void)fprintf(stderr, "the swarm could not be made: %s\n", strerror(errno));
        swarm_release(swarm);
        return false;
    }
    for (uint32_t i = 0; i < capacity; i++) {
        swarm->free[i] = capacity - 1 - i;
        swarm->peers[i].fd = -1;
    }
    swarm->turned_ns = clock_ns();
    return true;
}

static void all_leave(struct swarm *swarm)
{
    for (uint32_t i = 0; swarm->peers != NULL && i < swarm->capacity; i++) {
        if (swarm->peers[i].stage != PEER_FREE) {
            peer_leave(swarm, &swarm->peers[i]);
        }
    }
}

void swarm_release(struct swarm *swarm)
{
    all_leave(swarm);
    SSL_SESSION_free(swarm->session);
    SSL_CTX_free(swarm->tls);
    buffer_release(&swarm->client_hello);
    memory_free(swarm->peers);
    memory_free(swarm->free);
    if (swarm->epoll >= 0) {
        (void)close(swarm->epoll);
    }
    *swarm = (struct swarm){.epoll = -1};
}

void swarm_set_crowds(struct swarm *swarm, struct crowd *crowds, uint32_t count,
                      uint32_t first_address, uint32_t addresses)
{
    all_leave(swarm);
    swarm->first_address = first_address;
    swarm->addresses = addresses;
    swarm->set_ns = clock_ns();
    swarm->crowds = crowds;
    swarm->crowd_count = count;
    for (uint32_t i = 0; i < count; i++) {
        crowds[i].open = crowds[i].ready = 0;
        crowds[i].arrived = crowds[i].begun = 0;
        crowds[i].allowance = 0;
    }
}

bool swarm_is_complete(const struct swarm *swarm)
{
    bool complete = true, tried = clock_ns() > swarm->set_ns + GATHER_NS;
    for (uint32_t i = 0; i < swarm->crowd_count; i++) {
        const struct crowd *crowd = &swarm->crowds[i];
        /* Those whose life is short may never all be there at once: how many are depends on how
         * long they take for it, how soon the server ends them, and how fast they may come back. */
        bool fleeting = crowd->role->life_ms > 0 || crowd->role->provokes || crowd->role->ended;
        uint64_t came = fleeting ? crowd->arrived : crowd->ready;
        bool enough = came * 10 >= crowd->wanted * UINT64_C(9);
        complete = complete && (enough || (tried && crowd->begun >= crowd->wanted));
    }
    return complete;
}

/* ---- One peer -------------------------------------------------------------------------------- */

static void listen_to(struct swarm *swarm, struct peer *peer, bool write, int operation)
{
    bool deaf = peer->stage == PEER_READY && peer->crowd->role->deaf;
    struct epoll_event event = {.events = (deaf ? (uint32_t)EPOLLRDHUP : (uint32_t)EPOLLIN) |
                                          (write ? (uint32_t)EPOLLOUT : 0),
                                .data.u32 = (uint32_t)(peer - swarm->peers)};
    peer->told_write = write;
    (void)epoll_ctl(swarm->epoll, operation, peer->fd, &event);
}

void peer_leave(struct swarm *swarm, struct peer *peer)
{
    if (peer->stage == PEER_READY) {
        peer->crowd->ready--;
    }
    peer->crowd->open--;
    SSL_free(peer->ssl);
    if (chance_below(&swarm->chance, 2) == 0) {
        const struct linger abrupt = {.l_onoff = 1};
        (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
    }
    (void)close(peer->fd);
    buffer_release(&peer->out);
    *peer = (struct peer){.stage = PEER_FREE, .fd = -1};
    swarm->free[swarm->free_count++] = (uint32_t)(peer - swarm->peers);
}

static int open_socket(struct swarm *swarm, bool deaf)
{
    const int one = 1, small = DEAF_BUFFER;
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    uint32_t number = (uint32_t)(swarm->counts.connects % swarm->addresses);
    from.sin_addr.s_addr = htonl(swarm->first_address + number);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(swarm->port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (deaf) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void begin(struct swarm *swarm, struct crowd *crowd)
{
    swarm->counts.connects++;
    crowd->begun++;
    int fd = open_socket(swarm, crowd->role->deaf);
    if (fd < 0) {
        swarm->counts.lost++;
        return;
    }
    struct peer *peer = &swarm->peers[swarm->free[--swarm->free_count]];
    *peer = (struct peer){.stage = PEER_CONNECTING, .crowd = crowd, .fd = fd};
    crowd->open++;
    listen_to(swarm, peer, true, EPOLL_CTL_ADD);
}

static void become_ready(struct swarm *swarm, struct peer *peer)
{
    const struct role *role = peer->crowd->role;
    peer->stage = PEER_READY;
    peer->crowd->ready++;
    peer->crowd->arrived++;
    swarm->counts.ready++;
    peer->ready_ns = swarm->now_ns;
    peer->due_ns = swarm->now_ns + role->period_ms * UINT64_C(1000000);
    listen_to(swarm, peer, false, EPOLL_CTL_MOD);
    if (role->ready != NULL) {
        role->ready(swarm, peer);
    }
}

/* Bytes written, 0 when the socket takes none now, -1 when the connection has ended. */
static ssize_t write_some(struct peer *peer, const uint8_t *data, size_t size)
{
    if (peer->ssl == NULL) {
        ssize_t written = send(peer->fd, data, size, MSG_NOSIGNAL);
        return written >= 0 ? written : errno == EAGAIN ? 0 : -1;
    }
    size_t written = 0;
    ERR_clear_error(); /* another connection's would be taken for this one's */
    if (SSL_write_ex(peer->ssl, data, size, &written) == 1) {
        return (ssize_t)written;
    }
    int error = SSL_get_error(peer->ssl, 0);
    return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? 0 : -1;
}

static bool flush(struct swarm *swarm, struct peer *peer)
{
    while (peer->sent < peer->out.size) {
        ssize_t written =
            write_some(peer, peer->out.data + peer->sent, peer->out.size - peer->sent);
        if (written < 0) {
            swarm->counts.lost++;
            peer_leave(swarm, peer);
            return false;
        }
        if (written == 0) {
            break;
        }
        peer->sent += (size_t)written;
    }
    bool more = peer->sent < peer->out.size;
    if (!more) {
        buffer_release(&peer->out);
        peer->out = (struct buffer){0};
        peer->sent = 0;
    }
    if (more != peer->told_write) {
        listen_to(swarm, peer, more, EPOLL_CTL_MOD);
    }
    return true;
}

void peer_send(struct swarm *swarm, struct peer *peer, struct bytes bytes)
{
    if (peer->stage == PEER_FREE || peer->out.size - peer->sent > MOST_WAITING) {
        return;
    }
    buffer_append(&peer->out, bytes.data, bytes.size);
    (void)flush(swarm, peer);
}

void peer_say(struct swarm *swarm, struct peer *peer, struct bytes message)
{
    struct buffer frame = {0};
    frame_put(&frame, 0x82, message);
    if (!frame.failed) {
        peer_send(swarm, peer, buffer_bytes(&frame));
    }
    buffer_release(&frame);
}

static void begin_upgrade(struct swarm *swarm, struct peer *peer)
{
    struct buffer request = {0};
    peer->stage = PEER_UPGRADING;
    mutation_upgrade(&request);
    peer_send(swarm, peer, buffer_bytes(&request));
    buffer_release(&request);
}

static void shake_hands(struct swarm *swarm, struct peer *peer)
{
    ERR_clear_error();
    int result = SSL_connect(peer->ssl);
    if (result != 1) {
        int error = SSL_get_error(peer->ssl, result);
        if (error == SSL_ERROR_WANT_WRITE) {
            listen_to(swarm, peer, true, EPOLL_CTL_MOD);
        } else if (error == SSL_ERROR_WANT_READ) {
            listen_to(swarm, peer, false, EPOLL_CTL_MOD);
        } else {
            swarm->counts.lost++;
            peer_leave(swarm, peer);
        }
        return;
    }
    swarm->counts.handshakes++;
    if (peer->crowd->role->goal == GOAL_TLS) {
        become_ready(swarm, peer);
    } else {
        begin_upgrade(swarm, peer);
    }
}

static void connected(struct swarm *swarm, struct peer *peer)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        swarm->counts.lost++;
        peer_leave(swarm, peer);
        return;
    }
    if (peer->crowd->role->goal == GOAL_TCP) {
        become_ready(swarm, peer);
        return;
    }
    peer->ssl = SSL_new(swarm->tls);
    if (peer->ssl == NULL || SSL_set_fd(peer->ssl, peer->fd) != 1) {
        peer_leave(swarm, peer);
        return;
    }
    if (swarm->session != NULL) {
        (void)SSL_set_session(peer->ssl, swarm->session);
    }
    peer->stage = PEER_TLS;
    shake_hands(swarm, peer);
}

static void say_hello(struct swarm *swarm, struct peer *peer)
{
    struct buffer hello = {0};
    peer->stage = PEER_SIGNING_IN;
    mutation_hello(&hello, &swarm->material, &swarm->chance);
    peer_say(swarm, peer, buffer_bytes(&hello));
    buffer_release(&hello);
}

static void hear(struct swarm *swarm, struct peer *peer, const uint8_t *data, size_t size)
{
    const struct role *role = peer->crowd->role;
    if (peer->stage == PEER_UPGRADING && memmem(data, size, "\r\n\r\n", 4) != NULL) {
        if (role->goal == GOAL_UPGRADE) {
            become_ready(swarm, peer);
        } else {
            say_hello(swarm, peer);
        }
    } else if (peer->stage == PEER_SIGNING_IN && memmem(data, size, "welcome", 7) != NULL) {
        become_ready(swarm, peer);
    } else if (peer->stage == PEER_READY && role->heard != NULL) {
        role->heard(swarm, peer, data, size);
    }
}

/* Bytes read, 0 when none are there, -1 at the end. */
static ssize_t read_some(struct peer *peer, uint8_t *data, size_t size)
{
    if (peer->ssl == NULL) {
        ssize_t got = recv(peer->fd, data, size, 0);
        return got > 0 ? got : got < 0 && errno == EAGAIN ? 0 : -1;
    }
    size_t got = 0;
    ERR_clear_error();
    if (SSL_read_ex(peer->ssl, data, size, &got) == 1) {
        return (ssize_t)got;
    }
    return SSL_get_error(peer->ssl, 0) == SSL_ERROR_WANT_READ ? 0 : -1;
}

static void read_all(struct swarm *swarm, struct peer *peer)
{
    uint8_t data[16384];
    const int fd = peer->fd;
    while (peer->fd == fd) { /* a role may have left meanwhile */
        ssize_t got = read_some(peer, data, sizeof data);
        if (got == 0) {
            return;
        }
        if (got < 0) {
            swarm->counts.lost++;
            peer_leave(swarm, peer);
            return;
        }
        hear(swarm, peer, data, (size_t)got);
    }
}

static void handle(struct swarm *swarm, struct peer *peer, uint32_t events)
{
    bool deaf = peer->stage == PEER_READY && peer->crowd->role->deaf;
    if (peer->stage == PEER_CONNECTING) {
        connected(swarm, peer);
    } else if (peer->stage == PEER_TLS) {
        shake_hands(swarm, peer);
    } else if (deaf && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))) {
        peer_leave(swarm, peer);
    } else {
        if ((events & EPOLLOUT) && !flush(swarm, peer)) {
            return;
        }
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
            read_all(swarm, peer);
        }
    }
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void tick(struct swarm *swarm, struct peer *peer)
{
    const struct role *role = peer->crowd->role;
    if (role->life_ms > 0 && swarm->now_ns > peer->ready_ns + role->life_ms * UINT64_C(1000000)) {
        swarm->counts.unanswered += peer->waiting;
        peer_leave(swarm, peer);
    } else if (role->tick != NULL && swarm->now_ns >= peer->due_ns) {
        peer->due_ns = swarm->now_ns + role->period_ms * UINT64_C(1000000);
        role->tick(swarm, peer);
    }
}

static void connect_missing(struct swarm *swarm, double seconds)
{
    for (uint32_t i = 0; i < swarm->crowd_count; i++) {
        struct crowd *crowd = &swarm->crowds[i];
        double most = crowd->per_second / 50.0 + 1; /* no bursts of what was not used */
        crowd->allowance += seconds * crowd->per_second;
        if (crowd->allowance > most) {
            crowd->allowance = most;
        }
        while (crowd->open < crowd->wanted && crowd->allowance >= 1 && swarm->free_count > 0) {
            crowd->allowance -= 1;
            begin(swarm, crowd);
        }
    }
}

void swarm_turn(struct swarm *swarm, int timeout_ms)
{
    struct epoll_event events[MOST_EVENTS];
    int count = epoll_wait(swarm->epoll, events, MOST_EVENTS, timeout_ms);
    swarm->now_ns = clock_ns();
    for (int i = 0; i < count; i++) {
        struct peer *peer = &swarm->peers[events[i].data.u32];
        if (peer->stage != PEER_FREE) { /* it may have left on an event before */
            handle(swarm, peer, events[i].events);
        }
    }
    if (swarm->now_ns < swarm->turned_ns + 1000000) {
        return;
    }
    for (uint32_t i = 0; i < swarm->capacity; i++) {
        if (swarm->peers[i].stage == PEER_READY) {
            tick(swarm, &swarm->peers[i]);
        }
    }
    connect_missing(swarm, (double)(swarm->now_ns - swarm->turned_ns) / 1e9);
    swarm->turned_ns = swarm->now_ns;
}

#include "server/net/anteroom.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/memory.h"

/* RFC 8446, section 5.1: a record's type, version and length, and the most it may hold. */
#define RECORD_HEADER 5
#define RECORD_HANDSHAKE 22
#define RECORD_MAJOR 3
#define RECORD_MOST 16384
/* Looked at in one go. */
#define MOST_EVENTS 64

struct guest {
    struct arrival arrival;
    int awaited; /* bytes the kernel was told to wait for */
    struct guest *earlier, *later;
};

struct anteroom {
    struct anteroom_port port;
    uint32_t patience_ms;
    int epoll;
    struct guest *first, *last; /* in the order in which they entered, so the first is due first */
};

struct anteroom *anteroom_new(uint32_t patience_ms, const struct anteroom_port *port)
{
    struct anteroom *anteroom = memory_new(sizeof *anteroom);
    if (!anteroom)
        return NULL;
    *anteroom = (struct anteroom){
        .port = *port, .patience_ms = patience_ms, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (anteroom->epoll >= 0)
        return anteroom;
    memory_free(anteroom);
    return NULL;
}

int anteroom_fd(const struct anteroom *anteroom)
{
    return anteroom->epoll;
}

int anteroom_timeout_ms(const struct anteroom *anteroom, uint64_t now_ms)
{
    if (!anteroom->first)
        return -1;
    uint64_t end_ms = anteroom->first->arrival.since_ms + anteroom->patience_ms + 1;
    if (end_ms <= now_ms)
        return 0;
    return end_ms - now_ms < INT_MAX ? (int)(end_ms - now_ms) : INT_MAX;
}

static void await_bytes(int fd, int bytes)
{
    /* Failing, it costs wake-ups, no more. */
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

enum greeting { GREETING_AWAITED, GREETING_COMPLETE, GREETING_NEVER };

/* What has come so far. *bytes: what must have come before it is worth looking again. */
static enum greeting greeting_of(int fd, int *bytes)
{
    uint8_t header[RECORD_HEADER];
    int available = 0;
    *bytes = RECORD_HEADER;
    ssize_t size = recv(fd, header, sizeof header, MSG_PEEK);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR ? GREETING_AWAITED : GREETING_NEVER;
    if (size == 0 || header[0] != RECORD_HANDSHAKE || (size > 1 && header[1] != RECORD_MAJOR))
        return GREETING_NEVER;
    if (size < RECORD_HEADER)
        return GREETING_AWAITED;
    int length = header[3] << 8 | header[4];
    if (length == 0 || length > RECORD_MOST || ioctl(fd, FIONREAD, &available) != 0)
        return GREETING_NEVER;
    *bytes = RECORD_HEADER + length;
    return available >= *bytes ? GREETING_COMPLETE : GREETING_AWAITED;
}

static void turn_out(const struct anteroom *anteroom, struct arrival arrival)
{
    close(arrival.fd);
    anteroom->port.left(anteroom->port.self, arrival.peer);
}

static void unlink_guest(struct anteroom *anteroom, struct guest *guest)
{
    if (guest->earlier)
        guest->earlier->later = guest->later;
    else
        anteroom->first = guest->later;
    if (guest->later)
        guest->later->earlier = guest->earlier;
    else
        anteroom->last = guest->earlier;
    epoll_ctl(anteroom->epoll, EPOLL_CTL_DEL, guest->arrival.fd, NULL);
    memory_free(guest);
}

/* Has a newcomer wait; false when out of memory. */
static bool seat(struct anteroom *anteroom, struct arrival arrival, int awaited)
{
    struct guest *guest = memory_new(sizeof *guest);
    if (!guest)
        return false;
    *guest = (struct guest){.arrival = arrival, .awaited = awaited, .earlier = anteroom->last};
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = guest};
    if (epoll_ctl(anteroom->epoll, EPOLL_CTL_ADD, arrival.fd, &event) != 0) {
        memory_free(guest);
        return false;
    }
    if (anteroom->last)
        anteroom->last->later = guest;
    else
        anteroom->first = guest;
    anteroom->last = guest;
    return true;
}

void anteroom_enter(struct anteroom *anteroom, struct arrival arrival)
{
    int bytes;
    enum greeting greeting = greeting_of(arrival.fd, &bytes);
    if (greeting == GREETING_COMPLETE) {
        anteroom->port.deal(anteroom->port.self, arrival);
        return;
    }
    if (greeting == GREETING_NEVER) {
        turn_out(anteroom, arrival);
        return;
    }
    await_bytes(arrival.fd, bytes);
    if (!seat(anteroom, arrival, bytes))
        turn_out(anteroom, arrival);
}

/* Something came from the guest, or it left. */
static void attend(struct anteroom *anteroom, struct guest *guest, uint32_t events)
{
    struct arrival arrival = guest->arrival;
    int bytes;
    enum greeting greeting = greeting_of(arrival.fd, &bytes);
    bool gone = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (greeting == GREETING_COMPLETE) {
        unlink_guest(anteroom, guest);
        await_bytes(arrival.fd, 1);
        anteroom->port.deal(anteroom->port.self, arrival);
    } else if (greeting == GREETING_NEVER || gone) {
        unlink_guest(anteroom, guest);
        turn_out(anteroom, arrival);
    } else if (bytes != guest->awaited) {
        guest->awaited = bytes;
        await_bytes(arrival.fd, bytes);
    }
}

void anteroom_look(struct anteroom *anteroom, uint64_t now_ms)
{
    struct epoll_event events[MOST_EVENTS];
    int count = epoll_wait(anteroom->epoll, events, MOST_EVENTS, 0);
    for (int i = 0; i < count; i++)
        attend(anteroom, events[i].data.ptr, events[i].events);
    while (anteroom->first && anteroom_timeout_ms(anteroom, now_ms) == 0) {
        struct arrival arrival = anteroom->first->arrival;
        unlink_guest(anteroom, anteroom->first);
        turn_out(anteroom, arrival);
    }
}

void anteroom_free(struct anteroom *anteroom)
{
    if (!anteroom)
        return;
    while (anteroom->first) {
        struct arrival arrival = anteroom->first->arrival;
        unlink_guest(anteroom, anteroom->first);
        turn_out(anteroom, arrival);
    }
    close(anteroom->epoll);
    memory_free(anteroom);
}

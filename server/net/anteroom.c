#include "server/net/anteroom.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "server/net/lane.h"

/* RFC 8446, section 5.1: a record's type, version and length, and the most it may hold. */
#define RECORD_HEADER 5
#define RECORD_HANDSHAKE 22
#define RECORD_MAJOR 3
#define RECORD_MOST 16384
/* Looked at in one go. */
#define MOST_EVENTS 64
/* Suspects that may be taken up at once after a rest: those of so long. */
#define LANE_BURST_MS 200u
/* Who greets does so within a round trip: these are no loss. */
#define LONG_WAIT_MS 1000u

struct guest {
    struct lane_place place; /* first, so that one is found by the other */
    struct arrival arrival;
    int awaited; /* bytes the kernel was told to wait for */
    struct guest *earlier, *later;
};

struct anteroom {
    struct anteroom_port port;
    uint32_t patience_ms;
    int epoll;
    struct guest *first, *last; /* in the order in which they entered, so the first is due first */
    struct lane lane;
    uint64_t secret; /* of the lane's queues */
};

struct anteroom *anteroom_new(uint32_t patience_ms, const struct anteroom_port *port)
{
    struct anteroom *anteroom = memory_new(sizeof *anteroom);
    if (!anteroom)
        return NULL;
    anteroom->port = *port;
    anteroom->patience_ms = patience_ms;
    anteroom->lane.terms =
        (struct allowance_terms){.per_minute = port->suspects_per_second * 60,
                                 .burst = port->suspects_per_second * LANE_BURST_MS / 1000 + 1};
    anteroom->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (anteroom->epoll >= 0 &&
        getrandom(&anteroom->secret, sizeof anteroom->secret, 0) == sizeof anteroom->secret)
        return anteroom;
    anteroom_free(anteroom);
    return NULL;
}

int anteroom_fd(const struct anteroom *anteroom)
{
    return anteroom->epoll;
}

/* Until the time of who entered first is over. */
static uint64_t patience_left_ms(const struct anteroom *anteroom, uint64_t now_ms)
{
    if (!anteroom->first)
        return UINT64_MAX;
    uint64_t end_ms = anteroom->first->arrival.since_ms + anteroom->patience_ms + 1;
    return end_ms > now_ms ? end_ms - now_ms : 0;
}

int anteroom_timeout_ms(const struct anteroom *anteroom, uint64_t now_ms)
{
    uint64_t patience_ms = patience_left_ms(anteroom, now_ms);
    uint64_t lane_ms = lane_wait_ms(&anteroom->lane, now_ms);
    uint64_t next_ms = patience_ms < lane_ms ? patience_ms : lane_ms;
    if (next_ms == UINT64_MAX)
        return -1;
    return next_ms < INT_MAX ? (int)next_ms : INT_MAX;
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
    lane_leave(&anteroom->lane, &guest->place);
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

static void see_out(struct anteroom *anteroom, struct guest *guest)
{
    struct arrival arrival = guest->arrival;
    unlink_guest(anteroom, guest);
    turn_out(anteroom, arrival);
}

static void see_in(struct anteroom *anteroom, struct guest *guest)
{
    struct arrival arrival = guest->arrival;
    unlink_guest(anteroom, guest);
    await_bytes(arrival.fd, 1);
    anteroom->port.deal(anteroom->port.self, arrival);
}

/* Has a newcomer wait; NULL when out of memory. */
static struct guest *seat(struct anteroom *anteroom, struct arrival arrival, int awaited)
{
    struct guest *guest = memory_new(sizeof *guest);
    if (!guest)
        return NULL;
    *guest = (struct guest){.arrival = arrival, .awaited = awaited, .earlier = anteroom->last};
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = guest};
    if (epoll_ctl(anteroom->epoll, EPOLL_CTL_ADD, arrival.fd, &event) != 0) {
        memory_free(guest);
        return NULL;
    }
    if (anteroom->last)
        anteroom->last->later = guest;
    else
        anteroom->first = guest;
    anteroom->last = guest;
    return guest;
}

/* Has who greeted wait for their turn; of interest is then only whether they leave. */
static void line_up(struct anteroom *anteroom, struct guest *guest)
{
    struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = guest};
    if (epoll_ctl(anteroom->epoll, EPOLL_CTL_MOD, guest->arrival.fd, &event) != 0)
        see_out(anteroom, guest);
    else
        lane_enter(&anteroom->lane, &guest->place,
                   peer_address_hash(guest->arrival.peer, anteroom->secret));
}

static bool is_suspect(const struct anteroom *anteroom, struct peer_address peer)
{
    return anteroom->port.suspect(anteroom->port.self, peer);
}

void anteroom_enter(struct anteroom *anteroom, struct arrival arrival)
{
    int bytes;
    enum greeting greeting = greeting_of(arrival.fd, &bytes);
    bool suspect = greeting == GREETING_COMPLETE && is_suspect(anteroom, arrival.peer);
    if (greeting == GREETING_COMPLETE && !suspect) {
        anteroom->port.deal(anteroom->port.self, arrival);
        return;
    }
    if (greeting == GREETING_AWAITED)
        await_bytes(arrival.fd, bytes);
    struct guest *guest = greeting != GREETING_NEVER ? seat(anteroom, arrival, bytes) : NULL;
    if (!guest)
        turn_out(anteroom, arrival);
    else if (suspect)
        line_up(anteroom, guest);
}

/* Something came from the guest, or it left. */
static void attend(struct anteroom *anteroom, struct guest *guest, uint32_t events)
{
    int bytes;
    enum greeting greeting = greeting_of(guest->arrival.fd, &bytes);
    bool gone = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (greeting == GREETING_NEVER ||
        (gone && (guest->place.taken || greeting == GREETING_AWAITED))) {
        see_out(anteroom, guest);
    } else if (greeting == GREETING_COMPLETE) {
        if (is_suspect(anteroom, guest->arrival.peer))
            line_up(anteroom, guest);
        else
            see_in(anteroom, guest);
    } else if (bytes != guest->awaited) {
        guest->awaited = bytes;
        await_bytes(guest->arrival.fd, bytes);
    }
}

void anteroom_look(struct anteroom *anteroom, uint64_t now_ms)
{
    struct epoll_event events[MOST_EVENTS];
    int count = epoll_wait(anteroom->epoll, events, MOST_EVENTS, 0);
    for (int i = 0; i < count; i++)
        attend(anteroom, events[i].data.ptr, events[i].events);
    while (patience_left_ms(anteroom, now_ms) == 0)
        see_out(anteroom, anteroom->first);
    struct lane_place *next;
    while ((next = lane_take(&anteroom->lane, now_ms)) != NULL) {
        struct guest *guest = (struct guest *)next;
        guest->arrival.since_ms = now_ms; /* their time for a handshake begins now */
        see_in(anteroom, guest);
    }
}

bool anteroom_make_room(struct anteroom *anteroom, uint64_t now_ms)
{
    if (!anteroom->first || now_ms < anteroom->first->arrival.since_ms + LONG_WAIT_MS)
        return false;
    see_out(anteroom, anteroom->first);
    return true;
}

void anteroom_free(struct anteroom *anteroom)
{
    if (!anteroom)
        return;
    while (anteroom->first)
        see_out(anteroom, anteroom->first);
    if (anteroom->epoll >= 0)
        close(anteroom->epoll);
    memory_free(anteroom);
}

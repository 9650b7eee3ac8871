/* Where accepted sockets wait until their peer has said its whole TLS greeting, and until it is
 * their turn.
 *
 * A peer that opens a connection and says nothing, or half a greeting, costs a socket and a few
 * bytes here. Behind the anteroom it would cost the objects of TLS and of the library, tens of
 * kilobytes, and as much time to end as to begin. The kernel is told how many bytes are awaited,
 * so that one who sends single bytes wakes nobody.
 *
 * Who has greeted is dealt at once, unless the address is suspect: too many of its connections came
 * to nothing. Those wait in a slow lane (lane.h), so that what they cost is bounded, however many
 * they and their addresses are, and newcomers of other addresses do not wait behind them. They are
 * not refused: behind one address there may be many people and one broken device.
 *
 * Belongs to one thread, which polls anteroom_fd() and calls anteroom_look(). Everybody has the
 * same time, counted from when they entered.
 */
#ifndef TANDEM_NET_ANTEROOM_H
#define TANDEM_NET_ANTEROOM_H

#include "server/net/arrivals.h"

struct anteroom;

struct anteroom_port {
    void *self;
    /* Takes over a socket whose greeting can be read. */
    void (*deal)(void *self, struct arrival arrival);
    /* A socket was closed: its peer left, said what is no TLS, or let the time pass. */
    void (*left)(void *self, struct peer_address peer);
    /* Whether newcomers of the address are to take the slow lane. Asked once for each. */
    bool (*suspect)(void *self, struct peer_address peer);
    uint32_t suspects_per_second; /* positive */
};

/* NULL when out of memory or of descriptors. */
struct anteroom *anteroom_new(uint32_t patience_ms, const struct anteroom_port *port);
/* Closes the sockets that wait; NULL is fine. */
void anteroom_free(struct anteroom *anteroom);

/* Readable when anteroom_look() has something to do. */
int anteroom_fd(const struct anteroom *anteroom);
/* How long nothing needs doing otherwise, for poll(): -1 for ever. */
int anteroom_timeout_ms(const struct anteroom *anteroom, uint64_t now_ms);

/* Takes over a socket in non-blocking mode, whatever comes of it: it may be dealt, or closed, at
 * once. */
void anteroom_enter(struct anteroom *anteroom, struct arrival arrival);
/* Deals those who have greeted, closes those who left and those whose time is over. */
void anteroom_look(struct anteroom *anteroom, uint64_t now_ms);
/* Closes the socket of who has waited longest, if that is a while; false when nobody has. For a
 * server that is full: who waits long here is no loss. */
bool anteroom_make_room(struct anteroom *anteroom, uint64_t now_ms);

#endif

/* A disk with a cache that loses its power: the server's half of the NBD protocol, as far as QEMU
 * as the only client needs it (newstyle negotiation, simple replies; reads, writes, flushes).
 *
 *     https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
 *
 * The contents are in memory; each write and flush is handed to whoever serves the disk before it
 * is answered, in the order in which they came.
 */
#ifndef TANDEM_TESTS_SURVIVAL_POWER_NBD_H
#define TANDEM_TESTS_SURVIVAL_POWER_NBD_H

#include "tests/survival/power/events.h"

struct nbd_disk {
    uint8_t *data;
    size_t size;
    void *context;
    /* Before a write (data within `data`'s bounds) or a flush is answered; false ends the service
     * without an answer. */
    bool (*happened)(void *context, const struct event *event);
};

/* Agrees with the client on the one disk there is. False after saying why. */
bool nbd_greet(int socket, const struct nbd_disk *disk);
/* One request. False when the client has left, or `happened` ended it. */
bool nbd_serve(int socket, const struct nbd_disk *disk);

#endif

/* What of a connection's bytes became no message: WebSocket's pings, empty frames, records of TLS
 * with next to nothing in them.
 *
 * A byte counts from the moment it is read, so that a flood is noticed while it comes, and no
 * longer once it has become part of a message. In between lies the rest of a TLS record, which is
 * nothing before it is whole and may take its time on a slow link, and what was read for somebody
 * who is not to be heard yet. So what is there at a time may be CHAFF_ROOM, more than two records;
 * each 64 bytes beyond it are a point, which is taken once. What stays is forgotten, 4,000 bytes a
 * second.
 *
 * Pure: the time is passed in. Zero-initialised storage has seen nothing.
 */
#ifndef TANDEM_NET_CHAFF_H
#define TANDEM_NET_CHAFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAFF_ROOM (40u * 1024u)
/* For heartbeats of proxies, and the like. */
#define CHAFF_FREE_PER_MS 4u
/* About what a ping takes. */
#define CHAFF_POINT_BYTES 64u

struct chaff {
    uint64_t bytes;
    uint64_t at_ms; /* up to when they have been forgotten */
};

/* So many bytes were read from the socket. */
void chaff_came(struct chaff *chaff, size_t size);
/* So many of a message's bytes were among them, perhaps its last. */
void chaff_became_message(struct chaff *chaff, size_t size, bool last);
void chaff_forget(struct chaff *chaff, uint64_t now_ms);
/* The points that there are, which are gone then. */
uint32_t chaff_take_points(struct chaff *chaff);

#endif

/* An encoded message that several sessions may be sending at the same time.
 *
 * Frames belong to one I/O thread; the reference count is not atomic. In front of the bytes is
 * room for the WebSocket header, which the transport writes once for all who send it.
 */
#ifndef TANDEM_CORE_FRAME_H
#define TANDEM_CORE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/bytes.h"

#define FRAME_ROOM 32 /* libwebsockets wants 16 bytes of its own before what it sends */

struct frame {
    uint32_t references;
    uint32_t size; /* of the message */
    uint32_t
        header_size; /* of the transport's header directly before the message, 0: not yet written */
    uint8_t room[FRAME_ROOM];
    uint8_t message[];
};

/* A frame with one reference holding a copy of `message`; NULL when out of memory. */
struct frame *frame_new(struct bytes message);
struct frame *frame_share(struct frame *frame);
void frame_drop(struct frame *frame); /* NULL is fine */

#endif

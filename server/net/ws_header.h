/* The WebSocket header of a server's binary message (RFC 6455, section 5.2), written directly in
 * front of the message so that header and message leave in one piece.
 *
 *     0x82 | size                      up to 125 bytes
 *     0x82 | 126 | u16                 up to 65,535
 *     0x82 | 127 | u64                 above
 *
 * A server's frames are not masked and ours are never fragmented.
 */
#ifndef TANDEM_NET_WS_HEADER_H
#define TANDEM_NET_WS_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "server/core/feed/frame.h"

#define WS_HEADER_MAX 10

/* Writes the header of a final binary frame of `size` bytes so that it ends before `end`, which
 * has WS_HEADER_MAX bytes in front of it. Returns the header's length. */
size_t ws_header_write(uint8_t *end, uint64_t size);

/* Header and message of a frame as one run of bytes; the header is written the first time only,
 * since the sessions of a thread share frames. */
struct bytes ws_frame_bytes(struct frame *frame);

#endif

/* Writing frames to a socket: the one place that uses libwebsockets' raw write.
 *
 * A system call is most of what a delivery costs, so frames that are due together leave together:
 * they are gathered up to one TLS record (16 KiB) and written in one call, headers included, with
 * LWS_WRITE_HTTP, which passes bytes through unchanged. That is not documented for WebSocket
 * connections. It holds in 4.1 on three conditions, which are kept here and nowhere else:
 *
 *   - whole frames only are handed over between two turns of the loop. The library sends pongs and
 *     closes of its own whenever it has nothing buffered, so half a frame would be broken open;
 *   - nothing is written while the library still has bytes buffered (lws_partial_buffered): it
 *     then calls back when the socket can be written;
 *   - one SSL_write is repeated with the same bytes: the library keeps what OpenSSL did not take.
 *
 * Close frames go the same way: under libuv the library closes a connection twice over when a
 * callback asks for it, and the second time drops the close frame of the first.
 *
 * The version is checked when the server starts, and a test sends pings into a full stream.
 */
#ifndef TANDEM_NET_SEND_H
#define TANDEM_NET_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lws;
struct session;
struct frame;

#define SEND_RECORD (16u * 1024u)
/* What one session may send before the others have their turn. */
#define SEND_FAIR_SHARE (256u * 1024u)

struct send_buffer {
    uint8_t bytes[SEND_RECORD];
    size_t size;
};

enum send_result {
    SEND_DONE,    /* nothing more to send */
    SEND_BLOCKED, /* the socket takes no more now; the library will call back */
    SEND_YIELDED, /* had its share; there may be more */
    SEND_FAILED   /* the connection is broken */
};

/* Sends what the session has. `staging` is scratch of the thread, empty before and after. */
enum send_result send_session(struct lws *wsi, struct session *session,
                              struct send_buffer *staging);
/* Sends one frame. Not while the library has bytes buffered. */
enum send_result send_frame(struct lws *wsi, struct frame *frame);
/* Sends a close frame. Not while the library has bytes buffered; nothing may be sent after it. */
enum send_result send_close(struct lws *wsi, uint16_t code);

/* Whether the library at hand is one whose raw write is known. */
bool send_version_known(const char *library_version);

#endif

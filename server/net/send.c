#include "server/net/send.h"

#include <assert.h>
#include <libwebsockets.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "server/core/feed/frame.h"
#include "server/core/session/session.h"
#include "server/net/ws_header.h"

/* A frame that fills most of a record leaves by itself: copying it would cost more than the record's
 * last quarter is worth. */
#define SEND_UNCOPIED (SEND_RECORD / 4 * 3)

bool send_version_known(const char *library_version)
{
    return strncmp(library_version, "4.1.", 4) == 0;
}

/* Records as long as the socket takes them; the rest in one piece, which the library copies and
 * finishes on its own. */
static bool write_raw(struct lws *wsi, struct bytes bytes)
{
    while (bytes.size > 0) {
        size_t size = bytes.size;
        if (size > SEND_RECORD && !lws_partial_buffered(wsi))
            size = SEND_RECORD;
        if (lws_write(wsi, (unsigned char *)(uintptr_t)bytes.data, size, LWS_WRITE_HTTP) < 0)
            return false;
        bytes.data += size;
        bytes.size -= size;
    }
    return true;
}

/* What is on its way to one connection. */
struct sending {
    struct lws *wsi;
    struct session *session;
    struct send_buffer *staging;
    bool corked;
};

static void set_cork(struct sending *sending, int corked)
{
    /* Where it fails, each record is a packet of its own. */
    (void)setsockopt(lws_get_socket_fd(sending->wsi), IPPROTO_TCP, TCP_CORK, &corked,
                     sizeof corked);
    sending->corked = corked != 0;
}

/* Whole records that more will follow wait in the socket for it: packets cost more than what is in
 * them. */
static bool write_record(struct sending *sending, struct bytes record, bool more)
{
    if (!sending->corked && record.size > 0 && (more || session_due(sending->session)))
        set_cork(sending, 1);
    return write_raw(sending->wsi, record);
}

static bool write_gathered(struct sending *sending, bool more)
{
    struct send_buffer *staging = sending->staging;
    bool written = write_record(sending, bytes_of(staging->bytes, staging->size), more);
    staging->size = 0;
    return written;
}

/* Adds to what is gathered, which leaves whenever a TLS record is full: a record costs a system
 * call, whatever is in it, and need not end where a frame does. */
static bool add(struct sending *sending, struct bytes bytes)
{
    struct send_buffer *staging = sending->staging;
    if (staging->size == 0 && bytes.size >= SEND_UNCOPIED)
        return write_record(sending, bytes, false);
    while (staging->size + bytes.size >= SEND_RECORD) {
        size_t part = SEND_RECORD - staging->size;
        memcpy(staging->bytes + staging->size, bytes.data, part);
        staging->size += part;
        bytes.data += part;
        bytes.size -= part;
        if (!write_gathered(sending, bytes.size > 0))
            return false;
        if (bytes.size >= SEND_UNCOPIED)
            return write_record(sending, bytes, false);
    }
    memcpy(staging->bytes + staging->size, bytes.data, bytes.size);
    staging->size += bytes.size;
    return true;
}

static enum send_result send_frames(struct sending *sending)
{
    size_t sent = 0;
    while (!lws_partial_buffered(sending->wsi)) {
        if (sent >= SEND_FAIR_SHARE)
            return write_gathered(sending, false) ? SEND_YIELDED : SEND_FAILED;
        struct frame *frame = session_next_frame(sending->session);
        if (!frame) {
            if (!write_gathered(sending, false))
                return SEND_FAILED;
            return lws_partial_buffered(sending->wsi) ? SEND_BLOCKED : SEND_DONE;
        }
        struct bytes bytes = ws_frame_bytes(frame);
        sent += bytes.size;
        bool added = add(sending, bytes);
        frame_drop(frame);
        if (!added)
            return SEND_FAILED;
    }
    /* The last record filled the socket; what was gathered after it follows in the library. */
    return write_gathered(sending, false) ? SEND_BLOCKED : SEND_FAILED;
}

enum send_result send_session(struct lws *wsi, struct session *session,
                              struct send_buffer *staging)
{
    assert(staging->size == 0);
    struct sending sending = {wsi, session, staging, false};
    enum send_result result = send_frames(&sending);
    staging->size = 0;
    if (sending.corked)
        set_cork(&sending, 0);
    return result;
}

enum send_result send_frame(struct lws *wsi, struct frame *frame)
{
    assert(!lws_partial_buffered(wsi));
    if (!write_raw(wsi, ws_frame_bytes(frame)))
        return SEND_FAILED;
    return lws_partial_buffered(wsi) ? SEND_BLOCKED : SEND_DONE;
}

enum send_result send_close(struct lws *wsi, uint16_t code)
{
    assert(!lws_partial_buffered(wsi));
    uint8_t bytes[4] = {0x88, 2};
    put_u16(bytes + 2, code);
    if (!write_raw(wsi, bytes_of(bytes, sizeof bytes)))
        return SEND_FAILED;
    return lws_partial_buffered(wsi) ? SEND_BLOCKED : SEND_DONE;
}

#include "server/net/send.h"

#include <assert.h>
#include <libwebsockets.h>
#include <string.h>

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

static bool flush(struct lws *wsi, struct send_buffer *staging)
{
    bool written = write_raw(wsi, bytes_of(staging->bytes, staging->size));
    staging->size = 0;
    return written;
}

/* Adds to what is gathered, which leaves whenever a TLS record is full: a record costs a system
 * call, whatever is in it, and need not end where a frame does. */
static bool add(struct lws *wsi, struct send_buffer *staging, struct bytes bytes)
{
    if (staging->size == 0 && bytes.size >= SEND_UNCOPIED)
        return write_raw(wsi, bytes);
    while (staging->size + bytes.size >= SEND_RECORD) {
        size_t part = SEND_RECORD - staging->size;
        memcpy(staging->bytes + staging->size, bytes.data, part);
        staging->size += part;
        bytes.data += part;
        bytes.size -= part;
        if (!flush(wsi, staging))
            return false;
        if (bytes.size >= SEND_UNCOPIED)
            return write_raw(wsi, bytes);
    }
    memcpy(staging->bytes + staging->size, bytes.data, bytes.size);
    staging->size += bytes.size;
    return true;
}

enum send_result send_session(struct lws *wsi, struct session *session,
                              struct send_buffer *staging)
{
    assert(staging->size == 0);
    size_t sent = 0;
    while (!lws_partial_buffered(wsi)) {
        if (sent >= SEND_FAIR_SHARE)
            return flush(wsi, staging) ? SEND_YIELDED : SEND_FAILED;
        struct frame *frame = session_next_frame(session);
        if (!frame) {
            if (!flush(wsi, staging))
                return SEND_FAILED;
            return lws_partial_buffered(wsi) ? SEND_BLOCKED : SEND_DONE;
        }
        struct bytes bytes = ws_frame_bytes(frame);
        sent += bytes.size;
        bool added = add(wsi, staging, bytes);
        frame_drop(frame);
        if (!added) {
            staging->size = 0;
            return SEND_FAILED;
        }
    }
    /* The last flush filled the socket; what was gathered after it follows in the library. */
    return flush(wsi, staging) ? SEND_BLOCKED : SEND_FAILED;
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

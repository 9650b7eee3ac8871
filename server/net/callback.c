#include "server/net/callback.h"

#include <assert.h>

#include "protocol/message.h"
#include "server/net/internal.h"
#include "server/net/io_thread.h"

/* Kept for each connection; larger messages come in more pieces. */
#define RECEIVE_BUFFER 2048
#define TRANSMIT_LIMIT (64 * 1024)

static struct connection *connection_of(struct lws *wsi)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    assert(!connection || connection->magic == CONNECTION_MAGIC);
    return connection;
}

static struct io_thread *thread_of(struct lws *wsi)
{
    struct io_thread *thread = lws_context_user(lws_get_context(wsi));
    assert(thread && thread->magic == IO_THREAD_MAGIC);
    return thread;
}

/* Events of a connection. Nonzero closes it. */
static int connection_event(struct connection *connection, struct lws *wsi,
                            enum lws_callback_reasons reason, void *in, size_t size)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return http_may_upgrade(connection, wsi) ? 0 : -1;
    case LWS_CALLBACK_HTTP:
        http_answer(connection, wsi);
        return -1;
    case LWS_CALLBACK_ESTABLISHED:
        return connection_established(connection, wsi) ? 0 : -1;
    case LWS_CALLBACK_RECEIVE:
        connection_fragment(connection, in, size);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        connection->thread->pass_ms = net_uptime_ms();
        connection_flush(connection);
        connection_settle(connection);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return connection_peer_closes(connection) ? -1 : 0;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
        connection_closed(connection);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        connection_destroy(connection);
        return 0;
    default:
        return 0;
    }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t size)
{
    struct connection *connection;
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return io_thread_tls_made(thread_of(wsi), user) ? 0 : -1;
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
        /* Not asked for with our settings, but the usual 0 would let everybody in: `size` is
         * OpenSSL's verdict, and nonzero refuses. */
        return size ? 0 : 1;
    case LWS_CALLBACK_WSI_CREATE:
        thread_of(wsi)->created_wsi = true;
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        io_thread_woken(thread_of(wsi));
        return 0;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        connection = connection_of(wsi);
        return connection ? connection_event(connection, wsi, reason, in, size) : 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = PROTOCOL_SUBPROTOCOL,
     .callback = callback,
     .rx_buffer_size = RECEIVE_BUFFER,
     .tx_packet_size = TRANSMIT_LIMIT},
    {.name = NULL}};

const struct lws_protocols *callback_protocols(void)
{
    return protocols;
}

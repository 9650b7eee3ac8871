/* One connection, from the socket to its end.
 *
 *     adopted -> (TLS, upgrade) -> established -> closing -> closed -> destroyed
 *          \___________________________________________________^
 *
 * It is made when its socket is adopted and destroyed when the library destroys the wsi, whatever
 * happened in between: a close can come without anything having been established. While closing,
 * what the session still has to say goes first, then the close frame with its code; a peer that
 * does not let that happen is cut off.
 */
#include "server/net/internal.h"

#include <assert.h>
#include <stdlib.h>

#include "protocol/memory.h"
#include "protocol/message.h"

/* Between two lines of the log about refused sign-ins. */
#define REFUSAL_PAUSE_MS 1000u
/* An unfinished message has message_ms, and a second more for each of these bytes that came. */
#define MESSAGE_BYTES_PER_SECOND 4096u
/* Of the time for a handshake: for the request to upgrade, once TLS is done. */
#define UPGRADE_SHARE 4u
/* What a stranger has to say is a hello: their unfinished messages must not fill the memory. */
#define STRANGER_MESSAGE_BYTES (16u * 1024u)

static void unmake(struct connection *connection)
{
    struct io_thread *thread = connection->thread;
    if (connection->number)
        connection_table_remove(&thread->connections, connection->number);
    peers_leave(thread->server->peers, connection->peer, connection->signed_in);
    buffer_release(&connection->message);
    frame_drop(connection->farewell);
    connection->magic = 0;
    memory_free(connection);
    /* What thousands of connections used, some 40 KiB each, the allocator would keep for ever. */
    if (connection_table_emptied(&thread->connections))
        thread->heavy_left = true;
}

/* The library keeps its timers in a list, where a new one goes past all that end earlier: among
 * thousands of half-open connections each step of a handshake would cost as much as there are of
 * them. Its timers are not needed, since connection_tick() ends what takes too long. */
static void forget_timer(struct lws *wsi)
{
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
}

void connection_adopt(struct io_thread *thread, struct arrival arrival)
{
    struct connection *connection = memory_new(sizeof *connection);
    if (!connection) {
        peers_leave(thread->server->peers, arrival.peer, false);
        close(arrival.fd);
        return;
    }
    *connection = (struct connection){.magic = CONNECTION_MAGIC,
                                      .thread = thread,
                                      .peer = arrival.peer,
                                      .reading = true,
                                      .accepted_ms = arrival.since_ms};
    connection->number = connection_table_add(&thread->connections, connection);
    if (!connection->number) {
        unmake(connection);
        close(arrival.fd);
        return;
    }
    lws_adopt_desc_t order = {.vh = thread->vhost,
                              .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL,
                              .fd = {.sockfd = arrival.fd},
                              .opaque = connection};
    /* On failure the library closes the socket. If it had made a wsi by then, its destruction
     * follows like any other; if not, nothing does. */
    thread->created_wsi = false;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&order);
    if (wsi) {
        connection->wsi = wsi;
        forget_timer(wsi);
    } else if (!thread->created_wsi) {
        unmake(connection);
    }
}

void connection_destroy(struct connection *connection)
{
    connection_closed(connection);
    misuse_of_connection(connection);
    unmake(connection);
}

void connection_closed(struct connection *connection)
{
    io_thread_unschedule(connection);
    /* What it did not take was up to some megabytes. */
    if (connection->wsi && lws_partial_buffered(connection->wsi))
        connection->thread->heavy_left = true;
    session_free(connection->session);
    connection->session = NULL;
    connection->wsi = NULL;
}

bool connection_established(struct connection *connection, struct lws *wsi)
{
    struct io_thread *thread = connection->thread;
    uint8_t fingerprint[32];
    struct bytes certificate = {NULL, 0};
    SSL *ssl = lws_get_ssl(wsi);
    if (ssl && tls_peer_fingerprint(ssl, fingerprint))
        certificate = bytes_of(fingerprint, sizeof fingerprint);
    connection->wsi = wsi;
    misuse_watch(connection);
    connection->session = session_new(&thread->port, &thread->server->options.session,
                                      thread->interest, thread->cache, certificate);
    if (!connection->session)
        return false;
    session_set_owner(connection->session, connection);
    if (thread->stopping)
        session_stop(connection->session);
    connection_settle(connection);
    return true;
}

/* An error of the transport's own, said before the close. */
static void refuse(struct connection *connection, enum status status, enum close_code code)
{
    struct message message = {.type = MESSAGE_ERROR};
    message.as.error.name = bytes_text(status_name(status));
    message.as.error.text = bytes_text(status_text(status));
    struct buffer encoded = {.data = NULL};
    message_encode(&encoded, &message);
    if (!encoded.failed && !connection->farewell)
        connection->farewell = frame_new(buffer_bytes(&encoded));
    buffer_release(&encoded);
    connection_close(connection, code);
}

static void receive(struct connection *connection, struct bytes message)
{
    session_received(connection->session, message);
    connection_settle(connection);
}

void connection_fragment(struct connection *connection, const void *data, size_t size)
{
    if (!connection->session)
        return;
    struct lws *wsi = connection->wsi;
    bool last = lws_is_final_fragment(wsi);
    misuse_note_message(connection, size, last);
    if (connection->closing)
        return;
    struct buffer *message = &connection->message;
    size_t announced = lws_remaining_packet_payload(wsi);
    size_t most = connection->signed_in ? LIMIT_MESSAGE_BYTES : STRANGER_MESSAGE_BYTES;
    if (!lws_frame_is_binary(wsi)) {
        refuse(connection, STATUS_MALFORMED, CLOSE_PROTOCOL);
        return;
    }
    if (announced > most || size > most || message->size + size + announced > most) {
        refuse(connection, STATUS_TOO_LARGE, CLOSE_PROTOCOL);
        return;
    }
    if (last && message->size == 0) {
        receive(connection, bytes_of(data, size));
        return;
    }
    if (connection->message_ms == 0)
        connection->message_ms = net_uptime_ms();
    buffer_append(message, data, size);
    if (message->failed) {
        refuse(connection, STATUS_NO_MEMORY, CLOSE_SERVER_ERROR);
        return;
    }
    if (!last)
        return;
    connection->message_ms = 0;
    receive(connection, buffer_bytes(message));
    buffer_release(message);
}

/* A closing connection is read on, unheeded, so that the peer's part of the close is seen. */
static bool wants_read(const struct connection *connection)
{
    return connection->closing || session_wants_read(connection->session);
}

void connection_settle(struct connection *connection)
{
    struct session *session = connection->session;
    if (!session || connection->mute || !connection->wsi)
        return;
    if (!connection->signed_in && session_user(session)[0] != '\0') {
        connection->signed_in = true;
        peers_signed_in(connection->thread->server->peers, connection->peer);
    }
    if (session_due(session) || wants_read(connection) != connection->reading)
        io_thread_schedule(connection);
}

/* The library must not be told while it hands out what it read: with input left over it then
 * shuffles that between its buffers for ever (4.1.6). So this is for the pass over the due
 * connections, between turns of the loop. */
void connection_regulate(struct connection *connection)
{
    if (!connection->session || connection->mute || connection->killed || !connection->wsi)
        return;
    bool wanted = wants_read(connection);
    if (wanted == connection->reading)
        return;
    connection->reading = wanted;
    lws_rx_flow_control(connection->wsi, wanted);
    if (!wanted)
        return;
    if (connection->message_ms != 0) /* what was not read could not go on */
        connection->message_ms = net_uptime_ms();
    /* Input may be waiting in the library, with no event of the socket to come. */
    lws_cancel_service(connection->thread->context);
}

/* What is said last, once the session has nothing more: our own error, then the close. */
static enum send_result take_leave(struct connection *connection)
{
    enum send_result result = SEND_DONE;
    if (connection->farewell) {
        result = send_frame(connection->wsi, connection->farewell);
        frame_drop(connection->farewell);
        connection->farewell = NULL;
    }
    if (result != SEND_DONE)
        return result;
    connection->mute = true;
    connection->closing_ms = net_uptime_ms();
    return send_close(connection->wsi, (uint16_t)connection->code);
}

void connection_flush(struct connection *connection)
{
    struct session *session = connection->session;
    struct lws *wsi = connection->wsi;
    if (!session || connection->mute || connection->killed || lws_partial_buffered(wsi))
        return;
    connection->moved_ms = connection->thread->pass_ms;
    enum send_result result = send_session(wsi, session, &connection->thread->staging);
    if (result == SEND_DONE && connection->closing && !session_due(session))
        result = take_leave(connection);
    if (result == SEND_FAILED)
        connection_kill(connection);
    else if (result == SEND_YIELDED)
        lws_callback_on_writable(wsi);
}

bool connection_peer_closes(struct connection *connection)
{
    bool answers_ours = connection->mute;
    connection->mute = true;
    connection->parted = true;
    return answers_ours;
}

/* Names are not logged: people type passwords where a name belongs. Whoever floods gets one line a
 * second. */
static void log_refusal(const struct connection *connection, enum close_code code)
{
    struct io_thread *thread = connection->thread;
    uint64_t now_ms = net_uptime_ms();
    char address[PEER_TEXT_SIZE];
    if (code != CLOSE_SIGN_IN)
        return;
    thread->refused_sign_ins++;
    if (thread->refusal_told_ms != 0 && now_ms < thread->refusal_told_ms + REFUSAL_PAUSE_MS)
        return;
    net_log(thread->server, "refused %u sign-in(s), the last from %s", thread->refused_sign_ins,
            peer_address_text(connection->peer, address));
    thread->refused_sign_ins = 0;
    thread->refusal_told_ms = now_ms;
}

void connection_close(struct connection *connection, enum close_code code)
{
    if (connection->closing)
        return;
    log_refusal(connection, code);
    connection->closing = true;
    connection->code = code;
    if (code == CLOSE_PROTOCOL || code == CLOSE_TOO_MANY)
        connection->broke_off = true;
    connection->closing_ms = net_uptime_ms();
    io_thread_schedule(connection); /* and no more: this can be inside a call of the session's */
}

void connection_kill(struct connection *connection)
{
    if (connection->killed || !connection->wsi)
        return;
    connection->killed = true;
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    /* The library looks at its timers when its loop has had an event. */
    lws_cancel_service(connection->thread->context);
}

static bool dribbles(const struct connection *connection, uint64_t now_ms)
{
    uint64_t allowed = connection->thread->server->options.message_ms +
                       connection->message.size * 1000 / MESSAGE_BYTES_PER_SECOND;
    return connection->message_ms != 0 && connection->reading &&
           now_ms > connection->message_ms + allowed;
}

/* Clients send their request with the end of their TLS handshake, or right after it. While one is
 * unfinished, the library keeps its headers in a list that each connection's end walks twice. */
static bool is_over_time(struct connection *connection, uint64_t now_ms)
{
    const struct server_options *options = &connection->thread->server->options;
    const SSL *ssl = lws_get_ssl(connection->wsi);
    if (connection->secured_ms == 0 && ssl && SSL_is_init_finished(ssl))
        connection->secured_ms = now_ms;
    return now_ms > connection->accepted_ms + options->handshake_ms ||
           (connection->secured_ms != 0 &&
            now_ms > connection->secured_ms + options->handshake_ms / UPGRADE_SHARE);
}

/* Over its time for a handshake, for taking what it is sent, or for saying goodbye. */
static bool is_hopeless(struct connection *connection, uint64_t now_ms)
{
    const struct server_options *options = &connection->thread->server->options;
    if (!connection->session)
        return is_over_time(connection, now_ms);
    bool stalled =
        lws_partial_buffered(connection->wsi) && now_ms > connection->moved_ms + options->stall_ms;
    return stalled || (connection->closing && now_ms > connection->closing_ms + options->goodbye_ms);
}

bool connection_tick(struct connection *connection, uint64_t now_ms)
{
    if (!connection->wsi || connection->killed)
        return false;
    if (is_hopeless(connection, now_ms)) {
        connection_kill(connection);
        return true;
    }
    if (!connection->session) {
        forget_timer(connection->wsi); /* TLS may have been finished since */
        return false;
    }
    misuse_tick(connection, now_ms);
    if (connection->closing)
        return false;
    if (dribbles(connection, now_ms)) {
        connection->broke_off = true;
        connection_close(connection, CLOSE_IDLE);
    } else {
        session_tick(connection->session, now_ms);
    }
    connection_settle(connection);
    return false;
}

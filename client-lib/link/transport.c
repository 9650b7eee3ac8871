/* The connection to a real server: TCP, then TLS, then the HTTP upgrade, then WebSocket messages.
 *
 *     CONNECTING --> SECURING --> UPGRADING --> OPEN --> OVER
 *
 * A host may have several addresses; each is tried until one takes a connection. What WebSocket
 * wants to send is collected in `out` and leaves in as few TLS records as possible, since the
 * framing library writes a header and its message one after the other.
 *
 * Only this file knows wslay. Names are resolved by getaddrinfo, which can block for as long as the
 * system's resolver does; addresses and names in /etc/hosts do not. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "client-lib/base/fault.h"
#include "client-lib/link/link.h"
#include "client-lib/link/transport_tls.h"
#include "client-lib/link/upgrade.h"
#include "client-lib/link/url.h"
#include "protocol/memory.h"

#define MESSAGE_MAX (2u * 1024u * 1024u) /* above any message a server sends */
#define OUT_MAX (64u * 1024u)            /* collected for one write */
#define RUN_MAX (256u * 1024u)           /* bytes read before the caller gets its turn */

enum link_state { LINK_CONNECTING, LINK_SECURING, LINK_UPGRADING, LINK_OPEN, LINK_OVER };

struct link {
    enum link_state state;
    struct link_events events;
    const struct port *port;
    struct url url;
    struct addrinfo *addresses, *next_address;
    int fd;
    struct tls *tls;
    struct upgrade upgrade;
    wslay_event_context_ptr frames;
    struct buffer out;   /* to be written */
    size_t written;      /* of it */
    uint8_t early[4096]; /* WebSocket bytes that came with the upgrade's answer */
    size_t early_size, early_used;
    size_t budget;        /* bytes that this run may still read */
    bool tls_wants_write; /* the handshake or a write waits for the socket */
    bool tls_wants_read;
    unsigned close_code; /* of the peer */
    tandem_fault fault;
};

static void give_up(struct link *link)
{
    if (link->state == LINK_OVER)
        return;
    link->state = LINK_OVER;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    link->events.closed(link->events.context, link->close_code, &link->fault);
}

static void give_up_because(struct link *link, const char *why)
{
    trouble(&link->fault, STATUS_UNREACHABLE, "", "%s:%s %s", link->url.host, link->url.port, why);
    give_up(link);
}

/* ---- TCP ---- */

static int open_socket(const struct addrinfo *address)
{
    int one = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* A small message must not wait for the answer to the one before. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* Begins with the next address; false when there is none left. */
static bool connect_next(struct link *link, int last_error)
{
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    while (link->next_address != NULL) {
        const struct addrinfo *address = link->next_address;
        link->next_address = address->ai_next;
        link->fd = open_socket(address);
        if (link->fd >= 0)
            return true;
        last_error = errno;
    }
    trouble(&link->fault, STATUS_UNREACHABLE, "", "%s:%s: %s", link->url.host, link->url.port,
            strerror(last_error));
    return false;
}

static enum status resolve(struct link *link, tandem_fault *fault)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    int code = getaddrinfo(link->url.host, link->url.port, &hints, &link->addresses);
    if (code == 0)
        return STATUS_OK;
    link->addresses = NULL;
    return trouble(fault, STATUS_UNREACHABLE, "", "the host %s is not known: %s", link->url.host,
                   gai_strerror(code));
}

static void run_connect(struct link *link)
{
    int error = 0;
    socklen_t size = sizeof error;
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof peer;
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error == 0 && getpeername(link->fd, (struct sockaddr *)&peer, &peer_size) != 0) {
        if (errno == ENOTCONN)
            return; /* still under way */
        error = errno;
    }
    if (error != 0) {
        if (!connect_next(link, error))
            give_up(link);
        return;
    }
    if (tls_attach(link->tls, link->fd) != STATUS_OK) {
        give_up_because(link, "cannot be spoken to: TLS cannot be set up");
        return;
    }
    link->state = LINK_SECURING;
}

/* ---- TLS and the upgrade ---- */

/* Writes what is collected. False when the connection is over. */
static bool flush(struct link *link)
{
    link->tls_wants_read = false;
    while (link->written < link->out.size) {
        size_t put = 0;
        struct bytes rest =
            bytes_of(link->out.data + link->written, link->out.size - link->written);
        enum tls_result result = tls_write(link->tls, rest, &put, &link->fault);
        if (result == TLS_WANT_WRITE || result == TLS_WANT_READ) {
            link->tls_wants_write = result == TLS_WANT_WRITE;
            link->tls_wants_read = result == TLS_WANT_READ;
            return true;
        }
        if (result != TLS_DONE) {
            give_up(link);
            return false;
        }
        link->written += put;
    }
    link->tls_wants_write = false;
    link->written = 0;
    buffer_clear(&link->out);
    return true;
}

static void run_handshake(struct link *link)
{
    uint8_t random[16];
    char key[UPGRADE_KEY_SIZE], accept[UPGRADE_ACCEPT_SIZE];
    enum tls_result result = tls_handshake(link->tls, &link->fault);
    link->tls_wants_write = result == TLS_WANT_WRITE;
    if (result == TLS_WANT_READ || result == TLS_WANT_WRITE)
        return;
    if (result != TLS_DONE) {
        give_up(link);
        return;
    }
    if (!link->port->random(link->port->context, random, sizeof random) ||
        !tls_websocket_key(random, key, accept)) {
        give_up_because(link, "cannot be spoken to: no random numbers");
        return;
    }
    upgrade_init(&link->upgrade, accept);
    upgrade_request(&link->url, key, &link->out);
    if (link->out.failed) {
        give_up_because(link, "cannot be spoken to: out of memory");
        return;
    }
    link->state = LINK_UPGRADING;
    (void)flush(link);
}

static void run_upgrade(struct link *link)
{
    size_t got = 0, used = 0;
    if (!flush(link))
        return;
    enum tls_result result =
        tls_read(link->tls, link->early, sizeof link->early, &got, &link->fault);
    if (result == TLS_WANT_READ || result == TLS_WANT_WRITE)
        return;
    if (result != TLS_DONE) {
        give_up(link);
        return;
    }
    switch (upgrade_feed(&link->upgrade, bytes_of(link->early, got), &used, &link->fault)) {
    case UPGRADE_FAILED:
        give_up(link);
        return;
    case UPGRADE_MORE:
        return;
    case UPGRADE_DONE:
        link->early_used = used;
        link->early_size = got;
        link->state = LINK_OPEN;
        link->events.opened(link->events.context);
    }
}

/* ---- WebSocket ---- */

static ssize_t frame_recv(wslay_event_context_ptr frames, uint8_t *out, size_t size, int flags,
                          void *context)
{
    struct link *link = context;
    size_t got = 0;
    (void)flags;
    if (link->early_used < link->early_size) {
        got = link->early_size - link->early_used;
        got = got < size ? got : size;
        memcpy(out, link->early + link->early_used, got);
        link->early_used += got;
        return (ssize_t)got;
    }
    if (link->budget == 0 || link->state != LINK_OPEN) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    enum tls_result result = tls_read(link->tls, out, size, &got, &link->fault);
    if (result == TLS_DONE) {
        link->budget -= got < link->budget ? got : link->budget;
        return (ssize_t)got;
    }
    wslay_event_set_error(frames, result == TLS_WANT_READ || result == TLS_WANT_WRITE
                                      ? WSLAY_ERR_WOULDBLOCK
                                      : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t frame_send(wslay_event_context_ptr frames, const uint8_t *data, size_t size,
                          int flags, void *context)
{
    struct link *link = context;
    (void)flags;
    if (link->out.size >= OUT_MAX) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    buffer_append(&link->out, data, size);
    if (link->out.failed) {
        wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)size;
}

static int frame_mask(wslay_event_context_ptr frames, uint8_t *out, size_t size, void *context)
{
    struct link *link = context;
    if (link->port->random(link->port->context, out, size))
        return 0;
    wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void frame_message(wslay_event_context_ptr frames,
                          const struct wslay_event_on_msg_recv_arg *message, void *context)
{
    struct link *link = context;
    (void)frames;
    if (link->state != LINK_OPEN)
        return;
    if (message->opcode == WSLAY_BINARY_FRAME) {
        link->events.message(link->events.context, bytes_of(message->msg, message->msg_length));
    } else if (message->opcode == WSLAY_CONNECTION_CLOSE) {
        link->close_code = message->status_code != 0 ? message->status_code : 1005u;
        trouble(&link->fault, STATUS_UNREACHABLE, "", "%s:%s closed the connection", link->url.host,
                link->url.port);
    } else if (message->opcode == WSLAY_TEXT_FRAME) {
        (void)wslay_event_queue_close(link->frames, 1003, NULL, 0);
    }
}

/* Moves queued frames into `out` and `out` to the socket, as far as both go. */
static bool send_frames(struct link *link)
{
    do {
        if (wslay_event_send(link->frames) != 0) {
            give_up_because(link, "cannot be sent to");
            return false;
        }
        if (!flush(link))
            return false;
    } while (link->out.size == 0 && wslay_event_want_write(link->frames));
    return true;
}

static void run_frames(struct link *link)
{
    link->budget = RUN_MAX;
    trouble_clear(&link->fault);
    int code = wslay_event_get_read_enabled(link->frames) ? wslay_event_recv(link->frames) : 0;
    if (link->state != LINK_OPEN)
        return;
    if (code != 0) {
        if (link->fault.code == TANDEM_OK)
            trouble(&link->fault, STATUS_UNREACHABLE, "", "%s:%s sent no valid WebSocket frames",
                    link->url.host, link->url.port);
        give_up(link);
        return;
    }
    if (!send_frames(link))
        return;
    bool peer_closed = wslay_event_get_close_received(link->frames);
    bool we_closed = wslay_event_get_close_sent(link->frames) && link->out.size == 0;
    if (peer_closed || we_closed) {
        tls_shutdown(link->tls);
        if (link->fault.code == TANDEM_OK)
            trouble(&link->fault, STATUS_UNREACHABLE, "", "the connection to %s:%s was closed",
                    link->url.host, link->url.port);
        give_up(link);
    }
}

/* ---- The link ---- */

static void transport_free(struct link *link)
{
    if (link == NULL)
        return;
    if (link->fd >= 0)
        close(link->fd);
    if (link->addresses != NULL)
        freeaddrinfo(link->addresses);
    if (link->frames != NULL)
        wslay_event_context_free(link->frames);
    tls_free(link->tls);
    buffer_release(&link->out);
    memory_free(link);
}

static enum status set_up_frames(struct link *link, tandem_fault *fault)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = frame_recv,
        .send_callback = frame_send,
        .genmask_callback = frame_mask,
        .on_msg_recv_callback = frame_message,
    };
    if (wslay_event_context_client_init(&link->frames, &callbacks, link) != 0)
        return trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    wslay_event_config_set_max_recv_msg_length(link->frames, MESSAGE_MAX);
    return STATUS_OK;
}

static enum status transport_open(const struct link_config *config, const struct port *port,
                                  const struct link_events *events, struct link **out,
                                  tandem_fault *fault)
{
    struct link *link = memory_new(sizeof *link);
    *out = NULL;
    if (link == NULL)
        return trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    link->fd = -1;
    link->port = port;
    link->events = *events;
    enum status status = url_parse(config->url, &link->url, fault);
    if (status == STATUS_OK)
        status = tls_new(config, &link->url, &link->tls, fault);
    if (status == STATUS_OK)
        status = set_up_frames(link, fault);
    if (status == STATUS_OK)
        status = resolve(link, fault);
    if (status == STATUS_OK) {
        link->next_address = link->addresses;
        if (!connect_next(link, ECONNREFUSED)) {
            status = (enum status)link->fault.code;
            if (fault != NULL)
                *fault = link->fault;
        }
    }
    if (status != STATUS_OK) {
        transport_free(link);
        return status;
    }
    *out = link;
    return STATUS_OK;
}

static int transport_fd(const struct link *link)
{
    return link->fd;
}

static int transport_want(const struct link *link)
{
    switch (link->state) {
    case LINK_CONNECTING:
        return TANDEM_WANT_WRITE;
    case LINK_SECURING:
        return link->tls_wants_write ? TANDEM_WANT_WRITE : TANDEM_WANT_READ;
    case LINK_UPGRADING:
        return TANDEM_WANT_READ | (link->tls_wants_write ? TANDEM_WANT_WRITE : 0);
    case LINK_OPEN: {
        bool has_more = link->out.size > 0 || wslay_event_want_write(link->frames);
        return TANDEM_WANT_READ | (has_more && !link->tls_wants_read ? TANDEM_WANT_WRITE : 0);
    }
    case LINK_OVER:
        break;
    }
    return 0;
}

static bool transport_more(const struct link *link)
{
    return link->state == LINK_OPEN &&
           (link->early_used < link->early_size || tls_pending(link->tls));
}

static void transport_run(struct link *link)
{
    if (link->state == LINK_CONNECTING)
        run_connect(link);
    if (link->state == LINK_SECURING)
        run_handshake(link);
    if (link->state == LINK_UPGRADING)
        run_upgrade(link);
    if (link->state == LINK_OPEN)
        run_frames(link);
}

static enum status transport_send(struct link *link, struct bytes frame)
{
    struct wslay_event_msg message = {WSLAY_BINARY_FRAME, frame.data, frame.size};
    if (link->state != LINK_OPEN)
        return STATUS_UNREACHABLE;
    switch (wslay_event_queue_msg(link->frames, &message)) {
    case 0:
        return STATUS_OK;
    case WSLAY_ERR_NOMEM:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_UNREACHABLE; /* a close is on its way already */
    }
}

static void transport_close(struct link *link, unsigned close_code)
{
    if (link->state != LINK_OPEN)
        return;
    (void)wslay_event_queue_close(link->frames, (uint16_t)close_code, NULL, 0);
    if (wslay_event_send(link->frames) == 0) {
        size_t put = 0;
        tandem_fault ignored;
        if (link->out.size > link->written)
            (void)tls_write(
                link->tls, bytes_of(link->out.data + link->written, link->out.size - link->written),
                &put, &ignored);
        tls_shutdown(link->tls);
    }
}

const struct link_ops *link_tls(void)
{
    static const struct link_ops ops = {
        .open = transport_open,
        .free = transport_free,
        .fd = transport_fd,
        .want = transport_want,
        .more = transport_more,
        .run = transport_run,
        .send = transport_send,
        .close = transport_close,
    };
    return &ops;
}

/* From nothing to TLS, and back to nothing.
 *
 *     load_connect() -> queue -> TCP -> TLS -> upgrade -> open
 *                                  \______\_______\________\___ fail, drop -> CLOSED
 */
#include "tests/load/load_internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

/* ---- Between OpenSSL and the socket ---- */

static int bio_read(BIO *bio, char *out, int size)
{
    struct load_client *client = BIO_get_data(bio);
    struct load *load = client->load;
    BIO_clear_retry_flags(bio);
    size_t left = load->feed.owner == client ? load->feed.size - load->feed.at : 0;
    if (left == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t taken = left < (size_t)size ? left : (size_t)size;
    memcpy(out, load->wire + load->feed.at, taken);
    load->feed.at += taken;
    return (int)taken;
}

static int bio_write(BIO *bio, const char *data, int size)
{
    const struct load_client *client = BIO_get_data(bio);
    ssize_t done = send(client->fd, data, (size_t)size, MSG_NOSIGNAL);
    BIO_clear_retry_flags(bio);
    if (done < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)done;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* Keeps the newest ticket of a connection; the reference becomes ours. */
static int new_session(SSL *ssl, SSL_SESSION *session)
{
    struct load_client *client = SSL_get_app_data(ssl);
    SSL_SESSION_free(client->session);
    client->session = session;
    return 1;
}

bool load_tls_init(struct load *load, const char *ca_file)
{
    load->bio_method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "load client");
    load->tls = SSL_CTX_new(TLS_client_method());
    if (load->bio_method == NULL || load->tls == NULL ||
        !BIO_meth_set_read(load->bio_method, bio_read) ||
        !BIO_meth_set_write(load->bio_method, bio_write) ||
        !BIO_meth_set_ctrl(load->bio_method, bio_control))
        return false;
    SSL_CTX_set_mode(load->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(load->tls, SSL_VERIFY_PEER, NULL);
    if (load->resume) {
        SSL_CTX_set_session_cache_mode(load->tls,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(load->tls, new_session);
    }
    if (SSL_CTX_load_verify_locations(load->tls, ca_file, NULL) != 1) {
        (void)fprintf(stderr, "load: cannot read the authority %s\n", ca_file);
        return false;
    }
    return SSL_CTX_set_min_proto_version(load->tls, TLS1_3_VERSION) == 1;
}

void load_tls_release(struct load *load)
{
    SSL_CTX_free(load->tls);
    BIO_meth_free(load->bio_method);
}

static SSL *make_ssl(struct load_client *client)
{
    static const unsigned char http[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    BIO *bio = BIO_new(client->load->bio_method);
    SSL *ssl = SSL_new(client->load->tls);
    if (bio == NULL || ssl == NULL) {
        BIO_free(bio);
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, client);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, client);
    SSL_set_connect_state(ssl);
    if (SSL_set_alpn_protos(ssl, http, sizeof http) != 0 ||
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), client->load->host) != 1 ||
        (client->load->resume && client->session != NULL &&
         SSL_set_session(ssl, client->session) != 1)) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

/* ---- The queue ---- */

bool load_connect(struct load_client *client)
{
    struct load *load = client->load;
    if (client->phase != LOAD_IDLE && client->phase != LOAD_CLOSED)
        return false;
    load->wanted += !client->wanted;
    load->lost -= client->wanted && client->phase == LOAD_CLOSED;
    client->wanted = true;
    load_set_phase(client, LOAD_CONNECTING);
    client->waiting = true;
    client->next_waiting = NULL;
    client->previous_waiting = load->last_waiting;
    if (load->last_waiting != NULL)
        load->last_waiting->next_waiting = client;
    else
        load->first_waiting = client;
    load->last_waiting = client;
    return true;
}

void load_leave_queue(struct load_client *client)
{
    struct load *load = client->load;
    if (!client->waiting)
        return;
    client->waiting = false;
    if (client->previous_waiting != NULL)
        client->previous_waiting->next_waiting = client->next_waiting;
    else
        load->first_waiting = client->next_waiting;
    if (client->next_waiting != NULL)
        client->next_waiting->previous_waiting = client->previous_waiting;
    else
        load->last_waiting = client->previous_waiting;
}

static int open_socket(const struct load_client *client)
{
    const struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr = client->source};
    const struct sockaddr_in *address = &client->load->address;
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* The port is chosen when it is known where to, so that addresses are not used up. */
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if ((client->source.s_addr == 0 ||
         bind(fd, (const struct sockaddr *)&source, sizeof source) == 0) &&
        (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
         errno == EINPROGRESS))
        return fd;
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

static void start(struct load_client *client)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
    client->connection++;
    client->step = STEP_TCP;
    client->paused = false;
    client->in_handshake = true;
    client->load->handshakes++;
    client->fd = open_socket(client);
    if (client->fd < 0) {
        load_fail(client, "cannot connect: %s", strerror(errno));
        return;
    }
    client->ssl = make_ssl(client);
    client->events = event.events;
    if (client->ssl == NULL ||
        epoll_ctl(client->load->epoll, EPOLL_CTL_ADD, client->fd, &event) != 0)
        load_fail(client, "no memory to connect");
}

void load_start_waiting(struct load *load)
{
    while (load->first_waiting != NULL && load->handshakes < LOAD_HANDSHAKES) {
        struct load_client *client = load->first_waiting;
        load_leave_queue(client);
        start(client);
    }
}

void load_handshake_over(struct load_client *client)
{
    client->load->handshakes -= client->in_handshake;
    client->in_handshake = false;
}

/* ---- The end ---- */

static void end(struct load_client *client, const char *why)
{
    load_leave_queue(client);
    load_handshake_over(client);
    if (client->load->feed.owner == client)
        client->load->feed.owner = NULL;
    client->connection++;
    /* Without having shut down, OpenSSL takes the session for a bad one and never resumes it. */
    if (client->ssl != NULL)
        SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(client->ssl);
    client->ssl = NULL;
    if (client->fd >= 0)
        (void)close(client->fd);
    client->fd = -1;
    buffer_release(&client->partial);
    buffer_release(&client->out);
    free(client->reason);
    client->reason = strdup(why);
    load_set_phase(client, LOAD_CLOSED);
}

void load_fail(struct load_client *client, const char *format, ...)
{
    char why[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    struct load *load = client->load;
    load->lost += client->wanted;
    end(client, why);
    if (load->hooks.closed != NULL)
        load->hooks.closed(load->hooks.context, client, load_reason(client));
}

void load_drop(struct load_client *client, bool reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct load *load = client->load;
    if (client->phase == LOAD_IDLE)
        return;
    if (client->phase == LOAD_CLOSED)
        load->lost -= client->wanted;
    load->wanted -= client->wanted;
    client->wanted = false;
    if (client->phase == LOAD_CLOSED)
        return;
    if (reset && client->fd >= 0)
        (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    end(client, "dropped");
}

/* ---- Events ---- */

void load_watch(struct load_client *client)
{
    uint32_t events = (client->paused ? 0u : (uint32_t)EPOLLIN) |
                      (client->out.size > 0 || client->step == STEP_TCP ? (uint32_t)EPOLLOUT : 0u);
    struct epoll_event event = {.events = events, .data.ptr = client};
    if (client->fd < 0 || events == client->events)
        return;
    if (epoll_ctl(client->load->epoll, EPOLL_CTL_MOD, client->fd, &event) == 0)
        client->events = events;
}

void load_pause(struct load_client *client, bool paused)
{
    client->paused = paused;
    load_watch(client);
}

static bool connected(struct load_client *client)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error != 0)
        load_fail(client, "cannot connect: %s", strerror(error));
    return error == 0;
}

static void shake_hands(struct load_client *client)
{
    struct load *load = client->load;
    ERR_clear_error();
    int result = SSL_do_handshake(client->ssl);
    if (result != 1) {
        int error = SSL_get_error(client->ssl, result);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            load_fail(client, "TLS: %s", ERR_reason_error_string(ERR_peek_last_error()));
        return;
    }
    bool resumed = SSL_session_reused(client->ssl) == 1;
    client->counts.handshakes++;
    load->total.handshakes++;
    client->counts.resumed += resumed;
    load->total.resumed += resumed;
    load_begin_upgrade(client);
}

/* What the socket has, into the feed. */
static bool receive(struct load_client *client)
{
    struct load *load = client->load;
    ssize_t size = recv(client->fd, load->wire, LOAD_WIRE, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (size <= 0) {
        load_fail(client, "%s", size == 0 ? "closed by the peer" : strerror(errno));
        return false;
    }
    load->feed.owner = client;
    load->feed.at = 0;
    load->feed.size = (size_t)size;
    client->counts.wire += (size_t)size;
    load->total.wire += (size_t)size;
    return true;
}

void load_ready(struct load_client *client, uint32_t events)
{
    uint32_t connection = client->connection;
    if (client->step == STEP_TCP) {
        if (!connected(client))
            return;
        client->step = STEP_TLS;
        load_watch(client);
        shake_hands(client);
        return;
    }
    if ((events & EPOLLOUT) != 0)
        load_flush(client);
    if (client->connection != connection)
        return;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && receive(client)) {
        if (client->step == STEP_TLS)
            shake_hands(client);
        if (client->connection == connection && client->step != STEP_TLS)
            load_read(client);
        client->load->feed.owner = NULL;
    }
    if (client->connection == connection)
        load_watch(client);
}

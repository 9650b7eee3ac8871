#include "tests/unit/net/net_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "protocol/bytes.h"

#define MOST_PAYLOAD (64u * 1024 * 1024)

bool net_client_tcp(struct net_client *client, const char *address, int receive_buffer)
{
    *client = (struct net_client){.fd = -1};
    const char *colon = strrchr(address, ':');
    char host[64] = "";
    if (!colon || (size_t)(colon - address) >= sizeof host)
        return false;
    memcpy(host, address, (size_t)(colon - address));
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
        return false;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 10};
    int one = 1;
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (receive_buffer)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    return connect(client->fd, (struct sockaddr *)&to, sizeof to) == 0;
}

bool net_client_tls(struct net_client *client, const struct net_client_options *options)
{
    client->ctx = SSL_CTX_new(TLS_client_method());
    if (options->authority) {
        SSL_CTX_load_verify_file(client->ctx, options->authority);
        SSL_CTX_set_verify(client->ctx, SSL_VERIFY_PEER, NULL);
    }
    if (options->certificate &&
        (SSL_CTX_use_certificate_file(client->ctx, options->certificate, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_use_PrivateKey_file(client->ctx, options->key, SSL_FILETYPE_PEM) != 1))
        return false;
    if (options->max_version) {
        /* Below what the system's settings would allow. */
        SSL_CTX_set_min_proto_version(client->ctx, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(client->ctx, options->max_version);
    }
    SSL_CTX_set_security_level(client->ctx, 0);
    if (options->ciphers && SSL_CTX_set_cipher_list(client->ctx, options->ciphers) != 1)
        return false;
    client->ssl = SSL_new(client->ctx);
    SSL_set_fd(client->ssl, client->fd);
    if (options->resume)
        SSL_set_session(client->ssl, options->resume);
    return SSL_connect(client->ssl) == 1;
}

bool net_client_write(struct net_client *client, const void *data, size_t size)
{
    size_t written = 0;
    return SSL_write_ex(client->ssl, data, size, &written) == 1 && written == size;
}

bool net_client_read(struct net_client *client, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        size_t got = 0;
        if (SSL_read_ex(client->ssl, at, size, &got) != 1)
            return false;
        at += got;
        size -= got;
    }
    return true;
}

int net_client_request(struct net_client *client, const char *line, const char *headers,
                       char *head, size_t size)
{
    char request[2048];
    const char *host = strncmp(headers, "Host:", 5) == 0 ? "" : "Host: localhost\r\n";
    int length = snprintf(request, sizeof request, "%s HTTP/1.1\r\n%s%s\r\n", line, host, headers);
    head[0] = '\0';
    if (!net_client_write(client, request, (size_t)length))
        return 0;
    size_t at = 0;
    while (at + 1 < size && !strstr(head, "\r\n\r\n")) {
        if (!net_client_read(client, head + at, 1))
            break;
        head[++at] = '\0';
    }
    int status = 0;
    return sscanf(head, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

bool net_client_open(struct net_client *client, const char *address,
                     const struct net_client_options *options)
{
    char head[1024];
    return net_client_tcp(client, address, options->receive_buffer) &&
           net_client_tls(client, options) &&
           net_client_request(client, "GET /",
                              "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Protocol: tandem.v1\r\n",
                              head, sizeof head) == 101;
}

void net_client_close(struct net_client *client)
{
    if (client->ssl) /* else OpenSSL holds the session for broken */
        SSL_shutdown(client->ssl);
    SSL_free(client->ssl);
    SSL_CTX_free(client->ctx);
    if (client->fd >= 0)
        close(client->fd);
    free(client->payload);
    *client = (struct net_client){.fd = -1};
}

bool net_client_send_frame(struct net_client *client, uint8_t first, const void *data,
                           size_t size)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t *frame = malloc(size + 14);
    size_t at = 0;
    frame[at++] = first;
    if (size < 126) {
        frame[at++] = (uint8_t)(0x80 | size);
    } else if (size < 65536) {
        frame[at++] = 0x80 | 126;
        put_u16(frame + at, (uint16_t)size);
        at += 2;
    } else {
        frame[at++] = 0x80 | 127;
        put_u64(frame + at, size);
        at += 8;
    }
    memcpy(frame + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < size; i++)
        frame[at + i] = ((const uint8_t *)data)[i] ^ mask[i & 3];
    bool sent = net_client_write(client, frame, at + size);
    free(frame);
    return sent;
}

bool net_client_send(struct net_client *client, const void *data, size_t size)
{
    return net_client_send_frame(client, 0x80 | WS_BINARY, data, size);
}

bool net_client_send_text(struct net_client *client, const char *text)
{
    return net_client_send(client, text, strlen(text));
}

bool net_client_receive(struct net_client *client)
{
    uint8_t head[10];
    if (!net_client_read(client, head, 2))
        return false;
    client->opcode = head[0] & 0x0f;
    /* Whole frames, no reserved bits, no mask: anything else is a broken stream. */
    if ((head[0] & 0xf0) != 0x80 || (head[1] & 0x80))
        return false;
    uint64_t size = head[1];
    if (size == 126) {
        if (!net_client_read(client, head + 2, 2))
            return false;
        size = get_u16(head + 2);
    } else if (size == 127) {
        if (!net_client_read(client, head + 2, 8))
            return false;
        size = get_u64(head + 2);
    }
    if (size > MOST_PAYLOAD)
        return false;
    free(client->payload);
    client->payload = malloc((size_t)size + 1);
    client->size = (size_t)size;
    if (!net_client_read(client, client->payload, client->size))
        return false;
    client->payload[client->size] = '\0';
    return true;
}

bool net_client_expect(struct net_client *client, const char *text)
{
    if (!net_client_receive(client) || client->opcode != WS_BINARY)
        return false;
    if (bytes_is(bytes_of(client->payload, client->size), text))
        return true;
    fprintf(stderr, "expected \"%s\", got %zu bytes \"%s\"\n", text, client->size,
            (const char *)client->payload);
    return false;
}

int net_client_close_code(struct net_client *client)
{
    while (net_client_receive(client)) {
        if (client->opcode == WS_CLOSE)
            return client->size >= 2 ? get_u16(client->payload) : 1005;
    }
    return 0;
}

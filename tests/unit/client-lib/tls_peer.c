#include "tls_peer.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child a failure ends it with this status. */
static void must(bool condition)
{
    if (!condition)
        _exit(1);
}

static void read_all(SSL *ssl, void *out, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t got = 0;
        must(SSL_read_ex(ssl, (char *)out + done, size - done, &got) == 1);
        done += got;
    }
}

static void write_all(SSL *ssl, const void *data, size_t size)
{
    size_t put = 0;
    must(size == 0 || (SSL_write_ex(ssl, data, size, &put) == 1 && put == size));
}

/* A TLS record for each byte, so that the reader gets them in as many pieces. */
static void write_slowly(SSL *ssl, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        write_all(ssl, (const char *)data + i, 1);
}

static void read_head(SSL *ssl, char *out, size_t size)
{
    size_t used = 0;
    do {
        must(used + 1 < size);
        read_all(ssl, out + used, 1);
        out[++used] = 0;
    } while (used < 4 || strcmp(out + used - 4, "\r\n\r\n") != 0);
}

static size_t answer_head(const char *head, enum peer_manner manner, char *out, size_t size)
{
    unsigned char hash[EVP_MAX_MD_SIZE], accept[64];
    unsigned hash_size = 0;
    char joined[128];
    const char *key = strstr(head, "Sec-WebSocket-Key: ");
    must(key != NULL && strstr(head, "Sec-WebSocket-Protocol: tandem.v1\r\n") != NULL &&
         strstr(head, "Host: ") != NULL && strncmp(head, "GET / HTTP/1.1\r\n", 16) == 0);
    snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
    if (manner == PEER_WRONG_PROOF)
        joined[0] ^= 1;
    must(EVP_Digest(joined, strlen(joined), hash, &hash_size, EVP_sha1(), NULL) == 1);
    EVP_EncodeBlock(accept, hash, (int)hash_size);
    int length = snprintf(out, size,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                          "Sec-WebSocket-Protocol: tandem.v1\r\n\r\n",
                          accept);
    must(length > 0 && (size_t)length < size);
    return (size_t)length;
}

/* One masked frame of the client; returns its opcode. */
static unsigned read_frame(SSL *ssl, uint8_t *out, size_t room, size_t *size)
{
    uint8_t head[2], more[8], mask[4];
    read_all(ssl, head, 2);
    must((head[0] & 0x80) != 0 && (head[1] & 0x80) != 0); /* whole and masked */
    *size = head[1] & 0x7f;
    size_t extra = *size == 126 ? 2 : *size == 127 ? 8 : 0;
    read_all(ssl, more, extra);
    if (extra > 0)
        *size = 0;
    for (size_t i = 0; i < extra; i++)
        *size = *size << 8 | more[i];
    must(*size <= room);
    read_all(ssl, mask, 4);
    read_all(ssl, out, *size);
    for (size_t i = 0; i < *size; i++)
        out[i] ^= mask[i % 4];
    return head[0] & 0x0f;
}

static void write_frame(SSL *ssl, uint8_t first, const uint8_t *data, size_t size)
{
    uint8_t head[10] = {first, (uint8_t)size};
    size_t used = 2;
    size_t extra = size < 126 ? 0 : size < 65536 ? 2 : 8;
    if (extra > 0)
        head[1] = extra == 2 ? 126 : 127;
    for (size_t i = 0; i < extra; i++)
        head[used++] = (uint8_t)((uint64_t)size >> (8 * (extra - 1 - i)));
    write_slowly(ssl, head, used);
    write_all(ssl, data, size);
}

static void echo(SSL *ssl)
{
    static uint8_t message[256 * 1024];
    size_t size;
    unsigned opcode;
    while ((opcode = read_frame(ssl, message, sizeof message, &size)) == 2) {
        write_frame(ssl, 0x02, message, size / 2);
        write_frame(ssl, 0x89, (const uint8_t *)"ping", 4); /* between fragments */
        write_frame(ssl, 0x80, message + size / 2, size - size / 2);
        must(read_frame(ssl, message, sizeof message, &size) == 10 && size == 4);
    }
    must(opcode == 8);
}

static void converse(SSL *ssl, enum peer_manner manner)
{
    static const uint8_t hello[] = {0x82, 2, 'h', 'i'};
    char head[4096], answer[512];
    read_head(ssl, head, sizeof head);
    if (manner == PEER_NOT_FOUND) {
        write_all(ssl, "HTTP/1.1 404 Not Found\r\n\r\n", 26);
        return;
    }
    size_t size = answer_head(head, manner, answer, sizeof answer);
    if (manner == PEER_EARLY) {
        memcpy(answer + size, hello, sizeof hello);
        size += sizeof hello;
        write_all(ssl, answer, size);
    } else {
        write_slowly(ssl, answer, size);
    }
    if (manner == PEER_ECHO || manner == PEER_EARLY)
        echo(ssl);
    else if (manner == PEER_CLOSE)
        write_frame(ssl, 0x88, (const uint8_t *)"\x0f\xa3", 2);
    else if (manner == PEER_VANISH)
        write_all(ssl, hello, 3);
    else if (manner == PEER_TEXT)
        write_frame(ssl, 0x81, (const uint8_t *)"text", 4);
}

static void serve(const struct peer *peer, int listener)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    must(SSL_CTX_use_certificate_chain_file(context, peer->certificate) == 1 &&
         SSL_CTX_use_PrivateKey_file(context, peer->key, SSL_FILETYPE_PEM) == 1);
    if (peer->tls12)
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    if (peer->client_ca != NULL) {
        must(SSL_CTX_load_verify_file(context, peer->client_ca) == 1);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    int fd = accept(listener, NULL, NULL);
    SSL *ssl = SSL_new(context);
    must(fd >= 0 && ssl != NULL && SSL_set_fd(ssl, fd) == 1);
    if (SSL_accept(ssl) == 1)
        converse(ssl, peer->manner);
    /* The reader must see what was written before the end: wait for its own. */
    char rest[256];
    (void)shutdown(fd, SHUT_WR);
    while (read(fd, rest, sizeof rest) > 0)
        continue;
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
}

void peer_start(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool listening = listener >= 0 && inet_pton(AF_INET, peer->address, &address.sin_addr) == 1 &&
                     bind(listener, (struct sockaddr *)&address, size) == 0 &&
                     listen(listener, 1) == 0 &&
                     getsockname(listener, (struct sockaddr *)&address, &size) == 0;
    if (!listening)
        abort();
    peer->port = ntohs(address.sin_port);
    peer->process = fork();
    if (peer->process == 0) {
        (void)signal(SIGPIPE, SIG_IGN);
        (void)alarm(30);
        serve(peer, listener);
        _exit(0);
    }
    close(listener);
}

bool peer_finish(const struct peer *peer)
{
    int status = 0;
    return waitpid(peer->process, &status, 0) == peer->process && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* A small blocking WebSocket client over OpenSSL, for tests that want to see every byte. All
 * reads give up after ten seconds, so that a server that says nothing fails the test. */
#ifndef TESTS_NET_CLIENT_H
#define TESTS_NET_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    uint8_t *payload; /* of the last frame */
    size_t size;
    int opcode;
};

struct net_client_options {
    const char *authority;   /* PEM: whom to believe; NULL: anybody */
    const char *certificate; /* PEM with key: shown to the server; NULL: none */
    const char *key;
    SSL_SESSION *resume;
    int max_version;         /* 0: any */
    const char *ciphers;     /* of TLS 1.2; NULL: default */
    int receive_buffer;      /* SO_RCVBUF, 0: default */
};

enum { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* Connects to "host:port". */
bool net_client_tcp(struct net_client *client, const char *address, int receive_buffer);
bool net_client_tls(struct net_client *client, const struct net_client_options *options);
/* Sends an upgrade request with these extra header lines ("Name: value\r\n"; the host is localhost
 * unless "Host:" begins them) and reads the answer's head into `head`. Returns the status code, 0 when the connection ended. */
int net_client_request(struct net_client *client, const char *line, const char *headers,
                       char *head, size_t size);
/* All of the above for a plain tandem.v1 connection. */
bool net_client_open(struct net_client *client, const char *address,
                     const struct net_client_options *options);
void net_client_close(struct net_client *client);

bool net_client_write(struct net_client *client, const void *data, size_t size);
/* Reads exactly that much. */
bool net_client_read(struct net_client *client, void *data, size_t size);
/* A masked frame. `first` holds FIN and the opcode. */
bool net_client_send_frame(struct net_client *client, uint8_t first, const void *data,
                           size_t size);
bool net_client_send(struct net_client *client, const void *data, size_t size);
bool net_client_send_text(struct net_client *client, const char *text); /* binary, as a string */
/* The next frame, whatever it is; false at the end of the connection. */
bool net_client_receive(struct net_client *client);
/* The next binary frame is this. */
bool net_client_expect(struct net_client *client, const char *text);
/* Reads on until a close frame; its code, or 0 when the connection just ended. */
int net_client_close_code(struct net_client *client);

#endif

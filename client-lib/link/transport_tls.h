/* TLS for a client, over a connected non-blocking socket. Only transport_tls.c knows OpenSSL.
 *
 * TLS 1.2 or later; the server must prove with a certificate that the trusted authority signed it
 * and that it is the host asked for. */
#ifndef TANDEM_CLIENT_LIB_TRANSPORT_TLS_H
#define TANDEM_CLIENT_LIB_TRANSPORT_TLS_H

#include "client-lib/link/link.h"
#include "client-lib/link/upgrade.h"
#include "client-lib/link/url.h"

struct tls;

/* Reads the certificates; connects nothing yet. UNTRUSTED when a file cannot be used. */
enum status tls_new(const struct link_config *config, const struct url *url, struct tls **out,
                    tandem_fault *fault);
void tls_free(struct tls *tls);
/* Starts over on this socket, which stays the caller's. */
enum status tls_attach(struct tls *tls, int fd);

enum tls_result { TLS_DONE, TLS_WANT_READ, TLS_WANT_WRITE, TLS_CLOSED, TLS_FAILED };

/* FAILED fills `fault` with UNTRUSTED or UNREACHABLE. */
enum tls_result tls_handshake(struct tls *tls, tandem_fault *fault);
enum tls_result tls_read(struct tls *tls, void *out, size_t size, size_t *got, tandem_fault *fault);
enum tls_result tls_write(struct tls *tls, struct bytes bytes, size_t *put, tandem_fault *fault);
/* Bytes decrypted already, of which the socket says nothing. */
bool tls_pending(const struct tls *tls);
void tls_shutdown(struct tls *tls);

/* A WebSocket key from 16 random bytes, and the answer that proves it was understood. */
bool tls_websocket_key(const uint8_t random[16], char key[UPGRADE_KEY_SIZE],
                       char accept[UPGRADE_ACCEPT_SIZE]);

/* SHA-256 of the first certificate in a PEM file. IO or INVALID_VALUE. */
enum status tls_fingerprint(const char *pem_file, uint8_t out[32], tandem_fault *fault);

#endif

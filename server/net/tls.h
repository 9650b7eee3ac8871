/* TLS: what the server shows, whom it believes, and what it speaks.
 *
 * Certificate, key and the authority for client certificates are read and checked as a whole
 * into a `struct tls_material`, which is then given to the SSL_CTX of each I/O thread, by that
 * thread. A reload therefore either has everything right before it touches anything, or leaves
 * what was there; all threads get the same bytes, whatever happens to the files meanwhile.
 *
 * TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305, or TLS 1.3. No renegotiation, no
 * compression. Session tickets are under keys that the threads share, made anew at each start,
 * because a client that comes back lands on any of them.
 */
#ifndef TANDEM_NET_TLS_H
#define TANDEM_NET_TLS_H

#include <openssl/ssl.h>

#include "protocol/status.h"

#define TLS_TICKET_KEYS_SIZE 80 /* what OpenSSL 3.0 asks for: name 16, AES-256 32, HMAC 32 */

struct tls_material;

/* Reads PEM files: certificate with its chain, key, and optionally the authority whose client
 * certificates are accepted (NULL: none are asked for). One reference. INVALID_VALUE, with the
 * reason in `fault`, when something is missing, unreadable, does not match or has expired. */
enum status tls_material_load(const char *certificate, const char *key, const char *authority,
                              struct tls_material **out, struct fault *fault);
struct tls_material *tls_material_share(struct tls_material *material); /* any thread */
void tls_material_drop(struct tls_material *material);                  /* any thread */
/* When the certificate stops being valid, seconds since 1970. */
int64_t tls_material_expires(const struct tls_material *material);

/* Settings for a new SSL_CTX of a thread. False when OpenSSL refuses. */
bool tls_configure(SSL_CTX *ctx, const uint8_t ticket_keys[TLS_TICKET_KEYS_SIZE]);
/* Shows this certificate from now on; on false the old one is still in use. Only the thread that
 * owns the context may call it. */
bool tls_use(SSL_CTX *ctx, const struct tls_material *material);
/* Whether the second can follow the first in a running server: a context holds one certificate
 * for each kind of key, so the kind cannot change without a restart. */
bool tls_same_kind(const struct tls_material *a, const struct tls_material *b);

/* SHA-256 of the peer's certificate in DER; false when it showed none. */
bool tls_peer_fingerprint(SSL *ssl, uint8_t out[32]);

#endif

/* The HTTP/1.1 upgrade to WebSocket (RFC 6455, 4.1), the client's side. Pure.
 *
 * The answer is read strictly: exactly status 101, the header fields that must be there and only
 * once, none that must not. It comes from a server whose certificate was checked, but may come
 * from a proxy in front of it, so its size is bounded and every byte is looked at. */
#ifndef TANDEM_CLIENT_LIB_UPGRADE_H
#define TANDEM_CLIENT_LIB_UPGRADE_H

#include "client-lib/link/url.h"
#include "protocol/bytes.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

#define UPGRADE_KEY_SIZE 25    /* base64 of 16 bytes, with its NUL */
#define UPGRADE_ACCEPT_SIZE 29 /* base64 of a SHA-1, with its NUL */
#define UPGRADE_HEAD_MAX 8192u

/* Appends the request. */
void upgrade_request(const struct url *url, const char key[UPGRADE_KEY_SIZE], struct buffer *out);

struct upgrade {
    char accept[UPGRADE_ACCEPT_SIZE]; /* what Sec-WebSocket-Accept must be */
    uint8_t head[UPGRADE_HEAD_MAX];
    size_t size;
};

enum upgrade_result { UPGRADE_MORE, UPGRADE_DONE, UPGRADE_FAILED };

void upgrade_init(struct upgrade *upgrade, const char accept[UPGRADE_ACCEPT_SIZE]);
/* Takes bytes of the answer. DONE: `used` of them belonged to it, the rest is WebSocket. FAILED:
 * `fault` says what was wrong. */
enum upgrade_result upgrade_feed(struct upgrade *upgrade, struct bytes bytes, size_t *used,
                                 tandem_fault *fault);

#endif

/* What TLS and the kernel cost by themselves: a bare epoll + OpenSSL loop in a process of its own.
 *
 * It does nothing that a server has to do besides: no messages, no store, no limits, no timers. It
 * holds TLS 1.3 connections with released buffers, and
 *
 *   - on a command writes a frame that was built before to each of them, once, or many times over:
 *     then as many whole frames as fit in 16 KiB go into one write, as long as the socket takes
 *     them;
 *   - answers every message of a client by the frame.
 *
 * Its sockets and its TLS are set as those of tandemd are. Clients are those of tests/load, `raw`.
 */
#ifndef TANDEM_TESTS_BENCH_LIMIT_TLS_H
#define TANDEM_TESTS_BENCH_LIMIT_TLS_H

#include <stdbool.h>

#include "protocol/bytes.h"

struct limit_tls {
    int pid;          /* 0: not running */
    int commands;     /* its standard input */
    char address[64]; /* 127.0.0.1:PORT */
};

/* Starts it on the calling thread's CPU, with a certificate and its key (PEM files); false after
 * saying why. Zeroed storage may be given to limit_tls_stop(). */
bool limit_tls_start(struct limit_tls *limit, const char *cert, const char *key);
void limit_tls_stop(struct limit_tls *limit);
/* The message that it sends, to which the WebSocket header is added here; at most 8 KiB. */
bool limit_tls_message(const struct limit_tls *limit, struct bytes message);
/* Sends the frame `times` over to every connection. Returns at once. */
bool limit_tls_send(const struct limit_tls *limit, uint32_t times);

/* What travels over `commands`: one of these, and behind LIMIT_FRAME the frame itself. */
#define LIMIT_FRAME_MAX (8u * 1024u + 16u)
struct limit_command {
    enum { LIMIT_FRAME = 1, LIMIT_SEND = 2 } what;
    uint32_t number; /* bytes of the frame; how many times */
};

#endif

/* A connection that carries whole protocol messages, as the client sees it. transport.c is the real
 * one (TCP, TLS, WebSocket); a test may have its own.
 *
 * link_ops.open begins and returns at once. run() does what can be done without blocking and calls
 * the events: opened once, message for each message, closed once and last. After `closed` only
 * free() may be called. free() must not be called from inside an event. */
#ifndef TANDEM_CLIENT_LIB_LINK_H
#define TANDEM_CLIENT_LIB_LINK_H

#include <stdbool.h>

#include "client-lib/base/port.h"
#include "protocol/bytes.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

struct link;

struct link_events {
    void *context;
    void (*opened)(void *context);
    void (*message)(void *context, struct bytes frame); /* valid during the call */
    /* `close_code` is the peer's WebSocket close code, 0 when there was none; then `fault` says
     * what happened (UNREACHABLE, UNTRUSTED, ...). */
    void (*closed)(void *context, unsigned close_code, const tandem_fault *fault);
};

struct link_config {
    const char *url;
    const char *ca;          /* NULL: the system's */
    const char *certificate; /* NULL: none */
    const char *key;
};

struct link_ops {
    enum status (*open)(const struct link_config *config, const struct port *port,
                        const struct link_events *events, struct link **out, tandem_fault *fault);
    void (*free)(struct link *link);
    int (*fd)(const struct link *link);    /* -1 while there is none */
    int (*want)(const struct link *link);  /* TANDEM_WANT_* */
    bool (*more)(const struct link *link); /* run() has work left although nothing may arrive */
    void (*run)(struct link *link);
    enum status (*send)(struct link *link, struct bytes frame);
    /* Sends a close with this code, as far as it goes without blocking. */
    void (*close)(struct link *link, unsigned close_code);
};

const struct link_ops *link_tls(void);

#endif

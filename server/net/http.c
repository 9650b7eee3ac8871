/* Plain HTTP on the same port: /healthz, and the judging of upgrades. Every answer is complete in
 * one write and ends the connection, so that nothing depends on the library's handling of bodies
 * and of requests that follow one another. */
#include "server/net/internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/message.h"

/* Copies a header that fits; empty when it is absent, false when it is too long. */
static bool header(struct lws *wsi, enum lws_token_indexes which, char *out, int size)
{
    out[0] = '\0';
    if (lws_hdr_total_length(wsi, which) == 0)
        return true;
    return lws_hdr_copy(wsi, out, size, which) > 0;
}

/* A browser that has been here asks this name by TLS only, for a year. The name of every
 * developer's own machine is left out: it would hold for all that they serve there. */
static const char *transport_security(struct lws *wsi)
{
    char host[240];
    bool local = false;
    if (header(wsi, WSI_TOKEN_HOST, host, sizeof host)) {
        host[strcspn(host, ":")] = '\0';
        local = strcasecmp(host, "localhost") == 0;
    }
    return local ? "" : "strict-transport-security: max-age=31536000\r\n";
}

static void answer(struct lws *wsi, const char *status, const char *more, const char *text)
{
    char out[512];
    int size = snprintf(out, sizeof out,
                        "HTTP/1.1 %s\r\n"
                        "content-type: text/plain; charset=utf-8\r\n"
                        "content-length: %zu\r\n"
                        "cache-control: no-store\r\n"
                        "x-content-type-options: nosniff\r\n"
                        "%s%s"
                        "connection: close\r\n\r\n%s",
                        status, strlen(text), transport_security(wsi), more, text);
    if (size > 0 && (size_t)size < sizeof out)
        (void)lws_write(wsi, (unsigned char *)out, (size_t)size, LWS_WRITE_HTTP);
}

/* Whether `word` is one of the words of a list. */
static bool listed(const char *list, const char *separators, const char *word, bool any_case)
{
    size_t length = strlen(word);
    for (const char *at = list; at && *at;) {
        at += strspn(at, separators);
        size_t size = strcspn(at, separators);
        if (size > 0 && size == length &&
            (any_case ? strncasecmp(at, word, size) : strncmp(at, word, size)) == 0)
            return true;
        at += size;
    }
    return false;
}

/* A browser names the page's origin and cannot lie about it; other clients send none. */
static bool origin_allowed(const struct server *server, struct lws *wsi)
{
    char origin[256], host[240], own[256];
    if (!header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin) ||
        !header(wsi, WSI_TOKEN_HOST, host, sizeof host))
        return false;
    if (origin[0] == '\0')
        return true;
    snprintf(own, sizeof own, "https://%s", host);
    return (host[0] && strcasecmp(origin, own) == 0) || listed(server->origins, " ", origin, true);
}

bool http_may_upgrade(struct connection *connection, struct lws *wsi)
{
    /* Read from the request itself: what the library passes along can be stale by now. */
    char upgrade[32], subprotocols[128], version[8];
    if (!header(wsi, WSI_TOKEN_UPGRADE, upgrade, sizeof upgrade) ||
        strcasecmp(upgrade, "websocket") != 0)
        return false;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0) {
        answer(wsi, "405 Method Not Allowed", "allow: GET\r\n", "only GET\n");
        return false;
    }
    if (!header(wsi, WSI_TOKEN_VERSION, version, sizeof version) || strcmp(version, "13") != 0) {
        answer(wsi, "426 Upgrade Required", "sec-websocket-version: 13\r\n",
               "only WebSocket version 13\n");
        return false;
    }
    if (!header(wsi, WSI_TOKEN_PROTOCOL, subprotocols, sizeof subprotocols) ||
        !listed(subprotocols, ", \t", PROTOCOL_SUBPROTOCOL, false)) {
        answer(wsi, "400 Bad Request", "", "the subprotocol " PROTOCOL_SUBPROTOCOL " is needed\n");
        return false;
    }
    if (!origin_allowed(connection->thread->server, wsi)) {
        answer(wsi, "403 Forbidden", "", "this origin is not allowed\n");
        return false;
    }
    if (atomic_load(&connection->thread->server->stopping)) {
        answer(wsi, "503 Service Unavailable", "retry-after: 5\r\n", "stopping\n");
        return false;
    }
    return true;
}

void http_answer(struct connection *connection, struct lws *wsi)
{
    const struct server *server = connection->thread->server;
    char path[32];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0)
        answer(wsi, "405 Method Not Allowed", "allow: GET\r\n", "only GET\n");
    else if (!header(wsi, WSI_TOKEN_GET_URI, path, sizeof path) || strcmp(path, "/healthz") != 0)
        answer(wsi, "404 Not Found", "", "nothing here\n");
    else if (atomic_load(&server->stopping) || !server->ports.healthy(server->ports.self))
        answer(wsi, "503 Service Unavailable", "retry-after: 5\r\n", "not ok\n");
    else {
        answer(wsi, "200 OK", "", "ok\n");
        connection->served = true;
    }
}

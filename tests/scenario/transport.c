/* http, tls: what is on the port besides the protocol. */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenario/scenario.h"
#include "tests/unit/net/net_client.h"

static const char *address_of(const struct scenario *scenario, char out[32])
{
    snprintf(out, 32, "127.0.0.1:%u", scenario->port);
    return out;
}

/* http "GET /path" [HEADER...] answers STATUS. The word `upgrade` stands for the headers of a
 * WebSocket client. */
bool step_http(struct scenario *scenario, const struct words *words)
{
    char address[32], head[2048], headers[1024] = "";
    struct net_client client = {.fd = -1};
    const struct net_client_options options = {.authority = NULL};
    size_t at = 2, size = 0;
    for (; at < words->count && !words_is(words, at, "answers") && size < sizeof headers; at++)
        size += (size_t)snprintf(headers + size, sizeof headers - size, "%s\r\n",
                                 words_is(words, at, "upgrade")
                                     ? "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                       "Sec-WebSocket-Version: 13"
                                     : words->word[at]);
    if (at + 2 != words->count || size >= sizeof headers)
        return scenario_fail(scenario, "http \"GET /path\" [HEADER...] answers STATUS");
    bool connected = net_client_tcp(&client, address_of(scenario, address), 0) &&
                     net_client_tls(&client, &options);
    int status =
        connected ? net_client_request(&client, words->word[1], headers, head, sizeof head) : -1;
    net_client_close(&client);
    return status == (int)strtol(words->word[at + 1], NULL, 10) ||
           scenario_fail(scenario, "the answer is %d\n%s", status, status > 0 ? head : "");
}

static int version_of(const char *name)
{
    return strcmp(name, "1.0") == 0   ? TLS1_VERSION
           : strcmp(name, "1.1") == 0 ? TLS1_1_VERSION
           : strcmp(name, "1.2") == 0 ? TLS1_2_VERSION
                                      : TLS1_3_VERSION;
}

/* Offers protocols of the application in a handshake; the one chosen, "none" or "refused". */
static void negotiate(const char *address, const char *offer, char chosen[32])
{
    struct net_client client = {.fd = -1};
    uint8_t list[64];
    const unsigned char *selected = NULL;
    unsigned size = 0, length = 0;
    for (const char *at = offer; *at && size + strlen(at) + 1 < sizeof list;) {
        size_t word = strcspn(at, ",");
        list[size++] = (uint8_t)word;
        memcpy(list + size, at, word);
        size += (unsigned)word;
        at += word + (at[word] == ',');
    }
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    bool made = ssl && net_client_tcp(&client, address, 0) &&
                SSL_set_alpn_protos(ssl, list, size) == 0 && SSL_set_fd(ssl, client.fd) == 1 &&
                SSL_connect(ssl) == 1;
    if (made)
        SSL_get0_alpn_selected(ssl, &selected, &length);
    bytes_to_text(made ? length ? bytes_of(selected, length) : bytes_text("none")
                       : bytes_text("refused"),
                  chosen, 32);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    net_client_close(&client);
}

/* tls 1.1 refused; tls 1.2 accepted; tls offers NAME,NAME gets NAME; tls offers NAME lacks NAME */
bool step_tls(struct scenario *scenario, const struct words *words)
{
    char address[32], chosen[32];
    address_of(scenario, address);
    if (words->count == 5 && words_is(words, 1, "offers")) {
        negotiate(address, words->word[2], chosen);
        return (strcmp(chosen, words->word[4]) == 0) == words_is(words, 3, "gets") ||
               scenario_fail(scenario, "the server chose %s", chosen);
    }
    if (words->count != 3)
        return scenario_fail(scenario, "tls VERSION refused or accepted");
    struct net_client client = {.fd = -1};
    const struct net_client_options options = {.max_version = version_of(words->word[1])};
    bool accepted = net_client_tcp(&client, address, 0) && net_client_tls(&client, &options);
    net_client_close(&client);
    return accepted == words_is(words, 2, "accepted") ||
           scenario_fail(scenario, "TLS %s was %s", words->word[1],
                         accepted ? "accepted" : "refused");
}

/* What nobody who is honest does, and what it costs who does it.
 *
 * Users pay for errors: messages that were refused because of how they were made, whatever the data
 * says; pings within a second of the last; and bytes that were no message, as floods of WebSocket's
 * pings are. All sessions of a user pay from one allowance, and one that pays when it is used up is
 * not read until it has come back. Sessions that make no errors are read on.
 *
 * Addresses pay for connections that came to nothing: a handshake that failed or was not finished,
 * nobody signed in, or what came was no WebSocket. An address that has used up its allowance is
 * suspect, and its newcomers take the slow lane (anteroom.h). That they can resume a TLS session
 * does not help them: it shows that somebody finished a handshake there, as attackers do, too.
 */
#include "server/net/internal.h"

#include <string.h>

/* Users' errors that may be made at once, in seconds of what is allowed. */
#define ERROR_BURST_S 10u
/* What an address pays, for a failure and for a plain request that was answered: those of a monitor
 * are welcome, but a handshake that costs nothing could be had without end. */
#define FAILURE_POINTS 10u
#define SERVED_POINTS 1u
/* Failures that an address may have at once, of those of a minute. Few: being suspect costs who is
 * honest next to nothing, as long as there are not many who are not. */
#define FAILURE_SHARE 3u
/* Connections that break off this young came to nothing, even if somebody signed in: the library
 * does not say whether a connection was lost, or ended for what came. */
#define SHORT_LIFE_MS 10000u
/* Bytes that come with messages: the headers of a frame and of TLS records, which may be short. */
#define MESSAGE_BYTES 64u
#define RECORDS_SHARE 4u
/* For heartbeats of proxies, and the like, between two ticks. */
#define FREE_BYTES 4096u
/* Bytes beyond that cost a point each: about what a ping takes. */
#define POINT_BYTES 64u

void misuse_ledgers(const struct server_options *options, struct ledger **users,
                    struct ledger **addresses)
{
    const struct allowance_terms errors = {.per_minute = options->user_errors * 60,
                                           .burst = options->user_errors * ERROR_BURST_S};
    const struct allowance_terms failures = {
        .per_minute = options->failed_connections * FAILURE_POINTS,
        .burst = (options->failed_connections / FAILURE_SHARE + 1) * FAILURE_POINTS};
    *users = ledger_new(&errors);
    *addresses = ledger_new(&failures);
}

uint64_t misuse_of_user(struct connection *connection, struct id user, uint32_t points)
{
    struct server *server = connection->thread->server;
    struct ledger_key key;
    uint64_t now_ms = net_uptime_ms();
    _Static_assert(sizeof key.octet == sizeof user.octet, "a user's id is the key");
    memcpy(key.octet, user.octet, sizeof key.octet);
    if (points == 0)
        return ledger_wait_ms(server->users, key, now_ms);
    struct ledger_verdict verdict = ledger_charge(server->users, key, points, now_ms);
    atomic_fetch_add(&server->user_errors, points);
    if (verdict.wait_ms > 0)
        atomic_fetch_add(&server->pauses, 1);
    if (verdict.tell)
        net_log(server, "slowed down %s: %llu errors and needless pings",
                session_user(connection->session), (unsigned long long)verdict.points);
    return verdict.wait_ms;
}

static struct ledger_key key_of(struct peer_address address)
{
    struct ledger_key key = {.octet = {address.six ? 6 : 4}};
    memcpy(key.octet + 1, address.octet, sizeof address.octet);
    return key;
}

static uint32_t price_of(const struct connection *connection, uint64_t now_ms)
{
    bool ours = connection->thread->stopping ||
                (connection->closing &&
                 (connection->code == CLOSE_SERVER_ERROR || connection->code == CLOSE_STOPPING));
    if (ours)
        return 0;
    if (connection->served)
        return SERVED_POINTS;
    bool lasted = now_ms >= connection->accepted_ms + SHORT_LIFE_MS;
    bool ended_well = connection->parted || connection->closing || lasted;
    return connection->signed_in && !connection->broke_off && ended_well ? 0 : FAILURE_POINTS;
}

/* Strangers' addresses can be many: one of them is named in a minute. */
static bool may_tell_of_suspects(struct server *server, uint64_t now_ms)
{
    uint64_t told_ms = atomic_load(&server->suspects_told_ms);
    return (told_ms == 0 || now_ms >= told_ms + LEDGER_TELL_MS) &&
           atomic_compare_exchange_strong(&server->suspects_told_ms, &told_ms, now_ms);
}

void misuse_of_connection(const struct connection *connection)
{
    struct server *server = connection->thread->server;
    uint64_t now_ms = net_uptime_ms();
    uint32_t points = price_of(connection, now_ms);
    char address[PEER_TEXT_SIZE];
    if (points == 0)
        return;
    struct ledger_verdict verdict =
        ledger_charge(server->addresses, key_of(connection->peer), points, now_ms);
    if (verdict.tell && may_tell_of_suspects(server, now_ms))
        net_log(server, "newcomers from %s have to wait: %llu of its connections came to nothing",
                peer_address_text(connection->peer, address),
                (unsigned long long)(verdict.points / FAILURE_POINTS));
}

void misuse_of_bytes(struct connection *connection)
{
    SSL *ssl = lws_get_ssl(connection->wsi);
    BIO *bio = ssl ? SSL_get_rbio(ssl) : NULL;
    uint64_t read = bio ? BIO_number_read(bio) : 0, used = connection->bytes_used;
    uint64_t came = read - connection->bytes_read;
    uint64_t expected = used + used / RECORDS_SHARE + FREE_BYTES;
    connection->bytes_read = read;
    connection->bytes_used = 0;
    if (came < expected + POINT_BYTES)
        return;
    uint64_t points = (came - expected) / POINT_BYTES;
    session_charge(connection->session, points < UINT32_MAX ? (uint32_t)points : UINT32_MAX);
}

void misuse_note_message(struct connection *connection, size_t size, bool last)
{
    connection->bytes_used += size + (last ? MESSAGE_BYTES : 0);
}

bool misuse_is_suspect(struct server *server, struct peer_address address)
{
    bool suspect = ledger_wait_ms(server->addresses, key_of(address), net_uptime_ms()) > 0;
    if (suspect)
        atomic_fetch_add(&server->delayed, 1);
    return suspect;
}

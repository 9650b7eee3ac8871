/* What nobody who is honest does, and what it costs who does it.
 *
 * Users pay for errors: messages that were refused because of how they were made, whatever the data
 * says; pings within a second of the last; and bytes that were no message, as floods of WebSocket's
 * pings are. All sessions of a user pay from one allowance, and one that pays when it is used up is
 * not read until it has come back. Sessions that make no errors are read on.
 *
 * Bytes are paid for when they are read from the socket. The library answers or drops what is no
 * message without a word, and to look now and then would be to let a flood through until then.
 * Closing the connection would bound less: who floods comes back, and floods until it is noticed
 * again. Not being read costs them their time and us nothing. Strangers have no allowance, and who
 * is being sent away has nothing to lose: those are sent away, and these cut off.
 *
 * Users pay for work, too (server/core/work.h): for what a few bytes can ask much with, live notes
 * and presence. That is no error, and has an allowance of its own: who has used it up is not read from
 * the next such message on, which waits, until there is some again. A push is paid for in advance,
 * with the most that it can be, so that thousands sent at once by many connections cannot all come
 * before the first is known to be dear; when it has been applied it is paid for as what it was.
 *
 * Addresses pay for connections that came to nothing: a handshake that failed or was not finished,
 * nobody signed in, or what came was no WebSocket. An address that has used up its allowance is
 * suspect, and its newcomers take the slow lane (anteroom.h). That they can resume a TLS session
 * does not help them: it shows that somebody finished a handshake there, as attackers do, too.
 */
#include "server/net/internal.h"

#include <assert.h>
#include <string.h>

/* Users' errors that may be made at once, in seconds of what is allowed. */
#define ERROR_BURST_S 10u
/* And the work that may be asked for at once. */
#define WORK_BURST_S 4u
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

bool misuse_init(struct server *server)
{
    const struct server_options *options = &server->options;
    const struct allowance_terms errors = {.per_minute = options->user_errors * 60,
                                           .burst = options->user_errors * ERROR_BURST_S};
    const struct allowance_terms work = {.per_minute = options->user_work * 60,
                                         .burst = options->user_work * WORK_BURST_S};
    const struct allowance_terms failures = {
        .per_minute = options->failed_connections * FAILURE_POINTS,
        .burst = (options->failed_connections / FAILURE_SHARE + 1) * FAILURE_POINTS};
    server->users = ledger_new(&errors);
    server->work = ledger_new(&work);
    server->addresses = ledger_new(&failures);
    return server->users && server->work && server->addresses;
}

void misuse_release(struct server *server)
{
    ledger_free(server->users);
    ledger_free(server->work);
    ledger_free(server->addresses);
}

static struct ledger_key key_of_user(struct id user)
{
    struct ledger_key key;
    _Static_assert(sizeof key.octet == sizeof user.octet, "a user's id is the key");
    memcpy(key.octet, user.octet, sizeof key.octet);
    return key;
}

uint64_t misuse_of_user(struct connection *connection, struct id user, uint32_t points)
{
    struct server *server = connection->thread->server;
    const struct ledger_key key = key_of_user(user);
    uint64_t now_ms = net_uptime_ms();
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

uint64_t misuse_of_work(struct connection *connection, struct id user, int32_t units)
{
    struct server *server = connection->thread->server;
    const struct ledger_key key = key_of_user(user);
    const uint64_t now_ms = net_uptime_ms();
    if (units < 0) {
        ledger_give_back(server->work, key, (uint32_t)-units, now_ms);
        return 0;
    }
    if (units == 0) {
        const uint64_t wait_ms = ledger_wait_ms(server->work, key, now_ms);
        if (wait_ms > 0)
            atomic_fetch_add(&server->pauses, 1);
        return wait_ms;
    }
    const struct ledger_verdict verdict =
        ledger_charge(server->work, key, (uint32_t)units, now_ms);
    if (verdict.tell)
        net_log(server, "slowed down %s: %llu units of work on notes and presence",
                session_user(connection->session), (unsigned long long)verdict.points);
    return verdict.wait_ms;
}

void server_worked(struct server *server, struct id user, uint32_t units)
{
    ledger_add(server->work, key_of_user(user), units, net_uptime_ms());
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

static void charge_for_bytes(struct connection *connection)
{
    uint32_t points = chaff_take_points(&connection->chaff);
    if (points == 0 || connection->killed)
        return;
    if (connection->closing) {
        connection_kill(connection);
    } else if (!connection->signed_in) {
        connection->chaff.bytes = 0; /* what is on its way need not keep them from hearing why */
        connection_close(connection, CLOSE_TOO_MANY);
    } else {
        session_charge(connection->session, points);
        connection_settle(connection); /* it is not to be read any more, perhaps */
    }
}

/* Called by OpenSSL about all that is done with a connection's socket; to return `result` leaves it
 * as it is. */
static long watch(BIO *bio, int operation, const char *data, size_t size, int more, long still_more,
                  int result, size_t *processed)
{
    (void)data, (void)size, (void)more, (void)still_more;
    if (operation != (BIO_CB_READ | BIO_CB_RETURN) || result <= 0)
        return result;
    struct connection *connection = (struct connection *)BIO_get_callback_arg(bio);
    assert(connection->magic == CONNECTION_MAGIC);
    if (connection->session) {
        chaff_came(&connection->chaff, *processed);
        charge_for_bytes(connection);
    }
    return result;
}

void misuse_watch(struct connection *connection)
{
    SSL *ssl = lws_get_ssl(connection->wsi);
    BIO *bio = ssl ? SSL_get_rbio(ssl) : NULL;
    connection->chaff = (struct chaff){.at_ms = net_uptime_ms()};
    if (!bio)
        return;
    BIO_set_callback_arg(bio, (char *)connection);
    BIO_set_callback_ex(bio, watch);
}

void misuse_note_message(struct connection *connection, size_t size, bool last)
{
    chaff_became_message(&connection->chaff, size, last);
}

void misuse_tick(struct connection *connection, uint64_t now_ms)
{
    chaff_forget(&connection->chaff, now_ms);
}

bool misuse_is_suspect(struct server *server, struct peer_address address)
{
    bool suspect = ledger_wait_ms(server->addresses, key_of(address), net_uptime_ms()) > 0;
    if (suspect)
        atomic_fetch_add(&server->delayed, 1);
    return suspect;
}

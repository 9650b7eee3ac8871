/* Many clients in one thread: an epoll loop with OpenSSL that does nothing but read and count.
 *
 * It shares no code with the server but the message encoder, and as little as possible with the
 * client library, so that what it costs is small against what it measures. A client connects by
 * TLS 1.3 (a session of an earlier connection is resumed when it has one), upgrades, says hello
 * with a token, subscribes, acknowledges as PROTOCOL.md asks, and counts what comes. Messages
 * are looked into only as far as counting needs: type, from, to, more, number of records. Pings of
 * the protocol are kept up as long as the loop runs.
 *
 * One struct load is for one thread. Nothing is retried: a client whose connection ends is
 * LOAD_CLOSED, with the reason, until load_connect() is called again.
 */
#ifndef TANDEM_TESTS_LOAD_LOAD_H
#define TANDEM_TESTS_LOAD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/id.h"

struct load;
struct load_client;

enum load_phase {
    LOAD_IDLE,       /* made, never connected */
    LOAD_CONNECTING, /* TCP, TLS, upgrade */
    LOAD_SIGNING_IN, /* hello sent */
    LOAD_CATCHING_UP,
    LOAD_LIVE, /* caught up (or welcome, without a subscription) */
    LOAD_CLOSED
};

struct load_hooks {
    void *context;
    /* A `changes` or `backfill` frame: `records` in it; `to` the seq it leads to. May be NULL. */
    void (*changes)(void *context, struct load_client *client, uint64_t to, unsigned records,
                    struct bytes message);
    /* The answer to a mutation; `status` 0: accepted as `seq`. May be NULL. */
    void (*result)(void *context, struct load_client *client, uint64_t number, unsigned status,
                   uint64_t seq);
    /* Any other message, as it came. May be NULL. */
    void (*other)(void *context, struct load_client *client, struct bytes message);
    void (*closed)(void *context, struct load_client *client, const char *why);
};

struct load_options {
    const char *address; /* "127.0.0.1:7443" */
    const char *ca_file;
    bool resume; /* offer the TLS session of the client's last connection */
    /* The peer is no Tandem server but speaks WebSocket frames right behind the TLS handshake: a
     * client is LIVE after it, and each frame counts as one record. */
    bool raw;
    /* load_until() never sleeps: waking a sleeper is work of whoever writes to it, and would be on
     * the bill of a server that is measured. For a loop that has a CPU of its own. */
    bool spin;
    struct load_hooks hooks;
};

/* NULL after a message on standard error. The file limit is raised as far as it goes. */
struct load *load_new(const struct load_options *options);
void load_free(struct load *load);

struct load_client_options {
    const char *user;
    const char *token;
    const char *password; /* with `user`, when there is no token; `welcome` brings one then */
    struct id client_id;  /* zero: a random one */
    bool subscribe;
    const struct scope *scopes; /* count 0: everything */
    size_t scope_count;
    uint64_t cursor; /* to resume from, with its epoch; 0: from nothing */
    struct id epoch;
    const char *source; /* local address to connect from ("127.0.0.2"), or NULL */
    size_t label;       /* the caller's own */
};
struct load_client *load_add(struct load *load, const struct load_client_options *options);
/* Begins to connect; a closed client connects again and resumes from its cursor (backfills that
 * were under way are not asked for again). False when it is not closed. */
bool load_connect(struct load_client *client);
/* Ends the connection abruptly (RST when `reset`). The client keeps its cursor and TLS session. */
void load_drop(struct load_client *client, bool reset);
/* Stops and goes on reading from the socket, as a slow reader does. */
void load_pause(struct load_client *client, bool paused);

/* Sends a message of the protocol as one binary frame. False when the client is not connected or
 * too much waits to be written. */
bool load_send(struct load_client *client, struct bytes message);
/* Sends bytes as they are inside TLS, for hostile peers. */
bool load_send_raw(struct load_client *client, struct bytes bytes);
/* Sends a mutation whose list of changes is encoded in `changes` (a MessagePack array) under the
 * client's next number, which is returned; 0 when it could not be sent. */
uint64_t load_mutate(struct load_client *client, struct bytes changes);

struct load_counts {
    uint64_t frames;  /* changes and backfill frames */
    uint64_t records; /* in them, removed ones included */
    uint64_t bytes;   /* of messages */
    uint64_t wire;    /* bytes read from the socket, TLS included; 0 where it cannot be told */
    uint64_t results;
    uint64_t handshakes, resumed;
};
struct load_counts load_total(const struct load *load);
struct load_counts load_counts_of(const struct load_client *client);
enum load_phase load_phase_of(const struct load_client *client);
uint64_t load_cursor(const struct load_client *client);
size_t load_label(const struct load_client *client);
const char *load_reason(const struct load_client *client); /* why it is closed, "" otherwise */
size_t load_size(const struct load *load);
struct load_client *load_at(struct load *load, size_t index);
/* How many clients are in a phase. */
size_t load_in_phase(const struct load *load, enum load_phase phase);

/* One turn of the loop: waits at most `timeout_ms` (0: not at all), handles what is ready. */
void load_turn(struct load *load, int timeout_ms);
/* Turns until `done(context)` is true or `limit_ms` have passed; whether it became true. */
bool load_until(struct load *load, bool (*done)(void *context), void *context, unsigned limit_ms);
/* Every client says ping now, so that none of them has to for the next 20 s. */
void load_ping_all(struct load *load);
/* Turns until every client that was connected is in phase LIVE; false, with words on standard
 * error, when one closed or the time is over. */
bool load_settle(struct load *load, unsigned limit_ms);

#endif

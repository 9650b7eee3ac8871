#include "tests/survival/hostile/attack_roles.h"

#include <string.h>

#include "protocol/message.h"

/* ---- Half open ------------------------------------------------------------------------------- */

const struct role role_tcp_only = {.name = "TCP only", .goal = GOAL_TCP};

static void begin_tls(struct swarm *swarm, struct peer *peer)
{
    size_t size = swarm->client_hello.size;
    bool half = chance_below(&swarm->chance, 2);
    peer_send(swarm, peer, bytes_of(swarm->client_hello.data, half ? size / 2 : size));
}
const struct role role_tls_begun = {.name = "TLS begun", .goal = GOAL_TCP, .ready = begin_tls};

static void dribble_upgrade(struct swarm *swarm, struct peer *peer)
{
    struct buffer request = {0};
    mutation_upgrade(&request);
    /* Never the end of it. */
    if (!request.failed && peer->steps + 2 < request.size) {
        peer_send(swarm, peer, bytes_of(request.data + peer->steps++, 1));
    }
    buffer_release(&request);
}
const struct role role_upgrade_dribbled = {
    .name = "upgrade dribbled", .goal = GOAL_TLS, .ended = true, .period_ms = 250, .tick = dribble_upgrade};

/* ---- Silent ---------------------------------------------------------------------------------- */

const struct role role_silent_tls = {.name = "silent after TLS", .goal = GOAL_TLS};
const struct role role_silent_upgraded = {.name = "silent after upgrade", .goal = GOAL_UPGRADE};
const struct role role_silent_user = {.name = "silent after sign-in", .goal = GOAL_SIGN_IN};

/* ---- Slow readers ---------------------------------------------------------------------------- */

static void say_message(struct swarm *swarm, struct peer *peer, const struct message *message)
{
    struct buffer encoded = {0};
    message_encode(&encoded, message);
    if (!encoded.failed) {
        peer_say(swarm, peer, buffer_bytes(&encoded));
    }
    buffer_release(&encoded);
}

static void subscribe(struct swarm *swarm, struct peer *peer)
{
    const struct message message = {.type = MESSAGE_SUBSCRIBE};
    say_message(swarm, peer, &message);
}

/* Claims to have applied what it never read, as soon as that can have been sent. */
static void claim(struct swarm *swarm, struct peer *peer)
{
    struct message message = {.type = MESSAGE_ACK};
    if (++peer->steps == 1) {
        message.as.ack.frames = 8;
        say_message(swarm, peer, &message);
    }
}
const struct role role_deaf_subscriber = {.name = "deaf subscriber",
                                          .goal = GOAL_SIGN_IN,
                                          .deaf = true,
                                          .period_ms = 500,
                                          .ready = subscribe,
                                          .tick = claim};

/* Asks for pages of large records and takes none. */
static void ask(struct swarm *swarm, struct peer *peer)
{
    struct message message = {.type = MESSAGE_QUERY};
    message.as.query.request = ++peer->steps;
    message.as.query.entity = bytes_text("interaction");
    message.as.query.limit = LIMIT_PAGE;
    message_mark(&message, "limit");
    say_message(swarm, peer, &message);
}
const struct role role_deaf_asker = {
    .name = "deaf asker", .goal = GOAL_SIGN_IN, .deaf = true, .period_ms = 100, .tick = ask};

/* ---- Slow writers ---------------------------------------------------------------------------- */

/* The header of a frame that announces so much; what follows is dribbled. */
static void announce(struct swarm *swarm, struct peer *peer, uint32_t size)
{
    uint8_t header[14] = {0x82, 0xff};
    put_u64(header + 2, size);
    peer_send(swarm, peer, bytes_of(header, sizeof header));
}

static void announce_large(struct swarm *swarm, struct peer *peer)
{
    announce(swarm, peer, 900000);
}

static void announce_small(struct swarm *swarm, struct peer *peer)
{
    announce(swarm, peer, 16000);
}

static void dribble(struct swarm *swarm, struct peer *peer)
{
    const uint8_t byte = (uint8_t)peer->steps++;
    peer_send(swarm, peer, bytes_of(&byte, 1));
}
const struct role role_slow_writer = {.name = "slow writer",
                                      .goal = GOAL_SIGN_IN,
                                      .period_ms = 20,
                                      .ready = announce_large,
                                      .tick = dribble};
const struct role role_slow_stranger = {.name = "slow stranger",
                                        .goal = GOAL_UPGRADE,
                                        .period_ms = 20,
                                        .ready = announce_small,
                                        .tick = dribble};

/* ---- Pings ----------------------------------------------------------------------------------- */

#define PINGS_AT_ONCE 20u

static void ping_frames(struct swarm *swarm, struct peer *peer)
{
    static const uint8_t text[125] = {'p'};
    struct buffer pings = {0};
    for (uint32_t i = 0; i < PINGS_AT_ONCE; i++) {
        uint32_t size = chance_below(&swarm->chance, sizeof text + 1);
        frame_put(&pings, chance_below(&swarm->chance, 4) ? 0x89 : 0x8a, bytes_of(text, size));
    }
    if (!pings.failed) {
        swarm->counts.frames += PINGS_AT_ONCE;
        peer_send(swarm, peer, buffer_bytes(&pings));
    }
    buffer_release(&pings);
}
const struct role role_frame_pinger = {
    .name = "frame pinger", .goal = GOAL_SIGN_IN, .period_ms = 10, .tick = ping_frames};

static void ping_messages(struct swarm *swarm, struct peer *peer)
{
    struct buffer pings = {0}, ping = {0};
    for (uint32_t i = 0; i < PINGS_AT_ONCE; i++) {
        buffer_clear(&ping);
        mutation_ping(&ping, peer->steps++);
        frame_put(&pings, 0x82, buffer_bytes(&ping));
    }
    if (!pings.failed && !ping.failed) {
        swarm->counts.frames += PINGS_AT_ONCE;
        peer_send(swarm, peer, buffer_bytes(&pings));
    }
    buffer_release(&ping);
    buffer_release(&pings);
}
const struct role role_message_pinger = {
    .name = "message pinger", .goal = GOAL_SIGN_IN, .period_ms = 10, .tick = ping_messages};

/* ---- Mutated handshakes ---------------------------------------------------------------------- */

/* Long enough for any answer; some inputs are unfinished requests, which get none. */
#define PATIENCE_MS 300

static void send_request(struct swarm *swarm, struct peer *peer, struct buffer *input)
{
    if (!input->failed) {
        swarm->counts.requests++;
        peer->waiting = true;
        peer_send(swarm, peer, buffer_bytes(input));
    }
    buffer_release(input);
}

static void heard_enough(struct swarm *swarm, struct peer *peer, const uint8_t *data, size_t size)
{
    (void)data, (void)size;
    peer_leave(swarm, peer);
}

static void say_wrong_tls(struct swarm *swarm, struct peer *peer)
{
    struct buffer input = {0};
    mutate_bytes(&input, buffer_bytes(&swarm->client_hello), &swarm->chance);
    send_request(swarm, peer, &input);
}
const struct role role_wrong_tls = {.name = "wrong TLS",
                                    .goal = GOAL_TCP,
                                    .life_ms = PATIENCE_MS,
                                    .ready = say_wrong_tls,
                                    .heard = heard_enough};

static void say_wrong_upgrade(struct swarm *swarm, struct peer *peer)
{
    struct buffer input = {0}, valid = {0};
    mutation_upgrade(&valid);
    mutate_bytes(&input, buffer_bytes(&valid), &swarm->chance);
    buffer_release(&valid);
    send_request(swarm, peer, &input);
}
const struct role role_wrong_upgrade = {.name = "wrong upgrade",
                                        .goal = GOAL_TLS,
                                        .life_ms = PATIENCE_MS,
                                        .ready = say_wrong_upgrade,
                                        .heard = heard_enough};

/* One broken input around or in a valid message. Values twice as often as the rest: only they
 * reach the rules. */
static void put_broken(struct swarm *swarm, struct buffer *out, struct bytes message)
{
    struct buffer broken = {0};
    switch (chance_below(&swarm->chance, 8)) {
    case 0:
        mutate_frame(out, message, &swarm->chance);
        break;
    case 1:
        mutate_bytes(&broken, message, &swarm->chance);
        frame_put(out, 0x82, buffer_bytes(&broken));
        break;
    default:
        mutate_values(&broken, message, &swarm->chance);
        frame_put(out, 0x82, buffer_bytes(&broken));
        break;
    }
    out->failed = out->failed || broken.failed;
    buffer_release(&broken);
}

static void say_wrong_hello(struct swarm *swarm, struct peer *peer)
{
    struct buffer input = {0}, valid = {0};
    mutation_hello(&valid, &swarm->material, &swarm->chance);
    put_broken(swarm, &input, buffer_bytes(&valid));
    buffer_release(&valid);
    send_request(swarm, peer, &input);
}
const struct role role_wrong_hello = {.name = "wrong hello",
                                      .goal = GOAL_UPGRADE,
                                      .life_ms = PATIENCE_MS,
                                      .ready = say_wrong_hello,
                                      .heard = heard_enough};

/* ---- Mutated frames -------------------------------------------------------------------------- */

/* A broken frame and a ping behind it: when that is answered, the server has dealt with the
 * frame and lives. One that waits for the rest of a frame is left. */
static void say_wrong_message(struct swarm *swarm, struct peer *peer)
{
    struct buffer input = {0}, valid = {0}, ping = {0};
    if (peer->waiting) {
        if (++peer->steps > 30) {
            swarm->counts.unanswered++;
            peer_leave(swarm, peer);
        }
        return;
    }
    mutation_message(&valid, &swarm->material, &swarm->chance);
    put_broken(swarm, &input, buffer_bytes(&valid));
    mutation_ping(&ping, 1);
    frame_put(&input, 0x82, buffer_bytes(&ping));
    if (!input.failed && !valid.failed && !ping.failed) {
        swarm->counts.frames++;
        peer->waiting = true;
        peer->steps = 0;
        peer_send(swarm, peer, buffer_bytes(&input));
    }
    buffer_release(&ping);
    buffer_release(&valid);
    buffer_release(&input);
}

/* The first frame in the bytes, without its header; its kind is 0 when it is not whole. Records of
 * TLS hold whole frames, since the server writes so. */
static struct bytes first_frame(const uint8_t *data, size_t size, uint8_t *kind)
{
    size_t header = size < 2 ? 2 : data[1] == 126 ? 4 : data[1] == 127 ? 10 : 2;
    *kind = 0;
    if (size < header) {
        return bytes_of(NULL, 0);
    }
    uint64_t length = header == 4 ? get_u16(data + 2) : header == 10 ? get_u64(data + 2) : data[1];
    if (length > size - header) {
        return bytes_of(NULL, 0);
    }
    *kind = data[0] & 0x0f;
    return bytes_of(data + header, (size_t)length);
}

static void hear_pong(struct swarm *swarm, struct peer *peer, const uint8_t *data, size_t size)
{
    uint8_t kind;
    struct bytes payload = first_frame(data, size, &kind);
    for (; kind != 0; payload = first_frame(data, size, &kind)) {
        if (kind == 8) { /* refused: the server waits for us to go */
            peer_leave(swarm, peer);
            return;
        }
        if (memmem(payload.data, payload.size, "pong", 4) != NULL) {
            peer->waiting = false;
        }
        size -= (size_t)(payload.data - data) + payload.size;
        data = payload.data + payload.size;
    }
    if (swarm->eager && !peer->waiting) {
        say_wrong_message(swarm, peer);
    }
}
const struct role role_wrong_message = {.name = "wrong message",
                                        .goal = GOAL_SIGN_IN,
                                        .period_ms = 10,
                                        .provokes = true,
                                        .heard = hear_pong,
                                        .tick = say_wrong_message};

/* A conversation with a server in the words of the protocol, one message after another.
 *
 * Blocking, over the client that tests of the network layer use: whatever does not come within ten
 * seconds has not come. For the honest side of these tests; what attacks is a swarm (swarm.h).
 */
#ifndef TANDEM_TESTS_SURVIVAL_HOSTILE_TALK_H
#define TANDEM_TESTS_SURVIVAL_HOSTILE_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/message.h"
#include "tests/unit/net/net_client.h"

#define TALK_NAME 64

struct talk {
    struct net_client net;
    struct id client; /* a fresh one for each talk_open() */
    uint64_t number;  /* of the last mutation */
    uint64_t request;
    struct message last; /* what was heard last; borrows from `net` */
};

struct talk_hello {
    const char *method;
    const char *user; /* NULL: none */
    const char *secret;
    const char *new_secret; /* NULL: none */
    bool remember;
};

/* A TCP connection from the local address `from` unless NULL; negative when there is none. */
int talk_connect(const char *address, const char *from);
/* Connects, from the local address `from` unless NULL, up to the point where a hello is expected.
 * False leaves it closed. */
bool talk_open(struct talk *talk, const char *address, const char *authority, const char *from);
void talk_close(struct talk *talk);

bool talk_say(struct talk *talk, const struct message *message);
/* The next message, in talk->last; pings of the connection are passed over. False at its end, or
 * for what is no message. */
bool talk_hear(struct talk *talk);

bool talk_say_hello(struct talk *talk, const struct talk_hello *hello);
/* What was answered: true for a welcome, with the token, if one was asked for, in talk->last.
 * Otherwise `refusal` is the name of the error, "" when the connection just ended. */
bool talk_hear_welcome(struct talk *talk, char refusal[TALK_NAME]);
/* Both. */
bool talk_sign_in(struct talk *talk, const struct talk_hello *hello, char refusal[TALK_NAME]);
/* Sends the list of changes under the next number and waits for its result, passing over what
 * else comes. True when it was accepted; talk->last is the result, if any came. */
bool talk_mutate(struct talk *talk, struct bytes changes);
/* Gives the message (one of those with a request) the next request number, in *request, which is a
 * member of it, sends it, and waits for its answer. True unless it was refused. */
bool talk_ask(struct talk *talk, struct message *message, uint64_t *request);

/* A fresh id, of this machine's clock and randomness. */
struct id talk_id(void);

#endif

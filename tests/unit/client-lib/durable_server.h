/* A server for tests of the outbox: it numbers, remembers its answers and applies each mutation
 * once, as PROTOCOL.md says, and notes the text of every note it was given. The link is
 * client_world's. */
#ifndef TANDEM_TESTS_CLIENT_LIB_DURABLE_SERVER_H
#define TANDEM_TESTS_CLIENT_LIB_DURABLE_SERVER_H

#include "client_world.h"

#define CLIENTS_MOST 4
#define ANSWERS_MOST 512
#define TEXT_MOST 32

struct durable_answer {
    uint64_t hash; /* of what was sent */
    bool forgotten;
    char status[24];
    uint64_t seq;
};

struct durable_client {
    struct id id;
    uint64_t last;
    struct durable_answer answers[ANSWERS_MOST];
};

struct durable_server {
    struct durable_client clients[CLIENTS_MOST];
    size_t client_count;
    struct durable_client *now; /* of this connection */
    struct id user, epoch;
    const char *name;
    uint64_t seq;
    char texts[ANSWERS_MOST][TEXT_MOST]; /* of what was applied, in order */
    size_t text_count;
    const char *refuse; /* answers every new mutation so, once; NULL: applies it */
    bool refuse_always;
    struct buffer conflicts; /* to be told with the refusal */
};

void durable_server_init(struct durable_server *shop);
void durable_server_release(struct durable_server *shop);
/* Answers what the client has sent since. */
void durable_serve(struct durable_server *shop);
/* The client is served and services until nothing more happens. */
void durable_settle(struct world *world, struct durable_server *shop);
/* The connection and all that is in it is gone, without a word. The handle is abandoned. */
void durable_crash(struct world *world);
/* Opens the folder and begins to connect. */
void durable_start(struct world *world);
/* Frames that both have read are done with. */
void durable_forget_frames(void);
/* How often a text was applied. */
unsigned durable_count(const struct durable_server *shop, const char *text);

#endif

/* A server on 127.0.0.1 with fake sessions, its certificates in a temporary folder. */
#ifndef TESTS_NET_FIXTURE_H
#define TESTS_NET_FIXTURE_H

#include <pthread.h>

#include "server/net/server.h"
#include "tests/unit/net/fake_session.h"
#include "tests/unit/net/net_certs.h"
#include "tests/unit/net/net_client.h"

struct net_fixture {
    char folder[64];
    char authority[96], certificate[96], key[96];
    struct test_authority ca;
    struct store *store;
    struct server *server;
    struct server_options options;
    bool healthy;
    pthread_mutex_t log_mutex;
    char last_log[512];
};

/* Makes folder, certificates and store, and fills `options` with what tests want; no server yet. */
void net_fixture_init(struct net_fixture *fixture);
/* Asserts that the server starts. */
void net_fixture_start(struct net_fixture *fixture);
void net_fixture_stop(struct net_fixture *fixture);
void net_fixture_release(struct net_fixture *fixture); /* stops, removes the folder */
/* A path in the folder, in `out`. */
char *net_fixture_path(const struct net_fixture *fixture, const char *name, char out[96]);
/* Whether the last line of the log has this in it. */
bool net_fixture_logged(struct net_fixture *fixture, const char *part);
/* A connected client that believes the fixture's authority; asserts that it worked. */
void net_fixture_connect(struct net_fixture *fixture, struct net_client *client);

#endif

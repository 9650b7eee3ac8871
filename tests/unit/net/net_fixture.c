#include "tests/unit/net/net_fixture.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *net_fixture_path(const struct net_fixture *fixture, const char *name, char out[96])
{
    snprintf(out, 96, "%.60s/%.30s", fixture->folder, name);
    return out;
}

static bool hash(void *self, struct origin origin, const struct hash_request *request)
{
    struct net_fixture *fixture = self;
    if (bytes_is(request->secret, "hbusy"))
        return false;
    struct hash_outcome outcome = {.matched = bytes_is(request->secret, "hright")};
    server_hashed(fixture->server, origin, &outcome);
    return true;
}

static bool healthy(void *self)
{
    const struct net_fixture *fixture = self;
    return fixture->healthy;
}

static void keep_log(void *self, const char *line)
{
    struct net_fixture *fixture = self;
    pthread_mutex_lock(&fixture->log_mutex);
    snprintf(fixture->last_log, sizeof fixture->last_log, "%s", line);
    pthread_mutex_unlock(&fixture->log_mutex);
}

bool net_fixture_logged(struct net_fixture *fixture, const char *part)
{
    pthread_mutex_lock(&fixture->log_mutex);
    bool logged = strstr(fixture->last_log, part) != NULL;
    pthread_mutex_unlock(&fixture->log_mutex);
    return logged;
}

void net_fixture_init(struct net_fixture *fixture)
{
    *fixture = (struct net_fixture){.folder = "/tmp/tandem-net-XXXXXX", .healthy = true,
                                     .log_mutex = PTHREAD_MUTEX_INITIALIZER};
    assert(mkdtemp(fixture->folder));
    net_fixture_path(fixture, "ca.pem", fixture->authority);
    net_fixture_path(fixture, "server.pem", fixture->certificate);
    net_fixture_path(fixture, "server.key", fixture->key);
    fixture->ca = test_authority_make("test authority");
    test_authority_write(&fixture->ca, fixture->authority);
    test_certificate_write(&fixture->ca, "first", 10, fixture->certificate, fixture->key, NULL);
    struct store_options options = {.path = fixture->folder, .map_bytes = 16u << 20,
                                    .create = true, .no_sync = true};
    memset(options.epoch.octet, 7, sizeof options.epoch.octet);
    assert(store_open(&options, &fixture->store, NULL) == STATUS_OK);
    fixture->options = (struct server_options){.listen = "127.0.0.1:0",
                                               .certificate = fixture->certificate,
                                               .key = fixture->key,
                                               .version = "test",
                                               .threads = 2};
}

void net_fixture_start(struct net_fixture *fixture)
{
    struct server_ports ports = {.self = fixture, .store = fixture->store, .hash = hash,
                                 .healthy = healthy, .log = keep_log};
    struct fault fault;
    fault_clear(&fault);
    if (server_start(&fixture->options, &ports, &fixture->server, &fault) != STATUS_OK) {
        fprintf(stderr, "server_start: %s\n", fault.detail);
        abort();
    }
}

void net_fixture_stop(struct net_fixture *fixture)
{
    if (!fixture->server)
        return;
    server_stop(fixture->server, 1000);
    server_free(fixture->server);
    fixture->server = NULL;
    assert(atomic_load(&fake_sessions_alive) == 0);
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

void net_fixture_release(struct net_fixture *fixture)
{
    net_fixture_stop(fixture);
    store_close(fixture->store);
    test_authority_free(&fixture->ca);
    nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void net_fixture_connect(struct net_fixture *fixture, struct net_client *client)
{
    struct net_client_options options = {.authority = fixture->authority};
    assert(net_client_open(client, server_address(fixture->server), &options));
}

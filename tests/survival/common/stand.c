#include "tests/survival/common/stand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/net/net_client.h"

#define MOST_FLAGS 16

bool stand_begin(struct stand *stand)
{
    *stand = (struct stand){.seeded = NULL};
    if (!scratch_make(stand->folder)) {
        return false;
    }
    (void)snprintf(stand->data, sizeof stand->data, "%s/data", stand->folder);
    server_process_adopt(&stand->server, stand->folder);
    return true;
}

bool stand_seed(struct stand *stand, uint64_t seed)
{
    char certs[SCRATCH_PATH + 32], cert[512], key[512], ca[512];
    const struct seed_options options = {.folder = stand->data,
                                         .seed = seed,
                                         .records = 300,
                                         .accounts = 20,
                                         .staff = STAND_STAFF,
                                         .partners = STAND_PARTNERS,
                                         .accounts_a_partner = 8,
                                         .shared_percent = 50};
    (void)snprintf(certs, sizeof certs, "%s/certs", stand->folder);
    stand->seeded = seed_store(&options);
    return stand->seeded != NULL && seed_certificates(certs, cert, key, ca);
}

bool stand_start(struct stand *stand, const char *const *flags)
{
    const char *all[MOST_FLAGS] = {"--message-rate", "100000", "--drain", "1"};
    for (size_t i = 0; flags != NULL && flags[i] != NULL && i + 5 < MOST_FLAGS; i++) {
        all[i + 4] = flags[i];
    }
    return server_process_start(&stand->server, all, 0);
}

bool stand_end(struct stand *stand)
{
    bool good = server_process_stop(&stand->server);
    if (stand->seeded != NULL) {
        seed_free(stand->seeded);
        stand->seeded = NULL;
    }
    scratch_remove(stand->folder);
    stand->folder[0] = '\0';
    return good;
}

int stand_health(const struct stand *stand)
{
    struct net_client client;
    const struct net_client_options options = {.authority = stand->server.ca};
    char head[1024];
    bool open =
        net_client_tcp(&client, stand->server.address, 0) && net_client_tls(&client, &options);
    int status = open ? net_client_request(&client, "GET /healthz", "", head, sizeof head) : 0;
    net_client_close(&client);
    return status;
}

size_t stand_logged(const struct stand *stand, const char *text)
{
    char path[SCRATCH_PATH + 32];
    size_t size = 0, count = 0;
    (void)snprintf(path, sizeof path, "%s/server.log", stand->folder);
    char *log = scratch_read(path, &size);
    for (const char *at = log; at != NULL && (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    free(log);
    return count;
}

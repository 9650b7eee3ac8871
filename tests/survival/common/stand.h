/* Where a survival test takes place: a folder, a store of a small company, a real server on it.
 *
 *     stand_begin()   a folder
 *     stand_seed()    STAND_STAFF people of the staff and two partners, certificates, a store
 *     stand_start()   the server; stopped and started as the test likes through `server`
 *     stand_end()     whatever was reached
 */
#ifndef TANDEM_TESTS_SURVIVAL_STAND_H
#define TANDEM_TESTS_SURVIVAL_STAND_H

#include "tests/seed/seed.h"
#include "tests/support/server_process.h"

#define STAND_STAFF 3
#define STAND_PARTNERS 2

struct stand {
    char folder[SCRATCH_PATH];
    char data[SCRATCH_PATH + 32]; /* the store's folder */
    struct server_process server;
    struct seeded *seeded; /* NULL before stand_seed() */
};

/* All return false after saying why. */
bool stand_begin(struct stand *stand);
bool stand_seed(struct stand *stand, uint64_t seed);
/* With flags that leave fast clients alone, and more (NULL-terminated, or NULL). */
bool stand_start(struct stand *stand, const char *const *flags);
/* Stops the server, true when it ended well, and removes everything. */
bool stand_end(struct stand *stand);

/* The status of an answer to GET /healthz, or 0. */
int stand_health(const struct stand *stand);
/* How often the server's log has this text. */
size_t stand_logged(const struct stand *stand, const char *text);

#endif

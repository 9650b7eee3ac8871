/* Argon2id, away from the event loops: one thread, because each computation takes about 80 ms and
 * 19 MiB, and a queue with an end, because whoever asks faster than that is not a person.
 *
 * Memory 19,456 KiB, 2 passes, 1 lane (OWASP's second choice for Argon2id). A secret that is to be
 * verified against nothing, because the name is unknown, is verified against a dummy of the same
 * cost, so that the time of the answer says nothing.
 */
#ifndef TANDEM_APP_HASH_POOL_H
#define TANDEM_APP_HASH_POOL_H

#include "server/commit/commit.h"
#include "server/core/session/session.h"

struct hash_pool;

struct hash_pool_port {
    void *self;
    /* On the pool's thread, once for each request that was taken. */
    void (*done)(void *self, struct origin origin, const struct hash_outcome *outcome);
};

/* Computes the dummy. NULL when out of memory or randomness. */
struct hash_pool *hash_pool_new(size_t queue, const struct hash_pool_port *port);
enum status hash_pool_start(struct hash_pool *pool);
/* Any thread. False when the queue is full or the pool stopped; nothing was taken then. */
bool hash_pool_submit(struct hash_pool *pool, struct origin origin,
                      const struct hash_request *request);
/* Answers what waits with `busy`, and joins the thread. */
void hash_pool_stop(struct hash_pool *pool);
void hash_pool_free(struct hash_pool *pool); /* stops; NULL is fine */

/* The PHC string of a new password; NO_MEMORY or IO (no randomness). */
enum status hash_password(struct bytes secret, char phc[128]);
bool hash_matches(struct bytes secret, const char *phc);

#endif

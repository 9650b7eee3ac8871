/* A small company for the tests of what is sent: two departments' people, two suppliers with one
 * user each, two accounts. */
#ifndef TANDEM_TESTS_FEED_FIXTURE_H
#define TANDEM_TESTS_FEED_FIXTURE_H

#include "tests/fixture/world.h"

struct fixture {
    struct world *world;
    struct id admin, supplier, other, kari, ola, eva, fred, fjord, hytte;
};

/* Fails the test unless it is OK. */
void must(enum status status);
const char *text(struct fixture *f, struct id id);
struct id make_party(struct fixture *f, const char *name);
struct id make_user(struct fixture *f, const char *name, const char *role, const char *field,
                    struct id party);
struct id make_account(struct fixture *f, const char *name);
struct id make_note(struct fixture *f, struct id account, const char *words, const char *audience);
struct id assign(struct fixture *f, struct id party, struct id account);
int feed_set_up(void **state);
int feed_tear_down(void **state);
/* A client of the user that is connected and caught up. */
struct world_client *watcher(struct fixture *f, struct id user);
/* A part of a record that the client must hold, encoded. */
struct bytes held_part(struct world_client *client, struct id id, const char *key);

#endif

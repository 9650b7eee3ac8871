/* Many clients of one server in one thread, each with a replica of its own: what each is told is
 * written down as the library tells it, and what each holds can be listed.
 *
 * Whether a client has been told everything is known without waiting for silence: a change that
 * everybody sees (the beacon, a product) is made last, and frames come in the order of changes, so
 * whoever has seen the beacon has seen what was before it. Only scopes that have just entered are
 * filled later; their end is told by CAUGHT_UP.
 *
 * Ids are made by the programs under test, and mean nothing to the model. In everything that the
 * crowd writes down an id is replaced by the title of the record as one of the departments' clients
 * has it, and one that they never saw stays as it is.
 */
#ifndef TANDEM_TESTS_REAL_CROWD_H
#define TANDEM_TESTS_REAL_CROWD_H

#include "tandem/tandem.h"
#include "tests/real/model.h"
#include "tests/support/server_process.h"

#define CROWD_MOST 40

struct crowd;

/* Something a client was told, or a record it holds, with ids as they came. */
struct told {
    const char *verb;     /* "changed", ..., or NULL for a record that is held */
    char *entity, *scope; /* entity NULL: `scope` is all there is to say */
    struct text_list tags, fields;
};

struct member {
    struct crowd *crowd;
    struct viewer viewer;
    char user[32], secret[64], new_secret[64];
    char replica[SCRATCH_PATH + 64];
    tandem_client *client; /* NULL while away */
    bool caught_up;        /* at least once since it joined */
    bool filling;          /* a scope entered and is not complete */
    unsigned long beacon;
    struct told *heard; /* since crowd_forget() */
    size_t heard_count, heard_capacity;
    tandem_fault failure; /* what ended its connection for good */
};

struct crowd {
    const struct server_process *server;
    struct member members[CROWD_MOST];
    size_t count;
    /* Titles by id, sorted by id: "ID ENTITY TITLE". */
    struct known {
        char id[TANDEM_ID_TEXT], entity[32];
        char *title;
    } * known;
    size_t known_count, known_capacity;
};

void crowd_release(struct crowd *crowd);
/* A new member, who is away. `secret` is their password; or a one-time code when `new_secret` is
 * not NULL, which is their password once they have joined. */
struct member *crowd_add(struct crowd *crowd, const struct viewer *viewer, const char *secret,
                         const char *new_secret);
/* Connects and subscribes to everything. False after saying why. */
bool crowd_join(struct member *member);
/* Closes the connection and the replica, which stays on the disk. */
void crowd_leave(struct member *member);

/* Runs all clients until everybody who is not away has caught up and seen the beacon at `beacon`
 * or later. False after a minute, or when a connection failed for good, after saying whose. */
bool crowd_settle(struct crowd *crowd, unsigned long beacon);

/* What a member was told since crowd_forget(), as sight_news() writes it. */
void crowd_heard(const struct member *member, struct text_list *out);
void crowd_forget(struct member *member);
/* What the replica holds, as sight_take() writes it. */
void crowd_holds(const struct member *member, struct text_list *out);
/* The id of a record by its name; ends the test when nobody of the departments has seen it. */
const char *crowd_id(const struct crowd *crowd, const char *entity, const char *title);

/* The product that is changed last: its unit is the number of the change. */
#define BEACON "Beacon"

/* Used between crowd.c and crowd_receive.c. */
tandem_event_fn crowd_on_event;

#endif

/* Writers and watchers of one server that is killed again and again.
 *
 * Writers keep mutations in flight all the time and now and then send one again that was answered.
 * When their connection is new they send again what was not answered, and a little of what was.
 * Watchers stream, and each holds what it was told. All of them live as long as the crew: they
 * reconnect after a crash, and watchers go on at their cursors.
 */
#ifndef TANDEM_TESTS_SURVIVAL_CREW_H
#define TANDEM_TESTS_SURVIVAL_CREW_H

#include <sys/types.h>

#include "tests/load/load.h"
#include "tests/survival/common/stand.h"
#include "tests/survival/kill/ledger.h"

#define CREW_WATCHERS 3 /* one of the staff, two partners */

struct writer {
    struct load_client *client;
    bool welcome;
    bool held;            /* was refused something for now, and sends no more */
    uint32_t next;        /* number that is sent next on this connection */
    uint32_t answered;    /* told to the server as answered: never sent again */
    unsigned outstanding; /* sent on this connection and not answered on it */
};

struct watcher {
    struct load_client *client;
    const struct seed_user *user;
    struct sight sight;
    uint64_t cursor;
};

struct crew {
    const struct seeded *seeded;
    struct ledger *ledger;
    struct load_options options; /* with this crew's hooks */
    struct load *load;
    struct writer writers[LEDGER_WRITERS];
    struct watcher watchers[CREW_WATCHERS];
    unsigned text_bytes; /* of each record: 0, until the caller sets more */
    unsigned in_flight;  /* of each writer: 32, likewise */
    bool making_new;     /* writers plan further mutations */
    pid_t victim;        /* killed as soon as `goal` answers have come; 0: nobody */
    size_t goal;
    size_t answers;   /* that have come since the goal was set */
    unsigned refusal; /* status of the last refusal that says "later"; STATUS_OK: none */
    void (*during)(void *context);
    void *during_context;
};

/* Whoever is given stays the caller's. False after saying why; release in any case. */
bool crew_init(struct crew *crew, const struct stand *stand, struct ledger *ledger);
void crew_release(struct crew *crew);

/* Everybody connects, writers write, and after `answers` answers the process is killed; then all
 * that it still said is read. False when it takes too long. */
bool crew_write_until_killed(struct crew *crew, pid_t victim, size_t answers);
enum crew_end { CREW_READ_ONLY, CREW_LEFT, CREW_STUCK };
/* Everybody connects, and writers write until all of them were told that the server is read-only,
 * or the server has left; `during` is called all the time. */
enum crew_end crew_write_until_read_only(struct crew *crew, void (*during)(void *context),
                                         void *context);
/* Reads what a server that has ended still said, until nobody is connected. */
bool crew_read_out(struct crew *crew);
/* Everybody who is away connects, and writers send again, until all that was ever sent is answered.
 */
bool crew_settle(struct crew *crew);
/* Every watcher, and everybody who starts with nothing now, holds exactly what the answers say. */
void crew_compare(struct crew *crew);
/* The writers' records as somebody sees them who starts with nothing, and the server's seq; -1:
 * staff, else that partner. */
bool crew_look(struct crew *crew, const struct seed_user *user, struct sight *sight, uint64_t *seq);

#endif

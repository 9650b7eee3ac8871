/* One client that does one thing at a time: says something, and waits for what comes of it. */
#ifndef TANDEM_TESTS_SURVIVAL_TALK_H
#define TANDEM_TESTS_SURVIVAL_TALK_H

#include "protocol/status.h"
#include "tests/load/load.h"
#include "tests/survival/common/stand.h"

struct talk {
    struct load *load;
    struct load_client *client;
    bool waiting;
    unsigned status;                   /* of the last result, or of what refused the client */
    uint64_t seq;                      /* of the last result */
    uint64_t time;                     /* of the last pong, ms since 1970 */
    uint64_t retry_after;              /* of the last refusal, ms */
    struct buffer answer;              /* the last one */
    unsigned entered, purged, records; /* told since talk_listen() */
};

struct talk_person {
    const char *name, *token;
    const char *source; /* local address, or NULL */
    bool watches;       /* subscribes to everything */
};

/* Signs in and, who watches, catches up. False when refused or closed: then `status` says why, as
 * far as the server did. The clients stay where they are in memory; close in any case. */
bool talk_open(struct talk *talk, const struct stand *stand, const struct talk_person *person);
void talk_close(struct talk *talk);
/* Still connected, as far as has been read. */
bool talk_is_open(const struct talk *talk);

/* Sends a list of changes. Returns the result's status, INTERNAL without one. */
enum status talk_mutate(struct talk *talk, struct bytes changes);
/* Asks the server's time. */
bool talk_ping(struct talk *talk);
/* Fetches a record; a text field of it into `out`, "" when it is not there, and when it was
 * modified (may be NULL). */
bool talk_fetch(struct talk *talk, struct id id, const char *field, char *out, size_t size,
                int64_t *modified_at);
/* Forgets what was told; waits until `done` is true of it. */
void talk_listen(struct talk *talk);
bool talk_hears(struct talk *talk, bool (*done)(const struct talk *talk));

/* Milliseconds of processor time that a process has used. */
uint64_t talk_cpu_ms(pid_t pid);

#endif

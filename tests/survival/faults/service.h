/* A store with its committer, played a history by a client that behaves as the protocol asks: it
 * sends what is not answered again, in order, also after the server was started again.
 *
 *     service_open -> service_play(...) ... -> service_settle -> service_close
 *
 * The committer's time and randomness are those of the command being sent, so that whatever fails
 * in between, the same history leads to the same state.
 */
#ifndef TANDEM_TESTS_SERVICE_H
#define TANDEM_TESTS_SERVICE_H

#include "server/commit/commit.h"
#include "tests/support/scratch.h"
#include "tests/survival/faults/history.h"

struct service {
    char folder[SCRATCH_PATH];
    const struct history *history;
    struct store *store; /* NULL: not running */
    struct committer *committer;
    bool no_sync;
    const struct command *sending;
    size_t answered; /* commands [0, answered) have their answers */
    struct buffer answers[HISTORY_MOST];
    bool gave_up; /* the committer told that it has failed */
};

/* A new store in a folder of its own. */
void service_make(struct service *service, const struct history *history, bool no_sync);
/* False when it cannot be opened now; then nothing is open. */
bool service_open(struct service *service);
void service_close(struct service *service);
/* Closes, removes the folder, forgets the answers. */
void service_remove(struct service *service);

/* Sends unanswered commands, `window` at a time, at most `rounds` times; ends early when all are
 * answered or the committer gives up. What is answered as done counts as acknowledged. */
void service_play(struct service *service, size_t window, unsigned rounds);

/* Opens it when it does not run and plays until all is answered. The answers must be those of
 * `right`, a number sent again must get the answer it got, and the state must be `final`. */
void service_settle(struct service *service, const struct service *right,
                    const struct buffer *final);
/* Makes `right` and plays it the whole history without a fault; `final` is the state then. */
void service_rehearse(struct service *right, const struct history *history, struct buffer *final);
/* The state, without positions in the log. */
void service_dump(struct service *service, struct buffer *out);

#endif

/* What the machine writes before its power goes: mutations that can be told from their number.
 *
 * Mutation N of client C makes an account and a note in it, both with N in their text, and writes
 * N on the client's board, an account that mutation 1 made. So from a store alone one sees which
 * mutations are in it, and whether each is there as a whole.
 */
#ifndef TANDEM_TESTS_SURVIVAL_POWER_WORK_H
#define TANDEM_TESTS_SURVIVAL_POWER_WORK_H

#include "server/commit/commit.h"

enum work_record { WORK_BOARD, WORK_ACCOUNT, WORK_NOTE };

/* The board's number is 0. */
struct id work_id(uint32_t client, uint32_t number, enum work_record which);
struct id work_client(uint32_t client);
/* Text of one field of mutation `number`: name of the account, text of the note, board. */
void work_text(struct buffer *out, uint32_t client, uint32_t number, enum work_record which);
/* The encoded `mutate` message. */
void work_mutation(struct buffer *out, uint32_t client, uint32_t number);

/* A store with its committer, used from one thread; clock and randomness are the machine's own. */
struct workplace {
    struct store *store;
    struct committer *committer;
    struct id admin;
    uint64_t seed;
    enum status failed;
    /* Where answers go: number of a mutation, its status ("ok", ...), its seq. */
    void *context;
    void (*answered)(void *context, uint32_t client, uint32_t number, const char *status,
                     uint64_t seq);
};

/* `status` of store_open; with `create`, makes a store where there is none. On failure nothing is
 * open. */
enum status workplace_open(struct workplace *place, const char *path, bool create, bool no_sync);
void workplace_close(struct workplace *place);
bool workplace_submit(struct workplace *place, uint32_t client, uint32_t number);
/* Runs batches until nothing waits, or the store has failed. */
void workplace_run(struct workplace *place);

#endif

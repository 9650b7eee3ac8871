/* What the log carries: everything that can change the state, with its stamp.
 *
 * A command says who wants what, and carries the time and the randomness it may use, because
 * applying it must give the same outcome on every machine and on every replay.
 */
#ifndef TANDEM_CORE_COMMAND_H
#define TANDEM_CORE_COMMAND_H

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/status.h"

enum command_kind {
    COMMAND_MUTATE = 1,     /* body: an encoded `mutate` message of a client */
    COMMAND_DUE = 2,        /* assignments begin or end, notes settle: what is due at the stamp's time */
    COMMAND_FOUND = 3,      /* a new store: body {name, credential}: departments and administrator */
    COMMAND_CREDENTIAL = 4, /* body {user, kind, value, expires}: password, token, code, certificate */
    COMMAND_PRUNE = 5,      /* body {before}: forget tombstones older than this time */
    COMMAND_FORGET_CLIENT = 6, /* a client said goodbye for good: its answers may go */
    COMMAND_NOTE = 7           /* body: an encoded `note-push` message of a client */
};

#define COMMAND_ENTROPY 32

struct command {
    enum command_kind kind;
    struct id actor;     /* user; zero for the server itself */
    struct id client;    /* device of a client's mutation */
    uint64_t at_ms;      /* the stamp: time, never running backwards within a log */
    uint8_t entropy[COMMAND_ENTROPY]; /* the stamp: randomness */
    struct bytes body;
};

void command_encode(struct buffer *out, const struct command *command);
/* Slices point into `bytes`. CORRUPT when it is not a command. */
enum status command_decode(struct bytes bytes, struct command *out);

#endif

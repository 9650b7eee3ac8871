/* The kinds of attack, and the process that makes them.
 *
 * Attacks are made by a process of its own, so that its memory, descriptors and bad luck are not
 * those of the honest client that measures. The two share a page: whoever measures writes which
 * attack it wants, and reads what has been done so far.
 */
#ifndef TANDEM_TESTS_SURVIVAL_HOSTILE_ATTACK_H
#define TANDEM_TESTS_SURVIVAL_HOSTILE_ATTACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/survival/hostile/honest.h"

enum attack_kind {
    ATTACK_HALF_OPEN,    /* TCP only; TLS begun; an upgrade dribbled */
    ATTACK_SILENT,       /* TLS done, upgraded, or signed in, and then nothing */
    ATTACK_SLOW_READERS, /* asking and subscribed, and not reading */
    ATTACK_SLOW_WRITERS, /* a frame byte by byte */
    ATTACK_PINGS,        /* of WebSocket and of the protocol */
    ATTACK_HANDSHAKES,   /* mutated: TLS, upgrade, hello */
    ATTACK_FRAMES,       /* mutated: frames, messages, values */
    ATTACK_ALL,          /* all of these at once, as the others from 200 addresses */
    ATTACK_ALL_FROM_50,  /* the same from fewer */
    ATTACK_ALL_FROM_HERE, /* and from the honest client's own address alone */
    ATTACK_KINDS
};
#define ATTACK_NONE ATTACK_KINDS

const char *attack_name(enum attack_kind kind);

/* How strong: connections at a time, and how many are begun a second. */
struct attack_scale {
    uint32_t half_open, silent, slow, flooders, mutators;
    uint32_t connects; /* a second, of each role */
    uint32_t
        mutator_connects; /* of those who send mutated inputs: each is a TLS handshake's work */
    int niceness;         /* of the process: where answers are timed, nobody is to wait for it */
    bool eager;           /* mutated frames follow one another at once */
    int newest_tls;       /* at most this version; 0: any */
};
extern const struct attack_scale attack_scale_long, attack_scale_short, attack_scale_flood;

struct attack_board {
    _Atomic int wanted;  /* an attack_kind, ATTACK_NONE, or -1: end */
    _Atomic int running; /* what is being done; ATTACK_NONE: everybody has left */
    _Atomic bool complete;
    _Atomic uint64_t connects, handshakes, lost, requests, frames, unanswered;
    _Atomic uint32_t open;
};

struct attack {
    pid_t pid;
    struct attack_board *board;
};

/* Starts the process, pinned to `cpu` unless negative. False after saying why. */
bool attack_start(struct attack *attack, const struct server_process *server,
                  const struct company *company, const struct attack_scale *scale, uint64_t seed,
                  int cpu);
/* Begins a kind of attack (ATTACK_NONE: everybody leaves) and waits until it is going on in full
 * strength, or for `limit_ms`. The honest client works meanwhile: a server ends the connection of
 * one who is silent for long. False, after saying why, when it got no answer, the process has
 * ended, or the time is over. */
bool attack_begin(struct attack *attack, enum attack_kind kind, struct honest *honest,
                  unsigned limit_ms);
/* Ends the process. True when it ended by itself and well. */
bool attack_end(struct attack *attack);

#endif

/* The agents of a concurrent trace, who type at the same time. */
#ifndef TANDEM_TESTS_REPLAY_REPLAY_AGENTS_H
#define TANDEM_TESTS_REPLAY_REPLAY_AGENTS_H

#include "tests/replay/crew.h"
#include "tests/replay/history.h"

struct replay {
    const struct trace *trace;
    const struct history *history;
    struct crew *crew;
    uint32_t *typed;                  /* by character: who typed it, and behind which meeting */
    uint32_t made[TRACE_AGENTS_MOST]; /* edits of each agent */
    uint32_t met[TRACE_AGENTS_MOST];  /* those of the last meeting, which everybody has */
    uint32_t meetings;
};

/* False without memory. */
bool agents_begin(struct replay *replay);
void agents_end(struct replay *replay);
/* Edit number `number`, by its agent's client, who is told first what its author had. */
bool agents_type(struct replay *replay, size_t number);
/* Until all have everything; then every character in every text is known by its number. */
bool agents_meet(struct replay *replay);
/* After a meeting: all that live are there, and nothing else, with the right letters. */
bool agents_complete(struct replay *replay);

#endif

/* A company's history with every kind of command and change in it, as the commands of its log:
 * what the sweeps over rules, store and committer play. Some of them are refused. */
#ifndef TANDEM_TESTS_HISTORY_H
#define TANDEM_TESTS_HISTORY_H

#include "server/core/command.h"
#include "server/core/state.h"

#define HISTORY_MOST 96u

struct history {
    struct command commands[HISTORY_MOST]; /* their bodies lie in `log` */
    size_t count;
    struct buffer log;
    struct id faithful; /* a user who sends the most, and is still there in the end */
    bool one_moment;    /* played without time passing: stamps never run back, also when a command
                           is sent again behind later ones */
};

void history_make(struct history *history);
/* One client's mutations, each of which stands on the one before: when several are under way and
 * one fails, those behind it are refused for the gap in their numbers. */
void history_make_line(struct history *history);
void history_release(struct history *history);

/* Everything a state tells of itself through its port, in one order: equal states give equal
 * bytes. Without the position in the log when `positions` is false: that moves with every batch. */
void history_dump(const struct state *state, bool positions, struct buffer *out);

#endif

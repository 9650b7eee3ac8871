/* (state, command) -> (state', effects): the one function through which anything changes.
 *
 * It asks no clock and no source of randomness. A mutation is planned completely in memory,
 * each change judged by the gate and checked against the schema, the references and the field
 * seqs; only when all of it stands is anything written. A refused mutation writes just its
 * answer, so that a client repeating its number hears the same again.
 */
#ifndef TANDEM_CORE_APPLY_H
#define TANDEM_CORE_APPLY_H

#include "server/core/command.h"
#include "server/core/state.h"

/* Whom a change concerns, gathered over a batch: which lanes moved, whose access changed. */
struct touched_lane {
    struct scope scope;
    struct tag tag;
};

struct effects {
    uint64_t seq;            /* head after the command */
    struct buffer answer;    /* encoded message for the one who asked; empty when none is owed */
    struct touched_lane *lanes;
    size_t lane_count, lane_capacity;
    struct id *subjects;     /* subjects of the access table whose rows changed */
    size_t subject_count, subject_capacity;
    struct id *users;        /* users whose principal changed (disabled, other party, other role) */
    size_t user_count, user_capacity;
    struct id *notes;        /* live notes that have a new version, or whose record changed */
    size_t note_count, note_capacity;
    uint64_t work;           /* units (server/core/work.h), of refused commands as well */
    bool failed;             /* out of memory while gathering */
};

void effects_release(struct effects *effects);
void effects_clear(struct effects *effects); /* keeps the memory */
/* Adds what is not there yet, as far as that is soon found out. */
void effects_touch_lane(struct effects *effects, struct scope scope, struct tag tag);
void effects_touch_subject(struct effects *effects, struct id subject);
void effects_touch_user(struct effects *effects, struct id user);
void effects_touch_note(struct effects *effects, struct id note);

/* Applies one command. Refusals are answers, not errors: the status returned is OK unless the
 * store failed (IO, CORRUPT, NO_MEMORY, ...), and then the caller must abandon the transaction.
 * `effects` is added to, except `answer`, which is replaced. */
enum status apply_command(const struct state *state, const struct command *command,
                          struct effects *effects);

/* Time of the first due entry, UINT64_MAX when there is none. */
enum status apply_next_due(const struct state *state, uint64_t *at_ms);

#endif

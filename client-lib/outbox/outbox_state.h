/* The states of an entry of the outbox, and the moves between them.
 *
 *     WAITING --numbered, sent--> SENT --ok--> ACCEPTED --the replica shows it--> GONE
 *      |   ^                       |  |
 *      |   +-- not remembered, ----+  +-- conflict --> CONFLICT --settled, dropped--> GONE
 *      |       held behind another    +-- refused  --> REFUSED  --retried, dropped--> GONE
 *      |                                                  ^
 *      +-- another history of the server: CONFLICT        |
 *      +-- dropped: GONE
 *
 * What is settled or retried is a new entry: an entry never comes back out of quarantine. */
#ifndef TANDEM_CLIENT_LIB_OUTBOX_STATE_H
#define TANDEM_CLIENT_LIB_OUTBOX_STATE_H

#include "protocol/status.h"
#include "tandem/tandem.h"

/* Deleted; behind the states that are stored. */
#define OUTBOX_GONE TANDEM_ENTRY_STATES

/* Whether an entry may move; `from` is a state, `to` one or OUTBOX_GONE. */
bool outbox_state_may(int from, int to);

/* Whether the server took note of a mutation that it answered so. The number of one that it did not
 * is still free, and everything behind it is refused for the gap. */
bool outbox_state_remembered(enum status status);

/* The state of a SENT entry with this answer: WAITING when the server did not take note of it. */
tandem_entry_state outbox_state_answered(enum status status);

#endif

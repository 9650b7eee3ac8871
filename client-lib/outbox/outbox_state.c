#include "client-lib/outbox/outbox_state.h"

/* Rows: from; columns: to. */
static const bool allowed[TANDEM_ENTRY_STATES][TANDEM_ENTRY_STATES + 1] = {
    [TANDEM_ENTRY_WAITING] = {[TANDEM_ENTRY_WAITING] = true,
                              [TANDEM_ENTRY_SENT] = true,
                              [TANDEM_ENTRY_CONFLICT] = true,
                              [OUTBOX_GONE] = true},
    [TANDEM_ENTRY_SENT] = {[TANDEM_ENTRY_WAITING] = true,
                           [TANDEM_ENTRY_SENT] = true,
                           [TANDEM_ENTRY_ACCEPTED] = true,
                           [TANDEM_ENTRY_CONFLICT] = true,
                           [TANDEM_ENTRY_REFUSED] = true},
    [TANDEM_ENTRY_ACCEPTED] = {[TANDEM_ENTRY_ACCEPTED] = true, [OUTBOX_GONE] = true},
    [TANDEM_ENTRY_CONFLICT] = {[TANDEM_ENTRY_CONFLICT] = true, [OUTBOX_GONE] = true},
    [TANDEM_ENTRY_REFUSED] = {[TANDEM_ENTRY_CONFLICT] = true,
                              [TANDEM_ENTRY_REFUSED] = true,
                              [OUTBOX_GONE] = true},
};

bool outbox_state_may(int from, int to)
{
    return from >= 0 && from < TANDEM_ENTRY_STATES && to >= 0 && to <= OUTBOX_GONE &&
           allowed[from][to];
}

bool outbox_state_remembered(enum status status)
{
    return !status_retry(status) && status != STATUS_NUMBER_GAP;
}

tandem_entry_state outbox_state_answered(enum status status)
{
    if (status == STATUS_OK)
        return TANDEM_ENTRY_ACCEPTED;
    if (status == STATUS_CONFLICT)
        return TANDEM_ENTRY_CONFLICT;
    return outbox_state_remembered(status) ? TANDEM_ENTRY_REFUSED : TANDEM_ENTRY_WAITING;
}

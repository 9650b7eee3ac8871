/* Hearing of what other processes of the folder did to the outbox.
 *
 * What each entry is about, and how it stands, is remembered as of the last look. When another
 * process has written, the file is looked at again, and what differs is told: of records that look
 * different from now on CHANGED or REMOVED, of entries SETTLED, CONFLICT, REFUSED or DROPPED. What
 * this handle did itself it has told when it did it; the store notes that, and it is passed over.
 *
 * So nobody has to say what it did to the outbox, nothing is lost with a process that is killed, and
 * nothing is told when nothing differs. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_ENTRIES_H
#define TANDEM_CLIENT_LIB_CLIENT_ENTRIES_H

#include "client-lib/outbox/outbox_store.h"

/* Zeroed storage is ready. */
struct known_entries {
    struct buffer traces;  /* struct outbox_trace each, as of the last look */
    struct buffer dropped; /* orders that another process said it is about to give up */
    bool unknown;          /* it could not be read: what differs cannot be told */
};

void client_entries_release(struct known_entries *entries);

/* From here on differences are told. */
void client_entries_begin(tandem_client *client);
/* This handle has committed: what it did is not to be remembered one by one for ever. */
void client_entries_committed(tandem_client *client);
/* Another process is about to give this entry up. */
void client_entries_expect_drop(tandem_client *client, uint64_t order);
/* Another process has written: tells what differs. */
void client_entries_look(tandem_client *client);

#endif

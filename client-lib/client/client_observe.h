/* Telling the program and its observers of records: what the server changed, and what waits.
 *
 * An observer of a query remembers which records met it, since nothing but that says that one has
 * left: what a record was before a change is not known when the change is told. Whoever is called
 * may end its own or another's observing; those are freed when nobody is being told any more. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_OBSERVE_H
#define TANDEM_CLIENT_LIB_CLIENT_OBSERVE_H

#include "client-lib/base/record.h"

/* Of one record as it is now, event->record, or that it is gone: REMOVED, with a record as it was
 * or none. */
void observers_tell(tandem_client *client, struct id id, const tandem_event *event);
/* Of what happened to many records at once. `scope` is that of PURGED and ENTERED. */
void observers_tell_many(tandem_client *client, const struct scope *scope,
                         const tandem_event *event);
void observers_release(tandem_client *client);

#endif

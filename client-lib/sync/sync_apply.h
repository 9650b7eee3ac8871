/* Applying one data message to the replica, inside a transaction. Internal to sync. */
#ifndef TANDEM_CLIENT_LIB_SYNC_APPLY_H
#define TANDEM_CLIENT_LIB_SYNC_APPLY_H

#include "client-lib/sync/sync.h"

/* MALFORMED for contents of the wrong shape, the replica's error otherwise; notes the events. */
enum status sync_apply_changes(struct sync *sync, const struct msg_changes *changes);
enum status sync_apply_backfill(struct sync *sync, const struct msg_backfill *backfill);
/* Of a preferred scope, before their turn: nothing is noted of it. */
enum status sync_apply_ahead(struct sync *sync, const struct msg_backfill *backfill);

#endif

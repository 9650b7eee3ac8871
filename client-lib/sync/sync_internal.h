/* What the files of sync share. No other file includes it. */
#ifndef TANDEM_CLIENT_LIB_SYNC_INTERNAL_H
#define TANDEM_CLIENT_LIB_SYNC_INTERNAL_H

#include "client-lib/sync/sync.h"

/* ---- sync.c ---- */

/* Runs `apply` in a transaction; notes are forgotten when it fails. */
enum status sync_transact(struct sync *sync, const void *argument,
                          enum status (*apply)(struct sync *, const void *));
/* As sync_losing_fn tells. */
enum status sync_losing(struct sync *sync, const struct sync_event *event);
/* Counts a data message that was applied, acknowledges, and tells what came of it. */
enum status sync_applied(struct sync *sync);

/* ---- sync_wish.c ---- */

void sync_wish_release(struct sync_wish *wish);
bool sync_wants(const struct sync *sync, struct scope scope);
/* Empties the replica in one transaction, and notes RESET for the reason. */
enum status sync_start_over(struct sync *sync, struct id epoch, const char *reason);
/* A cursor at 0 belongs to no epoch yet: it takes the server's. */
enum status sync_adopt_epoch(struct sync *sync);
/* Purges what is held and not wanted: dropped, and what was left when a process died over that. */
enum status sync_drop_unwanted(struct sync *sync);

/* ---- sync_subscribe.c ---- */

/* Subscribes on a connection that has not been subscribed on yet. */
enum status sync_begin(struct sync *sync);
enum status sync_subscribe(struct sync *sync);
/* Ends the subscription and begins it anew behind a fence. */
enum status sync_resubscribe(struct sync *sync);

/* ---- sync_progress.c ---- */

void sync_progress_changes(struct sync *sync, const struct msg_changes *changes);
void sync_progress_backfill(struct sync *sync, const struct msg_backfill *backfill);
/* Caught up: tells that everything has come when progress was told, and begins anew. */
void sync_progress_end(struct sync *sync);

/* ---- sync_check.c ---- */

enum status sync_on_sums(struct sync *sync, const struct msg_sums *sums);
/* Asks for what is still to be checked, when it can be. */
enum status sync_check_on(struct sync *sync);
/* The subscription is over: what was asked is not answered. */
void sync_check_interrupt(struct sync *sync);
void sync_check_forget(struct sync *sync);
/* Within a transaction: the scope is purged, and is not named by where to go on checking either. */
enum status sync_check_leave(struct sync *sync, struct scope scope);

#endif

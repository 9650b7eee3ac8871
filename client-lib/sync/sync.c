#include "client-lib/sync/sync.h"

#include <string.h>

#include "client-lib/sync/sync_apply.h"
#include "client-lib/sync/sync_internal.h"
#include "client-lib/sync/sync_note.h"
#include "client-lib/sync/sync_settle.h"
#include "protocol/memory.h"

void sync_init(struct sync *sync, const struct sync_store *store, struct replica *replica,
               const struct sync_port *port)
{
    memset(sync, 0, sizeof *sync);
    sync->store = store;
    sync->replica = replica;
    sync_settle_init(sync, port);
}

void sync_release(struct sync *sync)
{
    sync_settle_release(sync);
    sync_check_forget(sync);
    sync_wish_release(&sync->wish);
    memory_free(sync->notes);
    buffer_release(&sync->removed);
}

const struct sync_store *sync_store_replica(void)
{
    static const struct sync_store store = {
        .begin = replica_begin,
        .commit = replica_commit,
        .abort = replica_abort,
        .purge = replica_purge,
        .put_backfill = replica_put_backfill,
        .drop_backfill = replica_drop_backfill,
        .put = replica_put,
        .remove = replica_remove,
        .held_seq = replica_held_seq,
        .set_cursor = replica_set_cursor,
        .empty = replica_empty,
        .cursor = replica_cursor,
        .epoch = replica_epoch,
        .subscription = replica_subscription,
        .next_backfill = replica_next_backfill,
        .find_backfill = replica_find_backfill,
        .next_scope = replica_next_scope,
        .clear = replica_clear,
        .set_subscription = replica_set_subscription,
        .set_mark = replica_set_mark,
        .mark = replica_mark,
        .each_in = replica_each_in,
        .remains = replica_remains,
        .scrub_bytes = replica_scrub_bytes,
        .scrub = replica_scrub,
        .leave = replica_leave,
    };
    return &store;
}

void sync_clock(struct sync *sync, uint64_t now_ms)
{
    sync->now_ms = now_ms;
}

/* ---- Messages ---- */

static enum status acknowledge(struct sync *sync, bool all)
{
    struct message message = {.type = MESSAGE_ACK};
    uint64_t behind = sync->applied - sync->acknowledged;
    if (behind == 0 || (!all && behind < sync->acknowledge_every))
        return STATUS_OK;
    message.as.ack.frames = sync->applied;
    sync->acknowledged = sync->applied;
    return sync->port.send(sync->port.context, &message);
}

void sync_on_losing(struct sync *sync, sync_losing_fn *losing)
{
    sync->losing = losing;
}

enum status sync_losing(struct sync *sync, const struct sync_event *event)
{
    return sync->losing != NULL ? sync->losing(sync->settling.port.context, event) : STATUS_OK;
}

/* Whatever the transaction is to take away. */
static enum status tell_losses(struct sync *sync)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sync->note_count && status == STATUS_OK; i++)
        if (sync->notes[i].event.kind == TANDEM_EVENT_PURGED)
            status = sync_losing(sync, &sync->notes[i].event);
    return status;
}

enum status sync_transact(struct sync *sync, const void *argument,
                          enum status (*apply)(struct sync *, const void *))
{
    enum status status = sync->store->begin(sync->replica);
    if (status != STATUS_OK)
        return status;
    status = apply(sync, argument);
    if (status == STATUS_OK)
        status = tell_losses(sync);
    if (status == STATUS_OK)
        status = sync->store->commit(sync->replica);
    else
        sync->store->abort(sync->replica);
    if (status != STATUS_OK)
        sync_notes_clear(sync);
    return status;
}

/* The acknowledgement goes first: a callback may change the subscription, and then it would speak
 * of the wrong one. */
enum status sync_applied(struct sync *sync)
{
    sync->mismatches = 0;
    sync->applied++;
    enum status status = acknowledge(sync, false);
    sync_notes_tell(sync);
    return status;
}

static enum status mismatch(struct sync *sync)
{
    if (++sync->mismatches > SYNC_MISMATCHES)
        return STATUS_UNEXPECTED;
    return sync_resubscribe(sync);
}

static enum status apply_changes(struct sync *sync, const void *changes)
{
    return sync_apply_changes(sync, changes);
}

static enum status on_changes(struct sync *sync, const struct msg_changes *changes)
{
    if (changes->from != sync->store->cursor(sync->replica))
        return mismatch(sync);
    if (changes->to < changes->from)
        return STATUS_MALFORMED;
    enum status status = sync_transact(sync, changes, apply_changes);
    if (status != STATUS_OK)
        return status;
    /* The backfills of what entered here come first, and caught-up again after them. */
    if (changes->entered.size > 0)
        sync->caught_up = false;
    const uint64_t fence = sync->fence;
    if (sync->caught_up && !changes->more) {
        struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_CAUGHT_UP, changes->to);
        if (note == NULL) {
            sync_notes_tell(sync);
            return STATUS_NO_MEMORY;
        }
    }
    status = sync_applied(sync);
    if (status != STATUS_OK || sync->state != SYNC_LIVE || sync->fence != fence)
        return status;
    sync_progress_changes(sync, changes);
    if (!sync->caught_up || changes->more)
        return status;
    sync_progress_end(sync);
    return sync_check_on(sync);
}

static enum status apply_backfill(struct sync *sync, const void *backfill)
{
    return sync_apply_backfill(sync, backfill);
}

static enum status apply_ahead(struct sync *sync, const void *backfill)
{
    return sync_apply_ahead(sync, backfill);
}

/* Records of a preferred scope before their turn: `changes` will repeat them. With the cursor at 0
 * nothing could take them back, and no server that follows the protocol sends them then. */
static enum status on_ahead(struct sync *sync, const struct msg_backfill *backfill)
{
    if (sync->store->cursor(sync->replica) == 0 || !sync_wants(sync, backfill->scope))
        return STATUS_UNEXPECTED;
    enum status status = sync_transact(sync, backfill, apply_ahead);
    return status == STATUS_OK ? sync_applied(sync) : status;
}

static enum status on_backfill(struct sync *sync, const struct msg_backfill *backfill)
{
    struct replica_backfill noted;
    if (backfill->to < backfill->from || backfill->to > backfill->until)
        return STATUS_MALFORMED;
    if (backfill->ahead)
        return on_ahead(sync, backfill);
    enum status status = sync->store->find_backfill(sync->replica, backfill->scope, &noted);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && noted.until != backfill->until))
        return sync_applied(sync); /* of a scope that was purged since: nothing of it may be kept */
    if (status != STATUS_OK)
        return status;
    if (backfill->from > noted.from)
        return mismatch(sync);
    status = sync_transact(sync, backfill, apply_backfill);
    if (status != STATUS_OK)
        return status;
    const uint64_t fence = sync->fence;
    status = sync_applied(sync);
    if (status == STATUS_OK && sync->state == SYNC_LIVE && sync->fence == fence)
        sync_progress_backfill(sync, backfill);
    return status;
}

/* What is still noted is of scopes that are not open: the server would have sent it. When one opens
 * it enters, and is noted again. */
static enum status drop_backfills(struct sync *sync, const void *unused)
{
    struct replica_backfill backfill;
    struct scope last;
    const struct scope *after = NULL;
    enum status status;
    (void)unused;
    while ((status = sync->store->next_backfill(sync->replica, after, &backfill)) == STATUS_OK) {
        status = sync->store->drop_backfill(sync->replica, backfill.scope);
        if (status != STATUS_OK)
            return status;
        last = backfill.scope;
        after = &last;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status settle_backfills(struct sync *sync)
{
    struct replica_backfill backfill;
    enum status status = sync->store->next_backfill(sync->replica, NULL, &backfill);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    return sync_transact(sync, NULL, drop_backfills);
}

static enum status on_caught_up(struct sync *sync, const struct message *message)
{
    struct sync_event event = {.kind = TANDEM_EVENT_CAUGHT_UP, .detail = ""};
    event.seq = message->as.caught_up.seq;
    enum status status = settle_backfills(sync);
    if (status == STATUS_OK)
        status = acknowledge(sync, true);
    if (status != STATUS_OK)
        return status;
    sync->caught_up = true;
    sync->preferred_count = 0;
    const uint64_t fence = sync->fence;
    sync_progress_end(sync);
    sync->port.event(sync->port.context, &event);
    return sync->state == SYNC_LIVE && sync->fence == fence ? sync_check_on(sync) : STATUS_OK;
}

static enum status on_reset(struct sync *sync, const struct message *message)
{
    char reason[33];
    sync->server_epoch = message->as.reset.epoch;
    sync_check_interrupt(sync);
    enum status status =
        sync_start_over(sync, message->as.reset.epoch,
                        bytes_to_text(message->as.reset.reason, reason, sizeof reason));
    if (status == STATUS_OK)
        status = sync_subscribe(sync);
    sync_notes_tell(sync);
    return status;
}

static enum status take_message(struct sync *sync, const struct message *message)
{
    if (sync->state == SYNC_FENCED)
        return STATUS_OK;
    if (sync->state == SYNC_IDLE)
        return STATUS_UNEXPECTED;
    sync->heard_ms = sync->now_ms;
    switch (message->type) {
    case MESSAGE_CHANGES:
        return on_changes(sync, &message->as.changes);
    case MESSAGE_BACKFILL:
        return on_backfill(sync, &message->as.backfill);
    case MESSAGE_CAUGHT_UP:
        return on_caught_up(sync, message);
    case MESSAGE_SUMS:
        return sync_on_sums(sync, &message->as.sums);
    case MESSAGE_RESET:
        return on_reset(sync, message);
    default:
        return STATUS_UNEXPECTED;
    }
}

/* What is held cannot be read where it is to be changed, and the server would send the same change
 * each time: the replica is emptied, for which nothing need be read, and filled again. */
static enum status replace_damaged(struct sync *sync)
{
    enum status status = sync_start_over(sync, sync->server_epoch, "damaged");
    if (status == STATUS_OK)
        status = sync_resubscribe(sync);
    sync_notes_tell(sync);
    return status;
}

enum status sync_message(struct sync *sync, const struct message *message)
{
    enum status status = take_message(sync, message);
    if (status == STATUS_CORRUPT && sync->state == SYNC_LIVE)
        status = replace_damaged(sync);
    return status == STATUS_OK ? sync_settle(sync) : status;
}

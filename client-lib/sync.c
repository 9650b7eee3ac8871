#include "client-lib/sync.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/sync_apply.h"
#include "client-lib/sync_note.h"
#include "protocol/memory.h"

void sync_init(struct sync *sync, const struct sync_store *store, struct replica *replica,
               const struct sync_port *port)
{
    memset(sync, 0, sizeof *sync);
    sync->store = store;
    sync->replica = replica;
    sync->port = *port;
}

void sync_release(struct sync *sync)
{
    memory_free(sync->notes);
    buffer_release(&sync->removed);
    buffer_release(&sync->scopes);
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
    };
    return &store;
}

/* ---- What is wanted ---- */

static int compare_scopes(const void *a, const void *b)
{
    return memcmp(a, b, SCOPE_SIZE);
}

/* The scopes sorted and each once, so that the same wish has the same bytes. */
static enum status scope_list(const struct scope *scopes, size_t count, struct buffer *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = buffer_extend(out, SCOPE_SIZE);
        if (at == NULL)
            return STATUS_NO_MEMORY;
        scope_put(scopes[i], at);
    }
    if (count == 0)
        return STATUS_OK;
    qsort(out->data, count, SCOPE_SIZE, compare_scopes);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *scope = out->data + i * SCOPE_SIZE;
        if (kept > 0 && memcmp(scope, out->data + (kept - 1) * SCOPE_SIZE, SCOPE_SIZE) == 0)
            continue;
        memmove(out->data + kept * SCOPE_SIZE, scope, SCOPE_SIZE);
        kept++;
    }
    out->size = kept * SCOPE_SIZE;
    return STATUS_OK;
}

/* What the replica remembers of its subscription: "all", or "scopes" and their bytes. */
static enum status fingerprint(bool all, const struct buffer *scopes, struct buffer *out)
{
    const char *name = all ? "all" : "scopes";
    buffer_append(out, name, strlen(name));
    if (scopes->size > 0)
        buffer_append(out, scopes->data, scopes->size);
    return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* Empties the replica in one transaction, telling of each scope that was held and then why. */
static enum status start_over(struct sync *sync, struct id epoch, struct bytes subscription,
                              const char *reason)
{
    const struct sync_store *store = sync->store;
    struct scope scope;
    const struct scope *after = NULL;
    struct scope last;
    enum status status;
    while ((status = store->next_scope(sync->replica, after, &scope)) == STATUS_OK) {
        struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_PURGED, 0);
        if (note == NULL)
            return STATUS_NO_MEMORY;
        note->event.scope = scope;
        last = scope;
        after = &last;
    }
    if (status != STATUS_NOT_FOUND)
        return status;
    struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_RESET, 0);
    if (note == NULL)
        return STATUS_NO_MEMORY;
    note->event.detail = reason;
    status = store->begin(sync->replica);
    if (status != STATUS_OK)
        return status;
    status = store->empty(sync->replica, epoch, subscription);
    if (status != STATUS_OK) {
        store->abort(sync->replica);
        return status;
    }
    return store->commit(sync->replica);
}

static enum status empty_replica(struct sync *sync, struct id epoch, const char *reason)
{
    struct buffer name = {0};
    enum status status = fingerprint(sync->all, &sync->scopes, &name);
    if (status == STATUS_OK)
        status = start_over(sync, epoch, buffer_bytes(&name), reason);
    buffer_release(&name);
    if (status != STATUS_OK)
        sync_notes_clear(sync);
    return status;
}

/* ---- Subscribing ---- */

static enum status put_scopes(const struct sync *sync, struct buffer *out)
{
    size_t count = sync->scopes.size / SCOPE_SIZE;
    wire_put_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        wire_put_bin(out, bytes_of(sync->scopes.data + i * SCOPE_SIZE, SCOPE_SIZE));
    return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* The backfills under way, as `resume` names them; `count` tells how many. */
static enum status put_resume(const struct sync *sync, struct buffer *out, uint32_t *count)
{
    struct replica_backfill backfill;
    struct scope last;
    const struct scope *after = NULL;
    size_t begin = wire_begin_array(out);
    enum status status;
    *count = 0;
    while ((status = sync->store->next_backfill(sync->replica, after, &backfill)) == STATUS_OK) {
        uint8_t scope[SCOPE_SIZE];
        scope_put(backfill.scope, scope);
        wire_put_map(out, 3);
        wire_put_text(out, "scope");
        wire_put_bin(out, bytes_of(scope, sizeof scope));
        wire_put_text(out, "from");
        wire_put_uint(out, backfill.from);
        wire_put_text(out, "until");
        wire_put_uint(out, backfill.until);
        last = backfill.scope;
        after = &last;
        (*count)++;
    }
    if (status != STATUS_NOT_FOUND)
        return status;
    if (out->failed)
        return STATUS_NO_MEMORY;
    wire_end(out, begin, *count);
    return STATUS_OK;
}

/* The most that a subscribe message has room for; a replica that waits for more begins anew. */
#define RESUME_BYTES 262144u

static enum status subscribe(struct sync *sync)
{
    struct message message = {.type = MESSAGE_SUBSCRIBE};
    struct buffer scopes = {0}, resume = {0};
    uint32_t count = 0;
    enum status status = put_resume(sync, &resume, &count);
    if (status == STATUS_OK && resume.size > RESUME_BYTES) {
        count = 0;
        status = empty_replica(sync, sync->server_epoch, "backfills");
    }
    uint64_t cursor = sync->store->cursor(sync->replica);
    message.as.subscribe.cursor = cursor;
    message.as.subscribe.epoch =
        cursor != 0 ? sync->store->epoch(sync->replica) : sync->server_epoch;
    if (status == STATUS_OK && !sync->all) {
        status = put_scopes(sync, &scopes);
        message.as.subscribe.scopes = buffer_bytes(&scopes);
        message_mark(&message, "scopes");
    }
    if (status == STATUS_OK && count > 0) {
        message.as.subscribe.resume = buffer_bytes(&resume);
        message_mark(&message, "resume");
    }
    if (status == STATUS_OK)
        status = sync->port.send(sync->port.context, &message);
    sync->applied = sync->acknowledged = 0;
    sync->caught_up = false;
    sync->state = SYNC_LIVE;
    buffer_release(&scopes);
    buffer_release(&resume);
    return status;
}

/* Ends the subscription and begins it anew behind a fence. */
static enum status resubscribe(struct sync *sync)
{
    struct message stop = {.type = MESSAGE_UNSUBSCRIBE};
    struct message fence = {.type = MESSAGE_PING};
    fence.as.ping.request = SYNC_FENCE_BIT | ++sync->fence;
    message_mark(&fence, "request");
    sync->state = SYNC_FENCED;
    enum status status = sync->port.send(sync->port.context, &stop);
    if (status == STATUS_OK)
        status = sync->port.send(sync->port.context, &fence);
    return status;
}

/* A cursor at 0 belongs to no epoch yet: it takes the server's. */
static enum status adopt_epoch(struct sync *sync)
{
    struct buffer name = {0};
    if (sync->store->cursor(sync->replica) != 0 ||
        id_equal(sync->store->epoch(sync->replica), sync->server_epoch))
        return STATUS_OK;
    enum status status = fingerprint(sync->all, &sync->scopes, &name);
    if (status == STATUS_OK)
        status = sync->store->begin(sync->replica);
    if (status == STATUS_OK) {
        status = sync->store->empty(sync->replica, sync->server_epoch, buffer_bytes(&name));
        if (status == STATUS_OK)
            status = sync->store->commit(sync->replica);
        else
            sync->store->abort(sync->replica);
    }
    buffer_release(&name);
    return status;
}

/* Subscribes on a connection that has not been subscribed on yet. */
static enum status begin(struct sync *sync)
{
    sync->mismatches = 0;
    enum status status = adopt_epoch(sync);
    if (status == STATUS_OK)
        status = subscribe(sync);
    sync_notes_tell(sync);
    return status;
}

enum status sync_want(struct sync *sync, const struct scope *scopes, size_t count)
{
    struct buffer list = {0}, held = {0}, wanted = {0};
    if (count > LIMIT_SCOPES)
        return STATUS_LIMIT;
    enum status status = scope_list(scopes, count, &list);
    if (status == STATUS_OK)
        status = fingerprint(count == 0, &list, &wanted);
    if (status == STATUS_OK)
        status = sync->store->subscription(sync->replica, &held);
    bool same = bytes_equal(buffer_bytes(&held), buffer_bytes(&wanted));
    if (status == STATUS_OK && !same)
        status = start_over(sync, sync->server_epoch, buffer_bytes(&wanted), "subscription");
    /* A replica that never was subscribed has nothing to lose, and nothing to tell of. */
    if (status != STATUS_OK || held.size == 0)
        sync_notes_clear(sync);
    if (status == STATUS_OK) {
        struct buffer old = sync->scopes;
        sync->scopes = list;
        list = old;
        sync->all = count == 0;
        bool again = !sync->wanted || !same;
        sync->wanted = true;
        if (sync->state == SYNC_LIVE && again)
            status = resubscribe(sync);
        else if (sync->state == SYNC_IDLE && !id_is_zero(sync->server_epoch))
            status = begin(sync);
        sync_notes_tell(sync);
    }
    buffer_release(&list);
    buffer_release(&held);
    buffer_release(&wanted);
    return status;
}

enum status sync_start(struct sync *sync, struct id epoch, uint64_t window)
{
    if (window == 0)
        window = SYNC_DEFAULT_WINDOW;
    sync->acknowledge_every = window < 2 ? 1 : window / 2;
    sync->server_epoch = epoch;
    return sync->wanted ? begin(sync) : STATUS_OK;
}

void sync_stop(struct sync *sync)
{
    sync->state = SYNC_IDLE;
    sync->server_epoch = (struct id){{0}};
}

bool sync_pong(struct sync *sync, uint64_t request, enum status *status)
{
    if ((request & SYNC_FENCE_BIT) == 0)
        return false;
    *status = STATUS_OK;
    if (sync->state == SYNC_FENCED && request == (SYNC_FENCE_BIT | sync->fence)) {
        *status = adopt_epoch(sync);
        if (*status == STATUS_OK)
            *status = subscribe(sync);
        sync_notes_tell(sync);
    }
    return true;
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

/* Runs `apply` in a transaction. */
static enum status transact(struct sync *sync, const struct message *message,
                            enum status (*apply)(struct sync *, const struct message *))
{
    enum status status = sync->store->begin(sync->replica);
    if (status != STATUS_OK)
        return status;
    status = apply(sync, message);
    if (status == STATUS_OK)
        status = sync->store->commit(sync->replica);
    else
        sync->store->abort(sync->replica);
    if (status != STATUS_OK)
        sync_notes_clear(sync);
    return status;
}

/* Counts a data message that was applied, and tells what came of it. The acknowledgement goes
 * first: a callback may change the subscription, and then it would speak of the wrong one. */
static enum status applied(struct sync *sync)
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
    return resubscribe(sync);
}

static enum status on_changes(struct sync *sync, const struct message *message)
{
    if (message->as.changes.from != sync->store->cursor(sync->replica))
        return mismatch(sync);
    if (message->as.changes.to < message->as.changes.from)
        return STATUS_MALFORMED;
    enum status status = transact(sync, message, sync_apply_changes);
    if (status != STATUS_OK)
        return status;
    /* The backfills of what entered here come first, and caught-up again after them. */
    if (message->as.changes.entered.size > 0)
        sync->caught_up = false;
    if (sync->caught_up && !message->as.changes.more) {
        struct sync_note *note =
            sync_note_add(sync, TANDEM_EVENT_CAUGHT_UP, message->as.changes.to);
        if (note == NULL) {
            sync_notes_tell(sync);
            return STATUS_NO_MEMORY;
        }
    }
    return applied(sync);
}

static enum status on_backfill(struct sync *sync, const struct message *message)
{
    const struct msg_backfill *backfill = &message->as.backfill;
    struct replica_backfill noted;
    if (backfill->to < backfill->from || backfill->to > backfill->until)
        return STATUS_MALFORMED;
    enum status status = sync->store->find_backfill(sync->replica, backfill->scope, &noted);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && noted.until != backfill->until))
        return applied(sync); /* of a scope that was purged since: nothing of it may be kept */
    if (status != STATUS_OK)
        return status;
    if (backfill->from > noted.from)
        return mismatch(sync);
    status = transact(sync, message, sync_apply_backfill);
    return status == STATUS_OK ? applied(sync) : status;
}

static enum status on_caught_up(struct sync *sync, const struct message *message)
{
    struct sync_event event = {.kind = TANDEM_EVENT_CAUGHT_UP, .detail = ""};
    event.seq = message->as.caught_up.seq;
    sync->caught_up = true;
    enum status status = acknowledge(sync, true);
    if (status == STATUS_OK)
        sync->port.event(sync->port.context, &event);
    return status;
}

static enum status on_reset(struct sync *sync, const struct message *message)
{
    char reason[33];
    sync->server_epoch = message->as.reset.epoch;
    enum status status =
        empty_replica(sync, message->as.reset.epoch,
                      bytes_to_text(message->as.reset.reason, reason, sizeof reason));
    if (status == STATUS_OK)
        status = subscribe(sync);
    sync_notes_tell(sync);
    return status;
}

enum status sync_message(struct sync *sync, const struct message *message)
{
    if (sync->state == SYNC_FENCED)
        return STATUS_OK;
    if (sync->state == SYNC_IDLE)
        return STATUS_UNEXPECTED;
    switch (message->type) {
    case MESSAGE_CHANGES:
        return on_changes(sync, message);
    case MESSAGE_BACKFILL:
        return on_backfill(sync, message);
    case MESSAGE_CAUGHT_UP:
        return on_caught_up(sync, message);
    case MESSAGE_RESET:
        return on_reset(sync, message);
    default:
        return STATUS_UNEXPECTED;
    }
}

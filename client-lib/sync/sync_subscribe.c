/* Subscribing, and doing so again behind a fence. */
#include "client-lib/sync/sync_internal.h"

#include <string.h>

#include "client-lib/sync/sync_note.h"
#include "client-lib/sync/sync_settle.h"
#include "protocol/wire.h"

/* The most that a subscribe message has room for; a replica that waits for more begins anew. */
#define RESUME_BYTES 262144u

static void put_scope(struct buffer *out, struct scope scope)
{
    uint8_t octets[SCOPE_SIZE];
    scope_put(scope, octets);
    wire_put_bin(out, bytes_of(octets, sizeof octets));
}

static enum status put_scopes(const struct sync *sync, struct buffer *out)
{
    const struct buffer *scopes = &sync->wish.scopes;
    wire_put_array(out, (uint32_t)(scopes->size / SCOPE_SIZE));
    for (size_t at = 0; at < scopes->size; at += SCOPE_SIZE)
        wire_put_bin(out, bytes_of(scopes->data + at, SCOPE_SIZE));
    return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* The backfills under way, as `resume` names them; `count` tells how many. */
static enum status put_resume(const struct sync *sync, struct buffer *out, uint32_t *count)
{
    struct replica_backfill backfill;
    struct scope last;
    const struct scope *after = NULL;
    size_t begin = wire_begin_array(out);
    enum status status = STATUS_OK;
    *count = 0;
    /* More than there is room for is not gathered: the replica may hold any number. */
    while (out->size <= RESUME_BYTES &&
           (status = sync->store->next_backfill(sync->replica, after, &backfill)) == STATUS_OK) {
        wire_put_map(out, 3);
        wire_put_text(out, "scope");
        put_scope(out, backfill.scope);
        wire_put_text(out, "from");
        wire_put_uint(out, backfill.from);
        wire_put_text(out, "until");
        wire_put_uint(out, backfill.until);
        last = backfill.scope;
        after = &last;
        (*count)++;
    }
    if (status != STATUS_NOT_FOUND && status != STATUS_OK)
        return status;
    if (out->failed)
        return STATUS_NO_MEMORY;
    wire_end(out, begin, *count);
    return STATUS_OK;
}

/* ---- What comes first ---- */

/* An older server does not know the message, and the library loses nothing but the order. */
static enum status send_preferred(struct sync *sync)
{
    struct message message = {.type = MESSAGE_PREFER};
    struct buffer scopes = {0};
    size_t count = sync->preferred_count;
    if (sync->prefer_offered == 0 || count == 0)
        return STATUS_OK;
    if (count > sync->prefer_offered)
        count = (size_t)sync->prefer_offered;
    wire_put_array(&scopes, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        put_scope(&scopes, sync->preferred[i]);
    message.as.prefer.scopes = buffer_bytes(&scopes);
    enum status status =
        scopes.failed ? STATUS_NO_MEMORY : sync->port.send(sync->port.context, &message);
    buffer_release(&scopes);
    return status;
}

enum status sync_prefer(struct sync *sync, struct scope scope)
{
    size_t at = 0;
    if (sync->state == SYNC_LIVE && sync->caught_up)
        return STATUS_OK; /* it is whole */
    while (at < sync->preferred_count && !scope_equal(sync->preferred[at], scope))
        at++;
    if (at == sync->preferred_count && sync->preferred_count < LIMIT_PREFER)
        sync->preferred_count++;
    if (at == LIMIT_PREFER)
        at--;
    memmove(sync->preferred + 1, sync->preferred, at * sizeof *sync->preferred);
    sync->preferred[0] = scope;
    return sync->state == SYNC_LIVE ? send_preferred(sync) : STATUS_OK;
}

/* ---- Subscribing ---- */

static enum status send_subscribe(struct sync *sync, struct bytes scopes, struct bytes resume)
{
    struct message message = {.type = MESSAGE_SUBSCRIBE};
    struct msg_subscribe *subscribe = &message.as.subscribe;
    uint64_t cursor = sync->store->cursor(sync->replica);
    subscribe->cursor = cursor;
    subscribe->epoch = cursor != 0 ? sync->store->epoch(sync->replica) : sync->server_epoch;
    subscribe->scopes = scopes;
    subscribe->resume = resume;
    subscribe->entities = buffer_bytes(&sync->wish.entities);
    if (scopes.size > 0)
        message_mark(&message, "scopes");
    if (resume.size > 0)
        message_mark(&message, "resume");
    if (subscribe->entities.size > 0)
        message_mark(&message, "entities");
    return sync->port.send(sync->port.context, &message);
}

enum status sync_subscribe(struct sync *sync)
{
    struct buffer scopes = {0}, resume = {0};
    uint32_t count = 0;
    enum status status = put_resume(sync, &resume, &count);
    if (status == STATUS_OK && resume.size > RESUME_BYTES) {
        count = 0;
        status = sync_start_over(sync, sync->server_epoch, "backfills");
    }
    if (status == STATUS_OK && !sync->wish.all)
        status = put_scopes(sync, &scopes);
    if (status == STATUS_OK)
        status = send_preferred(sync);
    if (status == STATUS_OK)
        status = send_subscribe(sync, buffer_bytes(&scopes),
                                count > 0 ? buffer_bytes(&resume) : (struct bytes){0});
    sync->applied = sync->acknowledged = 0;
    sync->caught_up = false;
    sync->state = SYNC_LIVE;
    sync->progress = (struct sync_progress){0};
    buffer_release(&scopes);
    buffer_release(&resume);
    return status;
}

enum status sync_resubscribe(struct sync *sync)
{
    struct message stop = {.type = MESSAGE_UNSUBSCRIBE};
    struct message fence = {.type = MESSAGE_PING};
    fence.as.ping.request = SYNC_FENCE_BIT | ++sync->fence;
    message_mark(&fence, "request");
    sync->state = SYNC_FENCED;
    sync->caught_up = false;
    sync_check_interrupt(sync);
    enum status status = sync->port.send(sync->port.context, &stop);
    if (status == STATUS_OK)
        status = sync->port.send(sync->port.context, &fence);
    return status;
}

enum status sync_begin(struct sync *sync)
{
    sync->mismatches = 0;
    enum status status = sync_settle(sync);
    if (status == STATUS_OK)
        status = sync_adopt_epoch(sync);
    if (status == STATUS_OK)
        status = sync_drop_unwanted(sync);
    if (status == STATUS_OK)
        status = sync_subscribe(sync);
    sync_notes_tell(sync);
    return status;
}

void sync_offered(struct sync *sync, struct bytes limits)
{
    uint64_t check = 0;
    sync->prefer_offered = 0;
    (void)wire_map_uint(limits, "prefer", &sync->prefer_offered);
    (void)wire_map_uint(limits, "check", &check);
    sync->check.offered = check < LIMIT_CHECK ? check : LIMIT_CHECK;
}

enum status sync_start(struct sync *sync, struct id epoch, uint64_t window)
{
    if (window == 0)
        window = SYNC_DEFAULT_WINDOW;
    sync->acknowledge_every = window < 2 ? 1 : window / 2;
    sync->server_epoch = epoch;
    return sync->wanted ? sync_begin(sync) : STATUS_OK;
}

void sync_stop(struct sync *sync)
{
    sync->state = SYNC_IDLE;
    sync->caught_up = false;
    sync->server_epoch = (struct id){{0}};
    sync->prefer_offered = 0;
    sync_settle_stop(sync);
    sync_check_forget(sync);
}

bool sync_pong(struct sync *sync, uint64_t request, enum status *status)
{
    if ((request & SYNC_FENCE_BIT) == 0)
        return false;
    *status = STATUS_OK;
    if (sync->state == SYNC_FENCED && request == (SYNC_FENCE_BIT | sync->fence)) {
        *status = sync_adopt_epoch(sync);
        if (*status == STATUS_OK)
            *status = sync_subscribe(sync);
        sync_notes_tell(sync);
    }
    return true;
}

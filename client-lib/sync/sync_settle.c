#include "client-lib/sync/sync_settle.h"

#include <string.h>

#include "client-lib/sync/sync_internal.h"
#include "protocol/memory.h"

/* Bytes of the file that are scrubbed at a time: a few tens of milliseconds. */
#define SLICE_BYTES ((size_t)64 << 20)
/* Up to so many bytes are scrubbed each time that it is idle, more of them once in a while. */
#define SMALL_BYTES ((uint64_t)16 << 20)
#define WHILE_MS 60000u
/* How soon to look again whether a reader in another process is done: at first, and at last, when
 * it seems to be stopped; and after a failure. */
#define BUSY_MS 10u
#define BUSY_MOST_MS 1000u
#define FAILED_MS 1000u
#define SLICES_MOST 100000

struct sync_held {
    struct sync_event event;
    uint8_t *bytes; /* what its record and detail point into */
};

static enum replica_remains remains(const struct sync *sync)
{
    return sync->store->remains != NULL ? sync->store->remains(sync->replica) : REPLICA_CLEAN;
}

static bool is_quiet(const struct sync *sync)
{
    const struct sync_settling *settling = &sync->settling;
    return settling->held_count == 0 && !settling->lost && !settling->ack_held;
}

/* ---- What waits ---- */

static enum status hold(struct sync *sync, const struct sync_event *event)
{
    struct sync_settling *settling = &sync->settling;
    size_t record = event->record.size, detail = strlen(event->detail);
    void *grown = memory_grow(settling->held, settling->held_count, &settling->held_capacity,
                              sizeof *settling->held);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    settling->held = grown;
    uint8_t *bytes = memory_new(record + detail + 1);
    if (bytes == NULL)
        return STATUS_NO_MEMORY;
    if (record > 0)
        memcpy(bytes, event->record.data, record);
    memcpy(bytes + record, event->detail, detail);
    struct sync_held *held = &settling->held[settling->held_count++];
    *held = (struct sync_held){.event = *event, .bytes = bytes};
    if (event->record.data != NULL)
        held->event.record.data = bytes;
    held->event.detail = (const char *)bytes + record;
    return STATUS_OK;
}

static bool prepared(struct sync *sync, const struct sync_event *event)
{
    const struct sync_settling *settling = &sync->settling;
    return settling->prepare == NULL || settling->prepare(settling->port.context, event);
}

static enum status send_held(struct sync *sync)
{
    struct sync_settling *settling = &sync->settling;
    struct message message = {.type = MESSAGE_ACK};
    if (!settling->ack_held)
        return STATUS_OK;
    settling->ack_held = false;
    message.as.ack.frames = settling->ack_frames;
    return settling->port.send(settling->port.context, &message);
}

/* Somebody still reads. */
static uint64_t next_pause(struct sync_settling *settling)
{
    uint64_t pause = settling->pause_ms == 0 ? BUSY_MS : 2 * settling->pause_ms;
    settling->pause_ms = pause < BUSY_MOST_MS ? pause : BUSY_MOST_MS;
    return settling->pause_ms;
}

/* Tells of what waits, as long as nothing new is in the way. A callback may add to it. */
static enum status release_held(struct sync *sync)
{
    struct sync_settling *settling = &sync->settling;
    enum status status = send_held(sync);
    if (settling->telling)
        return status;
    settling->telling = true;
    size_t told = 0;
    if (settling->lost) {
        const struct sync_event event = {
            .kind = TANDEM_EVENT_RELOAD, .seq = sync->store->cursor(sync->replica), .detail = ""};
        if (!prepared(sync, &event)) {
            settling->telling = false;
            settling->due_ms = sync->now_ms + next_pause(settling);
            return status;
        }
        settling->lost = false;
        settling->port.event(settling->port.context, &event);
    }
    while (told < settling->held_count && remains(sync) != REPLICA_PURGED &&
           prepared(sync, &settling->held[told].event)) {
        struct sync_held held = settling->held[told++];
        settling->port.event(settling->port.context, &held.event);
        memory_free(held.bytes);
    }
    settling->held_count -= told;
    if (told > 0)
        memmove(settling->held, settling->held + told,
                settling->held_count * sizeof *settling->held);
    settling->telling = false;
    if (told > 0)
        settling->pause_ms = 0;
    settling->due_ms = sync->now_ms;
    if (settling->held_count > 0 && remains(sync) != REPLICA_PURGED)
        settling->due_ms += next_pause(settling);
    return status;
}

/* ---- Scrubbing ---- */

/* An empty replica has taken the place of one that could not be scrubbed: it is filled again. */
static enum status begin_again(struct sync *sync)
{
    const struct sync_event event = {.kind = TANDEM_EVENT_RESET, .detail = "damaged"};
    enum status status = hold(sync, &event);
    if (status == STATUS_OK && sync->state == SYNC_LIVE)
        status = sync_resubscribe(sync);
    return status;
}

static enum status scrub_slice(struct sync *sync, bool *done)
{
    struct sync_settling *settling = &sync->settling;
    enum status status = sync->store->scrub(sync->replica, SLICE_BYTES, done);
    settling->due_ms = sync->now_ms;
    if (status == STATUS_OK)
        settling->pause_ms = 0;
    else
        settling->due_ms += status == STATUS_BUSY ? next_pause(settling) : FAILED_MS;
    if (*done)
        settling->rested_ms = sync->now_ms;
    if (status == STATUS_BUSY)
        return STATUS_OK;
    return status == STATUS_CORRUPT ? begin_again(sync) : status;
}

/* Whether it can be told now; what takes little is scrubbed for that. */
static bool settle_at_once(struct sync *sync)
{
    bool done = false;
    if (!is_quiet(sync) || sync->settling.telling)
        return false;
    if (remains(sync) != REPLICA_PURGED)
        return true;
    sync->settling.due_ms = sync->now_ms;
    if (sync->store->scrub_bytes(sync->replica) > SLICE_BYTES)
        return false;
    enum status status = scrub_slice(sync, &done);
    if (status != STATUS_OK)
        sync->settling.failure = status;
    return status == STATUS_OK && done && is_quiet(sync);
}

/* ---- Before the port ---- */

static void on_event(void *context, const struct sync_event *event)
{
    struct sync *sync = context;
    struct sync_settling *settling = &sync->settling;
    if (settle_at_once(sync) && prepared(sync, event)) {
        settling->port.event(settling->port.context, event);
        return;
    }
    if (hold(sync, event) != STATUS_OK) {
        settling->lost = true;
        settling->failure = STATUS_NO_MEMORY;
    }
}

static enum status on_send(void *context, const struct message *message)
{
    struct sync *sync = context;
    struct sync_settling *settling = &sync->settling;
    if (message->type == MESSAGE_SUBSCRIBE)
        settling->ack_held = false; /* it spoke of the one before */
    if (message->type != MESSAGE_ACK || settle_at_once(sync))
        return settling->port.send(settling->port.context, message);
    settling->ack_held = true;
    settling->ack_frames = message->as.ack.frames;
    return STATUS_OK;
}

void sync_settle_init(struct sync *sync, const struct sync_port *port)
{
    sync->settling = (struct sync_settling){.port = *port};
    sync->port = (struct sync_port){sync, on_send, on_event};
}

void sync_settle_prepare(struct sync *sync, sync_prepare_fn *prepare)
{
    sync->settling.prepare = prepare;
}

void sync_settle_release(struct sync *sync)
{
    struct sync_settling *settling = &sync->settling;
    for (size_t i = 0; i < settling->held_count; i++)
        memory_free(settling->held[i].bytes);
    memory_free(settling->held);
    settling->held = NULL;
    settling->held_count = settling->held_capacity = 0;
}

void sync_settle_stop(struct sync *sync)
{
    sync->settling.ack_held = false;
    sync->settling.due_ms = 0; /* the next connection is another try */
}

/* ---- In time ---- */

/* When removed and replaced records are to be scrubbed. */
static uint64_t rest_due(const struct sync *sync)
{
    uint64_t idle = sync->heard_ms + SYNC_IDLE_MS;
    uint64_t rested = sync->settling.rested_ms + WHILE_MS;
    if (remains(sync) != REPLICA_STALE)
        return UINT64_MAX;
    if (sync->store->scrub_bytes(sync->replica) <= SMALL_BYTES || rested < idle)
        return idle;
    return rested;
}

uint64_t sync_settle_due(const struct sync *sync)
{
    const struct sync_settling *settling = &sync->settling;
    if (settling->failure != STATUS_OK)
        return sync->now_ms;
    if (!is_quiet(sync) || remains(sync) == REPLICA_PURGED)
        return settling->due_ms;
    uint64_t due = rest_due(sync);
    return due == UINT64_MAX || due > settling->due_ms ? due : settling->due_ms;
}

enum status sync_settle(struct sync *sync)
{
    struct sync_settling *settling = &sync->settling;
    enum status status = settling->failure;
    bool done = remains(sync) == REPLICA_CLEAN;
    settling->failure = STATUS_OK;
    if (status != STATUS_OK || sync_settle_due(sync) > sync->now_ms)
        return status;
    if (!done)
        status = scrub_slice(sync, &done);
    if (status == STATUS_OK && !is_quiet(sync) && remains(sync) != REPLICA_PURGED)
        status = release_held(sync);
    return status;
}

void sync_settle_close(struct sync *sync)
{
    enum status status = STATUS_OK;
    bool done = remains(sync) == REPLICA_CLEAN;
    for (int i = 0; i < SLICES_MOST && status == STATUS_OK && !done; i++)
        status = sync->store->scrub(sync->replica, SLICE_BYTES, &done);
    if (done && sync->store->leave != NULL)
        sync->store->leave(sync->replica);
}

/* The world as the sessions of the stage see it through their port, and what their queues of
 * commands and hashes come to. */
#include "tests/fuzz/stage.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/feed/feed_cache.h"
#include "server/core/presence/presence.h"
#include "server/core/session/session_note.h"

static enum status read_begin(void *self, struct state *out)
{
    struct stage *stage = self;
    stage->snapshots++;
    *out = world_state(stage->world);
    return STATUS_OK;
}

static void read_end(void *self)
{
    struct stage *stage = self;
    MUST(stage->snapshots > 0);
    stage->snapshots--;
}

static bool submit(void *self, struct session *session, uint64_t ticket,
                   const struct command *command)
{
    struct stage *stage = self;
    struct slot *slot = session_owner(session);
    if (stage->queue_full || stage->queued == STAGE_QUEUE)
        return false;
    struct waiting *waiting = &stage->queue[stage->queued++];
    *waiting = (struct waiting){
        .command = *command, .slot = slot, .connection = slot->connection, .ticket = ticket};
    buffer_append(&waiting->body, command->body.data, command->body.size);
    return true;
}

static bool hash(void *self, struct session *session, const struct hash_request *request)
{
    struct stage *stage = self;
    struct slot *slot = session_owner(session);
    MUST(!slot->hashing);
    if (stage->hasher_full)
        return false;
    slot->hashing = true;
    slot->hash_what = request->what == HASH_CREATE ? HASHING_CREATE : HASHING_VERIFY;
    return true;
}

static bool sign_in_allowed(void *self, struct session *session, struct bytes name,
                            uint64_t *wait_ms)
{
    struct stage *stage = self;
    (void)session;
    MUST(name.size <= 64);
    *wait_ms = stage->guesses_spent ? 1000 : 0;
    stage->attempts += !stage->guesses_spent;
    return !stage->guesses_spent;
}

static void sign_in_forgiven(void *self, struct session *session, struct bytes name)
{
    struct stage *stage = self;
    (void)session, (void)name;
    MUST(stage->attempts > 0);
    stage->attempts--;
}

/* No digest, but texts whose first 32 bytes differ, differ in it. */
static void digest(void *self, struct bytes bytes, uint8_t out[32])
{
    (void)self;
    memset(out, 0, 32);
    if (bytes.size > 0)
        memcpy(out, bytes.data, bytes.size < 32 ? bytes.size : 32);
}

static void fill_random(void *self, void *out, size_t size)
{
    world_fill_random(((struct stage *)self)->world, out, size);
}

static uint64_t now_ms(void *self)
{
    return ((struct stage *)self)->world->now_ms;
}

static uint64_t uptime_ms(void *self)
{
    return ((struct stage *)self)->uptime_ms;
}

static void describe(void *self, bool staff, struct buffer *out)
{
    (void)self;
    wire_put_map(out, 1);
    wire_put_text(out, "connections");
    wire_put_uint(out, staff ? 3 : 0);
}

static void wake(void *self, struct session *session)
{
    (void)self, (void)session;
}

static void close_session(void *self, struct session *session, enum close_code code)
{
    struct slot *slot = session_owner(session);
    (void)self;
    MUST(slot->closed == 0);
    slot->closed = code;
}

void stage_wake(void *context, struct session *session)
{
    struct slot *slot = session_owner(session);
    (void)context;
    slot->woken = true;
}

static struct presence *presence_begin(void *self)
{
    return ((struct stage *)self)->world->presence;
}

static void presence_end(void *self)
{
    (void)self;
}

void stage_connect(struct stage *stage, struct slot *slot, bool certificate)
{
    static const uint8_t fingerprint[32] = {0xce};
    const struct session_limits limits = {10000, 60000, 50};
    const struct session_port port = {.self = stage,
                                      .read_begin = read_begin,
                                      .read_end = read_end,
                                      .submit = submit,
                                      .hash = hash,
                                      .sign_in_allowed = sign_in_allowed,
                                      .sign_in_forgiven = sign_in_forgiven,
                                      .digest = digest,
                                      .random = fill_random,
                                      .now_ms = now_ms,
                                      .uptime_ms = uptime_ms,
                                      .describe = describe,
                                      .wake = wake,
                                      .close = close_session,
                                      .presence_begin = presence_begin,
                                      .presence_end = presence_end};
    stage_disconnect(stage, slot);
    slot->session = session_new(&port, &limits, stage->world->interest, stage->world->cache,
                                bytes_of(fingerprint, certificate ? sizeof fingerprint : 0));
    MUST(slot->session != NULL);
    session_set_owner(slot->session, slot);
    slot->closed = 0;
    slot->silent = slot->welcomed = slot->outsider = slot->hashing = slot->woken = false;
}

void stage_disconnect(struct stage *stage, struct slot *slot)
{
    feed_cache_clear(stage->world->cache);
    session_free(slot->session);
    slot->session = NULL;
    slot->connection++;
}

/* Makes the n-th read of the call that follows fail, once it was asked for. */
static void arm(struct stage *stage)
{
    memory_state_fail(stage->world->memory, stage->fail_in, STATUS_IO);
    stage->fail_in = 0;
}

static void disarm(struct stage *stage)
{
    memory_state_fail(stage->world->memory, 0, STATUS_OK);
    MUST(stage->snapshots == 0);
}

void stage_say(struct stage *stage, struct slot *slot, struct bytes message)
{
    if (slot->session == NULL || slot->closed != 0 ||
        (!stage->eager && !session_wants_read(slot->session)) ||
        stage_contains(message, bytes_text(STAGE_MARKER)))
        return;
    uint8_t *copy = malloc(message.size + 1); /* exact, so that a read beyond it is seen */
    MUST(copy != NULL);
    if (message.size > 0)
        memcpy(copy, message.data, message.size);
    arm(stage);
    session_received(slot->session, bytes_of(copy, message.size));
    disarm(stage);
    free(copy);
    stage_check(stage, slot);
}

static void mark(void *context, struct session *session, enum interest_reason reason, uint32_t lane)
{
    (void)context;
    session_mark(session, reason, lane);
}

static void tell(struct stage *stage, struct effects *effects)
{
    struct state state = world_state(stage->world);
    struct meta meta;
    MUST(state.ops->meta(state.self, &meta) == STATUS_OK);
    effects->seq = meta.seq;
    struct notice *notice = notice_new(effects);
    MUST(notice != NULL);
    presence_touched(stage->world->presence, notice);
    interest_tell(stage->world->interest, notice, mark, NULL);
    notice_drop(notice);
}

static void answer(struct stage *stage, const struct waiting *waiting, enum status status,
                   struct bytes bytes)
{
    struct slot *slot = waiting->slot;
    if (slot->session == NULL || slot->connection != waiting->connection)
        return;
    arm(stage);
    session_answered(slot->session, waiting->ticket, status, bytes);
    disarm(stage);
    stage_check(stage, slot);
}

/* What staff may change includes what outsiders see; and who names a hidden record in a mutation
 * that is taken gets back what they said. */
static void watch_the_line(struct stage *stage, const struct waiting *waiting)
{
    const struct slot *partner = &stage->slots[SLOT_PARTNER];
    if (waiting->command.kind == COMMAND_MUTATE && !id_equal(waiting->command.actor, partner->user))
        stage->line_moved = true;
    for (size_t i = 0; i < stage->hidden_count; i++)
        if (stage_contains(buffer_bytes(&waiting->body), bytes_of(&stage->hidden[i], ID_SIZE)))
            stage->id_named = true;
}

void stage_commit(struct stage *stage, enum status failure, bool tell_first)
{
    if (stage->queued == 0)
        return;
    struct waiting waiting = stage->queue[0];
    struct effects effects = {0};
    struct state state = world_state(stage->world);
    memmove(stage->queue, stage->queue + 1, --stage->queued * sizeof *stage->queue);
    waiting.command.body = buffer_bytes(&waiting.body);
    waiting.command.at_ms = ++stage->world->now_ms;
    world_fill_random(stage->world, waiting.command.entropy, sizeof waiting.command.entropy);
    watch_the_line(stage, &waiting);
    if (failure == STATUS_OK) {
        MUST(apply_command(&state, &waiting.command, &effects) == STATUS_OK && !effects.failed);
        if (tell_first)
            tell(stage, &effects);
        answer(stage, &waiting, STATUS_OK, buffer_bytes(&effects.answer));
        if (!tell_first)
            tell(stage, &effects);
    } else {
        answer(stage, &waiting, failure, bytes_of(NULL, 0));
    }
    effects_release(&effects);
    buffer_release(&waiting.body);
}

void stage_hashed(struct stage *stage, struct slot *slot, unsigned outcome)
{
    struct hash_outcome told = {.matched = outcome % 4 == 1, .busy = outcome % 4 == 2};
    if (slot->session == NULL || !slot->hashing)
        return;
    if (slot->hash_what == HASHING_CREATE && outcome % 4 == 1)
        snprintf(told.phc, sizeof told.phc, "$argon2id$%s", slot->token);
    slot->hashing = false;
    arm(stage);
    session_hashed(slot->session, &told);
    disarm(stage);
    stage_check(stage, slot);
}

void stage_pass_time(struct stage *stage, uint64_t ms)
{
    stage->uptime_ms += ms;
    world_pass_time(stage->world, ms);
    world_run_due(stage->world);
    world_deliver(stage->world, WORLD_MAX_NOTICES);
    for (size_t i = 0; i < STAGE_SLOTS; i++) {
        struct slot *slot = &stage->slots[i];
        if (slot->session == NULL)
            continue;
        arm(stage);
        session_tick(slot->session, stage->uptime_ms);
        disarm(stage);
        stage_check(stage, slot);
    }
}

void stage_stop(struct stage *stage, struct slot *slot)
{
    if (slot->session == NULL)
        return;
    session_stop(slot->session);
    stage_check(stage, slot);
}

/* ---- What comes of it ------------------------------------------------------------------------ */

bool stage_contains(struct bytes whole, struct bytes part)
{
    return whole.size >= part.size && memmem(whole.data, whole.size, part.data, part.size) != NULL;
}

static uint32_t commands_of(const struct stage *stage, const struct slot *slot)
{
    uint32_t count = 0;
    for (size_t i = 0; i < stage->queued; i++)
        count += stage->queue[i].slot == slot && stage->queue[i].connection == slot->connection;
    return count;
}

static size_t replies_of(const struct session *session)
{
    size_t bytes = 0;
    for (const struct reply *reply = session->first_reply; reply != NULL; reply = reply->next)
        bytes += reply->frame->size;
    return bytes;
}

static uint32_t notes_due_of(const struct session *session)
{
    uint32_t count = 0;
    for (size_t i = 0; session->notes != NULL && i < LIMIT_NOTES_OPEN; i++) {
        MUST(session->notes->slots[i].open || !session->notes->slots[i].due);
        count += session->notes->slots[i].due;
    }
    return count;
}

/* Entries are what makes one version of the other, and none is empty. */
static void look_at_entries(struct bytes entries)
{
    struct wire_reader reader = wire_read(entries);
    struct change_set set = {0};
    struct bytes by, changes;
    struct id client;
    uint64_t at_ms;
    uint32_t count = 0, parts;
    MUST(wire_get_array(&reader, &count) && count > 0);
    while (count-- > 0) {
        MUST(wire_get_array(&reader, &parts) && parts == 4 && wire_get_id(&reader, &client) &&
             wire_get_str(&reader, &by) && wire_get_uint(&reader, &at_ms) &&
             wire_skip(&reader, &changes));
        MUST(by.size > 0 && change_set_read(changes, &set, NULL) == STATUS_OK);
        MUST(!change_set_is_empty(&set));
    }
    change_set_release(&set);
}

void stage_check(struct stage *stage, const struct slot *slot)
{
    const struct session *session = slot->session;
    MUST(session->held.size - session->held_from <= SESSION_HELD_BYTES + LIMIT_MESSAGE_BYTES);
    MUST(session->reply_bytes <= SESSION_REPLY_BYTES + 2 * LIMIT_MESSAGE_BYTES);
    MUST(session->reply_bytes == replies_of(session));
    MUST(session->pending_count <= SESSION_PENDING);
    MUST(session->pending_count == commands_of(stage, slot));
    MUST(session->feed.frames_sent - session->feed.frames_acked <= LIMIT_WINDOW);
    MUST((slot->closed != 0) == (session->phase == PHASE_CLOSING));
    MUST(slot->closed == 0 || !session_wants_read(session));
    MUST(session->notes_due == notes_due_of(session));
    MUST(session->presence == NULL || session->phase == PHASE_SIGNED_IN);
    MUST(session->presence != NULL || !session->presence_due);
    MUST((session->hashing != THEN_NOTHING) == slot->hashing);
    MUST(!slot->silent || session->first_reply == NULL);
    MUST(stage->attempts < 1u << 20);
}

static void look_at_records(struct bytes records);

static bool is_told_to_closed(enum message_type type)
{
    return type != MESSAGE_CHANGES && type != MESSAGE_BACKFILL && type != MESSAGE_CAUGHT_UP &&
           type != MESSAGE_SUMS && type != MESSAGE_NOTE_CHANGES && type != MESSAGE_NOTE_ENDED &&
           type != MESSAGE_PRESENCE;
}

static void look_at(struct stage *stage, struct slot *slot, struct bytes frame)
{
    struct message message;
    MUST(message_decode(frame, &message, NULL) == STATUS_OK);
    MUST(message.type >= MESSAGE_WELCOME);
    MUST(slot->welcomed || message.type == MESSAGE_WELCOME || message.type == MESSAGE_ERROR);
    MUST(slot->closed == 0 || is_told_to_closed(message.type));
    switch (message.type) {
    case MESSAGE_WELCOME:
        MUST(!slot->welcomed);
        slot->welcomed = true;
        slot->outsider = id_equal(message.as.welcome.user, stage->slots[SLOT_PARTNER].user);
        break;
    case MESSAGE_CHANGES:
        MUST(message.as.changes.from <= message.as.changes.to);
        look_at_records(message.as.changes.records);
        break;
    case MESSAGE_BACKFILL:
        MUST(message.as.backfill.to <= message.as.backfill.until);
        look_at_records(message.as.backfill.records);
        break;
    case MESSAGE_ANSWER:
        look_at_records(message.as.answer.records);
        break;
    case MESSAGE_NOTE:
        MUST(message.as.note.oldest <= message.as.note.version);
        MUST(message.as.note.version <= message.as.note.newest);
        break;
    case MESSAGE_NOTE_CHANGES:
        look_at_entries(message.as.note_changes.entries);
        break;
    default:
        break;
    }
    if (slot->outsider && !stage->line_moved) {
        MUST(!stage_contains(frame, bytes_text(STAGE_MARKER)));
        for (size_t i = 0; i < stage->hidden_count && !stage->id_named; i++)
            MUST(!stage_contains(frame, bytes_of(&stage->hidden[i], ID_SIZE)));
    }
}

/* Each is a record in the form of PROTOCOL.md, so that any client can read it. */
static void look_at_records(struct bytes records)
{
    struct wire_reader reader = wire_read(records);
    struct bytes record, part;
    struct id id;
    uint32_t count = 0;
    if (records.size == 0)
        return;
    MUST(wire_get_array(&reader, &count));
    while (count-- > 0) {
        MUST(wire_skip(&reader, &record));
        MUST(wire_map_id(record, "id", &id));
        MUST(wire_map_str(record, "entity", &part) && part.size > 0);
        MUST(wire_map_find(record, "scope", &part) && part.size == SCOPE_SIZE + 2);
        MUST(wire_map_find(record, "fields", &part));
        MUST(record.size <= LIMIT_RECORD_BYTES + 8192);
    }
}

static void acknowledge_all(struct stage *stage, struct slot *slot)
{
    struct message ack = {.type = MESSAGE_ACK};
    struct buffer encoded = {0};
    ack.as.ack.frames = slot->session->feed.frames_sent;
    message_encode(&encoded, &ack);
    stage_say(stage, slot, buffer_bytes(&encoded));
    buffer_release(&encoded);
}

/* What the board has woken the slot for. */
static void come(struct stage *stage, struct slot *slot)
{
    if (!slot->woken || slot->session == NULL)
        return;
    slot->woken = false;
    arm(stage);
    session_mark_presence(slot->session);
    disarm(stage);
    stage_check(stage, slot);
}

bool stage_pump(struct stage *stage, struct slot *slot, unsigned count, bool acknowledge)
{
    come(stage, slot);
    for (unsigned i = 0; i < count && slot->session != NULL; i++) {
        arm(stage);
        struct frame *frame = session_next_frame(slot->session);
        disarm(stage);
        stage_check(stage, slot);
        if (frame == NULL) {
            slot->silent = slot->closed != 0;
            return false;
        }
        MUST(!slot->silent);
        look_at(stage, slot, bytes_of(frame->message, frame->size));
        frame_drop(frame);
        if (acknowledge)
            acknowledge_all(stage, slot);
    }
    return slot->session != NULL;
}

void stage_enter(struct stage *stage, struct slot *slot)
{
    struct buffer message = {0};
    stage_connect(stage, slot, false);
    stage_template(stage, slot, 0, &message);
    stage_say(stage, slot, buffer_bytes(&message));
    buffer_clear(&message);
    (void)stage_pump(stage, slot, 1, false);
    stage_template(stage, slot, 6, &message);
    stage_say(stage, slot, buffer_bytes(&message));
    buffer_release(&message);
}

/* Being present: announcing it, hearing of the others, and losing both with the access.
 *
 *     present               -> gate -> on the board; the list is owed
 *     woken by the board    -> what it asks to check passes the gate again, or leaves at once,
 *                              whether or not the socket can be written
 *     the socket is free    -> gate -> the list as it is now; nothing when it says nothing new
 *
 * The board is used for one step at a time, and nothing else is asked of the port meanwhile. What
 * changes between two steps wakes the session again.
 */
#include "server/core/session/session_internal.h"

#include "protocol/wire.h"
#include "server/core/presence/presence.h"
#include "server/core/record/view.h"
#include "server/core/work.h"

static struct presence *begin(struct session *session)
{
    return session->port.presence_begin(session->port.self);
}

static void end(struct session *session)
{
    session->port.presence_end(session->port.self);
}

static struct presence_side side_of(const struct principal *who)
{
    return (struct presence_side){.partner = who->partner, .party = who->party};
}

/* Slices point into the session, and into `name`. */
static struct presence_person person_of(const struct session *session, struct bytes name)
{
    return (struct presence_person){
        .user = bytes_text(session->who.name), .name = name, .side = side_of(&session->who)};
}

/* The user's full name, none where there is none; it points into the snapshot. */
static enum status full_name(const struct session *session, const struct state *state,
                             struct bytes *name)
{
    struct record *record = &session->cache->record;
    struct bytes encoded;
    enum status status = state->ops->record(state->self, session->user, &encoded);
    if (status == STATUS_OK) {
        status = record_decode(encoded, record);
    }
    if (status == STATUS_OK) {
        *name = record_text(record, "fullName");
    }
    return status;
}

static enum status judge(const struct session *session, const struct state *state,
                         const struct meta *meta, struct id about, struct presence_thing *out)
{
    const struct record *record = &session->cache->record;
    enum status status = view_load(state, &session->who, about, &session->cache->record);
    if (status == STATUS_OK) {
        *out = (struct presence_thing){about, record->scope, meta->seq};
    }
    return status;
}

/* ---- Announcing ---- */

static enum status read_doing(const struct message *message, struct presence_doing *out)
{
    const struct msg_present *present = &message->as.present;
    const bool has_head = message_has(message, "head"), has_anchor = message_has(message, "anchor");
    *out = (struct presence_doing){.typing = present->typing,
                                   .has_cursor = has_head,
                                   .has_version = message_has(message, "version"),
                                   .head = present->head,
                                   .version = present->version};
    out->anchor = has_anchor ? present->anchor : present->head;
    const bool within = present->head <= LIMIT_NOTE_TEXT && present->anchor <= LIMIT_NOTE_TEXT;
    return within && (has_head || !has_anchor) ? STATUS_OK : STATUS_INVALID_VALUE;
}

static enum status announce(struct session *session, const struct presence_person *person,
                            const struct presence_thing *thing, const struct presence_doing *doing)
{
    uint64_t number = 0;
    if (session->port.presence_begin == NULL) {
        return STATUS_OK;
    }
    if (session->presence == NULL) {
        session->port.random(session->port.self, &number, sizeof number);
    }
    struct presence *board = begin(session);
    const uint64_t told = presence_told(board);
    if (session->presence == NULL) {
        session->presence = presence_enter(board, session, number);
    }
    enum status status = session->presence != NULL
                             ? presence_announce(board, session->presence, person, thing, doing)
                             : STATUS_NO_MEMORY;
    const uint64_t now = presence_told(board);
    end(session);
    session_work(session, (int32_t)(now - told));
    session->presence_due = session->presence != NULL;
    return status;
}

/* Returns how many were told. */
static uint64_t leave(struct session *session, struct id about)
{
    uint64_t told = 0;
    if (session->presence != NULL) {
        struct presence *board = begin(session);
        told = presence_told(board);
        presence_leave(board, session->presence, about);
        told = presence_told(board) - told;
        end(session);
    }
    return told;
}

/* What people look at together: other records are looked at in their account. */
static bool is_thing(const struct record *record)
{
    return bytes_is(record->entity, "account") || bytes_is(record->entity, "note");
}

static enum status judge_and_announce(struct session *session, const struct state *state,
                                      const struct meta *meta, struct id about,
                                      const struct presence_doing *doing)
{
    struct presence_thing thing;
    struct bytes name = {NULL, 0};
    enum status status = judge(session, state, meta, about, &thing);
    if (status != STATUS_OK) {
        (void)leave(session, about);
        return status;
    }
    if (!is_thing(&session->cache->record)) {
        return STATUS_INVALID_VALUE;
    }
    status = full_name(session, state, &name);
    struct presence_person person = person_of(session, name);
    return status == STATUS_OK ? announce(session, &person, &thing, doing) : status;
}

void session_on_present(struct session *session, const struct message *message)
{
    const struct msg_present *present = &message->as.present;
    struct presence_doing doing;
    struct state state;
    struct meta meta;
    session_work(session, (int32_t)work_of(0));
    if (present->gone) {
        session_work(session, (int32_t)leave(session, present->about));
        return;
    }
    enum status status = read_doing(message, &doing);
    if (status == STATUS_OK) {
        if (!session_look(session, &state, &meta)) {
            return;
        }
        status = judge_and_announce(session, &state, &meta, present->about, &doing);
        session_look_away(session);
    }
    if (status != STATUS_OK) {
        session_refuse(session, NULL, status, NULL);
    } else if (session->presence_due) {
        session->port.wake(session->port.self, session);
    }
}

/* ---- Losing access ---- */

static void fail(struct session *session, enum status status)
{
    session_refuse(session, NULL, status, NULL);
    session_close(session, CLOSE_SERVER_ERROR);
}

static void check(struct session *session, const struct state *state, const struct meta *meta,
                  struct id about)
{
    struct presence_thing thing;
    enum status status = judge(session, state, meta, about, &thing);
    if (status == STATUS_OK) {
        status = presence_still(begin(session), session->presence, &thing);
        end(session);
    } else if (status == STATUS_NOT_FOUND) {
        (void)leave(session, about);
        status = STATUS_OK;
    }
    if (status != STATUS_OK) {
        fail(session, status);
    }
}

/* Bounded: what is marked meanwhile wakes the session anew. */
static void check_all(struct session *session, const struct state *state, const struct meta *meta)
{
    struct id about;
    for (unsigned i = 0; i < LIMIT_PRESENT && session->presence != NULL; i++) {
        bool found = presence_next_check(begin(session), session->presence, &about);
        end(session);
        if (!found) {
            return;
        }
        check(session, state, meta, about);
    }
}

void session_mark_presence(struct session *session)
{
    struct state state;
    struct meta meta;
    if (session->presence == NULL) {
        return;
    }
    presence_take(begin(session), session->presence);
    end(session);
    session->presence_due = true;
    if (session_look(session, &state, &meta)) {
        check_all(session, &state, &meta);
        session_look_away(session);
    }
}

void session_identify_presence(struct session *session, const struct state *state,
                               const struct meta *meta)
{
    struct bytes name = {NULL, 0};
    if (session->presence == NULL) {
        return;
    }
    enum status status = full_name(session, state, &name);
    if (status != STATUS_OK) {
        fail(session, status);
        return;
    }
    struct presence_person person = person_of(session, name);
    presence_identify(begin(session), session->presence, &person);
    end(session);
    session->presence_due = true;
    check_all(session, state, meta);
}

void session_end_presence(struct session *session)
{
    if (session->presence != NULL) {
        presence_exit(begin(session), session->presence);
        end(session);
    }
    session->presence = NULL;
    session->presence_due = false;
}

/* ---- Hearing of others ---- */

static struct frame *frame_of(struct session *session, struct id about, struct bytes people)
{
    struct buffer encoded = {0};
    struct message message = {.type = MESSAGE_PRESENCE};
    message.as.presence.about = about;
    message.as.presence.people = people;
    message_encode(&encoded, &message);
    struct frame *frame = encoded.failed ? NULL : frame_new(buffer_bytes(&encoded));
    buffer_release(&encoded);
    if (frame == NULL) {
        fail(session, STATUS_NO_MEMORY);
    }
    return frame;
}

/* NULL when they may not hear of it any more, or there is nothing new. */
static struct frame *tell(struct session *session, const struct state *state,
                          const struct meta *meta, struct id about)
{
    struct presence_thing thing;
    struct buffer people = {0};
    const struct presence_side side = side_of(&session->who);
    enum status status = judge(session, state, meta, about, &thing);
    if (status != STATUS_OK) {
        (void)leave(session, about);
        if (status != STATUS_NOT_FOUND) {
            fail(session, status);
        }
        return NULL;
    }
    bool news = presence_list(begin(session), session->presence, about, &side, &people);
    end(session);
    struct frame *frame = NULL;
    if (people.failed) {
        fail(session, STATUS_NO_MEMORY);
    } else if (news) {
        frame = frame_of(session, about, buffer_bytes(&people));
    }
    buffer_release(&people);
    return frame;
}

struct frame *session_next_presence(struct session *session)
{
    struct frame *frame = NULL;
    struct state state;
    struct meta meta;
    struct id about;
    if (!session->presence_due || !session_look(session, &state, &meta)) {
        return NULL;
    }
    /* Each turn settles one that is owed, and none is added but by a wake. */
    while (frame == NULL && session->presence_due) {
        (void)begin(session);
        session->presence_due = presence_next_owed(session->presence, &about);
        end(session);
        if (session->presence_due) {
            frame = tell(session, &state, &meta, about);
        }
    }
    session_look_away(session);
    return frame;
}

/* Which message of a client goes to which handler, and what is refused before one is asked. */
#include "server/core/session/session_internal.h"

#include <assert.h>

/* The request number of a message that asks for an answer, or NULL. */
static const uint64_t *request_of(const struct message *message)
{
    switch (message->type) {
    case MESSAGE_FETCH:
        return &message->as.fetch.request;
    case MESSAGE_QUERY:
        return &message->as.query.request;
    case MESSAGE_TIMELINE:
        return &message->as.timeline.request;
    case MESSAGE_HISTORY:
        return &message->as.history.request;
    case MESSAGE_STATUS:
        return &message->as.status.request;
    case MESSAGE_INVITE:
        return &message->as.invite.request;
    case MESSAGE_CERTIFICATE:
        return &message->as.certificate.request;
    case MESSAGE_PASSWORD:
        return &message->as.password.request;
    case MESSAGE_SIGN_OUT:
        return &message->as.sign_out.request;
    case MESSAGE_CHECK:
        return &message->as.check.request;
    case MESSAGE_NOTE_OPEN:
        return &message->as.note_open.request;
    case MESSAGE_NOTE_PUSH:
        return &message->as.note_push.request;
    case MESSAGE_NOTE_READ:
        return &message->as.note_read.request;
    case MESSAGE_NOTE_VERSIONS:
        return &message->as.note_versions.request;
    default:
        return NULL;
    }
}

static void on_ping(struct session *session, const struct msg_ping *ping)
{
    struct message pong = {.type = MESSAGE_PONG};
    if (session->heard_at - session->pinged_at < SESSION_PING_MS) {
        session_charge(session, 1);
    }
    session->pinged_at = session->heard_at;
    pong.as.pong.request = ping->request;
    pong.as.pong.time = session->port.now_ms(session->port.self);
    message_mark(&pong, "request");
    session_reply(session, &pong);
}

static void on_unsubscribe(struct session *session)
{
    feed_stop(&session->feed);
}

/* Whether few bytes of it can ask for much. */
static bool is_work(enum message_type type)
{
    switch (type) {
    case MESSAGE_NOTE_OPEN:
    case MESSAGE_NOTE_PUSH:
    case MESSAGE_NOTE_READ:
    case MESSAGE_NOTE_VERSIONS:
    case MESSAGE_PRESENT:
        return true;
    default:
        return false;
    }
}

/* False when the message must wait and be dispatched again. */
static bool dispatch(struct session *session, const struct message *message, struct bytes frame)
{
    if (is_work(message->type) && !session_may_work(session)) {
        return false;
    }
    switch (message->type) {
    case MESSAGE_SUBSCRIBE:
        session_on_subscribe(session, &message->as.subscribe);
        break;
    case MESSAGE_UNSUBSCRIBE:
        on_unsubscribe(session);
        break;
    case MESSAGE_ACK:
        session_on_ack(session, &message->as.ack);
        break;
    case MESSAGE_PREFER:
        session_on_prefer(session, &message->as.prefer);
        break;
    case MESSAGE_CHECK:
        session_on_check(session, &message->as.check);
        break;
    case MESSAGE_MUTATE:
        return session_on_mutate(session, &message->as.mutate, frame);
    case MESSAGE_FETCH:
        session_on_fetch(session, &message->as.fetch);
        break;
    case MESSAGE_QUERY:
        session_on_query(session, &message->as.query);
        break;
    case MESSAGE_TIMELINE:
        session_on_timeline(session, &message->as.timeline);
        break;
    case MESSAGE_HISTORY:
        session_on_history(session, &message->as.history);
        break;
    case MESSAGE_STATUS:
        session_on_status(session, &message->as.status);
        break;
    case MESSAGE_INVITE:
        session_on_invite(session, &message->as.invite);
        break;
    case MESSAGE_CERTIFICATE:
        session_on_certificate(session, &message->as.certificate);
        break;
    case MESSAGE_PASSWORD:
        session_on_password(session, &message->as.password);
        break;
    case MESSAGE_SIGN_OUT:
        session_on_sign_out(session, &message->as.sign_out);
        break;
    case MESSAGE_NOTE_OPEN:
        session_on_note_open(session, &message->as.note_open, message_has(message, "version"));
        break;
    case MESSAGE_NOTE_CLOSE:
        session_on_note_close(session, &message->as.note_close);
        break;
    case MESSAGE_NOTE_PUSH:
        return session_on_note_push(session, &message->as.note_push, frame);
    case MESSAGE_NOTE_READ:
        session_on_note_read(session, &message->as.note_read, message_has(message, "version"));
        break;
    case MESSAGE_NOTE_VERSIONS:
        session_on_note_versions(session, &message->as.note_versions);
        break;
    case MESSAGE_PRESENT:
        session_on_present(session, message);
        break;
    case MESSAGE_PING:
        on_ping(session, &message->as.ping);
        break;
    case MESSAGE_GOODBYE:
        session_on_goodbye(session, &message->as.goodbye);
        break;
    default:
        session_refuse(session, NULL, STATUS_UNEXPECTED, NULL);
        break;
    }
    return true;
}

static bool ends_the_connection(enum status status)
{
    return status == STATUS_MALFORMED || status == STATUS_TOO_DEEP || status == STATUS_TOO_LARGE;
}

static void refuse_frame(struct session *session, const struct message *message, enum status status,
                         const struct fault *fault)
{
    session_refuse(session, request_of(message), status, fault);
    if (ends_the_connection(status) || session->phase != PHASE_SIGNED_IN) {
        session_close(session, CLOSE_PROTOCOL);
    }
}

/* Keeps a message for later, in order. */
static void hold(struct session *session, struct bytes frame)
{
    uint8_t size[4];
    put_u32(size, (uint32_t)frame.size);
    if (session->held.size - session->held_from + frame.size > SESSION_HELD_BYTES) {
        session_refuse(session, NULL, STATUS_RATE_LIMITED, NULL);
        session_close(session, CLOSE_TOO_MANY);
        return;
    }
    buffer_append(&session->held, size, sizeof size);
    buffer_append(&session->held, frame.data, frame.size);
    if (session->held.failed) {
        session_close(session, CLOSE_SERVER_ERROR);
    }
}

/* Decodes and handles one message; false when it must wait after all. */
static bool take_up(struct session *session, struct bytes frame)
{
    struct message message = {0};
    struct fault fault;
    fault_clear(&fault);
    enum status status = frame.size > LIMIT_MESSAGE_BYTES ? STATUS_TOO_LARGE
                                                          : message_decode(frame, &message, &fault);
    if (status != STATUS_OK) {
        refuse_frame(session, &message, status, &fault);
    } else if (session->phase == PHASE_SIGNED_IN) {
        return dispatch(session, &message, frame);
    } else if (message.type == MESSAGE_HELLO && session->phase == PHASE_OPEN) {
        session_on_hello(session, &message.as.hello);
    } else {
        refuse_frame(session, &message, STATUS_NOT_SIGNED_IN, NULL);
    }
    return true;
}

void session_resume(struct session *session)
{
    while (session->phase == PHASE_SIGNED_IN && session->held.size > 0 && session_ready(session)) {
        const uint8_t *at = session->held.data + session->held_from;
        struct bytes frame = bytes_of(at + 4, get_u32(at));
        if (!take_up(session, frame)) {
            return; /* the committer's queue is full */
        }
        session->allowance -= 1.0;
        session->held_from += 4 + frame.size;
        if (session->held_from == session->held.size) {
            buffer_release(&session->held);
            session->held_from = 0;
        }
    }
}

/* Acknowledgements go past what is held: they only say that more may be sent, and are not counted
 * against the rate, since the server's own sending asks for them. */
static bool is_acknowledgement(struct bytes frame)
{
    struct message message;
    return frame.size < 64 && message_decode(frame, &message, NULL) == STATUS_OK &&
           message.type == MESSAGE_ACK;
}

void session_received(struct session *session, struct bytes frame)
{
    assert(session->magic == SESSION_MAGIC);
    if (session->phase == PHASE_CLOSING) {
        return;
    }
    session->heard_at = session->port.uptime_ms(session->port.self);
    bool signed_in = session->phase == PHASE_SIGNED_IN;
    if (signed_in && is_acknowledgement(frame)) {
        take_up(session, frame);
    } else if (signed_in && (session->held.size > 0 || !session_ready(session))) {
        hold(session, frame);
    } else if (take_up(session, frame)) {
        session->allowance -= 1.0;
    } else {
        hold(session, frame);
    }
}

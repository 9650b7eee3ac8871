#include "server/core/session/session_internal.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"
#include "server/core/credential.h"

struct session *session_new(const struct session_port *port, const struct session_limits *limits,
                            struct interest *interest, struct feed_cache *cache,
                            struct bytes certificate_sha256)
{
    struct session *session = memory_new(sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->magic = SESSION_MAGIC;
    session->port = *port;
    session->limits = *limits;
    session->interest = interest;
    session->cache = cache;
    session->opened_at = session->heard_at = port->uptime_ms(port->self);
    session->allowance_at = session->opened_at;
    session->allowance = 4.0 * limits->messages_per_second;
    if (certificate_sha256.size == sizeof session->certificate) {
        memcpy(session->certificate, certificate_sha256.data, sizeof session->certificate);
        session->has_certificate = true;
    }
    return session;
}

static void drop_replies(struct session *session)
{
    for (struct reply *reply = session->first_reply, *next; reply != NULL; reply = next) {
        next = reply->next;
        frame_drop(reply->frame);
        memory_free(reply);
    }
    session->first_reply = session->last_reply = NULL;
    session->reply_bytes = 0;
}

bool session_attempt(struct session *session, const char *name, uint64_t *wait_ms)
{
    bytes_to_text(bytes_text(name), session->attempted_name, sizeof session->attempted_name);
    session->attempted = session->port.sign_in_allowed(
        session->port.self, session, bytes_text(session->attempted_name), wait_ms);
    return session->attempted;
}

void session_forgive(struct session *session)
{
    if (session->attempted) {
        session->attempted = false;
        session->port.sign_in_forgiven(session->port.self, session,
                                       bytes_text(session->attempted_name));
    }
}

void session_free(struct session *session)
{
    if (session == NULL) {
        return;
    }
    assert(session->magic == SESSION_MAGIC);
    session_close_notes(session);
    session_end_presence(session);
    interest_forget(session->interest, session);
    drop_replies(session);
    feed_release(&session->feed);
    if (session->new_secret.data != NULL) {
        session_wipe(session->new_secret.data, session->new_secret.capacity);
    }
    buffer_release(&session->new_secret);
    buffer_release(&session->held);
    memory_free(session->pending);
    session_wipe(session->token, sizeof session->token);
    session->magic = 0;
    memory_free(session);
}

void session_set_owner(struct session *session, void *owner)
{
    session->owner = owner;
}

void *session_owner(const struct session *session)
{
    return session->owner;
}

const char *session_user(const struct session *session)
{
    return session->phase == PHASE_SIGNED_IN ? session->name : "";
}

void session_move(struct session *session, enum session_phase to)
{
    static const bool allowed[4][4] = {
        [PHASE_OPEN] = {[PHASE_SIGNING_IN] = true, [PHASE_CLOSING] = true},
        [PHASE_SIGNING_IN] = {[PHASE_SIGNED_IN] = true, [PHASE_CLOSING] = true},
        [PHASE_SIGNED_IN] = {[PHASE_CLOSING] = true},
    };
    assert(allowed[session->phase][to]);
    session->phase = to;
}

void session_close(struct session *session, enum close_code code)
{
    if (session->phase == PHASE_CLOSING) {
        return;
    }
    session_move(session, PHASE_CLOSING);
    feed_stop(&session->feed);
    session_close_notes(session);
    session_end_presence(session);
    session->port.close(session->port.self, session, code);
}

void session_reply_bytes(struct session *session, struct bytes message)
{
    struct reply *reply = memory_new(sizeof *reply);
    struct frame *frame = reply != NULL ? frame_new(message) : NULL;
    if (frame == NULL) {
        memory_free(reply);
        session_close(session, CLOSE_SERVER_ERROR);
        return;
    }
    reply->frame = frame;
    if (session->last_reply != NULL) {
        session->last_reply->next = reply;
    } else {
        session->first_reply = reply;
    }
    session->last_reply = reply;
    session->reply_bytes += frame->size;
    session->port.wake(session->port.self, session);
}

void session_reply(struct session *session, const struct message *message)
{
    struct buffer encoded = {0};
    message_encode(&encoded, message);
    if (encoded.failed) {
        session_close(session, CLOSE_SERVER_ERROR);
    } else {
        session_reply_bytes(session, buffer_bytes(&encoded));
    }
    buffer_release(&encoded);
}

static void describe_error(struct message *message, enum status status, const char *text)
{
    message->type = MESSAGE_ERROR;
    message->as.error.name = bytes_text(status_name(status));
    message->as.error.text = bytes_text(text);
    if (status_retry(status)) {
        message->as.error.retry = true;
        message_mark(message, "retry");
    }
}

/* Nothing more is heard of them for so long. */
static void pause_for(struct session *session, uint64_t wait_ms)
{
    const uint64_t until = session->port.uptime_ms(session->port.self) + wait_ms;
    if (wait_ms > 0 && until > session->paused_until) {
        session->paused_until = until;
    }
}

void session_charge(struct session *session, uint32_t points)
{
    if (session->port.charge == NULL || session->phase != PHASE_SIGNED_IN) {
        return;
    }
    pause_for(session, session->port.charge(session->port.self, session, session->user, points));
}

bool session_may_work(struct session *session)
{
    if (session->port.work == NULL) {
        return true;
    }
    const uint64_t wait_ms = session->port.work(session->port.self, session, session->user, 0);
    pause_for(session, wait_ms);
    return wait_ms == 0;
}

void session_work(struct session *session, int32_t units)
{
    if (session->port.work != NULL && units != 0) {
        (void)session->port.work(session->port.self, session, session->user, units);
    }
}

/* What depends on the data (it is gone, it is not yours) can happen to everybody, and results of
 * mutations are no errors at all. */
bool session_is_error(enum status status)
{
    switch (status) {
    case STATUS_MALFORMED:
    case STATUS_TOO_LARGE:
    case STATUS_TOO_DEEP:
    case STATUS_UNKNOWN_MESSAGE:
    case STATUS_MISSING_FIELD:
    case STATUS_WRONG_KIND:
    case STATUS_UNKNOWN_ENTITY:
    case STATUS_UNKNOWN_FIELD:
    case STATUS_INVALID_VALUE:
    case STATUS_UNEXPECTED:
    case STATUS_LIMIT:
        return true;
    default:
        return false;
    }
}

void session_refuse(struct session *session, const uint64_t *request, enum status status,
                    const struct fault *fault)
{
    struct message message = {0};
    struct buffer text = {0};
    buffer_append(&text, status_text(status), strlen(status_text(status)));
    if (fault != NULL && fault->detail[0] != '\0') {
        buffer_append(&text, ": ", 2);
        buffer_append(&text, fault->detail, strlen(fault->detail));
    }
    buffer_append_byte(&text, 0);
    describe_error(&message, status, text.failed ? status_text(status) : (const char *)text.data);
    if (fault != NULL && fault->field[0] != '\0') {
        message.as.error.field = bytes_text(fault->field);
        message_mark(&message, "field");
    }
    if (request != NULL) {
        message.as.error.request = *request;
        message_mark(&message, "request");
    }
    session_reply(session, &message);
    buffer_release(&text);
    if (session_is_error(status)) {
        session_charge(session, 1);
    }
}

void session_refuse_later(struct session *session, enum status status, uint64_t wait_ms)
{
    struct message message = {0};
    describe_error(&message, status, status_text(status));
    message.as.error.retry_after = wait_ms;
    message_mark(&message, "retryAfter");
    session_reply(session, &message);
}

static void start_over(struct session *session, const char *reason, const struct meta *meta)
{
    struct message reset = {.type = MESSAGE_RESET};
    reset.as.reset.reason = bytes_text(reason);
    reset.as.reset.epoch = meta->epoch;
    feed_stop(&session->feed);
    session_reply(session, &reset);
}

enum status session_load_principal(struct session *session, const struct state *state)
{
    enum status status = principal_load(state, session->user, &session->who);
    if (status == STATUS_OK) {
        session->view_class = access_view_class(&session->who);
    }
    return status;
}

/* The user's record changed: they may have left, or see other things from now on. */
static bool refresh_principal(struct session *session, const struct state *state,
                              const struct meta *meta)
{
    if (session->people_seen >= meta->people_seq && session->people_seen > 0) {
        return true;
    }
    uint64_t since = session->who.since;
    enum status status = session_load_principal(session, state);
    if (status != STATUS_OK) {
        session_refuse(session, NULL, status == STATUS_NOT_FOUND ? STATUS_NOT_SIGNED_IN : status,
                       NULL);
        session_close(session,
                      status == STATUS_NOT_FOUND ? CLOSE_ACCESS_ENDED : CLOSE_SERVER_ERROR);
        return false;
    }
    if (session->feed.active && session->who.since != since) {
        start_over(session, "access", meta);
    }
    session->people_seen = meta->seq > 0 ? meta->seq : 1;
    return true;
}

bool session_look(struct session *session, struct state *state, struct meta *meta)
{
    enum status status = session->port.read_begin(session->port.self, state);
    if (status != STATUS_OK) {
        session_refuse(session, NULL, status, NULL);
        session_close(session, CLOSE_SERVER_ERROR);
        return false;
    }
    status = state->ops->meta(state->self, meta);
    if (status != STATUS_OK) {
        session_refuse(session, NULL, status, NULL);
        session_close(session, CLOSE_SERVER_ERROR);
    }
    if (status != STATUS_OK ||
        (session->phase == PHASE_SIGNED_IN && !refresh_principal(session, state, meta))) {
        session->port.read_end(session->port.self);
        return false;
    }
    return true;
}

void session_look_away(struct session *session)
{
    session->port.read_end(session->port.self);
}

static struct frame *take_reply(struct session *session)
{
    struct reply *reply = session->first_reply;
    struct frame *frame = reply->frame;
    session->first_reply = reply->next;
    if (reply->next == NULL) {
        session->last_reply = NULL;
    }
    session->reply_bytes -= frame->size;
    memory_free(reply);
    return frame;
}

void session_warm(const struct session *session)
{
    enum { LINE = 64 };
    const size_t hot = offsetof(struct session, limits);
    for (size_t at = 0; at < hot; at += LINE) {
        __builtin_prefetch((const char *)session + at);
    }
}

/* Whether there may be something of the subscription or of open notes to send. */
static bool owes_data(const struct session *session)
{
    return session->phase == PHASE_SIGNED_IN &&
           (session->notes_due > 0 || feed_due(&session->feed));
}

static enum status next_of_feed(struct session *session, const struct state *state,
                                const struct meta *meta, struct frame **out)
{
    if (!feed_due(&session->feed)) {
        return STATUS_OK;
    }
    if (feed_outlived(&session->feed, meta)) {
        start_over(session, "horizon", meta);
    }
    struct feed_context context = {state,   meta,           &session->who,      session->interest,
                                   session, session->cache, session->view_class};
    return feed_next(&session->feed, &context, out);
}

/* Notes come first, since somebody is looking at them, but take turns with the feed. */
static enum status next_data(struct session *session, const struct state *state,
                             const struct meta *meta, struct frame **out)
{
    enum status status = STATUS_OK;
    if (!session->note_sent) {
        status = session_next_note(session, state, meta, out);
        session->note_sent = *out != NULL;
        return status == STATUS_OK && *out == NULL ? next_of_feed(session, state, meta, out)
                                                   : status;
    }
    session->note_sent = false;
    status = next_of_feed(session, state, meta, out);
    if (status == STATUS_OK && *out == NULL) {
        status = session_next_note(session, state, meta, out);
        session->note_sent = *out != NULL;
    }
    return status;
}

struct frame *session_next_frame(struct session *session)
{
    assert(session->magic == SESSION_MAGIC);
    if (session->first_reply == NULL) {
        session_resume(session);
    }
    if (session->first_reply != NULL) {
        return take_reply(session);
    }
    /* Who is where comes first, but takes turns: whoever moves all the time must not keep back what
     * was changed from those whose connection is slow. */
    const bool passed = session->people_sent && owes_data(session);
    struct frame *people = passed ? NULL : session_next_presence(session);
    session->people_sent = people != NULL;
    if (people != NULL) {
        return people;
    }
    struct state state;
    struct meta meta;
    if (!owes_data(session) || !session_look(session, &state, &meta)) {
        return session->first_reply != NULL ? take_reply(session) : NULL;
    }
    struct frame *frame = NULL;
    enum status status = next_data(session, &state, &meta, &frame);
    session_look_away(session);
    if (status != STATUS_OK) {
        session_refuse(session, NULL, status, NULL);
        session_close(session, CLOSE_SERVER_ERROR);
    } else if (frame == NULL && feed_due(&session->feed)) {
        session->port.wake(session->port.self, session); /* a check goes on, after the others */
    }
    if (frame == NULL && session->first_reply != NULL) {
        return take_reply(session);
    }
    return frame == NULL && passed ? session_next_presence(session) : frame;
}

bool session_due(const struct session *session)
{
    return session->first_reply != NULL || session->presence_due ||
           owes_data(session);
}

/* Ends a session that lives by a token which has ended, or by a password which was changed: perhaps
 * because somebody else has it. Who asked for it themselves stays, and hears the answer. */
static void check_secret(struct session *session, const struct state *state)
{
    struct id user;
    if (session->ending_token) {
        return;
    }
    enum status status = STATUS_OK;
    if (session->has_token) {
        status = credential_token_user(state, session->token_hash,
                                       session->port.now_ms(session->port.self), &user);
    }
    if (status == STATUS_OK) {
        status = session_password_holds(session, state);
    }
    if (status == STATUS_NOT_FOUND) {
        session_refuse(session, NULL, STATUS_NOT_SIGNED_IN, NULL);
        session_close(session, CLOSE_ACCESS_ENDED);
    } else if (status != STATUS_OK) {
        session_refuse(session, NULL, status, NULL);
        session_close(session, CLOSE_SERVER_ERROR);
    }
}

void session_mark(struct session *session, enum interest_reason reason, uint32_t index)
{
    assert(session->magic == SESSION_MAGIC);
    switch (reason) {
    case INTEREST_EVERYTHING:
        feed_mark(&session->feed);
        break;
    case INTEREST_LANE:
        feed_mark_lane(&session->feed, index);
        break;
    case INTEREST_SUBJECT:
        feed_mark_access(&session->feed);
        session_mark_notes(session, false);
        break;
    case INTEREST_NOTE:
        session_mark_note(session, index);
        break;
    case INTEREST_USER: {
        /* Acts at once, also on a session without a subscription. */
        struct state state;
        struct meta meta;
        if (session->phase == PHASE_SIGNED_IN && session_look(session, &state, &meta)) {
            check_secret(session, &state);
            session_identify_presence(session, &state, &meta);
            session_mark_notes(session, true);
            session_look_away(session);
        }
        break;
    }
    }
}

static void refill(struct session *session, uint64_t uptime_ms)
{
    double rate = session->limits.messages_per_second;
    session->allowance += rate * (double)(uptime_ms - session->allowance_at) / 1000.0;
    session->allowance_at = uptime_ms;
    if (session->allowance > 4.0 * rate) {
        session->allowance = 4.0 * rate;
    }
}

void session_tick(struct session *session, uint64_t uptime_ms)
{
    assert(session->magic == SESSION_MAGIC);
    bool read_before = session_wants_read(session);
    refill(session, uptime_ms);
    if (uptime_ms >= session->paused_until) {
        session->paused_until = 0;
    }
    bool signed_in = session->phase == PHASE_SIGNED_IN;
    if (!signed_in && uptime_ms - session->opened_at > session->limits.sign_in_ms) {
        session_close(session, CLOSE_IDLE);
    } else if (signed_in && uptime_ms - session->heard_at > session->limits.idle_ms) {
        session_close(session, CLOSE_IDLE);
    } else {
        session_resume(session);
    }
    if (!read_before && session_wants_read(session)) {
        session->port.wake(session->port.self, session);
    }
}

bool session_ready(const struct session *session)
{
    return session->reply_bytes < SESSION_REPLY_BYTES && session->pending_count < LIMIT_IN_FLIGHT &&
           session->allowance >= 1.0 && session->paused_until == 0;
}

bool session_wants_read(const struct session *session)
{
    return session->phase != PHASE_CLOSING && session->held.size == 0 && session_ready(session);
}

void session_stop(struct session *session)
{
    if (session->phase != PHASE_CLOSING) {
        session_refuse(session, NULL, STATUS_SHUTTING_DOWN, NULL);
        session_close(session, CLOSE_STOPPING);
    }
}

bool session_submit(struct session *session, enum command_kind kind, struct bytes body,
                    enum continuation then, uint64_t number)
{
    if (session->pending == NULL) {
        session->pending = memory_new(SESSION_PENDING * sizeof *session->pending);
    }
    if (session->pending == NULL || session->pending_count == SESSION_PENDING) {
        return false;
    }
    struct command command = {
        .kind = kind, .actor = session->user, .client = session->client, .body = body};
    uint64_t ticket = ++session->next_ticket;
    if (!session->port.submit(session->port.self, session, ticket, &command)) {
        return false;
    }
    session->pending[session->pending_count++] =
        (struct pending){.ticket = ticket, .number = number, .then = then};
    return true;
}

bool session_hash(struct session *session, const struct hash_request *request,
                  enum continuation then, uint64_t number)
{
    if (session->hashing != THEN_NOTHING ||
        !session->port.hash(session->port.self, session, request)) {
        return false;
    }
    session->hashing = then;
    session->hash_request = number;
    return true;
}

static bool take_pending(struct session *session, uint64_t ticket, struct pending *out)
{
    for (uint32_t i = 0; i < session->pending_count; i++) {
        if (session->pending[i].ticket == ticket) {
            *out = session->pending[i];
            session->pending[i] = session->pending[--session->pending_count];
            return true;
        }
    }
    return false;
}

void session_answered(struct session *session, uint64_t ticket, enum status status,
                      struct bytes answer)
{
    assert(session->magic == SESSION_MAGIC);
    struct pending pending;
    if (!take_pending(session, ticket, &pending)) {
        return;
    }
    session_work(session, -pending.prepaid);
    if (session->phase == PHASE_CLOSING) {
        return;
    }
    struct message refusal;
    if (pending.then != THEN_RESULT && pending.then != THEN_NOTE && status == STATUS_OK && answer.size > 0 &&
        message_decode(answer, &refusal, NULL) == STATUS_OK && refusal.type == MESSAGE_RESULT) {
        status = bytes_is(refusal.as.result.status, "ok")
                     ? STATUS_OK
                     : status_from_name(refusal.as.result.status);
    }
    switch (pending.then) {
    case THEN_RESULT:
        session_answer_result(session, &pending, status, answer);
        break;
    case THEN_NOTE:
        session_answer_push(session, &pending, status, answer);
        break;
    case THEN_WELCOME:
    case THEN_ISSUE_TOKEN:
        session_stored_sign_in(session, pending.then, status);
        break;
    case THEN_ANSWER:
    case THEN_ANSWER_CODE:
        session_stored_request(session, &pending, status);
        break;
    case THEN_NOTHING:
    case THEN_CHECK_PASSWORD:
    case THEN_REFUSE:
    case THEN_STORE_NEW:
    case THEN_HASH_CHANGED:
    case THEN_STORE_CHANGED:
        break;
    }
    session_resume(session);
}

void session_hashed(struct session *session, const struct hash_outcome *outcome)
{
    assert(session->magic == SESSION_MAGIC);
    enum continuation then = session->hashing;
    session->hashing = THEN_NOTHING;
    if (session->phase == PHASE_CLOSING) {
        return;
    }
    if (then == THEN_HASH_CHANGED || then == THEN_STORE_CHANGED) {
        session_continue_password(session, then, outcome);
    } else if (then != THEN_NOTHING) {
        session_continue_sign_in(session, then, outcome);
    }
}

void session_wipe(void *memory, size_t size)
{
    volatile uint8_t *at = memory;
    while (size-- > 0) {
        *at++ = 0;
    }
}

void session_hex(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

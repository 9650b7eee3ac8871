#include "tests/unit/net/fake_session.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

atomic_uint fake_sessions_alive, fake_sessions_made, fake_messages_received, fake_charged;
atomic_uint fake_ticks;
atomic_bool fake_committer_full;

#define MOST_SUBMISSIONS 64
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t came;
    struct fake_submission queue[MOST_SUBMISSIONS];
    size_t count;
} submissions = {.mutex = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

#define MOST_QUEUED 256
struct session {
    const struct session_port *port;
    struct session_limits limits;
    struct interest *interest;
    void *owner;
    char user[16];
    char fingerprint[65];
    struct frame *queue[MOST_QUEUED];
    size_t first, count;
    uint32_t stream_next, stream_count, stream_size;
    uint64_t notice_seq;
    unsigned in_flight;
    bool blocked, stopped;
    uint64_t heard_ms;
};

struct feed_cache {
    int unused;
};

struct feed_cache *feed_cache_new(void)
{
    return calloc(1, sizeof(struct feed_cache));
}

void feed_cache_free(struct feed_cache *cache)
{
    free(cache);
}

void feed_cache_clear(struct feed_cache *cache)
{
    (void)cache;
}

bool fake_committer_take(struct fake_submission *out)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&submissions.mutex);
    int error = 0;
    while (submissions.count == 0 && error == 0)
        error = pthread_cond_timedwait(&submissions.came, &submissions.mutex, &until);
    bool taken = submissions.count > 0;
    if (taken) {
        *out = submissions.queue[0];
        submissions.count--;
        memmove(submissions.queue, submissions.queue + 1,
                submissions.count * sizeof submissions.queue[0]);
    }
    pthread_mutex_unlock(&submissions.mutex);
    return taken;
}

bool committer_submit(struct committer *committer, struct origin origin,
                      const struct command *command)
{
    (void)committer;
    if (atomic_load(&fake_committer_full))
        return false;
    pthread_mutex_lock(&submissions.mutex);
    assert(submissions.count < MOST_SUBMISSIONS);
    struct fake_submission *at = &submissions.queue[submissions.count++];
    at->origin = origin;
    at->size = command->body.size < sizeof at->body ? command->body.size : sizeof at->body;
    memcpy(at->body, command->body.data, at->size);
    pthread_cond_signal(&submissions.came);
    pthread_mutex_unlock(&submissions.mutex);
    return true;
}

struct session *session_new(const struct session_port *port, const struct session_limits *limits,
                            struct interest *interest, struct feed_cache *cache,
                            struct bytes certificate_sha256)
{
    assert(cache);
    struct session *session = calloc(1, sizeof *session);
    session->port = port;
    session->limits = *limits;
    session->interest = interest;
    session->heard_ms = port->uptime_ms(port->self);
    for (size_t i = 0; i < certificate_sha256.size; i++)
        snprintf(session->fingerprint + 2 * i, 3, "%02x", certificate_sha256.data[i]);
    assert(interest_everything(interest, session));
    atomic_fetch_add(&fake_sessions_alive, 1);
    atomic_fetch_add(&fake_sessions_made, 1);
    return session;
}

static struct frame *pop(struct session *session)
{
    struct frame *frame = session->queue[session->first];
    session->first = (session->first + 1) % MOST_QUEUED;
    session->count--;
    return frame;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    interest_forget(session->interest, session);
    while (session->count > 0)
        frame_drop(pop(session));
    free(session);
    atomic_fetch_sub(&fake_sessions_alive, 1);
}

void session_set_owner(struct session *session, void *owner)
{
    session->owner = owner;
}

void *session_owner(const struct session *session)
{
    return session->owner;
}

static void say(struct session *session, struct bytes message)
{
    assert(session->count < MOST_QUEUED);
    session->queue[(session->first + session->count++) % MOST_QUEUED] = frame_new(message);
}

static void submit(struct session *session, struct bytes message)
{
    struct command command = {.kind = COMMAND_MUTATE, .body = message};
    if (session->port->submit(session->port->self, session, session->in_flight + 1, &command))
        session->in_flight++;
    else
        say(session, bytes_text("full"));
}

static void hash(struct session *session, struct bytes message)
{
    struct hash_request request = {.what = HASH_VERIFY, .secret = message};
    uint64_t wait_ms;
    if (!session->port->sign_in_allowed(session->port->self, session, bytes_text("kari"),
                                        &wait_ms))
        say(session, bytes_text("throttled"));
    else if (!session->port->hash(session->port->self, session, &request)) {
        session->port->sign_in_forgiven(session->port->self, session, bytes_text("kari"));
        say(session, bytes_text("busy"));
    }
}

void session_received(struct session *session, struct bytes message)
{
    const struct session_port *port = session->port;
    atomic_fetch_add(&fake_messages_received, 1);
    session->heard_ms = port->uptime_ms(port->self);
    switch (message.size ? message.data[0] : 0) {
    case 's':
        assert(message.size == 9);
        session->stream_next = 0;
        session->stream_count = get_u32(message.data + 1);
        session->stream_size = get_u32(message.data + 5);
        break;
    case 'c':
        say(session, bytes_text("bye"));
        port->close(port->self, session, get_u16(message.data + 1));
        break;
    case 'n':
        snprintf(session->user, sizeof session->user, "kari");
        say(session, message);
        break;
    case 'f':
        say(session, bytes_text(session->fingerprint[0] ? session->fingerprint : "none"));
        break;
    case 'm':
        submit(session, message);
        break;
    case 'h':
        hash(session, message);
        break;
    case 'b':
        submit(session, message);
        session->blocked = true;
        break;
    default:
        say(session, message);
    }
}

void session_charge(struct session *session, uint32_t points)
{
    (void)session;
    atomic_fetch_add(&fake_charged, points);
}

bool session_wants_read(const struct session *session)
{
    return !session->blocked;
}

static struct frame *stream_frame(struct session *session)
{
    struct buffer message = {.data = NULL};
    uint8_t *at = buffer_extend(&message, session->stream_size);
    memset(at, 's', session->stream_size);
    put_u32(at, session->stream_next++);
    struct frame *frame = frame_new(buffer_bytes(&message));
    buffer_release(&message);
    return frame;
}

struct frame *session_next_frame(struct session *session)
{
    if (session->count > 0)
        return pop(session);
    if (session->stream_next < session->stream_count)
        return stream_frame(session);
    if (session->notice_seq) {
        char text[32];
        snprintf(text, sizeof text, "notice %llu", (unsigned long long)session->notice_seq);
        session->notice_seq = 0;
        return frame_new(bytes_text(text));
    }
    return NULL;
}

void session_warm(const struct session *session)
{
    (void)session;
}

bool session_due(const struct session *session)
{
    return session->count > 0 || session->stream_next < session->stream_count ||
           session->notice_seq != 0;
}

void session_answered(struct session *session, uint64_t ticket, enum status status,
                      struct bytes answer)
{
    (void)ticket;
    session->in_flight--;
    if (session->in_flight == 0)
        session->blocked = false;
    if (status != STATUS_OK)
        say(session, bytes_text(status_name(status)));
    else
        say(session, answer);
}

void session_hashed(struct session *session, const struct hash_outcome *outcome)
{
    if (outcome->matched || outcome->busy)
        session->port->sign_in_forgiven(session->port->self, session, bytes_text("kari"));
    say(session, bytes_text(outcome->busy      ? "busy"
                            : outcome->matched ? "matched"
                                               : "different"));
}

void session_mark(struct session *session, enum interest_reason reason, uint32_t lane_index)
{
    (void)lane_index;
    assert(reason == INTEREST_EVERYTHING);
    session->notice_seq++;
}

void session_mark_presence(struct session *session)
{
    (void)session;
    assert(!"no fake session is ever present");
}

void session_tick(struct session *session, uint64_t uptime_ms)
{
    atomic_fetch_add(&fake_ticks, 1);
    if (uptime_ms > session->heard_ms + session->limits.idle_ms)
        session->port->close(session->port->self, session, CLOSE_IDLE);
}

void session_stop(struct session *session)
{
    say(session, bytes_text("stopping"));
    session->port->close(session->port->self, session, CLOSE_STOPPING);
}

const char *session_user(const struct session *session)
{
    return session->user;
}

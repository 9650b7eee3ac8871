#include "server/core/session/session_internal.h"

static void say_reset(struct session *session, const char *reason, struct id epoch)
{
    struct message message = {.type = MESSAGE_RESET};
    message.as.reset.reason = bytes_text(reason);
    message.as.reset.epoch = epoch;
    session_reply(session, &message);
}

void session_on_subscribe(struct session *session, const struct msg_subscribe *subscribe)
{
    struct state state;
    struct meta meta;
    if (!session_look(session, &state, &meta)) {
        return;
    }
    struct feed_context context = {&state,  &meta,          &session->who,      session->interest,
                                   session, session->cache, session->view_class};
    struct fault fault;
    const char *reset = NULL;
    fault_clear(&fault);
    enum status status = feed_start(&session->feed, &context, subscribe, &reset, &fault);
    if (status != STATUS_OK) {
        session_refuse(session, NULL, status, &fault);
    } else if (reset != NULL) {
        say_reset(session, reset, meta.epoch);
    }
    session_look_away(session);
    session->port.wake(session->port.self, session);
}

void session_on_ack(struct session *session, const struct msg_ack *ack)
{
    enum status status = feed_acknowledge(&session->feed, ack->frames);
    if (status != STATUS_OK) {
        session_refuse(session, NULL, status, NULL);
    } else if (feed_due(&session->feed)) {
        session->port.wake(session->port.self, session);
    }
}

void session_on_prefer(struct session *session, const struct msg_prefer *prefer)
{
    struct fault fault;
    fault_clear(&fault);
    enum status status = feed_prefer(&session->feed, prefer->scopes, &fault);
    if (status != STATUS_OK) {
        session_refuse(session, NULL, status, &fault);
    }
}

void session_on_check(struct session *session, const struct msg_check *check)
{
    struct fault fault;
    fault_clear(&fault);
    enum status status = feed_check(&session->feed, check->request, check->scopes, &fault);
    if (status != STATUS_OK) {
        session_refuse(session, &check->request, status, &fault);
    } else if (feed_due(&session->feed)) {
        session->port.wake(session->port.self, session);
    }
}

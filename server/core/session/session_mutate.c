#include "server/core/session/session_internal.h"

bool session_on_mutate(struct session *session, const struct msg_mutate *mutate, struct bytes frame)
{
    if (session->pending_count >= LIMIT_IN_FLIGHT) {
        return false;
    }
    return session_submit(session, COMMAND_MUTATE, frame, THEN_RESULT, mutate->number);
}

/* The committer made the result, unless the store failed it: then the number is still free and
 * the client may send it again. */
void session_answer_result(struct session *session, const struct pending *pending,
                           enum status status, struct bytes answer)
{
    struct message message;
    if (status == STATUS_OK && answer.size > 0) {
        session_reply_bytes(session, answer);
        if (session->feed.active && message_decode(answer, &message, NULL) == STATUS_OK &&
            message.type == MESSAGE_RESULT && bytes_is(message.as.result.status, "ok")) {
            feed_owe(&session->feed, message.as.result.seq);
        }
        return;
    }
    message = (struct message){.type = MESSAGE_RESULT};
    enum status told = status == STATUS_OK ? STATUS_INTERNAL : status;
    message.as.result.number = pending->number;
    message.as.result.status = bytes_text(status_name(told));
    session_reply(session, &message);
}

void session_on_goodbye(struct session *session, const struct msg_goodbye *goodbye)
{
    /* Best effort: rows that stay behind are bounded, and pruned by the next such client id. */
    if (goodbye->forget && session->pending_count == 0 &&
        !session_submit(session, COMMAND_FORGET_CLIENT, bytes_of(NULL, 0), THEN_NOTHING, 0)) {
        session_refuse(session, NULL, STATUS_BUSY, NULL);
    }
    session_close(session, CLOSE_GOODBYE);
}

/* Requests that read: each takes one snapshot, makes one page, and answers it. */
#include "server/core/session/session_internal.h"

#include "protocol/wire.h"
#include "server/core/query/query.h"

enum answer_kind { ANSWER_RECORDS, ANSWER_ENTRIES };

static void answer_page(struct session *session, uint64_t request, enum status status,
                        enum answer_kind kind, const struct page *page, const struct fault *fault)
{
    if (status != STATUS_OK) {
        session_refuse(session, &request, status, fault);
        return;
    }
    struct buffer items = {0};
    wire_put_array(&items, page->count);
    wire_put_raw(&items, buffer_bytes(&page->items));
    struct message message = {.type = MESSAGE_ANSWER};
    message.as.answer.request = request;
    if (kind == ANSWER_RECORDS) {
        message.as.answer.records = buffer_bytes(&items);
        message_mark(&message, "records");
    } else {
        message.as.answer.entries = buffer_bytes(&items);
        message_mark(&message, "entries");
    }
    if (page->next.size > 0) {
        message.as.answer.next = buffer_bytes(&page->next);
        message_mark(&message, "next");
    }
    if (items.failed) {
        session_refuse(session, &request, STATUS_NO_MEMORY, NULL);
    } else {
        session_reply(session, &message);
    }
    buffer_release(&items);
}

/* One handler is like another but for its message and the function that makes the page. */
#define ASK(name, function, kind)                                                                  \
    void session_on_##name(struct session *session, const struct msg_##name *asked)                \
    {                                                                                              \
        struct state state;                                                                        \
        struct meta meta;                                                                          \
        struct page page = {0};                                                                    \
        struct fault fault;                                                                        \
        fault_clear(&fault);                                                                       \
        if (!session_look(session, &state, &meta)) {                                               \
            return;                                                                                \
        }                                                                                          \
        enum status status =                                                                       \
            function(&state, &session->who, asked, &session->cache->record, &page, &fault);        \
        session_look_away(session);                                                                \
        answer_page(session, asked->request, status, kind, &page, &fault);                         \
        page_release(&page);                                                                       \
    }

ASK(fetch, query_fetch, ANSWER_RECORDS)
ASK(query, query_run, ANSWER_RECORDS)
ASK(timeline, query_timeline, ANSWER_RECORDS)
ASK(history, query_history, ANSWER_ENTRIES)

void session_on_status(struct session *session, const struct msg_status *status)
{
    struct buffer info = {0};
    session->port.describe(session->port.self, !session->who.partner, &info);
    struct message message = {.type = MESSAGE_ANSWER};
    message.as.answer.request = status->request;
    message.as.answer.info = buffer_bytes(&info);
    message_mark(&message, "info");
    if (info.failed) {
        session_refuse(session, &status->request, STATUS_NO_MEMORY, NULL);
    } else {
        session_reply(session, &message);
    }
    buffer_release(&info);
}

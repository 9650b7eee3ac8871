/* Answers about what is stored now: fetch, query, timeline, history. Each is a page, bounded in
 * what it returns and in how much it looks through, and goes on from a place the client sends
 * back.
 *
 * Staff are served from the indexes, every record found passing the gate. Outsiders are served
 * from the lanes of the scopes open to them alone, sorted in memory: so how long an answer takes
 * depends only on what they may see.
 */
#ifndef TANDEM_CORE_QUERY_H
#define TANDEM_CORE_QUERY_H

#include "protocol/message.h"
#include "server/core/access/access.h"

/* A page ends at the item that passes this: with one more record it is no larger than a message. */
#define PAGE_BYTES (LIMIT_MESSAGE_BYTES / 2)

/* One page under construction. Release the buffers afterwards. */
struct page {
    struct buffer items; /* encoded records or entries, one after another */
    uint32_t count;
    struct buffer next; /* the place to go on from; empty when this is the last page */
};

void page_release(struct page *page);

/* All return OK with the page filled, a refusal with `fault` (may be NULL) saying which field, or
 * an error of the store. `scratch` is working memory. */
enum status query_fetch(const struct state *state, const struct principal *who,
                        const struct msg_fetch *request, struct record *scratch, struct page *page,
                        struct fault *fault);
enum status query_run(const struct state *state, const struct principal *who,
                      const struct msg_query *request, struct record *scratch, struct page *page,
                      struct fault *fault);
enum status query_timeline(const struct state *state, const struct principal *who,
                           const struct msg_timeline *request, struct record *scratch,
                           struct page *page, struct fault *fault);
enum status query_history(const struct state *state, const struct principal *who,
                          const struct msg_history *request, struct record *scratch,
                          struct page *page, struct fault *fault);

#endif

/* Everything an outsider may see in some scopes, sorted, one page of it.
 *
 * Reads the lanes of the scopes that meet the viewer, each record once, and keeps the first
 * `limit` behind the place of the page. The work depends on what they may see and on nothing
 * else.
 */
#ifndef TANDEM_CORE_QUERY_GATHER_H
#define TANDEM_CORE_QUERY_GATHER_H

#include "server/core/query/query.h"

/* Most records looked at for one page: what bounds the time an I/O thread gives to it. An outsider
 * who sees more asks account by account. */
#define GATHER_MOST 100000u

/* Whether the record belongs in the answer, and then its sort key appended to `key`. */
typedef bool gather_take_fn(const void *context, const struct record *record, struct buffer *key);

struct gather {
    const struct state *state;
    const struct principal *who;
    struct record *scratch;
    gather_take_fn *take;
    const void *context;
    bool descending;
    uint32_t limit;
    struct bytes after;    /* place: key and id; none for the first page */
    const size_t *scanned; /* bytes that `take` has looked through so far; may be NULL */
};

/* `scopes` NULL: all that are open to the viewer, who must be an outsider then. Appends the
 * records to the page. INVALID_VALUE for a place that is none, LIMIT beyond GATHER_MOST or
 * QUERY_SCAN_BYTES. */
enum status gather_page(const struct gather *gather, const struct scope *scopes, size_t count,
                        struct page *page);

#endif

/* Reading a store as the server's sessions do: each request in a snapshot of its own, its sender
 * loaded anew when the people changed, the answer encoded. Without sockets and frames' headers.
 */
#ifndef TANDEM_TESTS_BENCH_STORE_READS_H
#define TANDEM_TESTS_BENCH_STORE_READS_H

#include "tests/bench/store_kept.h"

struct reads;

/* For a store seeded as `kept` says. NULL after words. */
struct reads *reads_new(struct store *store, const struct kept *kept);
void reads_free(struct reads *reads);

/* All return false after words when the store or the rules refuse. */

/* `count` requests of staff, each for one record chosen at random. */
bool reads_fetch(struct reads *reads, size_t count);
/* The same records looked up by their ids and left unread, which is LMDB alone. */
bool reads_look_up(struct reads *reads, size_t count);

#define READS_PAGE 50u
/* Walks the list of all contacts by their address, a page at a time, and remembers where pages
 * begin: before the first reads_list(). */
bool reads_learn_pages(struct reads *reads);
/* `count` pages of that list, from places in it chosen at random. */
bool reads_list(struct reads *reads, size_t count);

/* The n-th partner (counted round) catches up from nothing to the head. `records` (added to) were
 * in the frames. */
bool reads_catch_up(struct reads *reads, size_t n, uint64_t *records);

#endif

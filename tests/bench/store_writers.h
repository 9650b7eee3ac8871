/* Writers without sockets: sixty-four clients in this process, each of which submits its next
 * mutation to the committer when the last one was answered. What is measured with them is the one
 * writer of the server: decode, gate, schema, history, indexes, flush, answer.
 *
 * Time and randomness come from counters, so that the same mutations on the same store make the
 * same keys and values each time.
 */
#ifndef TANDEM_TESTS_BENCH_STORE_WRITERS_H
#define TANDEM_TESTS_BENCH_STORE_WRITERS_H

#include "server/store/store.h"
#include "tests/seed/seed.h"

#define WRITERS 64u

struct writers;

/* On an open store that was seeded so; commands are signed by its staff. `batch`: most mutations in
 * one transaction, 0 as the server has it. What the committer does at its start is done when this
 * returns. NULL after words. */
struct writers *writers_new(struct store *store, const struct seed_options *options,
                            const struct seeded *seeded, size_t batch);
void writers_free(struct writers *writers);

/* Prepares `count` mutations, replacing those prepared before: updates of interactions that are
 * spread over the whole store, with `creates` every second one creates an interaction. */
bool writers_prepare(struct writers *writers, size_t count, bool creates);

struct writers_figures {
    uint64_t wall_ns, cpu_ns; /* the calling thread's, the kernel's part included */
    uint64_t batches;
};
/* Sends what was prepared and waits for all answers; false after words when one is refused.
 * `cooler` (may be NULL) is used before each batch, which does not count. */
struct bench_cooler;
bool writers_run(struct writers *writers, struct bench_cooler *cooler, struct writers_figures *out);

#endif

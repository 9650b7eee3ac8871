/* Trying a fault at every place: the n-th call fails, for every n, once and from then on.
 *
 * An attempt does the whole work with the n-th call failing, checks what came of it, and says
 * whether n was reached. The sweep ends with the first n that was not: then every call there is has
 * failed once. Where that takes too long for a test of every day, a sweep names a stride: only
 * every so many n is tried, beginning at one that TANDEM_FAULTS_SEED (1 when not set) chooses, and
 * all of them when TANDEM_FAULTS is "every", as the long run sets it.
 *
 * Each sweep prints "faults: KIND: N points", which the long run adds up.
 */
#ifndef TANDEM_TESTS_SWEEP_H
#define TANDEM_TESTS_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

/* Returns false when the work ended before the n-th call: nothing failed. */
typedef bool sweep_fn(void *context, uint64_t n, bool onwards);

/* Most calls that any work here makes; more is a loop that never ends. */
#define SWEEP_MOST 200000u

/* Tries `attempt` for each n, once and then onwards. Returns how many points there were; fails
 * the test when there is none. */
uint64_t sweep(const char *kind, uint64_t stride, sweep_fn *attempt, void *context);
/* For what cannot be tried at every n in any time: every `stride`-th daily, every `long_stride`-th
 * in the long run. */
uint64_t sweep_sampled(const char *kind, uint64_t stride, uint64_t long_stride, sweep_fn *attempt,
                       void *context);
/* The same without a word, for sweeps that are many; tell the sum by sweep_tell(). */
uint64_t sweep_quietly(uint64_t stride, sweep_fn *attempt, void *context);
void sweep_tell(const char *kind, uint64_t points);
/* Where random choices begin. */
uint64_t sweep_seed(void);
bool sweep_every(void);

#endif

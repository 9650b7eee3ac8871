/* Allocation that fails when a test says so: failing_memory.c takes the place of protocol/memory.c
 * in the programs that link it (an archive gives way to an object that has the names already).
 *
 *     failing_memory_arm(3, false)   the third allocation from now on fails, the others succeed
 *     failing_memory_arm(3, true)    the third one fails, and all behind it
 *     failing_memory_disarm()        all succeed again; tells how many failed
 *
 * failing_memory_each() does so for every n, for work that needs no more than that; sweep.h has the
 * longer forms.
 *
 * Only the thread that armed is failed, so that the n-th call is the same one in every run.
 */
#ifndef TANDEM_TESTS_FAILING_MEMORY_H
#define TANDEM_TESTS_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `nth` from 1. */
void failing_memory_arm(uint64_t nth, bool onwards);
/* Lets calls succeed uncounted until it is called with false: for what a test itself does in the
 * middle of what it tries. */
void failing_memory_pause(bool paused);
uint64_t failing_memory_disarm(void);
/* Runs the work with each of its allocations failing once, in turn, until a run meets none. It
 * tells whether it was done, which the last run must be; the test fails when that never comes. */
void failing_memory_each(bool (*work)(void *context), void *context);
/* How often this thread has asked for memory, whether it got any or not. */
uint64_t failing_memory_calls(void);
/* Blocks that are not freed, of all threads. */
long failing_memory_held(void);

#endif

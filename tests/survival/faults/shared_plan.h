/* A plan that a test shares with a program which has failing_calls.c loaded: in a file that both
 * have mapped, named to the program by TANDEM_TEST_FAILING. */
#ifndef TANDEM_TESTS_SHARED_PLAN_H
#define TANDEM_TESTS_SHARED_PLAN_H

#include "tests/survival/faults/failing_calls.h"

/* Makes the file with an empty plan and maps it; fails the test when it cannot. */
struct failing_plan *shared_plan_make(const char *path, bool skip_flush);
/* Unmaps it; the file stays. */
void shared_plan_release(struct failing_plan *plan);

#endif

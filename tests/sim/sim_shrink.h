/* Makes a failing script short: leaves out ever smaller parts of it as long as it still fails, then
 * shortens its waits. */
#ifndef TANDEM_TESTS_SIM_SHRINK_H
#define TANDEM_TESTS_SIM_SHRINK_H

#include "tests/sim/sim_script.h"

/* Whether a script still fails. */
typedef bool sim_fails_fn(void *context, const struct sim_script *script);

/* Shrinks `script`, which fails, in place; asks `fails` at most `tries` times. */
void sim_shrink(struct sim_script *script, unsigned tries, sim_fails_fn *fails, void *context);

#endif

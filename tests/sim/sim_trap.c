/* Processes that die inside one of their commits, and machines that lose power then. From the
 * moment a trap is set, all that its victim writes is watched, since a loss of power takes what was
 * written long ago and never flushed. One victim is watched at a time; the others wait. */
#include "tests/sim/sim.h"
#include "tests/survival/faults/failing_calls.h"

#define INPUT_OUTPUT_ERROR 5 /* EIO */

static void unwatch(struct sim *sim, enum lost_writes lost)
{
    lost_writes_take(lost, sim_random(sim, UINT64_MAX));
    sim->watched = NULL;
}

bool trap_set(struct sim *sim, struct sim_trap *trap, const char *folder)
{
    struct failing_plan *plan = failing_plan();
    if (trap->calls == 0 || sim->calm || (sim->watched != NULL && sim->watched != trap))
        return false;
    if (sim->watched == NULL)
        lost_writes_watch(folder);
    sim->watched = trap;
    plan->calls = trap->calls;
    plan->nth = trap->nth;
    plan->way = trap->way;
    plan->error = INPUT_OUTPUT_ERROR;
    plan->onwards = 1;
    failing_calls_arm(plan);
    return true;
}

bool trap_sprung(struct sim *sim, struct sim_trap *trap)
{
    const bool sprung = failing_calls_disarm(failing_plan()) > 0;
    atomic_store(&failing_plan()->failed, 0);
    if (sprung) {
        *trap = (struct sim_trap){0};
    } else if (--trap->steps == 0) {
        *trap = (struct sim_trap){0};
        unwatch(sim, LOST_NONE);
    }
    return sprung;
}

void trap_take(struct sim *sim, enum lost_writes lost)
{
    unwatch(sim, lost);
}

void trap_clear(struct sim *sim, struct sim_trap *trap)
{
    *trap = (struct sim_trap){0};
    if (sim->watched == trap)
        unwatch(sim, LOST_NONE);
}

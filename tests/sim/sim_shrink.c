#include "tests/sim/sim_shrink.h"

#include <stdio.h>
#include <string.h>

struct shrinking {
    struct sim_script *script;
    unsigned tries;
    sim_fails_fn *fails;
    void *context;
    struct sim_script attempt;
};

static bool try(struct shrinking *shrinking)
{
    if (shrinking->tries == 0)
        return false;
    shrinking->tries--;
    if (!shrinking->fails(shrinking->context, &shrinking->attempt))
        return false;
    *shrinking->script = shrinking->attempt;
    return true;
}

static bool try_without(struct shrinking *shrinking, size_t from, size_t count)
{
    const struct sim_script *script = shrinking->script;
    struct sim_script *attempt = &shrinking->attempt;
    *attempt = *script;
    memmove(attempt->lines + from, attempt->lines + from + count,
            (script->count - from - count) * sizeof *attempt->lines);
    attempt->count -= count;
    return try(shrinking);
}

/* Parts of this size, from the end, since what comes last often does nothing. */
static bool without_parts(struct shrinking *shrinking, size_t size)
{
    bool shorter = false;
    for (size_t end = shrinking->script->count; end > 0 && shrinking->tries > 0;) {
        const size_t from = end > size ? end - size : 0;
        shorter = try_without(shrinking, from, end - from) || shorter;
        end = from;
    }
    return shorter;
}

static void shorten_waits(struct shrinking *shrinking)
{
    for (size_t i = 0; i < shrinking->script->count; i++) {
        if (strncmp(shrinking->script->lines[i].text, "wait ", 5) != 0)
            continue;
        shrinking->attempt = *shrinking->script;
        (void)snprintf(shrinking->attempt.lines[i].text, SIM_LINE, "wait 1s");
        (void)try(shrinking);
    }
}

void sim_shrink(struct sim_script *script, unsigned tries, sim_fails_fn *fails, void *context)
{
    struct shrinking shrinking = {
        .script = script, .tries = tries, .fails = fails, .context = context};
    for (size_t size = script->count / 2; size > 1; size /= 2)
        (void)without_parts(&shrinking, size);
    while (without_parts(&shrinking, 1) && shrinking.tries > 0) {
    }
    shorten_waits(&shrinking);
}

#include "tests/survival/faults/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define PROGRESS_SECONDS 20

uint64_t sweep_seed(void)
{
    const char *text = getenv("TANDEM_FAULTS_SEED");
    return text != NULL ? strtoull(text, NULL, 10) : 1;
}

bool sweep_every(void)
{
    const char *text = getenv("TANDEM_FAULTS");
    return text != NULL && strcmp(text, "every") == 0;
}

/* Now and then in a long run, for whoever waits. */
static void tell_progress(uint64_t n, bool onwards)
{
    static time_t last;
    const time_t now = time(NULL);
    if (!sweep_every() || now - last < PROGRESS_SECONDS)
        return;
    if (last != 0)
        printf("  at call %llu%s\n", (unsigned long long)n, onwards ? " and on" : "");
    (void)fflush(stdout);
    last = now;
}

static uint64_t run(uint64_t step, sweep_fn *attempt, void *context)
{
    uint64_t points = 0;
    for (int onwards = 0; onwards < 2; onwards++) {
        /* The second round begins elsewhere, so that a stride meets other places than before. */
        uint64_t n = 1 + (sweep_seed() + (onwards != 0 ? step / 2 : 0)) % step;
        for (; attempt(context, n, onwards != 0); n += step) {
            points++;
            tell_progress(n, onwards != 0);
            if (n > SWEEP_MOST)
                fail_msg("%u calls and no end", SWEEP_MOST);
        }
    }
    return points;
}

uint64_t sweep_quietly(uint64_t stride, sweep_fn *attempt, void *context)
{
    return run(sweep_every() || stride == 0 ? 1 : stride, attempt, context);
}

uint64_t sweep_sampled(const char *kind, uint64_t stride, uint64_t long_stride, sweep_fn *attempt,
                       void *context)
{
    const uint64_t points = run(sweep_every() ? long_stride : stride, attempt, context);
    sweep_tell(kind, points);
    assert_true(points > 0);
    return points;
}

void sweep_tell(const char *kind, uint64_t points)
{
    printf("faults: %s: %llu points, seed %llu\n", kind, (unsigned long long)points,
           (unsigned long long)sweep_seed());
    (void)fflush(stdout);
}

uint64_t sweep(const char *kind, uint64_t stride, sweep_fn *attempt, void *context)
{
    const uint64_t points = sweep_quietly(stride, attempt, context);
    sweep_tell(kind, points);
    assert_true(points > 0);
    return points;
}

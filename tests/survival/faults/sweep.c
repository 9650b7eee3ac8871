#include "tests/survival/faults/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

uint64_t sweep_quietly(uint64_t stride, sweep_fn *attempt, void *context)
{
    const uint64_t step = sweep_every() || stride == 0 ? 1 : stride;
    uint64_t points = 0;
    for (int onwards = 0; onwards < 2; onwards++) {
        /* The second round begins elsewhere, so that a stride meets other places than before. */
        uint64_t n = 1 + (sweep_seed() + (onwards != 0 ? step / 2 : 0)) % step;
        for (; attempt(context, n, onwards != 0); n += step) {
            points++;
            if (n > SWEEP_MOST)
                fail_msg("%u calls and no end", SWEEP_MOST);
        }
    }
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

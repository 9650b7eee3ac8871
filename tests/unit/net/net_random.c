#include "net_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/random.h>

static uint32_t seed;

uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

int choose_seed(void **state)
{
    (void)state;
    const char *given = getenv("TANDEM_TEST_SEED");
    if (given)
        seed = (uint32_t)strtoul(given, NULL, 10);
    else
        assert_int_equal(getrandom(&seed, sizeof seed, 0), sizeof seed);
    print_message("TANDEM_TEST_SEED=%u\n", seed);
    return 0;
}

#include "demo/random.h"

#include <assert.h>

uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t random_index(struct random *random, uint32_t count)
{
    assert(count > 0);
    return (uint32_t)(random_next(random) % count);
}

int random_between(struct random *random, int low, int high)
{
    assert(low <= high);
    return low + (int)random_index(random, (uint32_t)(high - low) + 1);
}

bool random_chance(struct random *random, unsigned percent)
{
    return random_index(random, 100) < percent;
}

/* A small generator of numbers that gives the same sequence on every machine: SplitMix64 (Steele,
 * Lea, Flood: "Fast splittable pseudorandom number generators", 2014). For a demo, not for secrets.
 */
#ifndef TANDEM_DEMO_RANDOM_H
#define TANDEM_DEMO_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state; /* any value is a seed */
};

uint64_t random_next(struct random *random);
/* A number from `low` to `high`, both included. */
int random_between(struct random *random, int low, int high);
/* An index below `count`, which is not 0. */
uint32_t random_index(struct random *random, uint32_t count);
bool random_chance(struct random *random, unsigned percent);

#endif

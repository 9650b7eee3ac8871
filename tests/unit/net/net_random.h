/* Random numbers of the tests of this layer, with a seed that is printed. */
#ifndef TANDEM_TESTS_NET_RANDOM_H
#define TANDEM_TESTS_NET_RANDOM_H

#include <stdint.h>

/* A group's set-up: seeded by TANDEM_TEST_SEED, or by the system. */
int choose_seed(void **state);
/* From 0 to below `below`, which is not 0. */
uint32_t draw(uint32_t below);

#endif

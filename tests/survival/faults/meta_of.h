/* What a store says of itself that nobody serves. */
#ifndef TANDEM_TESTS_META_OF_H
#define TANDEM_TESTS_META_OF_H

#include "server/core/state.h"

/* The test fails when it cannot be opened. */
struct meta meta_of(const char *path);

#endif

/* A pure layer that looks at the clock, and packs where it should not. */
#include <time.h>
#include <msgpack/pack.h>

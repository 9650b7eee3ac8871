/* What the tests of this layer share: random numbers with a printed seed, random values, hex, and
 * the files of shared data. */
#ifndef TANDEM_TESTS_PROTOCOL_SUPPORT_H
#define TANDEM_TESTS_PROTOCOL_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/bytes.h"
#include "protocol/wire.h"

struct random {
    uint64_t state;
};

/* Seeded from TANDEM_TEST_SEED, or from the time; prints the seed, so that a failure can be had
 * again. */
struct random random_begin(const char *test);
uint64_t random_next(struct random *random);
/* From 0 to below `bound`, which is not 0. */
uint64_t random_below(struct random *random, uint64_t bound);
/* Any 64 bits, but small numbers and those at the edges of the encodings most often. */
uint64_t random_number(struct random *random);
/* Appends valid UTF-8 of at most `most` bytes. */
void random_text(struct random *random, size_t most, struct buffer *out);
/* Appends one value that the validator accepts, nested up to `depth`. */
void random_value(struct random *random, unsigned depth, struct buffer *out);

/* Appends the bytes of pairs of hex digits, with anything between the pairs. */
void hex_read(struct bytes text, struct buffer *out);

/* A file of the shared data, whole, in `out`. False, with a loud word on stderr, when it is not
 * there: the caller then skips. */
bool shared_file(const char *path, struct buffer *out);
/* Any file, whole; false when it cannot be read. */
bool whole_file(const char *path, struct buffer *out);

#define assert_bytes(GOT, WANTED)                                   \
    do {                                                            \
        const struct bytes got_ = (GOT), wanted_ = (WANTED);        \
        assert_int_equal(got_.size, wanted_.size);                  \
        if (wanted_.size > 0)                                       \
            assert_memory_equal(got_.data, wanted_.data, got_.size); \
    } while (0)

#endif

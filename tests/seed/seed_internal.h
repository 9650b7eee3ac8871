/* What the parts of the seed share: numbers out of a seed, the records, and who is who. Internal.
 *
 * Everything follows from (options, index): the n-th record has the same id, fields and audience
 * however the store is filled.
 */
#ifndef TANDEM_TESTS_SEED_INTERNAL_H
#define TANDEM_TESTS_SEED_INTERNAL_H

#include "protocol/bytes.h"
#include "tests/seed/seed.h"

/* The made-up clock: the store was founded on 2025-01-01, and a record came every ten seconds. */
#define SEED_START_MS UINT64_C(1735689600000)
#define SEED_STEP_MS 10000u
#define SEED_EXPIRES_MS (SEED_START_MS + UINT64_C(100) * 365 * 86400000)

/* What an id or a secret is for; keeps their numbers apart. */
enum seed_use {
    SEED_EPOCH,
    SEED_CLIENT,
    SEED_FOUNDING,
    SEED_USER,
    SEED_PARTY,
    SEED_ASSIGNMENT,
    SEED_RECORD,
    SEED_TOKENS,
    SEED_WORDS
};

/* A number of its own for each (seed, use, n). */
uint64_t seed_number(uint64_t seed, enum seed_use use, uint64_t n);
void seed_octets(uint64_t seed, enum seed_use use, uint64_t n, uint8_t *out, size_t size);
struct id seed_id(uint64_t seed, enum seed_use use, uint64_t n, uint64_t at_ms);

/* Options with their defaults filled in; false after words when they cannot be met. */
bool seed_complete(const struct seed_options *options, struct seed_options *out);
/* Users, accounts and tokens; `seq` is left 0. NULL when out of memory. */
struct seeded *seed_plan(const struct seed_options *complete);

/* Appends one change that creates a record of `options->records`, a user, a partner, or a
 * partner's assignment. */
void seed_put_record(struct buffer *out, const struct seed_options *complete, uint64_t index);
void seed_put_party(struct buffer *out, const struct seeded *seeded, size_t partner);
void seed_put_user(struct buffer *out, const struct seeded *seeded, size_t user, struct id sales);
void seed_put_assignment(struct buffer *out, const struct seed_options *complete,
                         const struct seeded *seeded, size_t partner, size_t n);

/* Fills an empty store and writes its seq to `seeded`; false after words. */
bool seed_fill(const struct seed_options *complete, struct seeded *seeded);

#endif

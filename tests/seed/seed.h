/* A store filled without a server: the rules and the store, one mutation after another, in this
 * process, by the very code that the server runs (committer steps or apply over the store).
 *
 * The same options and seed make the same records. Users get tokens that tests/load signs in with,
 * so that thousands of clients need no password.
 */
#ifndef TANDEM_TESTS_SEED_SEED_H
#define TANDEM_TESTS_SEED_SEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/id.h"

#define SEED_TOKEN 65
#define SEED_PATH 480 /* bytes of a kept store's folder, its NUL included */

struct seed_options {
    const char *folder; /* store's folder, made when missing; must hold no store */
    uint64_t seed;
    uint64_t records;  /* accounts, contacts, interactions, notes, cases, ... in all */
    uint64_t accounts; /* of them accounts; 0: a 20th */
    unsigned staff;    /* users of the department sales, members; at least 1 */
    unsigned partners; /* suppliers, each with one user */
    unsigned accounts_a_partner;
    unsigned shared_percent; /* of the records in an account, those that partners may see */
    void (*progress)(void *context, uint64_t done, uint64_t of); /* may be NULL */
    void *context;
};

struct seed_user {
    struct id id;
    char name[32];
    char token[SEED_TOKEN];
    struct id party;           /* of a partner's user */
    const struct id *assigned; /* accounts of a partner, `assigned_count` of them */
    size_t assigned_count;
};

struct seeded {
    struct seed_user *users; /* staff first, then partners */
    size_t staff, partners;
    struct id *accounts;
    size_t account_count;
    struct id epoch;
    uint64_t seq; /* of the last change */
    char admin[32], admin_token[SEED_TOKEN];
};

/* NULL after words on standard error. Release with seed_free(). The store is durable when it
 * returns; until then a crash may leave half of one. */
struct seeded *seed_store(const struct seed_options *options);
/* The same store, kept from an earlier run when it was made with the same options and has not been
 * written much since (a tenth of its records); otherwise made anew. What else was in the folder is
 * then deleted. `*made` (may be NULL) tells which. */
struct seeded *seed_keep(const struct seed_options *options, bool *made);
void seed_free(struct seeded *seeded);

/* The record at `index` of `options->records`, known without looking: accounts come first, then one
 * record for each account in turn, so that every account has as many of each kind. */
struct id seed_record_id(const struct seed_options *options, uint64_t index);
const char *seed_record_entity(const struct seed_options *options, uint64_t index);

/* What `tandemd` needs besides a store: certificates below `folder` (made once, kept). Paths are
 * written to the outputs of 512 bytes. */
bool seed_certificates(const char *folder, char cert[512], char key[512], char ca[512]);

/* The list of changes (a MessagePack array) of a mutation that creates one interaction in an
 * account / updates the `subject` of one: what writers in the bench send. `audience` as a tag's
 * text, or NULL for internal. The caller frees the buffer. */
struct buffer;
void seed_create_interaction(struct buffer *out, struct id id, struct id account,
                             unsigned text_bytes, const char *audience);
void seed_update_interaction(struct buffer *out, struct id id, unsigned text_bytes, uint64_t nonce);

#endif

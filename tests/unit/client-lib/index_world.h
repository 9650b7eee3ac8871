/* Records of many kinds of fields, with indexes and without, for tests of what queries find. To be
 * linked with -Wl,--wrap=replica_index_look,--wrap=replica_index_walk. */
#ifndef TANDEM_TESTS_CLIENT_LIB_INDEX_WORLD_H
#define TANDEM_TESTS_CLIENT_LIB_INDEX_WORLD_H

#include "laid_world.h"

#include "client-lib/replica/replica_index.h"

int index_set_up(void **state);
#define INDEX_TEST(name) cmocka_unit_test_setup_teardown(name, index_set_up, laid_tear_down)

tandem_client *client_of(const struct laid_world *world);
struct replica *replica_of(const struct laid_world *world);

/* ---- Indexes ---- */

extern struct index_watch {
    bool hidden;    /* what is whole seems unfinished to queries */
    unsigned walks; /* of an index */
} watch;

/* Builds and drops all that is to be, for which nothing may wait to be scrubbed. Returns the slices
 * it took. */
unsigned run_all(struct laid_world *world);
enum replica_index_state state_of(struct laid_world *world, const char *entity, const char *field,
                                  uint8_t kind);
void want(struct laid_world *world, const char *entity, const char *field, uint8_t kind);
/* As a process that is killed, and another that does a slice. */
void begin_anew(struct laid_world *world);

/* ---- What is found ---- */

#define FOUND_MOST 4000u

struct found {
    uint32_t of[FOUND_MOST]; /* number and state */
    size_t count;
    size_t stop_after; /* 0: never */
};
/* `hidden`: with no index. */
tandem_code find_records(struct laid_world *world, const tandem_find *find, bool hidden,
                         struct found *found);
/* That it finds the same in the same order with indexes and without. */
void expect_same(struct laid_world *world, const tandem_find *asked, size_t stop_after);

/* ---- Opportunities ---- */

#define DEALS 1300u
#define HELD 4000u /* writes, after which most of them are there: two slices */
#define ACCOUNTS 5u
#define CUSTOM_RECORD 900001u /* which defines "margin" */

/* What an opportunity may have; the last cannot be sorted by. */
struct index_field {
    const char *name;
    enum field_kind kind;
};
#define FIELDS 8u
#define CUSTOM 6u /* "margin" */
extern const struct index_field fields[FIELDS];

/* Now and then nil, or of another kind. */
void put_value(struct buffer *out, enum field_kind kind, uint64_t *seed);
void put_fields(struct buffer *out, uint64_t *seed);
struct scope scope_of(unsigned account); /* 0: the library */
/* Within a transaction. */
void put_encoded(struct laid_world *world, const struct made *made);
void put_deal(struct laid_world *world, unsigned number, uint64_t *seed);
/* In one of their own: */
void define(struct laid_world *world, const char *kind);
void hold_deals(struct laid_world *world, unsigned count, uint64_t *seed);

#endif

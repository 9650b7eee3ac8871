/* A store in a directory of its own that is gone afterwards, and records to put into it. */
#ifndef TANDEM_TESTS_STORE_FIXTURE_H
#define TANDEM_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/core/record/record.h"
#include "server/store/store.h"

struct fixture {
    char path[64];
    struct store *store;
    struct store_reader *reader;
    struct state read;
    struct state write;
    bool reading, writing; /* a failed test leaves its transactions to the tear-down */
};

/* cmocka's set-up and tear-down. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
struct fixture *fixture_new(void); /* directory only, no store */
void fixture_free(struct fixture *fixture);
struct store_options fixture_options(const struct fixture *fixture);
void fixture_open(struct fixture *fixture, bool create);
void fixture_close(struct fixture *fixture);

void fixture_begin(struct fixture *fixture); /* fixture->write */
void fixture_commit(struct fixture *fixture);
void fixture_abort(struct fixture *fixture);
/* Commits, which must fail so. */
void fixture_commit_fails(struct fixture *fixture, enum status status);
void fixture_look(struct fixture *fixture); /* fixture->read */
void fixture_done(struct fixture *fixture);

/* Changes the value (or, with `key` only, removes the row) behind the store's back: it must be
 * closed. `change` may edit `value` in place. */
void fixture_tamper(const struct fixture *fixture, const char *table, const void *key,
                    size_t key_size, void (*change)(uint8_t *value, size_t size));
/* Adds a row behind the store's back. */
void fixture_smuggle(const struct fixture *fixture, const char *table, const void *key,
                     size_t key_size, const void *value, size_t value_size);

#define MADE_FIELDS 12u

/* A record, and the memory of its values. */
struct made {
    struct record record;
    struct buffer values[MADE_FIELDS];
};

struct id id_number(unsigned number);
struct scope account_scope(unsigned number);
extern const struct tag tag_internal, tag_partners, tag_suppliers;

/* A live record with one stamp, no fields and no placements; created at 1000 ms. */
struct made *made_new(unsigned number, const char *entity, struct scope scope, uint64_t seq);
void made_free(struct made *made);
struct made *made_copy(const struct made *made);
void made_text(struct made *made, const char *field, const char *text);
void made_bytes(struct made *made, const char *field, struct bytes text);
void made_time(struct made *made, const char *field, int64_t ms);
void made_clear(struct made *made, const char *field);
void made_place(struct made *made, struct scope scope, struct tag tag, uint64_t added);
void made_seq(struct made *made, uint64_t seq); /* seq and shared_seq */

#define assert_ok(call) assert_int_equal((call), STATUS_OK)
#define assert_status(call, name) assert_int_equal((call), STATUS_##name)
#define assert_id(id, number) assert_true(id_equal((id), id_number(number)))
void put(struct state state, const struct made *old, const struct made *made);

#endif

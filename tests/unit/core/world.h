/* A small company in memory, and short words for what its people do.
 *
 * The founding gives the departments sales, support and community and the administrator "ada".
 * Fields are written as "name=value|name=value", read as schema_parse reads what people type;
 * an empty value clears. Each user sends through one client whose numbers are counted here.
 */
#ifndef TANDEM_TESTS_CORE_WORLD_H
#define TANDEM_TESTS_CORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first */
#include <cmocka.h>

#include "protocol/message.h"
#include "server/core/access/access.h"
#include "server/core/apply/apply.h"
#include "server/core/credential.h"
#include "tests/fixture/memory_state.h"

#define WORLD_CLIENTS 64u
#define WORLD_START 1790000000000u /* a moment in September 2026 */
#define DAY UINT64_C(86400000)

struct world {
    struct memory_state *memory;
    struct state state;
    struct effects effects;
    uint64_t now;
    struct id ada;
    struct {
        struct id user;
        uint64_t number;
    } clients[WORLD_CLIENTS];
    unsigned client_count;
    uint64_t base;    /* of the next mutations; 0 for none */
    const char *mode; /* of the next mutations; NULL for none */
    uint64_t answered;
    struct buffer log; /* every command, each behind its length in 4 bytes */
};

struct reply {
    enum status status;
    uint64_t seq;
    int change;
    char field[65];
    char detail[161];
    uint32_t conflict_count;
    uint8_t conflicts[8192];
    size_t conflict_size;
};

struct changes {
    struct buffer list;
    uint32_t count;
};

void world_init(struct world *world);
void world_release(struct world *world);
/* Applies the log to an empty state, which the caller frees. */
struct memory_state *world_replay(const struct world *world);

/* The n-th id of a test. */
struct id nid(unsigned n);
/* The text of an id; good for the next 16 calls. */
const char *tx(struct id id);
/* printf into one of 16 buffers. */
const char *fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));

void add_create(struct changes *changes, const char *entity, struct id id, const char *fields);
/* With a scope ("party:<id>", or NULL) and an audience ("internal partners ...", or NULL). */
void add_create_in(struct changes *changes, const char *entity, struct id id, const char *fields,
                   const char *scope, const char *audience);
void add_update(struct changes *changes, const char *entity, struct id id, const char *fields,
                uint64_t base);
void add_remove(struct changes *changes, struct id id, uint64_t base);
void add_share(struct changes *changes, struct id id, const char *add, const char *remove);

/* Encodes fields of an entity as a map; unknown ones become strings. */
void put_fields(struct buffer *out, const char *entity, const char *fields);

/* Sends the changes as one mutation of the user, and clears them. */
struct reply send(struct world *world, struct id user, struct changes *changes);
/* The same with a number of one's own choice. */
struct reply send_numbered(struct world *world, struct id user, struct id client, uint64_t number,
                           struct changes *changes);
struct id client_of(struct id user);

/* One change each. */
struct reply create(struct world *world, struct id user, const char *entity, struct id id,
                    const char *fields);
struct reply create_in(struct world *world, struct id user, const char *entity, struct id id,
                       const char *fields, const char *scope, const char *audience);
struct reply update(struct world *world, struct id user, const char *entity, struct id id,
                    const char *fields);
struct reply erase(struct world *world, struct id user, struct id id);
struct reply share(struct world *world, struct id user, struct id id, const char *add,
                   const char *remove);

/* Applies a command as it is; the answer is in world->effects. */
void give(struct world *world, const struct command *command);
/* Any other command, now. Returns the status of the answer (OK when none is owed). */
enum status order(struct world *world, enum command_kind kind, struct id actor, struct bytes body);
/* Everything due up to now. */
void run_due(struct world *world);

/* The record as stored, until the next call. Fails the test when there is none. */
const struct record *stored(struct world *world, struct id id);
/* Text form of a field's value; "" when it is not set. Good for the next 16 calls. */
const char *value_of(struct world *world, struct id id, const char *field);
/* Live tags of the record, as text, sorted by their bytes and separated by spaces. */
const char *audience_of(struct world *world, struct id id);
const char *scope_text(struct world *world, struct id id);
bool is_there(struct world *world, struct id id); /* stored and not deleted */
/* Whether the gate lets the user read it. */
bool sees(struct world *world, struct id user, struct id id);
struct opening opening_of(struct world *world, struct id user, struct scope scope);
struct scope account_scope_of(struct id account);
uint64_t head(struct world *world);

/* People and partners: what most tests begin with. All by ada. */
struct id department(struct world *world, const char *name); /* of the founding */
void add_staff(struct world *world, struct id id, const char *name, const char *role,
               const char *department_name);
void add_partner(struct world *world, struct id party, const char *name, const char *kind);
void add_partner_user(struct world *world, struct id id, const char *name, struct id party);
void assign(struct world *world, struct id id, struct id party, struct id account,
            const char *level);

#define assert_reply(answer, expected)                                                       \
    do {                                                                                     \
        struct reply reply_ = (answer);                                                      \
        if (reply_.status != (expected))                                                     \
            print_error("answered %s (change %d, field \"%s\": %s)\n",                       \
                        status_name(reply_.status), reply_.change, reply_.field,             \
                        reply_.detail);                                                      \
        assert_int_equal(reply_.status, (expected));                                         \
    } while (0)
#define assert_ok(answer) assert_reply(answer, STATUS_OK)

int world_setup(void **state);
int world_teardown(void **state);
#define WORLD_TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

#endif

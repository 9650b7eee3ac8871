/* A store of the outbox for its tests, and words for what is put into it and found there. */
#ifndef TANDEM_TESTS_CLIENT_LIB_OUTBOX_WORLD_H
#define TANDEM_TESTS_CLIENT_LIB_OUTBOX_WORLD_H

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-lib/outbox/outbox_entry.h"
#include "client-lib/outbox/outbox_state.h"
#include "client-lib/outbox/outbox_store.h"

struct world {
    struct fake_port port;
    char *folder;
    struct outbox_store *store;
    struct buffer damaged;
};

/* An entry as it was, with the first of what was seen and of the conflicts. Slices are not to be
 * used, but for their sizes. */
struct copy {
    struct outbox_item item;
    char changes[512];
    char detail[64];
    struct outbox_seen seen;
    struct outbox_conflict conflict;
    bool has_theirs;
};

#define ORDERS_MOST 16
struct orders {
    uint64_t order[ORDERS_MOST];
    size_t count;
};

struct frames {
    uint64_t number[80], answered[80];
    size_t count, stop_at;
    struct buffer frame[80];
};

/* Opens the store in the folder; `damaged` gets the name of what was set aside. */
enum status try_open(struct world *world, tandem_fault *fault);
void open_again(struct world *world);
int set_up(void **state);
int tear_down(void **state);
/* One change to note `id`; `refers` (0: none) is put as a reference among the fields. */
void put_change(struct buffer *out, const char *op, unsigned id, const char *text, unsigned refers);
/* Queues one change, with what its author saw at seq 7 in account 1 when it is no creation. */
uint64_t queue_as(struct world *world, tandem_entry_state state, const char *op, unsigned id,
                  const char *text, unsigned refers);
uint64_t queue(struct world *world, const char *op, unsigned id, const char *text);
bool copy_item(void *context, const struct outbox_item *item);
/* The entry, which must be there. */
struct copy entry(struct world *world, uint64_t order);
bool note_order(void *context, const struct outbox_item *item);
struct orders all(struct world *world, unsigned states);
/* Notes a frame; false at `stop_at`. */
bool take_frame(void *context, uint64_t number, struct bytes frame);
struct frames send_from(struct world *world, uint64_t from);
void release(struct frames *frames);
size_t send_all(struct world *world);
/* Records one answer; the entries that were told of. */
struct orders answer(struct world *world, uint64_t number, enum status status, uint64_t seq);
size_t count(struct world *world, tandem_entry_state state);
/* Whether a file of the folder has these bytes anywhere. */
bool file_has(struct world *world, const char *name, const char *text);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif

/* A replica that is kept by the sync logic, and the words for a server that is the script of each
 * test. */
#ifndef TANDEM_TESTS_CLIENT_LIB_SYNC_WORLD_H
#define TANDEM_TESTS_CLIENT_LIB_SYNC_WORLD_H

#include "support.h"

#include <string.h>

#include "client-lib/sync/sync.h"

#define SENT_MAX 128
#define TOLD_MAX 256

struct sent {
    struct buffer frame;
    struct message message;
};

struct told {
    struct sync_event event;
    uint64_t cursor; /* of the replica when it was told */
};

struct world {
    char *folder;
    struct fake_port port;
    struct replica *replica;
    struct sync_store store; /* the replica's, with faults put in */
    struct sync sync;
    struct sent sent[SENT_MAX];
    size_t sent_count, sent_seen;
    struct told told[TOLD_MAX];
    size_t told_count;
    struct buffer lists[4];
};

struct said_backfill {
    struct scope scope;
    uint64_t from, to, until;
    bool done;
};

extern const struct id epoch;

void sync_world_open(struct world *world);
void sync_world_close(struct world *world);
int sync_world_set_up(void **state);
int sync_world_tear_down(void **state);
const struct message *expect_sent(struct world *world, enum message_type type);
void expect_nothing_sent(const struct world *world);
const struct message *connect_all(struct world *world);
struct message changes(uint64_t from, uint64_t to);
enum status receive(struct world *world, const struct message *message);
void mark(struct message *message, const char *name, struct bytes *at, struct bytes list);
enum status receive_records(struct world *world, uint64_t from, uint64_t to,
                            const struct made *made, size_t count);
enum status receive_removed(struct world *world, uint64_t from, uint64_t to, unsigned id);
enum status receive_entered(struct world *world, uint64_t from, uint64_t to, struct scope scope);
enum status receive_purged(struct world *world, uint64_t from, uint64_t to, struct scope scope);
enum status receive_backfill(struct world *world, struct said_backfill backfill,
                             const struct made *made, size_t count);
enum status receive_caught_up(struct world *world, uint64_t seq);
const struct told *expect_told(const struct world *world, size_t index, tandem_event_kind kind);
void expect_held(const struct world *world, size_t expected);
uint64_t held_seq(const struct world *world, unsigned id);
size_t count_told(const struct world *world, tandem_event_kind kind);

#endif

/* The ordered log: what decides in which order commands are applied.
 *
 * Whoever has a command appends it; whoever keeps a state watches, and applies the entries in the
 * order of their positions. Standing alone, the log is a bounded queue in memory (log_local.c)
 * and becomes durable as the effects of its entries do: the store keeps the position of the last
 * entry applied in the same transaction. A log shared by several machines takes the place of the
 * queue behind these same functions; that is why an entry is bytes, carries its own stamp, and
 * knows its origin only on the machine that appended it.
 */
#ifndef TANDEM_COMMIT_LOG_H
#define TANDEM_COMMIT_LOG_H

#include "server/commit/commit.h"

struct log;

struct log_entry {
    uint64_t position;
    struct origin origin;
    bool local;            /* appended here: `origin` means something */
    struct buffer payload; /* owned by the receiver */
};

/* A queue whose first entry gets the position behind `position`. NULL when out of memory. */
struct log *log_local_new(uint64_t position, size_t max_entries, size_t max_bytes);
void log_free(struct log *log);

/* Any thread. Copies. False when the log is full or closed, or memory is short. */
bool log_append(struct log *log, struct origin origin, struct bytes payload);

/* The next entries, at most `max`, without waiting; the receiver releases their payloads. */
size_t log_watch(struct log *log, struct log_entry *out, size_t max);

/* Waits until log_watch has something, or `timeout_ms` passed. False once closed and empty. */
bool log_wait(struct log *log, uint32_t timeout_ms);

/* Takes no more; what is in it can still be watched. */
void log_close(struct log *log);

/* How many appends were refused for lack of room. */
uint64_t log_refused(struct log *log);

#endif

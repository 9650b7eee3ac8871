/* The log of a server standing alone: a ring of entries behind a mutex. Appending threads hold it
 * for the copy of one small struct, the watcher for one batch of them. */
#include "server/commit/log.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "protocol/memory.h"

struct log {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct log_entry *ring;
    size_t capacity, first, count;
    size_t bytes, max_bytes;
    uint64_t next_position;
    uint64_t refused;
    bool closed;
};

static bool init_sync(struct log *log)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&log->mutex, NULL) != 0) {
        return false;
    }
    if (pthread_condattr_init(&attributes) != 0) {
        pthread_mutex_destroy(&log->mutex);
        return false;
    }
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&log->filled, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (!made) {
        pthread_mutex_destroy(&log->mutex);
    }
    return made;
}

struct log *log_local_new(uint64_t position, size_t max_entries, size_t max_bytes)
{
    struct log *log = memory_new(sizeof *log);
    if (log == NULL) {
        return NULL;
    }
    log->ring = memory_new(max_entries * sizeof *log->ring);
    log->capacity = max_entries;
    log->max_bytes = max_bytes;
    log->next_position = position + 1;
    if (log->ring == NULL || !init_sync(log)) {
        memory_free(log->ring);
        memory_free(log);
        return NULL;
    }
    return log;
}

void log_free(struct log *log)
{
    if (log == NULL) {
        return;
    }
    for (size_t i = 0; i < log->count; i++) {
        buffer_release(&log->ring[(log->first + i) % log->capacity].payload);
    }
    pthread_cond_destroy(&log->filled);
    pthread_mutex_destroy(&log->mutex);
    memory_free(log->ring);
    memory_free(log);
}

static void lock(struct log *log)
{
    int failed = pthread_mutex_lock(&log->mutex);
    assert(failed == 0);
}

static void unlock(struct log *log)
{
    int failed = pthread_mutex_unlock(&log->mutex);
    assert(failed == 0);
}

bool log_append(struct log *log, struct origin origin, struct bytes payload)
{
    struct log_entry entry = {.origin = origin, .local = true};
    buffer_append(&entry.payload, payload.data, payload.size);
    if (entry.payload.failed) {
        return false;
    }
    lock(log);
    bool room =
        !log->closed && log->count < log->capacity && log->bytes + payload.size <= log->max_bytes;
    if (room) {
        entry.position = log->next_position++;
        log->ring[(log->first + log->count) % log->capacity] = entry;
        log->count++;
        log->bytes += payload.size;
        pthread_cond_signal(&log->filled);
    } else {
        log->refused++;
    }
    unlock(log);
    if (!room) {
        buffer_release(&entry.payload);
    }
    return room;
}

size_t log_watch(struct log *log, struct log_entry *out, size_t max)
{
    lock(log);
    size_t count = log->count < max ? log->count : max;
    for (size_t i = 0; i < count; i++) {
        out[i] = log->ring[log->first];
        log->bytes -= out[i].payload.size;
        log->first = (log->first + 1) % log->capacity;
    }
    log->count -= count;
    unlock(log);
    return count;
}

static struct timespec deadline(uint32_t timeout_ms)
{
    struct timespec at;
    int failed = clock_gettime(CLOCK_MONOTONIC, &at);
    assert(failed == 0);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_nsec -= 1000000000L;
        at.tv_sec++;
    }
    return at;
}

bool log_wait(struct log *log, uint32_t timeout_ms)
{
    struct timespec until = deadline(timeout_ms);
    lock(log);
    int outcome = 0;
    while (log->count == 0 && !log->closed && outcome == 0) {
        outcome = pthread_cond_timedwait(&log->filled, &log->mutex, &until);
    }
    bool alive = log->count > 0 || !log->closed;
    unlock(log);
    return alive;
}

void log_close(struct log *log)
{
    lock(log);
    log->closed = true;
    pthread_cond_broadcast(&log->filled);
    unlock(log);
}

uint64_t log_refused(struct log *log)
{
    lock(log);
    uint64_t refused = log->refused;
    unlock(log);
    return refused;
}

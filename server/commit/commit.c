#include "server/commit/commit.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/commit/log.h"

#define DEFAULT_QUEUE_COMMANDS 4096u
#define DEFAULT_QUEUE_BYTES (64u * 1024u * 1024u)
#define DEFAULT_BATCH 512u
/* Units of work in one transaction, for each command that it may have: so many short commands always
 * find room, and few of those that are work. */
#define BATCH_WORK 2u
#define DEFAULT_RETENTION_MS (UINT64_C(90) * 86400000u)
#define PRUNE_EVERY_MS UINT64_C(3600000)
/* How long the thread sleeps at most; only bounds how late it notices a changed clock. */
#define LONGEST_WAIT_MS 60000u
#define RETRY_MS 1000u

/* What applying an entry was, and for whom; no units for what nobody is charged for. */
struct entry_work {
    struct id actor;
    uint32_t units;
};

struct committer {
    struct store *store;
    struct commit_port port;
    void *worked_self;
    commit_worked_fn *worked;
    struct log *log;
    size_t batch_commands;
    uint64_t retention_ms;
    struct log_entry *entries; /* the batch */
    struct buffer *answers;    /* of each entry, kept until the commit */
    struct entry_work *work;   /* likewise */
    struct effects effects;
    uint64_t next_due_ms, next_prune_ms;
    pthread_t thread;
    bool started;
    atomic_uint_fast64_t last_stamp_ms;
    atomic_uint_fast64_t batches, commands, largest_batch;
    atomic_bool read_only, failed;
};

/* What the store knows when the committer begins: the log position, and what is due first. */
static enum status read_start(struct store *store, uint64_t *position, uint64_t *due_ms)
{
    struct store_reader *reader;
    enum status status = store_reader_new(store, &reader);
    if (status != STATUS_OK) {
        return status;
    }
    struct state state;
    struct meta meta;
    status = store_read_begin(reader, &state);
    if (status == STATUS_OK) {
        status = state.ops->meta(state.self, &meta);
        *position = meta.log_position;
        if (status == STATUS_OK) {
            status = apply_next_due(&state, due_ms);
        }
        store_read_end(reader);
    }
    store_reader_free(reader);
    return status;
}

static size_t or_default(size_t value, size_t otherwise)
{
    return value != 0 ? value : otherwise;
}

struct committer *committer_new(struct store *store, const struct commit_port *port,
                                const struct commit_options *options)
{
    uint64_t position, due_ms;
    struct committer *committer = memory_new(sizeof *committer);
    if (committer == NULL || read_start(store, &position, &due_ms) != STATUS_OK) {
        memory_free(committer);
        return NULL;
    }
    committer->store = store;
    committer->port = *port;
    committer->next_due_ms = due_ms;
    committer->batch_commands = or_default(options->batch_commands, DEFAULT_BATCH);
    committer->retention_ms =
        options->retention_ms != 0 ? options->retention_ms : DEFAULT_RETENTION_MS;
    committer->entries = memory_new(committer->batch_commands * sizeof *committer->entries);
    committer->answers = memory_new(committer->batch_commands * sizeof *committer->answers);
    committer->work = memory_new(committer->batch_commands * sizeof *committer->work);
    committer->log =
        log_local_new(position, or_default(options->queue_commands, DEFAULT_QUEUE_COMMANDS),
                      or_default(options->queue_bytes, DEFAULT_QUEUE_BYTES));
    if (committer->entries == NULL || committer->answers == NULL || committer->work == NULL ||
        committer->log == NULL) {
        committer_free(committer);
        return NULL;
    }
    return committer;
}

void committer_free(struct committer *committer)
{
    if (committer == NULL) {
        return;
    }
    assert(!committer->started);
    for (size_t i = 0; committer->answers != NULL && i < committer->batch_commands; i++) {
        buffer_release(&committer->answers[i]);
    }
    log_free(committer->log);
    effects_release(&committer->effects);
    memory_free(committer->entries);
    memory_free(committer->answers);
    memory_free(committer->work);
    memory_free(committer);
}

void committer_tell_work(struct committer *committer, void *self, commit_worked_fn *worked)
{
    assert(!committer->started);
    committer->worked_self = self;
    committer->worked = worked;
}

/* The stamp's time: the clock, but never before an earlier stamp. */
static uint64_t stamp_time(struct committer *committer)
{
    uint64_t now = committer->port.now_ms(committer->port.self);
    uint_fast64_t last = atomic_load(&committer->last_stamp_ms);
    do {
        if (now < last) {
            now = last;
        }
    } while (!atomic_compare_exchange_weak(&committer->last_stamp_ms, &last, now));
    return now;
}

bool committer_submit(struct committer *committer, struct origin origin,
                      const struct command *command)
{
    if (atomic_load(&committer->failed)) {
        return false;
    }
    struct command stamped = *command;
    stamped.at_ms = stamp_time(committer);
    committer->port.random(committer->port.self, stamped.entropy, sizeof stamped.entropy);
    struct buffer payload = {0};
    command_encode(&payload, &stamped);
    bool taken = !payload.failed && log_append(committer->log, origin, buffer_bytes(&payload));
    buffer_release(&payload);
    return taken;
}

/* Commands of the server's own: what is due, and forgetting old deletions. */
static void submit_own(struct committer *committer)
{
    const struct origin nobody = {UINT32_MAX, 0, 0};
    uint64_t now = committer->port.now_ms(committer->port.self);
    if (committer->next_due_ms <= now) {
        struct command due = {.kind = COMMAND_DUE};
        committer_submit(committer, nobody, &due);
    }
    if (committer->next_prune_ms <= now) {
        struct buffer body = {0};
        wire_put_map(&body, 1);
        wire_put_text(&body, "before");
        wire_put_uint(&body, now > committer->retention_ms ? now - committer->retention_ms : 0);
        struct command prune = {.kind = COMMAND_PRUNE, .body = buffer_bytes(&body)};
        if (!body.failed && committer_submit(committer, nobody, &prune)) {
            committer->next_prune_ms = now + PRUNE_EVERY_MS;
        }
        buffer_release(&body);
    }
}

static enum status apply_entry(struct committer *committer, const struct state *state, size_t i)
{
    struct command command;
    struct effects *effects = &committer->effects;
    enum status status = command_decode(buffer_bytes(&committer->entries[i].payload), &command);
    if (status != STATUS_OK) {
        return status;
    }
    buffer_clear(&effects->answer);
    const uint64_t before = effects->work;
    status = apply_command(state, &command, effects);
    if (status == STATUS_OK && effects->failed) {
        status = STATUS_NO_MEMORY;
    }
    const bool charged = command.kind == COMMAND_NOTE;
    committer->work[i] = (struct entry_work){
        .actor = command.actor, .units = charged ? (uint32_t)(effects->work - before) : 0};
    struct buffer kept = committer->answers[i];
    committer->answers[i] = effects->answer;
    buffer_clear(&kept);
    effects->answer = kept;
    return status;
}

/* Keeps with the effects how far the log has been applied, and looks what is due next. */
static enum status finish_state(struct committer *committer, const struct state *state,
                                uint64_t position, uint64_t *due_ms)
{
    struct meta meta;
    enum status status = state->ops->meta(state->self, &meta);
    if (status == STATUS_OK) {
        meta.log_position = position;
        committer->effects.seq = meta.seq;
        status = state->ops->put_meta(state->self, &meta);
    }
    return status == STATUS_OK ? apply_next_due(state, due_ms) : status;
}

/* One transaction for entries [first, first + *count), of which it takes fewer when they are much
 * work: nobody who asked for little waits for an answer until all of that is done. When applying
 * fails, nothing of it happened, and *applied is how many could be before. `broken` tells a failure
 * to commit, after which the store must not be used. */
static enum status run_transaction(struct committer *committer, size_t first, size_t *count,
                                   size_t *applied, bool *broken)
{
    const uint64_t most = BATCH_WORK * (uint64_t)committer->batch_commands;
    struct state state;
    uint64_t due_ms = UINT64_MAX;
    *broken = false;
    *applied = 0;
    effects_clear(&committer->effects);
    memset(committer->work + first, 0, *count * sizeof *committer->work);
    enum status status = store_write_begin(committer->store, &state);
    atomic_store(&committer->read_only, status == STATUS_READ_ONLY);
    if (status != STATUS_OK) {
        return status;
    }
    while (*applied < *count && status == STATUS_OK) {
        status = apply_entry(committer, &state, first + *applied);
        *applied += status == STATUS_OK;
        if (committer->effects.work >= most && status == STATUS_OK) {
            *count = *applied;
        }
    }
    if (status == STATUS_OK) {
        status = finish_state(committer, &state, committer->entries[first + *count - 1].position,
                              &due_ms);
    }
    if (status != STATUS_OK) {
        store_write_abort(committer->store);
        return status;
    }
    status = store_write_commit(committer->store);
    *broken = status != STATUS_OK && status != STATUS_READ_ONLY && status != STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        committer->next_due_ms = due_ms;
    }
    return status;
}

static bool announce(struct committer *committer)
{
    struct notice *notice = notice_new(&committer->effects);
    if (notice == NULL) {
        return false;
    }
    committer->port.announce(committer->port.self, notice);
    notice_drop(notice);
    return true;
}

static void answer(struct committer *committer, size_t first, size_t count, enum status status)
{
    for (size_t i = first; i < first + count; i++) {
        const struct log_entry *entry = &committer->entries[i];
        const struct entry_work *work = &committer->work[i];
        if (committer->worked != NULL && entry->local && work->units > 0) {
            committer->worked(committer->worked_self, work->actor, work->units);
        }
        if (entry->local && entry->origin.thread != UINT32_MAX) {
            struct bytes bytes =
                status == STATUS_OK ? buffer_bytes(&committer->answers[i]) : bytes_of(NULL, 0);
            committer->port.answered(committer->port.self, entry->origin, status, bytes);
        }
    }
}

static void fail(struct committer *committer, enum status status)
{
    atomic_store(&committer->failed, true);
    log_close(committer->log);
    committer->port.failed(committer->port.self, status);
}

/* As run_transaction, without those from the first on that cannot be applied (it met a damaged
 * record, say): what stands before it is done alone, and when nothing does, it is the one that
 * fails. So it spoils no other, however often it comes. */
static enum status run_what_can_be(struct committer *committer, size_t first, size_t *count,
                                   bool *broken)
{
    size_t applied;
    enum status status = run_transaction(committer, first, count, &applied, broken);
    while (status != STATUS_OK && status != STATUS_READ_ONLY && applied < *count) {
        *count = applied > 0 ? applied : 1;
        if (applied == 0) {
            return status;
        }
        status = run_transaction(committer, first, count, &applied, broken);
    }
    return status;
}

/* Commits entries together, as many of *count as it says then, and tells; false when the committer
 * must stop. When it is not to be told which of several cannot be kept, each is tried by itself. */
static bool commit_entries(struct committer *committer, size_t first, size_t *count)
{
    bool broken;
    enum status status = run_what_can_be(committer, first, count, &broken);
    if (broken || (status == STATUS_OK && !announce(committer))) {
        fail(committer, status != STATUS_OK ? status : STATUS_NO_MEMORY);
        return false;
    }
    if (status != STATUS_OK) {
        /* What is due stays due; without a pause the thread would only spin. */
        committer->next_due_ms = committer->port.now_ms(committer->port.self) + RETRY_MS;
    }
    bool singly = status != STATUS_OK && status != STATUS_READ_ONLY && *count > 1;
    if (!singly) {
        answer(committer, first, *count, status);
        return true;
    }
    for (size_t i = first; i < first + *count; i++) {
        size_t one = 1;
        if (!commit_entries(committer, i, &one)) {
            return false;
        }
    }
    return true;
}

static void count_batch(struct committer *committer, size_t commands)
{
    atomic_fetch_add(&committer->batches, 1);
    atomic_fetch_add(&committer->commands, commands);
    if (commands > atomic_load(&committer->largest_batch)) {
        atomic_store(&committer->largest_batch, commands);
    }
}

size_t committer_run_batch(struct committer *committer)
{
    if (atomic_load(&committer->failed)) {
        return 0;
    }
    submit_own(committer);
    size_t count = log_watch(committer->log, committer->entries, committer->batch_commands);
    bool going = true;
    for (size_t done = 0, taken; going && done < count; done += taken) {
        taken = count - done;
        going = commit_entries(committer, done, &taken);
        count_batch(committer, taken);
    }
    for (size_t i = 0; i < count; i++) {
        buffer_release(&committer->entries[i].payload);
    }
    return count;
}

bool committer_wait(struct committer *committer, uint32_t timeout_ms)
{
    uint64_t now = committer->port.now_ms(committer->port.self);
    uint64_t next = committer->next_due_ms < committer->next_prune_ms ? committer->next_due_ms
                                                                      : committer->next_prune_ms;
    uint64_t until = next > now ? next - now : 0;
    return log_wait(committer->log, until < timeout_ms ? (uint32_t)until : timeout_ms);
}

void committer_stop(struct committer *committer)
{
    log_close(committer->log);
}

static void *run(void *argument)
{
    struct committer *committer = argument;
    while (committer_wait(committer, LONGEST_WAIT_MS) && !atomic_load(&committer->failed)) {
        committer_run_batch(committer);
    }
    return NULL;
}

enum status committer_start(struct committer *committer)
{
    assert(!committer->started);
    committer->started = pthread_create(&committer->thread, NULL, run, committer) == 0;
    return committer->started ? STATUS_OK : STATUS_NO_MEMORY;
}

void committer_join(struct committer *committer)
{
    if (committer->started) {
        int failed = pthread_join(committer->thread, NULL);
        assert(failed == 0);
        committer->started = false;
    }
}

void committer_figures(struct committer *committer, struct commit_figures *out)
{
    *out = (struct commit_figures){
        .batches = atomic_load(&committer->batches),
        .commands = atomic_load(&committer->commands),
        .largest_batch = atomic_load(&committer->largest_batch),
        .refused_full = log_refused(committer->log),
        .read_only = atomic_load(&committer->read_only),
        .failed = atomic_load(&committer->failed),
    };
}

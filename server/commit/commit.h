/* The one writer: takes what waits, applies it, makes it durable with one flush, then tells.
 *
 *     submit (any thread) -> queue -> [take -> log_append -> apply each -> commit -> announce]
 *
 * The steps between the brackets are plain functions over a struct committer, run by
 * committer_run_batch(); the thread around it only waits and calls. Answers
 * and notices go out only after the commit: what nobody could lose, nobody hears.
 *
 * When a commit fails (anything but a full map or a lack of memory), nobody is answered, the
 * committer refuses everything from then on, and `failed` tells the application, which must stop:
 * clients send again and get answers from what is really stored.
 */
#ifndef TANDEM_COMMIT_COMMIT_H
#define TANDEM_COMMIT_COMMIT_H

#include "server/core/apply/apply.h"
#include "server/core/feed/notice.h"
#include "server/store/store.h"

struct committer;

/* Who asked, in terms of whoever submitted: handed back unread. */
struct origin {
    uint32_t thread;
    uint64_t session; /* a number that is never reused, not a pointer: the session may be gone */
    uint64_t ticket;
};

struct commit_port {
    void *self;
    uint64_t (*now_ms)(void *self);
    void (*random)(void *self, void *out, size_t size);
    /* After the commit, on the committer's thread: the outcome of one command. `answer` is valid
     * during the call. */
    void (*answered)(void *self, struct origin origin, enum status status, struct bytes answer);
    /* After the commit, before the answers of the batch: one for each I/O thread to share. */
    void (*announce)(void *self, struct notice *notice);
    /* The store failed; no further batch will be run. */
    void (*failed)(void *self, enum status status);
};

struct commit_options {
    size_t queue_commands; /* most commands waiting; 0: 4,096 */
    size_t queue_bytes;    /* most bytes waiting; 0: 64 MiB */
    size_t batch_commands; /* most commands in one transaction; 0: 512. Fewer where they are work:
                              two units (server/core/work.h) for each are its end */
    uint64_t retention_ms; /* how long deletions are remembered; 0: 90 days */
};

struct committer *committer_new(struct store *store, const struct commit_port *port,
                                const struct commit_options *options);
void committer_free(struct committer *committer);

/* Tells of each push to a live note, after its commit and before its answer, on the committer's
 * thread: whose it was and how much work, in units of server/core/work.h. To be set before the thread
 * is started; NULL: nobody is told. */
typedef void commit_worked_fn(void *self, struct id actor, uint32_t units);
void committer_tell_work(struct committer *committer, void *self, commit_worked_fn *worked);

/* Any thread. Copies the command and stamps it. False when the queue is
 * full, the committer stopped or failed, or memory is short: then nothing was taken. */
bool committer_submit(struct committer *committer, struct origin origin,
                      const struct command *command);

/* One batch, due assignments included, in several transactions where it is much work; without
 * waiting. Returns how many commands were applied;
 * 0 when nothing waited or the committer has failed. */
size_t committer_run_batch(struct committer *committer);

/* Waits until something is submitted or due, at most `timeout_ms`. False once stopped and empty. */
bool committer_wait(struct committer *committer, uint32_t timeout_ms);

/* Takes no more, from any thread; what waits will still be applied. */
void committer_stop(struct committer *committer);

/* The thread: runs batches until stopped and empty, or failed. */
enum status committer_start(struct committer *committer);
void committer_join(struct committer *committer);

struct commit_figures {
    uint64_t batches, commands, largest_batch, refused_full;
    bool read_only, failed;
};
void committer_figures(struct committer *committer, struct commit_figures *out);

#endif

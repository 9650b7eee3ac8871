#include "tests/bench/store_writers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/message.h"
#include "server/commit/commit.h"
#include "tests/bench/bench.h"

#define TEXT_BYTES 120u
#define SUBJECT_BYTES 40u

struct writer {
    struct id client, actor;
    uint64_t number;
};

struct prepared {
    size_t at, size; /* in bodies */
};

struct writers {
    struct committer *committer;
    const struct seed_options *options;
    const struct seeded *seeded;
    struct writer writers[WRITERS];
    struct buffer bodies;
    struct prepared *prepared;
    size_t count, submitted, answered;
    uint64_t now_ms, random;
    bool failed;
    char why[200];
};

static uint64_t next_random(struct writers *writers)
{
    uint64_t z = (writers->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- The committer's port ------------------------------------------------------------------- */

static uint64_t now_ms(void *self)
{
    return ((struct writers *)self)->now_ms++;
}

static void fill_random(void *self, void *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)out)[i] = (uint8_t)next_random(self);
    }
}

static void fail(struct writers *writers, const char *what, struct bytes detail)
{
    char text[120];
    if (!writers->failed) {
        (void)snprintf(writers->why, sizeof writers->why, "%s: %s", what,
                       bytes_to_text(detail, text, sizeof text));
    }
    writers->failed = true;
}

/* The next prepared mutation, of the writer whose turn it is: answers come in the order in which
 * was asked, so that is who was just answered. */
static void submit(struct writers *writers)
{
    if (writers->submitted == writers->count) {
        return;
    }
    const struct writer *writer = &writers->writers[writers->submitted % WRITERS];
    const struct prepared *next = &writers->prepared[writers->submitted++];
    struct command command = {.kind = COMMAND_MUTATE,
                              .actor = writer->actor,
                              .client = writer->client,
                              .body = bytes_of(writers->bodies.data + next->at, next->size)};
    if (!committer_submit(writers->committer, (struct origin){.thread = 0}, &command)) {
        fail(writers, "the committer", bytes_text("takes nothing"));
    }
}

static void answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    struct writers *writers = self;
    struct message message;
    (void)origin;
    writers->answered++;
    if (status != STATUS_OK || message_decode(answer, &message, NULL) != STATUS_OK) {
        fail(writers, "a mutation", bytes_text(status_name(status)));
    } else if (!bytes_is(message.as.result.status, "ok")) {
        fail(writers, "a mutation was refused", message.as.result.detail);
    } else {
        submit(writers);
    }
}

static void announce(void *self, struct notice *notice)
{
    (void)self, (void)notice; /* nobody watches */
}

static void failed(void *self, enum status status)
{
    fail(self, "the committer", bytes_text(status_text(status)));
}

/* ---- Preparing ------------------------------------------------------------------------------ */

struct writers *writers_new(struct store *store, const struct seed_options *options,
                            const struct seeded *seeded, size_t batch)
{
    struct writers *writers = calloc(1, sizeof *writers);
    if (writers == NULL) {
        return NULL;
    }
    struct commit_port port = {.self = writers,
                               .now_ms = now_ms,
                               .random = fill_random,
                               .answered = answered,
                               .announce = announce,
                               .failed = failed};
    /* After the made-up time of the seed, and other clients each time the store is opened. */
    writers->now_ms = UINT64_C(1767225600000) + seeded->seq;
    writers->random = options->seed ^ seeded->seq << 20;
    writers->options = options;
    writers->seeded = seeded;
    for (size_t i = 0; i < WRITERS; i++) {
        uint8_t random[10];
        fill_random(writers, random, sizeof random);
        writers->writers[i] = (struct writer){.client = id_make(now_ms(writers), random),
                                              .actor = seeded->users[i % seeded->staff].id};
    }
    writers->committer =
        committer_new(store, &port, &(struct commit_options){.batch_commands = batch});
    if (writers->committer == NULL) {
        (void)fprintf(stderr, "writers: the committer cannot be made\n");
        writers_free(writers);
        return NULL;
    }
    /* It looks through old deletions first. */
    committer_run_batch(writers->committer);
    return writers;
}

void writers_free(struct writers *writers)
{
    if (writers == NULL) {
        return;
    }
    if (writers->committer != NULL) {
        committer_stop(writers->committer);
        committer_free(writers->committer);
    }
    buffer_release(&writers->bodies);
    free(writers->prepared);
    free(writers);
}

/* Any interaction of the seed. */
static struct id random_interaction(struct writers *writers)
{
    uint64_t index;
    do {
        index = next_random(writers) % writers->options->records;
    } while (strcmp(seed_record_entity(writers->options, index), "interaction") != 0);
    return seed_record_id(writers->options, index);
}

static void put_changes(struct writers *writers, struct buffer *changes, bool create)
{
    buffer_clear(changes);
    if (!create) {
        seed_update_interaction(changes, random_interaction(writers), SUBJECT_BYTES,
                                next_random(writers));
        return;
    }
    uint8_t random[10];
    fill_random(writers, random, sizeof random);
    struct id account =
        writers->seeded->accounts[next_random(writers) % writers->seeded->account_count];
    seed_create_interaction(changes, id_make(now_ms(writers), random), account, TEXT_BYTES, NULL);
}

bool writers_prepare(struct writers *writers, size_t count, bool creates)
{
    struct buffer changes = {0};
    free(writers->prepared);
    writers->prepared = calloc(count, sizeof *writers->prepared);
    writers->count = writers->prepared == NULL ? 0 : count;
    writers->submitted = writers->answered = 0;
    buffer_clear(&writers->bodies);
    for (size_t i = 0; i < writers->count; i++) {
        struct message message = {.type = MESSAGE_MUTATE};
        struct writer *writer = &writers->writers[i % WRITERS];
        put_changes(writers, &changes, creates && i % 2 == 0);
        message.as.mutate.answered = writer->number;
        message.as.mutate.number = ++writer->number;
        message.as.mutate.changes = buffer_bytes(&changes);
        message_mark(&message, "answered");
        writers->prepared[i].at = writers->bodies.size;
        message_encode(&writers->bodies, &message);
        writers->prepared[i].size = writers->bodies.size - writers->prepared[i].at;
    }
    bool made = writers->count == count && !writers->bodies.failed && !changes.failed;
    buffer_release(&changes);
    return made;
}

/* ---- Running -------------------------------------------------------------------------------- */

/* Adds what one batch took. */
static void run_batch(struct writers *writers, struct writers_figures *out)
{
    uint64_t wall = bench_now_ns(), cpu = bench_thread_cpu_ns();
    if (committer_run_batch(writers->committer) == 0) {
        fail(writers, "the committer", bytes_text("has nothing to do"));
    }
    out->wall_ns += bench_now_ns() - wall;
    out->cpu_ns += bench_thread_cpu_ns() - cpu;
    out->batches++;
}

bool writers_run(struct writers *writers, struct bench_cooler *cooler, struct writers_figures *out)
{
    *out = (struct writers_figures){.batches = 0};
    for (uint32_t i = 0; i < WRITERS; i++) {
        submit(writers);
    }
    while (writers->answered < writers->count && !writers->failed) {
        if (cooler != NULL) {
            bench_cool(cooler);
        }
        run_batch(writers, out);
    }
    if (writers->failed) {
        (void)fprintf(stderr, "writers: %s\n", writers->why);
    }
    return !writers->failed;
}

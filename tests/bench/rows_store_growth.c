/* Growth: what one request costs in a store of so many records, against the same in one of 10
 * thousand. Both stores are open side by side, warm, and read at random all over.
 *
 * Tables are trees, so a cost may grow with the logarithm of the number of records; where it has
 * no reason to, the bound is flat (rows_store.c). CPU time of the thread that does it, the
 * kernel's part included. The processor's caches are filled with other bytes before each handful
 * of requests: the smallest store would fit into them, and be compared with memory. */
#include <stdlib.h>

#include "tests/bench/rows_store.h"
#include "tests/bench/store_reads.h"
#include "tests/bench/store_writers.h"

#define SMALL_RECORDS 10000u
#define MUTATIONS (WRITERS * 2u)
/* Reads are made in rounds, each on cooled caches. */
#define FETCH_ROUNDS 40u
#define FETCHES 64u
#define LIST_ROUNDS 40u
#define PAGES 4u
#define CATCH_UP_ROUNDS 20u

struct side {
    struct kept kept;
    struct store *store;
    struct reads *reads;
    struct writers *writers;
    struct bench_cooler *cooler; /* of both sides */
};

struct growth {
    struct side large, small;
    struct bench_cooler *cooler;
};

static bool side_open(struct side *side, struct bench_run *run, uint64_t records)
{
    if (!kept_open(&side->kept, run, records) || !kept_store(&side->kept, run, &side->store)) {
        return false;
    }
    side->reads = reads_new(side->store, &side->kept);
    return side->reads != NULL;
}

static void side_close(struct side *side)
{
    writers_free(side->writers);
    reads_free(side->reads);
    store_close(side->store);
    kept_release(&side->kept);
}

/* Stores of both sizes. */
static struct growth *growth_open(struct bench_run *run, void **context)
{
    struct growth *growth = calloc(1, sizeof *growth);
    *context = growth;
    bench_pin(BENCH_SERVER_CPU);
    if (growth == NULL || (growth->cooler = bench_cooler_new()) == NULL ||
        !side_open(&growth->large, run, (uint64_t)bench_parameter(run)) ||
        !side_open(&growth->small, run, SMALL_RECORDS)) {
        return NULL;
    }
    growth->large.cooler = growth->small.cooler = growth->cooler;
    return growth;
}

static void growth_close(void *context)
{
    struct growth *growth = context;
    if (growth != NULL) {
        side_close(&growth->large);
        side_close(&growth->small);
        bench_cooler_free(growth->cooler);
    }
    free(growth);
}

/* ---- A mutation ----------------------------------------------------------------------------- */

/* Each in a transaction of its own. Sixty-four together would meet on the few pages of the small
 * store, which is its luck, and hardly ever on those of a large one. */
static bool side_writers(struct side *side)
{
    side->writers = writers_new(side->store, &side->kept.options, side->kept.seeded, 1);
    return side->writers != NULL;
}

bool growth_mutation_set_up(struct bench_run *run, void **context)
{
    struct growth *growth = growth_open(run, context);
    return growth != NULL && side_writers(&growth->large) && side_writers(&growth->small);
}

static bool mutate(struct bench_run *run, struct side *side, const char *flushed, double *figure)
{
    struct writers_figures figures;
    if (!writers_prepare(side->writers, MUTATIONS, false) ||
        !writers_run(side->writers, side->cooler, &figures)) {
        bench_fail(run, "the writers did not come to their end");
        return false;
    }
    *figure = (double)figures.cpu_ns / 1e3 / MUTATIONS;
    bench_note(run, flushed, (double)figures.wall_ns / 1e3 / MUTATIONS);
    return true;
}

bool growth_mutation_subject(struct bench_run *run, void *context, double *figure)
{
    return mutate(run, &((struct growth *)context)->large, "us with the flush", figure);
}

bool growth_mutation_limit(struct bench_run *run, void *context, double *figure)
{
    return mutate(run, &((struct growth *)context)->small, "us with the flush, of 10k", figure);
}

void growth_mutation_tear_down(void *context)
{
    growth_close(context);
}

/* ---- Reading -------------------------------------------------------------------------------- */

typedef bool reads_fn(struct reads *reads, size_t count);

/* CPU microseconds of each of FETCHES reads, on cooled caches. */
static bool fetch(struct side *side, reads_fn *read, double *figure)
{
    bool done = true;
    uint64_t ns = 0;
    for (unsigned i = 0; i < FETCH_ROUNDS && done; i++) {
        bench_cool(side->cooler);
        uint64_t start = bench_thread_cpu_ns();
        done = read(side->reads, FETCHES);
        ns += bench_thread_cpu_ns() - start;
    }
    *figure = (double)ns / 1e3 / (FETCH_ROUNDS * FETCHES);
    return done;
}

bool growth_fetch_set_up(struct bench_run *run, void **context)
{
    return growth_open(run, context) != NULL;
}

bool growth_fetch_subject(struct bench_run *run, void *context, double *figure)
{
    (void)run;
    return fetch(&((struct growth *)context)->large, reads_fetch, figure);
}

/* A tree's new level is always its coldest: lines of pages that no other request has brought into
 * the caches, and addresses that none has had translated. So a level costs more than the average of
 * those above, and the limit takes what it costs from LMDB itself. */
bool growth_fetch_limit(struct bench_run *run, void *context, double *figure)
{
    struct growth *growth = context;
    double small, bare_small, bare_large;
    if (!fetch(&growth->small, reads_fetch, &small) ||
        !fetch(&growth->small, reads_look_up, &bare_small) ||
        !fetch(&growth->large, reads_look_up, &bare_large)) {
        return false;
    }
    bench_note(run, "among 10k", small);
    bench_note(run, "bare look-up", bare_large);
    bench_note(run, "bare look-up among 10k", bare_small);
    *figure = small + (bare_large > bare_small ? bare_large - bare_small : 0);
    return true;
}

void growth_fetch_tear_down(void *context)
{
    growth_close(context);
}

static bool list(struct side *side, double *figure)
{
    bool done = true;
    uint64_t ns = 0;
    for (unsigned i = 0; i < LIST_ROUNDS && done; i++) {
        bench_cool(side->cooler);
        uint64_t start = bench_thread_cpu_ns();
        done = reads_list(side->reads, PAGES);
        ns += bench_thread_cpu_ns() - start;
    }
    *figure = (double)ns / 1e3 / (LIST_ROUNDS * PAGES);
    return done;
}

bool growth_list_set_up(struct bench_run *run, void **context)
{
    struct growth *growth = growth_open(run, context);
    return growth != NULL && reads_learn_pages(growth->large.reads) &&
           reads_learn_pages(growth->small.reads);
}

bool growth_list_subject(struct bench_run *run, void *context, double *figure)
{
    (void)run;
    return list(&((struct growth *)context)->large, figure);
}

bool growth_list_limit(struct bench_run *run, void *context, double *figure)
{
    (void)run;
    return list(&((struct growth *)context)->small, figure);
}

void growth_list_tear_down(void *context)
{
    growth_close(context);
}

static bool partner(struct bench_run *run, struct side *side, const char *noted, double *figure)
{
    bool done = true;
    uint64_t records = 0, ns = 0;
    for (unsigned i = 0; i < CATCH_UP_ROUNDS && done; i++) {
        bench_cool(side->cooler);
        uint64_t start = bench_thread_cpu_ns();
        done = reads_catch_up(side->reads, i, &records);
        ns += bench_thread_cpu_ns() - start;
    }
    *figure = (double)ns / 1e3 / CATCH_UP_ROUNDS;
    bench_note(run, noted, (double)records / CATCH_UP_ROUNDS);
    return done;
}

bool growth_partner_set_up(struct bench_run *run, void **context)
{
    return growth_open(run, context) != NULL;
}

bool growth_partner_subject(struct bench_run *run, void *context, double *figure)
{
    return partner(run, &((struct growth *)context)->large, "records", figure);
}

bool growth_partner_limit(struct bench_run *run, void *context, double *figure)
{
    return partner(run, &((struct growth *)context)->small, "records of 10k", figure);
}

void growth_partner_tear_down(void *context)
{
    growth_close(context);
}

/* ---- The disk ------------------------------------------------------------------------------- */

static bool bytes(struct side *side, double *figure)
{
    struct store_figures figures;
    if (store_figures(side->store, &figures) != STATUS_OK || figures.records == 0) {
        return false;
    }
    *figure = (double)figures.bytes_used / (double)figures.records;
    return true;
}

bool growth_bytes_set_up(struct bench_run *run, void **context)
{
    return growth_open(run, context) != NULL;
}

bool growth_bytes_subject(struct bench_run *run, void *context, double *figure)
{
    (void)run;
    return bytes(&((struct growth *)context)->large, figure);
}

bool growth_bytes_limit(struct bench_run *run, void *context, double *figure)
{
    (void)run;
    return bytes(&((struct growth *)context)->small, figure);
}

void growth_bytes_tear_down(void *context)
{
    growth_close(context);
}

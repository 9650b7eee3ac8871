/* Rows of the network: what a delivery, a message, a connection cost, and how long a change takes.
 *
 * What counts as the server's CPU is all of tandemd: the mutation that caused the deliveries
 * (commit, flush, answer) and the clients' acknowledgements are included, and nothing is
 * subtracted. The bare loop makes no changes durable; so the limit is its CPU and that of the same
 * mutations on a second tandemd, which nobody watches: what is compared is what the deliveries add.
 * (The difference of two commits would say that directly, but is smaller than their noise.) The
 * cost of a delivery on each side alone is noted with each row.
 *
 * Every client sees every change as a frame of its own in the rows "deliveries": a change is made
 * when all clients have seen the one before.
 */
#include "tests/bench/rows_network_stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Changes that a round makes, as far as a round of this many deliveries needs. */
#define DELIVERIES 100000u
#define MOST_CHANGES 1500u
#define SMALL_RING 256u

static struct bytes sample_of(const struct tandem_side *side)
{
    return buffer_bytes(&side->sample);
}

/* ---- Deliveries, one change a frame --------------------------------------------------------- */

struct deliveries {
    struct tandem_side tandem, quiet;
    struct bare_side bare;
    size_t clients;
    unsigned changes;
};

static bool set_up_deliveries(struct bench_run *run, void **context)
{
    struct deliveries *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL)
        return false;
    row->clients = (size_t)bench_parameter(run);
    row->changes = DELIVERIES / (unsigned)row->clients;
    if (row->changes > MOST_CHANGES)
        row->changes = MOST_CHANGES;
    if (!tandem_side_start(run, &row->quiet, "quiet", SMALL_RING))
        return false;
    return tandem_side_start(run, &row->tandem, "server", SMALL_RING) &&
           tandem_side_watch(run, &row->tandem, row->clients, -1) &&
           tandem_side_change(run, &row->tandem, 4, row->clients) &&
           bare_side_start(run, &row->bare, &row->tandem, sample_of(&row->tandem)) &&
           bare_side_connect(run, &row->bare, row->clients) && bare_side_change(run, &row->bare, 4);
}

static void tear_down_deliveries(void *context)
{
    struct deliveries *row = context;
    if (row == NULL)
        return;
    tandem_side_stop(&row->tandem);
    tandem_side_stop(&row->quiet);
    bare_side_stop(&row->bare);
    free(row);
}

/* CPU of `changes` changes that nobody hears of, made one after another or in a flood. */
static bool quiet_cpu(struct bench_run *run, struct tandem_side *quiet, unsigned changes,
                      bool flood, uint64_t *out)
{
    int pid = (int)quiet->server.pid;
    uint64_t before = bench_cpu_ns(pid);
    if (!(flood ? tandem_side_flood(run, quiet, changes)
                : tandem_side_change(run, quiet, changes, 0)))
        return false;
    *out = bench_cpu_ns(pid) - before;
    bench_note(run, "CPU us a mutation", (double)*out / changes / 1e3);
    return true;
}

static bool measure_deliveries(struct bench_run *run, void *context, double *figure)
{
    struct deliveries *row = context;
    int pid = (int)row->tandem.server.pid;
    if (!tandem_side_calm(run, &row->tandem))
        return false;
    uint64_t before = bench_cpu_ns(pid);
    if (!tandem_side_change(run, &row->tandem, row->changes, row->clients))
        return false;
    double spent = (double)(bench_cpu_ns(pid) - before);
    double deliveries = (double)row->changes * (double)row->clients;
    bench_note(run, "CPU us a delivery", spent / deliveries / 1e3);
    *figure = deliveries * 1e9 / spent;
    return true;
}

static bool limit_deliveries(struct bench_run *run, void *context, double *figure)
{
    struct deliveries *row = context;
    uint64_t quiet = 0;
    int pid = row->bare.limit.pid;
    if (!quiet_cpu(run, &row->quiet, row->changes, false, &quiet))
        return false;
    uint64_t before = bench_cpu_ns(pid);
    if (!bare_side_change(run, &row->bare, row->changes))
        return false;
    double spent = (double)(bench_cpu_ns(pid) - before);
    double deliveries = (double)row->changes * (double)row->clients;
    bench_note(run, "CPU us a delivery, bare", spent / deliveries / 1e3);
    *figure = deliveries * 1e9 / (spent + (double)quiet);
    return true;
}

/* ---- Deliveries, changes faster than they are drained --------------------------------------- */

#define FLOOD_CHANGES 4096u
#define FLOOD_RING 8192u

static bool set_up_flood(struct bench_run *run, void **context)
{
    struct deliveries *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL)
        return false;
    row->clients = (size_t)bench_parameter(run);
    return tandem_side_start(run, &row->quiet, "quiet", FLOOD_RING) &&
           tandem_side_start(run, &row->tandem, "server", FLOOD_RING) &&
           tandem_side_watch(run, &row->tandem, row->clients, -1) &&
           tandem_side_change(run, &row->tandem, 4, row->clients) &&
           bare_side_start(run, &row->bare, &row->tandem, sample_of(&row->tandem)) &&
           bare_side_connect(run, &row->bare, row->clients) && bare_side_change(run, &row->bare, 4);
}

static bool measure_flood(struct bench_run *run, void *context, double *figure)
{
    struct deliveries *row = context;
    int pid = (int)row->tandem.server.pid;
    if (!tandem_side_calm(run, &row->tandem))
        return false;
    struct load_counts from = load_total(row->tandem.load);
    uint64_t before = bench_cpu_ns(pid), began_ns = bench_now_ns();
    if (!tandem_side_flood(run, &row->tandem, FLOOD_CHANGES))
        return false;
    double spent = (double)(bench_cpu_ns(pid) - before);
    struct load_counts to = load_total(row->tandem.load);
    double deliveries = (double)(to.records - from.records);
    bench_note(run, "CPU us a delivery", spent / deliveries / 1e3);
    bench_note(run, "records a frame", deliveries / (double)(to.frames - from.frames));
    bench_note(run, "deliveries a second", deliveries * 1e9 / (double)(bench_now_ns() - began_ns));
    *figure = deliveries * 1e9 / spent;
    return true;
}

static bool limit_flood(struct bench_run *run, void *context, double *figure)
{
    struct deliveries *row = context;
    uint64_t quiet = 0;
    int pid = row->bare.limit.pid;
    if (!quiet_cpu(run, &row->quiet, FLOOD_CHANGES, true, &quiet))
        return false;
    uint64_t before = bench_cpu_ns(pid);
    if (!bare_side_flood(run, &row->bare, FLOOD_CHANGES))
        return false;
    double spent = (double)(bench_cpu_ns(pid) - before);
    double deliveries = (double)FLOOD_CHANGES * (double)row->clients;
    bench_note(run, "CPU us a delivery, bare", spent / deliveries / 1e3);
    *figure = deliveries * 1e9 / (spent + (double)quiet);
    return true;
}

/* ---- Few who are interested among many ------------------------------------------------------ */

/* The rule that cost follows the interested would be broken by a hundredfold; a fifth is left for
 * what a hundred times more sessions do to the processor's caches. */
#define FEW_TARGET 1.2
#define FEW_CHANGES 1000u
#define INTERESTED_ACCOUNT 0
#define OTHER_ACCOUNT 1

struct few {
    struct tandem_side crowd, alone;
    size_t interested;
};

static bool set_up_few(struct bench_run *run, void **context)
{
    struct few *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL)
        return false;
    size_t all = (size_t)bench_parameter(run);
    row->interested = all / 100;
    return tandem_side_start(run, &row->alone, "alone", SMALL_RING) &&
           tandem_side_watch(run, &row->alone, row->interested, INTERESTED_ACCOUNT) &&
           tandem_side_start(run, &row->crowd, "crowd", SMALL_RING) &&
           tandem_side_watch(run, &row->crowd, row->interested, INTERESTED_ACCOUNT) &&
           tandem_side_watch(run, &row->crowd, all - row->interested, OTHER_ACCOUNT);
}

static void tear_down_few(void *context)
{
    struct few *row = context;
    if (row == NULL)
        return;
    tandem_side_stop(&row->crowd);
    tandem_side_stop(&row->alone);
    free(row);
}

static bool few_figure(struct bench_run *run, struct tandem_side *side, size_t interested,
                       double *figure)
{
    int pid = (int)side->server.pid;
    if (!tandem_side_calm(run, side))
        return false;
    uint64_t records = load_total(side->load).records, before = bench_cpu_ns(pid);
    if (!tandem_side_change(run, side, FEW_CHANGES, interested))
        return false;
    *figure = (double)(bench_cpu_ns(pid) - before) / FEW_CHANGES / (double)interested / 1e3;
    if (load_total(side->load).records == records + FEW_CHANGES * interested)
        return true;
    bench_fail(run, "somebody who is not interested was told");
    return false;
}

static bool measure_few(struct bench_run *run, void *context, double *figure)
{
    struct few *row = context;
    return few_figure(run, &row->crowd, row->interested, figure);
}

static bool limit_few(struct bench_run *run, void *context, double *figure)
{
    struct few *row = context;
    return few_figure(run, &row->alone, row->interested, figure);
}

/* ---- One that talks among many that are idle ------------------------------------------------ */

/* A message to one client, and what made it be sent: `ping` and its `pong`. No mutation is part of
 * it, so that both sides do the same. */
#define PINGS 10000u

static bool set_up_talk(struct bench_run *run, void **context)
{
    struct deliveries *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL)
        return false;
    row->clients = (size_t)bench_parameter(run);
    return tandem_side_start(run, &row->tandem, "server", 0) &&
           tandem_side_watch(run, &row->tandem, row->clients, -1) &&
           tandem_side_calm(run, &row->tandem) &&
           bare_side_start(run, &row->bare, &row->tandem, buffer_bytes(&row->tandem.pong)) &&
           bare_side_connect(run, &row->bare, row->clients);
}

struct reply_wait {
    const uint64_t *seen;
    const struct load *load;
    uint64_t expected;
};

static bool replied(void *context)
{
    const struct reply_wait *wait = context;
    return (wait->seen != NULL ? *wait->seen : load_total(wait->load).records) >= wait->expected;
}

/* {"type": "ping"} from one client of many, each after the answer to the one before; CPU in
 * microseconds each. `seen` counts answers; NULL: the load's records do. */
static bool talk(struct bench_run *run, struct load *load, int pid, const uint64_t *seen,
                 double *figure)
{
    static const uint8_t ping[] = {0x81, 0xa4, 't', 'y', 'p', 'e', 0xa4, 'p', 'i', 'n', 'g'};
    struct load_client *client = load_at(load, load_size(load) / 2);
    struct reply_wait wait = {seen, load, seen != NULL ? *seen : load_total(load).records};
    uint64_t before = bench_cpu_ns(pid);
    for (unsigned i = 0; i < PINGS; i++) {
        wait.expected++;
        if (!load_send(client, bytes_of(ping, sizeof ping)) ||
            !load_until(load, replied, &wait, STAGE_WAIT_MS)) {
            bench_fail(run, "a message was not answered");
            return false;
        }
    }
    *figure = PINGS * 1e9 / (double)(bench_cpu_ns(pid) - before);
    return true;
}

static bool measure_talk(struct bench_run *run, void *context, double *figure)
{
    struct deliveries *row = context;
    if (!tandem_side_calm(run, &row->tandem) ||
        !talk(run, row->tandem.load, (int)row->tandem.server.pid, &row->tandem.others, figure))
        return false;
    bench_note(run, "CPU us a message", 1e6 / *figure);
    return true;
}

static bool limit_talk(struct bench_run *run, void *context, double *figure)
{
    struct deliveries *row = context;
    if (!talk(run, row->bare.load, row->bare.limit.pid, NULL, figure))
        return false;
    bench_note(run, "CPU us a message, bare", 1e6 / *figure);
    return true;
}

/* ---- From a write to another's eyes --------------------------------------------------------- */

#define SIGHTS 300u
#define PAUSE_MS 2

static bool set_up_seen(struct bench_run *run, void **context)
{
    struct deliveries *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL)
        return false;
    return tandem_side_start(run, &row->tandem, "server", SMALL_RING) &&
           tandem_side_watch(run, &row->tandem, 1, -1) &&
           tandem_side_change(run, &row->tandem, 4, 1) &&
           bare_side_start(run, &row->bare, &row->tandem, sample_of(&row->tandem)) &&
           bare_side_connect(run, &row->bare, 1);
}

/* The pause makes the server idle, and hands the loop what is left to be read. */
static bool measure_seen(struct bench_run *run, void *context, double *figure)
{
    struct deliveries *row = context;
    double took[SIGHTS];
    for (size_t i = 0; i < SIGHTS; i++) {
        load_turn(row->tandem.load, PAUSE_MS);
        uint64_t began = bench_now_ns();
        if (!tandem_side_change(run, &row->tandem, 1, 1))
            return false;
        took[i] = (double)(row->tandem.changes_ns - began) / 1e6;
    }
    bench_note(run, "p99 ms", bench_percentile(took, SIGHTS, 0.99));
    *figure = bench_percentile(took, SIGHTS, 0.5);
    return true;
}

/* A page behind the others, made durable: the least that a commit has to do. */
static bool flush_time(struct bench_run *run, double *median)
{
    char path[600], page[4096];
    double took[SIGHTS];
    bool good = true;
    (void)snprintf(path, sizeof path, "%s/flush", bench_folder(run));
    memset(page, 'p', sizeof page);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t i = 0; i < SIGHTS && good; i++) {
        uint64_t began = bench_now_ns();
        good = fd >= 0 &&
               pwrite(fd, page, sizeof page, (off_t)(i * sizeof page)) == (ssize_t)sizeof page &&
               fdatasync(fd) == 0;
        took[i] = (double)(bench_now_ns() - began) / 1e6;
    }
    if (fd >= 0)
        (void)close(fd);
    if (!good)
        bench_fail(run, "cannot write %s", path);
    *median = good ? bench_percentile(took, SIGHTS, 0.5) : 0;
    return good;
}

static bool round_trip_time(struct bench_run *run, struct bare_side *bare, double *median)
{
    struct load_client *client = load_at(bare->load, 0);
    double took[SIGHTS];
    for (size_t i = 0; i < SIGHTS; i++) {
        load_turn(bare->load, PAUSE_MS);
        uint64_t expected = load_total(bare->load).records + 1, began = bench_now_ns();
        if (!load_send(client, bytes_text("a message")) || !stage_wait(run, bare->load, expected))
            return false;
        took[i] = (double)(bench_now_ns() - began) / 1e6;
    }
    *median = bench_percentile(took, SIGHTS, 0.5);
    return true;
}

static bool limit_seen(struct bench_run *run, void *context, double *figure)
{
    struct deliveries *row = context;
    double flush, round_trip;
    if (!flush_time(run, &flush) || !round_trip_time(run, &row->bare, &round_trip))
        return false;
    bench_note(run, "flush ms", flush);
    bench_note(run, "TLS round trip ms", round_trip);
    *figure = flush + round_trip;
    return true;
}

/* ---- Memory of a connection that is idle ---------------------------------------------------- */

/* Those that connect first make what a server has once. */
#define FIRST_CONNECTIONS 100u
#define CONNECTIONS 2000u

struct memory {
    struct tandem_side tandem;
    unsigned rounds;
};

static double each(uint64_t before, uint64_t after)
{
    return after > before ? (double)(after - before) / CONNECTIONS : 0;
}

/* Every round has servers of its own: memory that was once used would be used again. */
static bool measure_memory(struct bench_run *run, void *context, double *figure)
{
    struct memory *row = context;
    struct tandem_side *side = &row->tandem;
    char name[32];
    tandem_side_stop(side);
    (void)snprintf(name, sizeof name, "server-%u", row->rounds++);
    if (!tandem_side_start(run, side, name, 0) ||
        !tandem_side_watch(run, side, FIRST_CONNECTIONS, -1))
        return false;
    uint64_t before = bench_resident_anonymous((int)side->server.pid);
    if (!tandem_side_watch(run, side, CONNECTIONS, -1))
        return false;
    *figure = each(before, bench_resident_anonymous((int)side->server.pid));
    return true;
}

static bool limit_memory(struct bench_run *run, void *context, double *figure)
{
    const struct memory *row = context;
    struct bare_side side = {.load = NULL};
    bool done = bare_side_start(run, &side, &row->tandem, bytes_of(NULL, 0)) &&
                bare_side_connect(run, &side, FIRST_CONNECTIONS);
    if (done) {
        uint64_t before = bench_resident_anonymous(side.limit.pid);
        done = bare_side_connect(run, &side, CONNECTIONS);
        *figure = each(before, bench_resident_anonymous(side.limit.pid));
    }
    bare_side_stop(&side);
    return done;
}

static bool set_up_memory(struct bench_run *run, void **context)
{
    (void)run;
    *context = calloc(1, sizeof(struct memory));
    return *context != NULL;
}

static void tear_down_memory(void *context)
{
    struct memory *row = context;
    if (row != NULL)
        tandem_side_stop(&row->tandem);
    free(row);
}

/* ---- The table ------------------------------------------------------------------------------ */

#define DELIVERIES_ROW(number, at_least)                                                           \
    {                                                                                              \
        .name = "deliveries-" #number, .what = "deliveries, one change a frame, " #number " live", \
        .against = "bare TLS loop writing the same frames, and the changes alone",                 \
        .unit = "deliveries/CPU s", .sense = BENCH_AT_LEAST, .target = (at_least),                 \
        .set_up = set_up_deliveries, .subject = measure_deliveries, .limit = limit_deliveries,     \
        .tear_down = tear_down_deliveries, .parameter = (number)                                   \
    }

/* 100 clients are the hardest case: the commit before each change leaves the processor's caches
 * cold for a hundred writes, where the bare loop goes on in warm ones. */
static const struct bench_row rows[] = {
    DELIVERIES_ROW(1, 0.85),
    DELIVERIES_ROW(100, 0.7),
    DELIVERIES_ROW(1000, 0.85),
    DELIVERIES_ROW(5000, 0.85),
    {.name = "deliveries-batched",
     .what = "deliveries, changes faster than 1,000 clients drain",
     .against = "bare TLS loop, batching, and the changes alone",
     .unit = "deliveries/CPU s",
     .sense = BENCH_AT_LEAST,
     .target = 0.85,
     .set_up = set_up_flood,
     .subject = measure_flood,
     .limit = limit_flood,
     .tear_down = tear_down_deliveries,
     .parameter = 1000},
    {.name = "interested-1-percent",
     .what = "CPU a delivery, 50 of 5,000 interested",
     .against = "the 50 alone",
     .unit = "us",
     .sense = BENCH_AT_MOST,
     .target = FEW_TARGET,
     .set_up = set_up_few,
     .subject = measure_few,
     .limit = limit_few,
     .tear_down = tear_down_few,
     .parameter = 5000},
    {.name = "one-among-idle",
     .what = "a message to one of 5,000 idle clients",
     .against = "bare TLS loop answering the same",
     .unit = "messages/CPU s",
     .sense = BENCH_AT_LEAST,
     .target = 0.7,
     .set_up = set_up_talk,
     .subject = measure_talk,
     .limit = limit_talk,
     .tear_down = tear_down_deliveries,
     .parameter = 5000},
    {.name = "write-to-seen",
     .what = "write to seen by another, idle server",
     .against = "flush and one TLS round trip",
     .unit = "ms",
     .sense = BENCH_AT_MOST,
     .target = 1.0,
     .difference = true,
     .set_up = set_up_seen,
     .subject = measure_seen,
     .limit = limit_seen,
     .tear_down = tear_down_deliveries},
    {.name = "idle-memory",
     .what = "memory of an idle connection, live",
     .against = "bare TLS connection, buffers released",
     .unit = "bytes",
     .sense = BENCH_AT_MOST,
     .target = 8192,
     .difference = true,
     .set_up = set_up_memory,
     .subject = measure_memory,
     .limit = limit_memory,
     .tear_down = tear_down_memory},
};

extern const struct bench_rows bench_rows_network;
const struct bench_rows bench_rows_network = {rows, sizeof rows / sizeof *rows};

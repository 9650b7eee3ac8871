/* Rows of a whole company: many who write while many watch, and all coming back at once.
 *
 * Mixed load. 64 writers make a change every 200 ms each, 320 a second in all, which 900 of staff
 * and, where it is shared with them, some of 100 partners see. That is as much as one CPU carries
 * for a thousand TLS clients, so that what is due together leaves together, and a frame carries
 * several changes. The limit is the bare TLS loop writing frames of as many records in the mean, of
 * two sizes where that is no whole number, to as many clients. Of a delivery's cost in tandemd the bare write is the most; what
 * comes on top is a share of the mutation (a flush, a commit and an answer for about 900
 * deliveries), of the clients' acknowledgements, and of the partners' frames, which nobody else can
 * be sent. These may cost three tenths: the target is 0.7.
 *
 * Write-to-seen latency is taken for each change at every tenth of staff and every partner that
 * saw it, from before it was sent until its frame was read; the clients' own time is included.
 *
 * Reconnect storm. 2,000 clients, each 100 changes behind, connect at the same moment with the TLS
 * sessions of their last connections. The limit is the bare loop taking 2,000 handshakes with
 * resumption, by the same clients, keys and ciphers. Behind its handshake a client upgrades, signs
 * in by token, subscribes and is sent 100 records in a few frames of 16 KiB; all of that may take
 * as long as the handshake: the target is 2.
 */
#include "tests/bench/rows_mixed_stage.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"

/* ---- Mixed load ------------------------------------------------------------------------------ */

#define WRITERS 64u
#define WATCHERS 1000u
#define PARTNERS 100u
#define PAUSE_NS UINT64_C(200000000) /* of a writer between two changes */
#define CHANGES 1600u                /* a round: 5 seconds */
#define SETTLE_CHANGES 320u
#define SAMPLED 10u /* every so manyth of staff is asked when it saw what */
#define MOST_SIGHTS (CHANGES * (WATCHERS / SAMPLED + PARTNERS))
#define PARTNER_LABEL 1000000u
#define BARE_FRAME_MAX (8u * 1024u)
#define MIXED_TARGET 0.7

struct sight {
    uint64_t seq, at_ns;
};

struct mixed_load {
    struct mixed mixed;
    struct load_client *writers[WRITERS];
    size_t first_watcher; /* in the load: staff, then partners */
    uint64_t due_ns[WRITERS], sent_ns[WRITERS];
    unsigned to_send;
    bool stuck, measuring;
    double records_a_frame; /* in the newest round */
    uint64_t first_seq;         /* of the round */
    uint64_t begun_ns[CHANGES]; /* by seq - first_seq: when it was sent */
    struct sight *sights;
    size_t sight_count;
    struct buffer frames[32]; /* the newest frame of so many records, for the bare loop */
};

static void keep_frame(struct mixed_load *row, unsigned records, struct bytes message)
{
    if (records >= sizeof row->frames / sizeof *row->frames || message.size > BARE_FRAME_MAX)
        return;
    buffer_clear(&row->frames[records]);
    buffer_append(&row->frames[records], message.data, message.size);
}

static void note_sights(struct mixed_load *row, struct bytes message)
{
    uint64_t now = bench_now_ns(), seq;
    struct bytes records, record;
    uint32_t count = 0;
    if (!wire_map_find(message, "records", &records))
        return;
    struct wire_reader reader = wire_read(records);
    (void)wire_get_array(&reader, &count);
    for (uint32_t i = 0; i < count && row->sight_count < MOST_SIGHTS; i++) {
        if (wire_skip(&reader, &record) && wire_map_uint(record, "seq", &seq))
            row->sights[row->sight_count++] = (struct sight){seq, now};
    }
}

static void see_changes(const void *owner, struct load_client *client, uint64_t to,
                        unsigned records, struct bytes message)
{
    struct mixed_load *row = (struct mixed_load *)(uintptr_t)owner;
    size_t label = load_label(client);
    (void)to;
    if (!row->measuring)
        return;
    if (label >= PARTNER_LABEL || label % SAMPLED == 0)
        note_sights(row, message);
    if (label == 0)
        keep_frame(row, records, message);
}

/* Every writer has one change under way at most. */
static void see_result(const void *owner, struct load_client *client, uint64_t number, uint64_t seq)
{
    struct mixed_load *row = (struct mixed_load *)(uintptr_t)owner;
    size_t writer = load_label(client);
    (void)number;
    if (!row->measuring || writer >= WRITERS)
        return;
    if (row->first_seq <= seq && seq < row->first_seq + CHANGES)
        row->begun_ns[seq - row->first_seq] = row->sent_ns[writer];
    row->sent_ns[writer] = 0;
}

static bool write_on(void *context)
{
    struct mixed_load *row = context;
    uint64_t now = bench_now_ns();
    for (size_t i = 0; i < WRITERS && row->to_send > 0 && !row->stuck; i++) {
        if (now < row->due_ns[i] || row->sent_ns[i] != 0)
            continue;
        row->due_ns[i] += PAUSE_NS;
        row->sent_ns[i] = bench_now_ns();
        row->stuck = mixed_change(&row->mixed, row->writers[i]) == 0;
        row->to_send--;
    }
    return row->stuck || row->mixed.closed > 0 ||
           (row->to_send == 0 && row->mixed.results == row->mixed.sent);
}

/* Partners are told of what is theirs only, so that staff's cursors say it. */
static bool all_saw(void *context)
{
    const struct mixed_load *row = context;
    struct load *load = row->mixed.load;
    for (size_t i = 0; i < WATCHERS - PARTNERS; i++) {
        if (load_cursor(load_at(load, row->first_watcher + i)) < row->mixed.newest)
            return row->mixed.closed > 0;
    }
    return true;
}

/* Turns the loop a little at a time, so that writers that are due are looked at. */
static bool turn_until(struct mixed_load *row, bool (*done)(void *context))
{
    uint64_t until = bench_now_ns() + MIXED_WAIT_MS * UINT64_C(1000000);
    while (!done(row)) {
        if (bench_now_ns() > until)
            return false;
        load_turn(row->mixed.load, 1);
    }
    return true;
}

/* `count` changes at the writers' pace, seen by all. */
static bool work(struct bench_run *run, struct mixed_load *row, unsigned count)
{
    uint64_t now = bench_now_ns();
    for (size_t i = 0; i < WRITERS; i++) {
        row->due_ns[i] = now + i * PAUSE_NS / WRITERS;
        row->sent_ns[i] = 0;
    }
    memset(row->begun_ns, 0, sizeof row->begun_ns);
    row->first_seq = row->mixed.newest + 1;
    row->sight_count = 0;
    row->to_send = count;
    row->measuring = true;
    bool done = turn_until(row, write_on) && turn_until(row, all_saw);
    row->measuring = false;
    if (done && !row->stuck && row->mixed.closed == 0 && row->mixed.refused == 0)
        return true;
    bench_fail(run, "%llu of %llu changes were answered, %llu refused, %llu clients closed",
               (unsigned long long)row->mixed.results, (unsigned long long)row->mixed.sent,
               (unsigned long long)row->mixed.refused, (unsigned long long)row->mixed.closed);
    return false;
}

static bool set_up_mixed(struct bench_run *run, void **context)
{
    struct mixed_load *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL)
        return false;
    row->sights = malloc(MOST_SIGHTS * sizeof *row->sights);
    row->mixed.owner = row;
    row->mixed.on_changes = see_changes;
    row->mixed.on_result = see_result;
    bool good = row->sights != NULL && mixed_start(run, &row->mixed);
    for (size_t i = 0; good && i < WRITERS; i++) {
        row->writers[i] = mixed_add(&row->mixed, i, false, false, i);
        good = row->writers[i] != NULL;
    }
    good = good && mixed_settle(run, &row->mixed);
    row->first_watcher = good ? load_size(row->mixed.load) : 0;
    for (size_t i = 0; good && i < WATCHERS; i++) {
        bool partner = i >= WATCHERS - PARTNERS;
        good = mixed_add(&row->mixed, i, partner, true, partner ? PARTNER_LABEL + i : i) != NULL;
    }
    return good && mixed_settle(run, &row->mixed) && mixed_start_bare(run, &row->mixed, WATCHERS) &&
           work(run, row, SETTLE_CHANGES);
}

static void tear_down_mixed(void *context)
{
    struct mixed_load *row = context;
    if (row == NULL)
        return;
    mixed_stop(&row->mixed);
    for (size_t i = 0; i < sizeof row->frames / sizeof *row->frames; i++)
        buffer_release(&row->frames[i]);
    free(row->sights);
    free(row);
}

static bool note_latency(struct bench_run *run, const struct mixed_load *row)
{
    double *took = malloc((row->sight_count + 1) * sizeof *took);
    size_t count = 0;
    for (size_t i = 0; took != NULL && i < row->sight_count; i++) {
        uint64_t place = row->sights[i].seq - row->first_seq;
        if (row->sights[i].seq >= row->first_seq && place < CHANGES && row->begun_ns[place] != 0)
            took[count++] = (double)(row->sights[i].at_ns - row->begun_ns[place]) / 1e6;
    }
    if (count == 0) {
        free(took);
        bench_fail(run, "nobody saw anything");
        return false;
    }
    bench_note(run, "seen p50 ms", bench_percentile(took, count, 0.5));
    bench_note(run, "seen p99 ms", bench_percentile(took, count, 0.99));
    bench_note(run, "seen p99.9 ms", bench_percentile(took, count, 0.999));
    free(took);
    return true;
}

static bool measure_mixed(struct bench_run *run, void *context, double *figure)
{
    struct mixed_load *row = context;
    int pid = (int)row->mixed.server.pid;
    struct load_counts from = load_total(row->mixed.load);
    uint64_t cpu = bench_cpu_ns(pid), began = bench_now_ns();
    if (!work(run, row, CHANGES))
        return false;
    double spent = (double)(bench_cpu_ns(pid) - cpu), took = (double)(bench_now_ns() - began);
    struct load_counts to = load_total(row->mixed.load);
    double deliveries = (double)(to.records - from.records);
    bench_note(run, "deliveries a second", deliveries * 1e9 / took);
    bench_note(run, "changes a second", CHANGES * 1e9 / took);
    bench_note(run, "CPU us a delivery", spent / deliveries / 1e3);
    bench_note(run, "server's share of its CPU", spent / took);
    row->records_a_frame = deliveries / (double)(to.frames - from.frames);
    bench_note(run, "records a frame", row->records_a_frame);
    *figure = deliveries * 1e9 / spent;
    return note_latency(run, row);
}

/* The kept frame whose number of records is nearest to `wanted`; its number, 0 when there is none.
 */
static unsigned nearest_frame(const struct mixed_load *row, double wanted)
{
    unsigned best = 0;
    double distance = 1e9;
    for (unsigned i = 1; i < sizeof row->frames / sizeof *row->frames; i++) {
        double here = wanted > i ? wanted - i : i - wanted;
        if (row->frames[i].size > 0 && here < distance) {
            best = i;
            distance = here;
        }
    }
    return best;
}

struct bare_wait {
    const struct load *load;
    uint64_t frames;
};

static bool bare_there(void *context)
{
    const struct bare_wait *wait = context;
    return load_total(wait->load).records >= wait->frames;
}

/* Writes so many frames of this many records, one after another. */
static bool bare_frames(struct bench_run *run, struct mixed_load *row, unsigned records,
                        unsigned times)
{
    if (times > 0 &&
        !limit_tls_message(&row->mixed.limit, buffer_bytes(&row->frames[records]))) {
        bench_fail(run, "there is no frame for the bare loop");
        return false;
    }
    for (unsigned i = 0; i < times; i++) {
        struct bare_wait wait = {row->mixed.bare, load_total(row->mixed.bare).records + WATCHERS};
        if (!limit_tls_send(&row->mixed.limit, 1) ||
            !load_until(row->mixed.bare, bare_there, &wait, MIXED_WAIT_MS)) {
            bench_fail(run, "the bare TLS loop is gone");
            return false;
        }
    }
    return true;
}

/* Frames of the nearest number of records above the mean among those below it, so that they have
 * the mean together. */
static bool limit_mixed(struct bench_run *run, void *context, double *figure)
{
    struct mixed_load *row = context;
    const double mean = row->records_a_frame;
    const unsigned low = nearest_frame(row, (unsigned)mean), high = nearest_frame(row, low + 1);
    const double share = high > low && mean > low ? (mean - low) / (high - low) : 0;
    if (low == 0) {
        bench_fail(run, "there is no frame for the bare loop");
        return false;
    }
    const double times = CHANGES / (low + share * (high - low));
    const unsigned large = (unsigned)(times * share), small = (unsigned)(times * (1 - share));
    const int pid = row->mixed.limit.pid;
    const uint64_t cpu = bench_cpu_ns(pid);
    if (!bare_frames(run, row, low, small) || !bare_frames(run, row, high, large))
        return false;
    const double records = (double)small * low + (double)large * high;
    const double spent = (double)(bench_cpu_ns(pid) - cpu);
    bench_note(run, "records a frame, bare", records / (small + large));
    bench_note(run, "CPU us a delivery, bare", spent / records / WATCHERS / 1e3);
    *figure = records * WATCHERS * 1e9 / spent;
    return true;
}

/* ---- Reconnect storm ------------------------------------------------------------------------- */

#define BEHIND 100u
#define TICKET_TURNS 20

struct storm {
    struct mixed mixed;
    struct load_client *writer;
    size_t first, clients; /* in the load: those that return */
};

static bool set_up_storm(struct bench_run *run, void **context)
{
    struct storm *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL || !mixed_start(run, &row->mixed))
        return false;
    row->writer = load_at(row->mixed.load, 0);
    row->first = load_size(row->mixed.load);
    row->clients = (size_t)bench_parameter(run);
    for (size_t i = 0; i < row->clients; i++) {
        if (mixed_add(&row->mixed, i, false, true, i) == NULL) {
            bench_fail(run, "out of memory for clients");
            return false;
        }
    }
    return mixed_settle(run, &row->mixed) && mixed_start_bare(run, &row->mixed, row->clients);
}

static void tear_down_storm(void *context)
{
    struct storm *row = context;
    if (row == NULL)
        return;
    mixed_stop(&row->mixed);
    free(row);
}

/* All of them leave. Their going must not be part of what is measured: the server is given time
 * until it has nothing to do any more. */
static void leave(struct load *load, size_t first, size_t count, int pid)
{
    for (int i = 0; i < TICKET_TURNS; i++)
        load_turn(load, 5); /* tickets come behind the handshake */
    for (size_t i = 0; i < count; i++)
        load_drop(load_at(load, first + i), false);
    for (int quiet = 0; quiet < 3;) {
        uint64_t cpu = bench_cpu_ns(pid);
        load_turn(load, 50);
        uint64_t used = bench_cpu_ns(pid) - cpu;
        quiet = used < 1000000 ? quiet + 1 : 0;
    }
}

static bool return_all(struct bench_run *run, struct load *load, size_t first, size_t count,
                       double *took_ms)
{
    uint64_t began = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        if (!load_connect(load_at(load, first + i))) {
            bench_fail(run, "a client cannot connect");
            return false;
        }
    }
    if (!load_settle(load, MIXED_WAIT_MS)) {
        bench_fail(run, "not every client came back");
        return false;
    }
    *took_ms = (double)(bench_now_ns() - began) / 1e6;
    return true;
}

static void note_resumed(struct bench_run *run, const char *name, struct load_counts from,
                         struct load_counts to)
{
    bench_note(run, name,
               100.0 * (double)(to.resumed - from.resumed) /
                   (double)(to.handshakes - from.handshakes));
}

static bool measure_storm(struct bench_run *run, void *context, double *figure)
{
    struct storm *row = context;
    struct mixed *mixed = &row->mixed;
    int pid = (int)mixed->server.pid;
    leave(mixed->load, row->first, row->clients, pid);
    mixed->closed = 0;
    if (!mixed_change_all(run, mixed, row->writer, BEHIND))
        return false;
    struct load_counts from = load_total(mixed->load);
    uint64_t cpu = bench_cpu_ns(pid);
    if (!return_all(run, mixed->load, row->first, row->clients, figure))
        return false;
    struct load_counts to = load_total(mixed->load);
    note_resumed(run, "resumed %", from, to);
    bench_note(run, "CPU us a client",
               (double)(bench_cpu_ns(pid) - cpu) / 1e3 / (double)row->clients);
    if (to.records - from.records == (uint64_t)BEHIND * row->clients && mixed->closed == 0)
        return true;
    bench_fail(run, "%llu records came instead of %llu",
               (unsigned long long)(to.records - from.records),
               (unsigned long long)BEHIND * row->clients);
    return false;
}

static bool limit_storm(struct bench_run *run, void *context, double *figure)
{
    struct storm *row = context;
    struct load *bare = row->mixed.bare;
    int pid = row->mixed.limit.pid;
    leave(bare, 0, row->clients, pid);
    struct load_counts from = load_total(bare);
    uint64_t cpu = bench_cpu_ns(pid);
    if (!return_all(run, bare, 0, row->clients, figure))
        return false;
    note_resumed(run, "resumed %, bare", from, load_total(bare));
    bench_note(run, "CPU us a client, bare",
               (double)(bench_cpu_ns(pid) - cpu) / 1e3 / (double)row->clients);
    return true;
}

/* ---- The table ------------------------------------------------------------------------------- */

static const struct bench_row rows[] = {
    {.name = "mixed-load",
     .what = "deliveries, 64 writers, 1,000 watchers, 100 of them partners",
     .against = "bare TLS loop writing frames of as many records",
     .unit = "deliveries/CPU s",
     .sense = BENCH_AT_LEAST,
     .target = MIXED_TARGET,
     .set_up = set_up_mixed,
     .subject = measure_mixed,
     .limit = limit_mixed,
     .tear_down = tear_down_mixed},
    {.name = "reconnect-storm",
     .what = "2,000 clients return at once, each 100 changes behind",
     .against = "2,000 TLS handshakes with resumption",
     .unit = "ms",
     .sense = BENCH_AT_MOST,
     .target = 2.0,
     .set_up = set_up_storm,
     .subject = measure_storm,
     .limit = limit_storm,
     .tear_down = tear_down_storm,
     .parameter = 2000},
};

extern const struct bench_rows bench_rows_mixed;
const struct bench_rows bench_rows_mixed = {rows, sizeof rows / sizeof *rows};

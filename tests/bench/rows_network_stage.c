#include "tests/bench/rows_network_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/wire.h"

#define STAFF 50u
#define TEXT_BYTES 32u

/* ---- What the clients hear ------------------------------------------------------------------ */

static void keep(struct buffer *sample, struct bytes message)
{
    if (sample->size > 0)
        return;
    buffer_append(sample, message.data, message.size);
}

static void on_changes(void *context, struct load_client *client, uint64_t to, unsigned records,
                       struct bytes message)
{
    struct tandem_side *side = context;
    (void)client, (void)to;
    side->changes_ns = bench_now_ns();
    if (records == 1)
        keep(&side->sample, message);
}

static void on_result(void *context, struct load_client *client, uint64_t number, unsigned status,
                      uint64_t seq)
{
    struct tandem_side *side = context;
    (void)number;
    side->results++;
    side->refused += status != 0;
    side->under_way[load_label(client)]--;
    if (seq > side->newest)
        side->newest = seq;
}

static void on_other(void *context, struct load_client *client, struct bytes message)
{
    struct tandem_side *side = context;
    struct bytes type;
    (void)client;
    if (wire_map_str(message, "type", &type) && bytes_is(type, "pong")) {
        side->others++;
        keep(&side->pong, message);
    }
}

static void on_closed(void *context, struct load_client *client, const char *why)
{
    struct tandem_side *side = context;
    (void)client;
    if (side->closed++ == 0)
        (void)fprintf(stderr, "a client was closed: %s\n", why);
}

/* ---- Waiting -------------------------------------------------------------------------------- */

struct records_wait {
    const struct load *load;
    uint64_t expected;
};

static bool records_there(void *context)
{
    const struct records_wait *wait = context;
    return load_total(wait->load).records >= wait->expected ||
           load_in_phase(wait->load, LOAD_CLOSED) > 0;
}

bool stage_wait(struct bench_run *run, struct load *load, uint64_t expected)
{
    struct records_wait wait = {load, expected};
    if (load_until(load, records_there, &wait, STAGE_WAIT_MS) &&
        load_in_phase(load, LOAD_CLOSED) == 0)
        return true;
    bench_fail(run, "%llu records came where %llu were due, %zu clients were closed",
               (unsigned long long)load_total(load).records, (unsigned long long)expected,
               load_in_phase(load, LOAD_CLOSED));
    return false;
}

static bool settle(struct bench_run *run, struct load *load)
{
    if (load_settle(load, STAGE_WAIT_MS))
        return true;
    bench_fail(run, "not all clients could connect");
    return false;
}

struct results_wait {
    const struct tandem_side *side;
    uint64_t results, records;
};

static bool answered(void *context)
{
    const struct results_wait *wait = context;
    return wait->side->closed > 0 || (wait->side->results >= wait->results &&
                                      load_total(wait->side->load).records >= wait->records);
}

static bool wait_answers(struct bench_run *run, struct tandem_side *side, uint64_t results,
                         uint64_t records)
{
    struct results_wait wait = {side, results, records};
    if (load_until(side->load, answered, &wait, STAGE_WAIT_MS) && side->refused == 0 &&
        side->closed == 0)
        return true;
    bench_fail(run, "%llu of %llu changes were answered, %llu of them refused",
               (unsigned long long)side->results, (unsigned long long)results,
               (unsigned long long)side->refused);
    return false;
}

/* ---- tandemd -------------------------------------------------------------------------------- */

static bool make_store(struct bench_run *run, struct tandem_side *side, const char *name)
{
    char data[SCRATCH_PATH + 32], certs[SCRATCH_PATH + 32], cert[512], key[512], ca[512];
    side->server = (struct server_process){.address = "127.0.0.1:0"};
    (void)snprintf(side->server.folder, sizeof side->server.folder, "%s/%s", bench_folder(run),
                   name);
    (void)snprintf(data, sizeof data, "%s/data", side->server.folder);
    (void)snprintf(certs, sizeof certs, "%s/certs", side->server.folder);
    const struct seed_options options = {
        .folder = data, .seed = 1, .records = 400, .accounts = 20, .staff = STAFF};
    if (mkdir(side->server.folder, 0700) == 0 && seed_certificates(certs, cert, key, ca))
        side->seeded = seed_store(&options);
    (void)snprintf(side->server.ca, sizeof side->server.ca, "%s", ca);
    return side->seeded != NULL;
}

static bool start_server(struct tandem_side *side)
{
    static const char *const flags[] = {"--connections",
                                        "20000",
                                        "--connections-per-address",
                                        "20000",
                                        "--unauthenticated-per-address",
                                        "1000",
                                        "--message-rate",
                                        "1000000",
                                        "--user-errors",
                                        "1000000",
                                        "--user-work",
                                        "10000000",
                                        "--failed-connections",
                                        "100000",
                                        "--threads",
                                        "1",
                                        NULL};
    bench_pin(BENCH_SERVER_CPU);
    bool started = server_process_start(&side->server, flags, 0);
    bench_pin(BENCH_LOAD_CPU);
    return started;
}

static struct load_client *add(struct tandem_side *side, size_t label, const struct scope *scope,
                               bool watch)
{
    const struct load_client_options options = {
        .token = side->seeded->users[label % STAFF].token,
        .subscribe = watch,
        .scopes = scope,
        .scope_count = scope != NULL ? 1 : 0,
        .cursor = side->newest != 0 ? side->newest : side->seeded->seq,
        .epoch = side->seeded->epoch,
        .label = label,
    };
    struct load_client *client = load_add(side->load, &options);
    return client != NULL && load_connect(client) ? client : NULL;
}

static bool connect_writers(struct bench_run *run, struct tandem_side *side)
{
    side->load = load_new(&(struct load_options){
        .address = side->server.address,
        .ca_file = side->server.ca,
        .spin = true,
        .hooks = {side, on_changes, on_result, on_other, on_closed},
    });
    for (size_t i = 0; side->load != NULL && i < STAGE_WRITERS; i++) {
        side->writers[i] = add(side, i, NULL, false);
        if (side->writers[i] == NULL)
            break;
    }
    if (side->load == NULL || side->writers[STAGE_WRITERS - 1] == NULL) {
        bench_fail(run, "out of memory for clients");
        return false;
    }
    return settle(run, side->load);
}

static bool send_changes(struct tandem_side *side, size_t writer, struct buffer *changes)
{
    bool sent = !changes->failed && load_mutate(side->writers[writer], buffer_bytes(changes)) != 0;
    buffer_release(changes);
    side->under_way[writer] += sent;
    return sent;
}

static bool send_update(struct tandem_side *side, size_t writer)
{
    struct buffer changes = {0};
    size_t at = side->next++;
    seed_update_interaction(&changes, side->ring[at % side->ring_size], TEXT_BYTES, at);
    return send_changes(side, writer, &changes);
}

static bool send_create(struct tandem_side *side, size_t at)
{
    struct buffer changes = {0};
    uint8_t random[10] = {0};
    put_u64(random + 2, at);
    side->ring[at] = id_make(UINT64_C(1767225600000) + at, random);
    seed_create_interaction(&changes, side->ring[at], side->seeded->accounts[0], TEXT_BYTES, NULL);
    return send_changes(side, 0, &changes);
}

static bool fill_ring(struct bench_run *run, struct tandem_side *side, size_t size)
{
    side->ring = calloc(size + 1, sizeof *side->ring);
    side->ring_size = size;
    for (size_t i = 0; side->ring != NULL && i < size; i++) {
        if (!send_create(side, i)) {
            bench_fail(run, "cannot send a change");
            return false;
        }
        if (side->under_way[0] == STAGE_IN_FLIGHT && !wait_answers(run, side, i + 1, 0))
            return false;
    }
    return side->ring != NULL && wait_answers(run, side, size, 0);
}

bool tandem_side_start(struct bench_run *run, struct tandem_side *side, const char *name,
                       size_t ring_size)
{
    bench_pin(BENCH_LOAD_CPU);
    if (!make_store(run, side, name)) {
        bench_fail(run, "cannot make a store");
        return false;
    }
    if (!start_server(side)) {
        bench_fail(run, "tandemd does not start");
        return false;
    }
    return connect_writers(run, side) && fill_ring(run, side, ring_size);
}

void tandem_side_stop(struct tandem_side *side)
{
    load_free(side->load);
    (void)server_process_stop(&side->server);
    seed_free(side->seeded);
    free(side->ring);
    buffer_release(&side->sample);
    buffer_release(&side->pong);
    *side = (struct tandem_side){.load = NULL};
}

bool tandem_side_watch(struct bench_run *run, struct tandem_side *side, size_t count, int account)
{
    struct scope scope = {.kind = SCOPE_ACCOUNT};
    if (account >= 0)
        scope.id = side->seeded->accounts[account];
    for (size_t i = 0; i < count; i++) {
        if (add(side, i, account >= 0 ? &scope : NULL, true) == NULL) {
            bench_fail(run, "out of memory for clients");
            return false;
        }
    }
    return settle(run, side->load);
}

bool tandem_side_change(struct bench_run *run, struct tandem_side *side, unsigned count,
                        size_t watchers)
{
    uint64_t records = load_total(side->load).records;
    for (unsigned i = 0; i < count; i++) {
        records += watchers;
        if (!send_update(side, 0)) {
            bench_fail(run, "cannot send a change");
            return false;
        }
        if (!wait_answers(run, side, side->results + 1, records))
            return false;
    }
    return true;
}

struct flood {
    struct tandem_side *side;
    uint64_t to_send, to_answer;
    bool stuck;
};

/* Keeps every writer busy. */
static bool flooded(void *context)
{
    struct flood *flood = context;
    struct tandem_side *side = flood->side;
    for (size_t i = 0; i < STAGE_WRITERS; i++) {
        while (flood->to_send > 0 && side->under_way[i] < STAGE_IN_FLIGHT && !flood->stuck) {
            flood->to_send--;
            flood->stuck = !send_update(side, i);
        }
    }
    return flood->stuck || side->closed > 0 || side->results >= flood->to_answer;
}

static bool all_saw(void *context)
{
    const struct tandem_side *side = context;
    for (size_t i = STAGE_WRITERS; i < load_size(side->load); i++)
        if (load_cursor(load_at(side->load, i)) < side->newest)
            return side->closed > 0;
    return true;
}

static void pause_from(struct load *load, size_t first, bool paused)
{
    for (size_t i = first; i < load_size(load); i++)
        load_pause(load_at(load, i), paused);
}

bool tandem_side_flood(struct bench_run *run, struct tandem_side *side, unsigned count)
{
    struct flood flood = {side, count, side->results + count, false};
    pause_from(side->load, STAGE_WRITERS, true);
    bool answered = load_until(side->load, flooded, &flood, STAGE_WAIT_MS) && !flood.stuck &&
                    side->closed == 0 && side->refused == 0;
    pause_from(side->load, STAGE_WRITERS, false);
    if (answered && load_until(side->load, all_saw, side, STAGE_WAIT_MS) && side->closed == 0)
        return true;
    bench_fail(run, "the flood of changes did not get through");
    return false;
}

struct pong_wait {
    const struct tandem_side *side;
    uint64_t pongs;
};

static bool pongs_there(void *context)
{
    const struct pong_wait *wait = context;
    return wait->side->closed > 0 || wait->side->others >= wait->pongs;
}

bool tandem_side_calm(struct bench_run *run, struct tandem_side *side)
{
    struct pong_wait wait = {side, side->others + load_in_phase(side->load, LOAD_LIVE)};
    load_ping_all(side->load);
    if (load_until(side->load, pongs_there, &wait, STAGE_WAIT_MS) && side->closed == 0)
        return true;
    bench_fail(run, "not every ping was answered");
    return false;
}

/* ---- The bare loop -------------------------------------------------------------------------- */

bool bare_side_start(struct bench_run *run, struct bare_side *side,
                     const struct tandem_side *tandem, struct bytes message)
{
    char cert[SCRATCH_PATH + 32], key[SCRATCH_PATH + 32];
    (void)snprintf(cert, sizeof cert, "%s/certs/server.pem", tandem->server.folder);
    (void)snprintf(key, sizeof key, "%s/certs/server.key", tandem->server.folder);
    bench_pin(BENCH_SERVER_CPU);
    bool started = limit_tls_start(&side->limit, cert, key);
    bench_pin(BENCH_LOAD_CPU);
    if (started && (message.size == 0 || limit_tls_message(&side->limit, message)))
        side->load = load_new(&(struct load_options){.address = side->limit.address,
                                                     .ca_file = tandem->server.ca,
                                                     .raw = true,
                                                     .spin = true});
    if (side->load == NULL)
        bench_fail(run, "the bare TLS loop does not start");
    return side->load != NULL;
}

void bare_side_stop(struct bare_side *side)
{
    load_free(side->load);
    limit_tls_stop(&side->limit);
    *side = (struct bare_side){.load = NULL};
}

bool bare_side_connect(struct bench_run *run, struct bare_side *side, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct load_client *client =
            load_add(side->load, &(struct load_client_options){.label = i});
        if (client == NULL || !load_connect(client)) {
            bench_fail(run, "out of memory for clients");
            return false;
        }
    }
    return settle(run, side->load);
}

static bool send_bare(struct bench_run *run, struct bare_side *side, unsigned times)
{
    uint64_t expected =
        load_total(side->load).records + (uint64_t)times * load_in_phase(side->load, LOAD_LIVE);
    if (limit_tls_send(&side->limit, times))
        return stage_wait(run, side->load, expected);
    bench_fail(run, "the bare TLS loop is gone");
    return false;
}

bool bare_side_change(struct bench_run *run, struct bare_side *side, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!send_bare(run, side, 1))
            return false;
    return true;
}

/* The loop has written all that the sockets take when it comes to rest. */
#define REST_MS 20
#define MOST_RESTS 500

bool bare_side_flood(struct bench_run *run, struct bare_side *side, unsigned count)
{
    uint64_t expected =
        load_total(side->load).records + (uint64_t)count * load_in_phase(side->load, LOAD_LIVE);
    pause_from(side->load, 0, true);
    if (!limit_tls_send(&side->limit, count)) {
        bench_fail(run, "the bare TLS loop is gone");
        return false;
    }
    uint64_t spent = 0, before;
    unsigned rests = 0;
    do {
        before = spent;
        load_turn(side->load, REST_MS);
        spent = bench_cpu_ns(side->limit.pid);
    } while (spent != before && ++rests < MOST_RESTS);
    pause_from(side->load, 0, false);
    return stage_wait(run, side->load, expected);
}

#include "tests/bench/rows_mixed_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_BYTES 32u
#define RECORDS 20000u

/* ---- What the clients hear ------------------------------------------------------------------ */

static void on_changes(void *context, struct load_client *client, uint64_t to, unsigned records,
                       struct bytes message)
{
    const struct mixed *mixed = context;
    if (mixed->on_changes != NULL)
        mixed->on_changes(mixed->owner, client, to, records, message);
}

static void on_result(void *context, struct load_client *client, uint64_t number, unsigned status,
                      uint64_t seq)
{
    struct mixed *mixed = context;
    mixed->results++;
    mixed->refused += status != 0;
    if (seq > mixed->newest)
        mixed->newest = seq;
    if (mixed->on_result != NULL)
        mixed->on_result(mixed->owner, client, number, seq);
}

static void on_closed(void *context, struct load_client *client, const char *why)
{
    struct mixed *mixed = context;
    (void)client;
    if (mixed->closed++ == 0)
        (void)fprintf(stderr, "a client was closed: %s\n", why);
}

/* ---- Making it ------------------------------------------------------------------------------ */

static bool make_store(struct bench_run *run, struct mixed *mixed)
{
    char folder[BENCH_FOLDER_MAX], data[BENCH_FOLDER_MAX + 8], certs[BENCH_FOLDER_MAX + 8];
    char cert[512], key[512], ca[512];
    (void)snprintf(folder, sizeof folder, "%s/server", bench_folder(run));
    (void)snprintf(data, sizeof data, "%s/data", folder);
    (void)snprintf(certs, sizeof certs, "%s/certs", folder);
    const struct seed_options options = {.folder = data,
                                         .seed = 1,
                                         .records = RECORDS,
                                         .accounts = MIXED_ACCOUNTS,
                                         .staff = MIXED_STAFF,
                                         .partners = MIXED_PARTNERS,
                                         .accounts_a_partner = MIXED_ACCOUNTS_A_PARTNER,
                                         .shared_percent = 50};
    if (mkdir(folder, 0700) != 0 || !seed_certificates(certs, cert, key, ca))
        return false;
    mixed->seeded = seed_store(&options);
    server_process_adopt(&mixed->server, folder);
    return mixed->seeded != NULL;
}

/* No limits that a crowd of one address would meet. */
static bool start_server(struct mixed *mixed)
{
    static const char *const flags[] = {"--connections",
                                        "20000",
                                        "--connections-per-address",
                                        "20000",
                                        "--unauthenticated-per-address",
                                        "20000",
                                        "--message-rate",
                                        "1000000",
                                        "--user-errors",
                                        "1000000",
                                        "--failed-connections",
                                        "100000",
                                        "--threads",
                                        "1",
                                        NULL};
    bench_pin(BENCH_SERVER_CPU);
    bool started = server_process_start(&mixed->server, flags, 0);
    bench_pin(BENCH_LOAD_CPU);
    return started;
}

struct load_client *mixed_add(struct mixed *mixed, size_t user, bool partner, bool watch,
                              size_t label)
{
    size_t index = partner ? mixed->seeded->staff + user % mixed->seeded->partners
                           : user % mixed->seeded->staff;
    const struct load_client_options options = {
        .token = mixed->seeded->users[index].token,
        .subscribe = watch,
        .cursor = mixed->newest != 0 ? mixed->newest : mixed->seeded->seq,
        .epoch = mixed->seeded->epoch,
        .label = label,
    };
    struct load_client *client = load_add(mixed->load, &options);
    return client != NULL && load_connect(client) ? client : NULL;
}

bool mixed_settle(struct bench_run *run, struct mixed *mixed)
{
    if (load_settle(mixed->load, MIXED_WAIT_MS) && mixed->closed == 0)
        return true;
    bench_fail(run, "not every client came in");
    return false;
}

/* ---- Changing it ---------------------------------------------------------------------------- */

static uint64_t send_changes(struct mixed *mixed, struct load_client *writer,
                             struct buffer *changes)
{
    uint64_t number = changes->failed ? 0 : load_mutate(writer, buffer_bytes(changes));
    buffer_release(changes);
    mixed->sent += number != 0;
    return number;
}

uint64_t mixed_change(struct mixed *mixed, struct load_client *writer)
{
    struct buffer changes = {0};
    size_t at = mixed->next++;
    seed_update_interaction(&changes, mixed->ring[at % MIXED_RING], TEXT_BYTES, at);
    return send_changes(mixed, writer, &changes);
}

static uint64_t create(struct mixed *mixed, struct load_client *writer, size_t at)
{
    struct buffer changes = {0};
    uint8_t random[10] = {0};
    put_u64(random + 2, at);
    mixed->ring[at] = id_make(UINT64_C(1767225600000) + at, random);
    seed_create_interaction(&changes, mixed->ring[at],
                            mixed->seeded->accounts[at % mixed->seeded->account_count], TEXT_BYTES,
                            at % 2 == 0 ? "partners" : NULL);
    return send_changes(mixed, writer, &changes);
}

struct answers_wait {
    const struct mixed *mixed;
    uint64_t most_open; /* mutations without an answer */
};

static bool answered(void *context)
{
    const struct answers_wait *wait = context;
    return wait->mixed->closed > 0 || wait->mixed->sent - wait->mixed->results <= wait->most_open;
}

static bool wait_answers(struct bench_run *run, struct mixed *mixed, uint64_t most_open)
{
    struct answers_wait wait = {mixed, most_open};
    if (load_until(mixed->load, answered, &wait, MIXED_WAIT_MS) && mixed->closed == 0 &&
        mixed->refused == 0)
        return true;
    bench_fail(run, "%llu of %llu changes were answered, %llu of them refused",
               (unsigned long long)mixed->results, (unsigned long long)mixed->sent,
               (unsigned long long)mixed->refused);
    return false;
}

bool mixed_change_all(struct bench_run *run, struct mixed *mixed, struct load_client *writer,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (mixed_change(mixed, writer) == 0) {
            bench_fail(run, "a change cannot be sent");
            return false;
        }
        if (!wait_answers(run, mixed, MIXED_IN_FLIGHT))
            return false;
    }
    return wait_answers(run, mixed, 0);
}

static bool fill_ring(struct bench_run *run, struct mixed *mixed, struct load_client *writer)
{
    mixed->ring = calloc(MIXED_RING, sizeof *mixed->ring);
    for (size_t i = 0; mixed->ring != NULL && i < MIXED_RING; i++) {
        if (create(mixed, writer, i) == 0) {
            bench_fail(run, "a change cannot be sent");
            return false;
        }
        if (!wait_answers(run, mixed, MIXED_IN_FLIGHT))
            return false;
    }
    return mixed->ring != NULL && wait_answers(run, mixed, 0);
}

bool mixed_start(struct bench_run *run, struct mixed *mixed)
{
    bench_pin(BENCH_LOAD_CPU);
    if (!make_store(run, mixed)) {
        bench_fail(run, "the store cannot be made");
        return false;
    }
    if (!start_server(mixed)) {
        bench_fail(run, "tandemd does not start");
        return false;
    }
    mixed->load = load_new(&(struct load_options){
        .address = mixed->server.address,
        .ca_file = mixed->server.ca,
        .resume = true,
        .spin = true,
        .hooks =
            {.context = mixed, .changes = on_changes, .result = on_result, .closed = on_closed},
    });
    if (mixed->load == NULL) {
        bench_fail(run, "the clients cannot be made");
        return false;
    }
    struct load_client *writer = mixed_add(mixed, 0, false, false, 0);
    return writer != NULL && mixed_settle(run, mixed) && fill_ring(run, mixed, writer);
}

void mixed_stop(struct mixed *mixed)
{
    load_free(mixed->load);
    load_free(mixed->bare);
    limit_tls_stop(&mixed->limit);
    (void)server_process_stop(&mixed->server);
    seed_free(mixed->seeded);
    free(mixed->ring);
    *mixed = (struct mixed){.load = NULL};
}

/* ---- The bare loop -------------------------------------------------------------------------- */

bool mixed_start_bare(struct bench_run *run, struct mixed *mixed, size_t count)
{
    char cert[SCRATCH_PATH + 32], key[SCRATCH_PATH + 32];
    (void)snprintf(cert, sizeof cert, "%s/certs/server.pem", mixed->server.folder);
    (void)snprintf(key, sizeof key, "%s/certs/server.key", mixed->server.folder);
    bench_pin(BENCH_SERVER_CPU);
    bool started = limit_tls_start(&mixed->limit, cert, key);
    bench_pin(BENCH_LOAD_CPU);
    if (started)
        mixed->bare = load_new(&(struct load_options){.address = mixed->limit.address,
                                                      .ca_file = mixed->server.ca,
                                                      .resume = true,
                                                      .raw = true,
                                                      .spin = true});
    for (size_t i = 0; mixed->bare != NULL && i < count; i++) {
        struct load_client *client =
            load_add(mixed->bare, &(struct load_client_options){.label = i});
        if (client == NULL || !load_connect(client))
            break;
    }
    if (mixed->bare != NULL && load_size(mixed->bare) == count &&
        load_settle(mixed->bare, MIXED_WAIT_MS))
        return true;
    bench_fail(run, "the bare TLS loop does not start");
    return false;
}

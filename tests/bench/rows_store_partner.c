/* Catching up as a partner sees it: from the moment they connect until the server says that they
 * have everything. What of it is left once they are signed in is noted: that part is the server's
 * reading, and grows a little with the store, whose pages are then less often in a cache (of the
 * processor, of its translations of addresses). Two servers, one with a hundred times the records
 * of the other, and in both the same records for the partner to see. The client only reads and
 * counts (tests/load). */
#include <stdlib.h>

#include "tests/bench/rows_store.h"
#include "tests/bench/store_served.h"
#include "tests/load/load.h"

#define SMALL_RECORDS 10000u
#define CATCH_UPS 60u
#define LIMIT_MS 20000u

struct company {
    struct kept kept;
    struct server_process server;
    struct load *load;
};

struct partner_row {
    struct company large, small;
};

static bool company_open(struct company *company, struct bench_run *run, uint64_t records)
{
    struct store *store = NULL;
    if (!kept_open(&company->kept, run, records) || !kept_store(&company->kept, run, &store)) {
        return false;
    }
    store_close(store);
    if (!served_start(&company->server, run, &company->kept)) {
        return false;
    }
    const struct load_options options = {
        .address = company->server.address, .ca_file = company->server.ca, .spin = true};
    company->load = load_new(&options);
    return company->load != NULL;
}

static void company_close(struct company *company)
{
    if (company->load != NULL) {
        load_free(company->load);
    }
    served_stop(&company->server);
    kept_release(&company->kept);
}

void partner_tear_down(void *context)
{
    struct partner_row *row = context;
    if (row != NULL) {
        company_close(&row->large);
        company_close(&row->small);
    }
    free(row);
}

static bool is_signed_in(void *context)
{
    return load_phase_of(context) >= LOAD_CATCHING_UP;
}

static bool is_live(void *context)
{
    return load_phase_of(context) >= LOAD_LIVE;
}

/* One catch-up of a new client; its time is written, with that from being signed in, and its
 * records are added. */
static bool catch_up(struct company *company, size_t n, double *us, double *reading_us,
                     uint64_t *records)
{
    const struct seeded *seeded = company->kept.seeded;
    const struct seed_user *user = &seeded->users[seeded->staff + n % seeded->partners];
    const struct load_client_options options = {
        .user = user->name, .token = user->token, .subscribe = true};
    struct load_client *client = load_add(company->load, &options);
    uint64_t start = bench_now_ns();
    if (client == NULL || !load_connect(client) ||
        !load_until(company->load, is_signed_in, client, LIMIT_MS)) {
        return false;
    }
    uint64_t signed_in = bench_now_ns();
    bool live =
        load_until(company->load, is_live, client, LIMIT_MS) && load_phase_of(client) == LOAD_LIVE;
    uint64_t end = bench_now_ns();
    *us = (double)(end - start) / 1e3;
    *reading_us = (double)(end - signed_in) / 1e3;
    *records += load_counts_of(client).records;
    load_drop(client, false);
    return live;
}

/* Every partner catches up twice before it counts: the server has its own map of the file to warm.
 */
static bool warm(struct bench_run *run, struct company *company)
{
    double us, reading_us;
    uint64_t records = 0;
    for (size_t i = 0; i < 2 * company->kept.seeded->partners; i++) {
        if (!catch_up(company, i, &us, &reading_us, &records)) {
            bench_fail(run, "a partner did not catch up");
            return false;
        }
    }
    return true;
}

bool partner_set_up(struct bench_run *run, void **context)
{
    struct partner_row *row = calloc(1, sizeof *row);
    *context = row;
    return row != NULL && company_open(&row->large, run, (uint64_t)bench_parameter(run)) &&
           company_open(&row->small, run, SMALL_RECORDS) && warm(run, &row->large) &&
           warm(run, &row->small);
}

static bool measure(struct bench_run *run, struct company *company, const char *noted,
                    double *figure)
{
    double times[CATCH_UPS], readings[CATCH_UPS];
    uint64_t records = 0;
    for (size_t i = 0; i < CATCH_UPS; i++) {
        if (!catch_up(company, i, &times[i], &readings[i], &records)) {
            bench_fail(run, "a partner did not catch up");
            return false;
        }
    }
    *figure = bench_percentile(times, CATCH_UPS, 0.5);
    bench_note(run, "records", (double)records / CATCH_UPS);
    bench_note(run, noted, bench_percentile(readings, CATCH_UPS, 0.5));
    return true;
}

bool partner_subject(struct bench_run *run, void *context, double *figure)
{
    return measure(run, &((struct partner_row *)context)->large, "us once signed in", figure);
}

bool partner_limit(struct bench_run *run, void *context, double *figure)
{
    return measure(run, &((struct partner_row *)context)->small, "us once signed in, fewer records",
                   figure);
}

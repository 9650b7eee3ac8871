/* What a server keeps in its own memory, for a store of a size: that of the process without the
 * file it has mapped, after it has served one of each kind of request many times. A server holds
 * connections and a batch, not records, so it must not grow with the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/rows_store.h"
#include "tests/bench/store_served.h"

#define SMALL_RECORDS 10000u
#define REQUESTS 200u
#define PAGES 50u
#define MUTATIONS 128u
#define AT_ONCE 32u /* below what a client may have unanswered */

struct memory {
    struct kept large, small;
    size_t replicas; /* made so far, each in a folder of its own */
};

bool growth_memory_set_up(struct bench_run *run, void **context)
{
    struct memory *memory = calloc(1, sizeof *memory);
    *context = memory;
    return memory != NULL && kept_open(&memory->large, run, (uint64_t)bench_parameter(run)) &&
           kept_open(&memory->small, run, SMALL_RECORDS);
}

void growth_memory_tear_down(void *context)
{
    struct memory *memory = context;
    if (memory != NULL) {
        kept_release(&memory->large);
        kept_release(&memory->small);
    }
    free(memory);
}

static struct id some_interaction(const struct kept *kept, size_t n)
{
    return kept_interaction(kept, kept->options.records / (REQUESTS + 1) * (n % REQUESTS));
}

static bool ask(struct served_client *client, struct bench_run *run, const struct kept *kept)
{
    char id[ID_TEXT_SIZE];
    tandem_fault fault;
    const tandem_query query = {.entity = "contact", .sort = "emailAddress", .limit = 50};
    bool asked = true;
    size_t sent = 0;
    for (size_t i = 0; i < REQUESTS && asked; i++) {
        id_to_text(some_interaction(kept, i), id);
        asked = tandem_ask_fetch(client->client, id, served_answered, client) == TANDEM_OK;
        asked = asked && (++sent % AT_ONCE != 0 || served_answers(client, run, sent));
    }
    for (size_t i = 0; i < PAGES && asked; i++) {
        asked =
            tandem_ask_query(client->client, &query, served_answered, client, &fault) == TANDEM_OK;
        asked = asked && (++sent % AT_ONCE != 0 || served_answers(client, run, sent));
    }
    return asked && served_answers(client, run, sent);
}

static bool change(struct served_client *client, struct bench_run *run, const struct kept *kept)
{
    size_t before = client->answers;
    bool sent = true;
    for (size_t i = 0; i < MUTATIONS && sent; i++) {
        sent = served_change(client, run, some_interaction(kept, i), i);
        sent = sent && ((i + 1) % AT_ONCE != 0 || served_answers(client, run, before + i + 1));
    }
    return sent;
}

/* Three partners catch up, one of staff asks and changes; then the server is looked at, while
 * they are still connected. */
static bool serve(struct bench_run *run, struct memory *memory, const struct kept *kept,
                  double *figure)
{
    struct server_process server;
    struct served_client staff = {.client = NULL}, partners[3];
    const struct seeded *seeded = kept->seeded;
    memset(partners, 0, sizeof partners);
    bool done = served_start(&server, run, kept);
    for (size_t i = 0; i < 3 && done; i++) {
        char replica[BENCH_FOLDER_MAX];
        (void)snprintf(replica, sizeof replica, "%s/%zu", bench_folder(run), memory->replicas++);
        done =
            served_connect(&partners[i], run, &server, &seeded->users[seeded->staff + i], replica);
    }
    done = done && served_connect(&staff, run, &server, &seeded->users[0], NULL) &&
           ask(&staff, run, kept) && change(&staff, run, kept);
    *figure = (double)bench_resident_anonymous(server.pid);
    served_close(&staff);
    for (size_t i = 0; i < 3; i++) {
        served_close(&partners[i]);
    }
    served_stop(&server);
    if (!done) {
        bench_fail(run, "the server did not serve");
    }
    return done;
}

bool growth_memory_subject(struct bench_run *run, void *context, double *figure)
{
    struct memory *memory = context;
    return serve(run, memory, &memory->large, figure);
}

bool growth_memory_limit(struct bench_run *run, void *context, double *figure)
{
    struct memory *memory = context;
    return serve(run, memory, &memory->small, figure);
}

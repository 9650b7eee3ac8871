/* A server under load is killed in the middle of it, again and again, on one store.
 *
 *     kill_rounds --rounds N --seed N [--check-every N]
 *
 * A round: everybody connects; writers mutate as fast as they are answered; after a random number
 * of answers the server gets SIGKILL; the store is checked; the server starts again, and now and
 * then is killed before it was asked anything, or while it is asked again. Before anything is sent
 * again, a new replica shows that nothing acknowledged is lost; then writers send again until all
 * is answered, and watchers and new replicas hold exactly what the answers say.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "protocol/status.h"
#include "tests/survival/kill/crew.h"

#define MOST_ANSWERS 1500u

struct run {
    unsigned rounds, check_every;
    uint64_t seed;
    struct stand stand;
    struct ledger ledger;
    struct crew crew;
    unsigned kills;
};

static bool prepare(struct run *run)
{
    struct stand *stand = &run->stand;
    return stand_begin(stand) && stand_seed(stand, run->seed) && stand_start(stand, NULL) &&
           crew_init(&run->crew, stand, &run->ledger);
}

/* Ends the server, when the crew has not done it, and starts it again on the same store. */
static bool revive(struct run *run)
{
    run->kills++;
    server_process_kill(&run->stand.server);
    return stand_start(&run->stand, NULL);
}

static void look_back(struct run *run)
{
    struct sight sight = {.of = {NULL}};
    uint64_t seq;
    if (crew_look(&run->crew, &run->stand.seeded->users[0], &sight, &seq)) {
        ledger_survived(&run->ledger, &sight, seq);
    }
    sight_release(&sight);
}

static bool kill_once(struct run *run, size_t answers)
{
    if (answers > 0 && !crew_write_until_killed(&run->crew, run->stand.server.pid, answers)) {
        ledger_complain(&run->ledger, "the server was not brought to %zu answers", answers);
        return false;
    }
    return true;
}

static bool play(struct run *run, unsigned round)
{
    struct ledger *ledger = &run->ledger;
    bool good = kill_once(run, 1 + ledger_random(ledger, MOST_ANSWERS));
    server_process_kill(&run->stand.server);
    if (good && round % run->check_every == 0 && !server_process_check(&run->stand.server)) {
        ledger_complain(ledger, "tandemd check is not content");
    }
    good = good && revive(run);
    if (good && ledger_random(ledger, 4) == 0) { /* before anybody speaks to it */
        good = revive(run);
    }
    if (good) {
        look_back(run);
    }
    if (good && ledger_random(ledger, 3) == 0) { /* while they send again */
        good = kill_once(run, 1 + ledger_random(ledger, 60)) && revive(run);
        look_back(run);
    }
    if (!good || !crew_settle(&run->crew)) {
        ledger_complain(ledger, "writers were not answered");
        return false;
    }
    if (run->crew.refusal != STATUS_OK) {
        ledger_complain(ledger, "a writer was refused: %s", status_name(run->crew.refusal));
    }
    crew_compare(&run->crew);
    return ledger->findings == 0;
}

static void tell(const struct run *run, unsigned round)
{
    static const char plain[] = "round %u of %u: %u kills, %zu mutations acknowledged (%zu of them "
                                "were stored before a kill and answered after it), %zu answered "
                                "again\n";
    (void)fprintf(stderr, plain, round, run->rounds, run->kills, run->ledger.acknowledged,
                  run->ledger.inherited, run->ledger.repeated);
}

static bool play_all(struct run *run)
{
    time_t told = time(NULL);
    bool good = prepare(run);
    for (unsigned round = 1; good && round <= run->rounds; round++) {
        good = play(run, round);
        if (!good || round == run->rounds || time(NULL) - told >= 10) {
            tell(run, round);
            told = time(NULL);
        }
    }
    return server_process_stop(&run->stand.server) && good &&
           server_process_check(&run->stand.server);
}

static bool read_options(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"check-every", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    int option;
    if (getrandom(&run->seed, sizeof run->seed, 0) != sizeof run->seed) {
        return false;
    }
    run->seed %= UINT32_MAX;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'r') {
            run->rounds = (unsigned)strtoul(optarg, NULL, 10);
        } else if (option == 's') {
            run->seed = strtoull(optarg, NULL, 10);
        } else if (option == 'c') {
            run->check_every = (unsigned)strtoul(optarg, NULL, 10);
        } else {
            return false;
        }
    }
    run->ledger.random = run->seed;
    return run->rounds > 0 && run->check_every > 0 && optind == argc;
}

int main(int argc, char **argv)
{
    struct run run = {.rounds = 10, .check_every = 1};
    if (!read_options(&run, argc, argv)) {
        (void)fprintf(stderr, "usage: %s [--rounds N] [--seed N] [--check-every N]\n", argv[0]);
        return 2;
    }
    (void)fprintf(stderr, "seed %llu\n", (unsigned long long)run.seed);
    bool good = play_all(&run);
    (void)printf(
        "kill: %s: %u kills, %zu mutations acknowledged, %zu inherited, %zu answered again, "
        "%zu findings, seed %llu\n",
        good ? "passed" : "FAILED", run.kills, run.ledger.acknowledged, run.ledger.inherited,
        run.ledger.repeated, run.ledger.findings, (unsigned long long)run.seed);
    crew_release(&run.crew);
    ledger_release(&run.ledger);
    good = stand_end(&run.stand) && good;
    return good ? 0 : 1;
}

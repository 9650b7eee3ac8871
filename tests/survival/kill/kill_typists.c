/* A server is killed while five people type in one note, again and again, on one store.
 *
 *     kill_typists --rounds N --seed N
 *
 * A round: everybody types, and is served, until after a random number of edits the server gets
 * SIGKILL, somebody's client perhaps with it; some go on without it; its store is checked, and it
 * starts again. Before any client has said anything it must have what it said it has. Now and then
 * it is killed once more while they send again. Then all is sent, and all have one text.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "tests/survival/kill/typists.h"

#define EDITS_MOST 250u
#define SAY_EVERY_S 10

static bool kill_and_revive(struct typists *typists)
{
    if (typists_random(typists, 2) == 0) {
        typists_kill(typists);
    } else if (!typists_kill_with(typists)) {
        return false;
    }
    if (!server_process_check(&typists->crew.server)) {
        return crew_fail(&typists->crew, "tandemd check is not content");
    }
    return typists_type(typists, typists_random(typists, 30), false) && typists_revive(typists) &&
           typists_look_back(typists);
}

static bool play(struct typists *typists)
{
    bool good = typists_clear(typists) &&
                typists_type(typists, 20 + typists_random(typists, EDITS_MOST), true) &&
                kill_and_revive(typists);
    if (good && typists_random(typists, 3) == 0) { /* while they send again, or before */
        good = typists_type(typists, typists_random(typists, 60), true) && kill_and_revive(typists);
    }
    return good && typists_settle(typists);
}

static void tell(const struct typists *typists, unsigned round, unsigned rounds)
{
    (void)fprintf(
        stderr,
        "round %u of %u: %u kills, %zu edits, version %" PRIu64 ", %zu versions looked back at\n",
        round, rounds, (unsigned)typists->kills, typists->edits, typists->told, typists->looked);
}

static bool play_all(struct typists *typists, unsigned rounds, uint64_t seed)
{
    time_t told = time(NULL);
    bool good = typists_begin(typists, seed);
    for (unsigned round = 1; good && round <= rounds; round++) {
        good = play(typists);
        if (round == rounds || time(NULL) - told >= SAY_EVERY_S) {
            tell(typists, round, rounds);
            told = time(NULL);
        }
    }
    return typists_end(typists) && good;
}

static bool read_options(int argc, char **argv, unsigned *rounds, uint64_t *seed)
{
    static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
                                            {"seed", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    int option;
    if (getrandom(seed, sizeof *seed, 0) != sizeof *seed) {
        return false;
    }
    *seed %= UINT32_MAX;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'r') {
            *rounds = (unsigned)strtoul(optarg, NULL, 10);
        } else if (option == 's') {
            *seed = strtoull(optarg, NULL, 10);
        } else {
            return false;
        }
    }
    return *rounds > 0 && optind == argc;
}

int main(int argc, char **argv)
{
    unsigned rounds = 5;
    uint64_t seed = 0;
    if (!read_options(argc, argv, &rounds, &seed)) {
        (void)fprintf(stderr, "usage: %s [--rounds N] [--seed N]\n", argv[0]);
        return 2;
    }
    (void)fprintf(stderr, "seed %" PRIu64 "\n", seed);
    struct typists *typists = malloc(sizeof *typists);
    if (typists == NULL) {
        (void)fprintf(stderr, "out of memory\n");
        return 1;
    }
    const bool good = play_all(typists, rounds, seed);
    if (!good) {
        (void)fprintf(stderr, "%s\n", typists->crew.why);
    }
    (void)printf(
        "kill typists: %s: %zu kills, %zu clients with them, %zu edits, %zu versions looked "
        "back at, %" PRIu64 " passages kept, seed %" PRIu64 "\n",
        good ? "passed" : "FAILED", typists->kills, typists->ended, typists->edits, typists->looked,
        typists->crew.kept, seed);
    free(typists);
    return good ? 0 : 1;
}

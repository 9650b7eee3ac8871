/* The long form: what attackers of each kind cost somebody who works meanwhile.
 *
 * Rest and attack take turns, round after round, and the p99s of all answers at rest and of all under
 * attack are compared: both are of one run, one machine, one store. The server has one CPU to itself; whoever attacks and
 * whoever works share the other one, where the attackers have the least priority. So a slower
 * answer is the server's.
 *
 * In each slice of an attack somebody else comes in from an address where nobody attacks, which
 * must work. When a round's attackers have left, the server must have no more descriptors than
 * before, say that it is well, and have nothing in its log but whom it refused; at the end its
 * memory must be back within a bound. Before that come mutated inputs in great number (flood.h):
 * the pinning of CPUs comes after them, since it lasts.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/survival/hostile/attack.h"
#include "tests/survival/hostile/flood.h"
#include "tests/survival/hostile/honest.h"
#include "tests/survival/hostile/vitals.h"

#define SERVER_CPU 0
#define OTHER_CPU 1
#define MOST_ROUNDS 25
#define BALLAST 1000
#define PAUSE_US 20000  /* between the honest client's changes */
#define WORST_RATIO 2.0 /* of the p99s */
#define SLICE_MS 1000   /* of an attack's phase, between two newcomers */
#define ELSEWHERE "127.0.9.1"
#define ONLY_FLOOD ATTACK_KINDS
#define COMPLETE_MS 60000 /* for all attackers to be there */
#define LEAVE_MS 60000    /* for the server to have noticed that they left */
/* What the allocator keeps of thousands of connections. */
#define MOST_KEPT (64u << 20)
#define KEPT_MS 60000 /* and for how long more than that */

struct run {
    struct server_process server;
    struct company company;
    struct attack attack;
    struct honest honest;
    uint64_t inputs, seed;
    unsigned rounds, seconds;
    int only; /* attack_kind, ONLY_FLOOD, or -1 */
    unsigned descriptors;
    uint64_t memory, most_memory;
    uint64_t answered;
};

/* What one kind did, round by round. */
struct outcome {
    struct honest rest, attack; /* the times alone, of all rounds */
    double rest_p99, attack_p99; /* of the newest round */
    double newcomer;         /* what the slowest one took to come in, in ms */
    double cpu[MOST_ROUNDS]; /* of the server under attack, as a share of one */
    unsigned open;           /* attackers' connections at the end of the last phase */
    uint64_t memory;         /* when all had left */
};

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* with one CPU there is nothing to choose */
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, unsigned count)
{
    double sorted[MOST_ROUNDS];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted[count / 2];
}

static uint64_t inputs_of(const struct run *run, enum attack_kind kind)
{
    const struct attack_board *board = run->attack.board;
    return kind == ATTACK_HANDSHAKES ? atomic_load(&board->requests) : atomic_load(&board->frames);
}

static bool rest(struct run *run, struct outcome *outcome)
{
    honest_clear(&run->honest);
    bool fine = honest_work_for(&run->honest, run->seconds * 1000, PAUSE_US);
    outcome->rest_p99 = honest_percentile(&run->honest, 0.99);
    return fine && honest_pool(&outcome->rest, &run->honest);
}

/* Work until the phase is over. */
static bool work_on(struct run *run, struct outcome *outcome)
{
    for (unsigned second = 0; second < run->seconds; second++) {
        if (!honest_work_for(&run->honest, SLICE_MS, PAUSE_US)) {
            return false;
        }
        double took_ms = honest_come_in(&run->server, &run->company, ELSEWHERE);
        if (took_ms < 0) {
            return false;
        }
        outcome->newcomer = took_ms > outcome->newcomer ? took_ms : outcome->newcomer;
    }
    return true;
}

static bool under_attack(struct run *run, enum attack_kind kind, struct outcome *outcome,
                         unsigned round)
{
    struct vitals before, after;
    if (!attack_begin(&run->attack, kind, &run->honest, COMPLETE_MS)) {
        return false;
    }
    honest_clear(&run->honest);
    uint64_t began = now_ns();
    bool fine = vitals_read(run->server.pid, &before) && work_on(run, outcome) &&
                vitals_read(run->server.pid, &after);
    if (fine) {
        outcome->cpu[round] = (double)(after.cpu_ns - before.cpu_ns) / (double)(now_ns() - began);
        run->most_memory = after.anonymous > run->most_memory ? after.anonymous : run->most_memory;
    }
    outcome->open = atomic_load(&run->attack.board->open);
    run->answered += run->honest.count;
    outcome->attack_p99 = honest_percentile(&run->honest, 0.99);
    return fine && honest_pool(&outcome->attack, &run->honest);
}

static bool recovered(struct run *run, struct outcome *outcome)
{
    struct vitals vitals;
    if (!attack_begin(&run->attack, ATTACK_NONE, &run->honest, LEAVE_MS) ||
        !vitals_wait_descriptors(run->server.pid, run->descriptors, LEAVE_MS) ||
        !vitals_healthy(&run->server) ||
        !vitals_wait_descriptors(run->server.pid, run->descriptors, LEAVE_MS) ||
        !vitals_read(run->server.pid, &vitals)) {
        return false;
    }
    outcome->memory = vitals.anonymous;
    return vitals_log_is_calm(&run->server);
}

static bool run_rounds(struct run *run, enum attack_kind kind, struct outcome *outcome)
{
    for (unsigned round = 0; round < run->rounds; round++) {
        if (!rest(run, outcome) || !under_attack(run, kind, outcome, round) ||
            !recovered(run, outcome)) {
            return false;
        }
        (void)printf("  %-12s round %u: rest p99 %.2f ms, attack p99 %.2f ms, %u attackers in\n",
                     attack_name(kind), round + 1, outcome->rest_p99, outcome->attack_p99,
                     outcome->open);
        (void)fflush(stdout);
    }
    return true;
}

/* Runs all rounds of a kind; false when something is broken. *ratio is of the p99s. */
static bool measure(struct run *run, enum attack_kind kind, double *ratio)
{
    struct outcome outcome = {.memory = 0};
    uint64_t sent = inputs_of(run, kind);
    const bool fine = run_rounds(run, kind, &outcome);
    const double quiet = honest_percentile(&outcome.rest, 0.99);
    const double loud = honest_percentile(&outcome.attack, 0.99);
    *ratio = quiet > 0 ? loud / quiet : 0;
    if (fine) {
        (void)printf(
            "%-12s p50 %.2f -> %.2f ms, p99 %.2f -> %.2f ms of %zu answers, ratio %.2f;"
            " slowest newcomer %.0f ms; server's CPU %.0f %%, memory afterwards %.1f MiB,"
            " inputs %llu\n",
            attack_name(kind), honest_percentile(&outcome.rest, 0.5),
            honest_percentile(&outcome.attack, 0.5), quiet, loud, outcome.attack.count, *ratio,
            outcome.newcomer, 100 * median(outcome.cpu, run->rounds),
            (double)outcome.memory / 1048576, (unsigned long long)(inputs_of(run, kind) - sent));
        (void)fflush(stdout);
    }
    free(outcome.rest.times_ms);
    free(outcome.attack.times_ms);
    return fine;
}

/* Everything up to the first rest. The server and the company are made on the server's CPU, since
 * what is started inherits where it may run. */
static bool prepare(struct run *run, const char *folder)
{
    struct vitals vitals;
    pin(SERVER_CPU);
    if (!server_process_make(&run->server, folder, COMPANY_ADMIN, COMPANY_PASSWORD) ||
        !server_process_start(&run->server, NULL, 0)) {
        return false;
    }
    pin(OTHER_CPU);
    (void)setpriority(PRIO_PROCESS, 0, -10);
    if (!company_make(&run->company, &run->server, BALLAST) ||
        !honest_begin(&run->honest, &run->server, &run->company) ||
        !attack_start(&run->attack, &run->server, &run->company, &attack_scale_long, run->seed,
                      OTHER_CPU) ||
        !honest_work_for(&run->honest, 1000, PAUSE_US) || !vitals_read(run->server.pid, &vitals)) {
        return false;
    }
    run->descriptors = vitals.descriptors;
    run->memory = vitals.anonymous;
    return true;
}

static bool measure_all(struct run *run, double *worst, enum attack_kind *worst_kind)
{
    *worst = 0;
    for (int kind = 0; kind < ATTACK_KINDS; kind++) {
        double ratio;
        if (run->only >= 0 && kind != run->only) {
            continue;
        }
        if (!measure(run, (enum attack_kind)kind, &ratio)) {
            (void)printf("hostile: FAILED: %s broke something\n",
                         attack_name((enum attack_kind)kind));
            return false;
        }
        if (ratio > *worst) {
            *worst = ratio;
            *worst_kind = (enum attack_kind)kind;
        }
    }
    return true;
}

static bool conclude(const struct run *run, double worst, enum attack_kind worst_kind)
{
    struct vitals vitals;
    bool slim = vitals_wait_memory(run->server.pid, run->memory + MOST_KEPT, KEPT_MS);
    if (!vitals_read(run->server.pid, &vitals)) {
        (void)printf("hostile: FAILED: the server is gone\n");
        return false;
    }
    const struct attack_board *board = run->attack.board;
    (void)printf("memory %.1f MiB before, %.1f MiB at most, %.1f MiB after (%.0f MiB more allowed);"
                 " descriptors %u before, %u after; %llu connections, %llu TLS handshakes\n",
                 (double)run->memory / 1048576, (double)run->most_memory / 1048576,
                 (double)vitals.anonymous / 1048576, MOST_KEPT / 1048576.0, run->descriptors,
                 vitals.descriptors, (unsigned long long)atomic_load(&board->connects),
                 (unsigned long long)atomic_load(&board->handshakes));
    bool passed = slim && worst <= WORST_RATIO;
    (void)printf(
        "%s: worst p99 ratio %.2f (%s, at most %.1f), %llu honest changes under attack, all"
        " answered%s\n",
        passed ? "kept" : "NOT KEPT", worst, attack_name(worst_kind), WORST_RATIO,
        (unsigned long long)run->answered, slim ? "" : "; memory was kept");
    (void)fflush(stdout);
    return passed;
}

static int usage(int status)
{
    (void)fprintf(status == 0 ? stdout : stderr,
                  "Usage: hostile_peers [--frames N] [--seed N] [--rounds N] [--seconds N]"
                  " [--only KIND]\n"
                  "  --frames N   mutated handshakes and frames sent at full speed (1000000)\n"
                  "  --seed N     of the mutations (of the clock)\n"
                  "  --rounds N   of rest and attack, for each kind (5)\n"
                  "  --seconds N  a phase lasts at least (5)\n"
                  "  --only KIND  half-open, silent, slow-readers, slow-writers, pings, handshakes,"
                  " frames, all, all-50, all-here, flood\n");
    return status;
}

static bool parse_kind(const char *name, int *kind)
{
    for (*kind = 0; *kind < ATTACK_KINDS; ++*kind) {
        if (strcmp(attack_name((enum attack_kind) * kind), name) == 0) {
            return true;
        }
    }
    return strcmp(name, "flood") == 0; /* then *kind is ONLY_FLOOD */
}

static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= least && *out <= most;
}

/* 0: go on; otherwise the exit status and one. */
static int parse(int argc, char **argv, struct run *run)
{
    static const struct option options[] = {{"frames", required_argument, NULL, 'f'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    uint64_t number = 0;
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        bool fine = true;
        if (option == 'h') {
            return 1 + usage(0);
        }
        if (option == 'f') {
            fine = parse_number(optarg, 0, UINT64_C(1000000000), &run->inputs);
        } else if (option == 's') {
            fine = parse_number(optarg, 0, UINT64_MAX, &run->seed);
        } else if (option == 'r') {
            fine = parse_number(optarg, 1, MOST_ROUNDS, &number);
            run->rounds = (unsigned)number;
        } else if (option == 't') {
            fine = parse_number(optarg, 1, 600, &number);
            run->seconds = (unsigned)number;
        } else {
            fine = option == 'o' && parse_kind(optarg, &run->only);
        }
        if (!fine) {
            return 1 + usage(2);
        }
    }
    return optind == argc ? 0 : 1 + usage(2);
}

/* Everything that is timed. */
static bool compare_rests(struct run *run, const char *folder)
{
    double worst = 0;
    enum attack_kind worst_kind = ATTACK_NONE;
    bool passed = prepare(run, folder);
    if (!passed) {
        (void)printf("hostile: FAILED: it could not begin\n");
    }
    passed = passed && measure_all(run, &worst, &worst_kind) && conclude(run, worst, worst_kind);
    if (run->attack.board != NULL && !attack_end(&run->attack)) {
        passed = false;
    }
    honest_end(&run->honest);
    return server_process_stop(&run->server) && passed;
}

static bool send_inputs(struct run *run, const char *folder)
{
    struct flood_counts counts = {0};
    bool passed = flood(folder, run->inputs, run->seed, &counts);
    (void)printf(
        "%s: %llu mutated handshakes, %llu mutated frames, %llu honest changes meanwhile\n",
        passed ? "withstood" : "NOT WITHSTOOD", (unsigned long long)counts.requests,
        (unsigned long long)counts.frames, (unsigned long long)counts.answered);
    (void)fflush(stdout);
    return passed;
}

static bool in_folder_of_its_own(struct run *run, bool (*part)(struct run *, const char *))
{
    char folder[SCRATCH_PATH] = "";
    bool passed = scratch_make(folder) && part(run, folder);
    scratch_remove(folder);
    return passed;
}

int main(int argc, char **argv)
{
    struct run run = {.inputs = 1000000, .seed = now_ns(), .rounds = 5, .seconds = 5, .only = -1};
    int done = parse(argc, argv, &run);
    if (done != 0) {
        return done - 1;
    }
    (void)printf("seed %llu\n", (unsigned long long)run.seed);
    bool passed = true;
    if (run.inputs > 0 && (run.only < 0 || run.only == ONLY_FLOOD)) {
        passed = in_folder_of_its_own(&run, send_inputs);
    }
    if (run.only != ONLY_FLOOD) {
        passed = in_folder_of_its_own(&run, compare_rests) && passed;
    }
    (void)printf("hostile: %s\n", passed ? "passed" : "FAILED");
    return passed ? 0 : 1;
}

/* Runs the simulator: seeds one after another, each in a process of its own.
 *
 *     SEED=n     the first seed, default 1      SEEDS=n   how many, default 50; 1 with SEED
 *     TRACE=1    tells everything               TWICE=1   each seed twice: the traces must be equal
 *     EVERY=n    says how far it is every n seeds
 *     test_sim FILE    runs a script
 *
 * What differs is told with its seed, shrunk, and written to sim-SEED.txt in the folder it was
 * started in (or in that of TANDEM_SIM_SCRIPTS). Stores are made below TANDEM_SIM_DIR, or /dev/shm.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim.h"
#include "tests/sim/sim_shrink.h"
#include "tests/support/scratch.h"

/* A run takes a fraction of a second of the processor, or a few; one that goes round in a circle is
 * ended, and one that waits for ever. On a machine that does much else a good one may take long. */
#define RUN_CPU_SECONDS 120u
#define RUN_SECONDS 3600u
#define SHRINK_TRIES 400u

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static bool make_folder(char folder[SIM_PATH])
{
    const char *below = getenv("TANDEM_SIM_DIR");
    if (below == NULL || *below == '\0')
        below = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    const int size = snprintf(folder, SIM_PATH, "%s/tandem-sim-XXXXXX", below);
    if (size > 64) {
        (void)fprintf(stderr, "sim: the path %s is too long\n", below);
        return false;
    }
    if (mkdtemp(folder) != NULL)
        return true;
    perror(folder);
    return false;
}

struct runner {
    struct model_schema *schema;
    struct sim_progress *progress;
    FILE *trace;
};

/* Whether it ended as it should. */
static bool run(const struct runner *runner, const struct sim_script *script)
{
    char folder[SIM_PATH];
    int status = 0;
    struct sim_progress *progress = runner->progress;
    if (!make_folder(folder))
        exit(2);
    *progress = (struct sim_progress){.seed = script->seed};
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit cpu = {RUN_CPU_SECONDS, RUN_CPU_SECONDS + 10};
        (void)setrlimit(RLIMIT_CPU, &cpu);
        (void)alarm(RUN_SECONDS);
        sim_run(runner->schema, script, folder, runner->trace, progress);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("fork");
        exit(2);
    }
    scratch_remove(folder);
    if (WIFSIGNALED(status))
        (void)snprintf(progress->sentence, sizeof progress->sentence, "ended by signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0 && !progress->differs)
        (void)snprintf(progress->sentence, sizeof progress->sentence, "ended with status %d",
                       WEXITSTATUS(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool fails(void *context, const struct sim_script *script)
{
    return !run(context, script);
}

static void say(const struct sim_progress *progress)
{
    (void)fprintf(stderr, "sim: seed %llu, line %u of %u (%s): %s\n",
                  (unsigned long long)progress->seed, progress->line, progress->lines,
                  progress->doing, progress->sentence);
}

static void tell(const struct runner *runner, struct sim_script *script)
{
    char path[512];
    const char *folder = getenv("TANDEM_SIM_SCRIPTS");
    const struct runner silent = {runner->schema, runner->progress, NULL};
    say(runner->progress);
    (void)snprintf(path, sizeof path, "%.400s/sim-%llu.txt", folder != NULL ? folder : ".",
                   (unsigned long long)script->seed);
    if (!run(&silent, script)) /* else it does not happen again, which shrinking cannot help */
        sim_shrink(script, (unsigned)setting("SHRINK", SHRINK_TRIES), fails, (void *)&silent);
    if (run(&silent, script)) {
        (void)fprintf(stderr, "sim: it does not happen again\n");
        return;
    }
    (void)sim_script_write(path, script);
    say(runner->progress);
    (void)fprintf(stderr, "sim: shrunk to %zu lines, in %s:\n", script->count, path);
    for (size_t i = 0; i < script->count; i++)
        (void)fprintf(stderr, "    %u %s\n", script->lines[i].number, script->lines[i].text);
    (void)fprintf(stderr, "  again: TRACE=1 test_sim %s\n", path);
}

/* The same script is the same run. */
static bool run_twice(const struct runner *runner, const struct sim_script *script)
{
    const bool good = run(runner, script);
    const uint64_t trace = runner->progress->trace;
    if (!good || !run(runner, script))
        return false;
    if (runner->progress->trace == trace)
        return true;
    (void)snprintf(runner->progress->sentence, sizeof runner->progress->sentence,
                   "the second run of the same seed was another");
    return false;
}

struct figures {
    uint64_t runs, simulated_ms, frames, mutations, accepted, refused, crashes, cuts, compared,
        restored, taken_over;
};

static void add(struct figures *sum, const struct sim_progress *progress)
{
    sum->runs++;
    sum->simulated_ms += progress->simulated_ms;
    sum->frames += progress->frames;
    sum->mutations += progress->mutations;
    sum->accepted += progress->accepted;
    sum->refused += progress->refused;
    sum->crashes += progress->crashes;
    sum->cuts += progress->cuts;
    sum->compared += progress->compared;
    sum->restored += progress->restored;
    sum->taken_over += progress->taken_over;
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print(const struct figures *sum, double began)
{
    const double hours = (double)sum->simulated_ms / 3600000.0, took = seconds() - began;
    printf("%llu runs: %.0f simulated hours (%.1f a second), %llu mutations (%llu refused), "
           "%llu frames, %llu crashes, %llu connections cut, %llu servers restored, %llu folders "
           "taken over, %llu replicas compared\n",
           (unsigned long long)sum->runs, hours, hours / took, (unsigned long long)sum->mutations,
           (unsigned long long)sum->refused, (unsigned long long)sum->frames,
           (unsigned long long)sum->crashes, (unsigned long long)sum->cuts,
           (unsigned long long)sum->restored, (unsigned long long)sum->taken_over,
           (unsigned long long)sum->compared);
    (void)fflush(stdout);
}

static bool run_seeds(const struct runner *runner)
{
    static struct sim_script script;
    const uint64_t first = setting("SEED", 1);
    const uint64_t count = setting("SEEDS", getenv("SEED") != NULL ? 1 : 50);
    const uint64_t every = setting("EVERY", 0);
    const bool twice = setting("TWICE", 0) != 0;
    const double began = seconds();
    struct figures sum = {0};
    printf("seeds %llu to %llu\n", (unsigned long long)first,
           (unsigned long long)(first + count - 1));
    for (uint64_t i = 0; i < count; i++) {
        sim_script_make(first + i, &script);
        if (!(twice ? run_twice(runner, &script) : run(runner, &script))) {
            tell(runner, &script);
            return false;
        }
        add(&sum, runner->progress);
        if (every > 0 && (i + 1) % every == 0)
            print(&sum, began);
    }
    print(&sum, began);
    return true;
}

int main(int count, char **arguments)
{
    static struct model_schema schema;
    static struct sim_script script;
    struct runner runner = {&schema, NULL, setting("TRACE", 0) != 0 ? stdout : NULL};
    runner.progress = mmap(NULL, sizeof *runner.progress, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (runner.progress == MAP_FAILED || !model_schema_read(&schema, SIM_SCHEMA_PAGE)) {
        (void)fprintf(stderr, "sim: %s cannot be read\n", SIM_SCHEMA_PAGE);
        return 2;
    }
    if (count == 1)
        return run_seeds(&runner) ? 0 : 1;
    if (!sim_script_read(arguments[1], &script))
        return 2;
    if (run(&runner, &script))
        return 0;
    say(runner.progress);
    return 1;
}

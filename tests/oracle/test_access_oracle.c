/* The access oracle: random histories in which everything that clients receive and hold is compared
 * with a model written from the documents alone (model.h).
 *
 *     SEED=n     the first seed, default 1         SEEDS=n    how many, default 500; 1 with SEED
 *     STEPS=n    of each history, default: as the seed has it
 *     EVERY=n    says how far it is every n seeds  TRACE=1    tells each step
 *
 * The histories run in a process of their own, so that a crash too is told with its seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/oracle/oracle.h"

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static void run_all(uint64_t first, uint64_t count, struct oracle_progress *progress)
{
    static struct model_schema schema;
    uint64_t every = setting("EVERY", 0);
    if (!model_schema_read(&schema, ORACLE_SCHEMA_PAGE)) {
        fprintf(stderr, "%s cannot be read as the page of the schema\n", ORACLE_SCHEMA_PAGE);
        exit(1);
    }
    for (uint64_t i = 0; i < count; i++) {
        oracle_run(&schema, first + i, (unsigned)setting("STEPS", 0), setting("TRACE", 0) != 0,
                   progress);
        if (every > 0 && (i + 1) % every == 0) {
            printf("%llu of %llu seeds, %llu mutations, %llu messages, %llu replicas compared\n",
                   (unsigned long long)(i + 1), (unsigned long long)count,
                   (unsigned long long)progress->mutations, (unsigned long long)progress->messages,
                   (unsigned long long)progress->compared);
            fflush(stdout);
        }
    }
}

int main(void)
{
    uint64_t first = setting("SEED", 1);
    uint64_t count = setting("SEEDS", getenv("SEED") != NULL ? 1 : 500);
    struct oracle_progress *progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    if (progress == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    printf("seeds %llu to %llu\n", (unsigned long long)first,
           (unsigned long long)(first + count - 1));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        run_all(first, count, progress);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("fork");
        return 1;
    }
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "access oracle: seed %llu, step %u of %u: ended by signal %d (%s)\n",
                (unsigned long long)progress->seed, progress->step, progress->steps,
                WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return 1;
    }
    printf("%llu histories: %llu mutations (%llu refused), %llu messages with %llu records, "
           "%llu replicas compared\n",
           (unsigned long long)count, (unsigned long long)progress->mutations,
           (unsigned long long)progress->refused, (unsigned long long)progress->messages,
           (unsigned long long)progress->records, (unsigned long long)progress->compared);
    return 0;
}

/* The memory of a client that holds many records, as it looks while they are used (used_client.c):
 * the heap in use and what of the process is its own, added, so that neither can grow unseen, be it
 * by keeping too much or by needing it for a moment. The replica is a mapped file and does not
 * count. Replicas are kept from run to run.
 *
 * Before that, both are used once until the indexes that this asks for are built: a slice of that
 * takes some memory of its own, which the small one needs for a moment only. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/rows_replica_fill.h"
#include "tests/support/child.h"

static bool read_figures(int descriptor, unsigned long long *heap, unsigned long long *resident)
{
    FILE *stream = fdopen(descriptor, "re");
    bool read = stream != NULL && fscanf(stream, "%llu %llu", heap, resident) == 2;
    if (stream != NULL) {
        (void)fclose(stream);
    } else {
        (void)close(descriptor);
    }
    return read;
}

/* Runs the program to its end. */
static bool use(const struct replica_source *source, const char *how, unsigned long long *heap,
                unsigned long long *resident)
{
    const struct seed_user *user = &source->kept.seeded->users[0];
    const char *const arguments[] = {USED_CLIENT_PROGRAM,
                                     source->replica,
                                     source->server.url,
                                     source->server.ca,
                                     user->name,
                                     user->token,
                                     how,
                                     NULL};
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0) {
        return false;
    }
    const struct child_streams streams = {-1, out[1], STDERR_FILENO};
    pid_t pid = child_start(arguments, NULL, &streams, 0);
    (void)close(out[1]);
    bool read = read_figures(out[0], heap, resident);
    return pid >= 0 && child_wait(pid) == 0 && read;
}

static bool measure(struct bench_run *run, const struct replica_source *source, const char *note,
                    double *figure)
{
    unsigned long long heap = 0, resident = 0;
    char name[32];
    if (!use(source, NULL, &heap, &resident)) {
        bench_fail(run, "the client of %s did not come to its end", source->replica);
        return false;
    }
    (void)snprintf(name, sizeof name, "heap of %s", note);
    bench_note(run, name, (double)heap);
    *figure = (double)heap + (double)resident;
    return true;
}

bool client_memory_set_up(struct bench_run *run, void **context)
{
    unsigned long long heap, resident;
    if (!replica_pair_open(run, context))
        return false;
    const struct replica_pair *pair = *context;
    if (use(&pair->large, "settle", &heap, &resident) &&
        use(&pair->small, "settle", &heap, &resident))
        return true;
    bench_fail(run, "a client did not settle");
    return false;
}

void client_memory_tear_down(void *context)
{
    replica_pair_close(context);
}

bool client_memory_subject(struct bench_run *run, void *context, double *figure)
{
    return measure(run, &((const struct replica_pair *)context)->large, "the large", figure);
}

bool client_memory_limit(struct bench_run *run, void *context, double *figure)
{
    return measure(run, &((const struct replica_pair *)context)->small, "the small", figure);
}

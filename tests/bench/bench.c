/* One row from its preparation to its outcome. */
#include "tests/bench/bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/bench_internal.h"

#define DEFAULT_ROUNDS 5u
#define DEEPEST_FOLDER 8u

struct bench_run {
    const struct bench_row *row;
    const struct bench_settings *settings;
    struct bench_outcome *outcome;
    bool failed;
    char folder[BENCH_PATH], kept[BENCH_PATH];
};

long bench_parameter(const struct bench_run *run)
{
    return run->row->parameter;
}

const char *bench_folder(const struct bench_run *run)
{
    return run->folder;
}

const char *bench_kept_folder(const struct bench_run *run)
{
    return run->kept;
}

void bench_fail(struct bench_run *run, const char *format, ...)
{
    va_list arguments;
    if (run->failed) {
        return; /* the first reason is the reason */
    }
    run->failed = true;
    va_start(arguments, format);
    (void)vsnprintf(run->outcome->why, sizeof run->outcome->why, format, arguments);
    va_end(arguments);
}

void bench_progress(const struct bench_run *run, const char *format, ...)
{
    va_list arguments;
    (void)fprintf(run->settings->progress, "%s: ", run->row->name);
    va_start(arguments, format);
    (void)vfprintf(run->settings->progress, format, arguments);
    va_end(arguments);
    (void)fputc('\n', run->settings->progress);
    (void)fflush(run->settings->progress);
}

void bench_note(struct bench_run *run, const char *name, double value)
{
    struct bench_outcome *outcome = run->outcome;
    size_t at = 0;
    while (at < outcome->note_count &&
           strncmp(outcome->notes[at].name, name, BENCH_NOTE_NAME - 1) != 0) {
        at++;
    }
    if (at == BENCH_MOST_NOTES) {
        bench_progress(run, "no room to note \"%s\"", name);
        return;
    }
    struct bench_note *note = &outcome->notes[at];
    if (at == outcome->note_count) {
        outcome->note_count++;
        (void)snprintf(note->name, sizeof note->name, "%s", name);
    }
    if (note->count < sizeof note->values / sizeof *note->values) {
        note->values[note->count++] = value;
    }
}

/* ---- Folders -------------------------------------------------------------------------------- */

/* Makes the folder and those above it. */
static bool make_folders(const char *path)
{
    char part[BENCH_PATH];
    size_t length = strlen(path);
    for (size_t i = 1; i <= length && length < sizeof part; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            memcpy(part, path, i);
            part[i] = '\0';
            if (mkdir(part, 0700) != 0 && errno != EEXIST) {
                return false;
            }
        }
    }
    return length > 0 && length < sizeof part;
}

static void remove_in(int parent, const char *name, unsigned depth)
{
    int descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = descriptor < 0 ? NULL : fdopendir(descriptor);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        bool self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!self && unlinkat(descriptor, entry->d_name, 0) != 0 && depth < DEEPEST_FOLDER) {
            remove_in(descriptor, entry->d_name, depth + 1);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    } else if (descriptor >= 0) {
        (void)close(descriptor);
    }
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

static bool make_run_folders(struct bench_run *run)
{
    const char *root = run->settings->folder;
    int size = snprintf(run->folder, sizeof run->folder, "%s/rows/%s", root, run->row->name);
    if (size < 0 || (size_t)size >= sizeof run->folder) {
        bench_fail(run, "the path %s is too long", root);
        return false;
    }
    (void)snprintf(run->kept, sizeof run->kept, "%s/kept", root);
    remove_in(AT_FDCWD, run->folder, 0);
    if (!make_folders(run->folder) || !make_folders(run->kept)) {
        bench_fail(run, "cannot make folders in %s: %s", root, strerror(errno));
        return false;
    }
    return true;
}

/* ---- Measuring ------------------------------------------------------------------------------ */

/* One measurement; a failure always has words. */
static bool figure(struct bench_run *run, void *context, const char *which,
                   bool (*measure)(struct bench_run *, void *, double *), double *out)
{
    if (measure(run, context, out) && !run->failed) {
        return true;
    }
    bench_fail(run, "the %s could not be measured", which);
    return false;
}

static bool run_rounds(struct bench_run *run, void *context, unsigned rounds)
{
    double subjects[BENCH_MOST_ROUNDS], limits[BENCH_MOST_ROUNDS];
    struct bench_outcome *outcome = run->outcome;
    for (unsigned i = 0; i < rounds; i++) {
        char subject[BENCH_NUMBER], limit[BENCH_NUMBER];
        if (!figure(run, context, "subject", run->row->subject, &subjects[i]) ||
            !figure(run, context, "limit", run->row->limit, &limits[i])) {
            return false;
        }
        bench_progress(run, "round %u of %u: %s, limit %s (%s)", i + 1, rounds,
                       bench_number(subjects[i], subject), bench_number(limits[i], limit),
                       run->row->unit);
    }
    outcome->subject = bench_median(subjects, rounds);
    outcome->limit = bench_median(limits, rounds);
    outcome->rounds = rounds;
    if (!(outcome->limit > 0)) {
        bench_fail(run, "the limit was measured as %g", outcome->limit);
        return false;
    }
    return true;
}

static unsigned rounds_of(const struct bench_row *row, const struct bench_settings *settings)
{
    unsigned rounds = settings->rounds != 0 ? settings->rounds : row->rounds;
    rounds = rounds == 0 ? DEFAULT_ROUNDS : rounds;
    return rounds > BENCH_MOST_ROUNDS ? BENCH_MOST_ROUNDS : rounds;
}

void bench_measure(const struct bench_row *row, const struct bench_settings *settings,
                   struct bench_outcome *out)
{
    struct bench_run run = {.row = row, .settings = settings, .outcome = out};
    void *context = NULL;
    cpu_set_t everywhere;
    bool pinned = sched_getaffinity(0, sizeof everywhere, &everywhere) == 0;
    *out = (struct bench_outcome){.row = row};
    if (make_run_folders(&run)) {
        bool ready = row->set_up == NULL || (row->set_up(&run, &context) && !run.failed);
        if (!ready) {
            bench_fail(&run, "it could not be prepared");
        }
        out->measured = ready && run_rounds(&run, context, rounds_of(row, settings));
        if (row->tear_down != NULL) {
            row->tear_down(context);
        }
        remove_in(AT_FDCWD, run.folder, 0);
    }
    if (pinned) {
        (void)sched_setaffinity(0, sizeof everywhere, &everywhere);
    }
    out->met = out->measured && bench_judge(row, out->subject, out->limit, &out->ratio);
}

/* The longest of the recorded traces, typed into a live note (tests/replay), and into yjs. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tests/bench/rows_notes.h"
#include "tests/replay/replay.h"

struct yjs {
    double seconds, logged, document;
};

struct row {
    struct trace trace;
    char file[BENCH_FOLDER_MAX];
};

static bool find_longest(struct bench_run *run, struct row *row)
{
    glob_t found;
    char why[256] = "there are none in " TRACES;
    if (glob(TRACES "/*.json.gz", 0, NULL, &found) != 0) {
        found.gl_pathc = 0;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct trace trace;
        if (trace_read(found.gl_pathv[i], &trace, why) && trace.count > row->trace.count) {
            struct trace shorter = row->trace;
            row->trace = trace;
            trace = shorter;
            (void)snprintf(row->file, sizeof row->file, "%s", found.gl_pathv[i]);
        }
        trace_release(&trace);
    }
    globfree(&found);
    if (row->trace.count == 0) {
        bench_fail(run, "no trace can be read: %s", why);
    }
    return row->trace.count > 0;
}

static bool set_up(struct bench_run *run, void **context)
{
    struct row *row = calloc(1, sizeof *row);
    *context = row;
    bench_pin(BENCH_LOAD_CPU);
    /* Where the server's and the clients' folders are made. */
    return row != NULL && setenv("TMPDIR", bench_folder(run), 1) == 0 && find_longest(run, row);
}

static void tear_down(void *context)
{
    struct row *row = context;
    (void)unsetenv("TMPDIR");
    if (row != NULL) {
        trace_release(&row->trace);
    }
    free(row);
}

static bool replay(struct bench_run *run, const struct row *row, bool each,
                   struct replay_figures *told)
{
    const struct replay_options options = {.each = each, .readers = row->trace.concurrent ? 0 : 1};
    char why[CREW_WHY] = "";
    bool good = replay_run(&row->trace, &options, told, why);
    if (!good) {
        bench_fail(run, "%s", why);
    }
    return good;
}

/* ---- yjs ------------------------------------------------------------------------------------- */

/* In a folder of its own, since modules are put beside the program. */
static bool ask_yjs(struct bench_run *run, const struct row *row, struct yjs *out)
{
    char command[3 * BENCH_FOLDER_MAX], line[512] = "";
    int size = snprintf(command, sizeof command,
                        "mkdir -p '%s/yjs' && cd '%s/yjs' && cp " YJS "/* . && "
                        "npm ci --silent --no-audit --no-fund >&2 && node replay.mjs '%s'",
                        bench_folder(run), bench_folder(run), row->file);
    FILE *pipe = size > 0 && (size_t)size < sizeof command ? popen(command, "re") : NULL;
    bool good = pipe != NULL && fgets(line, sizeof line, pipe) != NULL;
    good = pipe != NULL && pclose(pipe) == 0 && good;
    json_t *told = good ? json_loads(line, 0, NULL) : NULL;
    if (told == NULL) {
        bench_fail(run, "yjs cannot be run: node and npm are needed, and its registry");
        return false;
    }
    double keystrokes = (double)row->trace.count;
    out->seconds = json_number_value(json_object_get(told, "seconds"));
    out->logged = json_number_value(json_object_get(told, "logged")) / keystrokes;
    out->document = json_number_value(json_object_get(told, "document"));
    json_decref(told);
    return true;
}

/* ---- Time ------------------------------------------------------------------------------------ */

bool note_trace_set_up(struct bench_run *run, void **context)
{
    return set_up(run, context);
}

bool note_trace_subject(struct bench_run *run, void *context, double *figure)
{
    struct replay_figures told;
    bool good = replay(run, context, false, &told);
    if (good) {
        *figure = (double)told.keystrokes / told.seconds;
        bench_note(run, "versions", (double)told.versions);
        bench_note(run, "bytes stored a keystroke",
                   ((double)told.after.all - (double)told.before.all) / (double)told.keystrokes);
    }
    return good;
}

bool note_trace_limit(struct bench_run *run, void *context, double *figure)
{
    const struct row *row = context;
    struct yjs yjs;
    bool good = ask_yjs(run, row, &yjs);
    if (good) {
        *figure = (double)row->trace.count / yjs.seconds;
        bench_note(run, "its document, bytes", yjs.document);
    }
    return good;
}

void note_trace_tear_down(void *context)
{
    tear_down(context);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

bool note_bytes_set_up(struct bench_run *run, void **context)
{
    return set_up(run, context);
}

bool note_bytes_subject(struct bench_run *run, void *context, double *figure)
{
    struct replay_figures told;
    bool good = replay(run, context, true, &told);
    if (good) {
        double stored = (double)told.after.all - (double)told.before.all;
        *figure = stored / (double)told.keystrokes;
        bench_note(run, "times the text", stored / (double)told.text_size);
        bench_note(run, "keystroke to every screen ms, p99", told.p99_ms);
    }
    return good;
}

bool note_bytes_limit(struct bench_run *run, void *context, double *figure)
{
    struct yjs yjs;
    bool good = ask_yjs(run, context, &yjs);
    *figure = good ? yjs.logged : 0;
    return good;
}

void note_bytes_tear_down(void *context)
{
    tear_down(context);
}

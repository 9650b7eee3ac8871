/* Live notes over the network: how many keystrokes a second, and what a long history costs who
 * opens a note. */
#include <stdlib.h>

#include "tests/bench/note_typists.h"
#include "tests/bench/rows_notes.h"

#define KEYSTROKES 2000u
#define HISTORY 100000u
#define LOOKS 5000u

/* ---- Keystrokes ------------------------------------------------------------------------------ */

bool note_keystrokes_set_up(struct bench_run *run, void **context)
{
    *context = typists_new(run, (size_t)bench_parameter(run) * TYPISTS_A_NOTE);
    return *context != NULL;
}

bool note_keystrokes_subject(struct bench_run *run, void *context, double *figure)
{
    struct typists *typists = context;
    double *screen_ms = calloc(KEYSTROKES, sizeof *screen_ms);
    bool good = screen_ms != NULL && typists_open(run, typists, (size_t)bench_parameter(run));
    uint64_t start = bench_now_ns(), cpu = bench_cpu_ns(typists_server(typists));
    good = good && typists_type(run, typists, KEYSTROKES, screen_ms);
    if (good) {
        *figure = KEYSTROKES * 1e9 / (double)(bench_now_ns() - start);
        bench_note(run, "server CPU us a keystroke",
                   (double)(bench_cpu_ns(typists_server(typists)) - cpu) / 1e3 / KEYSTROKES);
        bench_note(run, "keystroke to every screen ms, p99",
                   bench_percentile(screen_ms, KEYSTROKES, 0.99));
        bench_note(run, "half", bench_percentile(screen_ms, KEYSTROKES, 0.5));
    }
    free(screen_ms);
    return good;
}

bool note_keystrokes_limit(struct bench_run *run, void *context, double *figure)
{
    struct typists *typists = context;
    uint64_t start = bench_now_ns();
    bool good = typists_mutate(run, typists, KEYSTROKES);
    *figure = KEYSTROKES * 1e9 / (double)(bench_now_ns() - start);
    return good;
}

void note_keystrokes_tear_down(void *context)
{
    typists_free(context);
}

/* ---- Opening --------------------------------------------------------------------------------- */

struct opening {
    struct typists *typists;
    struct id with, without; /* history */
};

bool note_open_set_up(struct bench_run *run, void **context)
{
    struct opening *opening = calloc(1, sizeof *opening);
    *context = opening;
    if (opening == NULL || (opening->typists = typists_new(run, 1)) == NULL) {
        return false;
    }
    bench_progress(run, "typing %u keystrokes", HISTORY);
    return typists_history(run, opening->typists, HISTORY, &opening->with) &&
           typists_history(run, opening->typists, 0, &opening->without);
}

static bool look(struct bench_run *run, struct opening *opening, struct id note, double *figure)
{
    int server = typists_server(opening->typists);
    uint64_t start = bench_now_ns(), cpu = bench_cpu_ns(server);
    bool good = typists_look(run, opening->typists, note, LOOKS);
    *figure = (double)(bench_cpu_ns(server) - cpu) / 1e3 / LOOKS;
    bench_note(run, id_equal(note, opening->with) ? "us with history" : "us without",
               (double)(bench_now_ns() - start) / 1e3 / LOOKS);
    return good;
}

bool note_open_subject(struct bench_run *run, void *context, double *figure)
{
    struct opening *opening = context;
    return look(run, opening, opening->with, figure);
}

bool note_open_limit(struct bench_run *run, void *context, double *figure)
{
    struct opening *opening = context;
    return look(run, opening, opening->without, figure);
}

void note_open_tear_down(void *context)
{
    struct opening *opening = context;
    if (opening != NULL) {
        typists_free(opening->typists);
    }
    free(opening);
}

#include "tests/replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/replay/replay_agents.h"

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- Typing ---------------------------------------------------------------------------------- */

static bool type_in_sequence(struct replay *replay, const struct trace_edit *edit)
{
    struct crew_member *member = &replay->crew->members[0];
    size_t size;
    const char *text = tandem_note_text(member->note, &size);
    size_t from = trace_bytes(text, size, edit->at);
    size_t removed =
        from == SIZE_MAX ? SIZE_MAX : trace_bytes(text + from, size - from, edit->removed);
    if (removed == SIZE_MAX) {
        return crew_fail(replay->crew, "the text is shorter than that of the trace");
    }
    tandem_code status = tandem_note_replace(member->note, from, removed,
                                             replay->trace->text + edit->text, edit->size);
    return status == TANDEM_OK ||
           crew_fail(replay->crew, "what was typed was refused: %s", tandem_error_text(status));
}

static bool type_start(struct replay *replay)
{
    const struct trace *trace = replay->trace;
    struct crew_member *member = &replay->crew->members[0];
    if (trace->start_size == 0) {
        return true;
    }
    tandem_code status = tandem_note_insert(member->note, 0, trace->start, trace->start_size);
    return (status == TANDEM_OK ||
            crew_fail(replay->crew, "the first text was refused: %s", tandem_error_text(status))) &&
           crew_settle(replay->crew);
}

static bool type_all(struct replay *replay, const struct replay_options *options, double *taken)
{
    size_t count = replay->history->count;
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        const struct trace_edit *edit = &replay->trace->edits[i];
        double start = seconds();
        good = replay->trace->concurrent ? agents_type(replay, i) : type_in_sequence(replay, edit);
        if (good && options->each) {
            good = replay->trace->concurrent ? agents_meet(replay) : crew_settle(replay->crew);
            taken[i] = (seconds() - start) * 1e3;
        } else if (good) {
            good = crew_serve(replay->crew);
        }
        if (options->progress != NULL) {
            options->progress(options->context, i + 1, count);
        }
    }
    return good && (replay->trace->concurrent ? agents_meet(replay) : crew_settle(replay->crew));
}

/* ---- The end --------------------------------------------------------------------------------- */

static bool compare(struct replay *replay, struct replay_figures *out)
{
    const struct history *history = replay->history;
    size_t size;
    const char *text = tandem_note_text(replay->crew->members[0].note, &size);
    out->text_size = size;
    out->in_order = size == history->text_size && memcmp(text, history->text, size) == 0;
    if (replay->crew->kept > 0) {
        return crew_fail(replay->crew, "passages were kept between marks while all were online");
    }
    if (!replay->trace->concurrent && !out->in_order) {
        return crew_fail(replay->crew, "the text is not the one that the trace's edits make");
    }
    return (!replay->trace->concurrent || agents_complete(replay)) &&
           crew_server_has(replay->crew, text, size);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void count(const struct replay *replay, double *taken, struct replay_figures *out)
{
    size_t number = replay->history->count;
    out->keystrokes = number;
    out->clients = replay->crew->count;
    out->meetings = replay->meetings;
    for (size_t i = 0; i < number; i++) {
        out->inserted += replay->trace->edits[i].size;
    }
    qsort(taken, number, sizeof *taken, ascending);
    out->p50_ms = taken[number / 2];
    out->p99_ms = taken[number - 1 - number / 100];
}

static bool run(struct replay *replay, const struct replay_options *options, double *taken,
                struct replay_figures *out)
{
    struct crew *crew = replay->crew;
    char store[SCRATCH_PATH + 32];
    (void)snprintf(store, sizeof store, "%s/data", crew->folder);
    if (!type_start(replay)) {
        return false;
    }
    if (!store_size_read(store, &out->before)) {
        return crew_fail(crew, "the store cannot be measured");
    }
    uint64_t version = tandem_note_version(crew->members[0].note);
    double start = seconds();
    bool good = type_all(replay, options, taken);
    out->seconds = seconds() - start;
    out->versions = tandem_note_version(crew->members[0].note) - version;
    if (!good || !compare(replay, out)) {
        return false;
    }
    count(replay, taken, out);
    return store_size_read(store, &out->after) || crew_fail(crew, "the store cannot be measured");
}

bool replay_run(const struct trace *trace, const struct replay_options *options,
                struct replay_figures *out, char why[CREW_WHY])
{
    struct history history = {.count = 0};
    struct crew *crew = calloc(1, sizeof *crew);
    struct replay replay = {.trace = trace, .history = &history, .crew = crew};
    double *taken = NULL;
    char reason[256] = "";
    size_t most = options->edits == 0 ? trace->count : options->edits;
    bool good = crew != NULL && history_follow(trace, most, &history, reason);
    *out = (struct replay_figures){.clients = 0};
    if (!good) {
        (void)snprintf(why, CREW_WHY, "%s", crew == NULL ? "out of memory" : reason);
    } else {
        taken = calloc(history.count, sizeof *taken);
        good = taken != NULL && agents_begin(&replay);
        good = good || crew_fail(crew, "out of memory");
        good = good && crew_open(crew, trace->agents + options->readers, trace->concurrent) &&
               run(&replay, options, taken, out);
        good = (crew_close(crew) || crew_fail(crew, "the server did not end well")) && good;
        (void)snprintf(why, CREW_WHY, "%s", crew->why);
    }
    agents_end(&replay);
    history_release(&history);
    free(taken);
    free(crew);
    return good;
}

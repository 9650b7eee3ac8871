/* Replays a recorded trace through a real server, by clients of the library.
 *
 * A sequential trace is typed by one client, and others may look on. A concurrent one is typed by
 * one client for each of its agents, in the order of the trace. All are connected, and what one
 * types comes to the others while they type; whoever types has been told at least what the trace's
 * author had then, and when there is more the places of the trace are found in it by the characters
 * that stand there (history.h, slots.h). Our clients push what was typed since the last push in
 * one, so other versions come about than in the trace's own time, and with --each one for each
 * keystroke.
 *
 * At the end the server and all clients must have one text; of a sequential trace the one that its
 * edits make. Of a concurrent one every character must be there, once, that somebody inserted and
 * nobody deleted, and no other; and whether that is also in the order of the trace's own text is
 * told.
 */
#ifndef TANDEM_TESTS_REPLAY_REPLAY_H
#define TANDEM_TESTS_REPLAY_REPLAY_H

#include "tests/replay/crew.h"
#include "tests/replay/history.h"
#include "tests/replay/store_size.h"

typedef void replay_progress_fn(void *context, size_t done, size_t count);

struct replay_options {
    size_t edits;   /* the first so many; 0: all */
    size_t readers; /* clients beside those who type */
    bool each;      /* everybody has each keystroke before the next is typed */
    replay_progress_fn *progress;
    void *context;
};

struct replay_figures {
    size_t clients, keystrokes;
    double seconds;             /* from the first until everybody had everything */
    uint64_t versions;          /* that the server made of them */
    size_t text_size, inserted; /* bytes at the end, and of everything that was inserted */
    struct store_size before, after;
    size_t meetings;       /* concurrent: how often all waited for all */
    double p50_ms, p99_ms; /* `each`: until everybody had a keystroke */
    bool in_order;         /* the text is the trace's */
};

/* False with the reason in `why`. */
bool replay_run(const struct trace *trace, const struct replay_options *options,
                struct replay_figures *out, char why[CREW_WHY]);

#endif

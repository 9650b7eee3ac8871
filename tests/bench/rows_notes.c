#include "tests/bench/rows_notes.h"

#include "tests/bench/rows.h"

#define ROW_OF(name)                                                                               \
    .set_up = name##_set_up, .subject = name##_subject, .limit = name##_limit,                     \
    .tear_down = name##_tear_down

/* Of five who type at one place at the same time one is taken with each commit, and the others hear
 * of it and try again: a keystroke of a note costs a commit of its own and a round trip more, where
 * the mutations of all five share one. So a fifth of their rate would be all there is to have, of
 * which the round trip leaves half; with many notes other notes' keystrokes share the commits, and
 * what is tried in vain is decoded, judged and answered as well. */
#define KEYSTROKES_TARGET 0.1

#define KEYSTROKES_ROW(number, size)                                                               \
    {                                                                                              \
        .name = "note-keystrokes-" size,                                                           \
        .what = "keystrokes a second that all have, " size " live notes of 5 people each",         \
        .against = "durable mutations a second by the same people", .unit = "1/s",                 \
        .sense = BENCH_AT_LEAST, .target = KEYSTROKES_TARGET, ROW_OF(note_keystrokes),             \
        .parameter = (number)                                                                      \
    }

static const struct bench_row rows[] = {
    KEYSTROKES_ROW(1, "1"),
    KEYSTROKES_ROW(50, "50"),
    /* The head has the text; the history is behind it and need not be read. */
    {.name = "note-open-100k",
     .what = "opening a live note with 100,000 keystrokes of history",
     .against = "one with the same text that nobody has typed in",
     .unit = "server CPU us",
     .sense = BENCH_AT_MOST,
     .target = 1.2,
     ROW_OF(note_open)},
    /* yjs keeps everything in memory and tells nobody who typed what when. Here each keystroke is
     * flushed by the device before it shows, and by the server before it is told: with flushes of
     * half a millisecond at most some 2,000 a second. A hundredth of what memory does is above what
     * ten people type. */
    {.name = "note-trace",
     .what =
         "keystrokes a second of the longest recorded trace, as fast as its authors' clients can",
     .against = "yjs typing the same in memory, each update applied to another document",
     .unit = "1/s",
     .sense = BENCH_AT_LEAST,
     .target = 0.01,
     .rounds = 3,
     ROW_OF(note_trace)},
    /* Each keystroke is a version that can be read, with who typed it, when and on which device: four
     * to five bytes of a row that has two hundred, which snapshots may double; the newest text, and the
     * history of the record, come to some two. An update of yjs is some 25, and says nothing of who
     * and when. */
    {.name = "note-bytes",
     .what = "bytes stored a keystroke of that trace, each a version of its own",
     .against = "the updates of yjs, without what a store adds",
     .unit = "bytes",
     .sense = BENCH_AT_MOST,
     .target = 0.6,
     .rounds = 1, /* it does not vary */
     ROW_OF(note_bytes)},
};

const struct bench_rows bench_rows_notes = {rows, sizeof rows / sizeof *rows};

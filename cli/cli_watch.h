/* tandem watch, in three parts: cli_watch.c connects, waits and cleans up; cli_watch_print.c turns
 * events into lines; cli_watch_outbox.c finds what other processes of the profile queue.
 *
 * A JSON line is written as soon as its event is there. A line for people also says what changed,
 * which the event does not carry: its history entry is asked for, and the lines wait in a short
 * queue so that they come out in order. When more happens than the queue holds, the oldest lines
 * come out without that detail, rather than late.
 */
#ifndef TANDEM_CLI_WATCH_H
#define TANDEM_CLI_WATCH_H

#include "cli/cli.h"

#define WATCH_QUEUE 64u
#define WATCH_IDS 64u

struct watch;

struct watch_line {
    struct watch *watch;
    char id[TANDEM_ID_TEXT];
    uint64_t seq;
    int64_t at_ms;
    const char *verb;     /* "added"; NULL for a line that is no change of a record */
    char by[72];
    struct buffer about;  /* what was changed, or the whole line */
    struct buffer details;
    bool asked, complete;
};

struct watch {
    struct cli *cli;
    bool own;              /* in the profile's replica */
    char folder[PROFILE_PATH]; /* else of one for this run */
    bool all;              /* print what is held before anything arrives */
    bool until_caught_up;
    unsigned long count;   /* end after this many changes; 0: never */
    const char *ids[WATCH_IDS]; /* records meant; none: all */
    char found[WATCH_IDS][TANDEM_ID_TEXT];
    char scopes[WATCH_IDS][64]; /* of each; "" when the id is an account, whose scope is meant */
    size_t id_count;
    bool live;             /* what comes now is news, not the first filling of the replica */
    bool stop;             /* end at once */
    bool enough;           /* end when the lines in the queue are out */
    bool broken;           /* the line broke, and that was said */
    unsigned long changes; /* printed so far */
    bool greet, greeted;   /* that all is there is to be said, was said */
    struct watch_line *lines[WATCH_QUEUE];
    size_t line_count;
    uint64_t last_entry; /* of the outbox: the newest known to wait */
    size_t entries;      /* in the outbox when it was last looked at */
    struct buffer told;  /* entries in conflict or refused that were told of, 8 bytes each */
};

/* The tandem_event_fn of the watch. */
void watch_on_event(void *context, const tandem_event *event);
/* Prints a change of one's own that the server does not have yet. */
void watch_print_pending(struct watch *watch, const tandem_event *event);
/* Finds what is new in the outbox, and tells of it or, at the beginning, only notes it. False when
 * there is nothing. */
bool watch_look_at_outbox(struct watch *watch, bool tell);
/* Whether an entry that was not taken is still to be told of; from then on it is not. */
bool watch_tells_entry(struct watch *watch, uint64_t entry);
/* Prints one record already held. */
bool watch_print_held(void *context, const tandem_record *record);
/* Asks for details of queued lines and prints those that are complete. Not from inside a callback. */
void watch_advance(struct watch *watch);
/* Prints what is queued as it is. */
void watch_flush(struct watch *watch);
/* After tandem_close(): frees the lines. */
void watch_release(struct watch *watch);

#endif

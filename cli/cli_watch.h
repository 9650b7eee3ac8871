/* tandem watch, in parts: cli_watch.c connects, waits and cleans up; cli_watch_print.c turns
 * events into lines; cli_watch_line.c prints those for people, and cli_watch_changes.c says what changed;
 * cli_watch_names.c knows what things are called; cli_watch_outbox.c finds what other processes of the
 * profile queue; cli_watch_seen.c what was told already.
 *
 * A JSON line is written as soon as its event is there. A line for people also says what changed,
 * which the event does not carry: the history since what was shown before is asked for, and the lines
 * wait in a short queue so that they come out in order. When more happens than the queue holds, the
 * oldest lines come out without that detail, rather than late.
 */
#ifndef TANDEM_CLI_WATCH_H
#define TANDEM_CLI_WATCH_H

#include "cli/cli.h"
#include "cli/cli_names.h"

#define WATCH_QUEUE 64u
#define WATCH_IDS 64u

struct watch;

struct watch_line {
    struct watch *watch;
    char id[TANDEM_ID_TEXT];
    char entity[72];
    char scope[64];       /* that was opened, of which the name is still to come; else "" */
    unsigned named_by;    /* it has come, if it ever does, once watch->caught_up is another */
    uint64_t since, seq;  /* between them lies what is told */
    bool earlier;         /* it happened before what was told last */
    int64_t at_ms;        /* when it happened, 0 when not known; when it is told, of what is live */
    const char *verb;     /* "added"; NULL for a line that does not begin with who did it */
    struct buffer by;     /* who did; "" while that is not known */
    char last_by[72];     /* who changed the record last */
    bool removed;         /* the record is gone, and only who removed it is to be found */
    struct buffer about;  /* what was changed, or the whole line */
    struct buffer details;
    json_t *entries;      /* of the history, newest first */
    unsigned limit;       /* how many of those are asked for */
    unsigned walked;      /* how many of those came */
    bool reached;         /* they go back to `since` */
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
    bool catching;         /* what comes now happened while this watch was not connected */
    uint64_t head;         /* everything up to this seq has been told */
    unsigned caught_up;    /* how often everything had come */
    struct names names;    /* of what lines refer to */
    json_t *accounts;      /* names of accounts, for when they are gone */
    json_t *assignments;   /* what assignments are called, likewise */
    bool reloaded;         /* accounts may have come and gone untold since the last CAUGHT_UP */
    json_t *called;        /* what other records are called, likewise */
    json_t *seen;          /* changes told lately (cli_watch_seen.c) */
    int64_t noted_ms;      /* when it was last noted how new the copy is; 0: not yet */
    bool newer;            /* the copy is newer than what was noted */
    bool stop;             /* end at once */
    bool enough;           /* end when the lines in the queue are out */
    bool broken;           /* the line broke, and that was said */
    bool offline;          /* so is the profile, and that was said */
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
/* Whether the change is no news: told already, or only that the server took what was typed here. If
 * it is news, it is taken as told. */
bool watch_is_seen(struct watch *watch, const tandem_record *record);
/* Up to which seq the record's changes were told before this one, which is news. */
uint64_t watch_told_until(const struct watch *watch, const tandem_record *record);
/* What comes of the record next is news in any case; NULL: of all. */
void watch_forget_seen(struct watch *watch, const char *id);
/* Tells that the profile went offline; when it is online again, an event says. */
void watch_look_at_line(struct watch *watch);
/* Finds what is new in the outbox, and tells of it or, at the beginning, only notes it. False when
 * there is nothing. */
bool watch_look_at_outbox(struct watch *watch, bool tell);
/* Whether an entry that was not taken is still to be told of; from then on it is not. */
bool watch_tells_entry(struct watch *watch, uint64_t entry);
/* Notes beside the copy that it is as new as this watch has seen, when that is due or `now`. */
void watch_note_copy(struct watch *watch, bool now);
/* Milliseconds until it is due again; -1: it is not. */
int watch_copy_due(const struct watch *watch);
/* Tells of it in words, or with --json as an object. `looked`: what was to be found by looking again
 * is told already. */
void watch_tell(struct watch *watch, const tandem_event *event, bool looked);
/* Prints one record already held. */
bool watch_print_held(void *context, const tandem_record *record);
void watch_print_json_held(struct watch *watch, const tandem_record *record);

/* ---- Lines for people; `earlier`: it happened before what was told last ---- */

void watch_say(struct watch *watch, const char *text, bool earlier);
void watch_say_record(struct watch *watch, const tandem_record *record, const char *happened,
                      bool earlier);
void watch_say_changed(struct watch *watch, const tandem_record *record, bool earlier);
/* `about`: what it was called. */
void watch_say_removed(struct watch *watch, const tandem_event *event, const char *about,
                       bool earlier);
void watch_say_entered(struct watch *watch, const char *scope, bool earlier);
/* Asks for details of queued lines and prints those that are complete. Not from inside a callback. */
void watch_advance(struct watch *watch);
/* Prints what is queued as it is. */
void watch_flush(struct watch *watch);
/* After tandem_close(): frees the lines. */
void watch_release(struct watch *watch);

/* ---- What a line says of a change ---- */

/* Keeps an entry of the record's history for the line; they come newest first. False when no more
 * is needed. */
bool watch_gather(struct watch_line *line, const tandem_history_entry *entry);
/* Makes of those who did it, and each field that is another than was shown before. */
void watch_add_up(struct watch_line *line);

/* ---- Names ---- */

/* Once the replica is open: notes what accounts are called, since a purge leaves nothing to ask. */
void watch_names_begin(struct watch *watch);
void watch_names_release(struct watch *watch);
/* Keeps the notes in step with an event, after it was printed. */
void watch_note_name(struct watch *watch, const tandem_event *event);
/* Whether all accounts of the replica are remembered. */
bool watch_knows_accounts(const struct watch *watch);
/* After RELOAD: tells which accounts came into sight or went, as ENTERED and PURGED would have, as
 * far as they are in the replica. True when any did. */
bool watch_find_accounts(struct watch *watch);
/* A record's entity and name; of one that is called by others, by those: an assignment by its party
 * and its account. */
void watch_name_record(struct watch *watch, const tandem_record *record, struct buffer *out);
/* "account Fjord Bruk AS", or with the id; false when there is no name. */
bool watch_name_scope(struct watch *watch, const char *scope, struct buffer *out);
/* What a record is called that is gone, or its id. */
void watch_name_id(struct watch *watch, const char *id, struct buffer *out);
/* In quotes, and cut when it is long. */
void watch_add_value(struct buffer *out, const char *value);
/* A value with names for the ids of a reference. */
void watch_name_value(struct watch *watch, const char *entity, const char *field, const char *value,
                      struct buffer *out);
/* ,"names":{...} of what the event's record and scope refer to; nothing when there are none. */
void watch_print_names(struct watch *watch, const tandem_event *event);

#endif

/* Scenarios: what Tandem promises, as text that is run against the real programs.
 *
 * A file of tests/scenario/ is read line by line; each line is one step, in the language that
 * README.md describes. Steps start tandemd in a folder of the scenario's own, run `tandem` as this
 * or that user, keep watches running as child processes, and speak to the socket frame by frame. A
 * step that does not find what it says ends the scenario with the file, the line, what was
 * expected and what was there.
 *
 * Nothing sleeps: a step waits for the event it names, for SCENARIO_PATIENCE_MS at most. Children
 * die with the runner.
 */
#ifndef TESTS_SCENARIO_H
#define TESTS_SCENARIO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/bytes.h"

enum {
    SCENARIO_PATIENCE_MS = 60000, /* also enough for a sanitizer's build on a loaded machine */
    SCENARIO_WORDS = 64,
    SCENARIO_VARIABLES = 128,
    SCENARIO_WATCHES = 12,
    SCENARIO_RAWS = 8,
    SCENARIO_PATH = 512,
};

/* A line cut into words, variables replaced. `rest[i]` is the text from word i on, quotes kept and
 * variables replaced, for steps that take JSON. */
struct words {
    size_t count;
    const char *word[SCENARIO_WORDS];
    const char *rest[SCENARIO_WORDS];
    struct buffer text, raw;
};

struct variable {
    char name[48];
    char *value;
};

/* What a command left behind. */
struct outcome {
    struct buffer out, err;
    int status;
};

struct watch {
    char name[48];
    pid_t pid;
    int fd;
    struct buffer text; /* read and not yet taken as lines */
    json_t *event;      /* the next one, looked at and not yet taken */
};

struct raw; /* raw.c */

struct scenario {
    const char *bin, *source; /* folders: of the programs, of the repository */
    const char *file;
    unsigned line;
    char dir[SCENARIO_PATH];
    struct variable variables[SCENARIO_VARIABLES];
    size_t variable_count;
    pid_t server;
    int server_out;
    unsigned port; /* 0: not chosen yet */
    struct outcome last;
    struct watch watches[SCENARIO_WATCHES];
    size_t watch_count;
    struct raw *raws[SCENARIO_RAWS];
    size_t raw_count;
    unsigned markers; /* changes of the marker so far */
    const char *const *following; /* lines behind this one, for steps that have a body */
    size_t following_count;
    size_t taken; /* of them */
};

/* Says why the step failed; returns false. */
bool scenario_fail(struct scenario *scenario, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The next line of a step's body: an indented line that begins with `mark`. NULL when there is
 * none left. What is returned begins behind the mark. */
const char *scenario_body(struct scenario *scenario, char mark);

/* ---- words.c ---- */
/* Cuts `line`. False after telling when it cannot be. */
bool words_cut(struct scenario *scenario, const char *line, struct words *words);
void words_release(struct words *words);
bool words_is(const struct words *words, size_t at, const char *text);
const char *variable_get(const struct scenario *scenario, const char *name);
bool variable_set(struct scenario *scenario, const char *name, const char *value);

/* ---- process.c ---- */
/* Starts a program in the scenario's folder. `settings`: up to `count` words NAME=VALUE for its
 * environment; STDIN=FILE is its input, STDERR=FILE
 * takes its errors instead of the pipe. -1 when it cannot be started. */
pid_t process_start(struct scenario *scenario, char *const argv[], const char *const *settings,
                    size_t count, int *out, int *err);
/* Runs it to its end into scenario->last. */
bool process_run(struct scenario *scenario, char *const argv[], const char *const *settings,
                 size_t count);
/* Waits for its end; the exit status, 128 + the signal, or -1 when it does not end. */
int process_wait(pid_t pid);
/* Reads one line, without its end, into `text` from `fd`, starting with what `text` holds. */
bool process_line(int fd, struct buffer *text, char **line);

/* ---- match.c ---- */
/* Whether `value` meets `word`: PATH=TEXT, PATH~PART, PATH=#COUNT or PATH=absent. A path is looked
 * for in the value, in its `record` and in that one's `fields`. */
bool match_word(const json_t *value, const char *word);
/* The member at a path, NULL when there is none; borrowed. */
json_t *match_find(const json_t *value, const char *path);
/* As people write it: a string without quotes, all else as JSON. The caller frees. */
char *match_text(const json_t *value);

/* ---- one function for each first word of a line ---- */
typedef bool step_fn(struct scenario *scenario, const struct words *words);
step_fn step_server, step_tandemd, step_run, step_certificates; /* server.c */
step_fn step_as, step_user;                                     /* command.c */
step_fn step_out, step_err, step_keep, step_same, step_differ, step_file, step_id; /* outcome.c */
step_fn step_raw;                                               /* raw.c */
step_fn step_http, step_tls;                                    /* transport.c */
/* A line that begins with the name of a watch. */
step_fn step_watch;                                             /* watch.c */

void server_kill(struct scenario *scenario);
void watch_release_all(struct scenario *scenario);
void raw_release_all(struct scenario *scenario);
/* Runs `tandem` as this user, with --json unless there or `plainly`. */
bool command_tandem(struct scenario *scenario, const char *user, const char *const *words,
                    size_t count, const char *const *settings, size_t setting_count);

#endif

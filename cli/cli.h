/* The frame every command of `tandem` runs in.
 *
 * main() hands its arguments to cli_main(), which finds the command in the table of
 * cli_commands.c, reads the options that the table says it has, and calls its run function with a
 * `struct cli`. The command connects with cli_connect(), asks and sends with the functions below,
 * each of which waits for its answer, and writes what it found to cli->out.
 *
 * Everything that can go wrong is told to the person where it is found, in plain words and with
 * the next step, on cli->err. A function that returns an `enum tandem_failure` other than
 * TANDEM_DONE has told; its caller only cleans up and returns the same, which becomes the exit
 * status. With --json failures are one JSON object on cli->err.
 */
#ifndef TANDEM_CLI_CLI_H
#define TANDEM_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "cli/cli_arguments.h"
#include "cli/cli_copy.h"
#include "cli/cli_profile.h"
#include "tandem/tandem.h"
#include "protocol/bytes.h"

struct cli {
    FILE *out;
    FILE *err;
    bool json;
    const struct command *command;
    struct profile profile;
    const tandem_server *attempt; /* what login is trying, for the next step; else NULL */
    tandem_client *client;
    struct copy copy;          /* of the profile, as cli_connect() found it */
    bool in_folder;            /* the handle opened last is of the copy's folder, or was to be */
    bool local;                /* the copy answers, and changes wait in its outbox */
    uint64_t entry;            /* of the outbox: the change queued last; 0 when it was answered */
    uint64_t conflict;         /* of the outbox: open on the record just changed; 0 when none is */
    json_t *overwrote;         /* {"overwrote":[...]} of the change just taken, or NULL */
    json_t *unsettled, *marks; /* what was in the outbox on the way to the server (cli_mark.h) */
    const char *nameless;      /* folder to be deleted as soon as the connection is begun, or NULL */
    tandem_event_fn *on_event; /* told of every event after the frame has looked; may be NULL */
    void *event_context;
    bool damaged;              /* the outbox could not be read, and an empty one took its place */
    bool ever_connected;
    bool lost;                 /* the connection failed for good; `fault` says why */
    tandem_fault fault;        /* of the last request or connection that failed */
};

/* Runs one command line. `argv` as main() gets it. Returns the exit status. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

/* ---- Telling ------------------------------------------------------------------------------- */

/* One sentence or two on cli->err; returns `failure`, so that `return cli_refuse(...)` reads well. */
enum tandem_failure cli_refuse(struct cli *cli, enum tandem_failure failure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Wrong use of the command: the sentence, its usage line and where to read more. */
enum tandem_failure cli_usage(struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What a fault of the library means, and what to do about it. `what` names what was attempted
 * ("the account was not added"); may be NULL. */
enum tandem_failure cli_fault(struct cli *cli, const char *what, const tandem_fault *fault);
/* The same, told in the caller's own sentence. */
enum tandem_failure cli_fault_in_words(struct cli *cli, const char *sentence,
                                       const tandem_fault *fault);
/* What a fault says beyond the text of its code, which servers and layers may have repeated in
 * front; "" when it says nothing more. Points into the fault. */
const char *cli_fault_detail(const tandem_fault *fault);
/* What the fault means without what to do: the text of its code, the field and the detail. */
void cli_fault_words(const tandem_fault *fault, struct buffer *out);
enum tandem_failure cli_no_memory(struct cli *cli);
/* Something that is no failure: a remark on cli->err, left out with --json. */
void cli_note(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- The connection ------------------------------------------------------------------------ */

/* What a command can do while the profile is offline. */
enum cli_need {
    CLI_READS,   /* answers from the copy */
    CLI_CHANGES, /* so, and what it changes waits in the outbox */
    CLI_SERVER,  /* nothing: it refuses, and says how to get online */
    CLI_PAST_COPY /* it goes to the server whatever the profile is */
};
/* Gets a command to where its answers come from. Usually that is the server: connects as the
 * profile's session says and waits until signed in. Where something waits in the outbox it goes
 * first, since changes keep their order. A profile that is offline answers from its copy, and so
 * does one that keeps a copy, for CLI_CHANGES, when the server cannot be reached: then cli->local
 * is true and nothing is connected. */
enum tandem_failure cli_connect(struct cli *cli, enum cli_need need);
/* Opens a handle with the replica in this folder, or NULL without. */
enum tandem_failure cli_open(struct cli *cli, const char *replica);
/* Opens the profile's copy, without connecting; cli->local is true then. Refuses when there is
 * none. */
enum tandem_failure cli_open_copy(struct cli *cli);
/* Closes the handle. */
void cli_close(struct cli *cli);
/* The server and the sign-in of the profile's session. `once` as in tandem_server. */
tandem_server cli_server(const struct cli *cli, bool once);
/* Refuses because nobody is signed in. */
enum tandem_failure cli_refuse_signed_out(struct cli *cli);
/* Returns UNREACHABLE or REFUSED without telling, with the reason in cli->fault. */
enum tandem_failure cli_sign_in(struct cli *cli, const tandem_server *server);
/* Services the connection until *done, or the line is lost, or the server stays silent too long;
 * then returns false with cli->fault set. */
bool cli_await(struct cli *cli, const bool *done);
/* Services the connection once, waiting at most so long. False when it is over, as cli_await. */
bool cli_turn(struct cli *cli, int most_ms);

/* ---- Asking -------------------------------------------------------------------------------- */

/* Each waits for the whole answer. The code is the fault's, which is also in cli->fault; nothing
 * is told. `each` sees the records in order. */
tandem_code cli_fetch(struct cli *cli, const char *id, tandem_record_fn *each, void *context);
tandem_code cli_query(struct cli *cli, const tandem_query *query, tandem_record_fn *each,
                      void *context);
tandem_code cli_timeline(struct cli *cli, const char *account, unsigned limit,
                         tandem_record_fn *each, void *context);
tandem_code cli_history(struct cli *cli, const char *id, unsigned limit, tandem_history_fn *each,
                        void *context);

/* An answer without records, kept: freed with cli_reply_release. */
struct cli_reply {
    bool done;
    tandem_fault fault;
    char *info;   /* JSON object, or NULL */
    char code[128];
    int64_t expires;
};
/* The callback that fills a struct cli_reply, for tandem_ask_status and its like. */
void cli_on_reply(void *context, const tandem_answer *answer, const tandem_fault *fault);
/* Waits for it; `asked` is what the tandem_ask function returned. */
tandem_code cli_take_reply(struct cli *cli, tandem_code asked, struct cli_reply *reply);
void cli_reply_release(struct cli_reply *reply);

/* Sends the mutation and waits. On refusal tells `what` and the reason, conflicts included. `seq`
 * may be NULL. While cli->local, and when the line breaks in a profile that keeps a copy, it is
 * queued durably instead, which is no failure: cli->entry says as which entry. */
enum tandem_failure cli_send(struct cli *cli, const tandem_mutation *mutation, const char *what,
                             uint64_t *seq);
/* The same, telling nothing of a refusal with the code `silent`, which is in cli->fault. */
#define CLI_ANY_REFUSAL ((tandem_code)-1) /* whatever the server refuses with */
enum tandem_failure cli_send_unless(struct cli *cli, const tandem_mutation *mutation,
                                    const char *what, tandem_code silent, uint64_t *seq);

/* The seq of the record as the author of the mutation saw it. The copy knows that by itself. */
void cli_saw(const struct cli *cli, tandem_mutation *mutation, uint64_t seq);

/* ---- Small things -------------------------------------------------------------------------- */

/* The text of an object's member, "" where there is none. */
const char *cli_member(const json_t *object, const char *key);
/* Milliseconds of CLOCK_MONOTONIC, or since 1970 of CLOCK_REALTIME. */
int64_t cli_now_ms(clockid_t clock);

/* ---- Answering ----------------------------------------------------------------------------- */

/* A record as one line of JSON, with its `state` where that is known. False when out of memory. */
bool cli_print_record(struct cli *cli, const tandem_record *record);
/* The same of a record that is gone already: its JSON, and its state as mark_of(). */
void cli_print_record_json(struct cli *cli, const char *json, const char *mark);
/* Prints {"id":..., "seq":...} with --json, else the sentence; of what was queued, that it is
 * pending and as which entry. */
void cli_done(struct cli *cli, const char *id, uint64_t seq, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif

/* A company in one process: a server, the devices of its people and the network between them, under
 * a clock that jumps from one event to the next.
 *
 *     seed -> script -> run -> (a difference: a shorter script that still shows it)
 *
 * A script is a list of lines, each one thing that happens: somebody edits, a connection is lost
 * after 700 bytes, a device crashes at its third write. Each line draws all its chances, and those
 * of everything until the next line, from the seed and its own number, so lines can be left out
 * and the others still mean what they meant. Objects are named by position ("contact#3"), modulo
 * how many there are.
 *
 *     sim_script.c   text to lines and back, and the lines that follow from a seed
 *     sim_run.c      a run: the events in order of time, the lines one after another
 *     sim_ops.c      what each line does
 *     sim_settle.c   settling what was not taken
 *     sim_net.c      the network: two streams of bytes for each connection
 *     sim_server.c   the server: store, committer, sessions, as the I/O thread drives them
 *     sim_restore.c  the server is put back to an earlier copy, or is an older one
 *     sim_history.c  what happened, in each history of the server
 *     sim_trap.c     processes that die inside a commit
 *     sim_device.c   a client with its folder, driven as a program drives it
 *     sim_process.c  two of them as processes of one folder
 *     sim_watch.c    what must hold at every event and at every read
 *     sim_own.c      what must hold of an author's own work
 *     sim_note.c     live notes as the server has them, from sim_noted.c
 *     sim_type.c     people who type in them
 *     sim_files.c    what may be left in a device's files
 *     sim_quiet.c    what must hold when everything was delivered
 *     sim_shrink.c   leaves lines out of a script that fails
 *
 * Both sides are production code on real LMDB files; only the clock, chance, the network and
 * flushes are ours. A run has no thread, no socket and no address in anything that decides, so the
 * same script is the same run.
 */
#ifndef TANDEM_TESTS_SIM_H
#define TANDEM_TESTS_SIM_H

#include <stdio.h>

#include "client-lib/client/client.h"
#include "protocol/message.h"
#include "tandem/note.h"
#include "server/commit/commit.h"
#include "server/core/session/session.h"
#include "tests/oracle/judge_view.h"
#include "tests/sim/sim_noted.h"
#include "tests/sim/sim_script.h"
#include "tests/survival/faults/lost_writes.h"

#define SIM_PATH 96 /* a scratch folder, and a name in it */
#define SIM_DEVICES 16u
#define SIM_USERS 8u
#define SIM_CONNECTIONS 64u
#define SIM_DEEDS 512u
#define SIM_STAGED 512u
#define SIM_LETTERS 1024u
#define SIM_HISTORIES 6u
#define SIM_LOG 2048u
#define SIM_ENTITIES 3u
#define SIM_NOTES 64u
#define SIM_OPEN 8u
#define SIM_TYPED 4096u
#define SIM_NEVER UINT64_MAX

struct sim;

/* What a run leaves behind for the process that started it; shared memory. */
struct sim_progress {
    uint64_t seed;
    unsigned line, lines; /* of the script */
    bool differs;
    char sentence[1024];
    char doing[SIM_LINE];
    uint64_t trace; /* a hash of everything that was told */
    uint64_t simulated_ms;
    uint64_t frames, records, mutations, accepted, refused, crashes, cuts, compared, restored;
    uint64_t taken_over; /* folders, by the other process */
};

/* ---- Network ---- */

enum sim_piece_kind { PIECE_OPENED, PIECE_DATA, PIECE_CLOSED, PIECE_LOST };

/* Something under way, to arrive at a time. */
struct sim_piece {
    struct sim_piece *next;
    enum sim_piece_kind kind;
    uint64_t at;
    unsigned code; /* CLOSED */
    struct buffer bytes;
};

/* One direction of a connection. */
struct sim_pipe {
    struct sim_piece *first, *last;
    size_t under_way;    /* bytes */
    uint64_t latest;     /* when the last piece arrives: nothing overtakes */
    uint64_t held_until; /* stalled */
    struct buffer input; /* at the receiving end: what is not a whole message yet */
};

struct sim_connection {
    bool used;
    uint64_t number; /* never given again */
    struct sim_device *device;
    struct link *link;       /* the client's end; NULL: gone */
    struct session *session; /* the server's end; NULL: not yet, or gone */
    bool ended;              /* the server's end is gone */
    bool cut;                /* what is sent gets lost */
    int64_t cut_after;       /* bytes in either direction until the connection is lost; -1: never */
    bool cut_silent;         /* then neither end is told */
    unsigned closing;        /* the server closes with this code once all is sent; 0: no */
    struct sim_pipe up, down;
};

/* ---- Server ---- */

/* A process that dies inside one of its commits. */
struct sim_trap {
    uint32_t calls; /* CALL_WRITE, CALL_SYNC; 0: none set */
    uint64_t nth;
    uint32_t way;
    enum lost_writes lost;
    unsigned steps; /* in how many steps it may still spring */
};

struct sim_command {
    enum command_kind kind;
    struct id actor, client;
    uint64_t at_ms, seq;
    struct buffer body;
    struct buffer notes; /* struct sim_noted and its text, of each note that it was about */
};

struct sim_letter {
    struct notice *notice; /* else an answer */
    uint64_t connection, ticket;
    enum status status;
    struct buffer answer;
    bool early; /* said before the fault that ended the process */
};

struct sim_server {
    char folder[SIM_PATH];
    struct store *store; /* NULL: not running */
    struct committer *committer;
    struct store_reader *reader;
    struct state snapshot;
    unsigned snapshot_depth;
    struct interest *interest;
    struct feed_cache *cache;
    struct session_port port;
    struct sim_letter letters[SIM_LETTERS];
    size_t letter_count;
    struct sim_command staged[SIM_STAGED]; /* applied, not known to be committed */
    size_t staged_count;
    uint64_t commit_at, tick_at, restart_at;
    uint64_t retention_ms;
    struct sim_trap trap;
    bool failed; /* the committer said so */
    bool older;  /* one that does not know what was added to the protocol since */
    bool copied; /* there is a copy to put it back to */
};

/* ---- Live notes ---- */

/* A live note as the server has it. */
struct sim_note {
    struct id id;
    uint64_t version;
    uint64_t told; /* the newest that somebody was told is kept */
    struct buffer text;
};

/* A character that somebody typed; there is one of each. */
struct sim_typed {
    struct id note;
    struct sim_device *device;
    bool gone;    /* somebody deleted it */
    bool unsure;  /* whoever typed it was not told that it is kept, or the server was put back */
    bool arrived; /* the server has had it */
};

/* A note that a device has open. */
struct sim_open {
    struct id id;
    tandem_note *note; /* NULL: free */
};

/* What happened under one epoch. A restored server goes on from a copy under another. */
struct sim_history {
    struct id epoch;
    struct model *model;
};

/* What the model was told, from which it is made again. */
struct sim_log {
    struct id administrator, departments[3];
    uint64_t founded_ms;
    struct sim_command commands[SIM_LOG];
    size_t count, copied; /* in all, and when the copy was made */
};

/* ---- Devices ---- */

struct sim_device {
    struct sim *sim;
    unsigned index;
    char name[8]; /* "d2", for people */
    unsigned user;
    char folder[SIM_PATH];
    struct sim_device *home;  /* whose folder it is: itself, but for a second process */
    struct sim_device *other; /* the other process of the folder; NULL: there is none */
    unsigned process;         /* its number in the system */
    bool leads;               /* as far as was told */
    uint64_t wake_at;         /* the other has woken it, which it hears then; SIM_NEVER */
    tandem_client *client; /* NULL: not running */
    struct port port;
    int64_t skew;        /* of its wall clock */
    bool reachable;      /* has a network */
    uint64_t latency;    /* one way, at least */
    uint64_t jitter;     /* and at most so much more */
    uint64_t restart_at; /* SIM_NEVER: it runs, or stays down */
    uint64_t due_at;     /* when it must be served at the latest */
    struct sim_trap trap;
    bool dying; /* inside a step in which the trap has sprung: nothing it does gets out */
    bool caught_up, failed;
    bool settles;           /* inside sim_settle() */
    bool behind_itself; /* of `home`: a loss of power took back what the replica had shown */
    uint64_t connected_seq; /* the server's newest when it signed in last */
    char scopes[4][SCOPE_TEXT_SIZE];
    const char *scope_list[4];
    size_t scope_count; /* 0: everything */
    char entities[SIM_ENTITIES][24];
    const char *entity_list[SIM_ENTITIES];
    size_t entity_count; /* 0: all */
    unsigned history;    /* of `home`: of the server, to which its outbox belongs */
    struct sim_open open[SIM_OPEN];
    unsigned spins; /* times served at the same moment */
    uint64_t spun_at;
};

struct sim_user {
    struct id id;
    char name[16];
    char token[40];
    bool staff;
};

/* ---- What was done ---- */

enum sim_outcome {
    DEED_OPEN,    /* no answer yet */
    DEED_TAKEN,   /* answered: done */
    DEED_REFUSED, /* answered otherwise */
    DEED_KEPT,    /* its handle was closed; it is in the outbox */
    DEED_UNKNOWN, /* its author's process died while it was being sent, or without an outbox */
    DEED_SETTLED  /* refused, and settled or dropped since */
};

/* One mutation that somebody sent. Its text is "deed-NUMBER." in a field, when it has a field. */
struct sim_deed {
    unsigned number;
    struct sim *sim;
    struct sim_device *device;
    bool texted;
    struct id record;
    char field[24];
    enum sim_outcome outcome;
    tandem_code code;
    uint64_t seq;
    uint64_t entry; /* in the outbox, when it is known */
    bool creates;   /* the record */
    bool moved;     /* settled once: it may stand in another entry now */
    char entity[24];
    bool promised;  /* its author was told that it is queued, and it survives the process */
    bool done_with; /* the replica has shown it */
    unsigned answers;
    uint64_t applied_seq;
    unsigned applied; /* how often the server has taken it, in the history that it has now */
    bool undone;      /* the server was put back to before it had taken it */
    bool pending;     /* at the last look it was in the outbox, not taken yet */
    bool gone;        /* undone, and its author had been told that it was taken */
    bool careful;     /* it must not take the place of what its author has not seen: */
    char saw[2][32];  /* the field as it was shown */
};

struct sim {
    const struct model_schema *schema;
    struct sim_progress *progress;
    struct model *model; /* of the history that goes on */
    struct sim_history histories[SIM_HISTORIES];
    unsigned history_count;
    struct sim_log log;
    FILE *trace; /* may be NULL */
    char folder[SIM_PATH];
    uint64_t seed, random;
    uint64_t now;                   /* ms since it began */
    uint64_t wall_base;             /* the wall clock then */
    bool calm;                      /* no more faults */
    const struct sim_trap *watched; /* whose writes are watched; NULL: nobody's */
    uint64_t next_connection;
    struct sim_server server;
    struct sim_connection connections[SIM_CONNECTIONS];
    struct sim_device devices[SIM_DEVICES]; /* those with a folder of their own first */
    unsigned device_count, folder_count;
    unsigned processes; /* that were ever started */
    struct sim_user users[SIM_USERS];
    unsigned user_count;
    struct sim_deed deeds[SIM_DEEDS];
    unsigned deed_count;
    struct sim_note notes[SIM_NOTES];
    unsigned note_count;
    struct sim_typed typed[SIM_TYPED];
    unsigned typed_count;
    unsigned names; /* given */
};

/* ---- sim_run.c ---- */

/* Runs a script in this process; a difference ends the process with status 1. `folder` is empty
 * and the caller's to remove. `quick`: nothing is compared at the end. */
void sim_run(const struct model_schema *schema, const struct sim_script *script, const char *folder,
             FILE *trace, struct sim_progress *progress);
/* Lets `ms` pass. */
void sim_pass(struct sim *sim, uint64_t ms);
/* Draws for line `number` of the script from here on. */
void sim_reseed(struct sim *sim, uint64_t number);
uint64_t sim_random(struct sim *sim, uint64_t below);
bool sim_chance(struct sim *sim, unsigned percent);
void sim_fill_random(struct sim *sim, void *out, size_t size);
uint64_t sim_wall(const struct sim *sim);
/* The path of something in the run's folder. */
void sim_below(const struct sim *sim, const char *name, char out[SIM_PATH]);
void sim_differ(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* A line of the trace. */
void sim_tell(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- sim_ops.c ---- */

/* The company: people, accounts, some records; then the devices. */
void sim_set_up(struct sim *sim);
/* Lets a user in again whose tokens have ended, as soon as the server commits it. */
void sim_admit(struct sim *sim, struct sim_user *user);
void sim_do(struct sim *sim, const struct sim_line *line);

/* A deed to be sent from the device; NULL when there are too many. */
struct sim_deed *deed_new(struct sim *sim, struct sim_device *device);
/* Puts the deed's own text into a field, by which it is known wherever it turns up. */
void deed_sign(struct sim_deed *deed, tandem_mutation *mutation, const char *entity, const char *id,
               const char *field);

/* ---- sim_settle.c ---- */

/* Settles the n-th entry that was not taken: mine, theirs, with, drop, retry. */
void sim_settle(struct sim_device *device, unsigned n, const char *way);

/* ---- sim_net.c ---- */

struct sim_connection *net_open(struct sim *sim, struct sim_device *device, struct link *link);
/* The server has taken it up, which the client hears. */
void net_accept(struct sim *sim, struct sim_connection *connection);
void net_send(struct sim *sim, struct sim_connection *connection, bool up, struct bytes frame);
/* A close in order behind what was sent. */
void net_close(struct sim *sim, struct sim_connection *connection, bool up, unsigned code);
/* An end that is no more: the other end hears of it. */
void net_leave(struct sim *sim, struct sim_connection *connection, bool up);
/* The connection is lost now. */
void net_cut(struct sim *sim, struct sim_connection *connection, bool silent);
/* All those of a device, some silently. */
void net_cut_all(struct sim *sim, const struct sim_device *device);
/* Ends that were not told of a loss are, and no more connections are to be lost. */
void net_heal(struct sim *sim);
/* Nothing arrives for so long. */
void net_stall(struct sim *sim, struct sim_connection *connection, uint64_t ms);
/* What arrives first and is not held up at its end. */
uint64_t net_next(const struct sim *sim);
void net_deliver(struct sim *sim);
/* Takes what has arrived at an end; NULL when nothing has. The caller frees. */
struct sim_piece *net_take(struct sim *sim, struct sim_pipe *pipe);
void net_piece_free(struct sim_piece *piece);
/* A whole message at the head of `input`, taken off by net_shift(). */
bool net_message(const struct sim_pipe *pipe, struct bytes *out);
void net_shift(struct sim_pipe *pipe, size_t size);
bool net_idle(const struct sim *sim);
/* The newest connection of a device whose ends are both there; NULL. */
struct sim_connection *net_of(struct sim *sim, const struct sim_device *device);
void net_forget(struct sim *sim);

/* ---- sim_server.c ---- */

void server_make(struct sim *sim);
bool server_start(struct sim *sim);
/* As a killed process goes, or as one whose machine lost power. */
void server_crash(struct sim *sim, enum lost_writes lost);
uint64_t server_next(const struct sim *sim);
void server_run(struct sim *sim); /* what is due */
void server_arrived(struct sim *sim, struct sim_connection *connection);
/* Applies what somebody in the server's own room does, at once; the answer's status. */
enum status server_apply(struct sim *sim, enum command_kind kind, struct id actor,
                         struct bytes body);
/* Hands the committer a command; nobody hears the answer. */
void server_submit(struct sim *sim, enum command_kind kind, struct id actor, struct bytes body);
bool server_idle(const struct sim *sim);
struct state server_state(struct sim *sim);
void server_state_end(struct sim *sim);

/* ---- sim_restore.c ---- */

/* Copies the store, as a backup does. */
void restore_copy(struct sim *sim);
/* Stops the server, and puts its store back to the copy, under another epoch. */
void restore_from_copy(struct sim *sim);
/* Stops the server; the one that comes back is an older one, or the newest. */
void restore_version(struct sim *sim, bool older);
/* What an older server would send in place of the message, in `out`; the message itself, else. */
struct bytes restore_older(const struct sim *sim, struct bytes frame, struct buffer *out);
/* What a client may not send to an older server. */
void restore_check(struct sim *sim, const struct sim_device *device, struct bytes frame);

/* ---- sim_history.c ---- */

void history_found(struct sim *sim, const struct id departments[3]);
/* What was applied: the model is told, and it is remembered. */
void history_mutated(struct sim *sim, const struct sim_command *command, struct bytes changes);
/* Gives the seq at which the model ended. */
uint64_t history_due(struct sim *sim, const struct sim_command *command);
/* Notes that somebody typed in. */
void history_typed(struct sim *sim, const struct sim_command *command);
/* A copy was made now; and the server goes on from it. */
void history_copied(struct sim *sim);
void history_restored(struct sim *sim, struct id epoch);
/* The model of what the device's replica is of. */
const struct model *history_shown(const struct sim_device *device);
/* Whether its outbox is of the same. */
bool history_is_shown(const struct sim_device *device);
/* Whether the device's outbox still is of a former history. */
bool history_is_former(const struct sim_device *device);
/* After each step of a device: what was taken, and then undone, before it knew. */
struct own_entries;
void history_watch(struct sim_device *device, const struct own_entries *entries);
void history_free(struct sim *sim);

/* ---- sim_trap.c ---- */

/* Before a step of the victim; false when there is no trap for it. */
bool trap_set(struct sim *sim, struct sim_trap *trap, const char *folder);
/* After it: whether the process is dead. It is to be torn down then, without a word to anybody, and
 * its files be left to trap_take(). */
bool trap_sprung(struct sim *sim, struct sim_trap *trap);
void trap_take(struct sim *sim, enum lost_writes lost);
void trap_clear(struct sim *sim, struct sim_trap *trap);

/* ---- sim_device.c ---- */

void device_make(struct sim *sim, unsigned user);
/* Starts a second process on its folder, unless there is one. */
void device_second(struct sim_device *device);
void device_start(struct sim_device *device);
void device_stop(struct sim_device *device); /* as a program that ends */
void device_crash(struct sim_device *device);
void device_serve(struct sim_device *device);
/* Offline on purpose, or not. */
void device_pause(struct sim_device *device, bool paused);
void device_connect(struct sim_device *device);
/* To the scopes and entities that it is to have. */
tandem_code device_subscribe(struct sim_device *device);
/* Around every call into the library: springs the trap. After device_leave() returns false the
 * process is gone, and what the call said was heard by nobody. */
void device_enter(struct sim_device *device);
bool device_leave(struct sim_device *device);
uint64_t device_next(struct sim *sim);
void device_run(struct sim *sim);
const struct port *device_port(struct sim *sim);

/* ---- sim_process.c ---- */

/* What is called in the library from now on is called by this process. */
void process_is(const struct sim_device *device);
/* Whether both have the same folder, and with it the outbox and the replica. */
bool process_shares(const struct sim_device *one, const struct sim_device *other);
/* Whether it has seen all that was done to its folder: it has not, until it hears the other. */
bool process_has_heard(const struct sim_device *device);
/* Takes note of who was woken by what was done last, and of who leads since. */
void process_listen(struct sim *sim);
/* The one of the folder that keeps the replica; NULL: nobody does. */
struct sim_device *process_leader(struct sim_device *device);

/* ---- sim_watch.c ---- */

/* Applied and committed, in order. */
void watch_committed(struct sim *sim, const struct sim_command *command);
/* About to be sent to somebody. */
void watch_frame(struct sim *sim, const struct sim_connection *connection, struct bytes frame);
void watch_event(struct sim_device *device, const tandem_event *event);
void watch_result(struct sim_deed *deed, const tandem_result *result);
/* Everything a device shows is what its user may see, or what they wrote themselves. */
void watch_read(struct sim_device *device);

/* ---- sim_own.c ---- */

/* What is in a device's outbox, by state and by deed. */
struct own_entries {
    unsigned count[TANDEM_ENTRY_STATES];
    unsigned behind; /* of the waiting ones */
    unsigned shown;  /* accepted: at a quiet point the replica has come past it */
    bool has[SIM_DEEDS], is_behind[SIM_DEEDS];
    tandem_entry_state state[SIM_DEEDS];
};
void own_look(struct sim_device *device, struct own_entries *out);
/* The deeds that encoded changes are of, one after another. */
struct own_walk {
    struct wire_reader reader;
    uint32_t left;
    struct bytes change; /* what is left of it */
    struct id id;
};
struct own_walk own_walk(struct bytes changes);
struct sim_deed *own_next(struct sim *sim, struct own_walk *walk);
/* The text of a field's encoded value; "" when it is none. */
void own_text(struct bytes value, char out[32]);
/* What the deed's author sees on a device of the field it is about. */
void own_see(struct sim_device *device, struct sim_deed *deed);
/* Before the server takes it: it forces nothing over that its author has not seen. */
void own_forced(const struct sim_deed *deed);
/* What waits for the server, or for the replica to show it, is shown. */
void own_watch(struct sim_device *device);
/* At a quiet point: why it is not yet one (NULL: it is), and whether all is where it must be. */
const char *own_unsettled(struct sim_device *device);
void own_check(struct sim_device *device);

/* ---- sim_note.c ---- */

/* Notes down what a command that was just applied has made of notes. */
void note_applied(const struct state *state, const struct command *command, uint64_t before,
                  struct buffer *out);
/* The same, committed: `settled` gets the notes whose records have changed by themselves. */
void note_committed(struct sim *sim, const struct sim_command *command);
/* The next of the notes noted down; false at the end. */
bool note_next(struct bytes *rest, struct sim_noted *out, struct bytes *text);
/* Whoever is told may see it. */
void note_told(struct sim *sim, const struct sim_device *device, const struct message *message);
/* Of a command that may have been lost: whether the store has what it made. */
bool note_survived(struct sim *sim, const struct sim_command *command);
/* After the server died, or was put back: what it told is kept still, or not. */
void note_started(struct sim *sim);
void note_restored(struct sim *sim);
/* As the server has it; NULL when nobody ever typed in it. */
struct sim_note *note_of(struct sim *sim, struct id id);
/* Whether somebody typed in one, and it is not its record's yet. */
bool note_waits(const struct sim *sim);
void note_free(struct sim *sim);

/* ---- sim_type.c ---- */

/* Which of the characters stand in a text; `there` has `count`. */
void type_find(struct bytes text, unsigned count, bool *there);
/* Types, deletes or takes back something in a note, which is opened first. */
void type_some(struct sim_device *device, const char *id);
/* The handles are gone with the process. */
void type_forget(struct sim_device *device);
/* At a quiet point: has open what was typed in; why it is not yet one (NULL: it is); and everybody
 * has the server's text, and nothing typed is lost. */
void type_gather(struct sim_device *device);
const char *type_unsettled(struct sim_device *device);
void type_check(struct sim_device *device);

/* ---- sim_files.c ---- */

/* Nothing of what is gone is left in the device's files. */
void files_check(struct sim_device *device);

/* ---- sim_quiet.c ---- */

/* Heals everything, waits until nothing is under way, and compares. */
void sim_quiet(struct sim *sim);

#endif

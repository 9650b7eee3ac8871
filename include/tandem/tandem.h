/* libtandem: a client of a Tandem server, with a local replica.
 *
 * One operation from end to end: tandem_open() opens (or makes) the replica in a folder;
 * tandem_connect() begins to connect and sign in; from then on the caller's loop waits for
 * tandem_fd() as tandem_want() says, at most tandem_timeout() milliseconds, and calls
 * tandem_service(), which does whatever is due and tells of it through the callbacks. Reads
 * (tandem_get, tandem_each, tandem_timeline) are local and see the replica as of the last
 * message applied. Mutations are built, sent, and answered through a callback.
 *
 * The connection heals itself: when it breaks, tandem_service() connects again after a random
 * pause that grows with each failure, resumes the subscription where it was and sends again
 * what was not answered; the server answers a repeated mutation as it did the first time.
 *
 * Nothing here starts a thread unasked, exits, prints, or keeps state outside the handles. A handle
 * is for one thread at a time. Pointers handed to callbacks, and those inside records, are valid
 * until the callback returns. Strings are UTF-8. A callback may call anything of its handle but
 * tandem_service(), tandem_wait() and tandem_close(). The only call that can block is the look-up
 * of a host name, which the system does when a connection is begun.
 *
 * Functions that can fail return TANDEM_OK or an error code and leave the handle usable, as it was
 * before the call, unless they say otherwise.
 */
#ifndef TANDEM_TANDEM_H
#define TANDEM_TANDEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TANDEM_VERSION "0.1.0"
#define TANDEM_ID_TEXT 37 /* bytes for an id as text, with its NUL */

/* Error codes are those of the protocol's status table, 0 being success; see tandem_error_name().
 */
typedef int tandem_code;
#define TANDEM_OK 0
/* By name: where this header says NOT_FOUND, it means TANDEM_CODE_NOT_FOUND. What each means is
 * tandem_error_text(). Later versions may know more. */
enum {
    TANDEM_CODE_MALFORMED = 1,
    TANDEM_CODE_TOO_LARGE = 2,
    TANDEM_CODE_TOO_DEEP = 3,
    TANDEM_CODE_UNKNOWN_MESSAGE = 4,
    TANDEM_CODE_MISSING_FIELD = 5,
    TANDEM_CODE_WRONG_KIND = 6,
    TANDEM_CODE_UNKNOWN_ENTITY = 7,
    TANDEM_CODE_UNKNOWN_FIELD = 8,
    TANDEM_CODE_INVALID_VALUE = 9,
    TANDEM_CODE_NOT_FOUND = 10,
    TANDEM_CODE_DENIED = 11,
    TANDEM_CODE_CONFLICT = 12,
    TANDEM_CODE_EXISTS = 13,
    TANDEM_CODE_NUMBER_REUSED = 14,
    TANDEM_CODE_NUMBER_GAP = 15,
    TANDEM_CODE_NUMBER_FORGOTTEN = 16,
    TANDEM_CODE_NOT_SIGNED_IN = 17,
    TANDEM_CODE_SIGN_IN_FAILED = 18,
    TANDEM_CODE_TOO_MANY_ATTEMPTS = 19,
    TANDEM_CODE_RATE_LIMITED = 20,
    TANDEM_CODE_UNSUPPORTED_VERSION = 21,
    TANDEM_CODE_UNEXPECTED = 22,
    TANDEM_CODE_RESET_REQUIRED = 23,
    TANDEM_CODE_WEAK_PASSWORD = 24,
    TANDEM_CODE_CODE_NEEDS_PASSWORD = 25,
    TANDEM_CODE_REFERENCED = 26,
    TANDEM_CODE_LIMIT = 27,
    TANDEM_CODE_BEHIND = 28,
    TANDEM_CODE_BUSY = 40,
    TANDEM_CODE_READ_ONLY = 41,
    TANDEM_CODE_SHUTTING_DOWN = 42,
    TANDEM_CODE_INTERNAL = 43,
    TANDEM_CODE_NO_MEMORY = 44,
    TANDEM_CODE_IO = 45,
    TANDEM_CODE_CORRUPT = 46,
    TANDEM_CODE_FORMAT_VERSION = 47,
    TANDEM_CODE_LOCKED = 48,
    TANDEM_CODE_UNREACHABLE = 60,
    TANDEM_CODE_UNTRUSTED = 61,
    TANDEM_CODE_CANCELLED = 62,
    TANDEM_CODE_USAGE = 63,
    TANDEM_CODE_KEPT = 64
};

/* Stable name of a code ("not-found") and a sentence for a person. Never NULL. */
const char *tandem_error_name(tandem_code code);
const char *tandem_error_text(tandem_code code);
/* What kind of failure a code is, as the command line's exit status tells it. */
enum tandem_failure {
    TANDEM_DONE = 0,
    TANDEM_REFUSED = 1,
    TANDEM_USAGE = 2,
    TANDEM_UNREACHABLE = 3
};
enum tandem_failure tandem_error_class(tandem_code code);

typedef struct tandem_client tandem_client;
typedef struct tandem_record tandem_record;
typedef struct tandem_mutation tandem_mutation;

/* Details of the last error of a handle: the field meant ("" when none), and what was wrong. */
typedef struct tandem_fault {
    tandem_code code;
    int change; /* index of the change of a mutation, or -1 */
    char field[64];
    char detail[256];
    uint64_t retry_after; /* milliseconds, 0 when unknown */
} tandem_fault;

/* ---- Events -------------------------------------------------------------------------------- */

typedef enum tandem_event_kind {
    TANDEM_EVENT_CONNECTED,     /* signed in */
    TANDEM_EVENT_DISCONNECTED,  /* lost, or an attempt failed; code says why; healed by itself
                                   unless `final` */
    TANDEM_EVENT_CHANGED,       /* record: stored or replaced */
    TANDEM_EVENT_REMOVED,       /* id: a record is gone; record: as it was held, NULL when another
                                   process took it out */
    TANDEM_EVENT_PURGED,        /* scope: everything held of it is gone */
    TANDEM_EVENT_ENTERED,       /* scope: became visible; what was held of it is gone, CHANGED
                                   events for all of it follow */
    TANDEM_EVENT_CAUGHT_UP,     /* the replica shows the server's state at seq; after subscribing,
                                   and from then on after each burst of changes */
    TANDEM_EVENT_RESET,         /* the replica was emptied, which no other event tells, and starts
                                   over; detail: why */
    TANDEM_EVENT_PROGRESS,      /* done, total: records of a first sync or of a long catch-up */
    TANDEM_EVENT_SETTLED,       /* entry: the server has taken a mutation of the outbox */
    TANDEM_EVENT_CONFLICT,      /* entry: it is in conflict, see tandem_outbox_get() */
    TANDEM_EVENT_REFUSED,       /* entry: it was refused for another reason; code, detail */
    TANDEM_EVENT_REPAIRED,      /* scope: differed from the server's, and is being fetched anew */
    TANDEM_EVENT_RELOAD,        /* another process changed more than can be told: read again */
    TANDEM_EVENT_OUTBOX_DAMAGED, /* the outbox could not be read; detail: where it is kept */
    TANDEM_EVENT_DROPPED         /* entry: another process gave it up, or settled it otherwise */
} tandem_event_kind;

typedef struct tandem_event {
    tandem_event_kind kind;
    uint64_t seq;
    const char *id;              /* REMOVED */
    const char *scope;           /* PURGED, ENTERED: "account:<id>", ... */
    const tandem_record *record; /* CHANGED, REMOVED; else NULL */
    tandem_code code;            /* DISCONNECTED, REFUSED */
    bool final;                  /* DISCONNECTED: the library will not try again */
    const char *detail;          /* never NULL */
    uint64_t entry;              /* SETTLED, CONFLICT, REFUSED, DROPPED; CHANGED and REMOVED by a
                                    change of one's own that the server has not answered; else 0 */
    uint64_t done, total;        /* PROGRESS; total is an estimate, 0 when unknown */
} tandem_event;

typedef void tandem_event_fn(void *context, const tandem_event *event);

/* ---- A client ------------------------------------------------------------------------------ */

typedef struct tandem_options {
    const char *replica;       /* folder of the replica, made when missing; NULL: no replica: only
                                  requests and mutations, no subscription */
    tandem_event_fn *on_event; /* may be NULL */
    void *context;             /* handed to on_event */
    size_t replica_map_bytes;  /* largest size of the replica; 0: 64 GiB of address space */
} tandem_options;

/* Opens the replica. Processes may share a folder: the first that connects keeps the replica up to
 * date for all, and the next does when it ends. In the others everything works the same: they read,
 * queue mutations and get their results, may ask the server over a connection of their own, and are
 * told what happens as events, or RELOAD where that cannot be told; what they subscribe to counts from when their turn comes.
 * LOCKED when another handle of this process has the folder, or when its outbox cannot be read and
 * other processes still have it open. DENIED when the folder belongs to another user of the system or
 * others may write to it. A folder is of the user who first signed in with it: in a handle that signs
 * in, or by its name tries to, as somebody else, all that reads or changes what is in it is DENIED.
 * Not for use in a child after fork().
 * On failure *out is NULL and `fault` (may be NULL) says why. */
tandem_code tandem_open(const tandem_options *options, tandem_client **out, tandem_fault *fault);
/* Closes the connection at once, and frees everything. Unanswered requests get CANCELLED first;
 * so do mutations when there is no folder, while those in an outbox get KEPT. NULL is fine. Not
 * from inside a callback. */
void tandem_close(tandem_client *client);

typedef enum tandem_sign_in {
    TANDEM_SIGN_IN_PASSWORD,
    TANDEM_SIGN_IN_TOKEN,
    TANDEM_SIGN_IN_CODE,
    TANDEM_SIGN_IN_CERTIFICATE
} tandem_sign_in;

typedef struct tandem_server {
    const char *url;         /* wss://host[:port][/path] */
    const char *ca;          /* PEM file to trust; NULL: the system's */
    const char *certificate; /* PEM files of a client certificate; NULL: none */
    const char *key;
    tandem_sign_in method;
    const char *user;
    const char *secret;
    const char *new_secret; /* with TANDEM_SIGN_IN_CODE */
    bool remember;          /* ask for a token, see tandem_token() */
    bool once;              /* do not reconnect: the first failure is final */
    const char *agent;      /* name of the program, told to the server; may be NULL */
} tandem_server;

/* Begins to connect; returns at once, everything else comes from tandem_service(). Strings are
 * copied. USAGE for an unusable url, or when what the method needs is missing. A second call drops
 * the first connection; mutations that are not answered stay queued.
 *
 * After a lost connection the library signs in by the token when it got one, and by new_secret
 * where a one-time code was used. */
tandem_code tandem_connect(tandem_client *client, const tandem_server *server, tandem_fault *fault);

/* For the caller's loop: a descriptor, the same for the life of the handle, and what to wait for,
 * which is that it can be read. It stands for the connection, for other processes that share the
 * folder, and for whatever else there is to wait for. */
int tandem_fd(const tandem_client *client);
#define TANDEM_WANT_READ 1
#define TANDEM_WANT_WRITE 2
int tandem_want(const tandem_client *client);
/* Milliseconds until tandem_service() must be called even if nothing happens; -1: no limit. To be
 * asked for each time before waiting, since other calls change it. */
int tandem_timeout(const tandem_client *client);
/* Does what is due, without blocking. Returns the fault's code once the connection failed for
 * good, TANDEM_OK otherwise. */
tandem_code tandem_service(tandem_client *client);
/* Waits (poll) and services, once, at most `timeout_ms` (-1: as long as tandem_timeout says): the
 * loop of a program that has no other. */
tandem_code tandem_wait(tandem_client *client, int timeout_ms);
void tandem_last_fault(const tandem_client *client, tandem_fault *out);

bool tandem_connected(const tandem_client *client);
/* Who the server says we are, after CONNECTED: name, role, own id; "" before. */
const char *tandem_user_name(const tandem_client *client);
const char *tandem_user_role(const tandem_client *client);
const char *tandem_user_id(const tandem_client *client);
/* Departments or partner: count, and by index (NULL beyond the end). */
size_t tandem_party_count(const tandem_client *client);
const char *tandem_party_name(const tandem_client *client, size_t index);
const char *tandem_party_id(const tandem_client *client, size_t index);
/* The token asked for with `remember`; NULL when there is none. */
const char *tandem_token(const tandem_client *client);

/* Subscribes from where the replica stands: to everything open to the user, or to the scopes
 * given as text ("account:<id>"). Kept over reconnects. Scopes that are added are filled in, those
 * dropped are purged; everything, after some scopes, starts over. May be called before being
 * connected. */
tandem_code tandem_subscribe(tandem_client *client, const char *const *scopes, size_t count);

typedef struct tandem_subscription {
    const char *const *scopes; /* 0 of them: everything open to the user */
    size_t scope_count;
    const char *const *entities; /* 0 of them: all; another list than before starts over */
    size_t entity_count;
} tandem_subscription;
/* As tandem_subscribe(), which it generalises. Kept in the folder: a later run that names none goes
 * on with it, unless it connects `once`. */
tandem_code tandem_subscribe_to(tandem_client *client, const tandem_subscription *wanted);
/* Fetches this account before the rest, and remembers that until it is whole. OK also when the
 * server is too old to know how. */
tandem_code tandem_prefer(tandem_client *client, const char *account);
/* Stops connecting, or goes on, for every process that shares the folder and over restarts.
 * Durable when it returns. USAGE without a folder. */
tandem_code tandem_pause(tandem_client *client, bool paused);
bool tandem_paused(const tandem_client *client);
/* Closes the connection, and stays offline until tandem_connect(). Mutations stay queued; where the
 * folder is shared, another process sends them. */
void tandem_disconnect(tandem_client *client);

/* ---- Reading the replica ------------------------------------------------------------------- */

uint64_t tandem_cursor(const tandem_client *client);

/* A callback that returns false ends the walk. */
typedef bool tandem_record_fn(void *context, const tandem_record *record);

/* The record itself, or NOT_FOUND; `each` is called once. */
tandem_code tandem_get(tandem_client *client, const char *id, tandem_record_fn *each,
                       void *context);
/* Every record held of an entity (NULL: of all), in order of id, which is of creation. */
tandem_code tandem_each(tandem_client *client, const char *entity, tandem_record_fn *each,
                        void *context);
/* Records held in an account's timeline, newest first. */
tandem_code tandem_timeline(tandem_client *client, const char *account, tandem_record_fn *each,
                            void *context);

/* Whether changes of its own author wait, or were not taken. */
typedef enum tandem_state {
    TANDEM_STATE_SYNCED,
    TANDEM_STATE_PENDING,
    TANDEM_STATE_CONFLICT,
    TANDEM_STATE_REFUSED
} tandem_state;
tandem_state tandem_record_state(const tandem_record *record);

/* Accessors; results live as long as the record. */
const char *tandem_record_id(const tandem_record *record);
const char *tandem_record_entity(const tandem_record *record);
const char *tandem_record_scope(const tandem_record *record);
uint64_t tandem_record_seq(const tandem_record *record);
const char *tandem_record_created_by(const tandem_record *record);
const char *tandem_record_modified_by(const tandem_record *record);
int64_t tandem_record_created_at(const tandem_record *record); /* ms since 1970 */
int64_t tandem_record_modified_at(const tandem_record *record);
size_t tandem_record_audience_count(const tandem_record *record);
const char *tandem_record_audience(const tandem_record *record, size_t index);
size_t tandem_record_field_count(const tandem_record *record);
const char *tandem_record_field_name(const tandem_record *record, size_t index);
/* A field as text, the way tandem_set_text() reads it; NULL when it is not set. */
const char *tandem_record_text(const tandem_record *record, const char *field);
/* What to call the record: its name, subject, first line, ...; never NULL. */
const char *tandem_record_title(const tandem_record *record);
/* The whole record, or one field's value, as JSON: numbers, strings, arrays and objects as the
 * protocol describes the kinds, ids and scopes as text. Caller frees with tandem_free(). NULL when
 * out of memory, or the field is not set. */
char *tandem_record_json(const tandem_record *record);
char *tandem_record_field_json(const tandem_record *record, const char *field);
void tandem_free(void *memory);

/* ---- Asking the server --------------------------------------------------------------------- */

/* One answer: either records or entries or info, handed over one at a time by the walkers below. */
typedef struct tandem_answer tandem_answer;
/* Called once for each request: with the answer, or with NULL and the fault. */
typedef void tandem_answer_fn(void *context, const tandem_answer *answer,
                              const tandem_fault *fault);

typedef struct tandem_condition {
    const char *field;
    const char *op;   /* "=", "!=", "<", "<=", ">", ">=", "contains" */
    const char *text; /* value as a person writes it; letters of either case are the same */
    const char *kind; /* of a custom field whose definition is not in the replica; else NULL */
} tandem_condition;

typedef struct tandem_query {
    const char *entity;
    const tandem_condition *where;
    size_t where_count;
    const char *sort; /* NULL: by creation */
    bool descending;
    unsigned limit; /* records in all; 0: no limit, pages are fetched as they come */
} tandem_query;

/* Each sends one request (query and timeline and history: as many as the pages need, and the
 * answer callback is called for each page; tandem_answer_last() tells the last). They can be
 * called once CONNECTED. A lost connection answers with UNREACHABLE. */
tandem_code tandem_ask_fetch(tandem_client *client, const char *id, tandem_answer_fn *done,
                             void *context);
tandem_code tandem_ask_query(tandem_client *client, const tandem_query *query,
                             tandem_answer_fn *done, void *context, tandem_fault *fault);
tandem_code tandem_ask_timeline(tandem_client *client, const char *account, unsigned limit,
                                tandem_answer_fn *done, void *context);
tandem_code tandem_ask_history(tandem_client *client, const char *id, unsigned limit,
                               tandem_answer_fn *done, void *context);
tandem_code tandem_ask_status(tandem_client *client, tandem_answer_fn *done, void *context);
/* Administrators: a one-time sign-in code for a user; binding a certificate (PEM file) to one. */
tandem_code tandem_ask_invite(tandem_client *client, const char *user, tandem_answer_fn *done,
                              void *context);
tandem_code tandem_ask_certificate(tandem_client *client, const char *user, const char *pem_file,
                                   tandem_answer_fn *done, void *context, tandem_fault *fault);
tandem_code tandem_ask_password(tandem_client *client, const char *old_secret,
                                const char *new_secret, tandem_answer_fn *done, void *context);
tandem_code tandem_ask_sign_out(tandem_client *client, bool everywhere, tandem_answer_fn *done,
                                void *context);

/* Compares a scope (NULL: all held) with the server. What differs is fetched anew, which REPAIRED
 * tells; so is a scope, when it is named or held, of which the server says nothing three times.
 * `done` is called once, when all are compared; UNKNOWN_MESSAGE from a server too old.
 * NOT_SIGNED_IN before CONNECTED, USAGE without a subscription, LOCKED when another process of the
 * folder keeps it up to date. */
tandem_code tandem_check(tandem_client *client, const char *scope, tandem_answer_fn *done,
                         void *context);
/* The number of the request begun last, and its end without an answer: `done` is called with
 * CANCELLED. NOT_FOUND when it was answered. */
uint64_t tandem_last_request(const tandem_client *client);
tandem_code tandem_cancel(tandem_client *client, uint64_t request);

bool tandem_answer_last(const tandem_answer *answer);
tandem_code tandem_answer_records(const tandem_answer *answer, tandem_record_fn *each,
                                  void *context);
/* One entry of a history. */
typedef struct tandem_history_entry {
    uint64_t seq;
    int64_t at_ms;
    const char *by;
    const char *op;   /* create, update, remove, share, ... */
    const char *json; /* the whole entry as a JSON object */
    size_t change_count;
    const char *const *fields; /* of each change: field, and values as text ("" when unset) */
    const char *const *from;
    const char *const *to;
} tandem_history_entry;
typedef bool tandem_history_fn(void *context, const tandem_history_entry *entry);
tandem_code tandem_answer_history(const tandem_answer *answer, tandem_history_fn *each,
                                  void *context);
/* The info map as a JSON object, or NULL; tandem_free(). */
char *tandem_answer_info(const tandem_answer *answer);
const char *tandem_answer_code(const tandem_answer *answer); /* invite: the code, or NULL */
int64_t tandem_answer_expires(const tandem_answer *answer);  /* ms since 1970, or 0 */

/* ---- Local queries ------------------------------------------------------------------------- */

/* What is asked of the replica, with pending changes laid over. */
typedef struct tandem_find {
    const char *entity;  /* NULL: all */
    const char *account; /* NULL: any; else in the order of its timeline, newest first, or by id
                            when the entity is in no timeline */
    int64_t from_ms;     /* of the timeline: [from, to); 0, 0: all */
    int64_t to_ms;
    const tandem_condition *where; /* as tandem_query; needs an entity */
    size_t where_count;
    const char *sort; /* a field, records without a value last; NULL: by id */
    bool descending;
    unsigned states; /* TANDEM_IN_STATE bits; 0: any */
    unsigned limit;  /* 0: none */
} tandem_find;
#define TANDEM_IN_STATE(state) (1u << (state))
/* Nothing is copied: records are valid until `each` returns. */
tandem_code tandem_find_each(tandem_client *client, const tandem_find *find, tandem_record_fn *each,
                             void *context);

/* Calls `on_event` with CHANGED and REMOVED of what matches (REMOVED also when it no longer does),
 * after the commit, one's own pending changes included. What matches already is not told; a limit
 * and an order say nothing here. `find` NULL and `id` NULL: everything, and then PURGED, ENTERED,
 * RESET and RELOAD too, of which the others are told record by record; `id`: one record. The record
 * of REMOVED is NULL where nothing is left of it. A query remembers what matched, about 70 bytes a
 * record. Ends by tandem_unobserve(), also from inside a callback, or with the handle. */
typedef struct tandem_observer tandem_observer;
tandem_code tandem_observe(tandem_client *client, const tandem_find *find, const char *id,
                           tandem_event_fn *on_event, void *context, tandem_observer **out);
void tandem_unobserve(tandem_observer *observer); /* NULL is fine */

/* ---- Changing ------------------------------------------------------------------------------ */

/* A mutation under construction. Errors are remembered and returned by tandem_send(), so that
 * building needs no check at each step; functions also return them at once. */
tandem_mutation *tandem_mutation_new(void); /* NULL when out of memory */
void tandem_mutation_free(tandem_mutation *mutation);
/* Each starts the next change of the mutation. create: `id` receives the new record's id; ids of
 * one mutation sort in the order in which they were made. */
tandem_code tandem_create(tandem_mutation *mutation, const char *entity, char id[TANDEM_ID_TEXT]);
tandem_code tandem_update(tandem_mutation *mutation, const char *entity, const char *id);
tandem_code tandem_remove(tandem_mutation *mutation, const char *id);
tandem_code tandem_share(tandem_mutation *mutation, const char *id);
/* Tells the user of that sign-in name that they are named in the note, which puts a record of the
 * entity `mention` into their scope: in their inbox. It holds no words of the note (see
 * protocol/PROTOCOL.md). Whoever may write in the note may, and the user must be able to read it.
 * What is refused is not taken with the rest of its mutation: a text is better sent before, in a
 * mutation of its own. `user` is copied. */
tandem_code tandem_mention(tandem_mutation *mutation, const char *note, const char *user);
/* For the change just started. Text is read by the kind of the field (see docs/SCHEMA.md), ""
 * clears it. A name that is no built-in field is kept and looked up among the custom fields of the
 * replica by tandem_send(), which says UNKNOWN_FIELD and lists near names when it is not there.
 * Setting a field again replaces it. */
tandem_code tandem_set_text(tandem_mutation *mutation, const char *field, const char *text);
/* As tandem_set_text, for a field whose kind the caller knows ("text", "money", ...). */
tandem_code tandem_set_kind(tandem_mutation *mutation, const char *field, const char *kind,
                            const char *text);
/* create: the scope ("party:<id>") of a record without account. */
tandem_code tandem_set_scope(tandem_mutation *mutation, const char *scope);
/* create: a tag of the audience; share: a tag to add or to take away. */
tandem_code tandem_add_audience(tandem_mutation *mutation, const char *tag);
tandem_code tandem_remove_audience(tandem_mutation *mutation, const char *tag);
/* Ids made from now on sort after this one, which an earlier mutation made, however quickly they
 * follow each other. */
tandem_code tandem_set_after(tandem_mutation *mutation, const char *id);
/* The seq the author had seen; changes by others after it are conflicts. Default: what the replica
 * holds of the records changed; without a replica, no check. */
void tandem_set_base(tandem_mutation *mutation, uint64_t base);
/* Win over conflicts instead of being refused. */
void tandem_set_overwrite(tandem_mutation *mutation, bool overwrite);
size_t tandem_change_count(const tandem_mutation *mutation);
void tandem_mutation_fault(const tandem_mutation *mutation, tandem_fault *out);

/* One field in conflict. */
typedef struct tandem_conflict {
    const char *id, *field, *theirs, *by;
    int64_t at_ms;
    uint64_t seq;
} tandem_conflict;
typedef struct tandem_result {
    tandem_code code;
    uint64_t seq;              /* of the accepted mutation */
    const tandem_fault *fault; /* never NULL */
    const tandem_conflict *conflicts;
    size_t conflict_count;
} tandem_result;
typedef void tandem_result_fn(void *context, const tandem_result *result);

/* Queues the mutation for the server; copies it. With a folder it is durable when this returns OK:
 * it survives the process, is sent until it is answered, and reads show it at once. What no server
 * can take (a required field is missing, a value is wrong, ...) is refused at once with the server's
 * code, field and words; what the server may know better passes. `done` (may be
 * NULL) is called exactly once, with the server's answer, with KEPT (it stays in the outbox) or
 * with CANCELLED. What the server cannot take for now (busy, read-only, stopping) is sent again
 * until it can; with tandem_server.once only what it is too busy for, and the rest is told. LIMIT
 * when 64 are unanswered (with a folder: 100,000): service and try again. TOO_LARGE when the
 * message would be larger than 1 MiB. After IO (with a folder: the disk did not say that it has it)
 * it may be in the outbox all the same: look there before sending it again. Details of a refusal
 * are in tandem_last_fault(). */
tandem_code tandem_send(tandem_client *client, const tandem_mutation *mutation,
                        tandem_result_fn *done, void *context);
/* The entry of the outbox that the last tandem_send(), tandem_outbox_retry() or tandem_resolve_*()
 * of this handle queued, whatever other processes queue and also when it is settled by now; 0 when
 * that call failed or queued nothing, before the first, and without a folder. */
uint64_t tandem_last_entry(const tandem_client *client);
/* Mutations not yet answered. */
size_t tandem_unanswered(const tandem_client *client);

/* ---- The outbox ---------------------------------------------------------------------------- */

typedef enum tandem_entry_state {
    TANDEM_ENTRY_WAITING,  /* to be sent */
    TANDEM_ENTRY_SENT,     /* the server may have it */
    TANDEM_ENTRY_ACCEPTED, /* taken; the replica does not show it yet */
    TANDEM_ENTRY_CONFLICT, /* somebody else changed the same meanwhile: to be settled */
    TANDEM_ENTRY_REFUSED   /* refused for another reason */
} tandem_entry_state;
#define TANDEM_ENTRY_STATES 5

/* One field of an entry; one with field "" for a removal, a share, or a conflict about deletion. */
typedef struct tandem_entry_change {
    const char *op;     /* create, update, remove, share */
    const char *entity; /* "" when not known */
    const char *id;
    const char *field;
    const char *base, *mine, *theirs; /* as text; NULL: not set, or not known any more */
    bool conflict;
    const char *by; /* whose `theirs` is; "" when there is none */
    int64_t at_ms;
    uint64_t seq;
    const char *title; /* what the record was called when it was changed, also when it is gone;
                          NULL: not known, or not the user's to see any more */
} tandem_entry_change;

typedef struct tandem_entry {
    uint64_t entry; /* its number on this device, never given again */
    tandem_entry_state state;
    int64_t since_ms;          /* when it was queued */
    const tandem_fault *fault; /* never NULL; why it waits or was not taken */
    bool access_ended;         /* refused because what it is about is no longer the user's to see */
    uint64_t behind;           /* the entry it depends on, or 0 */
    size_t change_count;
    const tandem_entry_change *changes;
    const char *json; /* all of it, for an export */
} tandem_entry;
typedef bool tandem_entry_fn(void *context, const tandem_entry *entry);

/* Entries, oldest first, of these states (bits 1u << state; 0: all). */
tandem_code tandem_outbox_each(tandem_client *client, unsigned states, tandem_entry_fn *each,
                               void *context);
tandem_code tandem_outbox_get(tandem_client *client, uint64_t entry, tandem_entry_fn *each,
                              void *context);
/* How many entries are in these states. */
size_t tandem_outbox_count(const tandem_client *client, unsigned states);
/* Queues a refused entry again, in its place and under its number: before what was typed after it
 * and still waits. CONFLICT when a field of it has another value by now than its author saw, be it a
 * newer one of their own: nothing is queued, and the entry is in conflict from then on. USAGE while a
 * newer value of one's own for the same field is under way. Forgets one that is not under way (BUSY
 * when it is: the server may have it). Durable when they return. */
tandem_code tandem_outbox_retry(tandem_client *client, uint64_t entry);
tandem_code tandem_outbox_drop(tandem_client *client, uint64_t entry);
/* Settle a conflict, durably. Of several about one field: mine settles all that are about nothing
 * else, in the order in which they were typed, so that the newest value is the last; an older one that
 * is about more is to be settled before, and so is each older one before theirs and with (else USAGE,
 * and nothing is changed; so when a newer value of one's own for the same field is not answered yet).
 *
 * Mine: again, against what the conflict shows. Where something else is there by now, it is
 * CONFLICT: nothing is sent, and the conflict shows it; so does one with a newer value of one's own
 * that was taken. Who changes it meanwhile makes a new conflict. Theirs: what of the mutation is
 * not in conflict is queued again; its removals are given up together when one of the records was
 * changed by others. With: the values of this mutation instead.
 *
 * `made` (may be NULL): mine on a deleted record makes a new record, and this is its id; else "".
 * That entry keeps its number, and what else in the outbox is not under way and speaks of the
 * record speaks of the new one from then on; what was refused as not-found for it, and typed later,
 * is queued again. */
tandem_code tandem_resolve_mine(tandem_client *client, uint64_t entry, char made[TANDEM_ID_TEXT]);
tandem_code tandem_resolve_theirs(tandem_client *client, uint64_t entry);
tandem_code tandem_resolve_with(tandem_client *client, uint64_t entry,
                                const tandem_mutation *values);

/* ---- A thread of its own ------------------------------------------------------------------- */

/* Runs the loop and calls the callbacks in a thread. From then on every other call of the handle
 * needs the lock, which is held while a callback runs and may be taken again by whoever has it. It
 * goes to those who wait for it in the order in which they came. USAGE when a thread runs already,
 * or from inside a callback of tandem_service(). tandem_close() stops the thread first; nobody else
 * may have the lock or wait for it by then. */
tandem_code tandem_thread_start(tandem_client *client);
/* Waits until the thread has ended; the loop is the caller's again. From inside a callback it only
 * asks it to end. The lock may be held, and is meanwhile given up. */
void tandem_thread_stop(tandem_client *client);
/* Before a thread was ever started these do nothing. */
void tandem_lock(tandem_client *client);
void tandem_unlock(tandem_client *client);

/* ---- The schema ---------------------------------------------------------------------------- */

size_t tandem_entity_count(void);
const char *tandem_entity_name(size_t index);
typedef struct tandem_field_info {
    const char *name, *kind, *visibility; /* visibility: shared, internal, restricted */
    const char *target;                   /* of references, or NULL */
    const char *const *values;            /* of an enum, NULL-terminated, or NULL */
    bool required, indexed, unique, fixed, system, common;
} tandem_field_info;
/* Field `index` of an entity, those every record has included; false beyond the end. */
bool tandem_field_at(const char *entity, size_t index, tandem_field_info *out);
/* By name or alias; false when the entity has no such built-in field. */
bool tandem_field_find(const char *entity, const char *name, tandem_field_info *out);

/* Milliseconds since 1970 as "2026-03-01T09:30:00.000Z" (25 bytes). */
char *tandem_time_text(int64_t ms, char out[25]);

#ifdef __cplusplus
}
#endif
#endif

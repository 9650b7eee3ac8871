/* What the session fuzzer plays on: a small company, three users with one connection each, and a
 * committer that answers when the script says so.
 *
 *     script -> stage_say / commit / tell / hash / time ... -> session -> frames -> stage_look_at
 *
 * Everything that must hold of a session whatever happens is checked here: what it sends decodes
 * and is allowed in its state, what it keeps is bounded, a snapshot ends with the call that began
 * it, and nothing of what is hidden from outsiders is in any byte that goes to one.
 */
#ifndef TANDEM_TESTS_FUZZ_STAGE_H
#define TANDEM_TESTS_FUZZ_STAGE_H

#include "server/core/session/session_internal.h"
#include "tests/fixture/world_internal.h"
#include "tests/fuzz/fuzz.h"

/* In every value that outsiders may not see, and nowhere else. */
#define STAGE_MARKER "qz-hidden-zq"

enum slot_index { SLOT_PARTNER, SLOT_MEMBER, SLOT_ADMIN, STAGE_SLOTS };
#define STAGE_QUEUE 160u
#define STAGE_HIDDEN 8u
#define STAGE_TOKEN_SIZE 32u

struct slot {
    struct session *session; /* NULL: not connected */
    unsigned connection;     /* counts connections, so that late answers find nobody */
    struct id user, client;
    char token[STAGE_TOKEN_SIZE + 1];
    uint64_t number; /* of the next mutation */
    unsigned closed; /* close code, 0 while open */
    bool silent;     /* closed, and everything queued was taken */
    bool welcomed, outsider;
    bool woken; /* by the board of who is present */
    bool hashing;
    enum { HASHING_VERIFY, HASHING_CREATE } hash_what;
};

struct waiting {
    struct command command;
    struct buffer body;
    struct slot *slot;
    unsigned connection;
    uint64_t ticket;
};

struct stage {
    struct world *world;
    uint64_t uptime_ms;
    struct slot slots[STAGE_SLOTS];
    struct waiting queue[STAGE_QUEUE];
    size_t queued;
    unsigned snapshots; /* open now */
    unsigned attempts;  /* counted and not forgiven */
    /* What the world refuses at present. */
    bool queue_full, hasher_full, guesses_spent;
    unsigned fail_in; /* the n-th read of the next call fails; 0: none */
    bool eager;       /* messages come that were read before reading stopped */

    struct id partner, department;
    struct id account, other_account, closed_account; /* assigned, never, ended */
    struct id contact, shared_note, hidden_note, opportunity, interaction, field;
    struct id assignment, ended_assignment;
    uint64_t edits;
    struct id hidden[STAGE_HIDDEN]; /* records no outsider may see */
    size_t hidden_count;
    /* Staff, or a message that named a hidden id, may have moved the line between the two. */
    bool line_moved, id_named;
};

struct stage *stage_new(void);
void stage_free(struct stage *stage);

/* A new session, in place of one that is there. */
void stage_connect(struct stage *stage, struct slot *slot, bool certificate);
void stage_disconnect(struct stage *stage, struct slot *slot);
/* presence_wake_fn: the slot looks what is new before it takes its next frame. */
void stage_wake(void *context, struct session *session);
/* The session's inner state is as it may be. Called by the others. */
void stage_check(struct stage *stage, const struct slot *slot);

/* One message, whole. Not taken by a slot that is closed, nor, unless `eager`, by one that does not
 * want to read; the marker cannot be said. */
void stage_say(struct stage *stage, struct slot *slot, struct bytes message);
/* Message `index` of a list of sensible ones, as this user would say it now; appended to `out`. */
size_t stage_templates(void);
void stage_template(struct stage *stage, struct slot *slot, size_t index, struct buffer *out);
/* Connects, signs in by token and subscribes to everything. */
void stage_enter(struct stage *stage, struct slot *slot);
/* Takes at most `count` frames; true when there were so many. */
bool stage_pump(struct stage *stage, struct slot *slot, unsigned count, bool acknowledge);

/* The oldest command is applied and answered, or answered with `failure` (not OK). */
void stage_commit(struct stage *stage, enum status failure, bool tell_first);
void stage_hashed(struct stage *stage, struct slot *slot, unsigned outcome);
void stage_pass_time(struct stage *stage, uint64_t ms);
/* Somebody else changes something. */
void stage_elsewhere(struct stage *stage, unsigned what);
void stage_stop(struct stage *stage, struct slot *slot);

/* Whether the bytes of `part` are somewhere in `whole`. */
bool stage_contains(struct bytes whole, struct bytes part);

#endif

/* Who is at which account or note now, whether they type, and where their cursor is.
 *
 * A board for all connections of a server. Nothing of it is stored: it ends with the process, and
 * what a connection put there ends with the connection.
 *
 *     presence_announce    a connection is at a thing, or moved there
 *         -> the others there who may know of it are woken, once until they come and look
 *     presence_take        a woken connection looks: what was said since is owed to it
 *     presence_next_check  -> a thing that it may have lost: the gate is asked, who lost it leaves
 *     presence_next_owed   -> a thing whose list it is owed: presence_list() writes the list as it
 *                          is then. Whatever came between shows in it, and is owed no more
 *
 * Announcing, moving and leaving cost in proportion to those at the same thing. Where nobody else
 * is, nobody is woken.
 *
 * Who knows of whom. The company's people know of everybody at a thing, a partner's of the
 * company's and of each other. Of another partner's people nothing may show: not in a list, not in
 * being woken, not in who is pushed off when it gets crowded. So each side, which is the company or
 * one partner, is woken only by those it knows of, and is crowded only by its own: of a side,
 * PRESENCE_CROWD may be at one thing, PRESENCE_OUTSIDE or PRESENCE_STAFF on the whole board, and a
 * newcomer pushes off whoever of their own side has been silent longest. That one is told an empty
 * list, and may announce again. See docs/decisions/presence-by-side.md.
 *
 * The board knows no gate. Whoever announces has passed it for that thing, and asks it again before
 * each list. For access that ends without a word from them, presence_touched() takes every notice
 * of the committer, and has those at the things of the scopes it names check. An announcement
 * judged by a snapshot that is older than a notice which came before it is checked, too.
 *
 * One caller at a time; the board locks nothing. `wake` is called within these functions and must
 * not call them.
 */
#ifndef TANDEM_CORE_PRESENCE_H
#define TANDEM_CORE_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/status.h"
#include "server/core/feed/notice.h"

/* Of one side, at one thing. */
#define PRESENCE_CROWD 64u
/* Announcements of the company's people, and of those of one partner, on the whole board. */
#define PRESENCE_STAFF 4096u
#define PRESENCE_OUTSIDE 256u
/* Most people in a list: the newest at the thing. Only the company's people can ever see so many.
 */
#define PRESENCE_LISTED 256u
/* Bytes of a full name that others are told. */
#define PRESENCE_NAME 128u

struct presence;        /* the board */
struct presence_member; /* a connection that is, or was, at something */
struct session;

/* Whom somebody belongs to: the company, or a partner. */
struct presence_side {
    bool partner;
    struct id party; /* of a partner */
};

struct presence_person {
    struct bytes user; /* sign-in name, at most 64 bytes */
    struct bytes name; /* full name; none: the sign-in name serves. Told to the company's people,
                          and to the partner's own */
    struct presence_side side;
};

struct presence_doing {
    bool typing;
    bool has_cursor;  /* anchor and head, in UTF-16 units of the note */
    bool has_version; /* of the note, which they count in */
    uint64_t anchor, head, version;
};

struct presence_thing {
    struct id about; /* an account or a note */
    struct scope scope;
    uint64_t seq; /* as of which the gate let them, and the scope was this */
};

/* The session has become owed something, or is to check its access; called from whatever thread
 * uses the board. The board never looks into a session. */
typedef void presence_wake_fn(void *context, struct session *session);

/* NULL when out of memory. */
struct presence *presence_new(presence_wake_fn *wake, void *context);
/* After all members have left. NULL is fine. */
void presence_free(struct presence *board);

/* A connection that is at nothing yet. `number` tells it from other connections of the same user,
 * and must tell nobody anything else. NULL when out of memory. */
struct presence_member *presence_enter(struct presence *board, struct session *session,
                                       uint64_t number);
/* Leaves everything, and frees the member. */
void presence_exit(struct presence *board, struct presence_member *member);

/* The member is at the thing, or still is. At a new one it is owed the list, at once and without
 * being woken, even if nobody is there. LIMIT when it is at LIMIT_PRESENT others, NO_MEMORY: then
 * nothing has changed. */
enum status presence_announce(struct presence *board, struct presence_member *member,
                              const struct presence_person *person,
                              const struct presence_thing *thing,
                              const struct presence_doing *doing);
/* The member is there no more, if it ever was; it is owed nothing of it. */
void presence_leave(struct presence *board, struct presence_member *member, struct id about);
/* The member's user may be somebody else's now, and may have lost or won things: all its things are
 * to be checked, by presence_next_check() without a wake. */
void presence_identify(struct presence *board, struct presence_member *member,
                       const struct presence_person *person);

/* How often anybody was told that something is new to them at a thing, by all that was announced
 * since the board was made. Who was told and has not taken it yet is not told again: what is new
 * meanwhile shows in the list that they are about to be sent. */
uint64_t presence_told(const struct presence *board);

/* Something was committed. */
void presence_touched(struct presence *board, const struct notice *notice);

/* The first thing that a woken member does: what was said until now is owed to it. What is said
 * from now on wakes it again. */
void presence_take(struct presence *board, struct presence_member *member);
/* A thing whose access is to be judged anew; false: there is none. The caller answers with
 * presence_still() or presence_leave(). */
bool presence_next_check(struct presence *board, struct presence_member *member, struct id *about);
/* The gate still lets them. NO_MEMORY: what is to be checked could not be noted, they must leave.
 */
enum status presence_still(struct presence *board, struct presence_member *member,
                           const struct presence_thing *thing);
/* A thing whose list the member is owed; false: none. */
bool presence_next_owed(const struct presence_member *member, struct id *about);
/* Appends the encoded list, an array of [session, user, name, typing, anchor, head, version], as
 * `viewer` may know it. False, and nothing appended, when it is what the member was told last.
 * Check out->failed. */
bool presence_list(struct presence *board, struct presence_member *member, struct id about,
                   const struct presence_side *viewer, struct buffer *out);

#endif

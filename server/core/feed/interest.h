/* Which sessions of one I/O thread care about what: so that waking after a commit costs in
 * proportion to those concerned, not to all.
 *
 * A subscription is interested in everything (staff watching all), or in lanes; besides in the
 * subjects whose grants open scopes for it, and in its own user. Open notes are an interest beside
 * it: what is registered for them stays when the subscription lists its lanes anew. The index
 * answers a notice with one call of `mark` for each (session, reason).
 */
#ifndef TANDEM_CORE_INTEREST_H
#define TANDEM_CORE_INTEREST_H

#include "server/core/feed/notice.h"

struct interest;
struct session;

enum interest_reason {
    INTEREST_EVERYTHING, /* the feed of all moved */
    INTEREST_LANE,       /* the lane with this index of the session's own moved */
    INTEREST_SUBJECT,    /* scopes may have opened or closed */
    INTEREST_USER,       /* role, party or being disabled */
    INTEREST_NOTE        /* the open note in this slot has a new version, or its record changed */
};

struct interest *interest_new(void); /* NULL when out of memory */
void interest_free(struct interest *interest);

/* Registers; the same session may be registered for many things. False when out of memory, and
 * then that registration is not made. */
bool interest_everything(struct interest *interest, struct session *session);
bool interest_lane(struct interest *interest, struct session *session, struct scope scope,
                   struct tag tag, uint32_t lane_index);
bool interest_subject(struct interest *interest, struct session *session, struct id subject);
bool interest_user(struct interest *interest, struct session *session, struct id user);
/* What is registered for open notes: the note itself in a slot of the session's own, which `mark`
 * gets in the place of a lane's index, and the subjects that may open or close it. */
bool interest_note(struct interest *interest, struct session *session, struct id note,
                   uint32_t slot);
bool interest_note_subject(struct interest *interest, struct session *session, struct id subject);

/* Forgets registrations of the session; costs in proportion to their number: those of the
 * subscription, those for open notes, that of one note, or all. */
void interest_forget_feed(struct interest *interest, struct session *session);
void interest_forget_notes(struct interest *interest, struct session *session);
void interest_forget_note(struct interest *interest, struct session *session, struct id note);
void interest_forget(struct interest *interest, struct session *session);

/* `index` is that of the lane, or the slot of the note. */
typedef void interest_mark_fn(void *context, struct session *session, enum interest_reason reason,
                              uint32_t index);
/* Must not register or forget from within `mark`. */
void interest_tell(struct interest *interest, const struct notice *notice, interest_mark_fn *mark,
                   void *context);

/* Seq of the newest notice told, 0 before the first: everything that moved up to it has been
 * marked. */
uint64_t interest_announced(const struct interest *interest);

#endif

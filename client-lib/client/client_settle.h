/* From the outbox to the server and back: sending what waits, and settling what was answered.
 *
 * Results are gathered during a service call and recorded at its end, in one commit. Only then are
 * callbacks called and events told, and only then do messages say that the server may forget the
 * answers. A process that dies before the commit sends the same numbers again and gets the same
 * answers.
 *
 * Who is waiting to be told of an entry is known to the handle alone: the callbacks end with the
 * process, and the entry does not. */
#ifndef TANDEM_CLIENT_LIB_CLIENT_SETTLE_H
#define TANDEM_CLIENT_LIB_CLIENT_SETTLE_H

#include "client-lib/base/texts.h"
#include "client-lib/outbox/outbox_store.h"
#include "protocol/message.h"

struct sync_event;

/* Zeroed storage is ready. */
struct settling {
    struct buffer waiters; /* struct settle_waiter each, by order, from `first` on */
    size_t first;
    struct buffer answers; /* struct outbox_answer each, of this turn */
    struct texts texts;    /* what they point to */
    uint64_t sent_next;    /* numbers from here on are to be sent on this connection */
    uint64_t sent_most;    /* numbers from here on never were */
    struct buffer pending; /* numbers sent on this connection and not answered yet */
    struct buffer reused;  /* of them, those that somebody else has used, as it was told */
    struct buffer damaged; /* name of the file that could not be read, until it is told */
    bool looked_for_lost;  /* nothing that was seen is of a record that is not held any more */
    uint64_t rest_commit;  /* of the outbox, after which it may come to rest: */
    uint64_t rest_at;
};

void settle_release(struct settling *settling);

/* A connection on which nothing was sent yet. */
void settle_connected(tandem_client *client);
/* Whether this handle sends from the outbox now. */
bool settle_may_send(const tandem_client *client);
/* Sends what may be sent and was not sent on this connection. A failure has broken it off. */
void settle_send(tandem_client *client);
/* Makes room for one settle_wait(), which then cannot fail. */
enum status settle_reserve(tandem_client *client);
/* Has `done` (may be NULL) called for the answer to an entry, which is the newest. */
void settle_wait(tandem_client *client, uint64_t order, tandem_result_fn *done, void *context);
/* The entry was given up by its author: whoever waits for it gets CANCELLED. */
void settle_forget(tandem_client *client, uint64_t order);
/* Entries were queued once more under other numbers, as those behind one that was settled are:
 * whoever waits for one waits for it under the number that it has now. */
void settle_follow(tandem_client *client);
/* Another process is about to give it up. */
void settle_expect_drop(tandem_client *client, uint64_t order);
/* Takes note of a result, to be settled at the end of the turn. One for a number that was not sent
 * on this connection breaks it off. */
void settle_result(tandem_client *client, const struct msg_result *result);
/* The end of a turn: records what was answered and tells of it. */
void settle_turn(tandem_client *client);
/* Another process has written to the outbox: tells whoever waits here for what it settled, and the
 * program with them. */
void settle_look(tandem_client *client);
/* Whether somebody waits for the answer to this entry. */
bool settle_waits(tandem_client *client, uint64_t order);
/* The event alone, of an entry that is settled, in conflict or refused; of one that another process
 * gave up. */
void settle_tell_event(tandem_client *client, const struct outbox_item *item);
void settle_tell_dropped(tandem_client *client, uint64_t order);
/* Tells of an entry that is settled, in conflict or refused: observers, the program, whoever waits.
 */
void settle_tell(tandem_client *client, const struct outbox_item *item);
/* Whether settle_turn() has something to do that does not come from the connection. */
bool settle_is_due(const tandem_client *client);
/* Calls every callback with KEPT. */
void settle_keep_all(tandem_client *client);

/* Signed in: whose outbox this is, which history, where numbers stand. False when the connection
 * was broken off. */
bool settle_welcome(tandem_client *client, const struct msg_welcome *welcome);
/* An entry was queued with what was seen of records while another process writes the replica: what
 * that has taken out in between is not kept. */
void settle_queued(tandem_client *client, uint64_t order);
/* Access that ended is about to take effect: what is kept of others' values goes first. A
 * sync_losing_fn. */
enum status settle_losing(void *context, const struct sync_event *event);
/* Conflicts were recorded: some may be about what was lost while they were on their way. */
void settle_conflicts_came(tandem_client *client, const struct outbox_answer *answers,
                           size_t count);
/* What happened to the replica, before the program is told. */
void settle_sync_event(void *context, const struct sync_event *event);
/* Takes out of the outbox what must not be there any more when the program is told of this; false
 * when that is to be tried again. A sync_prepare_fn. */
bool settle_purge(void *context, const struct sync_event *event);
/* The same after what is not held was forgotten without an event. */
void settle_purge_lost(tandem_client *client);
/* Scrubs the outbox's file of what left it otherwise, after a while without changes; when that is
 * to be looked at, in the time of client_now(). UINT64_MAX: not at all. */
void settle_rest(tandem_client *client);
uint64_t settle_rest_due(const tandem_client *client);
/* The same before the handle is closed. */
void settle_rest_close(tandem_client *client);
/* The replica was changed or a result recorded: accepted entries may be done with. */
void settle_shown(tandem_client *client);

#endif

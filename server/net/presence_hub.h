/* The board of who is present, shared by the I/O threads and the committer's announcing.
 *
 *     I/O thread A                     board, under the mutex            I/O thread B
 *       session: begin, announce, end --> those who know of it are marked
 *                                         and woken: a letter each ------> session takes what it is
 *                                                                          owed: begin, take, end
 *     committer's thread
 *       notice: those at what it names are marked, and woken likewise
 *
 * The mutex is held for one step on the board. Within it only letters are posted, so that it comes
 * before the mutexes of the inboxes, and none is held that comes before it: sessions run without.
 *
 * Nothing is missed. What changes after a session has taken marks it again, and since it is then
 * not awake, a letter follows; what changed before stands in the list that it is about to make. A
 * letter for a connection that is gone is dropped, as all letters are. One that is lost for want of
 * memory closes the connections of its thread.
 *
 * While a session is on the board its memory stands, and so do its connection and that one's thread
 * and number, which were set before: it leaves the board, under the mutex, before they go. So who
 * wakes it may read these three, and nothing else of it.
 */
#ifndef TANDEM_NET_PRESENCE_HUB_H
#define TANDEM_NET_PRESENCE_HUB_H

#include <pthread.h>

#include "server/core/presence/presence.h"

struct presence_hub {
    pthread_mutex_t mutex;
    struct presence *board;
};

/* `wake` as of presence_new(). False when out of memory. */
bool presence_hub_init(struct presence_hub *hub, presence_wake_fn *wake, void *context);
/* When no session is left. Also of storage that is all zeros. */
void presence_hub_release(struct presence_hub *hub);

/* Any thread; the board is the caller's until presence_hub_end(). */
struct presence *presence_hub_begin(struct presence_hub *hub);
void presence_hub_end(struct presence_hub *hub);

/* Any thread: a batch was committed, and can be read. */
void presence_hub_touched(struct presence_hub *hub, const struct notice *notice);

#endif

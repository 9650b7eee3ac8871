/* Processes that share a client's folder: one of them keeps the replica up to date, all of them
 * read it, and all queue mutations.
 *
 * The leader holds the lock on sync.lock and listens on the socket sync.sock beside it; the others
 * are connected to it. One byte either way says "look": the replica has changed, or the outbox has.
 * A leader that goes, however it does, ends its connections, and whoever gets the lock then leads.
 * The folder is for its owner alone, and a peer of another user is turned away. */
#ifndef TANDEM_CLIENT_LIB_PEERS_H
#define TANDEM_CLIENT_LIB_PEERS_H

#include <stdbool.h>

#include "client-lib/port.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

struct peers;

struct peers_port {
    void *context;
    void (*look)(void *context);  /* another process changed something */
    void (*leads)(void *context); /* this one leads from now on */
};

/* Joins the folder. LOCKED when another handle of this process has it. */
enum status peers_open(const char *folder, const struct peers_port *port, struct peers **out,
                       tandem_fault *fault);
void peers_close(struct peers *peers); /* NULL is fine */
/* Tries to lead: when nobody does, this process does so until it closes. */
enum status peers_lead(struct peers *peers);
bool peers_is_leader(const struct peers *peers);
bool peers_has_others(const struct peers *peers);
/* Tells the others to look. */
void peers_tell(struct peers *peers);
/* An epoll descriptor, readable when peers_run() has something to do; constant for life. */
int peers_fd(const struct peers *peers);
void peers_run(struct peers *peers);

#endif

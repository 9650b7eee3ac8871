/* Processes that share a client's folder: one of them keeps the replica up to date, all of them
 * read it, and all queue mutations.
 *
 * A process joins by peers_open(). Who wants to keep the replica asks by peers_lead(); the first
 * one leads, and those after it do so in turn, each as soon as the one before has gone, however it
 * went. Whoever changes something tells the others: peers_note() says what, as far as few words
 * can, and peers_tell() wakes them. They hear of it in peers_run().
 *
 * All of this is one file, `lock`, in the folder. Locks on it, which end with the process, say who
 * is there and who leads; the kernel's watch on it wakes whoever waits, when it is written to and
 * when somebody who had it open is gone; and its contents are the last that was told, see
 * peers_news.h. So nobody depends on another process answering: one that was stopped holds nobody
 * up, unless it leads, and there need not be a leader for those who work offline to hear of each
 * other. Where the system has no more watches to give, peers_run() looks four times a second.
 *
 * What is in the file decides nothing but when to read again, and is looked at as if a stranger
 * had written it. The folder is for its owner alone. A process that forks must not use its handles
 * in the child, which also keeps its locks until it ends or runs another program. */
#ifndef TANDEM_CLIENT_LIB_PEERS_H
#define TANDEM_CLIENT_LIB_PEERS_H

#include <stdbool.h>

#include "client-lib/base/port.h"
#include "client-lib/peers/peers_news.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

struct peers;

/* All are called from peers_run(), and may call anything but peers_close(). */
struct peers_port {
    void *context;
    void (*look)(void *context); /* another process may have changed something */
    void (*news)(void *context, const struct peers_news *news); /* this is what it did */
    void (*lost)(void *context);  /* more was done than could be told */
    void (*leads)(void *context); /* this process leads from now on */
};

/* Joins the folder, which is made when it is missing. LOCKED when another handle of this process
 * has it, or a library that shares with nobody. `clock` must outlive it. */
enum status peers_open(const char *folder, const struct port *clock, const struct peers_port *port,
                       struct peers **out, tandem_fault *fault);
/* Tells what is still to be told, and leaves. NULL is fine. */
void peers_close(struct peers *peers);
/* As the end of the process would: tells nothing. NULL is fine. */
void peers_abandon(struct peers *peers);

/* OK: this process leads, until peers_yield() or its end. LOCKED: another one does, and `leads` is
 * called when this one does instead. IO, or when the folder was deleted. */
enum status peers_lead(struct peers *peers);
/* Neither leads nor wants to. */
void peers_yield(struct peers *peers);
bool peers_is_leader(const struct peers *peers);
bool peers_has_others(const struct peers *peers);
/* True: nobody else has the folder, nor gets it until peers_admit(); whoever tries finds it
 * LOCKED. */
bool peers_exclude(struct peers *peers);
void peers_admit(struct peers *peers);

/* Something to tell with the next peers_tell(). Only who leads names records: peers_forget() relies
 * on nobody else being about to write their ids. */
void peers_note(struct peers *peers, const struct peers_news *news);
/* What was noted and told so far is no longer anybody's to know: it is overwritten, also when a
 * process was stopped while it wrote, and who has not heard all of it is told that something is
 * lost. What the disk refuses is tried again with the next peers_tell() or peers_run(). */
void peers_forget(struct peers *peers);
/* The same of one scope, which `news` names: who has heard all that was told before is told of the
 * scope instead. */
void peers_purged(struct peers *peers, const struct peers_news *news);
/* Wakes the others, and tells them what was noted. */
void peers_tell(struct peers *peers);

/* Readable when peers_run() has something to do; constant for life. -1: there is none, and only
 * peers_due() says when. */
int peers_fd(const struct peers *peers);
/* When to call peers_run() even so, by the clock; UINT64_MAX: never. */
uint64_t peers_due(const struct peers *peers);
void peers_run(struct peers *peers);

#endif

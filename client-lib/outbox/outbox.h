/* The mutations not yet answered, in the order of their numbers.
 *
 * An entry holds the mutate message exactly as it was first sent, because a number sent again must
 * carry the same contents. It has no number until the server has told, at the first sign-in, from
 * where to count.
 *
 * For now the outbox lives in memory and its mutations end with the process. This is the place of a
 * durable one: it would keep the same entries in the replica's environment, written in
 * outbox_add() and deleted in outbox_answered(), and outbox_start() would find them there. */
#ifndef TANDEM_CLIENT_LIB_OUTBOX_H
#define TANDEM_CLIENT_LIB_OUTBOX_H

#include "protocol/bytes.h"
#include "protocol/message.h"
#include "protocol/status.h"
#include "tandem/tandem.h"

struct outbox_entry {
    struct outbox_entry *next;
    uint64_t number; /* 0 before it has one */
    struct buffer changes;
    struct buffer frame; /* the message as sent, once it has a number */
    uint64_t base;
    bool overwrite;
    tandem_result_fn *done;
    void *context;
};

struct outbox {
    struct outbox_entry *first;
    struct outbox_entry *last;
    size_t count;
    uint64_t next_number; /* 0 before the first sign-in */
};

/* Adds an entry (changes taken over). LIMIT when 64 are unanswered, TOO_LARGE when the message
 * would be larger than the server takes, NO_MEMORY. */
enum status outbox_add(struct outbox *outbox, struct buffer *changes, uint64_t base, bool overwrite,
                       tandem_result_fn *done, void *context, struct outbox_entry **out);

/* Signed in; `last_number` is the highest that the server has answered. Numbers continue behind it
 * on a fresh start. When the server has lost answered numbers (it was restored from a backup), what
 * is unanswered is numbered anew, for to that server it is unknown. */
void outbox_start(struct outbox *outbox, uint64_t last_number);

/* The entry's message, numbered and encoded when it is not yet. "None" when out of memory. */
struct bytes outbox_frame(struct outbox *outbox, struct outbox_entry *entry);

bool outbox_has(const struct outbox *outbox, uint64_t number);
/* Takes the entry with this number out; NULL when there is none. The caller frees it. */
struct outbox_entry *outbox_answered(struct outbox *outbox, uint64_t number);
/* The server refused this number and did not remember it: it is free again. What is unanswered with
 * higher numbers is numbered anew from there. */
void outbox_free_number(struct outbox *outbox, uint64_t number);
/* Takes the first entry out; NULL when there is none. */
struct outbox_entry *outbox_take(struct outbox *outbox);
void outbox_entry_free(struct outbox_entry *entry);

#endif

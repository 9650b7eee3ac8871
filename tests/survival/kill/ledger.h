/* What writers asked for and what they were answered, and what must be true of it.
 *
 * Each writer numbers its mutations 1, 2, 3, ...; each does one thing to one of the writer's own
 * records, whose id tells the writer and the number that created it, and whose subject tells the
 * number that changed it last. So whatever a server shows can be traced to the mutation it came
 * from, and what it must show follows from the answers alone:
 *
 *     ledger_plan()      a new mutation, not sent yet
 *     ledger_answer()    an answer: the first is noted, every other must be the same
 *     ledger_survived()  after a crash, before anything is sent again: nothing acknowledged is lost
 *     ledger_settled()   once all is answered: the records are exactly what the answers make them
 *
 * Whatever is not as it must be is printed and counted.
 */
#ifndef TANDEM_TESTS_SURVIVAL_LEDGER_H
#define TANDEM_TESTS_SURVIVAL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "protocol/id.h"

#define LEDGER_WRITERS 6

enum deed {
    DEED_CREATE,
    DEED_UPDATE,
    DEED_REMOVE,
    DEED_ASTRAY, /* an update of a record that never was: refused */
};

struct entry {
    enum deed deed;
    uint32_t target; /* number of the mutation that created the record */
    bool answered;
    unsigned status;
    uint64_t seq;
    uint64_t seen; /* the record's seq in a store that held this unanswered mutation, or 0 */
};

struct pages {
    struct entry *entries; /* of number n at n - 1 */
    size_t count, capacity;
    size_t answered; /* all up to this number are */
    uint32_t *live;  /* records that are there once all planned mutations are done */
    size_t live_count;
};

struct held {
    uint64_t seq;
    uint32_t number; /* of the last mutation; 0: not held */
};

/* What one watcher holds of the writers' records. */
struct sight {
    struct held *of[LEDGER_WRITERS]; /* by the number that created it */
    size_t size[LEDGER_WRITERS];
};

struct ledger {
    uint64_t random;
    struct pages of[LEDGER_WRITERS];
    uint64_t *owners; /* by seq: writer + 1 and number of the mutation it was given to */
    size_t owner_count;
    uint64_t highest;    /* seq that was acknowledged */
    size_t acknowledged; /* mutations answered for the first time */
    size_t repeated;     /* answered again */
    size_t inherited;    /* applied before a crash, and answered after it */
    size_t findings;
};

void ledger_release(struct ledger *ledger);
/* A number below `below`, of the run's own series. */
uint32_t ledger_random(struct ledger *ledger, uint32_t below);
/* Prints what is wrong and counts it. */
void ledger_complain(struct ledger *ledger, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Plans the writer's next mutation; returns its number. */
uint32_t ledger_plan(struct ledger *ledger, unsigned writer);
const struct entry *ledger_entry(const struct ledger *ledger, unsigned writer, uint32_t number);
void ledger_answer(struct ledger *ledger, unsigned writer, uint64_t number, unsigned status,
                   uint64_t seq);

/* `sight` is a whole replica of a server that was just restarted, at `seq`. */
void ledger_survived(struct ledger *ledger, const struct sight *sight, uint64_t seq);
/* All is answered: each writer's seqs rise with its numbers, and `expected` becomes what a viewer
 * holds for whom `visible` (NULL: everything) is true. */
typedef bool ledger_visible(const void *context, unsigned writer, uint32_t created);
void ledger_settled(struct ledger *ledger, ledger_visible *visible, const void *context,
                    struct sight *expected);

/* The id of the record that a writer's mutation creates, and back; false for other records. */
struct id ledger_id(unsigned writer, uint32_t created);
bool ledger_parse(struct id id, unsigned *writer, uint32_t *created);

void sight_release(struct sight *sight);
/* Room for the record, or NULL for what no mutation created. */
struct held *sight_at(struct sight *sight, unsigned writer, uint32_t created);
/* The first record in which they differ, in words, or false. */
bool sight_differ(const struct sight *a, const struct sight *b, char *words, size_t size);

#endif

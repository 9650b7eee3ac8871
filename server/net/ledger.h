/* Who has done how much of what should not be done: an allowance for each user, or each address.
 *
 * The table has a fixed number of places, in groups chosen by a keyed hash, so that strangers make
 * nothing grow and cannot choose whom they displace. A group that is full gives up who has spent
 * least, and of these who did so first: whoever floods the table with fresh addresses displaces
 * those, and somebody who is forgotten too early is only trusted anew.
 *
 * Any thread; times are of a monotonic clock.
 */
#ifndef TANDEM_NET_LEDGER_H
#define TANDEM_NET_LEDGER_H

#include <stdbool.h>

#include "server/net/allowance.h"

#define LEDGER_KEY 16
/* Between two tellings of the same name. */
#define LEDGER_TELL_MS 60000u

struct ledger;

struct ledger_key {
    uint8_t octet[LEDGER_KEY];
};

struct ledger_verdict {
    uint64_t wait_ms; /* 0: within the allowance */
    /* Over it, and not told of for a minute: worth a line in the log, which says how many points
     * came together since the last one. */
    bool tell;
    uint64_t points;
};

struct ledger *ledger_new(const struct allowance_terms *terms); /* NULL when out of memory */
void ledger_free(struct ledger *ledger);                        /* NULL is fine */

struct ledger_verdict ledger_charge(struct ledger *ledger, struct ledger_key key, uint32_t points,
                                    uint64_t now_ms);
/* Charges without telling: what comes of it hears who charges or asks next. */
void ledger_add(struct ledger *ledger, struct ledger_key key, uint32_t points, uint64_t now_ms);
/* Takes back some of what was charged. */
void ledger_give_back(struct ledger *ledger, struct ledger_key key, uint32_t points,
                      uint64_t now_ms);
/* How long they are to wait; 0 for who is within the allowance, or unknown. */
uint64_t ledger_wait_ms(struct ledger *ledger, struct ledger_key key, uint64_t now_ms);

#endif

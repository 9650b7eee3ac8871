/* Slows down the guessing of passwords: at most so many failures a minute for a name, wherever
 * they come from, and for an address, whatever the names.
 *
 * Each name and each address has a bucket with the attempts of the last minute, whichever minute
 * that is: an allowance that refilled steadily would let a guesser who begins with all of it have
 * twice as many in their first minute. An attempt is counted in both before anything is compared,
 * so that many at once get no further than one after the other; what turns out to be no wrong guess
 * is taken back. While either bucket is full, attempts are refused with the time to wait, which is
 * up to two seconds more than it must be. Names are the same in either case of their letters. Those
 * that do not exist are counted like any other, so the throttle does not tell them apart.
 *
 * The table has a fixed number of places, in groups chosen by a keyed hash. A group that is full
 * gives up the bucket with the fewest attempts: whoever floods the table with fresh names displaces
 * his own buckets long before those of a name under attack.
 */
#ifndef TANDEM_NET_SIGN_IN_THROTTLE_H
#define TANDEM_NET_SIGN_IN_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/bytes.h"
#include "server/net/peers.h"

struct sign_in_throttle;

/* `failures`: allowed within any minute, 1 to 65,535. NULL when out of memory. */
struct sign_in_throttle *sign_in_throttle_new(uint32_t failures);
void sign_in_throttle_free(struct sign_in_throttle *throttle);

/* Attempts without a name, by token or certificate, are counted by their address alone (a bucket
 * they shared would let any stranger empty it for everybody) and apart from those with a name:
 * somebody's wrong passwords do not stop the neighbours who are signed in.
 * Any thread; times are of a monotonic clock. When false, *wait_ms says for how long. */
bool sign_in_throttle_take(struct sign_in_throttle *throttle, struct bytes name,
                           struct peer_address address, uint64_t now_ms, uint64_t *wait_ms);
/* Once at most for each attempt that was taken, with the time at which it was. */
void sign_in_throttle_give_back(struct sign_in_throttle *throttle, struct bytes name,
                                struct peer_address address, uint64_t taken_ms);

#endif

/* Mutated handshakes and frames in great number, as fast as they come.
 *
 * With its usual limits the server lets few of them through, which is measured elsewhere
 * (hostile_peers.c); here it has none, so that every input reaches what it is meant for. Several
 * processes attack, from many addresses, with TLS 1.3 and with 1.2, where a handshake that resumes
 * a session costs both sides little, and frames follow one another without a pause. Somebody works
 * meanwhile, and every answer must come; nobody looks at how long it takes. Afterwards the server
 * must be well, with no more descriptors than before, and nothing in its log but whom it refused.
 */
#ifndef TANDEM_TESTS_SURVIVAL_HOSTILE_FLOOD_H
#define TANDEM_TESTS_SURVIVAL_HOSTILE_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

struct flood_counts {
    uint64_t requests, frames; /* mutated handshakes, and frames */
    uint64_t answered;         /* honest changes */
};

/* Sends so many inputs, every fifth of them a handshake, to a server of its own in the folder,
 * which exists. False after saying why. */
bool flood(const char *folder, uint64_t inputs, uint64_t seed, struct flood_counts *counts);

#endif

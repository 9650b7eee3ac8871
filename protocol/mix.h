/* 128 bits of any bytes: for telling contents apart where a slip, not an adversary, makes them
 * differ. Stored by the server and compared between machines, so its every bit is fixed; drawn in
 * PROTOCOL.md, section 9. */
#ifndef TANDEM_PROTOCOL_MIX_H
#define TANDEM_PROTOCOL_MIX_H

#include <stdint.h>

#include "protocol/bytes.h"

#define MIX_SIZE 16u

/* After MurmurHash3 x64/128 (Austin Appleby, public domain), but blocks are read big-endian, both
 * halves are mixed in before they are stirred, and the seed has 64 bits. Who means to can find
 * different bytes that mix to the same. `out` may lie within `bytes`. */
void mix128(struct bytes bytes, uint64_t seed, uint8_t out[MIX_SIZE]);

#endif

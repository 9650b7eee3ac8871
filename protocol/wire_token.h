/* The head of one MessagePack value, read with bounds: what the validator and the reader share.
 * Internal to the wire module. */
#ifndef TANDEM_PROTOCOL_WIRE_TOKEN_H
#define TANDEM_PROTOCOL_WIRE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct wire_token {
    enum wire_type type;
    size_t head;     /* bytes before the contents */
    size_t body;     /* bytes of a str or bin; 0 for every other type */
    uint32_t count;  /* elements of an array, pairs of a map */
    int64_t integer; /* WIRE_INT; WIRE_BOOL as 0 or 1 */
    uint64_t natural; /* WIRE_UINT */
};

/* Reads the head of the value at `at`. False when the bytes end too early, when a length or
 * count promises more than the bytes that remain can hold, and for types Tandem does not use. */
bool wire_token_read(const uint8_t *at, const uint8_t *end, struct wire_token *token);

#endif

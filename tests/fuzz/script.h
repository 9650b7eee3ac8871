/* An input as a script: bytes taken one after another, and messages bent by what they say. */
#ifndef TANDEM_TESTS_FUZZ_SCRIPT_H
#define TANDEM_TESTS_FUZZ_SCRIPT_H

#include "protocol/bytes.h"

struct script {
    const uint8_t *at, *end;
};

struct script script_of(const uint8_t *data, size_t size);
bool script_ended(const struct script *script);
/* The next byte; 0 at the end. */
uint8_t script_take(struct script *script);
/* The next bytes, behind their number (12 bits in two bytes); fewer at the end. */
struct bytes script_take_bytes(struct script *script);
/* Replaces a byte of the message, cuts its end off, puts something in, or doubles a part. */
void script_bend(struct script *script, struct buffer *message);

#endif
